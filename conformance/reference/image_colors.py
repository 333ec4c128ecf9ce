"""Layers that change the colours of images, in ranges of one value; AutoContrast and Solarization among them.

Rules: the documentation of each layer. Grey is 0.2989 red + 0.587 green + 0.114 blue (ITU-R BT.601).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import autograd.numpy as np
import numpy
from autograd.tracer import getval

from .augmentation import IN_INFERENCE, NEVER, Factor, Range, _Augmentation, _Images, always, clipped, one_way, only
from .base import Array, LayerError, Mutant, Unanswerable, Weight, Weights, arg
from .image_sizes import as_batch, as_given
from .traits import asked, composed
from .windows import DataFormat

GREY = (0.2989, 0.587, 0.114)
_VALUES = "The lowest and the highest value of images."
_FORMAT = "Which axis holds the channels."


def of_three(channels: int) -> None:
    """Raises LayerError for another number of channels than red, green and blue."""
    if channels != 3:
        raise LayerError(f"grey is made of three channels, not {channels}")


def grey(images: Array) -> Array:
    """(batch, rows, columns, 3) to the same number three times."""
    of_three(images.shape[-1])
    return np.repeat(np.sum(images * np.array(GREY), axis=-1, keepdims=True), 3, axis=-1)


class AutoContrast(_Images):
    """Each channel of each image, stretched from its own lowest and highest value to those of the range.

    x: (batch, rows, columns, channels), or without the batch; the shape stays, in floats. A channel of one value stays
    as it is. In training and outside of it. Documentation of `keras.layers.AutoContrast`.
    """

    native = composed("(x - low) * 255 / (high - low)", reason="torchvision has autocontrast, torch has not")
    example = asked("AutoContrast", "5,7,3")

    value_range: Range = arg(_VALUES, default=(0, 255))

    def call(self, w: Weights, x: Array, training: bool = True) -> Array:
        images = as_batch(1.0 * x, "channels_last")
        low, high = (f(images, axis=self.over(), keepdims=True) for f in (np.min, np.max))
        is_flat = high == low
        first, last = self.value_range
        stretched = (images - low) * (last - first) / np.where(is_flat, 1.0, high - low) + first
        return as_given(np.where(is_flat, images, stretched), x.ndim, "channels_last")

    def over(self) -> tuple[int, ...]:
        return (1, 2)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant(
            "whole_image",
            "stretches all channels together",
            methods={"over": lambda layer: (1, 2, 3)},
        ),
        Mutant("whole_batch", "stretches all images together", methods={"over": lambda layer: (0, 1, 2)}),
        Mutant("always_255", "overlooks the range", config=lambda layer: {"value_range": (0, 255)}),
    )


class Solarization(_Augmentation):
    """In training: high + low - value, where a value is at or above the threshold; an addition comes before.

    x: (batch, rows, columns, channels), or without the batch; the shape stays, in floats. Addition and threshold are
    shares of the range, drawn between 0 and the argument, or between its two numbers. Documentation of
    `keras.layers.Solarization`.
    """

    native = composed("torch.where(x < threshold, x, 255 - x)")
    example = asked("Solarization", "5,7,3")

    ranges: ClassVar[Mapping[str, float | None]] = {"addition_factor": 0.0, "threshold_factor": 0.0}

    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {
        "addition_factor": (0.0, 1.0),
        "threshold_factor": (0.0, 1.0),
    }

    addition_factor: Factor = arg("Share of the range that is added first.", default=0.0)
    threshold_factor: Factor = arg("Share of the range from which values are turned round.", default=0.0)
    value_range: Range = arg(_VALUES, default=(0, 255))

    def augmented(self, images: Array) -> Array:
        first, last = self.value_range
        added = only("addition_factor", self.addition_factor) * (last - first)
        threshold = only("threshold_factor", self.threshold_factor) * (last - first) + first
        images = clipped(images + added, self.value_range)
        return np.where(getval(images) < threshold, images, last + first - images)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        IN_INFERENCE,
        NEVER,
        Mutant("always_255", "overlooks the range", config=lambda layer: {"value_range": (0, 255)}),
        Mutant("no_threshold", "turns all values round", config=lambda layer: {"threshold_factor": 0.0}),
    )


class RandomBrightness(_Augmentation):
    """In training: a share of the range is added to all of an image, and what leaves the range is cut off.

    x: (batch, rows, columns, channels), or without the batch; the shape stays, in floats. The share is drawn between
    the two numbers of `factor`, or between a number's negative and itself. Documentation of
    `keras.layers.RandomBrightness`.
    """

    native = composed("(x + factor * 255).clamp(0, 255)")
    example = asked("RandomBrightness((0.25, 0.25))", "5,7,3")
    positional = ("factor", "value_range")

    ranges: ClassVar[Mapping[str, float | None]] = {"factor": None}

    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {"factor": (-1.0, 1.0)}

    factor: Factor = arg("The share that is added.")
    value_range: Range = arg(_VALUES, default=(0, 255))

    def augmented(self, images: Array) -> Array:
        first, last = self.value_range
        return clipped(images + only("factor", self.factor, None) * (last - first), self.value_range)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        IN_INFERENCE,
        NEVER,
        Mutant("always_255", "overlooks the range", config=lambda layer: {"value_range": (0, 255)}),
        one_way("factor"),
        Mutant(
            "multiplies",
            "multiplies by 1 + factor, as torchvision's adjust_brightness does",
            methods={"augmented": lambda layer, x: clipped(x * (1 + layer.factor[0]), layer.value_range)},
        ),
    )


class RandomContrast(_Augmentation):
    """In training: (x - mean) c + mean for the mean of each channel, c drawn between 1 - lower and 1 + upper.

    x: (batch, rows, columns, channels), or without the batch; the shape stays, in floats. There is one answer for a
    `factor` of 0. Documentation of `keras.layers.RandomContrast`; that what leaves `value_range` is cut off is Keras
    3.15.1's, its documentation is silent.
    """

    native = composed("(x - mean) * c + mean")
    example = asked("RandomContrast(0)", "5,7,3")
    positional = ("factor", "value_range")

    factor: Factor = arg("How far below and above 1 the contrast may be.")
    value_range: Range = arg(_VALUES, default=(0, 255))

    @classmethod
    def draws_with(cls, config: Mapping[str, Any]) -> bool:
        return config.get("factor") not in (0, 0.0, (0, 0), [0, 0], (0.0, 0.0), [0.0, 0.0])

    def spread(self) -> Range:
        """Between which numbers the contrast is drawn."""
        lower, upper = self.factor if isinstance(self.factor, tuple) else (self.factor, self.factor)
        return 1 - lower, 1 + upper

    def augmented(self, images: Array) -> Array:
        return self.contrasted(images, only("factor", self.spread()))

    def drawn_for(self, image: Array, random: Any) -> Array:
        return self.contrasted(image, random.uniform(*self.spread()))

    def contrasted(self, images: Array, contrast: float) -> Array:
        mean = np.mean(images, axis=(1, 2), keepdims=True)
        return self.bounded((images - mean) * contrast + mean)

    def bounded(self, images: Array) -> Array:
        return clipped(images, self.value_range)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        IN_INFERENCE,
        Mutant("unbounded", "lets values leave the range", methods={"bounded": lambda layer, images: images}),
        Mutant(
            "around_zero",
            "multiplies without taking the mean off",
            methods={"contrasted": lambda layer, x, contrast: clipped(x * contrast, layer.value_range)},
        ),
    )


class RandomGrayscale(_Augmentation):
    """In training: all three channels become their grey, with the probability `factor`; one channel is grey already.

    x: (batch, rows, columns, 3 or 1), or without the batch; the shape stays, in floats. There is one answer for 0 and
    1. Documentation of `keras.layers.RandomGrayscale`.
    """

    native = composed("(x * torch.tensor([0.2989, 0.587, 0.114])).sum(-1, keepdim=True).expand_as(x)")
    example = asked("RandomGrayscale(1)", "5,7,3")
    positional = ("factor",)

    chances = ("factor",)

    factor: float = arg("How likely an image becomes grey.", default=0.5)
    data_format: DataFormat = arg(_FORMAT, default="channels_last")

    @classmethod
    def is_chance(cls, name: str, value: Any) -> bool:
        return True

    def augmented(self, images: Array) -> Array:
        if images.shape[-1] not in (1, 3):
            raise LayerError(f"grey is made of three channels or is one, not of {images.shape[-1]}")
        is_drawn = always("factor", (self.factor, self.factor))
        return self.grey(images) if is_drawn and images.shape[-1] == 3 else images

    def grey(self, images: Array) -> Array:
        return grey(images)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        IN_INFERENCE,
        NEVER,
        Mutant(
            "mean",
            "takes the mean of the channels",
            methods={"grey": lambda layer, x: np.repeat(np.mean(x, axis=-1, keepdims=True), 3, axis=-1)},
        ),
        Mutant(
            "blue_first",
            "reads the channels as blue, green, red",
            methods={"grey": lambda layer, x: grey(x[..., ::-1])},
        ),
    )


class RandomInvert(_Augmentation):
    """In training: high + low - value, with the probability `factor`.

    x: (batch, rows, columns, channels), or without the batch; the shape stays, in floats. There is one answer for 0 and
    for (1, 1). Documentation of `keras.layers.RandomInvert`.
    """

    native = composed("255 - x")
    example = asked("RandomInvert((1, 1))", "5,7,3")
    positional = ("factor", "value_range")

    chances = ("factor",)

    factor: Factor = arg("How likely an image is inverted.", default=1.0)
    value_range: Range = arg(_VALUES, default=(0, 255))
    data_format: DataFormat = arg(_FORMAT, default="channels_last")

    def augmented(self, images: Array) -> Array:
        first, last = self.value_range
        return last + first - images if always("factor", self.factor) else images

    mutants: ClassVar[tuple[Mutant, ...]] = (
        IN_INFERENCE,
        NEVER,
        Mutant("always_255", "overlooks the range", config=lambda layer: {"value_range": (0, 255)}),
        Mutant(
            "forgets_the_lower_end",
            "gives the upper end less the value, wherever the range begins",
            config=lambda layer: {"value_range": (0, layer.value_range[1])},
        ),
        Mutant(
            "upper_end",
            "takes a lone factor for the chance, where that is drawn between 0 and it",
            config=lambda layer: {} if isinstance(layer.factor, tuple) else {"factor": (layer.factor, layer.factor)},
        ),
    )


class RandomColorDegeneration(_Augmentation):
    """In training: (1 - factor) x + factor grey; what leaves `value_range` is cut off.

    x: (batch, rows, columns, 3), or without the batch; the shape stays, in floats. The factor is drawn between its two
    numbers, or between 0 and a lone one. Documentation of `keras.layers.RandomColorDegeneration`; that it is cut off is
    Keras 3.15.1's, its documentation is silent.
    """

    native = composed("torch.lerp(x, grey, factor)")
    example = asked("RandomColorDegeneration((0.5, 0.5))", "5,7,3")
    positional = ("factor", "value_range")

    ranges: ClassVar[Mapping[str, float | None]] = {"factor": 0.0}

    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {"factor": (-1.0, 1.0)}

    factor: Factor = arg("How much of the grey image there is.")
    value_range: Range = arg(_VALUES, default=(0, 255))
    data_format: DataFormat = arg(_FORMAT, default="channels_last")

    def call(self, w: Weights, x: Array, training: bool = True) -> Array:
        of_three(x.shape[-1 if self.data_format == "channels_last" else -3])
        return super().call(w, x, training)

    def augmented(self, images: Array) -> Array:
        share = only("factor", self.factor)
        return clipped((1 - share) * images + share * grey(images), self.value_range)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        IN_INFERENCE,
        NEVER,
        Mutant(
            "other_share",
            "takes the factor for what stays of the colours",
            config=lambda layer: (
                {"factor": tuple(1 - f for f in layer.factor)} if isinstance(layer.factor, tuple) else {}
            ),
        ),
    )


class RandomSaturation(_Augmentation):
    """In training: the saturation S of each pixel (HSV) becomes min(S f / (1 - f), 1), hue and value stay.

    x: (batch, rows, columns, 3), or without the batch; the shape stays, in floats. 0 is grey, 1/2 changes nothing. With
    V the largest channel and S = (V - the smallest) / V, a channel c is V - S h for an h of its hue alone, so that the
    new one is V - (V - c) S' / S (Smith, "Color gamut transform pairs", 1978). Documentation of
    `keras.layers.RandomSaturation`.
    """

    native = composed("v - (v - x) * new_s / s")
    example = asked("RandomSaturation((0.25, 0.25))", "5,7,3")
    positional = ("factor", "value_range")

    ranges: ClassVar[Mapping[str, float | None]] = {"factor": 0.0}

    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {"factor": (-1.0, 1.0)}

    factor: Factor = arg("0 is grey, 1/2 changes nothing, 1 is full saturation.")
    value_range: Range = arg(_VALUES, default=(0, 255))
    data_format: DataFormat = arg(_FORMAT, default="channels_last")

    def augmented(self, images: Array) -> Array:
        if images.shape[-1] != 3:
            raise LayerError(f"a saturation is one of three channels, not of {images.shape[-1]}")
        factor = only("factor", self.factor)
        first, last = self.value_range
        x = (images - first) / (last - first)
        value = np.max(x, axis=-1, keepdims=True)
        spread = value - np.min(x, axis=-1, keepdims=True)
        is_grey = getval(spread) == 0
        saturation = np.where(is_grey, 1.0, spread) / np.where(is_grey, 1.0, value)
        most = self.most(saturation, factor)
        return first + (last - first) * np.where(is_grey, x, value - (value - x) * most / saturation)

    def most(self, saturation: Array, factor: float) -> Array:
        """The saturation that a pixel gets."""
        if factor >= 1:
            return np.ones_like(getval(saturation))  # infinitely often a saturation that is not 0
        return np.minimum(saturation * (factor / (1 - factor)), 1.0)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        IN_INFERENCE,
        NEVER,
        Mutant(
            "factor_itself",
            "multiplies the saturation by the factor",
            methods={"most": lambda layer, s, factor: np.minimum(s * factor, 1.0)},
        ),
    )


class RandomPosterization(_Augmentation):
    """In training: of the eight bits of each value, brought to 0 .. 255, the first `factor` are kept.

    x: (batch, rows, columns, channels), or without the batch; the shape stays, in floats. With s = 2^(8 - n) it is
    s floor(v / s). Documentation of `keras.layers.RandomPosterization`.
    """

    native = composed("(x // 2**(8 - n)) * 2**(8 - n)")
    example = asked("RandomPosterization((3, 3))", "5,7,3")
    positional = ("factor", "value_range")

    factor: int | tuple[int, int] = arg("How many bits are kept, 1 to 8.", at_least=1)
    value_range: Range = arg(_VALUES, default=(0, 255))
    data_format: DataFormat = arg(_FORMAT, default="channels_last")

    def check(self) -> None:
        if any(not 1 <= bits <= 8 for bits in self.bits()):
            raise LayerError(f"factor={self.factor} is not between 1 and 8")

    def bits(self) -> tuple[int, int]:
        return self.factor if isinstance(self.factor, tuple) else (self.factor, self.factor)

    def augmented(self, images: Array) -> Array:
        first, last = self.value_range
        # of moved numbers, which budgets are made of, the ends lie outside by a rounding
        beyond = 1e-3 * (last - first)
        if np.any(getval(images) < first - beyond) or np.any(getval(images) > last + beyond):
            raise Unanswerable("a value outside of value_range has no byte")
        step = 2 ** (8 - int(only("factor", self.bits())))
        bytes_ = np.floor(np.clip(getval(images - first), 0.0, last - first) * (255 / (last - first)))
        return np.floor(bytes_ / step) * step * ((last - first) / 255) + first

    mutants: ClassVar[tuple[Mutant, ...]] = (
        IN_INFERENCE,
        NEVER,
        Mutant(
            "drops_so_many",
            "drops as many bits as should be kept",
            config=lambda layer: {"factor": tuple(max(8 - bits, 1) for bits in layer.bits())},
        ),
    )


class RandomGaussianBlur(_Augmentation):
    """In training: each channel, weighed by exp(-d^2 / (2 sigma^2)) over a square of `kernel_size`, zeros around it.

    x: (batch, rows, columns, channels), or without the batch; the shape stays, in floats. The weights are divided by
    their sum; what leaves `value_range` is cut off. There is one answer for a `factor` of (1, 1), with which every
    image is blurred, or of 0, and a `sigma` of two equal numbers; 0 leaves an image as it is. Documentation of
    `keras.layers.RandomGaussianBlur`; that zeros lie around and that it is cut off are Keras 3.15.1's, its
    documentation is silent.
    """

    native = composed("F.conv2d(x, kernel, padding='same', groups=channels)")
    example = asked("RandomGaussianBlur((1, 1), 3, (1, 1))", "5,7,3")
    positional = ("factor", "kernel_size", "sigma", "value_range")

    ranges: ClassVar[Mapping[str, float | None]] = {"sigma": 0.0}
    chances = ("factor",)

    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {"factor": (0.0, 1.0), "sigma": (0.0, 1.0)}

    factor: Factor = arg("How likely an image is blurred.", default=1.0)
    kernel_size: int = arg("How many pixels high and wide the kernel is, an odd number.", default=3, at_least=1)
    sigma: Factor = arg("The standard deviation of the kernel, in pixels.", default=1.0)
    value_range: Range = arg(_VALUES, default=(0, 255))
    data_format: DataFormat = arg(_FORMAT, default="channels_last")

    def check(self) -> None:
        super().check()
        if self.kernel_size % 2 == 0:
            raise LayerError(f"kernel_size must be odd, not {self.kernel_size}")

    def augmented(self, images: Array) -> Array:
        if not always("factor", self.factor):
            return clipped(images, self.value_range)
        sigma, half = only("sigma", self.sigma), self.kernel_size // 2
        far = numpy.arange(-half, half + 1.0) ** 2
        line = np.exp(-far / (2 * sigma**2)) if sigma else np.where(far == 0, 1.0, 0.0)
        line = line / np.sum(line)
        for axis in (1, 2):
            widths = [(half, half) if number == axis else (0, 0) for number in range(4)]
            padded = self.padded(images, widths)
            length = images.shape[axis]
            steps = [
                padded[:, start : start + length] if axis == 1 else padded[:, :, start : start + length]
                for start in range(len(line))
            ]
            images = sum(weight * step for weight, step in zip(line, steps, strict=True))
        return clipped(images, self.value_range)

    def padded(self, images: Array, widths: Any) -> Array:
        return np.pad(images, widths, "constant")

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return int(self.kernel_size**2)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        IN_INFERENCE,
        NEVER,
        Mutant(
            "edge_repeated",
            "repeats the edge instead of zeros",
            methods={"padded": lambda layer, images, widths: numpy.pad(getval(images), widths, "edge")},
        ),
        Mutant(
            "variance_for_deviation",
            "takes sigma for the variance",
            config=lambda layer: (
                {"sigma": tuple(math.sqrt(s) for s in layer.sigma)} if isinstance(layer.sigma, tuple) else {}
            ),
        ),
    )
