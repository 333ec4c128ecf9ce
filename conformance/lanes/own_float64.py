"""The far end for layers of the user's own that have no reference: the Keras layer itself, in float64.

A request names the class by its path, its arguments, its weights and what it is called with; the answer is what it
gives, the mask that it hands on, or what flows back from a cotangent. Runs in a process over TensorFlow.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from conformance.lanes import keras_policies
from conformance.lanes.compare_far import Request
from conformance.lanes.keras_config import constructor, find_type
from conformance.lanes.keras_weights import matched
from conformance.protocol.wire import pack, unpack

POLICY = "float64"


class OwnLayers:
    """The adapter: layers made once for their path, arguments and input shapes, and asked again with other numbers."""

    from_wire = Request.from_wire

    def __init__(self, lane: Any) -> None:
        import tensorflow as tf

        self.keras, self.identity, self._tf = lane.keras, lane.identity, tf
        self._made: dict[str, Any] = {}

    def observe(self, request: Request) -> dict[str, Any]:
        """The answer, or `failure` with what was raised."""
        try:
            return self._answer(request.body)
        except Exception as error:
            return {"failure": f"{type(error).__name__}: {str(error)[:2000]}"}

    def _answer(self, body: Mapping[str, Any]) -> dict[str, Any]:
        keras_policies.ensure(self.keras, POLICY)
        args = [self._tensor(one) for one in body["args"]]
        held = {name: unpack(one) for name, one in body["weights"].items()}
        layer = self._layer(body, args)
        if body.get("mask") is not None and body["wants"] == "mask":
            if not getattr(layer, "supports_masking", False):  # then Keras lets the mask end at the layer, unasked
                return {"mask": None}
            mask = layer.compute_mask(args[0], self._tensor(body["mask"]))
            return {"mask": None if mask is None else pack(self._numpy(mask).astype(bool))}
        told = {}
        if body.get("training") is not None:
            told["training"] = bool(body["training"])
        if body.get("mask") is not None:
            told["mask"] = self._tensor(body["mask"])
        if not getattr(layer, "built", False):
            self._call(layer, args, told)
        found = matched(layer, body["path"], list(held))
        for name, variable in found.items():
            variable.assign(held[name])
        if body["wants"] == "values":
            return {"value": pack(self._numpy(self._call(layer, args, told)))}
        return {"gradients": self._backwards(layer, args, told, list(found.values()), unpack(body["cotangent"]))}

    def _layer(self, body: Mapping[str, Any], args: list[Any]) -> Any:
        shapes = [list(one.shape) for one in args]
        key = json.dumps([body["path"], body["arguments"], shapes], sort_keys=True, default=str)
        if key not in self._made:
            made = constructor(self.keras, find_type(self.keras, body["path"]))
            self._made[key] = made("float64", body["arguments"])
        return self._made[key]

    @staticmethod
    def _call(layer: Any, args: list[Any], told: Mapping[str, Any]) -> Any:
        output = layer(*args, **told)
        if isinstance(output, (list, tuple, dict)):
            raise ValueError("a layer that gives several arrays needs a reference of its own")
        return output

    def _backwards(self, layer: Any, args: list[Any], told: Any, variables: list[Any], cotangent: Any) -> list[Any]:
        """What flows back to each weight and each argument; None for what is no float."""
        values = [getattr(variable, "value", variable) for variable in variables]
        watched = [value() if callable(value) else value for value in values]
        floats = [one for one in args if one.dtype.is_floating]
        with self._tf.GradientTape() as tape:
            tape.watch([*watched, *floats])
            output = self._call(layer, args, told)
            score = self._tf.reduce_sum(output * self._tf.constant(np.array(cotangent)))
        wanted = [*watched, *floats]
        found = iter(tape.gradient(score, wanted, unconnected_gradients=self._tf.UnconnectedGradients.ZERO))
        packed = [pack(np.asarray(self._tf.convert_to_tensor(next(found)))) for _ in watched]
        return packed + [
            pack(np.asarray(self._tf.convert_to_tensor(next(found)))) if one.dtype.is_floating else None for one in args
        ]

    def _tensor(self, packed: Any) -> Any:
        return self._tf.convert_to_tensor(np.array(unpack(packed)))

    def _numpy(self, tensor: Any) -> Any:
        return np.asarray(self.keras.ops.convert_to_numpy(tensor))


def start(options: Mapping[str, Any]) -> OwnLayers:
    """Over the Keras of this interpreter."""
    from conformance.lanes import keras_start

    return OwnLayers(keras_start.start(options))
