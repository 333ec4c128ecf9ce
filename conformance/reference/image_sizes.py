"""Images brought to a size: cropped around their centre, or interpolated, with or without their aspect ratio.

Where pixels come to stand is said in `resizing`; what is cut off or added, in the documentation of
`keras.layers.Resizing` and `keras.layers.CenterCrop`. All lengths and halves are rounded down.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import autograd.numpy as np

from .base import Array, Layer, LayerError, Mutant, Shape, Weight, Weights, arg
from .reshaping import other_format
from .resizing import (
    KERNELS,
    Interpolation,
    Places,
    centred,
    cornered,
    cubic,
    cubic_from_a_table,
    from_the_corner,
    like,
    linear,
    resized,
    terms_of,
)
from .traits import IMAGE, Arithmetic, asked, called, composed
from .windows import DataFormat


def as_batch(x: Array, data_format: DataFormat) -> Array:
    """x as (batch, rows, columns, channels). Raises LayerError where it has neither three nor four axes."""
    if x.ndim not in (3, 4):
        raise LayerError(f"an image has three axes, a batch of them four; got the shape {x.shape}")
    whole = x if x.ndim == 4 else x[None]
    return whole if data_format == "channels_last" else np.moveaxis(whole, 1, -1)


def as_given(y: Array, rank: int, data_format: DataFormat) -> Array:
    """The reverse of `as_batch`, for an input of so many axes."""
    y = y if data_format == "channels_last" else np.moveaxis(y, -1, 1)
    return y if rank == 4 else y[0]


def lengths_of(shape: Shape, data_format: DataFormat) -> tuple[int, int]:
    """Rows and columns of images of this shape."""
    rows, columns = shape[-3:-1] if data_format == "channels_last" else shape[-2:]
    return rows, columns


def in_ratio(lengths: tuple[int, int], height: int, width: int) -> tuple[int, int]:
    """How many rows go with these columns, and how many columns with these rows, at the ratio height : width."""
    rows, columns = lengths
    return columns * height // width, rows * width // height


def centre(have: int, wanted: int) -> slice:
    """The `wanted` places in the middle of `have`; an odd one is left over at the end."""
    start = (have - wanted) // 2
    return slice(start, start + wanted)


def largest_window(x: Array, height: int, width: int) -> Array:
    """The largest part of x (batch, rows, columns, channels), in its middle, that has the ratio height : width."""
    lengths = x.shape[1:3]
    wanted = [max(min(one), 1) for one in zip(lengths, in_ratio(lengths, height, width), strict=True)]
    return x[(slice(None), *(centre(have, keep) for have, keep in zip(lengths, wanted, strict=True)))]


def nearest(x: Array, lengths: tuple[int, int]) -> Array:
    """Each pixel of the output is the one of the input in which its centre lies: floor((i + 1/2) have / wanted)."""
    rows, columns = ((2 * np.arange(to) + 1) * have // (2 * to) for have, to in zip(x.shape[1:3], lengths, strict=True))
    return x[:, rows][:, :, columns]


class CenterCrop(Layer):
    """The middle of each image; an image that is too small is cut to the aspect ratio, then interpolated linearly.

    x: (batch, rows, columns, channels), or (batch, channels, rows, columns) for `channels_first`; a lone image without
    the batch. Returns (batch, height, width, channels), as floats. Documentation of `keras.layers.CenterCrop`.
    """

    arithmetic = "rounds"
    input_axis_names = IMAGE
    native = composed("x[:, top:top + height, left:left + width]")
    example = asked("CenterCrop(3, 2)", "5,7,3")
    positional = ("height", "width")

    height: int = arg("Rows of the output.", at_least=1)
    width: int = arg("Columns of the output.", at_least=1)
    data_format: DataFormat = arg("Which axis holds the channels.", default="channels_last")

    def call(self, w: Weights, x: Array) -> Array:
        images = 1.0 * as_batch(x, self.data_format)
        rows, columns = images.shape[1:3]
        if rows >= self.height and columns >= self.width:
            y = images[:, self.middle(rows, self.height)][:, :, self.middle(columns, self.width)]
        else:
            y = resized(self.kept(images), (self.height, self.width), linear)
        return as_given(y, x.ndim, self.data_format)

    def middle(self, have: int, wanted: int) -> slice:
        """The places that stay of an axis that is long enough."""
        return centre(have, wanted)

    def kept(self, images: Array) -> Array:
        """What is interpolated of images that are too small."""
        return largest_window(images, self.height, self.width)

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return 4

    def rule(self, shape: Shape) -> str:
        lengths = lengths_of(shape, self.data_format)
        if any(have < wanted for have, wanted in zip(lengths, (self.height, self.width), strict=True)):
            return f"{lengths[0]} by {lengths[1]} is too small: it is interpolated to {self.height} by {self.width}"
        starts = [(have - to) // 2 for have, to in zip(lengths, (self.height, self.width), strict=True)]
        return f"rows from {starts[0]} on, columns from {starts[1]} on"

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant(
            "from_the_corner",
            "crops from the upper left corner",
            methods={"middle": lambda layer, have, wanted: slice(0, wanted)},
        ),
        Mutant(
            "rounds_up",
            "leaves an odd row or column over at the start",
            methods={"middle": lambda layer, have, wanted: slice(-((wanted - have) // 2), have - (have - wanted) // 2)},
        ),
        Mutant(
            "stretches",
            "stretches an image that is too small, without its aspect ratio",
            methods={"kept": lambda layer, images: images},
        ),
        Mutant(
            "axes_swapped",
            "takes the width for the height",
            config=lambda layer: {"height": layer.width, "width": layer.height},
        ),
        Mutant("wrong_axis", "looks for the channels on the wrong axis", config=other_format),
    )


def _interpolating(kinds: tuple[str, ...], kernel: Any = None, places: Places = centred) -> Any:
    """Another way to interpolate, where the layer interpolates in one of these ways."""

    def interpolated(layer: Any, x: Array) -> Array:
        if layer.interpolation not in kinds:
            return Resizing.interpolated(layer, x)
        used = KERNELS[layer.interpolation] if kernel is None else kernel
        return resized(x, (layer.height, layer.width), used, places, layer.antialias)

    return interpolated


def _nearest_of_torch(layer: Any, x: Array) -> Array:
    if layer.interpolation != "nearest":
        return Resizing.interpolated(layer, x)
    to = zip(x.shape[1:3], (layer.height, layer.width), strict=True)
    rows, columns = (np.arange(wanted) * have // wanted for have, wanted in to)
    return x[:, rows][:, :, columns]


def _padded_at_the_end(layer: Any, x: Array) -> Array:
    y = layer.padded(x)
    if not layer.pad_to_aspect_ratio:
        return Resizing.fitted(layer, x)
    moved = [(have - had) // 2 for have, had in zip(y.shape[1:3], x.shape[1:3], strict=True)]
    return np.roll(y, [-by for by in moved], axis=(1, 2))


class Resizing(Layer):
    """Images of another size, interpolated between the centres of pixels; integers stay integers.

    x: (batch, rows, columns, channels), or (batch, channels, rows, columns) for `channels_first`; a lone image without
    the batch. Returns (batch, height, width, channels) in the dtype of x.

    `crop_to_aspect_ratio` first takes the largest window in the middle that has the ratio of the output, its shorter
    side rounded down; `pad_to_aspect_ratio` first adds as much to both ends of the shorter side as makes it as long as
    that ratio asks for, rounded down. Kernels: `resizing`. Documentation of `keras.layers.Resizing`.
    """

    arithmetic = "moves"
    input_axis_names = IMAGE
    native = called("F.interpolate")
    example = asked("Resizing(3, 2)", "5,7,3")

    height: int = arg("Rows of the output.", at_least=1)
    width: int = arg("Columns of the output.", at_least=1)
    interpolation: Interpolation = arg(
        "`nearest` takes pixels as they are; the others weigh several.", default="bilinear"
    )
    crop_to_aspect_ratio: bool = arg("Whether what does not fit the ratio is cut off first.", default=False)
    pad_to_aspect_ratio: bool = arg("Whether what is missing for the ratio is added first.", default=False)
    fill_mode: str = arg("How padding is filled; only `constant` is there.", default="constant")
    fill_value: float = arg("What padding is filled with.", default=0.0)
    antialias: bool = arg("Whether all pixels take part where an image is made smaller.", default=False)
    data_format: DataFormat = arg("Which axis holds the channels.", default="channels_last")

    def check(self) -> None:
        if self.interpolation != "nearest" and self.interpolation not in KERNELS:
            raise LayerError(f"there is no interpolation {self.interpolation}")
        if self.crop_to_aspect_ratio and self.pad_to_aspect_ratio:
            raise LayerError("an image is cropped to the aspect ratio or padded to it, not both")
        if self.fill_mode != "constant":
            raise LayerError(f"fill_mode={self.fill_mode} is not constant, which is all there is")

    def call(self, w: Weights, x: Array) -> Array:
        y = self.interpolated(self.fitted(as_batch(x, self.data_format)))
        y = y if self.interpolation == "nearest" else self.rounded(x, y)
        return as_given(y, x.ndim, self.data_format)

    def fitted(self, x: Array) -> Array:
        """x (batch, rows, columns, channels), cropped or padded to the ratio of the output where that is asked for."""
        if self.crop_to_aspect_ratio:
            return largest_window(x, self.height, self.width)
        return self.padded(x) if self.pad_to_aspect_ratio else x

    def padded(self, x: Array) -> Array:
        """x with half of what its shorter side lacks at either end."""
        lengths = x.shape[1:3]
        wanted = in_ratio(lengths, self.height, self.width)
        each = [max(to - have, 0) // 2 for have, to in zip(lengths, wanted, strict=True)]
        widths = [(0, 0), *((steps, steps) for steps in each), (0, 0)]
        return np.pad(x, widths, "constant", constant_values=self.fill_value)

    def interpolated(self, x: Array) -> Array:
        """x (batch, rows, columns, channels) with `height` rows and `width` columns."""
        if self.interpolation == "nearest":
            return nearest(x, (self.height, self.width))
        kernel = KERNELS[self.interpolation]
        return resized(x, (self.height, self.width), kernel, is_antialiased=self.antialias)

    def rounded(self, x: Array, y: Array) -> Array:
        """Interpolated numbers in the dtype of the image."""
        return like(x, y)

    def computes(self) -> Arithmetic:
        return self.arithmetic if self.interpolation == "nearest" else "rounds"

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        lengths = lengths_of(shapes[0], self.data_format)
        terms = terms_of(self.interpolation, lengths)
        return max(terms, math.prod(lengths)) if self.antialias and self.interpolation != "nearest" else terms

    def rule(self, shape: Shape) -> str:
        rows, columns = lengths_of(shape, self.data_format)
        return f"{rows} by {columns} becomes {self.height} by {self.width}"

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant(
            "corners_aligned",
            "puts the outer pixels on each other, as torch does with align_corners=True",
            methods={"interpolated": _interpolating(("bilinear", "bicubic"), places=cornered)},
        ),
        Mutant(
            "from_the_corner",
            "maps corners of pixels, as TensorFlow 1 did",
            methods={"interpolated": _interpolating(("bilinear",), places=from_the_corner)},
        ),
        Mutant(
            "cubic_of_torch",
            "takes a = -3/4 for the cubic, as torch does without antialias",
            methods={"interpolated": _interpolating(("bicubic",), kernel=lambda d: cubic(d, -0.75))},
        ),
        Mutant(
            "cubic_from_a_table",
            "reads the cubic's weights from a table of 1024 places within a pixel",
            methods={"interpolated": _interpolating(("bicubic",), kernel=cubic_from_a_table)},
        ),
        Mutant(
            "nearest_of_torch",
            "takes the pixel at floor(i have / wanted), as torch's mode nearest does",
            methods={"interpolated": _nearest_of_torch},
        ),
        Mutant("no_antialias", "overlooks antialias", config=lambda layer: {"antialias": False}),
        Mutant(
            "always_antialias", "antialiases as torchvision does by default", config=lambda layer: {"antialias": True}
        ),
        Mutant("always_bilinear", "overlooks the interpolation", config=lambda layer: {"interpolation": "bilinear"}),
        Mutant(
            "stretches",
            "overlooks that the aspect ratio is to be kept",
            config=lambda layer: {"crop_to_aspect_ratio": False, "pad_to_aspect_ratio": False},
        ),
        Mutant(
            "pads_the_end",
            "adds all that is missing below and on the right",
            methods={"fitted": _padded_at_the_end},
        ),
        Mutant("pads_zeros", "overlooks the fill value", config=lambda layer: {"fill_value": 0.0}),
        Mutant(
            "cuts_integers",
            "cuts numbers between two integers off",
            methods={"rounded": lambda layer, x, y: y if x.dtype.kind == "f" else like(x, np.floor(y))},
        ),
        Mutant(
            "axes_swapped",
            "takes the width for the height",
            config=lambda layer: {"height": layer.width, "width": layer.height},
        ),
        Mutant("wrong_axis", "looks for the channels on the wrong axis", config=other_format),
    )
