"""How much the reference's values and gradients move when its data are rounded to float32: what a budget is made of.

Inputs and weights are perturbed by a relative 2^-24 in fixed patterns (by the unit of another format under a dtype
policy, in float16 also by what it rounds next to zero, and not where 16 bits hold a number as it is), and so is the
result of every operation, forwards and backwards; the root mean square change of each element is its sensitivity.
Gradients are those of the sum of all observed outputs, each multiplied by a drawn cotangent.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import autograd.numpy as np
import numpy
from autograd.tracer import getval

from conformance.oracle.arithmetic import EXACT, Arithmetic, rounding
from conformance.oracle.arrays import ReferenceArrays, WeightSource, flat
from conformance.oracle.training import moves_of_arguments, weights_after_steps
from conformance.protocol.adapter import Observing
from conformance.protocol.carried import Value
from conformance.protocol.formats import FORMATS, Format, rounded
from conformance.protocol.plan import Plan
from conformance.protocol.wire import pack
from conformance.reference.base import Layer
from conformance.reference.optimizers import Optimizer

FLOAT32_UNIT = FORMATS["float32"].unit
"""Half the distance from 1 to the next float32: the relative error of one rounding."""
BACKWARD = 8.0
"""How much more the sensitivity of a trained weight counts, for it has come through a backward pass: C is 64 for
gradients, and 8 with the root of the longest sum for values. docs/training.md has the measurements."""
PATTERNS = 8
"""Perturbed runs from which the sensitivity is estimated."""

Arrays = Mapping[str, Any]
_Answer = tuple[dict[str, list[Any]], dict[str, Any]]
"""The arrays of every observed node, and the gradients by name."""


class RoundingArrays(ReferenceArrays):
    """The reference with every layer's inputs and weights rounded to a format; gradients pass through a rounding."""

    def __init__(self, format: Format, plan: Plan, layers: Any, weights: WeightSource, observing: Observing) -> None:
        super().__init__(plan, layers, lambda *asked: self._rounded(weights(*asked)), observing)
        self.format = format

    def call_layer(self, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        return super().call_layer(name, self._rounded(args), self._rounded(kwargs))

    def _rounded(self, nested: Any) -> Any:
        if isinstance(nested, Mapping):
            return {key: self._rounded(item) for key, item in nested.items()}
        if isinstance(nested, list | tuple):
            return [self._rounded(item) for item in nested]
        if isinstance(nested, Value):
            return Value(self._rounded(nested.data), nested.mask)
        plain = getval(nested)
        if not isinstance(plain, numpy.ndarray) or plain.dtype.kind != "f":
            return nested
        near = rounded(plain, self.format)
        is_finite = numpy.isfinite(plain) & numpy.isfinite(near)
        return nested + numpy.subtract(near, plain, out=numpy.zeros(plain.shape), where=is_finite)


def _no_smaller(values: Any, gradients: Any, near: _Answer, exact: _Answer) -> tuple[Any, Any]:
    """Sensitivities of values and gradients that are no smaller than one known move of each."""
    return (
        {
            node: [_at_least(*each) for each in zip(sizes, near[0][node], exact[0][node], strict=True)]
            for node, sizes in values.items()
        },
        {name: _at_least(size, near[1].get(name, exact[1][name]), exact[1][name]) for name, size in gradients.items()},
    )


def _at_least(size: Any, near: Any, item: Any) -> Any:
    """A sensitivity that is not smaller than one known move."""
    if item.dtype.kind != "f":
        return size
    with numpy.errstate(invalid="ignore", over="ignore"):
        return numpy.fmax(size, numpy.abs(near - item))


def floats_of(weights: Mapping[str, Arrays], inputs: Arrays) -> dict[str, Any]:
    """What gradients are of: every float input as `input name`, every float weight as `layer.weight`."""
    every = {f"input {name}": array for name, array in inputs.items()}
    for layer, held in weights.items():
        every |= {f"{layer}.{key}": array for key, array in held.items()}
    return {name: array for name, array in every.items() if array.dtype.kind == "f"}


def score(arrays: ReferenceArrays, observed: Sequence[str], cotangents: Mapping[str, Any]) -> Any:
    """The number whose gradients are judged: all observed outputs of a run, each times its cotangent, summed up."""
    return sum((np.sum(term) for term in terms(arrays, observed, cotangents)), 0.0)


def terms(arrays: ReferenceArrays, observed: Sequence[str], cotangents: Mapping[str, Any]) -> Iterator[Any]:
    """Every observed output of a run times its cotangent."""
    for node in observed:
        for item, cotangent in zip(flat([arrays.values[node]]), cotangents.get(node, ()), strict=False):
            if cotangent is not None:
                yield cotangent.astype(float) * item.data


class Perturbed:
    """One run of the reference and its perturbed neighbours.

    `sensitivity` maps an observed node to its packed arrays, one an output. `gradients` maps an input's name, or
    `layer.weight`, to its packed gradient and sensitivity; empty where none was wanted, and where autograd raised for
    them: `failure`.
    """

    def __init__(
        self,
        plan: Plan,
        layers: Mapping[str, Layer],
        weights: Mapping[str, Arrays],
        inputs: Arrays,
        wants_gradients: bool,
        optimizers: Sequence[Optimizer] = (),
        format: Format = FORMATS["float32"],
    ) -> None:
        self._format = format
        self._arrays: Callable[..., ReferenceArrays] = ReferenceArrays
        self._plan, self._layers, self._fixed = plan, layers, inputs
        self._cotangents = plan.cotangents if wants_gradients else {}
        self.failure: Exception | None = None
        self._variables = floats_of(weights, inputs)
        values, gradients = self._evaluate(self._variables, optimizers)
        coarse = self._as_rounded(optimizers) if format.digits < FORMATS["float32"].digits else None
        value_moves = {node: [numpy.zeros(item.shape) for item in items] for node, items in values.items()}
        gradient_moves = {name: numpy.zeros(array.shape) for name, array in gradients.items()}
        for pattern in range(PATTERNS):
            near_values, near_gradients = self._evaluate(
                self._moved(pattern), optimizers, rounding(format.unit, pattern)
            )
            with numpy.errstate(invalid="ignore", over="ignore"):
                for node, items in values.items():
                    for total, item, near in zip(value_moves[node], items, near_values[node], strict=True):
                        if item.dtype.kind == "f":
                            total += (near - item) ** 2
                for name, array in gradients.items():
                    gradient_moves[name] += (near_gradients[name] - array) ** 2
        value_sizes = {node: [numpy.sqrt(total / PATTERNS) for total in totals] for node, totals in value_moves.items()}
        for label, moved in moves_of_arguments(plan, layers, optimizers, weights, inputs, FLOAT32_UNIT).items():
            value_sizes[label] = [numpy.hypot(BACKWARD * size, moved) for size in value_sizes[label]]
        gradient_sizes = {name: numpy.sqrt(moved / PATTERNS) for name, moved in gradient_moves.items()}
        if coarse is not None:
            value_sizes, gradient_sizes = _no_smaller(value_sizes, gradient_sizes, coarse, (values, gradients))
        self.sensitivity = {node: [pack(size) for size in sizes] for node, sizes in value_sizes.items()}
        self.gradients = {
            name: {"data": pack(array), "sensitivity": pack(gradient_sizes[name])} for name, array in gradients.items()
        }

    def _as_rounded(self, optimizers: Sequence[Optimizer]) -> _Answer:
        """The run in which every layer gets its inputs and weights as the format holds them, as a policy casts them.

        Beside patterns of random moves, for it is this rounding that happens: it decides on which side of a threshold
        a number comes to lie, and it falls on sums whose terms are larger than the data.
        """
        self._arrays = partial(RoundingArrays, self._format)
        try:
            return self._evaluate(self._variables, optimizers)
        finally:
            self._arrays = ReferenceArrays

    def _moved(self, pattern: int) -> dict[str, Any]:
        """The data as a rounding may leave them: not moved is what a format of 16 bits holds as it is."""
        generator = numpy.random.Generator(numpy.random.Philox(key=pattern))
        unit, tiny = self._format.unit, self._format.tiny
        moved = {
            name: array * (1.0 + unit * generator.uniform(-1.0, 1.0, array.shape))
            for name, array in self._variables.items()
        }
        for scope, layer in self._layers.items():
            for key, off in layer.built_within().items():
                name = f"{scope}.{key}"
                if name in moved:
                    moved[name] = moved[name] + unit * off * generator.uniform(-1.0, 1.0, off.shape)
        if tiny:
            moved = {name: array + tiny * generator.uniform(-1.0, 1.0, array.shape) for name, array in moved.items()}
        if self._format.digits < FORMATS["float32"].digits:
            held = {name: rounded(array, self._format) == array for name, array in self._variables.items()}
            moved = {name: numpy.where(held[name], self._variables[name], array) for name, array in moved.items()}
        return moved

    def _evaluate(self, variables: Arrays, optimizers: Sequence[Optimizer], arithmetic: Arithmetic = EXACT) -> _Answer:
        """The observed arrays, weights after steps of training among them, and the gradients where they are wanted."""
        seen, gradients = self._differentiated(variables, arithmetic)
        weights = {name: self._weights_in(variables)(name) for name in self._plan.layers}
        inputs = {name: variables.get(f"input {name}", array) for name, array in self._fixed.items()}
        trained = weights_after_steps(self._plan, self._layers, optimizers, weights, inputs, arithmetic)
        return seen | {label: [array] for label, array in trained.items()}, gradients

    def _differentiated(self, variables: Arrays, arithmetic: Arithmetic) -> _Answer:
        """The observed nodes' arrays, and the gradients where they are wanted."""
        seen: dict[str, list[Any]] = {}

        def total(variables: Arrays) -> Any:
            arrays = self._arrays(self._plan, self._layers, self._weights_in(variables), Observing())
            arrays.run({name: variables.get(f"input {name}", array) for name, array in self._fixed.items()})
            for node in self._plan.observed:
                seen[node] = [numpy.asarray(getval(item.data)) for item in flat([arrays.values[node]])]
            return score(arrays, self._plan.observed, self._cotangents)

        if self._cotangents and self._variables:
            try:
                with warnings.catch_warnings():
                    warnings.filterwarnings("ignore", "Output seems independent of input")  # a metric has no way back
                    gradients = arithmetic.grad(total)(dict(variables))
                return seen, {name: numpy.asarray(array) for name, array in gradients.items()}
            except Exception as error:  # values are still wanted
                self.failure = error
                self._cotangents = {}
        arithmetic.run(total)(variables)
        return seen, {}

    @staticmethod
    def _weights_in(variables: Arrays) -> Any:
        def weights(name: str, *_: Any) -> dict[str, Any]:
            prefix = name + "."
            return {key[len(prefix) :]: value for key, value in variables.items() if key.startswith(prefix)}

        return weights
