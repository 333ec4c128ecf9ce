"""Zeros around and cropping in torch: `F.pad`, which counts axes from the last one, and `narrow`."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from .port import Config, Parameters, Tensor, port
from .reshaping import check_axes


def _sides(value: Any, rank: int) -> list[tuple[int, int]]:
    """Before and after for each axis, from one number, a number an axis or a pair an axis."""
    each = (value,) * rank if isinstance(value, int) or rank == 1 else value
    return [(axis, axis) if isinstance(axis, int) else tuple(axis) for axis in each]


def _pad(layer: Config, x: Tensor, rank: int) -> Tensor:
    check_axes(x, rank + 2)
    flat = [amount for pair in reversed(_sides(layer.padding, rank)) for amount in pair]
    return F.pad(x, flat if layer.data_format == "channels_first" else [0, 0, *flat])


@port("ZeroPadding1D")
def zero_padding_1d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return _pad(layer, x, 1)


@port("ZeroPadding2D")
def zero_padding_2d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return _pad(layer, x, 2)


@port("ZeroPadding3D")
def zero_padding_3d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return _pad(layer, x, 3)


def _crop(x: Tensor, sides: list[tuple[int, int]], first: int) -> Tensor:
    """`narrow` raises where nothing would be left; a slice would give an empty tensor."""
    check_axes(x, len(sides) + 2)
    for axis, (before, after) in enumerate(sides, first):
        length = x.shape[axis]
        if before + after == length:
            raise ValueError(f"cropping {before} + {after} leaves nothing of {length} steps")
        x = x.narrow(axis, before, length - before - after)
    return x


@port("Cropping1D")
def cropping_1d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return _crop(x, _sides(layer.cropping, 1), 1)


@port("Cropping2D")
def cropping_2d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return _crop(x, _sides(layer.cropping, 2), 1 if layer.data_format == "channels_last" else 2)


@port("Cropping3D")
def cropping_3d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return _crop(x, _sides(layer.cropping, 3), 1 if layer.data_format == "channels_last" else 2)
