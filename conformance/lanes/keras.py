"""The Keras lane: generic, from a layer's type and its arguments as written; nothing is said per layer here.

First a symbolic run on `keras.Input`s with open axes (phase `build`), then the harness sets and asserts every weight,
then an eager run with numbers (phase `call`). Masks are Keras' own, read from its tensors.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from conformance.case.expressions import evaluate
from conformance.lanes.adapter import Identity, Observing, Unsupported, parsed_graph
from conformance.lanes.carried import ARITHMETIC
from conformance.lanes.keras_config import Absent, constructor, find_type
from conformance.lanes.keras_gradients import Differentiable, variables_of
from conformance.lanes.keras_weights import WeightMismatch, matched, set_weights
from conformance.lanes.wire import pack, unpack


class Generation(Protocol):
    """What Keras 2 and Keras 3 call differently."""

    ops: Any
    """`convert_to_tensor`, `convert_to_numpy` and what `_operations` takes from it."""

    def backend(self) -> str: ...
    def dtype_name(self, dtype: Any) -> str: ...
    def reset_state(self, layer: Any) -> None: ...
    def clear_session(self) -> None: ...


class Keras3:
    """Keras from 3.0 on."""

    def __init__(self, keras: Any) -> None:
        self.keras = keras
        self.ops = keras.ops

    def backend(self) -> str:
        return str(self.keras.backend.backend())

    def dtype_name(self, dtype: Any) -> str:
        return str(self.keras.backend.standardize_dtype(dtype))

    def reset_state(self, layer: Any) -> None:
        """Forgets what a stateful layer carries on; Keras 3.0 still called it `reset_states`."""
        (layer.reset_state if hasattr(layer, "reset_state") else layer.reset_states)()

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
        plan: Mapping[str, Any],
        layers: dict[str, Any],
        observing: Observing,
        generation: Generation,
    ) -> None:
        self.keras = keras
        self.plan = plan
        self.layers = layers
        self.observing = observing
        self.graph = parsed_graph(plan)
        self.models: dict[str, Any] = {}
        self.values: dict[str, Any] = {}
        self.is_symbolic = False
        self.ops = generation.ops
        self.operations = _operations(self.ops)

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
        if callee in self.plan["models"]:
            return self._model(callee)(*args, **kwargs)
        layer = self.layers[callee]
        if self.is_symbolic:
            if Absent in _leaves([args, kwargs]) or not isinstance(layer, self.keras.layers.Layer):
                return Absent
            output = layer(*args, **kwargs)
            set_weights(layer, callee, self.plan["layers"][callee])
            return output
        if getattr(layer, "built", True) is False:
            layer(*args, **kwargs)
            set_weights(layer, callee, self.plan["layers"][callee])
        output = layer(*args, **kwargs)
        self.observing.steps.append(
            {
                "node": self.observing.node,
                "callee": callee,
                "inputs": [_shapes(argument) for argument in args],
                "outputs": _shapes(output),
                "rule": "",
            }
        )
        return output

    def _model(self, name: str) -> Any:
        if name not in self.models:
            spec = self.plan["models"][name]
            inputs = [self.values[node] for node in spec["inputs"]]
            outputs = [self.values[node] for node in spec["outputs"]]
            if len(outputs) == 1:
                self.models[name] = self.keras.Model(inputs[0] if len(inputs) == 1 else inputs, outputs[0])
            else:
                self.models[name] = self.keras.Model(inputs[0] if len(inputs) == 1 else inputs, outputs)
        model = self.models[name]
        return lambda *args: model(args[0] if len(args) == 1 else list(args))

    def operate(self, operation: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if Absent in _leaves([args, kwargs]):
            return Absent
        if operation == "mask":
            mask = mask_of(args[0])
            if mask is None:
                raise ValueError("mask(x): x carries no mask")
            return mask
        return self.operations[operation](*args, **kwargs)

    def weight(self, layer: str, weight: str) -> Any:
        if not getattr(self.layers[layer], "built", False):
            return Absent
        names = list(self.plan["layers"][layer]["weights"])
        found = matched(self.layers[layer], layer, names)
        if weight not in found:
            raise ValueError(f"{layer} has no weight {weight}; it has {', '.join(found) or 'none'}")
        return self.ops.convert_to_tensor(found[weight])

    def arithmetic(self, operator: str, left: Any, right: Any) -> Any:
        if left is Absent or right is Absent:
            return Absent
        return ARITHMETIC[operator](left, right)

    def item(self, value: Any, index: Any) -> Any:
        if value is Absent:
            return Absent
        if isinstance(value, list | tuple):
            return value[index]
        return value[index if isinstance(index, tuple) else (index,)]  # a symbolic tensor takes no bare slice


def mask_of(tensor: Any) -> Any:
    """The mask that Keras attached to a tensor, or None."""
    return getattr(tensor, "_keras_mask", None)


def _leaves(nested: Any) -> list[Any]:
    if isinstance(nested, list | tuple):
        return [leaf for item in nested for leaf in _leaves(item)]
    if isinstance(nested, dict):
        return [leaf for item in nested.values() for leaf in _leaves(item)]
    return [nested] if nested is Absent else []


def _shapes(nested: Any) -> Any:
    if isinstance(nested, list | tuple):
        return [_shapes(item) for item in nested]
    return [None if length is None else int(length) for length in getattr(nested, "shape", ())]


def _operations(ops: Any) -> dict[str, Callable[..., Any]]:
    def tensor(item: Any) -> Any:
        """Keras 3 before 3.4 refuses to convert what is symbolic."""
        return item if type(item).__name__ == "KerasTensor" else ops.convert_to_tensor(item)

    def reduction(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda x, axis=None, keepdims=False: function(x, axis=axis, keepdims=keepdims)

    return {
        "mean": reduction(ops.mean),
        "sum": reduction(ops.sum),
        "max": reduction(ops.max),
        "min": reduction(ops.min),
        "concatenate": lambda items, axis=-1: ops.concatenate(items, axis=axis),
        "stack": lambda items, axis=0: ops.stack([tensor(item) for item in items], axis=axis),
        "transpose": lambda x, axes=None: ops.transpose(x, axes),
        "reshape": lambda x, shape: ops.reshape(x, shape),
        "expand_dims": ops.expand_dims,
        "squeeze": lambda x, axis=None: ops.squeeze(x, axis=axis),
        "flip": lambda x, axis: ops.flip(x, axis),
        "one_hot": lambda ids, depth: ops.one_hot(ids, depth),
        "einsum": ops.einsum,
        "cast": ops.cast,
        "exp": ops.exp,
        "log": ops.log,
        "sqrt": ops.sqrt,
        "tanh": ops.tanh,
        "abs": ops.abs,
        "where": ops.where,
        "pad": lambda x, widths, value=0.0: ops.pad(x, widths, constant_values=value),
        "repeat": lambda x, n, axis: ops.repeat(x, n, axis=axis),
        "equal": ops.equal,
        "greater": ops.greater,
    }


class KerasLane:
    """The adapter of the Keras lane, over whichever backend and version was imported."""

    def __init__(
        self, keras: Any, versions: Mapping[str, str], files: Mapping[str, str], generation: Generation | None = None
    ) -> None:
        self.keras = keras
        self.generation: Generation = Keras3(keras) if generation is None else generation
        self.identity = Identity(versions=versions, files=files, gives_masks=True)

    def observe(self, plan: Mapping[str, Any]) -> dict[str, Any]:
        """Keras' answer: symbolic shapes, then values and masks, or what it raised and when."""
        observing = Observing()
        try:
            self._observe(plan, observing)
        except WeightMismatch as mismatch:
            observing.phase = "weights"
            observing.failed(mismatch)
        except Exception as error:
            observing.failed(error)
        self.generation.clear_session()
        return observing.as_message()

    def _observe(self, plan: Mapping[str, Any], observing: Observing) -> None:
        layers = {}
        for name, spec in plan["layers"].items():
            observing.node = name
            layers[name] = constructor(self.keras, find_type(self.keras, spec["type"]))(name, spec["config"])
        arrays = KerasArrays(self.keras, plan, layers, observing, self.generation)
        if not any(getattr(layer, "eager_only", False) for layer in layers.values()):
            arrays.run(self._symbolic_inputs(plan), is_symbolic=True)
            observing.symbolic = self._symbolic_nodes(plan, arrays.values)
        observing.phase = "call"
        for index, run in enumerate(plan["runs"]):
            for layer in layers.values():
                if getattr(layer, "stateful", False):
                    self.generation.reset_state(layer)
            inputs = {name: self._tensor(unpack(value)) for name, value in run.items()}
            observing.runs.append({})
            try:
                if index == 0 and plan["cotangents"]:
                    self._run_with_gradients(plan, arrays, inputs, observing)
                else:
                    arrays.run(inputs, is_symbolic=False)
            finally:
                reached = [node for node in plan["observed"] if node in arrays.values]
                observing.runs[-1].update({node: self._observed(arrays.values[node]) for node in reached})
        self._describe_weights(plan, layers, observing)

    def _run_with_gradients(
        self, plan: Mapping[str, Any], arrays: KerasArrays, inputs: Mapping[str, Any], observing: Observing
    ) -> None:
        """Values and gradients in one eager pass; what cannot be differentiated is noted and keeps its values."""
        if self.generation.backend() != "tensorflow":
            observing.gradient_note = f"no gradients on the {self.generation.backend()} backend"
        elif any(getattr(layer, "eager_only", False) for layer in arrays.layers.values()):
            observing.gradient_note = "a layer here runs outside of what Keras differentiates"
        if observing.gradient_note:
            arrays.run(inputs, is_symbolic=False)
            return
        framework = sys.modules["tensorflow"]
        with Differentiable(framework, inputs, variables_of(plan, arrays.layers)) as recorded:
            arrays.run(inputs, is_symbolic=False)
            try:
                score = recorded.score(arrays.values, plan["cotangents"], _flat)
            except Exception as error:  # an output of another shape: the values are the answer
                observing.gradient_note = f"{type(error).__name__}: {error}"
                return
        try:
            observing.gradients = recorded.gradients(score)
        except Exception as error:
            observing.gradient_note = f"{type(error).__name__}: {error}"

    def _symbolic_inputs(self, plan: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: Absent
            if spec["dtype"] == "object"
            else self.keras.Input(batch_shape=tuple(spec["shape"]), dtype=spec["dtype"], name=name)
            if spec["shape"]
            else Absent
            for name, spec in plan["inputs"].items()
        }

    def _symbolic_nodes(self, plan: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
        return {
            node: [
                {"shape": _shapes(item), "dtype": self.generation.dtype_name(item.dtype)}
                for item in _flat(values[node])
            ]
            for node in plan["observed"]
            if values[node] is not Absent and Absent not in _leaves(values[node])
        }

    def _tensor(self, array: np.ndarray[Any, Any]) -> Any:
        return array if array.dtype == object else self.generation.ops.convert_to_tensor(array)

    def _observed(self, value: Any) -> dict[str, Any]:
        items = []
        for item in _flat(value):
            data = np.asarray(self.generation.ops.convert_to_numpy(item))
            mask = mask_of(item)
            items.append(
                {
                    "shape": list(data.shape),
                    "dtype": str(data.dtype),
                    "data": pack(data),
                    "mask": None if mask is None else pack(np.asarray(self.generation.ops.convert_to_numpy(mask))),
                }
            )
        return {"structure": len(value) if isinstance(value, list | tuple) else None, "items": items}

    def _describe_weights(self, plan: Mapping[str, Any], layers: Mapping[str, Any], observing: Observing) -> None:
        for name, layer in layers.items():
            if getattr(layer, "built", False) and hasattr(layer, "weights"):
                found = matched(layer, name, list(plan["layers"][name]["weights"]))
                observing.weights[name] = {key: [int(n) for n in variable.shape] for key, variable in found.items()}
                observing.params[name] = sum(int(np.prod(shape)) for shape in observing.weights[name].values())


def _flat(value: Any) -> list[Any]:
    return [leaf for item in value for leaf in _flat(item)] if isinstance(value, list | tuple) else [value]


def start(options: Mapping[str, Any]) -> KerasLane:
    """Imports what was asked for: Keras 3 over a backend (TensorFlow unless told otherwise), or a Keras 2."""
    if options.get("package") == "tf_keras":
        from conformance.lanes import tf_keras

        return tf_keras.start(options)
    backend = options.get("backend", "tensorflow")
    os.environ["KERAS_BACKEND"] = backend
    import keras

    if str(keras.__version__).startswith("2."):
        from conformance.lanes import tf_keras

        return tf_keras.over(keras, "keras")
    if keras.backend.backend() != backend:
        raise Unsupported(f"asked for Keras on {backend}, it runs on {keras.backend.backend()}")
    framework = __import__(backend)
    if backend == "tensorflow":
        use_one_thread(framework)
    return KerasLane(keras, *proof(keras, "keras", framework))


def use_one_thread(tensorflow: Any) -> None:
    """Sums are made in one order, and lanes beside each other do not fight for the machine."""
    tensorflow.config.threading.set_intra_op_parallelism_threads(1)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)


def proof(keras: Any, package: str, framework: Any) -> tuple[dict[str, str], dict[str, str]]:
    """Versions and files of what was really imported."""
    versions = {package: str(keras.__version__), framework.__name__: str(framework.__version__)}
    files = {package: str(keras.__file__), framework.__name__: str(framework.__file__)}
    return {**versions, "numpy": np.__version__, "python": sys.version.split()[0]}, files
