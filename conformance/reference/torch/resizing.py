"""nn.Upsample and F.interpolate: lengths that are others, by the nearest numbers or by means of those around.

Source: the documentation of F.interpolate, and its notes on align_corners and on bicubic.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import autograd.numpy as np
import numpy

from conformance.counterpart import Counterpart, KerasLayer, NoCounterpart
from conformance.reference.adaptive_pooling import bounds
from conformance.reference.base import Array, LayerError, Weights, arg
from conformance.reference.resizing import KERNELS, cubic
from conformance.reference.torch.base import BATCHED, Like, TorchLayer
from conformance.reference.torch.windows import spread, to_first, to_last
from conformance.reference.traits import Arithmetic, Axes, asked

Mode = Literal["nearest", "linear", "bilinear", "bicubic", "trilinear", "area", "nearest-exact"]


_RANKS: Mapping[str, tuple[int, ...]] = {
    "nearest": (1, 2, 3),
    "nearest-exact": (1, 2, 3),
    "area": (1, 2, 3),
    "linear": (1,),
    "bilinear": (2,),
    "bicubic": (2,),
    "trilinear": (3,),
}


CUBIC = -0.75
"""The constant of the cubic kernel in torch. Source: torch's note on bicubic interpolation; 0.5 in Keras' resize."""


def matrix(length: int, count: int, mode: str, align_corners: bool, scale: float | None) -> Any:
    """What each of `count` places takes of `length` steps: (count, length).

    Place i stands at (i + 1/2) length / count - 1/2, or at i (length - 1) / (count - 1) with align_corners. A scale
    that was given takes the place of count / length.
    """
    ratio = length / count if scale is None else 1.0 / scale
    i = numpy.arange(count)
    steps = numpy.arange(length)
    if mode == "area":
        parts = bounds(length, count)
        return numpy.array([((steps >= a) & (steps < b)) / (b - a) for a, b in parts], dtype=float)
    if mode in ("nearest", "nearest-exact"):
        at = numpy.floor((i + (0.5 if mode == "nearest-exact" else 0.0)) * ratio).astype(int)
        return (numpy.clip(at, 0, length - 1)[:, None] == steps[None, :]).astype(float)
    if align_corners:
        at = i * ((length - 1) / (count - 1)) if count > 1 else numpy.zeros(1)
    else:
        at = (i + 0.5) * ratio - 0.5
    found = numpy.zeros((count, length))
    if mode == "bicubic":
        low = numpy.floor(at).astype(int)
        for offset in (-1, 0, 1, 2):
            taken = numpy.clip(low + offset, 0, length - 1)
            numpy.add.at(found, (i, taken), cubic(numpy.abs(at - (low + offset)), CUBIC))
        return found
    at = numpy.maximum(at, 0.0)
    low = numpy.minimum(numpy.floor(at).astype(int), length - 1)
    high = numpy.minimum(low + 1, length - 1)
    numpy.add.at(found, (i, low), 1.0 - (at - low))
    numpy.add.at(found, (i, high), at - low)
    return found


class _Resized(TorchLayer):
    """An input with other lengths: each number is a mean of those around its place, one axis after another."""

    arithmetic = "rounds"
    size: int | tuple[int, ...] | None = arg("The lengths of the output.", default=None)
    scale_factor: float | tuple[float, ...] | None = arg("How much longer it is, where no size is given.", default=None)
    mode: Mode = arg("Which numbers count, and how much.", default="nearest")
    align_corners: bool | None = arg("Whether the first and the last numbers stand still.", default=None)
    recompute_scale_factor: bool | None = arg("Whether places follow the lengths, not scale_factor.", default=None)

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        return BATCHED.get(rank - 1, ())

    def check(self) -> None:
        if (self.size is None) == (self.scale_factor is None):
            raise LayerError("either size or scale_factor is given")
        if self.align_corners is not None and self.mode in ("nearest", "nearest-exact", "area"):
            raise LayerError(f"align_corners is not for mode={self.mode!r}")

    def computes(self) -> Any:
        return "moves" if self.mode.startswith("nearest") else "rounds"

    def lengths(self, shape: Sequence[int]) -> tuple[list[int], list[float | None]]:
        """The lengths of the output, and the scales by which places go."""
        rank = len(shape) - 2
        if rank not in _RANKS[self.mode]:
            raise LayerError(
                f"mode={self.mode!r} takes {' or '.join(str(n + 2) for n in _RANKS[self.mode])} axes, not {rank + 2}"
            )
        if self.size is not None:
            return list(spread(self.size, rank, "size")), [None] * rank
        factors = self.scale_factor if isinstance(self.scale_factor, tuple) else (self.scale_factor,) * rank
        if len(factors) != rank:
            raise LayerError(f"scale_factor needs 1 or {rank} numbers, not {len(factors)}")
        lengths = [math.floor(length * float(f or 0)) for length, f in zip(shape[2:], factors, strict=True)]
        return lengths, [None if self.recompute_scale_factor else f for f in factors]

    def call(self, w: Weights, input: Array) -> Array:
        lengths, scales = self.lengths(np.shape(input))
        x = input
        for axis, (count, scale) in enumerate(zip(lengths, scales, strict=True)):
            if count < 1:
                raise LayerError(f"a length of {count}")
            rows = self.rows(int(np.shape(x)[2 + axis]), count, scale)
            if self.mode.startswith("nearest"):
                x = x[(slice(None),) * (2 + axis) + (numpy.argmax(rows, axis=1),)]
            else:
                x = np.moveaxis(np.tensordot(x, rows, axes=([2 + axis], [1])), -1, 2 + axis)
        return x

    def rows(self, length: int, count: int, scale: float | None) -> Any:
        """What each of `count` places takes of `length` steps: (count, length)."""
        return matrix(length, count, self.mode, bool(self.align_corners), scale)

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return 64 if self.mode != "area" else math.prod(shapes[0][2:])

    def counterpart(self, input: Like) -> Counterpart:
        rank, (lengths, scales) = input.rank - 2, self.lengths(input.shape)
        whole = all(count % length == 0 for count, length in zip(lengths, input.shape[2:], strict=True))
        whole = whole and all(scale is None or float(scale).is_integer() for scale in scales)
        is_linear = self.mode == "bilinear" and not self.align_corners
        if whole and (self.mode.startswith("nearest") or is_linear):
            times = [count // length for count, length in zip(lengths, input.shape[2:], strict=True)]
            config: dict[str, Any] = {"size": times if rank > 1 else times[0]}
            if rank == 2:
                config["interpolation"] = "bilinear" if is_linear else "nearest"
            text = f"transpose(layer(transpose(input, {to_last(rank)})), {to_first(rank)})"
            return Counterpart(text, {"layer": KerasLayer(f"UpSampling{rank}D", config)})
        if self.align_corners:
            raise NoCounterpart("Keras' resizing never aligns corners: places stand at (i + 1/2) length / count - 1/2")
        if self.mode == "bicubic":
            raise NoCounterpart("the cubic kernel of Keras' resizing has the constant -0.5, torch's -0.75")
        raise NoCounterpart("UpSampling layers take whole factors; Resizing, of images alone, comes next")


class Upsample(_Resized):
    """An input with other lengths, as a module."""

    names = ("nn.Upsample",)
    example = asked("nn.Upsample(scale_factor=2, mode='bilinear')", "2,3,4")


class Interpolate(_Resized):
    """An input with other lengths, as a function; with antialias the kernel is as wide as what it makes one of."""

    names = ("F.interpolate",)
    example = asked("F.interpolate(size=[6, 5], mode='bicubic')", "2,4,7")
    antialias: bool = arg("Whether a smaller image is smoothed first.", default=False)

    def check(self) -> None:
        super().check()
        if self.antialias and self.mode not in ("bilinear", "bicubic"):
            raise LayerError("antialias is for bilinear and bicubic")

    def rows(self, length: int, count: int, scale: float | None) -> Any:
        make = smoothed if self.antialias else matrix
        return make(length, count, self.mode, bool(self.align_corners), scale)

    def counterpart(self, input: Like) -> Counterpart:
        if self.antialias:
            raise NoCounterpart("Resizing(antialias=True), of images alone, comes next; its cubic kernel is another")
        return super().counterpart(input)


class UpsamplingNearest2d(TorchLayer):
    """An image with every number repeated."""

    names = ("nn.UpsamplingNearest2d",)
    arithmetic: ClassVar[Arithmetic] = "moves"
    example = asked("nn.UpsamplingNearest2d(scale_factor=2)", "2,3,4")
    size: int | tuple[int, ...] | None = arg("The lengths of the output.", default=None)
    scale_factor: float | tuple[float, ...] | None = arg("How much longer it is.", default=None)
    mode: ClassVar[Mode] = "nearest"
    corners: ClassVar[bool | None] = None

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        return BATCHED[2][:rank]

    def inner(self) -> Upsample:
        return Upsample(size=self.size, scale_factor=self.scale_factor, mode=self.mode, align_corners=self.corners)

    def check(self) -> None:
        self.inner().check()

    def call(self, w: Weights, input: Array) -> Array:
        return self.inner().call(w, input)

    def counterpart(self, input: Like) -> Counterpart:
        return self.inner().counterpart(input)


class UpsamplingBilinear2d(UpsamplingNearest2d):
    """An image with means of its numbers between, the corners where they were."""

    names = ("nn.UpsamplingBilinear2d",)
    arithmetic = "rounds"
    example = asked("nn.UpsamplingBilinear2d(scale_factor=2)", "2,3,4")
    mode = "bilinear"
    corners = True


def smoothed(length: int, count: int, mode: str, align_corners: bool, scale: float | None) -> Any:
    """Rows of weights with a kernel that is stretched where the output is shorter; each sums to 1.

    Source: the antialias filters of Pillow, which F.interpolate documents that it matches: the kernels are the
    triangle, and the cubic with the constant -0.5.
    """
    ratio = length / count if scale is None else 1.0 / scale
    if align_corners:
        ratio = (length - 1) / (count - 1) if count > 1 else 0.0
    centers, steps = ratio * (numpy.arange(count) + 0.5), numpy.arange(length) + 0.5
    rows = KERNELS[mode](numpy.abs(steps[None, :] - centers[:, None]) / max(ratio, 1.0))
    return rows / rows.sum(axis=1, keepdims=True)
