"""Pooling: the largest or the mean number of each window, or of all steps at once, channel by channel."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal

import autograd.numpy as np

from .base import NO_MASK, Array, Layer, LayerError, Mutant, Shape, Weight, Weights, arg
from .windows import (
    DataFormat,
    Placement,
    channels_last,
    check_positive,
    in_format,
    padded,
    place_axes,
    split_shape,
    spread,
    windows,
)

Padding = Literal["valid", "same"]
_PADDING = "`valid`: only whole windows; `same`: windows may reach over both ends, ceil(length / strides) of them."
_STRIDES = "Steps from one window to the next; null for pool_size."
_DATA_FORMAT = "Which axis holds the channels."


class _Pooling(Layer):
    """What pools with a window share; `rank` is the number of axes that the window slides over."""

    rank: ClassVar[int]

    pool_size: Any = arg("Steps in a window.")
    strides: Any = arg(_STRIDES, default=None)
    padding: Padding = arg(_PADDING, default="valid")
    data_format: DataFormat = arg(_DATA_FORMAT, default="channels_last")

    def check(self) -> None:
        check_positive(self.rank, pool_size=self.pool_size, strides=self.strides)

    def place(self, shape: Shape) -> list[Placement]:
        """The windows on each spatial axis of an input of this shape."""
        sizes = spread(self.pool_size, self.rank)
        strides = sizes if self.strides is None else spread(self.strides, self.rank)
        return place_axes(shape, self.data_format, sizes, strides, (1,) * self.rank, self.padding)

    def rule(self, shape: Shape) -> str:
        return "; then ".join(placement.rule for placement in self.place(shape))

    def pool(self, x: Array, placements: Sequence[Placement]) -> Array:
        """x: (batch, *lengths, channels). Returns (batch, *counts, channels)."""
        raise NotImplementedError

    def call(self, w: Weights, x: Array) -> Array:
        """x: (batch, *lengths, channels). Returns (batch, *counts, channels); channels second for `channels_first`."""
        return in_format(self.pool(channels_last(x, self.data_format), self.place(x.shape)), self.data_format)

    @property
    def window_axes(self) -> tuple[int, ...]:
        """The axes of `windows` that run over the steps of one window."""
        return tuple(range(1 + self.rank, 1 + 2 * self.rank))


class _MaxPooling(_Pooling):
    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return 1

    def pool(self, x: Array, placements: Sequence[Placement]) -> Array:
        """max of each window; padding is minus infinity, so that it never wins."""
        return np.max(windows(padded(x, placements, -np.inf), placements), axis=self.window_axes)


class _AveragePooling(_Pooling):
    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return math.prod(spread(self.pool_size, self.rank))

    def pool(self, x: Array, placements: Sequence[Placement]) -> Array:
        """Sum of each window over its number of real steps: padding does not count."""
        real = np.ones((1, *x.shape[1:-1], 1))
        total, count = (np.sum(windows(padded(v, placements), placements), axis=self.window_axes) for v in (x, real))
        return total / count


def _other_format(layer: Any) -> Mapping[str, Any]:
    return {"data_format": "channels_first" if layer.data_format == "channels_last" else "channels_last"}


def _zero_padded(layer: _Pooling, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    x = channels_last(args[0], layer.data_format)
    return [in_format(padded(x, layer.place(args[0].shape)), layer.data_format), *args[1:]], kwargs


def _backwards(layer: _Pooling, x: Array) -> Array:
    first = 1 if layer.data_format == "channels_last" else 2
    return np.flip(x, axis=tuple(range(first, first + layer.rank)))


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
    Mutant("wrong_axis", "pools over the channels", config=_other_format),
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
        "largest_magnitude",
        "takes the number farthest from zero, without its sign",
        inputs=lambda layer, args, kwargs: ([np.abs(args[0]), *args[1:]], kwargs),
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
        output=lambda layer, out, args: out * math.prod(spread(layer.pool_size, layer.rank)),
    ),
)


class MaxPooling1D(_MaxPooling):
    """The largest number of each window of steps, channel by channel.

    x: (batch, steps, channels), or (batch, channels, steps) for `channels_first`. Returns the same with fewer steps.
    """

    rank: ClassVar[int] = 1

    pool_size: int | tuple[int] = arg("Steps in a window.", default=2, at_least=1)
    strides: int | tuple[int] | None = arg(_STRIDES, default=None, at_least=1)

    mutants = MAX_MUTANTS


class AveragePooling1D(_AveragePooling):
    """The mean of each window of steps, channel by channel; `same` leaves the padding out of the mean.

    x: (batch, steps, channels), or (batch, channels, steps) for `channels_first`. Returns the same with fewer steps.
    """

    rank: ClassVar[int] = 1

    pool_size: int | tuple[int] = arg("Steps in a window.", at_least=1)
    strides: int | tuple[int] | None = arg(_STRIDES, default=None, at_least=1)

    mutants = AVERAGE_MUTANTS


class MaxPooling2D(_MaxPooling):
    """The largest number of each window of rows and columns, channel by channel.

    x: (batch, rows, columns, channels), or (batch, channels, rows, columns) for `channels_first`.
    """

    rank: ClassVar[int] = 2

    pool_size: int | tuple[int, int] = arg("Rows and columns of a window.", default=(2, 2), at_least=1)
    strides: int | tuple[int, int] | None = arg(_STRIDES, default=None, at_least=1)

    mutants = MAX_MUTANTS


class AveragePooling2D(_AveragePooling):
    """The mean of each window of rows and columns, channel by channel; `same` leaves the padding out of the mean.

    x: (batch, rows, columns, channels), or (batch, channels, rows, columns) for `channels_first`.
    """

    rank: ClassVar[int] = 2

    pool_size: int | tuple[int, int] = arg("Rows and columns of a window.", at_least=1)
    strides: int | tuple[int, int] | None = arg(_STRIDES, default=None, at_least=1)

    mutants = AVERAGE_MUTANTS


class _GlobalPooling(Layer):
    """What pools over all steps share; `rank` is the number of axes that go."""

    rank: ClassVar[int]

    data_format: DataFormat = arg(_DATA_FORMAT, default="channels_last")
    keepdims: bool = arg("Whether the pooled axes stay, with length 1.", default=False)

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return math.prod(split_shape(shapes[0], self.rank, self.data_format)[0])

    def pooled_axes(self, shape: Shape) -> tuple[int, ...]:
        """The axes that are pooled; LayerError where the rank does not fit."""
        split_shape(shape, self.rank, self.data_format)
        first = 1 if self.data_format == "channels_last" else 2
        return tuple(range(first, first + self.rank))

    def rule(self, shape: Shape) -> str:
        axes = self.pooled_axes(shape)
        lengths = [shape[axis] for axis in axes]
        channels = 1 if self.data_format == "channels_first" else len(shape) - 1
        places = " * ".join(map(str, lengths)) + (f" = {math.prod(lengths)}" if self.rank > 1 else "")
        kept = tuple(1 if axis in axes else length for axis, length in enumerate(shape))
        left = kept if self.keepdims else (shape[0], shape[channels])
        pooled = f"{'axis' if self.rank == 1 else 'axes'} {' and '.join(map(str, axes))} pooled ({places})"
        return f"{self.data_format}: {pooled}, axis {channels} kept ({shape[channels]} channels): {left}"


def _overwrite(value: float) -> Callable[..., tuple[list[Any], dict[str, Any]]]:
    """Hook of a mutant that writes `value` over masked steps and takes the mask away."""

    def inputs(layer: _GlobalPooling, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        mask = kwargs.get("mask")
        if mask is None:
            return args, kwargs
        steps = np.expand_dims(mask, 2 if layer.data_format == "channels_last" else 1)
        return [np.where(steps, args[0], value), *args[1:]], {**kwargs, "mask": None}

    return inputs


_KEEPDIMS = Mutant(
    "other_keepdims", "keeps the pooled axes where they go", config=lambda layer: {"keepdims": not layer.keepdims}
)
_WRONG_AXIS = Mutant("wrong_axis", "pools over the channels", config=_other_format)
_PASSES_MASK = Mutant("passes_mask", "passes the mask on", mask=lambda layer, out, mask: mask)


class GlobalAveragePooling1D(_GlobalPooling):
    """Mean over the steps of each sequence.

    x: (batch, steps, channels), or (batch, channels, steps) for `channels_first`. Returns (batch, channels), with a
    step of length 1 for `keepdims`. A mask (batch, steps) leaves steps out: sum over true steps / number of true steps;
    a row without any gives NaN (0 / 0). Any entry but 0 is true. What a masked step holds, even NaN, does not matter.
    """

    rank: ClassVar[int] = 1

    def call(self, w: Weights, x: Array, mask: Array | None = None) -> Array:
        (steps,) = self.pooled_axes(x.shape)
        if mask is None:
            return np.mean(x, axis=steps, keepdims=self.keepdims)
        if mask.shape not in {(x.shape[0], x.shape[steps]), (x.shape[0], 1)}:
            raise LayerError(f"mask {mask.shape} is not one entry for each of the {x.shape[steps]} steps of {x.shape}")
        real = np.broadcast_to(np.expand_dims(mask != 0, 3 - steps), x.shape)
        total = np.sum(np.where(real, x, 0.0), axis=steps, keepdims=self.keepdims)
        with np.errstate(invalid="ignore"):
            return total / np.sum(real, axis=steps, keepdims=self.keepdims)

    def compute_mask(self, x: Array, mask: Array | None) -> Any:
        return NO_MASK

    mutants = (
        _WRONG_AXIS,
        _KEEPDIMS,
        Mutant(
            "ignores_mask",
            "counts padding as steps",
            inputs=lambda layer, args, kwargs: (args, {**kwargs, "mask": None}),
        ),
        Mutant(
            "divides_by_all_steps",
            "sums the true steps and divides by the number of all steps",
            inputs=_overwrite(0.0),
        ),
        Mutant(
            "zero_without_steps",
            "gives 0 for a row without any step",
            output=lambda layer, out, args: np.where(np.isnan(out), 0.0, out),
        ),
        _PASSES_MASK,
    )


class GlobalMaxPooling1D(_GlobalPooling):
    """Largest number over the steps of each sequence; a mask changes nothing, so that masked steps take part.

    x: (batch, steps, channels), or (batch, channels, steps) for `channels_first`. Returns (batch, channels), with a
    step of length 1 for `keepdims`.
    """

    rank: ClassVar[int] = 1

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return 1

    def call(self, w: Weights, x: Array, mask: Array | None = None) -> Array:
        return np.max(x, axis=self.pooled_axes(x.shape), keepdims=self.keepdims)

    mutants = (
        _WRONG_AXIS,
        _KEEPDIMS,
        Mutant("honours_mask", "leaves masked steps out of the maximum", inputs=_overwrite(-np.inf)),
        _PASSES_MASK,
    )


class GlobalAveragePooling2D(_GlobalPooling):
    """Mean over the rows and columns of each image.

    x: (batch, rows, columns, channels), or (batch, channels, rows, columns) for `channels_first`. Returns
    (batch, channels), with rows and columns of length 1 for `keepdims`.
    """

    rank: ClassVar[int] = 2

    def call(self, w: Weights, x: Array) -> Array:
        return np.mean(x, axis=self.pooled_axes(x.shape), keepdims=self.keepdims)

    mutants = (_WRONG_AXIS, _KEEPDIMS)


class GlobalMaxPooling2D(_GlobalPooling):
    """Largest number over the rows and columns of each image.

    x: (batch, rows, columns, channels), or (batch, channels, rows, columns) for `channels_first`. Returns
    (batch, channels), with rows and columns of length 1 for `keepdims`.
    """

    rank: ClassVar[int] = 2

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return 1

    def call(self, w: Weights, x: Array) -> Array:
        return np.max(x, axis=self.pooled_axes(x.shape), keepdims=self.keepdims)

    mutants = (_WRONG_AXIS, _KEEPDIMS)
