"""Keras 2 in the Keras lane: `tf_keras`, or `keras` before 3. The graph, the weights and the order of runs are shared.

Keras 2 has no `keras.ops`; what the graph language needs of it are TensorFlow functions here.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np


class Keras2:
    """What Keras 2 calls differently from Keras 3."""

    def __init__(self, keras: Any, tf: Any) -> None:
        self.keras = keras
        self.ops = tensorflow_ops(tf)

    def backend(self) -> str:
        return "tensorflow"

    def dtype_name(self, dtype: Any) -> str:
        return str(getattr(dtype, "name", dtype))

    def reset_state(self, layer: Any) -> None:
        if hasattr(layer, "reset_states"):
            layer.reset_states()

    def forget_names(self) -> bool:
        self.keras.backend.reset_uids()
        return True

    def clear_session(self) -> None:
        self.keras.backend.clear_session()


def tensorflow_ops(tf: Any) -> SimpleNamespace:
    """The functions of `keras.ops` that the Keras lane uses, as TensorFlow has them."""

    def same_dtype(items: Any) -> list[Any]:
        return [tf.convert_to_tensor(item) for item in items]

    return SimpleNamespace(
        convert_to_tensor=tf.convert_to_tensor,
        convert_to_numpy=np.asarray,
        mean=tf.reduce_mean,
        sum=tf.reduce_sum,
        max=tf.reduce_max,
        min=tf.reduce_min,
        concatenate=lambda items, axis=-1: tf.concat(list(items), axis=axis),
        stack=lambda items, axis=0: tf.stack(same_dtype(items), axis=axis),
        transpose=lambda x, axes=None: tf.transpose(x, axes),
        reshape=tf.reshape,
        expand_dims=tf.expand_dims,
        squeeze=lambda x, axis=None: tf.squeeze(x, axis=axis),
        flip=lambda x, axis: tf.reverse(x, [axis] if isinstance(axis, int) else list(axis)),
        one_hot=lambda ids, depth: tf.one_hot(ids, depth),
        einsum=tf.einsum,
        cast=tf.cast,
        exp=tf.exp,
        log=tf.math.log,
        sqrt=tf.sqrt,
        tanh=tf.tanh,
        abs=tf.abs,
        where=tf.where,
        pad=lambda x, widths, constant_values=0.0: tf.pad(x, widths, constant_values=constant_values),
        repeat=lambda x, n, axis: tf.repeat(x, n, axis=axis),
        equal=tf.equal,
        greater=tf.greater,
    )
