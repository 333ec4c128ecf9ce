"""SpatialDropout, GaussianNoise, GaussianDropout and AlphaDropout in torch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from .port import Config, Parameters, Tensor, keep, port
from .windows import channels_second, check_rank, in_format

SATURATED = -1.7580993408473766
"""What `torch.selu` tends to far below 0."""


def _spatial(dropout: Callable[..., Any], layer: Config, x: Tensor, data_format: str, training: bool | None) -> Tensor:
    """torch drops along axis 1, which is where it keeps the channels."""
    y: Tensor = dropout(channels_second(x, data_format), layer.rate, training=bool(training))
    return in_format(y, data_format)


@port("SpatialDropout1D", mask=keep)
def spatial_dropout_1d(layer: Config, p: Parameters, x: Tensor, training: bool | None = False) -> Tensor:
    check_rank(x, 1)
    return _spatial(F.dropout1d, layer, x, "channels_last", training)


@port("SpatialDropout2D", mask=keep)
def spatial_dropout_2d(layer: Config, p: Parameters, x: Tensor, training: bool | None = False) -> Tensor:
    check_rank(x, 2)
    return _spatial(F.dropout2d, layer, x, layer.data_format, training)


@port("SpatialDropout3D", mask=keep)
def spatial_dropout_3d(layer: Config, p: Parameters, x: Tensor, training: bool | None = False) -> Tensor:
    check_rank(x, 3)
    return _spatial(F.dropout3d, layer, x, layer.data_format, training)


@port("GaussianNoise", mask=keep)
def gaussian_noise(layer: Config, p: Parameters, x: Tensor, training: bool | None = False) -> Tensor:
    return x + layer.stddev * torch.randn_like(x) if training else x


@port("GaussianDropout", mask=keep)
def gaussian_dropout(layer: Config, p: Parameters, x: Tensor, training: bool | None = False) -> Tensor:
    if not training:
        return x
    if layer.rate == 1:
        raise ValueError("a rate of 1 has no variance: rate / (1 - rate)")
    return x * (1.0 + math.sqrt(layer.rate / (1.0 - layer.rate)) * torch.randn_like(x))


@port("AlphaDropout", mask=keep)
def alpha_dropout(layer: Config, p: Parameters, x: Tensor, training: bool | None = False) -> Tensor:
    """`F.alpha_dropout` draws for every entry and gives zeros for a rate of 1; for a `noise_shape` its formula."""
    if not training:
        return x
    if layer.rate == 1:
        raise ValueError("a rate of 1 has no scale: nothing is left of the variance")
    if layer.noise_shape is None:
        y: Tensor = F.alpha_dropout(x, layer.rate, training=True)
        return y
    shape = [length if size is None else size for size, length in zip(layer.noise_shape, x.shape, strict=True)]
    scale = ((1.0 - layer.rate) * (1.0 + layer.rate * SATURATED**2)) ** -0.5
    kept = torch.rand(shape) >= layer.rate
    shifted: Tensor = scale * torch.where(kept, x, SATURATED) - scale * SATURATED * layer.rate
    return shifted
