"""Graph evaluation for lanes whose arrays cannot carry a mask: each value travels with its mask beside it.

The NumPy and the torch lane share this; Keras carries masks itself. Only layers carry masks on, as in Keras: an
operation or a subscript drops them. Standard library only.
"""

from __future__ import annotations

import copy
import inspect
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from conformance.case.expressions import GIVEN, evaluate
from conformance.protocol.adapter import Disconnected, Observing
from conformance.protocol.masks import each_mask, handed_on
from conformance.protocol.operations import Operations
from conformance.protocol.plan import Plan


@dataclass(frozen=True)
class Value:
    """An array of the lane, and the mask that a layer gave it (None: no mask)."""

    data: Any
    mask: Any = None


def data_of(nested: Any) -> Any:
    """The arrays without their masks, in the same lists."""
    return _each(nested, lambda value: value.data)


def mask_of(nested: Any) -> Any:
    """The masks, in the same lists; None where there is none at all."""
    masks = _each(nested, lambda value: value.mask, other=None)
    if isinstance(masks, list) and all(mask is None for mask in masks):
        return None
    return masks


def _each(nested: Any, function: Callable[[Value], Any], **kwargs: Any) -> Any:
    if isinstance(nested, Value):
        return function(nested)
    if isinstance(nested, list | tuple):
        return [_each(item, function, **kwargs) for item in nested]
    return kwargs.get("other", nested)


@cache
def _parameters(function: Callable[..., Any], bound: int) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)[bound:]


@dataclass(frozen=True)
class Arguments:
    """What a layer's forward pass is called with, and the input mask that its mask rule starts from."""

    args: list[Any]
    kwargs: dict[str, Any]
    first: Any
    first_mask: Any


def arguments_for(function: Callable[..., Any], bound: int, args: list[Any], kwargs: Mapping[str, Any]) -> Arguments:
    """Splits values from masks and hands the masks on to the parameters that ask for them.

    `bound` leading parameters of `function` are not the caller's (weights, config). The rules are those of
    `conformance.protocol.masks`.
    """
    given = {name: data_of(value) for name, value in kwargs.items()}
    handed = handed_on(_parameters(function, bound), args, kwargs, given.get("mask"), mask_of)
    given = {name: value for name, value in (given | handed.filled).items() if name not in handed.dropped}
    first = args[0] if args else None
    return Arguments([data_of(value) for value in args], given, data_of(first), handed.first)


def with_masks(output: Any, masks: Any) -> Any:
    """The output of a layer as values; a list of outputs takes a list of masks, or one for its first entry."""
    if isinstance(output, list | tuple):
        return [with_masks(item, mask) for item, mask in zip(output, each_mask(masks, len(output)), strict=True)]
    return Value(output, masks)


class CarriedArrays:
    """The graph verbs over `Value`s. A lane adds `call_layer`, `weight` and its operations and arithmetic."""

    operations: Operations
    """Those of the lane's framework."""
    is_training = False
    """Whether every layer of the graph that asks is told that it is trained, unless the graph says otherwise."""

    def __init__(self, plan: Plan, observing: Observing) -> None:
        self.models = plan.models
        self.graph = plan.expressions
        self.values: dict[str, Any] = {}
        self.observing = observing

    def call_layer(self, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        raise NotImplementedError

    def asks_for_training(self, name: str) -> bool:
        """Whether the layer of this name takes `training=`."""
        raise NotImplementedError

    def weight(self, layer: str, weight: str) -> Any:
        raise NotImplementedError

    def run(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Evaluates the whole graph on these arrays; what was reached is in `values` even when something raises."""
        self.values = {name: Value(array) for name, array in inputs.items()}
        for node, expression in self.graph:
            self.observing.node = node
            self.values[node] = evaluate(expression, self)
        return self.values

    def name(self, name: str) -> Any:
        return self.values[name]

    def call(self, callee: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if callee not in self.models:
            if self.is_training and self.asks_for_training(callee):
                kwargs = {"training": True, **kwargs}
            return self.call_layer(callee, args, kwargs)
        model = self.models[callee]
        inner = copy.copy(self)
        inner.values = dict(zip(model.inputs, args, strict=True))
        outputs = nodes_of(inner, model.outputs)
        return outputs[0] if len(outputs) == 1 else outputs

    def operate(self, operation: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if operation == "mask":
            mask = mask_of(args[0])
            if mask is None:
                raise ValueError("mask(x): x carries no mask")
            return Value(mask)
        if operation == GIVEN:
            return Value(args[0].data, args[1].data)
        given = {name: data_of(value) for name, value in kwargs.items()}
        return Value(self.operations.apply(operation, data_of(args), given))

    def arithmetic(self, operator: str, left: Any, right: Any) -> Any:
        return Value(ARITHMETIC[operator](data_of(left), data_of(right)))

    def item(self, value: Any, index: Any) -> Any:
        if isinstance(value, list):
            return value[index]
        return Value(value.data[index])


def remembered(state: Mapping[str, Any], weight: str) -> Any:
    """What a layer has put in the place of a weight (`layer.moving_mean` of a wrapped one) in this run, or None."""
    scope, _, rest = weight.partition(".")
    return remembered(state.get(scope, {}), rest) if rest else state.get(scope)


ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "@": operator.matmul,
}


def nodes_of(arrays: CarriedArrays, wanted: Sequence[str]) -> list[Any]:
    """Evaluates the wanted nodes from what is bound in `arrays.values` and nothing else.

    Raises Disconnected where a node needs a graph input that is not bound.
    """
    texts = dict(arrays.graph)
    bound = ", ".join(arrays.values)

    def value_of(name: str) -> Any:
        if name not in arrays.values:
            if name not in texts:
                raise Disconnected(f"graph disconnected: {name} cannot be reached from {bound}")
            for needed in sorted(texts[name].names()):
                value_of(needed)
            arrays.values[name] = evaluate(texts[name], arrays)
        return arrays.values[name]

    return [value_of(name) for name in wanted]
