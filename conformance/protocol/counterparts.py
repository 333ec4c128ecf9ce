"""A plan in torch's words as one in Keras' words, and Keras' answer to it in torch's words again.

Each call of a module of torch's becomes the steps of its counterpart; weights and their gradients go there and back by
the same declaration. NumPy and the standard library only: the Keras lane runs this in its own process.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.counterpart import Counterpart, Moved, same
from conformance.imports import is_own
from conformance.mapping import Blocks, Mapped, Reshape, Row, Step, Transpose, Zeros
from conformance.protocol.adapter import Unsupported
from conformance.protocol.plan import (
    Array,
    Plan,
    PlannedInput,
    PlannedLayer,
    PlannedNode,
    PlannedTraining,
    read_only,
)
from conformance.protocol.wire import pack, unpack

Message = dict[str, Any]
Back = Callable[[Message], Message]
"""From what a lane gave for the plan in Keras' words to what it gives for the one in torch's."""


PREFIXES = ("nn.", "F.", "optim.")
"""What torch's modules, functions and optimisers are called by before their names."""


def is_torchs(kind: str) -> bool:
    """Whether a type of layer is one of torch's names: `nn.Linear`, `F.pad`."""
    return kind.startswith(PREFIXES) and not is_own(kind)


def in_keras(plan: Plan) -> tuple[Plan, Back]:
    """The plan with Keras' counterparts in the place of torch's modules. Raises Unsupported where there is none."""
    asked = {name: layer for name, layer in plan.layers.items() if is_torchs(layer.type)}
    trainings = tuple(map(_trained_in_keras, plan.trainings))
    if not asked:
        return replace(plan, trainings=trainings), lambda message: message
    for name, layer in asked.items():
        if not layer.counterparts:
            raise Unsupported(f"the reference refuses {layer.type} ({name}): nothing is known of Keras' counterpart")
        reasons = [one.reason for one in layer.counterparts if one.reason]
        if reasons:
            raise Unsupported(reasons[0])
        if len({str(one.layers) + str(one.arrays) for one in layer.counterparts}) > 1:
            raise Unsupported(f"{layer.type} ({name}) is called in two ways, which are two layers in Keras")
    whole = _Written(replace(plan, trainings=trainings), asked).plan()
    return whole, lambda message: _in_torch(message, plan, asked)


def _trained_in_keras(training: PlannedTraining) -> PlannedTraining:
    """The training by Keras' optimiser. Raises Unsupported where there is none."""
    if not is_torchs(training.optimizer):
        return training
    found = training.counterpart
    if "type" not in found:
        raise Unsupported(found.get("reason", f"the reference refuses {training.optimizer}"))
    return replace(training, optimizer=found["type"], config=found["config"], full=found["config"])


class _Written:
    """A plan on its way into Keras' words."""

    def __init__(self, plan: Plan, asked: Mapping[str, PlannedLayer]) -> None:
        self.old, self.asked = plan, asked
        self.calls = dict.fromkeys(asked, 0)
        self.nodes: list[PlannedNode] = []

    def plan(self) -> Plan:
        """The whole plan."""
        old = self.old
        layers = {name: layer for name, layer in old.layers.items() if name not in self.asked}
        inputs, arrays = dict(old.inputs), {}
        for name, layer in self.asked.items():
            first = layer.counterparts[0]
            for own, held in first.layers.items():
                weights = {key: _made(moved, layer.weights) for key, moved in held.weights.items()}
                layers[within(name, own)] = PlannedLayer(
                    held.type, {"name": within(name, own), **held.config}, held.config, weights
                )
            for own, moved in first.arrays.items():
                array = _made(moved, layer.weights)
                arrays[within(name, own)] = array
                inputs[within(name, own)] = PlannedInput(array.shape, str(array.dtype))
        for node, text in old.graph:
            self.nodes.append(PlannedNode(node, ast.unparse(self._inlined(ast.parse(text.strip(), mode="eval").body))))
        return replace(
            old,
            layers=layers,
            inputs=inputs,
            graph=tuple(self.nodes),
            runs=tuple({**run, **arrays} for run in old.runs),
            trainings=tuple(
                replace(one, layers=tuple(inner for name in one.layers for inner in self._inner(name)))
                for one in old.trainings
            ),
        )

    def _inner(self, name: str) -> list[str]:
        held = self.asked.get(name)
        return [name] if held is None else [within(name, own) for own in held.counterparts[0].layers]

    def _inlined(self, tree: ast.expr) -> ast.expr:
        """The expression with the result of a counterpart in the place of each call, whose steps go before it."""

        class Inline(ast.NodeTransformer):
            def visit_Call(inner, node: ast.Call) -> ast.expr:  # noqa: N805  # ast's name; `self` is outside
                inner.generic_visit(node)
                if isinstance(node.func, ast.Name) and node.func.id in self.asked:
                    return self._call(node.func.id, node)
                return node

            def visit_Attribute(inner, node: ast.Attribute) -> ast.expr:  # noqa: N805  # as above
                name, _, weight = ast.unparse(node).partition(".")
                return self._weight(name, weight) if name in self.asked else node

        found: ast.expr = Inline().visit(tree)
        return found

    def _weight(self, name: str, weight: str) -> ast.expr:
        """The weight of Keras that holds one of torch's as it is."""
        for label, moved in _labels(name, self.asked[name].counterparts[0]):
            if moved == same(weight) and " " not in label:
                return ast.parse(label, mode="eval").body
        raise Unsupported(f"no weight of Keras' is {name}.{weight} as it stands: the graph reads it")

    def _call(self, name: str, node: ast.Call) -> ast.expr:
        number = self.calls[name]
        self.calls[name] += 1
        counterparts = self.asked[name].counterparts
        if number >= len(counterparts):
            raise Unsupported(f"the reference did not reach the call of {name}")
        counterpart = counterparts[number]
        bound: dict[str, ast.expr] = {}
        for parameter, value in [*zip(counterpart.parameters, node.args, strict=False), *_named(node)]:
            if isinstance(value, ast.Name | ast.Constant):
                bound[parameter] = value
                continue
            label = f"{within(name, parameter)}_{number + 1}"
            self.nodes.append(PlannedNode(label, ast.unparse(value)))
            bound[parameter] = ast.Name(label)
        for own in (*counterpart.layers, *counterpart.arrays):
            bound[own] = ast.Name(within(name, own))
        for own, text in counterpart.nodes:
            label = f"{within(name, own)}_{number + 1}"
            self.nodes.append(PlannedNode(label, ast.unparse(_renamed(text, bound))))
            bound[own] = ast.Name(label)
        return _renamed(counterpart.result, bound)


def within(layer: str, own: str) -> str:
    """The name, in the plan in Keras' words, of a part of a module's counterpart."""
    return f"{layer}__{own}"


def _named(node: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    for keyword in node.keywords:
        if keyword.arg is not None and keyword.arg != "training":
            yield keyword.arg, keyword.value


def _renamed(text: str, names: Mapping[str, ast.expr]) -> ast.expr:
    class Rename(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:  # ast's name
            return names.get(node.id, node)

    found: ast.expr = Rename().visit(ast.parse(text, mode="eval").body)
    return found


# weights, there and back


def _made(moved: Moved, weights: Mapping[str, Array]) -> Array:
    """A weight of Keras from torch's."""
    parts = [_applied(part, weights) for part in moved.parts]
    match moved.joint:
        case "sum":
            return read_only(np.asarray(sum(parts[1:], parts[0]), dtype=parts[0].dtype))
        case "stack":
            return read_only(np.stack(parts))
    return read_only(np.ascontiguousarray(parts[0]))


def _applied(part: Mapped, weights: Mapping[str, Array]) -> Array:
    value = weights[part.source]
    for step in part.steps:
        value = _forwards(step, value)
    return value


def _forwards(step: Step, value: Array) -> Array:
    match step:
        case Transpose(axes):
            return value.transpose(axes)
        case Reshape(shape):
            return value.reshape(shape)
        case Row(index):
            return np.asarray(value[index])
        case Blocks(order, axis):
            parts = np.split(value, len(order), axis)
            return np.concatenate([parts[place] for place in order], axis)
        case Zeros():
            return np.zeros_like(value)


def _backwards(step: Step, before: tuple[int, ...], value: Array) -> Array:
    """The step's adjoint: what arrives at its input, of this shape, from what arrives at its output."""
    match step:
        case Transpose(axes):
            return value.transpose(np.argsort(axes))
        case Reshape():
            return value.reshape(before)
        case Row(index):
            found = np.zeros(before, value.dtype)
            found[index] = value
            return found
        case Blocks(order, axis):
            parts = np.split(value, len(order), axis)
            return np.concatenate([parts[order.index(place)] for place in range(len(order))], axis)
        case Zeros():
            return np.zeros(before, value.dtype)


def _returned(moved: Moved, weights: Mapping[str, Array], value: Array) -> Iterator[tuple[str, Array]]:
    """For each of torch's weights in a Keras weight what arrives there from `value`, which has the Keras shape."""
    for place, part in enumerate(moved.parts):
        shapes = [weights[part.source].shape]
        array = weights[part.source]
        for step in part.steps:
            array = _forwards(step, array)
            shapes.append(array.shape)
        own = value[place] if moved.joint == "stack" else value
        for step, before in zip(reversed(part.steps), reversed(shapes[:-1]), strict=True):
            own = _backwards(step, before, own)
        yield part.source, own


def _in_torch(message: Message, plan: Plan, asked: Mapping[str, PlannedLayer]) -> Message:
    """A lane's answer with weights, gradients and trained weights under torch's names, in torch's layout."""
    found = dict(message)
    found["gradients"] = _gradients(message["gradients"], asked)
    try:
        found["runs"] = [_trained(run, asked) for run in message["runs"]]
    except Unsupported as reason:
        found["unsupported"] = str(reason)
    for part in ("weights", "params"):
        found[part] = {name: held for name, held in message[part].items() if name in plan.layers}
    for name, layer in asked.items():
        inner = [within(name, own) for own in layer.counterparts[0].layers]
        if all(own in message["weights"] for own in inner):
            found["weights"][name] = {key: list(array.shape) for key, array in layer.weights.items()}
            found["params"][name] = sum(array.size for array in layer.weights.values())
    return found


def _gradients(given: Mapping[str, Any], asked: Mapping[str, PlannedLayer]) -> dict[str, Any]:
    inner = {}
    for name, layer in asked.items():
        first = layer.counterparts[0]
        for label, moved in _labels(name, first):
            inner[label] = (name, layer, moved)
    found = {label: held for label, held in given.items() if label not in inner}
    sums: dict[str, Array] = {}
    for label, (name, layer, moved) in inner.items():
        if label in given:
            for source, own in _returned(moved, layer.weights, unpack(given[label]["data"])):
                key = f"{name}.{source}"
                sums[key] = sums[key] + own if key in sums else own
    return {**found, **{key: {"data": pack(np.ascontiguousarray(value))} for key, value in sums.items()}}


def _labels(name: str, counterpart: Counterpart) -> Iterator[tuple[str, Moved]]:
    """What gradients are called in the plan in Keras' words, and which of torch's weights they are of."""
    for own, held in counterpart.layers.items():
        for key, moved in held.weights.items():
            yield f"{within(name, own)}.{key}", moved
    for own, moved in counterpart.arrays.items():
        yield f"input {within(name, own)}", moved


def _trained(run: Mapping[str, Any], asked: Mapping[str, PlannedLayer]) -> dict[str, Any]:
    """One run with the weights after each step of training in torch's words.

    Raises Unsupported where Keras trains the sum of two of torch's weights: neither can be told from it.
    """
    found = dict(run)
    sums: dict[str, Array] = {}
    for name, layer in asked.items():
        for label, moved in _labels(name, layer.counterparts[0]):
            for node in [node for node in run if node.startswith(f"{label}@")]:
                if moved.joint == "sum":
                    parts = " and ".join(part.source for part in moved.parts)
                    raise Unsupported(f"Keras trains one weight where torch has {parts}, and adds them")
                step = node.rpartition("@")[2]
                value = unpack(found.pop(node)["items"][0]["data"])
                for source, own in _returned(moved, layer.weights, value):
                    key = f"{name}.{source}@{step}"
                    sums[key] = sums[key] + own if key in sums else own
    for key, value in sums.items():
        item = {
            "shape": list(value.shape),
            "dtype": str(value.dtype),
            "data": pack(np.ascontiguousarray(value)),
            "mask": None,
        }
        found[key] = {"structure": None, "items": [item]}
    return found
