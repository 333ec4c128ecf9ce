"""What Keras has in the place of a module of torch's: layers of Keras, a small graph of them, and the ways of weights.

A counterpart is written in the language of cases' graphs, over the parameters of the module's `forward`. It is made
where the module is called in the reference, for it may depend on shapes, and travels with the plan: the Keras lane runs
it, scripts print it. Standard library only: lane processes run this too.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from conformance.mapping import Mapped, mapped_from

Joint = Literal["", "sum", "stack"]
"""What is made of several weights: their sum, or one array with a new first axis; empty for one."""


class NoCounterpart(Exception):
    """Keras has nothing that gives the same; the message says why, and what comes nearest."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A weight of Keras as it is made of weights of torch."""

    parts: tuple[Mapped, ...]
    joint: Joint = ""

    def under(self, scope: str) -> Moved:
        """The same of the weights of a module within another."""
        return replace(self, parts=tuple(replace(part, source=f"{scope}.{part.source}") for part in self.parts))

    def to_wire(self) -> list[Any]:
        return [self.joint, [part.to_wire() for part in self.parts]]


@dataclass(frozen=True, slots=True)
class KerasLayer:
    """A layer of Keras with its arguments and, by Keras' names in Keras' order, how its weights are made."""

    type: str
    config: Mapping[str, Any]
    weights: Mapping[str, Moved] = field(default_factory=dict)

    def text(self) -> str:
        """The call of its constructor."""
        return f"{self.type}({', '.join(f'{name}={value!r}' for name, value in self.config.items())})"


@dataclass(frozen=True, slots=True)
class Counterpart:
    """A graph over the parameters of a call; `reason` says why there is none, and then all else is empty."""

    result: str = ""
    """The expression that gives what the module gives."""
    layers: Mapping[str, KerasLayer] = field(default_factory=dict)
    nodes: tuple[tuple[str, str], ...] = ()
    """Steps before the result, in their order: name and expression."""
    arrays: Mapping[str, Moved] = field(default_factory=dict)
    """Weights of torch that the expressions use as they are, where no layer of Keras holds them."""
    parameters: tuple[str, ...] = ()
    """What the arguments of the call are called, in their order; filled in where the module is called."""
    reason: str = ""

    def text(self) -> str:
        """The counterpart in a line: the expression, and what it calls."""
        if self.reason:
            return f"none in Keras: {self.reason}"
        steps = "".join(f", {name} = {text}" for name, text in self.nodes)
        called = "".join(f", {name} = {layer.text()}" for name, layer in self.layers.items())
        return f"in Keras: {self.result}{called}{steps}"

    def to_wire(self) -> dict[str, Any]:
        """Built-in types."""
        return {
            "result": self.result,
            "layers": {
                name: [layer.type, dict(layer.config), {key: moved.to_wire() for key, moved in layer.weights.items()}]
                for name, layer in self.layers.items()
            },
            "nodes": [list(node) for node in self.nodes],
            "arrays": {name: moved.to_wire() for name, moved in self.arrays.items()},
            "parameters": list(self.parameters),
            "reason": self.reason,
        }


def from_wire(message: Mapping[str, Any]) -> Counterpart:
    """The counterpart of a `to_wire`."""
    return Counterpart(
        result=message["result"],
        layers={
            name: KerasLayer(kind, config, {key: _moved(one) for key, one in weights.items()})
            for name, (kind, config, weights) in message["layers"].items()
        },
        nodes=tuple((name, text) for name, text in message["nodes"]),
        arrays={name: _moved(one) for name, one in message["arrays"].items()},
        parameters=tuple(message["parameters"]),
        reason=message["reason"],
    )


def _moved(message: Any) -> Moved:
    joint, parts = message
    return Moved(tuple(mapped_from(part["source"], part["steps"]) for part in parts), joint)


def same(name: str) -> Moved:
    """torch's weight as it is."""
    return Moved((Mapped(name),))


def moved(mapped: Mapped) -> Moved:
    """One of torch's weights, by way of these steps."""
    return Moved((mapped,))


def added(*parts: Mapped) -> Moved:
    """The sum of weights."""
    return Moved(parts, "sum")


def stacked(*parts: Mapped) -> Moved:
    """Weights along a new first axis."""
    return Moved(parts, "stack")


class Composition:
    """Counterparts that are called one after another, as one counterpart."""

    def __init__(self) -> None:
        self.layers: dict[str, KerasLayer] = {}
        self.nodes: list[tuple[str, str]] = []
        self.arrays: dict[str, Moved] = {}

    def call(self, inner: Counterpart, name: str, scope: str, **arguments: str) -> str:
        """The name of the step that holds what `inner` gives for these expressions in the place of its parameters.

        `scope` is the part of the state_dict that the inner module has; what `inner` names gets `name` before it.
        """
        own = {held: f"{name}_{held}" for held in (*inner.layers, *inner.arrays, *(node for node, _ in inner.nodes))}
        words = {
            **{held: ast.Name(label) for held, label in own.items()},
            **{k: _tree(v) for k, v in arguments.items()},
        }
        for held, layer in inner.layers.items():
            weights = {key: one.under(scope) for key, one in layer.weights.items()}
            self.layers[own[held]] = KerasLayer(layer.type, layer.config, weights)
        self.arrays |= {own[held]: one.under(scope) for held, one in inner.arrays.items()}
        self.nodes += [(own[node], renamed(text, words)) for node, text in inner.nodes]
        self.nodes.append((name, renamed(inner.result, words)))
        return name

    def counterpart(self, result: str) -> Counterpart:
        """All of it, with what it gives."""
        return Counterpart(result, self.layers, tuple(self.nodes), self.arrays)


def renamed(text: str, words: Mapping[str, ast.expr]) -> str:
    """An expression with other expressions in the place of names."""

    class Rename(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:  # ast's name
            return words.get(node.id, node)

    return ast.unparse(Rename().visit(_tree(text)))


def _tree(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def one_layer(
    type: str, config: Mapping[str, Any], weights: Mapping[str, Moved] | None = None, result: str = "layer(input)"
) -> Counterpart:
    """A single layer of Keras, called `layer` in the expression."""
    return Counterpart(result, {"layer": KerasLayer(type, config, weights or {})})


def expression(text: str, **nodes: str) -> Counterpart:
    """Operations alone; `nodes` are the steps before."""
    return Counterpart(text, nodes=tuple(nodes.items()))
