"""Dtype policies in the Keras lane: set before every case, read back, and what follows for inputs and arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from conformance.protocol.adapter import Unsupported
from conformance.protocol.formats import POLICIES
from conformance.protocol.names import USUAL as USUAL


def ensure(keras: Any, name: str) -> str:
    """Sets the policy where another one holds (`clear_session` forgets it); the name of the one that holds then.

    For float64 `floatx` is set too, as its documentation advises: losses and one_hot take their dtype from there.
    """
    get, put = _functions(keras)
    floatx = POLICIES[name].given.name
    if keras.backend.floatx() != floatx:
        keras.backend.set_floatx(floatx)
    if str(get().name) != name:
        put(name)
    return str(get().name)


def _functions(keras: Any) -> tuple[Callable[[], Any], Callable[[str], None]]:
    """How this Keras tells and sets its global policy: Keras 2, 3.0 and those after each call it otherwise."""
    for place in (getattr(keras, "config", None), getattr(keras, "mixed_precision", None)):
        for get, put in (("dtype_policy", "set_dtype_policy"), ("global_policy", "set_global_policy")):
            if hasattr(place, get) and hasattr(place, put):
                return getattr(place, get), getattr(place, put)
    raise Unsupported(f"Keras {keras.__version__} has no global dtype policy")


def refuse_arrays(layers: Mapping[str, Any], policy: str) -> None:
    """Raises Unsupported for what works on NumPy arrays: no dtype policy reaches a data pipeline."""
    for name, layer in layers.items():
        if getattr(layer, "eager_only", False):
            raise Unsupported(f"{name} ({type(layer).__name__}) works on NumPy arrays, which {policy} does not reach")


def input_dtype(dtype: str, policy: str) -> str:
    """The dtype in which an input of the case goes in: floats as the policy gives them."""
    return POLICIES[policy].given.name if dtype == "float32" else dtype


def given(array: np.ndarray[Any, Any], policy: str) -> np.ndarray[Any, Any]:
    """An input of the case as the policy gives it."""
    return array.astype(input_dtype(str(array.dtype), policy), copy=False)


def as_numpy(ops: Any, tensor: Any) -> tuple[np.ndarray[Any, Any], str]:
    """An array that can travel, and the name of its dtype: NumPy itself has no bfloat16, TensorFlow's is no array."""
    if "bfloat16" in str(getattr(tensor, "dtype", "")):
        return np.asarray(ops.convert_to_numpy(ops.cast(tensor, "float32"))), "bfloat16"
    data = np.asarray(ops.convert_to_numpy(tensor))
    return data, str(data.dtype)


def arithmetic(ops: Any) -> Mapping[str, Callable[..., Any]]:
    """What `+ - * / @` do between symbolic tensors of Keras 3: they promote, where TensorFlow's own raise."""
    names = {"+": "add", "-": "subtract", "*": "multiply", "/": "true_divide", "@": "matmul"}
    return {sign: getattr(ops, name) for sign, name in names.items() if hasattr(ops, name)}
