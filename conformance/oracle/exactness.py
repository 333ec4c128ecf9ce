"""Which nodes of a case float32 computes without rounding, whatever the order of its sums: they must agree exactly.

Numbers that are only moved about stay what they were. Sums of products of whole numbers stay whole numbers, and all
that are below 2^24 are float32 numbers. The graph is walked once with a description in place of each array.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy

from conformance.case.expressions import evaluate
from conformance.protocol.plan import Plan
from conformance.reference.base import Layer

EXACT_BELOW = 2.0**24
"""All whole numbers up to here are float32 numbers."""

Kind = Literal["whole", "given", "rounded"]
_FROM_THE_WORST: tuple[Kind, ...] = ("rounded", "given", "whole")


@dataclass(frozen=True)
class Held:
    """What is known of an array: whether its numbers are whole, exact as given, or rounded; and the largest."""

    kind: Kind
    most: float = 0.0


ROUNDED = Held("rounded")

_MOVING_OPERATIONS = {
    *("abs", "cast", "concatenate", "equal", "expand_dims", "flip", "greater", "max", "min", "one_hot", "pad"),
    *("repeat", "reshape", "squeeze", "stack", "transpose", "where"),
}
_LINEAR_OPERATIONS = {"einsum", "sum"}


def described(array: Any) -> Held:
    """What is known of an array of the case."""
    values = numpy.asarray(array)
    if values.dtype == object:
        return ROUNDED
    if values.dtype.kind == "U":  # texts: what is made of them is counted
        return Held("whole")
    if values.dtype.kind != "f":
        return Held("whole", float(numpy.max(numpy.abs(values.astype(float)), initial=0.0)))
    finite = values[numpy.isfinite(values)]
    if not numpy.array_equal(finite, finite.astype(numpy.float32)):
        return ROUNDED
    is_whole = finite.size == values.size and bool(numpy.all(finite == numpy.rint(finite)))
    return Held("whole" if is_whole else "given", float(numpy.max(numpy.abs(finite), initial=0.0)))


class _Descriptions:
    """The graph verbs over descriptions."""

    def __init__(self, plan: Plan, layers: Mapping[str, Layer], weights: Any, terms: int, whole_below: float) -> None:
        self.whole_below = whole_below
        self.models = plan.models
        self.layers = layers
        self.weights = {name: {key: described(value) for key, value in held.items()} for name, held in weights.items()}
        self.terms = terms
        self.values: dict[str, Held] = {}

    def name(self, name: str) -> Held:
        return self.values[name]

    def weight(self, layer: str, weight: str) -> Held:
        return self.weights[layer].get(weight, ROUNDED)

    def item(self, value: Any, index: Any) -> Any:
        return value[index] if isinstance(value, list) else value

    def call(self, callee: str, args: list[Any], kwargs: dict[str, Any]) -> Held:
        if kwargs.get("training") is True and callee in self.weights:
            # a layer in training may put others in their place, as moving statistics
            self.weights[callee] = dict.fromkeys(self.weights[callee], ROUNDED)
        if callee in self.models or kwargs.get("training") is True:
            return ROUNDED
        given = _leaves([args, list(kwargs.values())])
        held = list(self.weights[callee].values())
        match self.layers[callee].computes():
            case "moves":
                return _worst([*given, *held])
            case "linear":
                return self._sum_of_products(list(given), held)
        return ROUNDED

    def operate(self, operation: str, args: list[Any], kwargs: dict[str, Any]) -> Held:
        given = list(_leaves([args, list(kwargs.values())]))
        if operation in _MOVING_OPERATIONS:
            return _worst([*given, Held("whole", 1.0)])
        return self._sum_of_products(given, []) if operation in _LINEAR_OPERATIONS else ROUNDED

    def arithmetic(self, operator: str, left: Any, right: Any) -> Held:
        for constant, other in ((left, right), (right, left)):
            if operator == "*" and isinstance(other, Held) and isinstance(constant, int | float) and abs(constant) == 1:
                return other
        return ROUNDED if operator == "/" else self._sum_of_products([_held(left), _held(right)], [])

    def _sum_of_products(self, given: list[Held], weights: list[Held]) -> Held:
        """Whole numbers where all are whole and no partial sum can leave what float32 holds."""
        if any(one.kind != "whole" for one in [*given, *weights]):
            return ROUNDED
        most = float(self.terms + 1)
        for one in [*given, *weights]:
            most *= max(one.most, 1.0)
        return Held("whole", most) if most < self.whole_below else ROUNDED


def _held(value: Any) -> Held:
    if isinstance(value, Held):
        return value
    return described(float(value)) if isinstance(value, int | float) else ROUNDED


def _leaves(nested: Any) -> Iterator[Held]:
    if isinstance(nested, list | tuple):
        for item in nested:
            yield from _leaves(item)
    elif isinstance(nested, Held):
        yield nested


def _worst(given: list[Held]) -> Held:
    """What is true of all together."""
    if not given:
        return ROUNDED
    kinds = {one.kind for one in given}
    kind = next(kind for kind in _FROM_THE_WORST if kind in kinds)
    return Held(kind, max(one.most for one in given))


def exact_nodes(
    plan: Plan,
    layers: Mapping[str, Layer],
    weights: Mapping[str, Mapping[str, Any]],
    inputs: Mapping[str, Any],
    terms: int,
    whole_below: float = EXACT_BELOW,
) -> set[str]:
    """The observed nodes that must be exactly the reference's; `terms` is the length of the longest sum.

    Another format than float32 holds whole numbers up to another bound; numbers that only move are rounded to it once.
    """
    descriptions = _Descriptions(plan, layers, weights, terms, whole_below)
    descriptions.values = {name: described(array) for name, array in inputs.items()}
    for node, expression in plan.expressions:
        value = evaluate(expression, descriptions)
        descriptions.values[node] = _worst(list(_leaves(value))) if isinstance(value, list) else _held(value)
    return {node for node in plan.observed if descriptions.values[node].kind != "rounded"}
