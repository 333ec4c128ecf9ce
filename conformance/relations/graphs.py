"""Plans whose graph is written anew: one call of a layer becomes several steps that must come to the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from conformance.plans.derive import Derive, derived
from conformance.protocol.plan import Plan, PlannedInput, PlannedLayer, PlannedNode

_PLAIN_CALL = re.compile(r"(?P<layer>\w+)\((?P<input>\w+)\)")
Steps = tuple[dict[str, Any], list[PlannedNode]]
"""The layer's arguments, and the nodes that take the place of one; the last has its name."""
Rewrite = Callable[[str, str, PlannedLayer, str, PlannedInput], Steps | None]
"""From a node's name, its layer's name and the layer, and the input that the layer is called on; None for what stays.
"""


def with_calls(name: str, rewrite: Rewrite) -> Derive:
    """Derives plans by writing every call of a layer on an input anew; None where there is nothing to write."""

    def derive(plan: Plan) -> Plan | None:
        layers = dict(plan.layers)
        graph: list[PlannedNode] = []
        for node in plan.graph:
            steps = None
            for layer, given in _plain_calls(plan, node.expression):
                steps = rewrite(node.name, layer, layers[layer], given, plan.inputs[given])
                if steps is not None:
                    had = layers[layer]
                    layers[layer] = replace(had, config={**had.config, **steps[0]}, full={**had.full, **steps[0]})
            graph += [node] if steps is None else steps[1]
        return None if tuple(graph) == plan.graph else derived(plan, name, layers=layers, graph=tuple(graph))

    return derive


def _plain_calls(plan: Plan, text: str) -> Iterator[tuple[str, str]]:
    """The layer and the input of a node that is `layer(input)`, if nothing else in the graph calls the layer."""
    call = _PLAIN_CALL.fullmatch(text.strip())
    if call is None or call["layer"] not in plan.layers or call["input"] not in plan.inputs:
        return
    if sum(bool(re.search(rf"\b{call['layer']}\b", other)) for _, other in plan.graph) == 1:
        yield call["layer"], call["input"]


def in_two_parts(node: str, name: str, layer: PlannedLayer, given: str, spec: PlannedInput) -> Steps | None:
    """The first two steps, and the others from the state after these."""
    full = layer.full
    if "return_state" not in full or full["return_state"] or full["go_backwards"] or full["stateful"]:
        return None
    first, second = f"_{node}_first", f"_{node}_second"
    whole = f"concatenate([{first}[0], {second}[0]], axis=1)" if full["return_sequences"] else f"{second}[0]"
    steps = [
        PlannedNode(first, f"{name}({given}[:, 0:2])"),
        PlannedNode(second, f"{name}({given}[:, 2:], initial_state={first}[1:])"),
        PlannedNode(node, whole),
    ]
    return {"return_state": True}, steps


def channels_moved(node: str, name: str, layer: PlannedLayer, given: str, spec: PlannedInput) -> Steps | None:
    """The channels brought to where the layer looks for them when it is told that they stand on the other side."""
    formats = {"channels_last": "channels_first", "channels_first": "channels_last"}
    if layer.full.get("data_format") not in formats:
        return None
    rank = len(spec.shape)
    forward, backward = [0, rank - 1, *range(1, rank - 1)], [0, *range(2, rank), 1]
    if layer.full["data_format"] == "channels_first":
        forward, backward = backward, forward
    call = f"transpose({name}(transpose({given}, {forward})), {backward})"
    return {"data_format": formats[layer.full["data_format"]]}, [PlannedNode(node, call)]
