"""Pooling: the largest or the mean number of each window, channel by channel."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import autograd.numpy as np

from .base import Array, Layer, Mutant, Shape, Weight, Weights, arg
from .invariants import MEAN, ONE_OF, Seen
from .traits import IMAGE, SEQUENCE, VOLUME, asked, called
from .windows import (
    DataFormat,
    Placement,
    channels_last,
    check_positive,
    in_format,
    lowest,
    padded,
    per_axis,
    place_axes,
    windows,
)

Padding = Literal["valid", "same"]
_PADDING = "`valid`: only whole windows; `same`: windows may reach over both ends, ceil(length / strides) of them."
_STRIDES = "Steps from one window to the next; null for pool_size."
DATA_FORMAT = "Which axis holds the channels."


class _Pooling(Layer):
    """What pools with a window share; `rank` is the number of axes that the window slides over."""

    rank: ClassVar[int]

    pool_size: Any = arg("Steps in a window.")
    strides: Any = arg(_STRIDES, default=None)
    padding: Padding = arg(_PADDING, default="valid")
    data_format: DataFormat = arg(DATA_FORMAT, default="channels_last")

    def check(self) -> None:
        check_positive(self.rank, pool_size=self.pool_size, strides=self.strides)

    def windows_on(self, shape: Shape) -> tuple[Mapping[str, int], ...]:
        return tuple(placement.numbers for placement in self.place(shape))

    def place(self, shape: Shape) -> list[Placement]:
        """The windows on each spatial axis of an input of this shape."""
        sizes = per_axis(self.pool_size, self.rank)
        strides = sizes if self.strides is None else per_axis(self.strides, self.rank)
        return place_axes(shape, self.data_format, sizes, strides, (1,) * self.rank, self.padding)

    def rule(self, shape: Shape) -> str:
        return "; then ".join(placement.rule for placement in self.place(shape))

    def pool(self, x: Array, placements: Sequence[Placement]) -> Array:
        """x: (batch, *lengths, channels). Returns (batch, *counts, channels)."""
        raise NotImplementedError

    def call(self, w: Weights, x: Array) -> Array:
        """x: (batch, *lengths, channels). Returns (batch, *counts, channels); channels second for `channels_first`."""
        return in_format(self.pool(channels_last(x, self.data_format), self.place(x.shape)), self.data_format)

    def made_of(self, seen: Seen) -> Any:
        x = seen.inputs[0] * 1.0  # type: ignore[index]  # asked where it is known
        placements = self.place(x.shape)
        found = windows(padded(channels_last(x, self.data_format), placements, np.nan), placements)
        return flattened(found, self.window_axes, self.data_format)

    @property
    def window_axes(self) -> tuple[int, ...]:
        """The axes of `windows` that run over the steps of one window."""
        return tuple(range(1 + self.rank, 1 + 2 * self.rank))


def together(x: Array, axes: Sequence[int]) -> Array:
    """These axes as one last axis."""
    there = np.moveaxis(x, axes, range(-len(axes), 0))
    return there.reshape((*there.shape[: -len(axes)], -1))


def flattened(found: Array, axes: Sequence[int], data_format: DataFormat) -> Array:
    """The axes of each window as one last axis, and the channels where the layer has them."""
    whole = together(found, axes)
    return whole if data_format == "channels_last" else np.moveaxis(whole, -2, 1)


class _MaxPooling(_Pooling):
    arithmetic = "moves"
    invariants = ONE_OF

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return 1

    def pool(self, x: Array, placements: Sequence[Placement]) -> Array:
        """max of each window; padding is the lowest number there is, so that it never wins."""
        return np.max(windows(padded(x, placements, lowest(x)), placements), axis=self.window_axes)


class _AveragePooling(_Pooling):
    arithmetic = "rounds"
    invariants = MEAN

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return math.prod(per_axis(self.pool_size, self.rank))

    def pool(self, x: Array, placements: Sequence[Placement]) -> Array:
        """Sum of each window over its number of real steps: padding does not count."""
        real = np.ones((1, *x.shape[1:-1], 1))
        total, count = (np.sum(windows(padded(v, placements), placements), axis=self.window_axes) for v in (x, real))
        return total / count


def other_format(layer: Any) -> Mapping[str, Any]:
    return {"data_format": "channels_first" if layer.data_format == "channels_last" else "channels_last"}


def _zero_padded(layer: _Pooling, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    x = channels_last(args[0], layer.data_format)
    return [in_format(padded(x, layer.place(args[0].shape)), layer.data_format), *args[1:]], kwargs


def _padded_by_hand(layer: _Pooling, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    x = channels_last(args[0], layer.data_format)
    return [in_format(padded(x, layer.place(args[0].shape), lowest(x)), layer.data_format), *args[1:]], kwargs


def _backwards(layer: _Pooling, x: Array) -> Array:
    first = 1 if layer.data_format == "channels_last" else 2
    return np.flip(x, axis=tuple(range(first, first + layer.rank)))


def _with_the_rest(layer: _Pooling, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """The lowest number behind the end, so that one more window fits where steps are left over."""
    if layer.padding != "valid":
        return args, kwargs
    x = channels_last(args[0], layer.data_format)
    widths = [(0, -(p.length - p.size) % p.stride) for p in layer.place(args[0].shape)]
    longer = np.pad(x, [(0, 0), *widths, (0, 0)], "constant", constant_values=lowest(x))
    return [in_format(longer, layer.data_format), *args[1:]], kwargs


def _rows_for_columns(layer: _Pooling, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    first = 1 if layer.data_format == "channels_last" else 2
    return [np.swapaxes(args[0], first, first + 1), *args[1:]], kwargs


TRANSPOSES = Mutant("transposes_images", "transposes images: takes their rows for columns", inputs=_rows_for_columns)
WINDOW_MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "odd_padding_left",
        "puts the odd step of `same` padding on the left",
        inputs=lambda layer, args, kwargs: (
            [_backwards(layer, args[0]) if layer.padding == "same" else args[0], *args[1:]],
            kwargs,
        ),
        output=lambda layer, out, args: _backwards(layer, out) if layer.padding == "same" else out,
    ),
    Mutant(
        "stride_one",
        "moves the window by one step where strides is left out",
        config=lambda layer: {"strides": 1} if layer.strides is None else {},
    ),
    Mutant("wrong_axis", "pools over the channels", config=other_format),
)
MAX_MUTANTS: tuple[Mutant, ...] = (
    *WINDOW_MUTANTS,
    Mutant(
        "zero_padding",
        "pads with zeros, which win over negative numbers",
        config=lambda layer: {"padding": "valid"},
        inputs=_zero_padded,
    ),
    Mutant(
        "takes_the_rest",
        "takes a last window that is incomplete, as torch does with ceil_mode=True",
        inputs=_with_the_rest,
    ),
    Mutant(
        "largest_magnitude",
        "takes the number farthest from zero, without its sign",
        inputs=lambda layer, args, kwargs: ([np.abs(args[0]), *args[1:]], kwargs),
    ),
    Mutant(
        "slides_by_one",
        "pads for its strides and then moves the window by one step",
        config=lambda layer: {"padding": "valid", "strides": 1},
        inputs=_padded_by_hand,
    ),
)
AVERAGE_MUTANTS: tuple[Mutant, ...] = (
    *WINDOW_MUTANTS,
    Mutant(
        "counts_padding",
        "divides by pool_size at the ends too, as torch does by default",
        config=lambda layer: {"padding": "valid"},
        inputs=_zero_padded,
    ),
    Mutant(
        "sums",
        "forgets to divide",
        output=lambda layer, out, args: out * math.prod(per_axis(layer.pool_size, layer.rank)),
    ),
)


class MaxPooling1D(_MaxPooling):
    """The largest number of each window of steps, channel by channel.

    x: (batch, steps, channels), or (batch, channels, steps) for `channels_first`. Returns the same with fewer steps.
    """

    input_axis_names = SEQUENCE
    native = called("nn.MaxPool1d")
    example = asked("MaxPooling1D", "5,3")

    rank: ClassVar[int] = 1

    pool_size: int | tuple[int] = arg("Steps in a window.", default=2, at_least=1)
    strides: int | tuple[int] | None = arg(_STRIDES, default=None, at_least=1)

    mutants = MAX_MUTANTS


class AveragePooling1D(_AveragePooling):
    """The mean of each window of steps, channel by channel; `same` leaves the padding out of the mean.

    x: (batch, steps, channels), or (batch, channels, steps) for `channels_first`. Returns the same with fewer steps.
    """

    input_axis_names = SEQUENCE
    native = called("nn.AvgPool1d")
    example = asked("AveragePooling1D(2)", "5,3")

    rank: ClassVar[int] = 1

    pool_size: int | tuple[int] = arg("Steps in a window.", at_least=1)
    strides: int | tuple[int] | None = arg(_STRIDES, default=None, at_least=1)

    mutants = AVERAGE_MUTANTS


class MaxPooling2D(_MaxPooling):
    """The largest number of each window of rows and columns, channel by channel.

    x: (batch, rows, columns, channels), or (batch, channels, rows, columns) for `channels_first`.
    """

    input_axis_names = IMAGE
    native = called("nn.MaxPool2d")
    example = asked("MaxPooling2D", "5,7,3")

    rank: ClassVar[int] = 2

    pool_size: int | tuple[int, int] = arg("Rows and columns of a window.", default=(2, 2), at_least=1)
    strides: int | tuple[int, int] | None = arg(_STRIDES, default=None, at_least=1)

    mutants = (*MAX_MUTANTS, TRANSPOSES)


class AveragePooling2D(_AveragePooling):
    """The mean of each window of rows and columns, channel by channel; `same` leaves the padding out of the mean.

    x: (batch, rows, columns, channels), or (batch, channels, rows, columns) for `channels_first`.
    """

    input_axis_names = IMAGE
    native = called("nn.AvgPool2d")
    example = asked("AveragePooling2D(2)", "5,7,3")

    rank: ClassVar[int] = 2

    pool_size: int | tuple[int, int] = arg("Rows and columns of a window.", at_least=1)
    strides: int | tuple[int, int] | None = arg(_STRIDES, default=None, at_least=1)

    mutants = (*AVERAGE_MUTANTS, TRANSPOSES)


def _depth_last(layer: _Pooling) -> Mapping[str, Any]:
    sizes = {"pool_size": layer.pool_size, "strides": layer.strides}
    return {name: tuple(np.roll(per_axis(size, 3), -1).tolist()) for name, size in sizes.items() if size is not None}


_DEPTH_LAST = Mutant("depth_last", "takes the numbers of a window for height, width and depth", config=_depth_last)


class MaxPooling3D(_MaxPooling):
    """The largest number of each window of a volume, channel by channel.

    x: (batch, depth, height, width, channels), or (batch, channels, depth, height, width) for `channels_first`. Returns
    the same with shorter axes between batch and channels.
    """

    input_axis_names = VOLUME
    native = called("nn.MaxPool3d")
    example = asked("MaxPooling3D", "3,5,7,2")

    rank: ClassVar[int] = 3

    pool_size: int | tuple[int, int, int] = arg("Depth, height and width of a window.", default=(2, 2, 2), at_least=1)
    strides: int | tuple[int, int, int] | None = arg(_STRIDES, default=None, at_least=1)

    mutants = (*MAX_MUTANTS, _DEPTH_LAST)


class AveragePooling3D(_AveragePooling):
    """The mean of each window of a volume, channel by channel; `same` leaves the padding out of the mean.

    x: (batch, depth, height, width, channels), or (batch, channels, depth, height, width) for `channels_first`. Returns
    the same with shorter axes between batch and channels.
    """

    input_axis_names = VOLUME
    native = called("nn.AvgPool3d")
    example = asked("AveragePooling3D(2)", "3,5,7,2")

    rank: ClassVar[int] = 3

    pool_size: int | tuple[int, int, int] = arg("Depth, height and width of a window.", at_least=1)
    strides: int | tuple[int, int, int] | None = arg(_STRIDES, default=None, at_least=1)

    mutants = (*AVERAGE_MUTANTS, _DEPTH_LAST)
