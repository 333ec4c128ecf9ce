"""Merge layers in torch. Torch has no masks: they come in as boolean tensors and the rules stand here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import torch

from .port import Config, Parameters, port

Tensor = torch.Tensor


def aligned(inputs: Sequence[Tensor]) -> list[Tensor]:
    """Equal ranks by axes of length 1 after the batch; torch itself would put them before the batch.

    Raises ValueError for anything but a list and for unequal batch sizes, which torch would broadcast.
    """
    if isinstance(inputs, Tensor):
        raise ValueError("a merge layer takes a list of tensors")
    if len({x.shape[0] for x in inputs}) > 1:
        raise ValueError(f"different batch sizes: {[tuple(x.shape) for x in inputs]}")
    rank = max(x.ndim for x in inputs)
    return [x.reshape(x.shape[:1] + (1,) * (rank - x.ndim) + x.shape[1:]) for x in inputs]


def masks_of(inputs: Sequence[Tensor], mask: Any) -> list[Tensor | None]:
    """One mask or None for each input."""
    return [None] * len(inputs) if mask is None else list(mask)


def over_features(mask: Tensor | None, x: Tensor) -> Tensor:
    """A mask over the leading axes of x, of x's shape; true everywhere for None."""
    if mask is None:
        return torch.ones(x.shape, dtype=torch.bool)
    return mask.reshape(mask.shape + (1,) * (x.ndim - mask.ndim)).expand(x.shape)


def any_real(layer: Config, x: Any, masks: Any) -> Tensor | None:
    """True where any of the masks is; None where any input has none."""
    present = [mask for mask in masks or () if mask is not None]
    return reduce(torch.logical_or, present) if present and len(present) == len(masks) else None


@port("Add", mask=any_real, integers="whole")
def add(layer: Config, p: Parameters, inputs: list[Tensor]) -> Tensor:
    return reduce(torch.add, aligned(inputs))


@port("Subtract", mask=any_real, integers="whole")
def subtract(layer: Config, p: Parameters, inputs: list[Tensor]) -> Tensor:
    if len(inputs) != 2:
        raise ValueError(f"a difference has two inputs, not {len(inputs)}")
    return torch.sub(*aligned(inputs))


@port("Multiply", mask=any_real, integers="whole")
def multiply(layer: Config, p: Parameters, inputs: list[Tensor], mask: Any = None) -> Tensor:
    values = aligned(inputs)
    masks = masks_of(values, mask)
    product = reduce(torch.mul, [x.masked_fill(~over_features(m, x), 1.0) for x, m in zip(values, masks, strict=True)])
    anywhere = any_real(layer, values, masks)
    return product if anywhere is None else product.masked_fill(~over_features(anywhere, product), 0.0)


@port("Average", mask=any_real, integers="floats")
def average(layer: Config, p: Parameters, inputs: list[Tensor]) -> Tensor:
    return reduce(torch.add, aligned(inputs)) / len(inputs)


@port("Maximum", mask=any_real, integers="there and back")
def maximum(layer: Config, p: Parameters, inputs: list[Tensor], mask: Any = None) -> Tensor:
    return _extreme(torch.maximum, float("-inf"), aligned(inputs), mask)


@port("Minimum", mask=any_real, integers="there and back")
def minimum(layer: Config, p: Parameters, inputs: list[Tensor], mask: Any = None) -> Tensor:
    return _extreme(torch.minimum, float("inf"), aligned(inputs), mask)


def _extreme(pick: Callable[[Tensor, Tensor], Tensor], worst: float, values: list[Tensor], mask: Any) -> Tensor:
    masks = masks_of(values, mask)
    best = reduce(pick, [x.masked_fill(~over_features(m, x), worst) for x, m in zip(values, masks, strict=True)])
    if any(m is None for m in masks):
        return best
    anywhere = reduce(torch.logical_or, [over_features(m, x) for x, m in zip(values, masks, strict=True)])
    return torch.where(anywhere, best, values[0])


def any_feature(layer: Config, x: list[Tensor], masks: Any) -> Tensor | None:
    """The masks joined as the values are, then true where any feature is."""
    if masks is None or all(mask is None for mask in masks):
        return None
    return torch.cat([over_features(m, value) for value, m in zip(x, masks, strict=True)], dim=layer.axis).any(dim=-1)


@port("Concatenate", mask=any_feature)
def concatenate(layer: Config, p: Parameters, inputs: list[Tensor]) -> Tensor:
    return torch.cat(list(inputs), dim=layer.axis)


def remaining(layer: Config, x: Any, mask: Any) -> Tensor | None:
    """A position stays masked when everything that was averaged there is masked."""
    if layer.axis is None:
        return any_real(layer, x, mask)
    if mask is None:
        return None
    axis = layer.axis % x.ndim
    return torch.any(mask, dim=axis) if axis < mask.ndim else mask


@port("MaskedAverage", mask=remaining)
def masked_average(layer: Config, p: Parameters, inputs: Any, mask: Any = None) -> Tensor:
    """The sum of the values that are left over their number, 0 where there are none."""
    if layer.axis is None:
        values = aligned(inputs)
        real = torch.stack([over_features(m, x) for x, m in zip(values, masks_of(values, mask), strict=True)])
        return _mean_where(torch.stack(values), real, 0)
    return _mean_where(inputs, over_features(mask, inputs), layer.axis)


def _mean_where(x: Tensor, real: Tensor, axis: int) -> Tensor:
    return x.masked_fill(~real, 0.0).sum(dim=axis) / real.sum(dim=axis).clamp(min=1)
