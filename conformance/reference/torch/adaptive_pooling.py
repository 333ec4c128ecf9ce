"""nn.AdaptiveAvgPool and nn.AdaptiveMaxPool in one to three axes: as many windows as are asked for."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import autograd.numpy as np
import numpy

from conformance.counterpart import Counterpart, KerasLayer, NoCounterpart
from conformance.reference.adaptive_pooling import bounds
from conformance.reference.base import Array, LayerError, arg
from conformance.reference.torch.base import Like, plain
from conformance.reference.torch.pooling import Pool
from conformance.reference.torch.windows import to_first, to_last
from conformance.reference.traits import asked


class _Adaptive(Pool):
    """So many windows on each axis: the i-th of n over a length L is from floor(i L / n) to ceil((i + 1) L / n)."""

    output_size: int | tuple[int | None, ...] | None = arg("How many windows; null for as many as there are steps.")

    def sizes(self, lengths: Sequence[int]) -> tuple[int, ...]:
        """How many windows there are on each axis of these lengths."""
        wanted = (self.output_size,) * self.rank if not isinstance(self.output_size, tuple) else self.output_size
        if len(wanted) != self.rank:
            raise LayerError(f"output_size needs 1 or {self.rank} numbers, not {len(wanted)}")
        return tuple(int(length if size is None else size) for size, length in zip(wanted, lengths, strict=True))

    def pooled(self, x: Array) -> Any:
        for place, count in enumerate(self.sizes(np.shape(x)[2:])):
            axis = 2 + place
            length = np.shape(x)[axis]
            x = np.stack([self.over_one(x, axis, *part) for part in bounds(length, count)], axis=axis)
        return x

    def over_one(self, x: Array, axis: int, start: int, end: int) -> Array:
        raise NotImplementedError

    def in_keras(self, kind: str, input: Like) -> Counterpart:
        self.check_batch(input)
        sizes = self.sizes(input.shape[2:])
        each = list(zip(input.shape[2:], sizes, strict=True))
        config: Mapping[str, Any]
        if all(size == 1 for size in sizes):
            config, name = {"keepdims": True}, f"Global{kind}{self.rank}D"
        elif all(length % size == 0 for length, size in each):
            steps = [length // size for length, size in each]
            config, name = {"pool_size": steps if self.rank > 1 else steps[0]}, f"{kind}{self.rank}D"
        else:
            config, name = {"output_size": list(sizes) if self.rank > 1 else sizes[0]}, f"Adaptive{kind}{self.rank}D"
        text = f"transpose(layer(transpose(input, {to_last(self.rank)})), {to_first(self.rank)})"
        return Counterpart(text, {"layer": KerasLayer(name, config)})


def _part(x: Array, axis: int, start: int, end: int) -> Array:
    return x[(slice(None),) * axis + (slice(start, end),)]


class _AdaptiveAvg(_Adaptive):
    arithmetic = "rounds"

    def over_one(self, x: Array, axis: int, start: int, end: int) -> Array:
        return np.mean(_part(x, axis, start, end), axis=axis)

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        """Elements of the largest window."""
        lengths = shapes[0][-self.rank :]
        each = zip(lengths, self.sizes(lengths), strict=True)
        return math.prod(max(end - start for start, end in bounds(length, count)) for length, count in each)

    def counterpart(self, input: Like) -> Counterpart:
        return self.in_keras("AveragePooling", input)


class _AdaptiveMax(_Adaptive):
    """The maximum of each window; with return_indices its place among all lengths, too, the first of equal ones."""

    arithmetic = "moves"
    return_indices: bool = arg("Whether the places of the maxima are given too.", default=False)

    def pooled(self, x: Array) -> Any:
        y = super().pooled(x)
        return [y, self._places(plain(x))] if self.return_indices else y

    def _places(self, x: Any) -> Any:
        lengths = np.shape(x)[2:]
        counts = self.sizes(lengths)
        at = numpy.arange(math.prod(lengths)).reshape(lengths)
        found: Any = numpy.zeros((*np.shape(x)[:2], *counts), dtype=numpy.int64)
        every = [list(enumerate(bounds(length, count))) for length, count in zip(lengths, counts, strict=True)]
        for window in itertools.product(*every):
            part = tuple(slice(*ends) for _, ends in window)
            first = numpy.argmax(x[(..., *part)].reshape(*np.shape(x)[:2], -1), axis=-1)
            found[(..., *(place for place, _ in window))] = at[part].reshape(-1)[first]
        return found

    def over_one(self, x: Array, axis: int, start: int, end: int) -> Array:
        return np.max(_part(x, axis, start, end), axis=axis)

    def counterpart(self, input: Like) -> Counterpart:
        if self.return_indices:
            raise NoCounterpart("Keras' pools give no places; tf.nn.max_pool_with_argmax does, of windows of one size")
        return self.in_keras("MaxPooling", input)


class AdaptiveAvgPool1d(_AdaptiveAvg):
    """The mean of so many parts of a sequence.

    input: (batch, channels, steps), or without the batch; returns (batch, channels, *windows).
    """

    names = ("nn.AdaptiveAvgPool1d", "F.adaptive_avg_pool1d")
    example = asked("nn.AdaptiveAvgPool1d(3)", "4,8")


class AdaptiveAvgPool2d(_AdaptiveAvg):
    """The mean of so many parts of an image.

    input: (batch, channels, height, width), or without the batch; returns (batch, channels, *windows).
    """

    names = ("nn.AdaptiveAvgPool2d", "F.adaptive_avg_pool2d")
    rank = 2
    example = asked("nn.AdaptiveAvgPool2d([3, None])", "2,8,5")


class AdaptiveAvgPool3d(_AdaptiveAvg):
    """The mean of so many parts of a volume.

    input: (batch, channels, depth, height, width), or without the batch; returns (batch, channels, *windows).
    """

    names = ("nn.AdaptiveAvgPool3d", "F.adaptive_avg_pool3d")
    rank = 3
    example = asked("nn.AdaptiveAvgPool3d(2)", "2,4,6,5")


class AdaptiveMaxPool1d(_AdaptiveMax):
    """The maximum of so many parts of a sequence.

    input: (batch, channels, steps), or without the batch; returns (batch, channels, *windows).
    """

    names = ("nn.AdaptiveMaxPool1d", "F.adaptive_max_pool1d")
    example = asked("nn.AdaptiveMaxPool1d(3)", "4,8")


class AdaptiveMaxPool2d(_AdaptiveMax):
    """The maximum of so many parts of an image.

    input: (batch, channels, height, width), or without the batch; returns (batch, channels, *windows).
    """

    names = ("nn.AdaptiveMaxPool2d", "F.adaptive_max_pool2d")
    rank = 2
    example = asked("nn.AdaptiveMaxPool2d(3)", "2,8,5")


class AdaptiveMaxPool3d(_AdaptiveMax):
    """The maximum of so many parts of a volume.

    input: (batch, channels, depth, height, width), or without the batch; returns (batch, channels, *windows).
    """

    names = ("nn.AdaptiveMaxPool3d", "F.adaptive_max_pool3d")
    rank = 3
    example = asked("nn.AdaptiveMaxPool3d(2)", "2,4,6,5")
