"""How much the reference's values and gradients move when its data are rounded to float32: what a budget is made of.

Inputs and weights are perturbed by a relative 2^-24 in fixed patterns (by the unit of another format under a dtype
policy, in float16 also by what it rounds next to zero); the root mean square change of each element is
its sensitivity. Gradients are those of the sum of all observed outputs, each multiplied by a drawn cotangent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import autograd
import autograd.numpy as np
import numpy
from autograd.tracer import getval

from conformance.lanes.adapter import Observing
from conformance.lanes.formats import FORMATS, Format
from conformance.lanes.numpy import ReferenceArrays, flat
from conformance.lanes.numpy_training import weights_after_steps
from conformance.lanes.wire import pack, unpack
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


class Perturbed:
    """One run of the reference and its perturbed neighbours.

    `sensitivity` maps an observed node to its packed arrays, one an output. `gradients` maps an input's name, or
    `layer.weight`, to its packed gradient and sensitivity; empty, with a `note` that says why, where none was wanted or
    the reference has none.
    """

    def __init__(
        self,
        plan: Mapping[str, Any],
        layers: Mapping[str, Layer],
        weights: Mapping[str, Arrays],
        inputs: Arrays,
        wants_gradients: bool,
        optimizers: Sequence[Optimizer] = (),
        format: Format = FORMATS["float32"],
    ) -> None:
        self._format = format
        self._plan, self._layers, self._fixed = plan, layers, inputs
        self._cotangents = plan["cotangents"] if wants_gradients else {}
        self.note = ""
        variables = {f"input {name}": array for name, array in inputs.items()}
        for layer, held in weights.items():
            variables |= {f"{layer}.{key}": array for key, array in held.items()}
        self._variables = {name: array for name, array in variables.items() if array.dtype.kind == "f"}
        values, gradients = self._evaluate(self._variables, optimizers)
        value_moves = {node: [numpy.zeros(item.shape) for item in items] for node, items in values.items()}
        gradient_moves = {name: numpy.zeros(array.shape) for name, array in gradients.items()}
        for pattern in range(PATTERNS):
            near_values, near_gradients = self._evaluate(self._moved(pattern), self._rounded(optimizers, pattern))
            with numpy.errstate(invalid="ignore", over="ignore"):
                for node, items in values.items():
                    for total, item, near in zip(value_moves[node], items, near_values[node], strict=True):
                        if item.dtype.kind == "f":
                            total += (near - item) ** 2
                for name, array in gradients.items():
                    gradient_moves[name] += (near_gradients[name] - array) ** 2
        self.sensitivity = {
            node: [pack((BACKWARD if "@" in node else 1.0) * numpy.sqrt(total / PATTERNS)) for total in totals]
            for node, totals in value_moves.items()
        }
        self.gradients = {
            name: {"data": pack(array), "sensitivity": pack(numpy.sqrt(gradient_moves[name] / PATTERNS))}
            for name, array in gradients.items()
        }

    def _moved(self, pattern: int) -> dict[str, Any]:
        generator = numpy.random.Generator(numpy.random.Philox(key=pattern))
        unit, tiny = self._format.unit, self._format.tiny
        moved = {
            name: array * (1.0 + unit * generator.uniform(-1.0, 1.0, array.shape))
            for name, array in self._variables.items()
        }
        if tiny:
            moved = {name: array + tiny * generator.uniform(-1.0, 1.0, array.shape) for name, array in moved.items()}
        return moved

    @staticmethod
    def _rounded(optimizers: Sequence[Optimizer], pattern: int) -> list[Optimizer]:
        generator = numpy.random.Generator(numpy.random.Philox(key=[pattern, 1]))
        return [optimizer.rounded(generator, FLOAT32_UNIT) for optimizer in optimizers]

    def _evaluate(
        self, variables: Arrays, optimizers: Sequence[Optimizer]
    ) -> tuple[dict[str, list[Any]], dict[str, Any]]:
        """The observed arrays, weights after steps of training among them, and the gradients where they are wanted."""
        seen, gradients = self._differentiated(variables)
        weights = {name: self._weights_in(variables)(name) for name in self._plan["layers"]}
        inputs = {name: variables.get(f"input {name}", array) for name, array in self._fixed.items()}
        trained = weights_after_steps(self._plan, self._layers, optimizers, weights, inputs)
        return seen | {label: [array] for label, array in trained.items()}, gradients

    def _differentiated(self, variables: Arrays) -> tuple[dict[str, list[Any]], dict[str, Any]]:
        """The observed nodes' arrays, and the gradients where they are wanted."""
        seen: dict[str, list[Any]] = {}

        def total(variables: Arrays) -> Any:
            arrays = ReferenceArrays(self._plan, self._layers, self._weights_in(variables), Observing())
            arrays.run({name: variables.get(f"input {name}", array) for name, array in self._fixed.items()})
            score = 0.0
            for node in self._plan["observed"]:
                items = [item.data for item in flat([arrays.values[node]])]
                seen[node] = [numpy.asarray(getval(item)) for item in items]
                for item, cotangent in zip(items, self._cotangents.get(node, ()), strict=False):
                    if cotangent is not None:
                        score = score + np.sum(unpack(cotangent).astype(float) * item)
            return score

        if self._cotangents and self._variables:
            try:
                gradients = autograd.grad(total)(dict(variables))
                return seen, {name: numpy.asarray(array) for name, array in gradients.items()}
            except Exception as error:  # values are still wanted; the note says that there are no gradients, and why
                self.note = f"the reference has no gradient here: {type(error).__name__}: {error}"
                self._cotangents = {}
        total(variables)
        return seen, {}

    @staticmethod
    def _weights_in(variables: Arrays) -> Any:
        def weights(name: str, *_: Any) -> dict[str, Any]:
            prefix = name + "."
            return {key[len(prefix) :]: value for key, value in variables.items() if key.startswith(prefix)}

        return weights
