"""The NumPy lane: the reference, in float64, and how much its answer moves when its data are rounded.

Nothing here is a framework: layers come from `conformance.reference`, arrays from NumPy through autograd.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import metadata
from typing import Any

import autograd.numpy as np
import numpy

from conformance.lanes.adapter import Identity, Observing
from conformance.lanes.carried import CarriedArrays, Value, arguments_for, data_of, remembered, with_masks
from conformance.lanes.wire import pack, unpack
from conformance.reference.base import Layer, LayerError, Weight, Weights, full_config, make
from conformance.reference.catalog import LAYERS

WeightSource = Callable[[str, Layer, tuple[Any, ...]], Mapping[str, Any]]
"""Layer name, layer and its input shapes to its weights."""


def _one_hot(ids: Any, depth: int) -> Any:
    return np.eye(depth)[numpy.asarray(ids, dtype=int)]


def _cast(x: Any, dtype: str) -> Any:
    if dtype.startswith("float"):
        return x * 1.0
    return numpy.asarray(x).astype(dtype)


def _stack(items: Any, axis: int = 0) -> Any:
    rows = list(items)
    shapes = [np.shape(row) for row in rows]
    for index, shape in enumerate(shapes):
        if shape != shapes[0]:
            raise ValueError(f"row {index} has shape {shape}, row 0 has {shapes[0]}")
    return np.stack(rows, axis=axis)


def _reduction(function: Callable[..., Any]) -> Callable[..., Any]:
    def reduce(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return function(x, axis=tuple(axis) if isinstance(axis, list) else axis, keepdims=keepdims)

    return reduce


def _flip(x: Any, axis: Any) -> Any:
    """By subscripts, of which autograd knows the way back; of `np.flip` it does not."""
    turned = [each % np.ndim(x) for each in (axis if isinstance(axis, list | tuple) else [axis])]
    return x[tuple(slice(None, None, -1 if each in turned else None) for each in range(np.ndim(x)))]


OPERATIONS: dict[str, Callable[..., Any]] = {
    "mean": _reduction(np.mean),
    "sum": _reduction(np.sum),
    "max": _reduction(np.max),
    "min": _reduction(np.min),
    "concatenate": lambda items, axis=-1: np.concatenate(items, axis=axis),
    "stack": _stack,
    "transpose": lambda x, axes=None: np.transpose(x, axes),
    "reshape": lambda x, shape: np.reshape(x, shape),
    "expand_dims": lambda x, axis: np.expand_dims(x, axis),
    "squeeze": lambda x, axis=None: np.squeeze(x, axis=axis),
    "flip": _flip,
    "one_hot": _one_hot,
    "einsum": np.einsum,
    "cast": _cast,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
    "abs": np.abs,
    "where": np.where,
    "pad": lambda x, widths, value=0.0: np.pad(x, widths, mode="constant", constant_values=value),
    "repeat": lambda x, n, axis: np.repeat(x, n, axis=axis),
    "equal": lambda x, y: np.equal(x, y),
    "greater": lambda x, y: np.greater(x, y),
}


def shapes_of(nested: Any) -> Any:
    """Shapes in the same lists as the arrays."""
    if isinstance(nested, list | tuple):
        return [shapes_of(item) for item in nested]
    return tuple(int(length) for length in np.shape(nested))


class ReferenceArrays(CarriedArrays):
    """The graph verbs over the reference's layers; weights come from a function, so that plans can draw them."""

    def __init__(
        self, plan: Mapping[str, Any], layers: Mapping[str, Layer], weights: WeightSource, observing: Observing
    ) -> None:
        super().__init__(plan, observing)
        self.layers = layers
        self.weights = weights
        self.memory: dict[str, dict[str, Any]] = {}
        self.longest_sum = 1

    def operations(self) -> Mapping[str, Callable[..., Any]]:
        return OPERATIONS

    def operate(self, operation: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        result = super().operate(operation, args, kwargs)
        if operation in ("mean", "sum", "einsum"):
            terms = max(np.size(x) for x in data_of(args) if not isinstance(x, str)) // max(np.size(result.data), 1)
            self.longest_sum = max(self.longest_sum, terms)
        return result

    def arithmetic(self, operator: str, left: Any, right: Any) -> Any:
        if operator == "@":
            self.longest_sum = max(self.longest_sum, np.shape(data_of(left))[-1])
        return super().arithmetic(operator, left, right)

    def call_layer(self, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        layer = self.layers[name]
        given = arguments_for(type(layer).call, 2, args, kwargs)
        shapes = tuple(shapes_of(value) for value in given.args)
        arrays = self.weights(name, layer, shapes)
        weights = Weights(arrays, self.memory.setdefault(name, {}))
        output = layer.call(weights, *given.args, **given.kwargs)
        self.longest_sum = max(
            self.longest_sum,
            layer.longest_sum({key: Weight(np.shape(value)) for key, value in arrays.items()}, *shapes),
        )
        values = with_masks(output, layer.compute_mask(given.first, given.first_mask))
        self.observing.steps.append(
            {
                "node": self.observing.node,
                "callee": name,
                "inputs": list(shapes),
                "outputs": shapes_of(output),
                "rule": layer.rule(*shapes),
            }
        )
        return values

    def weight(self, layer: str, weight: str) -> Any:
        drawn = self.weights(layer, self.layers[layer], ())
        if weight not in drawn:
            raise LayerError(f"{layer} has no weight {weight}; it has {', '.join(drawn) or 'none'}")
        moved = remembered(self.memory.get(layer, {}), weight)
        return Value(drawn[weight] if moved is None else moved)


def make_layers(plan: Mapping[str, Any]) -> dict[str, Layer]:
    """The plan's layers, checked; raises LayerError where a constructor would."""
    return {name: make(spec["type"], spec["config"]) for name, spec in plan["layers"].items()}


def as_reference(array: numpy.ndarray[Any, Any]) -> numpy.ndarray[Any, Any]:
    """Floats in float64; everything else as it is."""
    return array.astype(numpy.float64) if array.dtype.kind == "f" else array


def single(dtype: str) -> str:
    """The dtype that the reference stands for: its float64 is every lane's float32."""
    return "float32" if dtype == "float64" else dtype


def observed(value: Any) -> dict[str, Any]:
    """A node's value as a message."""
    items = value if isinstance(value, list) else [value]
    packed = []
    for item in flat(items):
        data = numpy.asarray(item.data)
        packed.append(
            {
                "shape": list(data.shape),
                "dtype": single(str(data.dtype)),
                "data": pack(data),
                "mask": None if item.mask is None else pack(numpy.asarray(item.mask, dtype=bool)),
            }
        )
    return {"structure": len(items) if isinstance(value, list) else None, "items": packed}


def flat(items: Any) -> list[Any]:
    return [leaf for item in items for leaf in (flat(item) if isinstance(item, list) else [item])]


class Reference:
    """The adapter of the NumPy lane."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.identity = Identity(
            versions={
                "numpy": numpy.__version__,
                "autograd": metadata.version("autograd"),
                "python": sys.version.split()[0],
            },
            files={"numpy": str(numpy.__file__)},
            gives_masks=True,
        )

    def observe(self, plan: Mapping[str, Any]) -> dict[str, Any]:
        """The reference's answer, with its sensitivity to rounding beside every array."""
        from conformance.lanes.exactness import exact_nodes
        from conformance.lanes.numpy_training import make_optimizers, weights_after_steps
        from conformance.lanes.rounding import Perturbed

        observing = Observing()
        weights = {
            name: {key: as_reference(unpack(value)) for key, value in spec["weights"].items()}
            for name, spec in plan["layers"].items()
        }
        try:
            layers, optimizers = make_layers(plan), make_optimizers(plan)
            observing.weights = {n: {k: list(v.shape) for k, v in w.items()} for n, w in weights.items()}
            observing.params = {name: sum(int(v.size) for v in w.values()) for name, w in weights.items()}
            observing.phase = "call"
            sensitivity = []
            exact = set(plan["observed"])
            for index, run in enumerate(plan["runs"]):
                inputs = {name: as_reference(unpack(value)) for name, value in run.items()}
                arrays = ReferenceArrays(plan, layers, lambda name, *_: weights[name], observing)
                observing.runs.append({})
                try:
                    arrays.run(inputs)
                finally:
                    observing.runs[-1].update(
                        {node: observed(arrays.values[node]) for node in plan["observed"] if node in arrays.values}
                    )
                if index == 0:
                    trained = weights_after_steps(plan, layers, optimizers, weights, inputs)
                    observing.runs[0].update({label: observed(Value(array)) for label, array in trained.items()})
                probe = Perturbed(plan, layers, weights, inputs, index == 0, optimizers if index == 0 else ())
                sensitivity.append(probe.sensitivity)
                exact &= exact_nodes(plan, layers, weights, inputs, arrays.longest_sum)
                if index == 0:
                    observing.gradients = probe.gradients
                    if probe.failure is not None:
                        observing.failed_backwards(probe.failure)
            observing.extra = {
                "sensitivity": sensitivity,
                "longest_sum": arrays.longest_sum,
                "exact": sorted(exact),
            }
            if plan.get("policies"):
                from conformance.lanes.policies import under_policies

                runs = [{name: as_reference(unpack(value)) for name, value in run.items()} for run in plan["runs"]]
                observing.extra["policies"] = under_policies(plan, layers, weights, runs, arrays.longest_sum)
        except Exception as error:
            observing.failed(error)
        return observing.as_message()


def start(options: Mapping[str, Any]) -> Reference:
    """The adapter, ready to observe."""
    return Reference(options)


__all__ = ["LAYERS", "Reference", "ReferenceArrays", "full_config", "make_layers", "start"]
