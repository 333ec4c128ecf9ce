"""Functions of layers that are said in the graph language, over a lane's own arrays. Standard library only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.case.expressions import evaluate, parse
from conformance.protocol.carried import ARITHMETIC
from conformance.protocol.operations import Operations


@dataclass(frozen=True)
class _Bound:
    """The verbs of the graph language over arrays that are bound to names; there are no layers and no masks."""

    values: Mapping[str, Any]
    operations: Operations

    def name(self, name: str) -> Any:
        return self.values[name]

    def call(self, callee: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        raise TypeError(f"{callee} is no operation")

    def operate(self, operation: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        return self.operations.apply(operation, args, kwargs)

    def weight(self, layer: str, weight: str) -> Any:
        raise TypeError(f"{layer}.{weight} is a weight")

    def arithmetic(self, operator: str, left: Any, right: Any) -> Any:
        return ARITHMETIC[operator](left, right)

    def item(self, value: Any, index: Any) -> Any:
        return value[index]


def computed(text: str, values: Mapping[str, Any], operations: Operations) -> Any:
    """What a function gives for these values of its names."""
    return evaluate(parse(text), _Bound(values, operations))


def function_of(text: str, given: tuple[str, ...], operations: Operations) -> Callable[..., Any]:
    """A function of Python for what is said: it takes what it is given in this order, and all else by name."""

    def said(*args: Any, **named: Any) -> Any:
        return computed(text, {**named, **dict(zip(given, args, strict=False))}, operations)

    return said
