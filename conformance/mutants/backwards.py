"""Places of a graph where another share of the gradient goes on than should: a path cut off, or counted twice.

No case can find them by values; they are tried where only gradients differ, beside the layers' own mistakes on the way
back (`conformance.reference.backwards`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import autograd
import numpy

from conformance.oracle.arrays import ReferenceArrays, inputs_of, make_layers, weights_of
from conformance.oracle.rounding import floats_of, score
from conformance.protocol.adapter import Observing
from conformance.protocol.carried import Value
from conformance.protocol.plan import Plan
from conformance.reference.backwards import constant, passing
from conformance.reference.base import Layer


@dataclass(frozen=True, slots=True)
class Leak:
    """A call in a plan's graph and one of its inputs, or its output, where another share of the gradient goes on."""

    node: str
    layer: str
    place: int | None
    """The input, counted from 0 through lists; None for the output."""
    share: float

    @property
    def mistake(self) -> str:
        where = f"{self.layer} at {self.node}" if self.place is None else f"input {self.place} of {self.layer}"
        at = "" if self.place is None else f", at {self.node}"
        if self.share == 0.0:
            return f"lets no gradient through to {where}{at}"
        return f"counts the gradient of {where} {'twice' if self.share == 2.0 else 'by half'}{at}"


def leaks(plan: Plan) -> Iterator[Leak]:
    """Every place of every layer's call, cut off, counted twice, counted by half."""
    seen = Observing()
    weights = weights_of(plan)
    arrays = _Leaking(plan, make_layers(plan), lambda name, *_: weights[name], seen)
    arrays.run(inputs_of(plan))
    for (node, layer), count in arrays.places.items():
        for share in (0.0, 2.0, 0.5):
            yield from (Leak(node, layer, place, share) for place in (*range(count if count > 1 else 0), None))


class _Leaking(ReferenceArrays):
    """The reference's arrays with one leak, counting the inputs of every node's layer calls."""

    leak: Leak | None = None

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.places: dict[tuple[str, str], int] = {}

    def call_layer(self, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        here = (self.observing.node or "", name)
        self.places[here] = sum(1 for _ in _values(args))
        leak = self.leak
        if leak is None or (leak.node, leak.layer) != here:
            return super().call_layer(name, args, kwargs)
        if leak.place is not None:
            held = [value for index, value in enumerate(_values(args)) if index == leak.place]
            args = _replaced(args, held[0], leak.share)
        output = super().call_layer(name, args, kwargs)
        return output if leak.place is not None else _scaled(output, leak.share)


def _values(nested: Any) -> Iterator[Value]:
    if isinstance(nested, list | tuple):
        for item in nested:
            yield from _values(item)
    elif isinstance(nested, Value):
        yield nested


def _replaced(nested: Any, which: Value, share: float) -> Any:
    if isinstance(nested, list | tuple):
        return [_replaced(item, which, share) for item in nested]
    return _scaled(nested, share) if nested is which else nested


def _scaled(nested: Any, share: float) -> Any:
    if isinstance(nested, list | tuple):
        return [_scaled(item, share) for item in nested]
    is_float = numpy.asarray(constant(nested.data)).dtype.kind == "f"
    return Value(passing(nested.data, share), nested.mask) if is_float else nested


def gradients(plan: Plan, layers: Mapping[str, Layer] | None = None, leak: Leak | None = None) -> dict[str, Any]:
    """The gradients of a plan's first run by input or `layer.weight`, with other layers or with a leak.

    Raises what the reference raises, and where nothing can be differentiated.
    """
    inputs, weights = inputs_of(plan), weights_of(plan)
    own = dict(layers or make_layers(plan))

    def total(given: Mapping[str, Any]) -> Any:
        def of(name: str, *_: Any) -> dict[str, Any]:
            return {key: given.get(f"{name}.{key}", array) for key, array in weights[name].items()}

        arrays = _Leaking(plan, own, of, Observing())
        arrays.leak = leak
        arrays.run({name: given.get(f"input {name}", array) for name, array in inputs.items()})
        return score(arrays, plan.observed, plan.cotangents)

    moved = autograd.grad(total)(floats_of(weights, inputs))
    return {name: numpy.asarray(array) for name, array in moved.items()}
