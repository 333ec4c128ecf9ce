"""Arrays of a Keras model in a comparison: the backend's tensors, the batch that it is called with, its weights."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from conformance.lanes.compare_far import factors, opened

NO_TENSORS = (type(None), bool, int, float, str, tuple, list, dict)
"""What most arguments are that are no arrays: TensorFlow looks at each attribute of a value before it says so."""


def is_keras_3(keras: Any) -> bool:
    """Whether it is Keras 3 and not Keras 2."""
    return not str(keras.__version__).startswith("2.")


class KerasTensors:
    """Arrays of a Keras backend."""

    def __init__(self, keras: Any) -> None:
        self.keras = keras
        self._is_new = is_keras_3(keras)
        self._tf: Any = None
        """TensorFlow, where Keras runs on it: asked itself, for Keras looks at every array several times."""
        if not self._is_new or keras.backend.backend() == "tensorflow":
            import tensorflow

            self._tf = tensorflow

    def is_leaf(self, value: Any) -> bool:
        if isinstance(value, NO_TENSORS):
            return False
        if isinstance(value, np.ndarray):
            return True
        return bool(self.keras.ops.is_tensor(value) if self._tf is None else self._tf.is_tensor(value))

    def array(self, leaf: Any) -> np.ndarray[Any, Any]:
        return np.asarray(self.keras.ops.convert_to_numpy(leaf) if self._is_new else leaf)

    def mask(self, leaf: Any) -> np.ndarray[Any, Any] | None:
        mask = getattr(leaf, "_keras_mask", None)
        return None if mask is None else self.array(mask).astype(bool)

    def put_mask(self, leaf: Any, mask: np.ndarray[Any, Any] | None) -> None:
        with contextlib.suppress(AttributeError):
            leaf._keras_mask = None if mask is None else self.tensor(mask, "bool")

    def lengths(self, leaf: Any) -> list[int] | None:
        return None

    def token(self, leaf: Any) -> Any:
        return id(leaf)

    def like(self, array: np.ndarray[Any, Any], leaf: Any) -> Any:
        if tuple(array.shape) != tuple(leaf.shape):
            raise ValueError(f"shape {tuple(array.shape)} where the layer has {tuple(leaf.shape)}")
        return self.tensor(array, str(np.dtype(self.array(leaf).dtype)), getattr(leaf, "_keras_mask", None))

    def tensor(self, array: Any, dtype: str, mask: Any = None) -> Any:
        """A tensor of the backend, with a mask."""
        if self._tf is None:
            made = self.keras.ops.convert_to_tensor(np.asarray(array), dtype=dtype)
        else:
            made = self._tf.convert_to_tensor(np.asarray(array).astype(dtype, copy=False))
        if mask is not None:
            with contextlib.suppress(AttributeError):
                made._keras_mask = mask
        return made


def call_model(
    tensors: KerasTensors,
    model: Any,
    inputs: Mapping[str, Any],
    dtype: str,
    moved: Any = None,
    is_training: bool = False,
) -> Any:
    """The model's answer to a batch; but in training, what a call leaves behind is put back, as a state is."""
    given = arrays_of(inputs, dtype, moved)
    arrays = {name: tensors.tensor(array, str(array.dtype)) for name, array in given.items()}
    if is_training:
        return model(arranged(arrays, model), training=True)
    with as_found(model):
        return model(arranged(arrays, model), training=False)


@contextlib.contextmanager
def as_found(model: Any) -> Iterator[None]:
    """Variables that no optimiser trains are after a call what they were before it: every run begins alike."""
    held = [(variable, array) for variable in _states(model) if (array := np.array(variable)).dtype.kind in "biuf"]
    try:
        yield
    finally:
        for variable, was in held:
            if not np.array_equal(np.asarray(variable), was, equal_nan=True):
                variable.assign(was)


def _states(model: Any) -> list[Any]:
    """Moving statistics and states; those of recurrent layers are not among a model's weights in every release."""
    found = {id(one): one for one in model.non_trainable_variables}
    for layer in model._flatten_layers():
        states = getattr(layer, "states", None) if getattr(layer, "stateful", False) else None
        for one in states if isinstance(states, list | tuple) else ():
            if hasattr(one, "assign"):
                found.setdefault(id(one), one)
    return list(found.values())


def arrays_of(inputs: Mapping[str, Any], dtype: str, moved: Any) -> dict[str, Any]:
    """The batch in a dtype, moved by rounding where a pattern says how."""
    arrays = {}
    for place, (name, reference) in enumerate(inputs.items()):
        array = np.asarray(opened(reference))
        if array.dtype.kind == "f":
            array = array.astype(dtype)
            if moved is not None:
                array = array * factors(moved[0], 2**40 + place, array.shape, moved[1])
        arrays[name] = array
    return arrays


def arranged(arrays: Mapping[str, Any], model: Any) -> Any:
    """The batch in the structure that the model is called with: one array, a mapping, or a list."""
    structure = getattr(model, "_inputs_struct", None)
    inputs = getattr(model, "inputs", None)
    if isinstance(structure, dict):
        return {name: arrays[name] for name in structure}
    if len(arrays) == 1:
        return next(iter(arrays.values()))
    if inputs:
        return [arrays[str(tensor.name).partition(":")[0]] for tensor in inputs]
    return dict(arrays)


def put_weights(model: Any, arrays: Sequence[Any], moved: Any) -> None:
    """Sets the model's weights, moved by rounding where a pattern says how."""
    for place, (variable, array) in enumerate(zip(model.weights, arrays, strict=True)):
        if moved is not None and array.dtype.kind == "f":
            array = array * factors(moved[0], -1 - place, array.shape, moved[1])
        variable.assign(array)
