"""The graph verbs over the reference's layers: arrays are NumPy's through autograd, in float64."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import autograd.numpy as np
import numpy
from autograd.tracer import getval

from conformance.case.expressions import LOSSES
from conformance.oracle.operations import NumPyOperations
from conformance.oracle.penalties import activity_penalty, cost_of_activity, cost_of_weights
from conformance.protocol.adapter import Observing
from conformance.protocol.carried import CarriedArrays, Value, arguments_for, data_of, remembered, with_masks
from conformance.protocol.plan import Plan
from conformance.protocol.wire import pack
from conformance.reference import catalog  # noqa: F401  # with it every family is known by its name
from conformance.reference.base import Layer, LayerError, Weight, Weights, make
from conformance.reference.torch.base import TorchLayer
from conformance.reference.traits import Gate

WeightSource = Callable[[str, Layer, tuple[Any, ...]], Mapping[str, Any]]
"""Layer name, layer and its input shapes to its weights."""


def shapes_of(nested: Any) -> Any:
    """Shapes in the same lists as the arrays."""
    if isinstance(nested, list | tuple):
        return [shapes_of(item) for item in nested]
    return tuple(int(length) for length in np.shape(nested))


class ReferenceArrays(CarriedArrays):
    """The graph verbs over the reference's layers; weights come from a function, so that plans can draw them."""

    operations = NumPyOperations()

    def __init__(self, plan: Plan, layers: Mapping[str, Layer], weights: WeightSource, observing: Observing) -> None:
        super().__init__(plan, observing)
        self.plan = plan
        self.layers = layers
        self.weights = weights
        self.memory: dict[str, dict[str, Any]] = {}
        self.longest_sum = 1
        self.draw = 0
        """Which of many draws random layers make."""
        self.on_call: Callable[[str, Layer, Sequence[Any], Mapping[str, Any]], None] | None = None
        """Told of every call of a layer that came back: its name, the layer, and what it was given."""
        self.added: dict[str, Any] = {}
        """Layer to what its last call adds to the loss of a training."""
        self.activities: dict[str, Any] = {}
        """Layer to what an activity regulariser has in that, before it is divided by the size of the batch."""

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

    def asks_for_training(self, name: str) -> bool:
        return "training" in inspect.signature(type(self.layers[name]).call).parameters

    def call_layer(self, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        layer = self.layers[name]
        given = arguments_for(type(layer).call, 2, args, kwargs)
        if isinstance(layer, TorchLayer) and "mask" in kwargs and "mask" not in given.kwargs:
            raise LayerError(f"{layer.names[0]} takes no argument mask")
        shapes = tuple(shapes_of(value) for value in given.args)
        arrays = self.weights(name, layer, shapes)
        weights = Weights(arrays, self.memory.setdefault(name, {}), numpy.random.default_rng(self.draw))
        keeps = layer.arithmetic == "moves" or layer.takes_floats_alone or layer.keeps_booleans
        args = [_as_numbers(given.args[0]), *given.args[1:]] if given.args and not keeps else given.args
        output = layer.call(weights, *args, **given.kwargs)
        if self.on_call is not None:
            self.on_call(name, layer, given.args, given.kwargs)
        self.longest_sum = max(
            self.longest_sum,
            layer.longest_sum({key: Weight(np.shape(value)) for key, value in arrays.items()}, *shapes),
        )
        self._add_loss(name, layer, output)
        masks = layer.output_masks(given.first, given.first_mask, given.args, given.kwargs)
        values = with_masks(output, masks)
        self.observing.steps.append(
            {
                "node": self.observing.node,
                "callee": name,
                "inputs": list(shapes),
                "outputs": shapes_of(output),
                "rule": _rule(layer, given.args, given.kwargs, shapes),
                "windows": [dict(numbers) for numbers in layer.windows_on(*shapes)],
                "gates": [f"{gate.letter} {gate.name}" for gate in gates_of(layer)],
            }
        )
        return values

    def _add_loss(self, name: str, layer: Layer, output: Any) -> None:
        """Notes what this call adds to a loss: the layer's own, or what its activity regulariser makes of the output.

        A call forgets what the call before it added, as a call of a layer in Keras does that no other layer made.
        """
        if layer.adds_loss:
            self.added[name] = layer.added_loss(output)
        planned = self.plan.layers[name]
        penalty = activity_penalty(planned.type, planned.config)
        if penalty is not None:
            self.added[name] = cost_of_activity(penalty, output)
            self.activities[name] = cost_of_activity(penalty, output, is_divided=False)

    def losses(self, layer: str) -> Any:
        """What the layer adds to a loss, as one number: by its last call, and by its weights."""
        planned, weights = self.plan.layers[layer], self.weights(layer, self.layers[layer], ())
        of_weights = cost_of_weights(planned.type, planned.config, weights, planned.fixed)
        return Value(np.array(1.0) * (self.added.get(layer, 0.0) + of_weights))

    def weight(self, layer: str, weight: str) -> Any:
        if weight == LOSSES:
            return self.losses(layer)
        drawn = self.weights(layer, self.layers[layer], ())
        if weight not in drawn:
            raise LayerError(f"{layer} has no weight {weight}; it has {', '.join(drawn) or 'none'}")
        moved = remembered(self.memory.get(layer, {}), weight)
        return Value(drawn[weight] if moved is None else moved)


def _as_numbers(value: Any) -> Any:
    """Booleans as 0 and 1: where a layer computes, a sum of two of them is 2."""
    if isinstance(value, list | tuple):
        return [_as_numbers(item) for item in value]
    return value * 1.0 if np.asarray(getval(value)).dtype == bool else value


def _rule(layer: Layer, args: Sequence[Any], kwargs: Mapping[str, Any], shapes: Sequence[Any]) -> str:
    """How the output's shape follows; of a module of torch's, what Keras has in its place."""
    return layer.counterpart_of(args, kwargs).text() if isinstance(layer, TorchLayer) else layer.rule(*shapes)


def gates_of(layer: Layer) -> tuple[Gate, ...]:
    """The blocks of a layer's kernels, in their order: its own, or those of the layer that it wraps."""
    wrapped = (held for held in vars(layer).values() if isinstance(held, Layer))
    return type(layer).gates or next((found for inner in wrapped if (found := gates_of(inner))), ())


def make_layers(plan: Plan) -> dict[str, Layer]:
    """The plan's layers, checked; raises LayerError where a constructor would."""
    return {name: make(layer.type, layer.config) for name, layer in plan.layers.items()}


def as_reference(array: numpy.ndarray[Any, Any]) -> numpy.ndarray[Any, Any]:
    """Floats in float64; everything else as it is."""
    return array.astype(numpy.float64) if array.dtype.kind == "f" else array


def weights_of(plan: Plan) -> dict[str, dict[str, Any]]:
    """The plan's weights by layer and name, in float64."""
    return {
        name: {key: as_reference(array) for key, array in layer.weights.items()} for name, layer in plan.layers.items()
    }


def inputs_of(plan: Plan, run: int = 0) -> dict[str, Any]:
    """The inputs of one run, floats in float64."""
    return {name: as_reference(array) for name, array in plan.runs[run].items()}


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
