"""Where windows stand: the lengths and the padding of convolutions and pools, one axis at a time.

Source of the rules: TensorFlow's "Notes on padding" (https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2)
for `valid` and `same`, WaveNet (van den Oord et al., 2016, section 2.1) for `causal`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import autograd.numpy as np
import numpy
from autograd.tracer import getval

from .base import Array, LayerError

DataFormat = Literal["channels_last", "channels_first"]


@dataclass(frozen=True, slots=True)
class Placement:
    """How the windows of a layer lie on one axis: `count` windows, over `length` steps padded `left` and `right`."""

    length: int
    size: int
    stride: int
    dilation: int
    padding: str
    count: int
    left: int
    right: int

    @property
    def numbers(self) -> dict[str, int]:
        """All of it but the rule by which it was padded."""
        names = ("length", "size", "stride", "dilation", "left", "right", "count")
        return {name: int(getattr(self, name)) for name in names}

    @property
    def span(self) -> int:
        """How many steps a window reaches over, the gaps of a dilated one included."""
        return (self.size - 1) * self.dilation + 1

    @property
    def taps(self) -> Array:
        """The steps of the padded axis that each window reads: (count, size)."""
        starts = np.arange(self.count) * self.stride
        return starts[:, None] + np.arange(self.size)[None, :] * self.dilation

    @property
    def rule(self) -> str:
        """The length rule with its numbers filled in."""
        dilated = f"a window spans ({self.size} - 1) * {self.dilation} + 1 = {self.span}; " if self.dilation > 1 else ""
        if self.padding == "valid":
            return f"{dilated}valid: floor(({self.length} - {self.span}) / {self.stride}) + 1 = {self.count}"
        rounded = f"{dilated}{self.padding}: ceil({self.length} / {self.stride}) = {self.count}"
        if self.padding == "causal":
            return f"{rounded}; padding {self.left} on the left, none on the right"
        needed = f"max({self.count - 1} * {self.stride} + {self.span} - {self.length}, 0)"
        return f"{rounded}; total padding {needed} = {self.left + self.right}, left {self.left}, right {self.right}"


def place(length: int, size: int, stride: int, dilation: int, padding: str) -> Placement:
    """Places the windows of one axis.

    valid: only windows that fit, floor((length - span) / stride) + 1 of them.
    same: ceil(length / stride) windows, and as little padding as they need, the odd step of it on the right.
    causal: ceil(length / stride) windows, each ending on the step that it stands for.
    Raises LayerError where not a single window fits.
    """
    span = (size - 1) * dilation + 1
    left = right = 0
    if padding == "valid":
        count = (length - span) // stride + 1
    else:
        count = -(-length // stride)
        if padding == "causal":
            left = span - 1
        else:
            total = max((count - 1) * stride + span - length, 0)
            left, right = total // 2, total - total // 2
    if count < 1:
        raise LayerError(f"a window over {span} steps does not fit into {length} without padding")
    return Placement(length, size, stride, dilation, padding, count, left, right)


def per_axis(value: int | Sequence[int], rank: int) -> tuple[int, ...]:
    """One number for all spatial axes, or one for each; LayerError where there are not as many as axes."""
    numbers = (value,) * rank if isinstance(value, int) else tuple(value)
    if len(numbers) != rank:
        raise LayerError(f"needs 1 or {rank} numbers, one for each spatial axis; got {list(numbers)}")
    return numbers


def place_axes(
    shape: Sequence[int],
    data_format: DataFormat,
    sizes: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    padding: str,
) -> list[Placement]:
    """The windows on each spatial axis of an input of this shape, with one size, stride and dilation an axis."""
    lengths, _ = split_shape(shape, len(sizes), data_format)
    return [place(*numbers, padding) for numbers in zip(lengths, sizes, strides, dilations, strict=True)]


def check_positive(rank: int, **values: int | Sequence[int] | None) -> None:
    """Raises LayerError where an argument has a number below 1, or neither one nor `rank` numbers; None is left out."""
    for name, value in values.items():
        if value is not None and min(per_axis(value, rank)) < 1:
            raise LayerError(f"{name}={value} must be positive")


def lowest(x: Array) -> float:
    """What no number is less than: padding of a maximum, which has to be of the dtype of whole numbers."""
    kind = getval(x).dtype
    return int(numpy.iinfo(kind).min) if numpy.issubdtype(kind, numpy.integer) else -numpy.inf


def padded(x: Array, placements: Sequence[Placement], value: float = 0.0) -> Array:
    """x (batch, *lengths, channels) with the padding of its placements, filled with `value`."""
    if not any(p.left or p.right for p in placements):
        return x
    widths = [(0, 0), *((p.left, p.right) for p in placements), (0, 0)]
    return np.pad(x, widths, "constant", constant_values=value)


def windows(x: Array, placements: Sequence[Placement]) -> Array:
    """Padded x (batch, *lengths, channels) as its windows: (batch, *counts, *sizes, channels)."""
    rank = len(placements)
    for axis in range(rank, 0, -1):
        x = x[(slice(None),) * axis + (placements[axis - 1].taps,)]
    counts, sizes = range(1, 2 * rank + 1, 2), range(2, 2 * rank + 1, 2)
    return np.transpose(x, (0, *counts, *sizes, 2 * rank + 1))


def channels_last(x: Array, data_format: DataFormat) -> Array:
    """x with its channels on the last axis."""
    return x if data_format == "channels_last" else np.moveaxis(x, 1, -1)


def in_format(x: Array, data_format: DataFormat) -> Array:
    """x, whose channels are on the last axis, in the layout that the layer was asked for."""
    return x if data_format == "channels_last" else np.moveaxis(x, -1, 1)


def split_shape(shape: Sequence[int], rank: int, data_format: DataFormat) -> tuple[tuple[int, ...], int]:
    """The lengths of the spatial axes and the number of channels; LayerError where the rank is not `rank` + 2."""
    if len(shape) != rank + 2:
        raise LayerError(f"needs an input of rank {rank + 2}, got shape {tuple(shape)}")
    if data_format == "channels_last":
        return tuple(shape[1:-1]), shape[-1]
    return tuple(shape[2:]), shape[1]
