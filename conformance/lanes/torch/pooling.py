"""Pooling in torch: `max_pool` and `avg_pool` with Keras' `same` made by hand, and means and maxima over all steps."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from .port import Config, Parameters, Tensor, port
from .windows import channels_second, check_rank, in_format, pad, per_axis, same_padding

Pool = Callable[..., Tensor]


def _windows(layer: Config, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """pool_size and strides, one number per axis."""
    sizes = per_axis(layer.pool_size, rank)
    return sizes, sizes if layer.strides is None else per_axis(layer.strides, rank)


def _max_pool(pool: Pool, rank: int, layer: Config, x: Tensor) -> Tensor:
    """Padding is minus infinity: zeros would win over negative numbers."""
    check_rank(x, rank)
    x = channels_second(x, layer.data_format)
    sizes, strides = _windows(layer, rank)
    if layer.padding == "same":
        x = pad(x, same_padding(x.shape[2:], sizes, strides, (1,) * rank), value=-torch.inf)
    return in_format(pool(x, sizes, strides), layer.data_format)


def _average_pool(pool: Pool, rank: int, layer: Config, x: Tensor) -> Tensor:
    """The mean of zero-padded x over that of zero-padded ones: both are divided by the window, so padding drops out."""
    check_rank(x, rank)
    x = channels_second(x, layer.data_format)
    x = x if x.is_floating_point() else x.to(torch.get_default_dtype())
    sizes, strides = _windows(layer, rank)
    if layer.padding == "valid":
        return in_format(pool(x, sizes, strides), layer.data_format)
    pads = same_padding(x.shape[2:], sizes, strides, (1,) * rank)
    share = pool(pad(torch.ones_like(x[:1, :1]), pads), sizes, strides)
    return in_format(pool(pad(x, pads), sizes, strides) / share, layer.data_format)


@port("MaxPooling1D", integers="there and back")
def max_pooling_1d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return _max_pool(F.max_pool1d, 1, layer, x)


@port("MaxPooling2D", integers="there and back")
def max_pooling_2d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return _max_pool(F.max_pool2d, 2, layer, x)


@port("AveragePooling1D", integers="floats")
def average_pooling_1d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return _average_pool(F.avg_pool1d, 1, layer, x)


@port("AveragePooling2D", integers="floats")
def average_pooling_2d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return _average_pool(F.avg_pool2d, 2, layer, x)


@port("MaxPooling3D", integers="there and back")
def max_pooling_3d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return _max_pool(F.max_pool3d, 3, layer, x)


@port("AveragePooling3D", integers="floats")
def average_pooling_3d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return _average_pool(F.avg_pool3d, 3, layer, x)


def _steps(layer: Config, x: Tensor, rank: int) -> tuple[int, ...]:
    """The axes over which a global pool runs."""
    check_rank(x, rank)
    first = 1 if layer.data_format == "channels_last" else 2
    return tuple(range(first, first + rank))


@port("GlobalAveragePooling1D", integers="floats")
def global_average_pooling_1d(layer: Config, p: Parameters, x: Tensor, mask: Tensor | None = None) -> Tensor:
    (steps,) = _steps(layer, x, 1)
    if mask is None:
        return x.mean(dim=steps, keepdim=layer.keepdims)
    real = mask.bool().unsqueeze(3 - steps)
    total = x.masked_fill(~real, 0.0).sum(dim=steps, keepdim=layer.keepdims)
    return total / real.sum(dim=steps, keepdim=layer.keepdims)


@port("GlobalMaxPooling1D")
def global_max_pooling_1d(layer: Config, p: Parameters, x: Tensor, mask: Tensor | None = None) -> Tensor:
    """The mask changes nothing, as in Keras."""
    return x.amax(dim=_steps(layer, x, 1), keepdim=layer.keepdims)


@port("GlobalAveragePooling2D", integers="floats")
def global_average_pooling_2d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return x.mean(dim=_steps(layer, x, 2), keepdim=layer.keepdims)


@port("GlobalMaxPooling2D")
def global_max_pooling_2d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return x.amax(dim=_steps(layer, x, 2), keepdim=layer.keepdims)


@port("GlobalAveragePooling3D", integers="floats")
def global_average_pooling_3d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return x.mean(dim=_steps(layer, x, 3), keepdim=layer.keepdims)


@port("GlobalMaxPooling3D")
def global_max_pooling_3d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return x.amax(dim=_steps(layer, x, 3), keepdim=layer.keepdims)
