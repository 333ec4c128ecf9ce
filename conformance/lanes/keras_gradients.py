"""Gradients in the Keras lane: what every backend differentiates, and TensorFlow's tape, which follows the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from conformance.lanes.keras_arrays import KerasArrays, flat
from conformance.lanes.keras_weights import held_by, start_again
from conformance.protocol.adapter import Unsupported
from conformance.protocol.plan import Array, Plan
from conformance.protocol.wire import pack

Cotangents = Mapping[str, tuple[Array | None, ...]]


class Differentiable:
    """One eager run under TensorFlow's tape; afterwards `gradients` are those of the outputs times their cotangents.

    Use as a context around the run: `with Differentiable(tf, inputs) as tape: run()`.
    """

    def __init__(self, framework: Any, inputs: Mapping[str, Any], variables: Mapping[str, Any]) -> None:
        self.framework = framework
        self.tape = framework.GradientTape()
        self.sources: dict[str, Any] = {
            f"input {name}": value
            for name, value in inputs.items()
            if not isinstance(value, np.ndarray) and value.dtype.is_floating
        }
        self.variables = {
            name: variable if callable(variable.value) else variable.value for name, variable in variables.items()
        }

    def __enter__(self) -> Differentiable:
        self.tape.__enter__()
        for source in [*self.sources.values(), *self.variables.values()]:
            self.tape.watch(source)
        return self

    def __exit__(self, *exception: Any) -> None:
        self.tape.__exit__(*exception)

    def score(self, values: Mapping[str, Any], cotangents: Cotangents) -> Any:
        """The sum of all observed outputs times their cotangents; call it while the tape still records.

        Raises Unsupported as `weighted` does.
        """
        tf = self.framework
        terms = list(weighted(values, cotangents))
        wide = tf.float64 if any(item.dtype == tf.float64 for item, _ in terms) else tf.float32
        total = tf.zeros((), wide)
        for item, times in terms:
            total += tf.reduce_sum(tf.cast(item, wide) * tf.cast(times, wide))
        return total

    def derivatives(self, score: Any) -> dict[str, Any]:
        """Variable to gradient as a dense tensor, zeros where the score does not depend on it."""
        every = {**self.sources, **self.variables}
        found = self.tape.gradient(score, every, unconnected_gradients="zero")
        return {name: self.framework.convert_to_tensor(value) for name, value in found.items()}

    def gradients(self, score: Any) -> dict[str, Any]:
        """Variable to packed gradient."""
        return {name: {"data": pack(np.asarray(value))} for name, value in self.derivatives(score).items()}


def weighted(values: Mapping[str, Any], cotangents: Cotangents) -> Iterator[tuple[Any, Array]]:
    """Every float output with its cotangent.

    Raises Unsupported for an output of another shape than the reference's, which nothing may broadcast: it is judged
    as a shape. An axis that a trace does not know yet may have any length.
    """
    for node, arrays in cotangents.items():
        items = flat(values[node])
        if len(items) != len(arrays):
            raise Unsupported(f"{node} has {len(items)} arrays, the reference {len(arrays)}")
        for item, cotangent in zip(items, arrays, strict=True):
            if cotangent is not None:
                given, wanted = tuple(item.shape), cotangent.shape
                known = tuple(n if length is None else length for n, length in zip(wanted, given, strict=False))
                if len(given) != len(wanted) or known != wanted:
                    raise Unsupported(f"{node} has shape {given}, the reference {wanted}")
                yield item, cotangent


def build_all(plan: Plan, arrays: KerasArrays, inputs: Mapping[str, Any], reset_state: Callable[[Any], None]) -> None:
    """Builds what no symbolic run has built, by a run that nobody observes: only of variables there are gradients.

    Raises what the run raises, as the observed one would.
    """
    if all(getattr(layer, "built", True) for layer in arrays.layers.values()):
        return
    calls = len(arrays.observing.steps)
    arrays.run(inputs, is_symbolic=False)
    del arrays.observing.steps[calls:]
    start_again(plan, arrays.layers, reset_state)


def variables_of(plan: Plan, layers: Mapping[str, Any]) -> dict[str, Any]:
    """All weights of built layers by `layer.weight`."""
    return {
        f"{name}.{key}": variable
        for name, layer in layers.items()
        if getattr(layer, "built", False) and hasattr(layer, "weights")
        for key, variable in held_by(layer, name, plan.layers[name]).items()
    }
