"""Adaptive pooling: as many windows as are asked for, whatever the length.

Window i of m over n steps runs from floor(i n / m) to ceil((i + 1) n / m), so that windows share a step where m does
not divide n (He et al., "Spatial pyramid pooling in deep convolutional networks", 2014, appendix A).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import autograd.numpy as np

from .base import Array, Layer, Mutant, Shape, Weight, Weights, arg
from .invariants import MEAN, ONE_OF, Seen
from .pooling import DATA_FORMAT, flattened, other_format
from .traits import IMAGE, SEQUENCE, VOLUME, asked, called
from .windows import DataFormat, channels_last, check_positive, in_format, per_axis, split_shape

Bounds = list[tuple[int, int]]


def bounds(length: int, count: int) -> Bounds:
    """First step and the one after the last, of each of `count` windows over `length` steps."""
    return [(i * length // count, -(-(i + 1) * length // count)) for i in range(count)]


class _Adaptive(Layer):
    """What adaptive pools share; `rank` is the number of axes that are pooled."""

    rank: ClassVar[int]

    output_size: Any = arg("Windows on each axis.")
    data_format: DataFormat = arg(DATA_FORMAT, default="channels_last")

    def check(self) -> None:
        check_positive(self.rank, output_size=self.output_size)

    def bounds(self, length: int, count: int) -> Bounds:
        """Where windows stand on one axis."""
        return bounds(length, count)

    def along(self, shape: Shape) -> list[Bounds]:
        """Where windows stand on each axis. Raises LayerError for a shape of another rank."""
        lengths, _ = split_shape(shape, self.rank, self.data_format)
        counts = per_axis(self.output_size, self.rank)
        return [self.bounds(length, count) for length, count in zip(lengths, counts, strict=True)]

    def pooled(self, window: Array, axis: int) -> Array:
        """One number for a window along one axis."""
        raise NotImplementedError

    def call(self, w: Weights, x: Array) -> Array:
        """x: (batch, *lengths, channels). Returns (batch, *output_size, channels); a window is a box, axis by axis."""
        y = channels_last(x, self.data_format)
        for axis, windows in enumerate(self.along(x.shape), start=1):
            whole = (slice(None),) * axis
            y = np.stack([self.pooled(y[(*whole, slice(*window))], axis) for window in windows], axis=axis)
        return in_format(y, self.data_format)

    def made_of(self, seen: Seen) -> Any:
        y = channels_last(seen.inputs[0] * 1.0, self.data_format)  # type: ignore[index]  # asked where it is known
        axes = self.along(seen.inputs[0].shape)  # type: ignore[index]
        for axis, windows in enumerate(axes, start=1):
            widest = max(end - first for first, end in windows)
            whole = (slice(None),) * axis
            parts = [np.moveaxis(y[(*whole, slice(*window))], axis, -1) for window in windows]
            filled = [
                np.pad(part, [(0, 0)] * (part.ndim - 1) + [(0, widest - part.shape[-1])], constant_values=np.nan)
                for part in parts
            ]
            y = np.stack(filled, axis=axis)
        return flattened(y, range(-len(axes), 0), self.data_format)

    def rule(self, shape: Shape) -> str:
        return "; then ".join(
            f"{shown[-1][1]} steps in {len(shown)} windows: " + ", ".join(f"{first}:{end}" for first, end in shown)
            for shown in self.along(shape)
        )


class _AdaptiveMax(_Adaptive):
    arithmetic = "moves"
    invariants = ONE_OF

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return 1

    def pooled(self, window: Array, axis: int) -> Array:
        return np.max(window, axis=axis)


class _AdaptiveAverage(_Adaptive):
    arithmetic = "rounds"
    invariants = MEAN

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return math.prod(max(end - first for first, end in windows) for windows in self.along(shapes[0]))

    def pooled(self, window: Array, axis: int) -> Array:
        return np.mean(window, axis=axis)


def _disjoint(layer: _Adaptive, length: int, count: int) -> Bounds:
    """Each step in one window only, the windows' ends rounded down."""
    return [(first, max(first + 1, (i + 1) * length // count)) for i, (first, _) in enumerate(bounds(length, count))]


def _even(layer: _Adaptive, length: int, count: int) -> Bounds:
    """Windows of one size and stride, as a plain pool has them."""
    stride = max(length // count, 1)
    size = max(length - (count - 1) * stride, 1)
    firsts = [min(i * stride, length - size) for i in range(count)]
    return [(first, first + size) for first in firsts]


ADAPTIVE_MUTANTS: tuple[Mutant, ...] = (
    Mutant("disjoint_windows", "lets no two windows share a step", methods={"bounds": _disjoint}),
    Mutant(
        "even_windows",
        "pools with one size and stride, floor(length / output_size) and what it leaves",
        methods={"bounds": _even},
    ),
    Mutant("wrong_axis", "pools over the channels", config=other_format),
)
SIZES_REVERSED = Mutant(
    "sizes_reversed",
    "takes the sizes in the opposite order",
    config=lambda layer: {"output_size": per_axis(layer.output_size, layer.rank)[::-1]},
)


class AdaptiveMaxPooling1D(_AdaptiveMax):
    """The largest number of each of `output_size` windows over the steps.

    x: (batch, steps, channels), or (batch, channels, steps) for `channels_first`. Returns the same with
    output_size steps.
    """

    input_axis_names = SEQUENCE
    native = called("nn.AdaptiveMaxPool1d")
    example = asked("AdaptiveMaxPooling1D(3)", "7,2")

    rank: ClassVar[int] = 1
    output_size: int | tuple[int] = arg("Windows over the steps.", at_least=1)

    mutants = ADAPTIVE_MUTANTS


class AdaptiveAveragePooling1D(_AdaptiveAverage):
    """The mean of each of `output_size` windows over the steps.

    x: (batch, steps, channels), or (batch, channels, steps) for `channels_first`. Returns the same with
    output_size steps.
    """

    input_axis_names = SEQUENCE
    native = called("nn.AdaptiveAvgPool1d")
    example = asked("AdaptiveAveragePooling1D(3)", "7,2")

    rank: ClassVar[int] = 1
    output_size: int | tuple[int] = arg("Windows over the steps.", at_least=1)

    mutants = ADAPTIVE_MUTANTS


class AdaptiveMaxPooling2D(_AdaptiveMax):
    """The largest number of each window, output_size[0] of them over the height and output_size[1] over the width.

    x: (batch, height, width, channels), or (batch, channels, height, width) for `channels_first`. Returns
    (batch, *output_size, channels).
    """

    input_axis_names = IMAGE
    native = called("nn.AdaptiveMaxPool2d")
    example = asked("AdaptiveMaxPooling2D((3, 2))", "5,7,2")

    rank: ClassVar[int] = 2
    output_size: int | tuple[int, int] = arg("Windows over height and width.", at_least=1)

    mutants = (*ADAPTIVE_MUTANTS, SIZES_REVERSED)


class AdaptiveAveragePooling2D(_AdaptiveAverage):
    """The mean of each window, output_size[0] of them over the height and output_size[1] over the width.

    x: (batch, height, width, channels), or (batch, channels, height, width) for `channels_first`. Returns
    (batch, *output_size, channels).
    """

    input_axis_names = IMAGE
    native = called("nn.AdaptiveAvgPool2d")
    example = asked("AdaptiveAveragePooling2D((3, 2))", "5,7,2")

    rank: ClassVar[int] = 2
    output_size: int | tuple[int, int] = arg("Windows over height and width.", at_least=1)

    mutants = (*ADAPTIVE_MUTANTS, SIZES_REVERSED)


class AdaptiveMaxPooling3D(_AdaptiveMax):
    """The largest number of each window, so many of them over depth, height and width.

    x: (batch, depth, height, width, channels), or (batch, channels, depth, height, width) for `channels_first`. Returns
    (batch, *output_size, channels).
    """

    input_axis_names = VOLUME
    native = called("nn.AdaptiveMaxPool3d")
    example = asked("AdaptiveMaxPooling3D((2, 3, 2))", "3,5,7,2")

    rank: ClassVar[int] = 3
    output_size: int | tuple[int, int, int] = arg("Windows over depth, height and width.", at_least=1)

    mutants = (*ADAPTIVE_MUTANTS, SIZES_REVERSED)


class AdaptiveAveragePooling3D(_AdaptiveAverage):
    """The mean of each window, so many of them over depth, height and width.

    x: (batch, depth, height, width, channels), or (batch, channels, depth, height, width) for `channels_first`. Returns
    (batch, *output_size, channels).
    """

    input_axis_names = VOLUME
    native = called("nn.AdaptiveAvgPool3d")
    example = asked("AdaptiveAveragePooling3D((2, 3, 2))", "3,5,7,2")

    rank: ClassVar[int] = 3
    output_size: int | tuple[int, int, int] = arg("Windows over depth, height and width.", at_least=1)

    mutants = (*ADAPTIVE_MUTANTS, SIZES_REVERSED)
