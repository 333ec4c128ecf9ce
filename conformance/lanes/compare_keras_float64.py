"""A Keras model made again in float64: what its float32 answers are measured against in a comparison."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from conformance.lanes.compare_far import Refused, called, named_object, said
from conformance.lanes.compare_keras_arrays import KerasTensors, call_model, is_keras_3
from conformance.lanes.compare_keras_load import allowed_objects, is_model
from conformance.lanes.compare_keras_watch import watched


def in_float64(
    keras: Any, tensors: KerasTensors, model: Any, spec: Mapping[str, Any], inputs: Mapping[str, Any]
) -> Any:
    """The same model with every array in float64. Raises Refused where it cannot be made again.

    `spec` is how the user named the model, `inputs` a batch that it can be built by.
    """
    try:
        wide = _made_again(keras, model, spec)
        call_model(tensors, wide, inputs, "float64")
        wide.set_weights([np.asarray(tensors.array(weight)) for weight in model.weights])
    except Refused:
        raise
    except Exception as error:
        raise Refused("narrow", f"the model cannot be made again in float64: {said(error)[:300]}") from None
    kinds = {str(tensors.array(weight).dtype) for weight in wide.weights} - {"float64"}
    if any(kind.startswith(("float", "bfloat")) for kind in kinds):
        raise Refused("narrow", "the model keeps weights in float32 when it is made again in float64")
    return wide


def _made_again(keras: Any, model: Any, spec: Mapping[str, Any]) -> Any:
    """By its configuration where it has one, else by the function that the user named, under another policy."""
    try:
        config = _widened(model.get_config())
        with computing_in(keras, "float64"):
            custom = allowed_objects(spec.get("allow", ()))
            custom |= {type(layer).__name__: type(layer) for _, layer in watched(keras, model).values()}
            with keras.utils.custom_object_scope(custom):
                return type(model).from_config(config)
    except Exception:  # layers of the user's own may raise anything when they are made again
        if not spec.get("name"):
            raise
    with computing_in(keras, "float64"):
        found = named_object(spec["path"], spec["name"])
        if is_model(keras, found):
            raise Refused("narrow", f"{spec['name']} is one model; a function could make it in float64")
        return called(found, spec["path"], spec["name"])


@contextlib.contextmanager
def computing_in(keras: Any, dtype: str) -> Iterator[None]:
    """Layers made here compute in a dtype."""
    backend, mixed = keras.backend, keras.mixed_precision
    floatx, policy = backend.floatx(), (
        keras.config.dtype_policy() if is_keras_3(keras) else mixed.global_policy()
    )  # fmt: skip
    put = keras.config.set_dtype_policy if is_keras_3(keras) else mixed.set_global_policy
    backend.set_floatx(dtype)
    put(dtype)
    try:
        yield
    finally:
        backend.set_floatx(floatx)
        put(policy)


def _widened(config: Any) -> Any:
    """A configuration with float64 wherever it says float32."""
    if isinstance(config, dict):
        made = {}
        for key, value in config.items():
            is_policy = isinstance(value, dict) and "Policy" in str(value.get("class_name"))
            made[key] = "float64" if key == "dtype" and (value == "float32" or is_policy) else _widened(value)
        return made
    if isinstance(config, (list, tuple)):
        return type(config)(_widened(item) for item in config)
    return config
