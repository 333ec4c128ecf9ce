"""Images whose values are spread by how often they occur: histogram equalisation, of all of a channel or tile by tile.

A value v becomes the share of values up to it, (C(v) - C(lowest)) / (n - C(lowest)) of the range: Gonzalez and Woods,
"Digital image processing", section 3.3.1, with the lowest value brought to the lower end. Tile by tile, with histograms
that are cut off: Zuiderveld, "Contrast limited adaptive histogram equalization", Graphics Gems IV, 1994.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import autograd.numpy as np
import numpy
from autograd.tracer import getval

from .augmentation import Range, _Images
from .base import Array, LayerError, Mutant, Weight, Weights, arg
from .image_sizes import as_batch, as_given
from .traits import absent, asked
from .windows import DataFormat

_VALUES = "The lowest and the highest value of images."
_FORMAT = "Which axis holds the channels."


class _Spread(_Images):
    """What both share: values are brought to 0 .. 255 and back; what they become has no slope.

    A channel that `spread` gives None for stays as it is.
    """

    value_range: Range

    def call(self: Any, w: Weights, x: Array, training: bool = True) -> Array:
        first, last = self.value_range
        scaled = (as_batch(1.0 * x, self.data_format) - first) * (255 / (last - first))
        bytes_ = numpy.asarray(getval(scaled), dtype=float)
        y, stays = numpy.empty_like(bytes_), numpy.zeros(bytes_.shape, bool)
        for image in range(y.shape[0]):
            for channel in range(y.shape[-1]):
                made = self.spread(bytes_[image, ..., channel])
                stays[image, ..., channel] = made is None
                y[image, ..., channel] = 0.0 if made is None else made
        # 0, without a slope, but rounded as what is computed is
        flat = np.where(numpy.isfinite(bytes_), scaled, 0.0) * 0.0
        spread = as_given((y + flat) * ((last - first) / 255) + first, np.ndim(x), self.data_format)
        return np.where(as_given(stays, np.ndim(x), self.data_format), 1.0 * x, spread) if stays.any() else spread

    def spread(self, values: Array) -> Array | None:
        """values: (rows, columns) of one channel of one image, from 0 to 255; the shape stays."""
        raise NotImplementedError

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return 2


def _all_images(layer: Any, w: Weights, x: Array, training: bool = True) -> Array:
    """All images of a batch as one tall image."""
    images = as_batch(1.0 * x, layer.data_format)
    tall = as_given(images.reshape(1, -1, *images.shape[2:]), 4, layer.data_format)
    y = as_batch(_Spread.call(layer, w, tall), layer.data_format)
    return as_given(y.reshape(images.shape), np.ndim(x), layer.data_format)


class Equalization(_Spread):
    """Each channel of each image, with its values spread evenly over the range by how often they occur.

    x: (batch, rows, columns, channels), or without the batch; the shape stays, in floats. A value v, brought to 0 ..
    255, lies in bin floor(v (bins - 1) / 255); with C(b) values in the bins up to b, and c of them in the lowest that
    has any, bin b becomes round(255 (C(b) - c) / (n - c)), brought back. A channel whose values lie in one bin stays as
    it is. In training and outside of it. Documentation of `keras.layers.Equalization`; which bin a value lies in, and
    that values are rounded, are Keras 3.15.1's, its documentation is silent.
    """

    native = absent("torchvision has equalize, for bytes; torch has torch.histc, and no such layer")
    example = asked("Equalization", "5,7,3")

    value_range: Range = arg(_VALUES, default=(0, 255))
    bins: int = arg("How many bins values are counted in.", default=256, at_least=1)
    data_format: DataFormat = arg(_FORMAT, default="channels_last")

    def spread(self, values: Array) -> Array | None:
        places = numpy.clip(numpy.floor(values * (self.bins - 1) / 255), 0, self.bins - 1).astype(int)
        up_to = numpy.cumsum(numpy.bincount(places.ravel(), minlength=self.bins))
        lowest = up_to[up_to > 0][0]
        if lowest == up_to[-1]:
            return None
        return self.rounded(255.0 * (up_to - self.taken_off(lowest)) / (up_to[-1] - self.taken_off(lowest)))[places]

    def rounded(self, table: Array) -> Array:
        return numpy.round(table)

    def taken_off(self, lowest: int) -> int:
        """How many values lie below the range: those in the lowest bin."""
        return lowest

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("whole_batch", "counts all images of a batch together", methods={"call": _all_images}),
        Mutant("lowest_stays", "leaves the lowest value above the range", methods={"taken_off": lambda m, lowest: 0}),
        Mutant("not_rounded", "does not round", methods={"rounded": lambda layer, table: table}),
        Mutant("always_255", "takes images for bytes", config=lambda layer: {"value_range": (0, 255)}),
        Mutant("always_256_bins", "counts in 256 bins", config=lambda layer: {"bins": 256}),
        Mutant(
            "never",
            "leaves images as they are",
            output=lambda layer, y, args: numpy.asarray(getval(args[0]), dtype=float),
        ),
    )


class ContrastLimitedAdaptiveHistogramEqualization(_Spread):
    """Each pixel spread by the histograms of the four tiles around it, cut off so that noise is not raised too much.

    x: (batch, rows, columns, channels), or without the batch; shape and dtype stay, integers are cut off. An image is
    cut into `tile_grid_size` tiles of ceil(rows / tiles) by ceil(columns / tiles) pixels, mirrored below and to the
    right where it falls short. What of a tile's histogram of 256 values lies above clip_limit n / 256, for n pixels,
    is dealt out evenly over all 256. Value v then becomes 255 (C(v) - C(0)) / (n - C(0)); between the centres of tiles
    that is interpolated linearly, beyond the outer ones it is theirs. A limit of 0 cuts nothing off. Zuiderveld, 1994;
    that centres lie at half of a tile, pixels counted from 0, and C(0) is taken off, are Keras 3.15.1's.
    """

    native = absent("torch has no such layer; OpenCV has createCLAHE")
    without_port = "torch has no histograms of tiles; written out there it would be the reference again"
    example = asked("ContrastLimitedAdaptiveHistogramEqualization(tile_grid_size=(2, 2))", "6,8,1")

    value_range: Range = arg(_VALUES, default=(0, 255))
    clip_limit: float = arg("How many times its even share a value may occur; 0 cuts nothing off.", default=4.0)
    tile_grid_size: tuple[int, int] = arg("How many tiles there are, down and across.", default=(8, 8), at_least=1)
    data_format: DataFormat = arg(_FORMAT, default="channels_last")

    def call(self, w: Weights, x: Array, training: bool = True) -> Array:
        y = super().call(w, x)
        return y if getval(x).dtype.kind == "f" else y.astype(getval(x).dtype)

    def check(self) -> None:
        if len(self.tile_grid_size) != 2:
            raise LayerError(f"tile_grid_size={self.tile_grid_size} is not two numbers")

    def spread(self, values: Array) -> Array:
        tiles = self.tile_grid_size
        sizes = tuple(-(-length // count) for length, count in zip(values.shape, tiles, strict=True))
        short = [size * count - length for size, count, length in zip(sizes, tiles, values.shape, strict=True)]
        places = numpy.clip(numpy.trunc(numpy.pad(values, [(0, missing) for missing in short], "symmetric")), 0, 255)
        places = places.astype(int)
        tables = numpy.array(
            [
                [
                    self.table(places[i * sizes[0] : (i + 1) * sizes[0], j * sizes[1] : (j + 1) * sizes[1]])
                    for j in range(tiles[1])
                ]
                for i in range(tiles[0])
            ]
        )
        rows, columns = (self.between(*of_axis) for of_axis in zip(values.shape, sizes, tiles, strict=True))
        shown = places[: values.shape[0], : values.shape[1]]
        return sum(
            weight_down[:, None] * weight_across * tables[down[:, None], across, shown]
            for down, weight_down in rows
            for across, weight_across in columns
        )

    def table(self, tile: Array) -> Array:
        """(256,): what each value of a tile becomes."""
        counted = numpy.bincount(tile.ravel(), minlength=256).astype(float)
        if self.clip_limit > 0:
            kept = numpy.minimum(counted, self.clip_limit * tile.size / 256)
            counted = self.dealt_out(kept, numpy.sum(counted - kept))
        up_to = numpy.cumsum(counted)
        left = tile.size - up_to[0]
        return numpy.clip(255 * (up_to - up_to[0]) / (left or 1.0), 0, 255)

    def dealt_out(self, kept: Array, excess: float) -> Array:
        return kept + excess / 256

    def between(self, length: int, size: int, tiles: int) -> Sequence[tuple[Array, Array]]:
        """For each pixel of an axis the tile before it and the one after it, and how much each counts."""
        place = (numpy.arange(length) - size / 2) / size
        before = numpy.floor(place)
        share = place - before
        bounded = (numpy.clip(tile, 0, tiles - 1).astype(int) for tile in (before, before + 1))
        return tuple(zip(bounded, (1 - share, share), strict=True))

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("not_cut_off", "cuts no histogram off", config=lambda layer: {"clip_limit": 0.0}),
        Mutant("one_tile", "takes the whole image for one tile", config=lambda layer: {"tile_grid_size": (1, 1)}),
        Mutant(
            "nearest_tile",
            "takes the tile that a pixel lies in, without interpolation",
            methods={
                "between": lambda layer, length, size, tiles: ((numpy.arange(length) // size, numpy.ones(length)),)
            },
        ),
        Mutant("excess_lost", "does not deal out what is cut off", methods={"dealt_out": lambda m, kept, excess: kept}),
        Mutant(
            "axes_swapped",
            "takes the numbers of tiles across and down",
            config=lambda layer: {"tile_grid_size": tuple(reversed(layer.tile_grid_size))},
        ),
        Mutant("always_255", "takes images for bytes", config=lambda layer: {"value_range": (0, 255)}),
        Mutant("other_limit", "takes the default limit", config=lambda layer: {"clip_limit": 4.0}),
    )
