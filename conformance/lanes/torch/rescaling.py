"""Rescaling and Normalization in torch, which has neither: one line each."""

from __future__ import annotations

from typing import Any

import torch

from .port import Config, Parameters, Tensor, keep, port

SMALLEST_DEVIATION = 1e-7


def _floats(x: Tensor) -> Tensor:
    return x if x.is_floating_point() else x.to(torch.get_default_dtype())


@port("Rescaling", mask=keep)
def rescaling(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    x = _floats(x)
    return x * torch.tensor(layer.scale, dtype=x.dtype) + torch.tensor(layer.offset, dtype=x.dtype)


def _numbers(layer: Config, axes: list[int], dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    if layer.mean is not None:
        return torch.tensor(layer.mean, dtype=dtype), torch.tensor(layer.variance, dtype=dtype)
    if layer.adapt is None:
        return torch.zeros((), dtype=dtype), torch.ones((), dtype=dtype)
    data = torch.tensor(layer.adapt, dtype=dtype)
    others = [axis for axis in range(data.ndim) if axis not in axes]
    return data.mean(dim=others), data.var(dim=others, correction=0)


@port("Normalization", mask=keep)
def normalization(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    if (layer.mean is None) != (layer.variance is None):
        raise ValueError("mean and variance are given together, or neither is")
    x = _floats(x)
    given: Any = () if layer.axis is None else layer.axis
    axes = sorted(axis % x.ndim for axis in ((given,) if isinstance(given, int) else given))
    mean, variance = _numbers(layer, axes, x.dtype)
    if axes:
        kept = [x.shape[axis] for axis in axes]
        lengths = [length if axis in axes else 1 for axis, length in enumerate(x.shape)]
        mean, variance = (part.expand(kept).reshape(lengths) for part in (mean, variance))
    deviation = variance.sqrt().clamp(min=SMALLEST_DEVIATION)
    return x * deviation + mean if layer.invert else (x - mean) / deviation
