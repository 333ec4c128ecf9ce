"""Layers that change colours in torch: arithmetic on (batch, channels, rows, columns)."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from .augmentation import augmented, only, unless
from .image_sizes import as_batch, as_given
from .port import Config, Parameters, Tensor, port


@port("AutoContrast", integers="floats")
def auto_contrast(layer: Config, p: Parameters, x: Tensor, training: bool = True) -> Tensor:
    images = as_batch(x, "channels_last")
    low, high = images.amin(dim=(2, 3), keepdim=True), images.amax(dim=(2, 3), keepdim=True)
    first, last = layer.value_range
    stretched = (images - low) / torch.where(high > low, high - low, 1.0) * (last - first) + first
    return as_given(torch.where(high > low, stretched, images), x.ndim, "channels_last")


def _grey(images: Tensor) -> Tensor:
    weights = images.new_tensor([0.2989, 0.587, 0.114]).reshape(1, 3, 1, 1)
    grey: Tensor = (images * weights).sum(dim=1, keepdim=True)
    return grey.expand_as(images)


def _solarized(layer: Config, images: Tensor) -> Tensor:
    first, last = layer.value_range
    images = torch.clamp(images + only(layer.addition_factor) * (last - first), first, last)
    threshold = only(layer.threshold_factor) * (last - first) + first
    turned: Tensor = last + first - images
    return torch.where(images < threshold, images, turned)


def _brighter(layer: Config, images: Tensor) -> Tensor:
    first, last = layer.value_range
    return torch.clamp(images + only(layer.factor, None) * (last - first), first, last)


def _contrast(layer: Config, images: Tensor) -> Tensor:
    return unless("factor")(layer, images).clamp(*layer.value_range)


def _greyed(layer: Config, images: Tensor) -> Tensor:
    is_grey = images.shape[1] == 1
    return _grey(images) if only((layer.factor, layer.factor)) == 1 and not is_grey else unless("factor")(layer, images)


def _inverted(layer: Config, images: Tensor) -> Tensor:
    first, last = layer.value_range
    inverted: Tensor = last + first - images
    return inverted if only(layer.factor) == 1 else images


def _degenerated(layer: Config, images: Tensor) -> Tensor:
    return torch.lerp(images, _grey(images), only(layer.factor)).clamp(*layer.value_range)


def _saturated(layer: Config, images: Tensor) -> Tensor:
    factor, (first, last) = only(layer.factor), layer.value_range
    x = (images - first) / (last - first)
    value = x.amax(dim=1, keepdim=True)
    spread = value - x.amin(dim=1, keepdim=True)
    saturation = torch.where(spread > 0, spread, 1.0) / torch.where(spread > 0, value, 1.0)
    most = (saturation * (factor / (1 - factor))).clamp(max=1.0) if factor < 1 else torch.ones_like(saturation)
    y: Tensor = torch.where(spread > 0, value - (value - x) * most / saturation, x) * (last - first) + first
    return y


def _posterized(layer: Config, images: Tensor) -> Tensor:
    bits = int(only(layer.factor if isinstance(layer.factor, tuple) else (layer.factor, layer.factor)))
    first, last = layer.value_range
    shift = 8 - bits
    whole = ((images.detach() - first) * (255 / (last - first))).to(torch.uint8)
    kept: Tensor = ((whole >> shift) << shift).to(images.dtype) * ((last - first) / 255) + first
    return kept


def _blurred(layer: Config, images: Tensor) -> Tensor:
    if layer.kernel_size % 2 == 0:
        raise ValueError(f"no pixel is the middle of {layer.kernel_size}")
    if only(layer.factor) != 1:
        return images.clamp(*layer.value_range)
    half = layer.kernel_size // 2
    far = torch.arange(-half, half + 1.0) ** 2
    sigma = only(layer.sigma)
    line = torch.exp(-far / (2 * sigma**2)) if sigma else (far == 0).to(images.dtype)
    line = (line / line.sum()).to(images.dtype)
    channels = images.shape[1]
    kernel = torch.outer(line, line).expand(channels, 1, -1, -1)
    return F.conv2d(images, kernel, padding=half, groups=channels).clamp(*layer.value_range)


@port("Solarization", integers="floats")
def solarization(layer: Config, p: Parameters, x: Tensor, training: bool = True) -> Tensor:
    return augmented(layer, x, training, _solarized)


@port("RandomBrightness", integers="floats")
def random_brightness(layer: Config, p: Parameters, x: Tensor, training: bool = True) -> Tensor:
    return augmented(layer, x, training, _brighter)


@port("RandomContrast", integers="floats")
def random_contrast(layer: Config, p: Parameters, x: Tensor, training: bool = True) -> Tensor:
    return augmented(layer, x, training, _contrast)


@port("RandomGrayscale", integers="floats")
def random_grayscale(layer: Config, p: Parameters, x: Tensor, training: bool = True) -> Tensor:
    return augmented(layer, x, training, _greyed)


@port("RandomInvert", integers="floats")
def random_invert(layer: Config, p: Parameters, x: Tensor, training: bool = True) -> Tensor:
    return augmented(layer, x, training, _inverted)


@port("RandomColorDegeneration", integers="floats")
def random_color_degeneration(layer: Config, p: Parameters, x: Tensor, training: bool = True) -> Tensor:
    """Grey is a mean of three channels: of others nothing is said, in inference neither."""
    channels = x.shape[-1 if layer.data_format == "channels_last" else -3]
    if channels != 3:
        raise ValueError(f"grey is made of three channels, not {channels}")
    return augmented(layer, x, training, _degenerated)


@port("RandomSaturation", integers="floats")
def random_saturation(layer: Config, p: Parameters, x: Tensor, training: bool = True) -> Tensor:
    return augmented(layer, x, training, _saturated)


@port("RandomPosterization", integers="floats")
def random_posterization(layer: Config, p: Parameters, x: Tensor, training: bool = True) -> Tensor:
    return augmented(layer, x, training, _posterized)


@port("RandomGaussianBlur", integers="floats")
def random_gaussian_blur(layer: Config, p: Parameters, x: Tensor, training: bool = True) -> Tensor:
    return augmented(layer, x, training, _blurred)
