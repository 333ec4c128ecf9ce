"""The operations of the graph language in torch."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as functional

from conformance.protocol.operations import Operations, axes, last_first, several


class TorchOperations(Operations):
    """Operations over torch tensors."""

    modules: ClassVar = {"torch": "torch", "F": "F"}

    def __init__(self) -> None:
        self.torch = torch
        self.F = functional

    def mean(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return self.torch.mean(x, dim=tuple(range(x.ndim)) if axis is None else axes(axis), keepdim=keepdims)

    def sum(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return self.torch.sum(x, dim=tuple(range(x.ndim)) if axis is None else axes(axis), keepdim=keepdims)

    def max(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return self.torch.amax(x, dim=tuple(range(x.ndim)) if axis is None else axes(axis), keepdim=keepdims)

    def min(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return self.torch.amin(x, dim=tuple(range(x.ndim)) if axis is None else axes(axis), keepdim=keepdims)

    def concatenate(self, items: Any, axis: int = -1) -> Any:
        return self.torch.cat(items, dim=axis)

    def stack(self, items: Any, axis: int = 0) -> Any:
        return self.torch.stack(items, dim=axis)

    def stack_rows(self, items: Any, axis: int = 0) -> Any:
        return self.torch.stack([self.torch.from_numpy(row) for row in items], dim=axis)

    def transpose(self, x: Any, axes: Any = None) -> Any:
        return x.permute(*reversed(range(x.ndim))) if axes is None else x.permute(axes)

    def reshape(self, x: Any, shape: Any) -> Any:
        return x.reshape(shape)

    def expand_dims(self, x: Any, axis: int) -> Any:
        return x.unsqueeze(axis)

    def squeeze(self, x: Any, axis: Any = None) -> Any:
        return x.squeeze() if axis is None else x.squeeze(axis)

    def flip(self, x: Any, axis: Any) -> Any:
        return self.torch.flip(x, several(axis))

    def one_hot(self, ids: Any, depth: int) -> Any:
        return self.F.one_hot(ids.long(), depth).to(self.torch.get_default_dtype())

    def einsum(self, equation: str, *operands: Any) -> Any:
        return self.torch.einsum(equation, *operands)

    def cast(self, x: Any, dtype: str) -> Any:
        return x.to(getattr(self.torch, dtype))

    def exp(self, x: Any) -> Any:
        return self.torch.exp(x)

    def log(self, x: Any) -> Any:
        return self.torch.log(x)

    def sqrt(self, x: Any) -> Any:
        return self.torch.sqrt(x)

    def tanh(self, x: Any) -> Any:
        return self.torch.tanh(x)

    def abs(self, x: Any) -> Any:
        return self.torch.abs(x)

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        return self.torch.where(condition, x, y)

    def pad(self, x: Any, widths: Any, value: float = 0.0) -> Any:
        return self.F.pad(x, last_first(widths), value=value)

    def repeat(self, x: Any, n: int, axis: int) -> Any:
        return self.torch.repeat_interleave(x, n, dim=axis)

    def equal(self, x: Any, y: Any) -> Any:
        """torch compares with a number on the right only."""
        return self.torch.eq(self.torch.as_tensor(x), y)

    def greater(self, x: Any, y: Any) -> Any:
        return self.torch.gt(self.torch.as_tensor(x), y)
