"""Plans made from plans: with other inputs, other arguments or other weights, fed activations, batches in one.

Nothing else is changed, and every derived plan has an id of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.case.expressions import GIVEN, LOSSES, parse
from conformance.oracle.penalties import activity_penalty, penalties
from conformance.protocol.names import ADAPT
from conformance.protocol.observation import Observation
from conformance.protocol.plan import CONFIG, SAVED, Array, Plan, PlannedInput, PlannedLayer, PlannedNode, read_only
from conformance.reference.base import KINDS, LayerError, full_config, make

Derive = Callable[[Plan], Plan | None]
"""From a plan to another one; None where there is nothing to change."""
InputsChange = Callable[[dict[str, Array]], dict[str, Array] | None]
"""All input arrays of a run to those that it has instead; None for what cannot be changed so."""


def derived(plan: Plan, name: str, **changes: Any) -> Plan:
    """The plan under an id of its own, without gradients, training and model, and with these fields replaced."""
    nothing: dict[str, Any] = {"cotangents": {}, "trainings": (), "fits": (), "saved": None, "with_model": False}
    return replace(plan, id=f"{plan.id}|{name}", **{**nothing, **changes})


def remade(name: str, kind: str) -> Derive:
    """Derives plans whose layers are made again in this way, CONFIG or SAVED.

    None for layers and initialisers that are the harness's own; for layers that learnt from data, where they are made
    from their configuration, which does not hold that; and, where they are saved, for those without weights and for
    those inside a model, which goes on with the first ones.
    """

    def derive(plan: Plan) -> Plan | None:
        layers = plan.layers.values()
        if any(is_ours({"type": layer.type, **layer.config}) for layer in layers):
            return None
        if kind == CONFIG and any(ADAPT in layer.config for layer in layers):
            return None
        if kind == SAVED and (plan.models or not any(layer.weights for layer in layers)):
            return None
        return derived(plan, name, remade=(kind,))

    return derive


def is_ours(config: Any) -> bool:
    """Whether arguments, with their type, are of a layer, or of an initialiser in one, that no framework has."""
    if isinstance(config, Mapping):
        kind = KINDS.get(config.get("type", ""))
        is_it = config.get("type") == "Binary" or (kind is not None and (kind.is_ours or bool(kind.offered_in)))
        return is_it or any(is_ours(value) for value in config.values())
    return isinstance(config, list | tuple) and any(is_ours(value) for value in config)


def with_inputs(name: str, change: InputsChange) -> Derive:
    """Derives plans by changing all input arrays of a run at once; None for what cannot be changed so."""

    def derive(plan: Plan) -> Plan | None:
        runs = []
        for run in plan.runs:
            arrays = {key: np.array(value) for key, value in run.items()}
            if not arrays or any(array.dtype == object for array in arrays.values()):
                return None
            changed = change(arrays)
            if changed is None:
                return None
            runs.append(_read_only(changed))
        inputs = {key: given.like(runs[0][key]) for key, given in plan.inputs.items()}
        return derived(plan, name, runs=tuple(runs), inputs=inputs)

    return derive


def _read_only(arrays: Mapping[str, Any]) -> dict[str, Array]:
    return {name: read_only(array) for name, array in arrays.items()}


def each_float(change: Callable[[Array], Array]) -> InputsChange:
    """Changes every float input; None where there is none."""

    def changed(arrays: dict[str, Array]) -> dict[str, Array] | None:
        if not any(array.dtype.kind == "f" for array in arrays.values()):
            return None
        return {key: change(array) if array.dtype.kind == "f" else array for key, array in arrays.items()}

    return changed


def each_along(axis: int, change: Callable[[Array], Array]) -> InputsChange:
    """Changes every input along an axis that all of them have, equally long and longer than 1."""

    def changed(arrays: dict[str, Array]) -> dict[str, Array] | None:
        lengths = {array.shape[axis] if array.ndim > axis else 0 for array in arrays.values()}
        if len(lengths) != 1 or lengths.pop() < 2:
            return None
        return {key: change(array) for key, array in arrays.items()}

    return changed


LayerChange = Callable[[str, dict[str, Any], dict[str, Array]], tuple[str, dict[str, Any], dict[str, Array]] | None]
"""Type, arguments and weights of a layer to those that it has instead; None for a layer that stays."""


def with_layers(name: str, change: LayerChange) -> Derive:
    """Derives plans by changing layers; None where no layer changes."""

    def derive(plan: Plan) -> Plan | None:
        layers: dict[str, PlannedLayer] = {}
        is_changed = False
        for key, layer in plan.layers.items():
            changed = change(layer.type, dict(layer.full), {k: np.array(value) for k, value in layer.weights.items()})
            if changed is None:
                layers[key] = layer
                continue
            is_changed = True
            kind, config, arrays = changed
            given = {argument: value for argument, value in config.items() if _is_told(layer, argument, value)}
            try:
                full = full_config(make(kind, given))
            except LayerError:
                return None
            weights = {weight: read_only(array.astype(np.float32)) for weight, array in arrays.items()}
            changed_layer = replace(layer, type=kind, config=given, full=full, weights=weights, as_built=())
            layers[key] = replace(
                changed_layer,
                penalties=penalties(kind, given, [weight for weight in weights if weight not in layer.fixed]),
                activity_penalty=activity_penalty(kind, given),
            )
        return derived(plan, name, layers=layers) if is_changed else None

    return derive


def _is_told(layer: PlannedLayer, argument: str, value: Any) -> bool:
    """Whether an argument was written in the case or is another one now."""
    return argument in layer.config or argument not in layer.full or layer.full[argument] != value


def fed(plan: Plan, reference: Observation, given: Iterable[str]) -> Plan:
    """The plan in which these observed nodes are what the reference has there, instead of being computed.

    A node is given by inputs that hold its arrays, masks included.
    """
    known = set(given)
    inputs, graph = dict(plan.inputs), []
    runs = [dict(run) for run in plan.runs]

    def hold(name: str, arrays: Sequence[Array]) -> str:
        shapes = [array.shape for array in arrays]
        shape = (int(n) if all(other[axis] == n for other in shapes) else None for axis, n in enumerate(shapes[0]))
        inputs[name] = PlannedInput(tuple(shape), str(arrays[0].dtype))
        for run, array in zip(runs, arrays, strict=True):
            run[name] = read_only(array)
        return name

    for node, expression in plan.graph:
        if node not in known:
            graph.append(PlannedNode(node, expression))
            continue
        parts = []
        for place, first in enumerate(reference.runs[0][node].outputs):
            outputs = [run[node].outputs[place] for run in reference.runs]
            part = hold(f"{node}__{place}", [np.asarray(one.values).astype(one.dtype) for one in outputs])
            if first.mask is not None:
                part = f"{GIVEN}({part}, {hold(f'{node}__{place}_mask', [np.asarray(one.mask) for one in outputs])})"
            parts.append(part)
        is_one = reference.runs[0][node].structure is None
        graph.append(PlannedNode(node, parts[0] if is_one else f"[{', '.join(parts)}]"))
    return derived(
        plan,
        f"fed {' '.join(sorted(known))}",
        inputs=inputs,
        runs=tuple(runs),
        graph=tuple(graph),
        observed=tuple(node for node in plan.observed if node not in known),
    )


def only_node(plan: Plan, node: str) -> Plan:
    """The plan of one node: what it is computed from, and nothing else."""
    texts = dict(plan.graph)
    needed: set[str] = set()
    waiting = [node]
    while waiting:
        name = waiting.pop()
        needed.add(name)
        waiting += [used for used in _read_by(name, texts) if used not in needed]
    called = {callee for name in needed for callee in parse(texts[name]).callees()}
    read = {layer for name in needed for layer, _ in parse(texts[name]).layers_with_weights()}
    used = {name for text in needed for name in parse(texts[text]).names()}
    return derived(
        plan,
        f"{node} alone",
        graph=tuple(one for one in plan.graph if one.name in needed),
        observed=(node,),
        layers={name: layer for name, layer in plan.layers.items() if name in called | read},
        inputs={name: given for name, given in plan.inputs.items() if name in used},
        runs=tuple({name: array for name, array in run.items() if name in used} for run in plan.runs),
    )


def _read_by(name: str, texts: Mapping[str, str]) -> list[str]:
    """The nodes that a node reads, and those above it that call a layer whose losses it reads."""
    expression = parse(texts[name])
    found = [node for node in expression.names() if node in texts]
    costing = {layer for layer, weight in expression.layers_with_weights() if weight == LOSSES}
    above = list(texts)[: list(texts).index(name)] if costing else []
    return found + [node for node in above if parse(texts[node]).callees() & costing]


def stacked(plan: Plan, plans: Sequence[Plan]) -> Plan:
    """One plan of the samples of all of these, which have one form, in their order; `plan` says all the rest."""
    runs = []
    for beside in zip(*(one.runs for one in plans), strict=True):
        axes = {name: plan.inputs[name].batch_axis for name in beside[0]}
        joined = {name: np.concatenate([run[name] for run in beside], axis) for name, axis in axes.items()}
        runs.append(_read_only(joined))
    inputs = {name: given.like(runs[0][name]) for name, given in plan.inputs.items()}
    return replace(plan, inputs=inputs, runs=tuple(runs))
