"""Layers that move the pixels of images: shifted, turned, zoomed, in ranges of one value; and those that only draw.

Where a pixel of the output comes from is worked out backwards; between pixels it is interpolated, and beyond the edge
`reflect` repeats the image mirrored (d c b a | a b c d | d c b a), `wrap` repeats it, `nearest` its edge, `constant`
takes `fill_value`. Rules: the documentation of each layer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import autograd.numpy as np
import numpy

from .augmentation import IN_INFERENCE, NEVER, Factor, Range, _Augmentation, always, clipped, one_way, only
from .base import Array, LayerError, Mutant, Unanswerable, Weight, arg
from .image_sizes import as_batch, as_given, largest_window, lengths_of
from .resizing import linear, resized
from .traits import absent, asked, called, composed
from .windows import DataFormat

FillMode = Literal["reflect", "constant", "nearest", "wrap"]
Interpolation = Literal["bilinear", "nearest"]
Unset = float | tuple[float, float] | None
_FORMAT = "Which axis holds the channels."
_FILL_MODE = "What lies beyond the edge."
_FILL_VALUE = "What `constant` fills with."
_BETWEEN = "What lies between pixels."
_VALUES = "The lowest and the highest value of images."
_OF_TORCHVISION = "torchvision has such a transform; torch has none, and in inference nothing is done"


def inside(places: Array, length: int, mode: FillMode) -> Array:
    """Whole places, those beyond the edge where they come from."""
    match mode:
        case "reflect":
            around = places % (2 * length)
            return numpy.where(around < length, around, 2 * length - 1 - around)
        case "wrap":
            return places % length
    return numpy.clip(places, 0, length - 1)


def sampled(images: Array, rows: Array, columns: Array, layer: Any) -> Array:
    """images (batch, rows, columns, channels) at places (height, width): (batch, height, width, channels)."""
    height, width = images.shape[1:3]

    def at(r: Array, c: Array) -> Array:
        found = images[:, inside(r, height, layer.fill_mode), inside(c, width, layer.fill_mode)]
        if layer.fill_mode != "constant":
            return found
        is_there = ((r >= 0) & (r < height) & (c >= 0) & (c < width))[None, :, :, None]
        return np.where(is_there, found, layer.fill_value)

    if layer.interpolation == "nearest":
        if _is_between(rows) or _is_between(columns):
            raise Unanswerable("a pixel comes from the middle between two, and nobody says from which")
        return at(numpy.floor(rows + 0.5).astype(int), numpy.floor(columns + 0.5).astype(int))
    top, left = numpy.floor(rows).astype(int), numpy.floor(columns).astype(int)
    down, right = (rows - top)[None, :, :, None], (columns - left)[None, :, :, None]
    upper = (1 - right) * at(top, left) + right * at(top, left + 1)
    lower = (1 - right) * at(top + 1, left) + right * at(top + 1, left + 1)
    return (1 - down) * upper + down * lower


def grid(images: Array) -> tuple[Array, Array]:
    """The row and the column of every pixel."""
    rows, columns = numpy.indices(images.shape[1:3])
    return rows.astype(float), columns.astype(float)


def _is_between(places: Array) -> bool:
    """Whether a place lies so near to the middle between two pixels that a rounding decides which is nearer."""
    return bool(np.any(np.abs(places - numpy.floor(places) - 0.5) < _NEAR))


_NEAR = 1e-4
"""Pixels: more than what the angle of images of some thousand pixels is rounded by in float32."""


def middle(images: Array) -> tuple[float, float]:
    return (images.shape[1] - 1) / 2, (images.shape[2] - 1) / 2


_IGNORES_FILL = Mutant("always_reflects", "overlooks the fill mode", config=lambda layer: {"fill_mode": "reflect"})
_FILLS_ZERO = Mutant("fills_zero", "overlooks the fill value", config=lambda layer: {"fill_value": 0.0})


class RandomTranslation(_Augmentation):
    """In training: images are shifted down and to the right by shares of their height and width.

    x: (batch, rows, columns, channels), or without the batch; the shape stays, in floats. Pixel (i, j) comes from
    (i - f rows, j - g columns). A lone number f stands for -f .. f. Documentation of `keras.layers.RandomTranslation`.
    """

    native = called("F.grid_sample")
    example = asked("RandomTranslation((0.25, 0.25), 0)", "5,7,3")
    positional = ("height_factor", "width_factor")

    ranges: ClassVar[Mapping[str, float | None]] = {"height_factor": None, "width_factor": None}

    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {"height_factor": (-1.0, 1.0), "width_factor": (-1.0, 1.0)}

    height_factor: Factor = arg("How far down, as a share of the height.")
    width_factor: Factor = arg("How far to the right, as a share of the width.")
    fill_mode: FillMode = arg(_FILL_MODE, default="reflect")
    interpolation: Interpolation = arg(_BETWEEN, default="bilinear")
    fill_value: float = arg(_FILL_VALUE, default=0.0)
    data_format: DataFormat = arg(_FORMAT, default="channels_last")

    def augmented(self, images: Array) -> Array:
        rows, columns = grid(images)
        down = only("height_factor", self.height_factor, None) * images.shape[1]
        right = only("width_factor", self.width_factor, None) * images.shape[2]
        return sampled(images, rows - down, columns - right, self)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        IN_INFERENCE,
        NEVER,
        _IGNORES_FILL,
        _FILLS_ZERO,
        one_way("height_factor", "width_factor"),
        Mutant(
            "upwards",
            "shifts up for a positive factor",
            config=lambda layer: (
                {"height_factor": tuple(-f for f in layer.height_factor)}
                if isinstance(layer.height_factor, tuple)
                else {}
            ),
        ),
        Mutant(
            "axes_swapped",
            "takes the width's factor for the height's",
            config=lambda layer: {"height_factor": layer.width_factor, "width_factor": layer.height_factor},
        ),
    )


class RandomZoom(_Augmentation):
    """In training: images are made larger or smaller around their middle, and keep their size.

    x: (batch, rows, columns, channels), or without the batch; the shape stays, in floats. With c the middle row, row i
    comes from c + (i - c) (1 + f): a negative factor zooms in, a positive one out. Without `width_factor` it is that of
    the height. A lone number f stands for -f .. f. Documentation of `keras.layers.RandomZoom`.
    """

    native = called("F.grid_sample")
    example = asked("RandomZoom((-0.5, -0.5))", "5,7,3")
    positional = ("height_factor", "width_factor")

    ranges: ClassVar[Mapping[str, float | None]] = {"height_factor": None, "width_factor": None}

    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {"height_factor": (-1.0, 1.0), "width_factor": (-1.0, 1.0)}

    height_factor: Factor = arg("How much more of the height is seen.")
    width_factor: Unset = arg("How much more of the width is seen; none: as of the height.", default=None)
    fill_mode: FillMode = arg(_FILL_MODE, default="reflect")
    interpolation: Interpolation = arg(_BETWEEN, default="bilinear")
    fill_value: float = arg(_FILL_VALUE, default=0.0)
    data_format: DataFormat = arg(_FORMAT, default="channels_last")

    def augmented(self, images: Array) -> Array:
        rows, columns = grid(images)
        row, column = middle(images)
        tall = 1 + only("height_factor", self.height_factor, None)
        wide = tall if self.width_factor is None else 1 + only("width_factor", self.width_factor, None)
        return sampled(images, row + (rows - row) * tall, column + (columns - column) * wide, self)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        IN_INFERENCE,
        NEVER,
        _IGNORES_FILL,
        _FILLS_ZERO,
        one_way("height_factor", "width_factor"),
        Mutant(
            "other_way",
            "zooms in for a positive factor",
            config=lambda layer: (
                {"height_factor": tuple(-f for f in layer.height_factor)}
                if isinstance(layer.height_factor, tuple)
                else {}
            ),
        ),
    )


class RandomRotation(_Augmentation):
    """In training: images are turned around their middle, counter-clockwise by a share of a whole turn.

    x: (batch, rows, columns, channels), or without the batch; the shape stays, in floats. With a = 2 pi factor, the
    pixel at (dx, dy) right of and below the middle comes from (dx cos a - dy sin a, dx sin a + dy cos a). A lone number
    f stands for -f .. f. Documentation of `keras.layers.RandomRotation`.
    """

    native = called("F.grid_sample")
    example = asked("RandomRotation((0.25, 0.25))", "5,7,3")
    positional = ("factor",)

    ranges: ClassVar[Mapping[str, float | None]] = {"factor": None}

    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {"factor": (-1.0, 1.0)}

    factor: Factor = arg("Which share of a whole turn.")
    fill_mode: FillMode = arg(_FILL_MODE, default="reflect")
    interpolation: Interpolation = arg(_BETWEEN, default="bilinear")
    fill_value: float = arg(_FILL_VALUE, default=0.0)
    data_format: DataFormat = arg(_FORMAT, default="channels_last")

    def augmented(self, images: Array) -> Array:
        angle = 2 * math.pi * only("factor", self.factor, None)
        rows, columns = grid(images)
        row, column = middle(images)
        dx, dy = columns - column, rows - row
        cos, sin = math.cos(angle), math.sin(angle)
        rows, columns = row + sin * dx + cos * dy, column + cos * dx - sin * dy
        return sampled(images, rows, columns, self)

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        """Of a sum that is rounded as much as the places are: an angle a moves one at r from the middle by r a of them.

        The sine and cosine, and what they are multiplied by, have one more each; between pixels as far apart as twice
        the largest, that is 2 r (a + 2) roundings of a value, those of a sum of (4 r (a + 2))^2 terms.
        """
        lengths = lengths_of(shapes[0], self.data_format)
        ends = self.factor if isinstance(self.factor, tuple) else (self.factor,)
        reach = math.hypot(*lengths) / 2
        return math.ceil((4 * reach * (2 * math.pi * max(map(abs, ends)) + 2)) ** 2)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        IN_INFERENCE,
        NEVER,
        _IGNORES_FILL,
        _FILLS_ZERO,
        one_way("factor"),
        Mutant(
            "clockwise",
            "turns clockwise",
            config=lambda layer: {"factor": tuple(-f for f in layer.factor)} if isinstance(layer.factor, tuple) else {},
        ),
    )


class RandomCrop(_Augmentation):
    """In training: images are cut to a size at a place that is drawn; outside of it, to their middle.

    x: (batch, rows, columns, channels), or without the batch. Returns (batch, height, width, channels), in floats.
    Outside of training, and in it where an image is too small, the largest window of the output's ratio is taken from
    the middle and interpolated linearly (documentation of `keras.layers.RandomCrop`).
    """

    native = composed("x[:, top:top + height, left:left + width]")
    example = asked("RandomCrop(3, 2)", "5,7,3")
    positional = ("height", "width")

    height: int = arg("Rows of the output.", at_least=1)
    width: int = arg("Columns of the output.", at_least=1)
    data_format: DataFormat = arg(_FORMAT, default="channels_last")

    def in_inference(self, x: Array) -> Array:
        images = as_batch(x, self.data_format)
        window = largest_window(images, self.height, self.width)
        return as_given(resized(window, (self.height, self.width), linear), x.ndim, self.data_format)

    def augmented(self, images: Array) -> Array:
        rows, columns = images.shape[1:3]
        if (rows, columns) == (self.height, self.width):
            return images
        if rows < self.height or columns < self.width:
            return resized(largest_window(images, self.height, self.width), (self.height, self.width), linear)
        raise Unanswerable("the place of the crop is drawn: there is no single answer")

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("uncut", "leaves images as they are outside of training", methods={"in_inference": lambda layer, x: x}),
        Mutant(
            "stretches",
            "stretches an image that is too small, without its aspect ratio",
            methods={"augmented": lambda layer, images: resized(images, (layer.height, layer.width), linear)},
        ),
    )


class _Drawing(_Augmentation):
    """Of what it draws in training nothing can be said beforehand."""

    native = absent(_OF_TORCHVISION)
    mutants: ClassVar[tuple[Mutant, ...]] = (IN_INFERENCE,)


class _Still(_Augmentation):
    """With arguments that leave nothing to do, images stay."""

    native = absent(_OF_TORCHVISION)
    mutants: ClassVar[tuple[Mutant, ...]] = (
        IN_INFERENCE,
        Mutant(
            "still_moves",
            "does something where there is nothing to do",
            methods={"augmented": lambda layer, x: x[:, ::-1]},
        ),
    )


class _Sometimes(_Still):
    """With the probability `factor` it draws; where that is 0, images stay."""

    factor: Factor
    what: ClassVar[str]
    """What is drawn, with its verb."""

    def augmented(self, images: Array) -> Array:
        if always("factor", self.factor):
            raise Unanswerable(f"{self.what} drawn: there is no single answer")
        return images


class RandomFlip(_Drawing):
    """In training: images are mirrored, or not, as is drawn; nothing outside of it.

    x: (batch, rows, columns, channels), or without the batch; the shape stays, in floats. Documentation of
    `keras.layers.RandomFlip`.
    """

    native = composed("x.flip(2)")
    example = asked("RandomFlip", "5,7,3")
    positional = ("mode",)

    draws = True

    mode: Literal["horizontal", "vertical", "horizontal_and_vertical"] = arg(
        "In which directions.", default="horizontal_and_vertical"
    )
    data_format: DataFormat = arg(_FORMAT, default="channels_last")

    @classmethod
    def draws_with(cls, config: Mapping[str, Any]) -> bool:
        return True

    def axes(self) -> tuple[int, ...]:
        """Along which axes an image may be turned round: 1 are the rows, 2 the columns."""
        return {"horizontal": (2,), "vertical": (1,)}.get(self.mode, (1, 2))

    def drawn_for(self, image: Array, random: Any) -> Array:
        for axis in self.axes():
            if random.random() < self.share():
                image = image[:, ::-1] if axis == 1 else image[:, :, ::-1]
        return image

    def share(self) -> float:
        """Of the images that are turned round in a direction."""
        return 0.5

    mutants: ClassVar[tuple[Mutant, ...]] = (
        IN_INFERENCE,
        Mutant("never", "turns no image round", methods={"share": lambda layer: 0.0}),
        Mutant("always", "turns every image round", methods={"share": lambda layer: 1.0}),
        Mutant(
            "other_direction",
            "takes the horizontal direction for the vertical one",
            methods={"axes": lambda layer: {"horizontal": (1,), "vertical": (2,)}.get(layer.mode, (1, 2))},
        ),
    )


class AugMix(_Drawing):
    """In training: several chains of augmentations are mixed; nothing outside of it.

    x: (batch, rows, columns, channels), or without the batch; the shape stays, in floats. Documentation of
    `keras.layers.AugMix`.
    """

    example = asked("AugMix", "5,7,3")

    value_range: Range = arg(_VALUES, default=(0, 255))
    num_chains: int = arg("How many chains.", default=3)
    chain_depth: int = arg("How many augmentations a chain has.", default=3)
    factor: Factor = arg("How strong they are.", default=0.3)
    alpha: float = arg("How evenly chains are mixed.", default=1.0)
    all_ops: bool = arg("Whether colours are changed too.", default=True)
    interpolation: Interpolation = arg(_BETWEEN, default="bilinear")
    data_format: DataFormat = arg(_FORMAT, default="channels_last")


class RandAugment(_Drawing):
    """In training: some augmentations of a list, as is drawn; nothing outside of it.

    x: (batch, rows, columns, channels), or without the batch; the shape stays, in floats. Documentation of
    `keras.layers.RandAugment`.
    """

    example = asked("RandAugment", "5,7,3")

    value_range: Range = arg(_VALUES, default=(0, 255))
    num_ops: int = arg("How many augmentations.", default=2)
    factor: Factor = arg("How strong they are.", default=0.5)
    interpolation: Interpolation = arg(_BETWEEN, default="bilinear")
    data_format: DataFormat = arg(_FORMAT, default="channels_last")


class RandomErasing(_Sometimes):
    """In training: a rectangle is erased, with the probability `factor`; there is one answer for 0.

    x: (batch, rows, columns, channels), or without the batch; the shape stays, in floats. Documentation of
    `keras.layers.RandomErasing`.
    """

    what = "the rectangle is"
    example = asked("RandomErasing(0)", "5,7,3")

    factor: Factor = arg("How likely an image is erased in part.", default=1.0)
    scale: tuple[float, float] = arg("Which share of it is erased.", default=(0.02, 0.33))
    fill_value: float | None = arg("What stands in its place; none: noise.", default=None)
    value_range: Range = arg(_VALUES, default=(0, 255))
    data_format: DataFormat = arg(_FORMAT, default="channels_last")


class RandomElasticTransform(_Sometimes):
    """In training: pixels are moved about a little, with the probability `factor`; there is one answer for 0.

    x: (batch, rows, columns, channels), or without the batch; the shape stays, in floats. Documentation of
    `keras.layers.RandomElasticTransform`.
    """

    what = "the distortion is"
    example = asked("RandomElasticTransform(0)", "5,7,3")

    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {"factor": (0.0, 1.0), "scale": (0.0, 1.0)}

    factor: Factor = arg("How likely an image is distorted.", default=1.0)
    scale: Factor = arg("How far pixels are moved.", default=1.0)
    interpolation: Interpolation = arg(_BETWEEN, default="bilinear")
    fill_mode: FillMode = arg(_FILL_MODE, default="reflect")
    fill_value: float = arg(_FILL_VALUE, default=0.0)
    value_range: Range = arg(_VALUES, default=(0, 255))
    data_format: DataFormat = arg(_FORMAT, default="channels_last")


class RandomPerspective(_Sometimes):
    """In training: corners are moved, with the probability `factor`; there is one answer for 0.

    x: (batch, rows, columns, channels), or without the batch; the shape stays, in floats. Documentation of
    `keras.layers.RandomPerspective`.
    """

    what = "the corners are"
    example = asked("RandomPerspective(0)", "5,7,3")

    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {"factor": (0.0, 1.0), "scale": (0.0, 1.0)}

    factor: Factor = arg("How likely an image is distorted.", default=1.0)
    scale: float = arg("How far corners are moved.", default=1.0)
    interpolation: Interpolation = arg(_BETWEEN, default="bilinear")
    fill_value: float = arg(_FILL_VALUE, default=0.0)
    data_format: DataFormat = arg(_FORMAT, default="channels_last")


class RandomShear(_Still):
    """In training: rows or columns are shifted against each other; there is one answer for factors of 0.

    x: (batch, rows, columns, channels), or without the batch; the shape stays, in floats. Documentation of
    `keras.layers.RandomShear`.
    """

    example = asked("RandomShear", "5,7,3")

    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {"x_factor": (0.0, 1.0), "y_factor": (0.0, 1.0)}

    x_factor: Factor = arg("How far rows are shifted.", default=0.0)
    y_factor: Factor = arg("How far columns are shifted.", default=0.0)
    interpolation: Interpolation = arg(_BETWEEN, default="bilinear")
    fill_mode: FillMode = arg(_FILL_MODE, default="reflect")
    fill_value: float = arg(_FILL_VALUE, default=0.0)
    data_format: DataFormat = arg(_FORMAT, default="channels_last")

    def augmented(self, images: Array) -> Array:
        if only("x_factor", self.x_factor) != 0 or only("y_factor", self.y_factor) != 0:
            raise Unanswerable("a shear by other factors than 0 has no formula here")
        return images


class RandomHue(_Still):
    """In training: the hue is turned; there is one answer for a `factor` of 0.

    x: (batch, rows, columns, 3), or without the batch; the shape stays, in floats. Documentation of
    `keras.layers.RandomHue`; that what leaves `value_range` is cut off is Keras 3.15.1's, its documentation is silent.
    """

    example = asked("RandomHue(0)", "5,7,3")
    positional = ("factor", "value_range")

    factor: Factor = arg("How far the hue is turned.")
    value_range: Range = arg(_VALUES, default=(0, 255))
    data_format: DataFormat = arg(_FORMAT, default="channels_last")

    def augmented(self, images: Array) -> Array:
        if images.shape[-1] != 3:
            raise LayerError(f"a hue is one of three channels, not of {images.shape[-1]}")
        if only("factor", self.factor) != 0:
            raise Unanswerable("a hue turned by another factor than 0 has no formula here")
        return clipped(images, self.value_range)


class RandomSharpness(_Still):
    """In training: images are blurred or sharpened; 1/2 leaves them, and is the one factor that is answered here.

    x: (batch, rows, columns, channels), or without the batch; the shape stays, in floats. Documentation of
    `keras.layers.RandomSharpness`; that what leaves `value_range` is cut off is Keras 3.15.1's, its documentation is
    silent.
    """

    example = asked("RandomSharpness((0.5, 0.5))", "5,7,3")
    positional = ("factor", "value_range")

    factor: Factor = arg("0 blurs, 1/2 leaves images as they are, 1 sharpens.")
    value_range: Range = arg(_VALUES, default=(0, 255))
    data_format: DataFormat = arg(_FORMAT, default="channels_last")

    def augmented(self, images: Array) -> Array:
        if only("factor", self.factor) != 0.5:
            raise Unanswerable("another factor than 1/2 has no formula here")
        return clipped(images, self.value_range)


class RandomColorJitter(_Still):
    """In training: brightness, contrast, saturation and hue are changed in turn; there is one answer for none of them.

    x: (batch, rows, columns, 3), or without the batch; the shape stays, in floats. Documentation of
    `keras.layers.RandomColorJitter`.
    """

    example = asked("RandomColorJitter", "5,7,3")

    value_range: Range = arg(_VALUES, default=(0, 255))
    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {
        "brightness_factor": (-1.0, 1.0),
        "contrast_factor": (0.0, 1.0),
        "saturation_factor": (-1.0, 1.0),
        "hue_factor": (0.0, 1.0),
    }

    brightness_factor: Unset = arg("As in RandomBrightness.", default=None)
    contrast_factor: Unset = arg("As in RandomContrast.", default=None)
    saturation_factor: Unset = arg("As in RandomSaturation.", default=None)
    hue_factor: Unset = arg("As in RandomHue.", default=None)
    data_format: DataFormat = arg(_FORMAT, default="channels_last")

    def augmented(self, images: Array) -> Array:
        factors = (self.brightness_factor, self.contrast_factor, self.saturation_factor, self.hue_factor)
        if any(factor is not None for factor in factors):
            raise Unanswerable("colours are drawn: there is no single answer")
        return images
