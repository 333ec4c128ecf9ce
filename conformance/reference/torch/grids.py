"""F.affine_grid and F.grid_sample: where points of an output stand in an image or a volume, and what stands there.

Source: the documentation of both. A point has its coordinates in the order x, y, z, the last axis of the input first,
from -1 to 1: the centres of the first and the last pixel with align_corners, else their outer edges.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import autograd.numpy as np
import numpy

from conformance.counterpart import Counterpart, NoCounterpart
from conformance.reference.base import Array, LayerError, Weights, arg
from conformance.reference.resizing import cubic
from conformance.reference.torch.base import BATCHED, Like, TorchLayer, plain
from conformance.reference.torch.resizing import CUBIC
from conformance.reference.traits import Axes, Drawn, asked


class AffineGrid(TorchLayer):
    """theta (x, y, 1) for every point of an image, or theta (x, y, z, 1) of a volume.

    theta: (batch, 2, 3), or (batch, 3, 4). Returns (batch, *lengths, 2), or 3 at the end.
    """

    names = ("F.affine_grid",)
    arithmetic = "rounds"
    written_as_case = "its size has the batch in it"
    size: tuple[int, ...] = arg("The shape of the image: batch, channels and lengths.")
    align_corners: bool | None = arg("Whether -1 and 1 are centres of pixels; null for false.", default=None)

    def call(self, w: Weights, theta: Array) -> Array:
        rank = len(self.size) - 2
        if rank not in (2, 3) or np.shape(theta) != (self.size[0], rank, rank + 1):
            wanted = f"({self.size[0]}, {rank}, {rank + 1})"
            raise LayerError(f"theta is {wanted} for a size of {list(self.size)}, not {np.shape(theta)}")
        lengths = self.size[2:]
        axes = [self._along(length) for length in lengths]
        points = numpy.stack([*reversed(numpy.meshgrid(*axes, indexing="ij")), numpy.ones(lengths)], axis=-1)
        return np.einsum("nij,...j->n...i", theta, points)

    def _along(self, length: int) -> Any:
        """Where the points of an axis stand before theta; a single one at 0."""
        if self.align_corners and length > 1:
            return numpy.linspace(-1, 1, length)
        return (2 * numpy.arange(length) + 1) / length - 1

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return len(self.size) - 1

    def counterpart(self, theta: Like) -> Counterpart:
        raise NoCounterpart("keras.ops.image.affine_transform takes eight numbers in pixels, and transforms at once")


class GridSample(TorchLayer):
    """The input at the points of a grid: the nearest number, or a mean of those around.

    input: (batch, channels, *lengths), grid: (batch, *others, 2) of an image, 3 at the end of a volume. Returns (batch,
    channels, *others). What is outside is 0, the edge, or mirrored at the ends.
    """

    names = ("F.grid_sample",)
    arithmetic = "rounds"
    example = asked("F.grid_sample(align_corners=False)", "2,4,5", "3,3,2")
    mode: Literal["bilinear", "nearest", "bicubic"] = arg("Which numbers count, and how much.", default="bilinear")
    padding_mode: Literal["zeros", "border", "reflection"] = arg("What is outside.", default="zeros")
    align_corners: bool | None = arg("Whether -1 and 1 are centres of pixels; null for false.", default=None)

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        return BATCHED.get(rank - 1, ()) if name != "grid" else ("rows", "columns", "coordinates")[:rank]

    @classmethod
    def drawn(cls, config: Mapping[str, Any], name: str, shapes: Mapping[str, Sequence[int]]) -> Drawn:
        return Drawn(fill={"uniform": [-1.2, 1.2]}) if name == "grid" else Drawn()

    def call(self, w: Weights, input: Array, grid: Array) -> Array:
        lengths = np.shape(input)[2:]
        if len(lengths) not in (2, 3) or np.shape(grid)[-1] != len(lengths) or np.ndim(grid) != np.ndim(input):
            raise LayerError(
                f"F.grid_sample takes (batch, channels, height, width) and (batch, rows, columns, 2), not "
                f"{np.shape(input)} and {np.shape(grid)}"
            )
        if self.mode == "bicubic" and len(lengths) != 2:
            raise LayerError("mode='bicubic' is for images")
        places = [self._place(grid[..., -1 - axis], length) for axis, length in enumerate(lengths)]
        total: Any = 0.0
        for taps in itertools.product(*(self._taps(at, n) for at, n in zip(places, lengths, strict=True))):
            share: Any = 1.0
            for _, weight in taps:
                share = share * weight
            total = total + self._taken(input, [at for at, _ in taps]) * np.expand_dims(share, 1)
        return total

    def _place(self, x: Array, length: int) -> Array:
        """From -1 to 1 to steps of the axis."""
        at = (x + 1.0) / 2.0 * (length - 1) if self.align_corners else ((x + 1.0) * length - 1.0) / 2.0
        return at if self.mode == "bicubic" else self._inside(at, length)

    def _inside(self, at: Array, length: int) -> Array:
        """A place that padding_mode moves into the axis."""
        if self.padding_mode == "zeros":
            return at
        if self.padding_mode == "reflection":
            low, span = (0.0, length - 1.0) if self.align_corners else (-0.5, float(length))
            at = self._mirrored(at, low, span)
        return np.clip(at, 0.0, length - 1.0)

    def _mirrored(self, at: Array, low: float, span: float) -> Array:
        if span == 0:
            return at * 0.0
        away = np.abs(at - low)
        turns = numpy.floor(plain(away) / span)
        rest = away - turns * span
        return low + np.where(turns % 2 == 0, rest, span - rest)

    def _taps(self, at: Array, length: int) -> list[tuple[Any, Any]]:
        """Steps of an axis, and how much of each is taken."""
        if self.mode == "nearest":
            return [(numpy.rint(plain(at)), numpy.ones(np.shape(at)))]
        low = numpy.floor(plain(at))
        if self.mode == "bilinear":
            return [(low, 1.0 - (at - low)), (low + 1, at - low)]
        steps = [low + offset for offset in (-1, 0, 1, 2)]
        return [(plain(self._inside(step, length)), cubic(np.abs(at - step), CUBIC)) for step in steps]

    def _taken(self, x: Array, steps: list[Any]) -> Array:
        """The numbers at these steps of each axis, 0 outside: (batch, channels, *others)."""
        lengths = np.shape(x)[2:]
        inside = numpy.ones(np.shape(steps[0]), dtype=bool)
        index = []
        for step, length in zip(steps, lengths, strict=True):
            inside &= (step >= 0) & (step < length)
            index.append(numpy.clip(step, 0, length - 1).astype(int))
        rows = numpy.arange(np.shape(x)[0]).reshape(-1, *(1,) * len(lengths))
        found = np.moveaxis(x[(rows, slice(None), *index)], -1, 1)
        return found * inside[:, None]

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return 16

    def counterpart(self, input: Like, grid: Like) -> Counterpart:
        raise NoCounterpart("keras.ops.image.map_coordinates takes places in pixels, of one image, without channels")
