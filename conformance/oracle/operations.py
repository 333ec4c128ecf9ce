"""The operations of the graph language in the reference: NumPy's, through autograd."""

from __future__ import annotations

from typing import Any, ClassVar

import autograd.numpy as np
import numpy

from conformance.protocol.functions import computed
from conformance.protocol.operations import Operations, axes
from conformance.reference import activations
from conformance.reference.function_layer import expressions_by


class NumPyOperations(Operations):
    """Operations over arrays of autograd, which are NumPy's; scripts say plain NumPy in their place."""

    modules: ClassVar = {"np": "np"}

    def __init__(self) -> None:
        self.np = np

    def mean(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return self.np.mean(x, axis=axes(axis), keepdims=keepdims)

    def sum(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return self.np.sum(x, axis=axes(axis), keepdims=keepdims)

    def max(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return self.np.max(x, axis=axes(axis), keepdims=keepdims)

    def min(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return self.np.min(x, axis=axes(axis), keepdims=keepdims)

    def concatenate(self, items: Any, axis: int = -1) -> Any:
        return self.np.concatenate(items, axis=axis)

    def stack(self, items: Any, axis: int = 0) -> Any:
        return self.np.stack(items, axis=axis)

    def stack_rows(self, items: Any, axis: int = 0) -> Any:
        """Raises ValueError with the first row of another shape, which NumPy does not name."""
        for index, row in enumerate(items):
            if self.np.shape(row) != self.np.shape(items[0]):
                raise ValueError(f"row {index} has shape {row.shape}, row 0 has {items[0].shape}")
        return self.np.stack(list(items), axis=axis)

    def transpose(self, x: Any, axes: Any = None) -> Any:
        return self.np.transpose(x, axes)

    def reshape(self, x: Any, shape: Any) -> Any:
        return self.np.reshape(x, shape)

    def expand_dims(self, x: Any, axis: int) -> Any:
        return self.np.expand_dims(x, axis)

    def squeeze(self, x: Any, axis: Any = None) -> Any:
        return self.np.squeeze(x, axis=axis)

    def flip(self, x: Any, axis: Any) -> Any:
        """By subscripts, of which autograd knows the way back; of `np.flip` it does not."""
        turned = [each % self.np.ndim(x) for each in (axis if isinstance(axis, list) else [axis])]
        return x[tuple(slice(None, None, -1 if each in turned else None) for each in range(self.np.ndim(x)))]

    def one_hot(self, ids: Any, depth: int) -> Any:
        return self.np.eye(depth)[numpy.asarray(ids, dtype=int)]

    def einsum(self, equation: str, *operands: Any) -> Any:
        return self.np.einsum(equation, *operands)

    def cast(self, x: Any, dtype: str) -> Any:
        """All floats are float64 here."""
        return x * 1.0 if dtype.startswith("float") else numpy.asarray(x).astype(dtype)

    def exp(self, x: Any) -> Any:
        return self.np.exp(x)

    def log(self, x: Any) -> Any:
        return self.np.log(x)

    def sqrt(self, x: Any) -> Any:
        return self.np.sqrt(x)

    def tanh(self, x: Any) -> Any:
        return activations.tanh(x)

    def abs(self, x: Any) -> Any:
        return self.np.abs(x)

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        return self.np.where(condition, x, y)

    def pad(self, x: Any, widths: Any, value: float = 0.0) -> Any:
        return self.np.pad(x, widths, mode="constant", constant_values=value)

    def repeat(self, x: Any, n: int, axis: int) -> Any:
        return self.np.repeat(x, n, axis=axis)

    def equal(self, x: Any, y: Any) -> Any:
        return self.np.equal(x, y)

    def greater(self, x: Any, y: Any) -> Any:
        return self.np.greater(x, y)


expressions_by(lambda text, values: computed(text, values, NumPyOperations()))
