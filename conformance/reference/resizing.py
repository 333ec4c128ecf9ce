"""Images made larger: every pixel of the output is a weighted mean of pixels of the input.

Pixel i of `size` times as many stands at (i + 1/2) / size - 1/2 of the input: centres of pixels, not corners, are what
is mapped (Smith, "A pixel is not a little square", 1995). The weights come from a function of the distance and are
divided by their sum, so that at the edge the pixels that do not exist take no part.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal

import autograd.numpy as np

from .base import Array, Layer, LayerError, Mutant, Shape, Weight, Weights, arg
from .reshaping import other_format
from .traits import IMAGE, VOLUME, Arithmetic, asked, called
from .windows import DataFormat, channels_last, check_positive, in_format, per_axis, split_shape

Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"]
Places = Callable[[int, int], Array]
"""Length of the input and of the output to where each pixel of the output stands in the input."""


def centred(length: int, longer: int) -> Array:
    """Centres on centres: (i + 1/2) length / longer - 1/2."""
    return (np.arange(longer) + 0.5) * length / longer - 0.5


def cornered(length: int, longer: int) -> Array:
    """First on first and last on last, what torch calls align_corners: i (length - 1) / (longer - 1)."""
    return np.arange(longer) * (length - 1) / max(longer - 1, 1)


def from_the_corner(length: int, longer: int) -> Array:
    """Upper left corner on upper left corner, as TensorFlow 1 did: i length / longer."""
    return np.arange(longer) * length / longer


def linear(distance: Array) -> Array:
    """1 - |d| up to 1: a line between two pixels."""
    return np.maximum(1.0 - distance, 0.0)


def cubic(distance: Array, a: float = -0.5) -> Array:
    """Keys, "Cubic convolution interpolation for digital image processing", 1981, equation 15, for a = -1/2.

    (a + 2) |d|^3 - (a + 3) |d|^2 + 1 up to 1, a |d|^3 - 5 a |d|^2 + 8 a |d| - 4 a up to 2, and 0 from there on.
    """
    near = ((a + 2.0) * distance - (a + 3.0)) * distance**2 + 1.0
    far = ((a * distance - 5.0 * a) * distance + 8.0 * a) * distance - 4.0 * a
    return np.where(distance <= 1.0, near, np.where(distance < 2.0, far, 0.0))


def cubic_from_a_table(distance: Array) -> Array:
    """As TensorFlow has it: places within a pixel are rounded to the nearest of 1024."""
    return cubic(np.round(distance * 1024.0) / 1024.0)


def lanczos(distance: Array, lobes: int) -> Array:
    """sinc(d) sinc(d / lobes) up to `lobes` (Duchon, "Lanczos filtering in one and two dimensions", 1979)."""
    return np.where(distance < lobes, np.sinc(distance) * np.sinc(distance / lobes), 0.0)


KERNELS: Mapping[str, Callable[[Array], Array]] = {
    "bilinear": linear,
    "bicubic": cubic,
    "lanczos3": lambda distance: lanczos(distance, 3),
    "lanczos5": lambda distance: lanczos(distance, 5),
}


REACH: Mapping[str, int] = {"nearest": 1, "bilinear": 2, "bicubic": 4, "lanczos3": 6, "lanczos5": 10}
"""How many pixels of a row or column a kernel takes in."""


def terms_of(interpolation: str, lengths: Sequence[int]) -> int:
    """Terms of the sum behind a pixel, or of one that is rounded as much as the kernel's weights are.

    A weight of a Lanczos kernel of L lobes is made of sines of pi d, whose own rounding, at most L pi at its end, moves
    them as far as a sum of (2 L pi)^2 terms is moved by its own: sqrt(n) / 2 roundings.
    """
    terms = math.prod(min(REACH[interpolation], length) for length in lengths)
    lobes = REACH[interpolation] // 2 if interpolation.startswith("lanczos") else 0
    return max(terms, math.ceil((2 * lobes * math.pi) ** 2))


def resized(
    x: Array,
    lengths: Sequence[int],
    kernel: Callable[[Array], Array],
    places: Places = centred,
    is_antialiased: bool = False,
) -> Array:
    """x: (batch, rows, columns, channels). Returns it with so many rows and columns.

    `is_antialiased` widens the kernel, where an image is made smaller, by as much as it shrinks: all pixels take part.
    """
    for axis, wanted in enumerate(lengths, 1):
        length = x.shape[axis]
        distance = np.abs(places(length, wanted)[:, None] - np.arange(length)[None, :])
        weight = kernel(distance / max(length / wanted, 1.0) if is_antialiased else distance)
        weight = weight / np.sum(weight, axis=1, keepdims=True)
        x = np.moveaxis(np.tensordot(x, weight, axes=([axis], [1])), -1, axis)
    return x


def like(x: Array, y: Array) -> Array:
    """Interpolated numbers in the dtype of the image: integers are rounded to the nearest, halves to the even one.

    What an integer cannot hold becomes the nearest that it can.
    """
    kind = x.dtype
    if kind.kind == "b":
        raise LayerError("true and false cannot be interpolated")
    if kind.kind == "f":
        return y
    limits = np.iinfo(kind)
    return np.clip(np.round(y), limits.min, limits.max).astype(kind)


def _larger(x: Array, size: int | tuple[int, int]) -> tuple[int, ...]:
    """The rows and columns of x (batch, rows, columns, channels), times `size`."""
    return tuple(length * times for length, times in zip(x.shape[1:3], per_axis(size, 2), strict=True))


def _instead(kinds: tuple[str, ...], kernel: Any = None, places: Places = centred) -> Any:
    """A hook that interpolates otherwise, where the layer interpolates in one of these ways."""

    def output(layer: Any, y: Array, args: list[Any]) -> Array:
        if layer.interpolation not in kinds:
            return y
        x = channels_last(args[0], layer.data_format)
        used = KERNELS[layer.interpolation] if kernel is None else kernel
        return in_format(resized(x, _larger(x, layer.size), used, places), layer.data_format)

    return output


def _tiled(layer: Any, y: Array, args: list[Any]) -> Array:
    if layer.interpolation != "nearest":
        return y
    rows, columns = per_axis(layer.size, 2)
    x = channels_last(args[0], layer.data_format)
    wide = np.concatenate([x] * columns, axis=2)
    return in_format(np.concatenate([wide] * rows, axis=1), layer.data_format)


class UpSampling2D(Layer):
    """Rows and columns `size` times as many: repeated, or interpolated between the centres of pixels.

    x: (batch, rows, columns, channels), or (batch, channels, rows, columns) for `channels_first`. Returns
    (batch, size[0] rows, size[1] columns, channels), in the dtype of x: integers stay integers.
    """

    arithmetic = "moves"
    input_axis_names = IMAGE
    native = called("nn.Upsample")
    example = asked("UpSampling2D", "5,7,3")

    size: int | tuple[int, int] = arg("How often each row and column appears.", default=(2, 2), at_least=1)
    data_format: DataFormat = arg("Which axis holds the channels.", default="channels_last")
    interpolation: Interpolation = arg(
        "`nearest` repeats pixels; the others weigh their neighbours.", default="nearest"
    )

    def check(self) -> None:
        check_positive(2, size=self.size)
        if self.interpolation != "nearest" and self.interpolation not in KERNELS:
            raise LayerError(f"there is no interpolation {self.interpolation}")

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        lengths, _ = split_shape(shapes[0], 2, self.data_format)
        return terms_of(self.interpolation, lengths)

    def computes(self) -> Arithmetic:
        return self.arithmetic if self.interpolation == "nearest" else "rounds"

    def call(self, w: Weights, x: Array) -> Array:
        split_shape(x.shape, 2, self.data_format)
        x = channels_last(x, self.data_format)
        rows, columns = per_axis(self.size, 2)
        if self.interpolation == "nearest":
            larger = np.repeat(np.repeat(x, rows, axis=1), columns, axis=2)
        else:
            larger = like(x, resized(x, _larger(x, self.size), KERNELS[self.interpolation]))
        return in_format(larger, self.data_format)

    def rule(self, shape: Shape) -> str:
        lengths, _ = split_shape(shape, 2, self.data_format)
        sizes = per_axis(self.size, 2)
        return "; ".join(f"{size} * {n} = {size * n}" for size, n in zip(sizes, lengths, strict=True))

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("whole_image", "repeats the whole image, not each pixel", output=_tiled),
        Mutant(
            "corners_aligned",
            "puts the outer pixels on each other, as torch does with align_corners=True",
            output=_instead(("bilinear", "bicubic"), places=cornered),
        ),
        Mutant(
            "from_the_corner",
            "maps corners of pixels, as TensorFlow 1 did",
            output=_instead(("bilinear",), places=from_the_corner),
        ),
        Mutant(
            "cubic_of_torch",
            "takes a = -3/4 for the cubic, as torch does without antialias",
            output=_instead(("bicubic",), kernel=lambda distance: cubic(distance, -0.75)),
        ),
        Mutant(
            "cubic_from_a_table",
            "reads the cubic's weights from a table of 1024 places within a pixel",
            output=_instead(("bicubic",), kernel=cubic_from_a_table),
        ),
        Mutant("always_nearest", "overlooks the interpolation", config=lambda layer: {"interpolation": "nearest"}),
        Mutant("axes_swapped", "takes columns for rows", config=lambda layer: {"size": per_axis(layer.size, 2)[::-1]}),
        Mutant("wrong_axis", "repeats channels", config=other_format),
    )


def _tiled_volume(layer: Any, y: Array, args: list[Any]) -> Array:
    tiles = (1, *per_axis(layer.size, 3), 1)
    return in_format(np.tile(channels_last(args[0], layer.data_format), tiles), layer.data_format)


class UpSampling3D(Layer):
    """Every plane, row and column of a volume `size` times in a row.

    x: (batch, depth, height, width, channels), or (batch, channels, depth, height, width) for `channels_first`. Returns
    (batch, size[0] depth, size[1] height, size[2] width, channels).
    """

    arithmetic = "moves"
    input_axis_names = VOLUME
    native = called("nn.Upsample")
    example = asked("UpSampling3D", "3,5,7,2")

    size: int | tuple[int, int, int] = arg(
        "How often each plane, row and column appears.", default=(2, 2, 2), at_least=1
    )
    data_format: DataFormat = arg("Which axis holds the channels.", default="channels_last")

    def check(self) -> None:
        check_positive(3, size=self.size)

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return 1

    def call(self, w: Weights, x: Array) -> Array:
        split_shape(x.shape, 3, self.data_format)
        larger = channels_last(x, self.data_format)
        for axis, times in enumerate(per_axis(self.size, 3), start=1):
            larger = np.repeat(larger, times, axis=axis)
        return in_format(larger, self.data_format)

    def rule(self, shape: Shape) -> str:
        lengths, _ = split_shape(shape, 3, self.data_format)
        sizes = per_axis(self.size, 3)
        return "; ".join(f"{size} * {n} = {size * n}" for size, n in zip(sizes, lengths, strict=True))

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("whole_volume", "repeats the whole volume, not each plane, row and column", output=_tiled_volume),
        Mutant(
            "axes_reversed",
            "takes the numbers in the order width, height, depth",
            config=lambda layer: {"size": per_axis(layer.size, 3)[::-1]},
        ),
        Mutant("wrong_axis", "repeats channels", config=other_format),
    )
