"""CenterCrop and Resizing in torch: `F.interpolate` with align_corners=False, which maps centres of pixels.

Its mode `nearest-exact` looks at centres too; `nearest` does not. Its bicubic is that of Keras with antialias=True
only, which changes nothing but the cubic where an image is made larger.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from .port import Config, Parameters, Tensor, Unsupported, port
from .windows import channels_second, in_format


def as_batch(x: Tensor, data_format: str) -> Tensor:
    """x as (batch, channels, rows, columns)."""
    if x.ndim not in (3, 4):
        raise ValueError(f"an image has three axes, a batch of them four; got the shape {tuple(x.shape)}")
    return channels_second(x if x.ndim == 4 else x.unsqueeze(0), data_format)


def as_given(y: Tensor, rank: int, data_format: str) -> Tensor:
    y = in_format(y, data_format)
    return y if rank == 4 else y.squeeze(0)


def in_ratio(x: Tensor, height: int, width: int) -> tuple[int, int]:
    """The rows that go with x's columns, and the columns that go with its rows, at the ratio of the output."""
    rows, columns = x.shape[-2:]
    return columns * height // width, rows * width // height


def centred(x: Tensor, height: int, width: int) -> Tensor:
    """The middle of x (batch, channels, rows, columns)."""
    top, left = ((have - wanted) // 2 for have, wanted in zip(x.shape[-2:], (height, width), strict=True))
    return x[:, :, top : top + height, left : left + width]


def largest_window(x: Tensor, height: int, width: int) -> Tensor:
    rows, columns = in_ratio(x, height, width)
    return centred(x, max(min(rows, x.shape[-2]), 1), max(min(columns, x.shape[-1]), 1))


@port("CenterCrop")
def center_crop(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    wide = torch.promote_types(x.dtype, torch.float32) if not x.is_floating_point() else x.dtype
    images = as_batch(x, layer.data_format).to(wide)
    size = (layer.height, layer.width)
    if all(have >= wanted for have, wanted in zip(images.shape[-2:], size, strict=True)):
        y = centred(images, *size)
    else:
        y = F.interpolate(largest_window(images, *size), size=size, mode="bilinear", align_corners=False)
    return as_given(y, x.ndim, layer.data_format)


@port("Resizing")
def resizing(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    images = as_batch(x, layer.data_format)
    size = (layer.height, layer.width)
    if layer.crop_to_aspect_ratio:
        images = largest_window(images, *size)
    elif layer.pad_to_aspect_ratio:
        wanted = in_ratio(images, *size)
        top, left = (max(to - have, 0) // 2 for have, to in zip(images.shape[-2:], wanted, strict=True))
        images = F.pad(images, (left, left, top, top), value=layer.fill_value)
    if layer.interpolation == "nearest":
        rows, columns = (_nearest(have, to) for have, to in zip(images.shape[-2:], size, strict=True))
        y = images[:, :, rows][:, :, :, columns]
    else:
        y = _interpolated(layer, images, size)
    return as_given(y, x.ndim, layer.data_format)


def _nearest(length: int, wanted: int) -> Tensor:
    """What `nearest-exact` computes, in whole numbers, where a centre may lie between two pixels."""
    return (2 * torch.arange(wanted) + 1) * length // (2 * wanted)


def _interpolated(layer: Config, x: Tensor, size: tuple[int, int]) -> Tensor:
    if x.dtype == torch.bool:
        raise ValueError("true and false cannot be interpolated")
    images = x if x.is_floating_point() else x.double()  # halves are rounded to the even one
    is_antialiased = layer.antialias
    if layer.interpolation == "bicubic":
        if not is_antialiased and any(have > to for have, to in zip(x.shape[-2:], size, strict=True)):
            raise Unsupported("without antialias torch has another cubic, a = -3/4, where an image is made smaller")
        is_antialiased = True
    elif layer.interpolation != "bilinear":
        raise Unsupported(f"torch interpolates without {layer.interpolation}")
    y = F.interpolate(images, size=size, mode=layer.interpolation, align_corners=False, antialias=is_antialiased)
    if x.is_floating_point():
        return y
    limits = torch.iinfo(x.dtype)
    return y.round().clamp(limits.min, limits.max).to(x.dtype)
