"""Zeros around and cropping: what is added to both ends of the axes between batch and channels, and what is cut off.

Neither passes a mask on. Rules: the layers' documentation. Where amounts differ from axis to axis, rows come first, and
on each axis what stands before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import autograd.numpy as np

from .base import Array, Layer, LayerError, Mutant, Shape, Weight, Weights, arg
from .reshaping import other_format
from .traits import FEATURES, IMAGE, VOLUME, asked, called, composed
from .windows import DataFormat

Pair = int | tuple[int, int]


def both_sides(value: Pair) -> tuple[int, int]:
    """Before and after from one number for both or from a pair."""
    return (value, value) if isinstance(value, int) else value


class _Sided(Layer):
    """What padding and cropping share: amounts before and after each of `rank` axes."""

    arithmetic = "moves"

    rank: ClassVar[int]

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return 1

    @property
    def amounts(self) -> Any:
        """As the argument was written."""
        raise NotImplementedError

    @property
    def sides(self) -> tuple[tuple[int, int], ...]:
        """Before and after, for each axis."""
        if self.rank == 1:
            return (both_sides(self.amounts),)
        each = (self.amounts,) * self.rank if isinstance(self.amounts, int) else self.amounts
        return tuple(both_sides(axis) for axis in each)

    def check(self) -> None:
        if min(min(pair) for pair in self.sides) < 0:
            raise LayerError(f"{self.amounts} must not be negative")

    def lengths(self, shape: Shape) -> Shape:
        """The lengths of the axes that are padded or cropped. Raises LayerError for a shape of another rank."""
        if len(shape) != self.rank + 2:
            axes = ("three", "four", "five")[self.rank - 1]
            raise LayerError(f"{type(self).__name__} takes {axes} axes, not the shape {shape}")
        return shape[1:-1] if self.has_channels_last else shape[2:]

    @property
    def has_channels_last(self) -> bool:
        return getattr(self, "data_format", "channels_last") == "channels_last"

    def everywhere(self, spatial: list[Any], rest: Any) -> list[Any]:
        """One entry for each axis of x: `rest` for the batch and the channels."""
        return [rest, *spatial, rest] if self.has_channels_last else [rest, rest, *spatial]


def _changed(name: str, change: Any) -> Any:
    """A hook that changes the amounts of each axis."""

    def config(layer: _Sided) -> Mapping[str, Any]:
        sides = tuple(change(pair) for pair in layer.sides)
        return {name: sides[0] if layer.rank == 1 else sides}

    return config


_AXES_SWAPPED = "takes the amounts of the rows for those of the columns"
_AXES_REVERSED = "takes the amounts in the order width, height, depth, as torch's F.pad does"


class _ZeroPadding(_Sided):
    padding: Any = arg("Amounts added.")

    @property
    def amounts(self) -> Any:
        return self.padding

    def call(self, w: Weights, x: Array) -> Array:
        self.lengths(x.shape)
        return np.pad(x, self.everywhere(list(self.sides), (0, 0)), "constant")

    def rule(self, shape: Shape) -> str:
        return "; ".join(
            f"{before} + {length} + {after} = {before + length + after}"
            for length, (before, after) in zip(self.lengths(shape), self.sides, strict=True)
        )


_PADDING_MUTANTS = (
    Mutant("swapped", "swaps before and after", config=_changed("padding", lambda pair: pair[::-1])),
    Mutant("right_only", "puts all of it at the end", config=_changed("padding", lambda pair: (0, sum(pair)))),
    Mutant("wrong_axis", "pads the channels", config=other_format),
)


_PORTED_PADDING = (
    Mutant("both_sides", "pads both sides alike", config=_changed("padding", lambda pair: (max(pair), max(pair)))),
    Mutant("other_side", "pads at the other side", config=_changed("padding", lambda pair: pair[::-1])),
    Mutant("not_padded", "does not pad", config=_changed("padding", lambda pair: (0, 0))),
)


class ZeroPadding1D(_ZeroPadding):
    """Zero steps before and after. x: (batch, steps, channels). Returns (batch, left + steps + right, channels).

    With `channels_first` the steps are the last axis of both.
    """

    input_axis_names = FEATURES
    native = called("nn.ZeroPad1d")
    example = asked("ZeroPadding1D", "5,3")

    rank: ClassVar[int] = 1
    padding: Pair = arg("Steps added on both sides, or left and right.", default=1)
    data_format: DataFormat = arg("Which axis holds the channels.", default="channels_last")

    mutants: ClassVar[tuple[Mutant, ...]] = _PADDING_MUTANTS


class ZeroPadding2D(_ZeroPadding):
    """Zero rows above and below, zero columns left and right.

    x: (batch, rows, columns, channels), or (batch, channels, rows, columns) for `channels_first`. Returns
    (batch, top + rows + bottom, left + columns + right, channels).
    """

    input_axis_names = IMAGE
    native = called("nn.ZeroPad2d")
    also_modules = ("ConstantPad2d",)
    porting = _PORTED_PADDING
    example = asked("ZeroPadding2D", "5,7,3")

    rank: ClassVar[int] = 2
    padding: int | tuple[Pair, Pair] = arg(
        "One amount for all sides; or one for rows and one for columns, each a number or a pair: "
        "((top, bottom), (left, right)).",
        default=(1, 1),
    )
    data_format: DataFormat = arg("Which axis holds the channels.", default="channels_last")

    @classmethod
    def torch_lines(cls, config: Mapping[str, Any], size: int) -> tuple[str, ...]:
        padding = config.get("padding")
        if not isinstance(padding, list | tuple) or not all(isinstance(side, list | tuple) for side in padding):
            return ()
        (top, bottom), (left, right) = padding
        return (f"F.pad(x, ({left}, {right}, {top}, {bottom}))  # left, right, top, bottom",)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        *_PADDING_MUTANTS,
        Mutant("axes_swapped", _AXES_SWAPPED, config=lambda layer: {"padding": layer.sides[::-1]}),
        Mutant(
            "left_and_right_of_all",
            "takes two numbers for what stands before and after on every axis",
            config=lambda layer: {"padding": (layer.padding,) * 2} if _is_two_numbers(layer.padding) else {},
        ),
    )


class ZeroPadding3D(_ZeroPadding):
    """Zero planes, rows and columns around a volume.

    x: (batch, depth, height, width, channels), or (batch, channels, depth, height, width) for `channels_first`. Returns
    the same with each of the three axes longer by what stands before and after.
    """

    input_axis_names = VOLUME
    native = called("nn.ZeroPad3d")
    example = asked("ZeroPadding3D", "3,5,7,2")

    rank: ClassVar[int] = 3
    padding: int | tuple[Pair, Pair, Pair] = arg(
        "One amount for all sides; or one for depth, height and width, each a number or a pair of before and after.",
        default=((1, 1), (1, 1), (1, 1)),
    )
    data_format: DataFormat = arg("Which axis holds the channels.", default="channels_last")

    mutants: ClassVar[tuple[Mutant, ...]] = (
        *_PADDING_MUTANTS,
        Mutant("axes_reversed", _AXES_REVERSED, config=lambda layer: {"padding": layer.sides[::-1]}),
    )


class _Cropping(_Sided):
    cropping: Any = arg("Amounts cut off.")

    @property
    def amounts(self) -> Any:
        return self.cropping

    def call(self, w: Weights, x: Array) -> Array:
        for length, (before, after) in zip(self.lengths(x.shape), self.sides, strict=True):
            if before + after >= length:
                raise LayerError(f"cropping {before} + {after} leaves nothing of {length} steps")
        kept = [slice(pair[0], n - pair[1]) for n, pair in zip(self.lengths(x.shape), self.sides, strict=True)]
        return x[tuple(self.everywhere(kept, slice(None)))]

    def rule(self, shape: Shape) -> str:
        return "; ".join(
            f"{length} - {before} - {after} = {length - before - after}"
            for length, (before, after) in zip(self.lengths(shape), self.sides, strict=True)
        )


_CROPPING_MUTANTS = (
    Mutant("swapped", "swaps before and after", config=_changed("cropping", lambda pair: pair[::-1])),
    Mutant("left_only", "cuts all of it off at the start", config=_changed("cropping", lambda pair: (sum(pair), 0))),
)


class Cropping1D(_Cropping):
    """Steps cut off at both ends. x: (batch, steps, channels). Returns (batch, steps - left - right, channels)."""

    input_axis_names = FEATURES
    native = composed("x[:, before : x.shape[1] - after]")
    example = asked("Cropping1D", "5,3")

    rank: ClassVar[int] = 1
    cropping: Pair = arg("Steps cut off at both ends, or left and right.", default=(1, 1))

    mutants: ClassVar[tuple[Mutant, ...]] = _CROPPING_MUTANTS


class Cropping2D(_Cropping):
    """Rows cut off above and below, columns left and right.

    x: (batch, rows, columns, channels), or (batch, channels, rows, columns) for `channels_first`. Returns
    (batch, rows - top - bottom, columns - left - right, channels).
    """

    input_axis_names = IMAGE
    native = composed("x[:, top : x.shape[1] - bottom, left : x.shape[2] - right]")
    example = asked("Cropping2D(cropping=1)", "5,7,3")

    rank: ClassVar[int] = 2
    cropping: int | tuple[Pair, Pair] = arg(
        "One amount for all sides; or one for rows and one for columns, each a number or a pair: "
        "((top, bottom), (left, right)).",
        default=((0, 0), (0, 0)),
    )
    data_format: DataFormat = arg("Which axis holds the channels.", default="channels_last")

    mutants: ClassVar[tuple[Mutant, ...]] = (
        *_CROPPING_MUTANTS,
        Mutant("axes_swapped", _AXES_SWAPPED, config=lambda layer: {"cropping": layer.sides[::-1]}),
        Mutant("wrong_axis", "crops the channels", config=other_format),
    )


class Cropping3D(_Cropping):
    """Planes, rows and columns cut off around a volume.

    x: (batch, depth, height, width, channels), or (batch, channels, depth, height, width) for `channels_first`. Returns
    the same with each of the three axes shorter by what stood before and after.
    """

    input_axis_names = VOLUME
    native = composed("x[:, front : x.shape[1] - back, top : x.shape[2] - bottom, left : x.shape[3] - right]")
    example = asked("Cropping3D", "3,5,7,2")

    rank: ClassVar[int] = 3
    cropping: int | tuple[Pair, Pair, Pair] = arg(
        "One amount for all sides; or one for depth, height and width, each a number or a pair of before and after.",
        default=((1, 1), (1, 1), (1, 1)),
    )
    data_format: DataFormat = arg("Which axis holds the channels.", default="channels_last")

    mutants: ClassVar[tuple[Mutant, ...]] = (
        *_CROPPING_MUTANTS,
        Mutant("axes_reversed", _AXES_REVERSED, config=lambda layer: {"cropping": layer.sides[::-1]}),
        Mutant("wrong_axis", "crops the channels", config=other_format),
    )


def _is_two_numbers(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(item, int) for item in value)
