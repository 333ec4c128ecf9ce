"""The graph verbs over Keras tensors, symbolic or eager, and what Keras 2 and Keras 3 call differently."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from conformance.case.expressions import GIVEN, LOSSES, evaluate
from conformance.lanes import keras_policies
from conformance.lanes.keras_config import Absent
from conformance.lanes.keras_operations import KerasOperations
from conformance.lanes.keras_weights import held_by, set_weights
from conformance.protocol.adapter import Observing
from conformance.protocol.carried import ARITHMETIC
from conformance.protocol.dictionaries import called
from conformance.protocol.operations import Operations
from conformance.protocol.plan import Plan


class Generation(Protocol):
    """What Keras 2 and Keras 3 call differently."""

    ops: Any
    """`convert_to_tensor`, `convert_to_numpy` and what operations there are beside them."""
    operations: Operations
    """Those of the graph language."""

    def backend(self) -> str: ...
    def dtype_name(self, dtype: Any) -> str: ...
    def reset_state(self, layer: Any) -> None: ...
    def forget_names(self) -> bool: ...
    def clear_session(self) -> None: ...


class Keras3:
    """Keras from 3.0 on."""

    def __init__(self, keras: Any) -> None:
        self.keras = keras
        self.ops = keras.ops
        self.operations: Operations = KerasOperations(keras.ops)

    def backend(self) -> str:
        return str(self.keras.backend.backend())

    def dtype_name(self, dtype: Any) -> str:
        return str(self.keras.backend.standardize_dtype(dtype))

    def reset_state(self, layer: Any) -> None:
        """Forgets what a stateful layer carries on; Keras 3.0 still called it `reset_states`."""
        (layer.reset_state if hasattr(layer, "reset_state") else layer.reset_states)()

    def forget_names(self) -> bool:
        """Starts the numbers in automatic names again, as `clear_session` does; whether this Keras can do only that."""
        reset = getattr(self.keras.src.utils.naming, "reset_uids", None)
        if reset is None:
            return False
        reset()
        return True

    def clear_session(self) -> None:
        """The first releases of Keras 3 cannot be told to leave memory alone."""
        if "free_memory" in inspect.signature(self.keras.backend.clear_session).parameters:
            self.keras.backend.clear_session(free_memory=False)
        else:
            self.keras.backend.clear_session()


class KerasArrays:
    """The graph verbs over Keras tensors, symbolic or eager."""

    def __init__(
        self,
        keras: Any,
        plan: Plan,
        layers: dict[str, Any],
        observing: Observing,
        generation: Generation,
    ) -> None:
        self.keras = keras
        self.plan = plan
        self.layers = layers
        self.observing = observing
        self.graph = plan.expressions
        self.models: dict[str, Any] = {}
        self.values: dict[str, Any] = {}
        self.is_symbolic = False
        self._given_weights: set[str] = set()
        """Layers that have their weights since a symbolic call."""
        self.weights_read: set[tuple[str, str]] = set()
        """Layer and name of the weights that the graph takes as numbers."""
        self.ops = generation.ops
        self.operations = generation.operations
        self.arithmetics: Mapping[str, Callable[..., Any]] = ARITHMETIC

    def run(self, inputs: Mapping[str, Any], is_symbolic: bool) -> None:
        """Evaluates the whole graph; what was reached is in `values` even when something raises."""
        self.values = dict(inputs)
        self.is_symbolic = is_symbolic
        for node, expression in self.graph:
            self.observing.node = node
            self.values[node] = evaluate(expression, self)

    def name(self, name: str) -> Any:
        return self.values[name]

    def call(self, callee: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if callee in self.plan.models:
            return self._model(callee)(*args, **kwargs)
        layer = self.layers[callee]
        if self.is_symbolic:
            is_operation = getattr(layer, "is_operation", False)
            if Absent in absent_in([args, kwargs]) or not (is_operation or isinstance(layer, self.keras.layers.Layer)):
                return Absent
            if is_operation:
                return layer(*args, **kwargs)
            output = called(layer, args, kwargs)
            if callee not in self._given_weights:  # a graph may call one layer a thousand times
                set_weights(layer, callee, self.plan.layers[callee])
                self._given_weights.add(callee)
            return output
        if getattr(layer, "built", True) is False:
            called(layer, args, kwargs)
            set_weights(layer, callee, self.plan.layers[callee])
        output = called(layer, args, kwargs)
        self.observing.steps.append(
            {
                "node": self.observing.node,
                "callee": callee,
                "inputs": [shapes_of(argument) for argument in args],
                "outputs": shapes_of(output),
                "rule": "",
            }
        )
        return output

    def _model(self, name: str) -> Any:
        if name not in self.models:
            spec = self.plan.models[name]
            inputs = [self.values[node] for node in spec.inputs]
            outputs = [self.values[node] for node in spec.outputs]
            if len(outputs) == 1:
                self.models[name] = self.keras.Model(inputs[0] if len(inputs) == 1 else inputs, outputs[0])
            else:
                self.models[name] = self.keras.Model(inputs[0] if len(inputs) == 1 else inputs, outputs)
        model = self.models[name]
        return lambda *args: model(args[0] if len(args) == 1 else list(args))

    def operate(self, operation: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if Absent in absent_in([args, kwargs]):
            return Absent
        if operation == "mask":
            mask = mask_of(args[0])
            if mask is None:
                raise ValueError("mask(x): x carries no mask")
            return mask
        if operation == GIVEN:
            args[0]._keras_mask = args[1]
            return args[0]
        return self.operations.apply(operation, args, kwargs)

    def _losses(self, layer: str) -> Any:
        """The sum of what Keras has in `layer.losses`. Symbolic calls add nothing that is a number."""
        if self.is_symbolic:
            return Absent
        costs = [self.ops.convert_to_tensor(cost) for cost in self.layers[layer].losses]
        return sum(costs[1:], start=costs[0]) if costs else self.ops.convert_to_tensor(0.0)

    def weight(self, layer: str, weight: str) -> Any:
        if weight == LOSSES:
            return self._losses(layer)
        self.weights_read.add((layer, weight))
        if not getattr(self.layers[layer], "built", False):
            return Absent
        found = held_by(self.layers[layer], layer, self.plan.layers[layer])
        if weight not in found:
            raise ValueError(f"{layer} has no weight {weight}; it has {', '.join(found) or 'none'}")
        variable = found[weight]
        # the variable itself would change under the node's name when a layer moves it
        value = self.ops.reshape(self.ops.convert_to_tensor(variable), tuple(variable.shape))
        return value.clone() if hasattr(value, "clone") else value  # torch's is a view of the variable's memory

    def arithmetic(self, operator: str, left: Any, right: Any) -> Any:
        if left is Absent or right is Absent:
            return Absent
        if _is_symbolic(right) and not _is_symbolic(left):  # arrays of JAX, NumPy and OpenVINO would ask it for numbers
            return {**self.arithmetics, **keras_policies.arithmetic(self.ops)}[operator](left, right)
        return self.arithmetics[operator](left, right)

    def item(self, value: Any, index: Any) -> Any:
        if value is Absent:
            return Absent
        if isinstance(value, list | tuple):
            return value[index]
        parts = index if isinstance(index, tuple) else (index,)  # a symbolic tensor takes no bare slice
        for axis, part in enumerate(parts):  # torch's tensors take no step below zero
            if isinstance(part, slice) and (part.step or 1) < 0:
                value = self.ops.flip(value, axis)
        return value[tuple(_mirrored(part) for part in parts)]


def _mirrored(part: Any) -> Any:
    """What a part of a subscript is along an axis that was flipped because of its step below zero."""
    if not isinstance(part, slice) or (part.step or 1) > 0:
        return part
    start, stop = (None if end is None else ~end for end in (part.start, part.stop))
    return slice(start, stop, -part.step)


def mask_of(tensor: Any) -> Any:
    """The mask that Keras attached to a tensor, or None.

    What takes no attributes, as what JAX traces, has it in a table of Keras' own (from 3.6 on).
    """
    if hasattr(tensor, "_keras_mask"):
        return tensor._keras_mask
    table = sys.modules.get("keras.src.backend.common.masking")
    return None if table is None else table.get_keras_mask(tensor)


def _is_symbolic(item: Any) -> bool:
    return type(item).__name__ == "KerasTensor"


def eager_only(arrays: KerasArrays) -> list[str]:
    """The layers that work on numbers alone and that the graph calls, which a metric of `fit` alone is not."""
    found = arrays.layers.items()
    return [name for name, layer in found if name in arrays.plan.called and getattr(layer, "eager_only", False)]


def absent_in(nested: Any) -> list[Any]:
    if isinstance(nested, list | tuple):
        return [leaf for item in nested for leaf in absent_in(item)]
    if isinstance(nested, dict):
        return [leaf for item in nested.values() for leaf in absent_in(item)]
    return [nested] if nested is Absent else []


def flat(value: Any) -> list[Any]:
    """The arrays of a node: its own, or those of its list."""
    return [leaf for item in value for leaf in flat(item)] if isinstance(value, list | tuple) else [value]


def shapes_of(nested: Any) -> Any:
    if isinstance(nested, list | tuple):
        return [shapes_of(item) for item in nested]
    return [None if length is None else int(length) for length in getattr(nested, "shape", ())]
