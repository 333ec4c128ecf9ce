"""Layers that move pixels in torch: indexing by where each pixel comes from, mirrored or filled beyond the edge."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from .augmentation import augmented, drawn, only, unless
from .image_sizes import as_batch, as_given, largest_window
from .port import Config, Parameters, Tensor, port


def _inside(places: Tensor, length: int, mode: str) -> Tensor:
    if mode == "reflect":
        around = places.remainder(2 * length)
        return torch.minimum(around, 2 * length - 1 - around)
    return places.remainder(length) if mode == "wrap" else places.clamp(0, length - 1)


def _pixels(layer: Config, images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    height, width = images.shape[-2:]
    found = images[:, :, _inside(rows, height, layer.fill_mode), _inside(columns, width, layer.fill_mode)]
    if layer.fill_mode != "constant":
        return found
    is_there = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    return found.masked_fill(~is_there, layer.fill_value)


def _sampled(layer: Config, images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    if layer.interpolation == "nearest":
        return _pixels(layer, images, (rows + 0.5).floor().long(), (columns + 0.5).floor().long())
    top, left = rows.floor().long(), columns.floor().long()
    down, right = rows - top, columns - left
    upper = torch.lerp(_pixels(layer, images, top, left), _pixels(layer, images, top, left + 1), right)
    lower = torch.lerp(_pixels(layer, images, top + 1, left), _pixels(layer, images, top + 1, left + 1), right)
    return torch.lerp(upper, lower, down)


def _around_the_middle(images: Tensor) -> tuple[Tensor, Tensor, float, float]:
    """How far each pixel is below and right of the middle, and where that is."""
    height, width = images.shape[-2:]
    row, column = (height - 1) / 2, (width - 1) / 2
    down, right = torch.meshgrid(torch.arange(height) - row, torch.arange(width) - column, indexing="ij")
    return down.to(images.dtype), right.to(images.dtype), row, column


def _translated(layer: Config, images: Tensor) -> Tensor:
    down, right, row, column = _around_the_middle(images)
    by = only(layer.height_factor, None) * images.shape[-2], only(layer.width_factor, None) * images.shape[-1]
    return _sampled(layer, images, row + down - by[0], column + right - by[1])


def _zoomed(layer: Config, images: Tensor) -> Tensor:
    down, right, row, column = _around_the_middle(images)
    tall = 1 + only(layer.height_factor, None)
    wide = tall if layer.width_factor is None else 1 + only(layer.width_factor, None)
    return _sampled(layer, images, row + down * tall, column + right * wide)


def _turned(layer: Config, images: Tensor) -> Tensor:
    down, right, row, column = _around_the_middle(images)
    angle = 2 * math.pi * only(layer.factor, None)
    sin, cos = math.sin(angle), math.cos(angle)
    return _sampled(layer, images, row + sin * right + cos * down, column + cos * right - sin * down)


@port("RandomCrop", integers="floats")
def random_crop(layer: Config, p: Parameters, x: Tensor, training: bool = True) -> Tensor:
    images, size = as_batch(x, layer.data_format), (layer.height, layer.width)
    is_small = any(have < wanted for have, wanted in zip(images.shape[-2:], size, strict=True))
    if not training or is_small:
        window = largest_window(images, *size)
        images = F.interpolate(window, size=size, mode="bilinear", align_corners=False)
    elif tuple(images.shape[-2:]) != size:
        return drawn(layer, images)
    return as_given(images, x.ndim, layer.data_format)


def _hue(layer: Config, images: Tensor) -> Tensor:
    return unless("factor")(layer, images).clamp(*layer.value_range)


def _sharpness(layer: Config, images: Tensor) -> Tensor:
    return images.clamp(*layer.value_range) if only(layer.factor) == 0.5 else drawn(layer, images)


@port("RandomTranslation", integers="floats")
def random_translation(layer: Config, p: Parameters, x: Tensor, training: bool = True) -> Tensor:
    return augmented(layer, x, training, _translated)


@port("RandomZoom", integers="floats")
def random_zoom(layer: Config, p: Parameters, x: Tensor, training: bool = True) -> Tensor:
    return augmented(layer, x, training, _zoomed)


@port("RandomRotation", integers="floats")
def random_rotation(layer: Config, p: Parameters, x: Tensor, training: bool = True) -> Tensor:
    return augmented(layer, x, training, _turned)


@port("RandomFlip", integers="floats")
def random_flip(layer: Config, p: Parameters, x: Tensor, training: bool = True) -> Tensor:
    return augmented(layer, x, training, drawn)


@port("AugMix", integers="floats")
def aug_mix(layer: Config, p: Parameters, x: Tensor, training: bool = True) -> Tensor:
    return augmented(layer, x, training, drawn)


@port("RandAugment", integers="floats")
def rand_augment(layer: Config, p: Parameters, x: Tensor, training: bool = True) -> Tensor:
    return augmented(layer, x, training, drawn)


@port("RandomErasing", integers="floats")
def random_erasing(layer: Config, p: Parameters, x: Tensor, training: bool = True) -> Tensor:
    return augmented(layer, x, training, unless("factor"))


@port("RandomElasticTransform", integers="floats")
def random_elastic_transform(layer: Config, p: Parameters, x: Tensor, training: bool = True) -> Tensor:
    return augmented(layer, x, training, unless("factor"))


@port("RandomPerspective", integers="floats")
def random_perspective(layer: Config, p: Parameters, x: Tensor, training: bool = True) -> Tensor:
    return augmented(layer, x, training, unless("factor"))


@port("RandomShear", integers="floats")
def random_shear(layer: Config, p: Parameters, x: Tensor, training: bool = True) -> Tensor:
    return augmented(layer, x, training, unless("x_factor", "y_factor"))


@port("RandomHue", integers="floats")
def random_hue(layer: Config, p: Parameters, x: Tensor, training: bool = True) -> Tensor:
    return augmented(layer, x, training, _hue)


@port("RandomSharpness", integers="floats")
def random_sharpness(layer: Config, p: Parameters, x: Tensor, training: bool = True) -> Tensor:
    return augmented(layer, x, training, _sharpness)


@port("RandomColorJitter", integers="floats")
def random_color_jitter(layer: Config, p: Parameters, x: Tensor, training: bool = True) -> Tensor:
    return augmented(
        layer, x, training, unless("brightness_factor", "contrast_factor", "saturation_factor", "hue_factor")
    )
