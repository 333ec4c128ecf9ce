"""The operations of the graph language in Keras 3, `keras.ops`, and in Keras 2, which has none: in TensorFlow."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from conformance.protocol.operations import Operations, several


class KerasOperations(Operations):
    """Operations over tensors of Keras 3, symbolic ones too."""

    modules: ClassVar = {"ops": "keras.ops"}

    def __init__(self, ops: Any) -> None:
        self.ops = ops

    def mean(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return self.ops.mean(x, axis=axis, keepdims=keepdims)

    def sum(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return self.ops.sum(x, axis=axis, keepdims=keepdims)

    def max(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return self.ops.max(x, axis=axis, keepdims=keepdims)

    def min(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return self.ops.min(x, axis=axis, keepdims=keepdims)

    def concatenate(self, items: Any, axis: int = -1) -> Any:
        return self.ops.concatenate(items, axis=axis)

    def stack(self, items: Any, axis: int = 0) -> Any:
        return self.ops.stack(items, axis=axis)

    def stack_rows(self, items: Any, axis: int = 0) -> Any:
        return self.ops.stack([self.ops.convert_to_tensor(row) for row in items], axis=axis)

    def transpose(self, x: Any, axes: Any = None) -> Any:
        return self.ops.transpose(x, axes)

    def reshape(self, x: Any, shape: Any) -> Any:
        return self.ops.reshape(x, shape)

    def expand_dims(self, x: Any, axis: int) -> Any:
        return self.ops.expand_dims(x, axis)

    def squeeze(self, x: Any, axis: Any = None) -> Any:
        return self.ops.squeeze(x, axis=axis)

    def flip(self, x: Any, axis: Any) -> Any:
        return self.ops.flip(x, axis)

    def one_hot(self, ids: Any, depth: int) -> Any:
        return self.ops.one_hot(ids, depth)

    def einsum(self, equation: str, *operands: Any) -> Any:
        return self.ops.einsum(equation, *operands)

    def cast(self, x: Any, dtype: str) -> Any:
        return self.ops.cast(x, dtype)

    def exp(self, x: Any) -> Any:
        return self.ops.exp(x)

    def log(self, x: Any) -> Any:
        return self.ops.log(x)

    def sqrt(self, x: Any) -> Any:
        return self.ops.sqrt(x)

    def tanh(self, x: Any) -> Any:
        return self.ops.tanh(x)

    def abs(self, x: Any) -> Any:
        return self.ops.abs(x)

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        return self.ops.where(condition, x, y)

    def pad(self, x: Any, widths: Any, value: float = 0.0) -> Any:
        return self.ops.pad(x, widths, constant_values=value)

    def repeat(self, x: Any, n: int, axis: int) -> Any:
        return self.ops.repeat(x, n, axis=axis)

    def equal(self, x: Any, y: Any) -> Any:
        return self.ops.equal(x, y)

    def greater(self, x: Any, y: Any) -> Any:
        return self.ops.greater(x, y)


class TensorFlowOperations(Operations):
    """Operations over tensors of TensorFlow, and the two conversions that `keras.ops` has and Keras 2 has not."""

    modules: ClassVar = {"tf": "tf"}

    def __init__(self, tf: Any) -> None:
        self.tf = tf

    def convert_to_tensor(self, x: Any) -> Any:
        return self.tf.convert_to_tensor(x)

    def convert_to_numpy(self, x: Any) -> Any:
        return np.asarray(x)

    def mean(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return self.tf.reduce_mean(x, axis=axis, keepdims=keepdims)

    def sum(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return self.tf.reduce_sum(x, axis=axis, keepdims=keepdims)

    def max(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return self.tf.reduce_max(x, axis=axis, keepdims=keepdims)

    def min(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return self.tf.reduce_min(x, axis=axis, keepdims=keepdims)

    def concatenate(self, items: Any, axis: int = -1) -> Any:
        return self.tf.concat(list(items), axis=axis)

    def stack(self, items: Any, axis: int = 0) -> Any:
        return self.tf.stack([self.tf.convert_to_tensor(item) for item in items], axis=axis)

    def stack_rows(self, items: Any, axis: int = 0) -> Any:
        return self.stack(items, axis=axis)

    def transpose(self, x: Any, axes: Any = None) -> Any:
        return self.tf.transpose(x, axes)

    def reshape(self, x: Any, shape: Any) -> Any:
        return self.tf.reshape(x, shape)

    def expand_dims(self, x: Any, axis: int) -> Any:
        return self.tf.expand_dims(x, axis)

    def squeeze(self, x: Any, axis: Any = None) -> Any:
        return self.tf.squeeze(x, axis=axis)

    def flip(self, x: Any, axis: Any) -> Any:
        return self.tf.reverse(x, several(axis))

    def one_hot(self, ids: Any, depth: int) -> Any:
        return self.tf.one_hot(ids, depth)

    def einsum(self, equation: str, *operands: Any) -> Any:
        return self.tf.einsum(equation, *operands)

    def cast(self, x: Any, dtype: str) -> Any:
        return self.tf.cast(x, dtype)

    def exp(self, x: Any) -> Any:
        return self.tf.exp(x)

    def log(self, x: Any) -> Any:
        return self.tf.math.log(x)

    def sqrt(self, x: Any) -> Any:
        return self.tf.sqrt(x)

    def tanh(self, x: Any) -> Any:
        return self.tf.tanh(x)

    def abs(self, x: Any) -> Any:
        return self.tf.abs(x)

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        return self.tf.where(condition, x, y)

    def pad(self, x: Any, widths: Any, value: float = 0.0) -> Any:
        return self.tf.pad(x, widths, constant_values=value)

    def repeat(self, x: Any, n: int, axis: int) -> Any:
        return self.tf.repeat(x, n, axis=axis)

    def equal(self, x: Any, y: Any) -> Any:
        return self.tf.equal(x, y)

    def greater(self, x: Any, y: Any) -> Any:
        return self.tf.greater(x, y)
