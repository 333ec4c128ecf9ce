"""nn.Unfold and nn.Fold, nn.MaxUnpool, and nn.Upsample with F.interpolate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import autograd.numpy as np
import numpy

from conformance.counterpart import Counterpart, KerasLayer, NoCounterpart
from conformance.reference.base import Array, LayerError, Weights, arg
from conformance.reference.torch.base import BATCHED, Like, TorchLayer
from conformance.reference.torch.windows import Pair, at_least, counts_of, filled, slid, spread, to_first, to_last
from conformance.reference.traits import Arithmetic, Axes, asked


class _Blocks(TorchLayer):
    arithmetic: ClassVar[Arithmetic] = "moves"
    kernel_size: Pair = arg("Height and width of a block.")
    dilation: Pair = arg("Steps between the elements of a block.", default=1)
    padding: Pair = arg("Zeros at both ends of height and width.", default=0)
    stride: Pair = arg("Steps between blocks.", default=1)

    def numbers(self) -> list[tuple[int, int]]:
        """kernel_size, dilation, padding and stride, each for height and width."""
        found = [spread(getattr(self, name), 2, name) for name in ("kernel_size", "dilation", "padding", "stride")]
        return [(pair[0], pair[1]) for pair in found]

    def check(self) -> None:
        at_least(2, 1, kernel_size=self.kernel_size, dilation=self.dilation, stride=self.stride)
        at_least(2, 0, padding=self.padding)


class Unfold(_Blocks):
    """Blocks of an image as columns: (batch, channels, height, width) to (batch, channels times block, blocks)."""

    names = ("nn.Unfold", "F.unfold")
    example = asked("nn.Unfold([2, 3], padding=1, stride=2)", "2,5,7")

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        return BATCHED[2][:rank]

    def call(self, w: Weights, input: Array) -> Array:
        if np.ndim(input) != 4:
            raise LayerError(f"nn.Unfold takes (batch, channels, height, width), not {np.shape(input)}")
        sizes, dilations, pads, strides = self.numbers()
        windows = slid(filled(input, [(pad, pad) for pad in pads]), sizes, strides, dilations)
        n, c = np.shape(windows)[:2]
        columns = np.transpose(windows, (0, 1, 3, 5, 2, 4))
        return np.reshape(columns, (n, c * math.prod(sizes), math.prod(counts_of(windows))))

    def counterpart(self, input: Like) -> Counterpart:
        (rows, columns), dilations, pads, strides = self.numbers()
        lengths = [length + 2 * pad for length, pad in zip(input.shape[2:], pads, strict=True)]
        counts = [
            (length - dilation * (size - 1) - 1) // stride + 1
            for length, size, dilation, stride in zip(lengths, (rows, columns), dilations, strides, strict=True)
        ]
        if rows * columns > 16:
            raise NoCounterpart("keras.ops.image.extract_patches, with the channels last and in another order")
        nodes = [("padded", f"pad(input, [[0, 0], [0, 0], [{pads[0]}, {pads[0]}], [{pads[1]}, {pads[1]}]], 0.0)")]
        names = []
        for i in range(rows):
            for j in range(columns):
                cuts = [
                    f"{at * dilation}:{at * dilation + (count - 1) * stride + 1}:{stride}"
                    for at, dilation, count, stride in zip((i, j), dilations, counts, strides, strict=True)
                ]
                names.append(f"p{i}_{j}")
                nodes.append((names[-1], f"padded[:, :, {', '.join(cuts)}]"))
        shape = [-1, input.shape[1] * rows * columns, math.prod(counts)]
        return Counterpart(f"reshape(stack([{', '.join(names)}], 2), {shape})", nodes=tuple(nodes))


class Fold(_Blocks):
    """Columns added up at the places of their blocks: what nn.Unfold took apart, each number as often as it was taken.

    input: (batch, channels times block, blocks). Returns (batch, channels, *output_size).
    """

    names = ("nn.Fold", "F.fold")
    arithmetic = "linear"
    example = asked("nn.Fold([4, 5], [2, 2])", "8,12")
    positional = ("output_size", "kernel_size", "dilation", "padding", "stride")
    output_size: Pair = arg("Height and width of the image.")

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        return ("channels", "blocks")[:rank]

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return math.prod(self.numbers()[0])

    def call(self, w: Weights, input: Array) -> Array:
        sizes, dilations, pads, strides = self.numbers()
        lengths = spread(self.output_size, 2, "output_size")
        counts = [
            (length + 2 * pad - dilation * (size - 1) - 1) // stride + 1
            for length, size, dilation, pad, stride in zip(lengths, sizes, dilations, pads, strides, strict=True)
        ]
        if np.ndim(input) != 3 or np.shape(input)[1] % math.prod(sizes) or np.shape(input)[2] != math.prod(counts):
            wanted = f"(batch, channels times {math.prod(sizes)}, {' x '.join(map(str, counts))} blocks)"
            raise LayerError(f"nn.Fold takes {wanted}, not {np.shape(input)}")
        x = np.reshape(input, (np.shape(input)[0], -1, *sizes, *counts))
        for axis, (length, pad, stride, dilation) in enumerate(zip(lengths, pads, strides, dilations, strict=True)):
            k = numpy.arange(sizes[axis])[:, None, None] * dilation
            o = numpy.arange(counts[axis])[None, :, None] * stride
            at = (k + o - pad == numpy.arange(length)[None, None, :]).astype(float)
            x = np.einsum("nckloq,koh->nclqh" if axis == 0 else "nclqh,lqw->nchw", x, at)
        return x

    def counterpart(self, input: Like) -> Counterpart:
        raise NoCounterpart(
            "Keras has no layer that adds blocks up; a transposed convolution with a kernel of ones does"
        )


class _MaxUnpool(TorchLayer):
    """The numbers of a pool at the places that it gave, zeros elsewhere. indices: what nn.MaxPool gives beside it."""

    arithmetic = "moves"
    rank: ClassVar[int] = 1
    written_as_case = "its indices are those of a pool: call nn.MaxPool with return_indices in the same graph"
    kernel_size: Pair = arg("Length of a window of the pool.")
    stride: Pair | None = arg("Steps between its windows; kernel_size where it is null.", default=None)
    padding: Pair = arg("What the pool added at both ends.", default=0)

    def call(self, w: Weights, input: Array, indices: Any, output_size: Any = None) -> Array:
        sizes = spread(self.kernel_size, self.rank, "kernel_size")
        strides = spread(self.kernel_size if self.stride is None else self.stride, self.rank, "stride")
        pads = spread(self.padding, self.rank, "padding")
        each = zip(np.shape(input)[2:], sizes, strides, pads, strict=True)
        lengths = [(length - 1) * stride - 2 * pad + size for length, size, stride, pad in each]
        if output_size is not None:
            lengths = [int(length) for length in output_size][-self.rank :]
        n, c = np.shape(input)[:2]
        ids = numpy.reshape(numpy.asarray(indices), (n, c, -1))
        if ids.max(initial=0) >= math.prod(lengths):
            raise LayerError(f"an index of {ids.max()} in an output of {' x '.join(map(str, lengths))}")
        at = numpy.eye(math.prod(lengths))[ids]
        taken = at * (numpy.cumsum(at[:, :, ::-1], axis=2)[:, :, ::-1] == 1)  # of the same place the last one stays
        y = np.einsum("nci,ncio->nco", np.reshape(input, (n, c, -1)), taken)
        return np.reshape(y, (n, c, *lengths))

    def counterpart(self, *args: Any, **kwargs: Any) -> Counterpart:
        raise NoCounterpart("Keras' pools give no places, and nothing puts numbers back to them")


class MaxUnpool1d(_MaxUnpool):
    """What nn.MaxPool1d took, at its places."""

    names = ("nn.MaxUnpool1d",)


class MaxUnpool2d(_MaxUnpool):
    """What nn.MaxPool2d took, at its places."""

    names = ("nn.MaxUnpool2d",)
    rank = 2


class MaxUnpool3d(_MaxUnpool):
    """What nn.MaxPool3d took, at its places."""

    names = ("nn.MaxUnpool3d",)
    rank = 3


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


def cubic(t: Any) -> Any:
    """The cubic convolution kernel (Keys 1981) with the constant a = -0.75."""
    t, a = numpy.abs(t), CUBIC
    near = (a + 2) * t**3 - (a + 3) * t**2 + 1
    far = a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a
    return numpy.where(t <= 1, near, numpy.where(t < 2, far, 0.0))


def matrix(length: int, count: int, mode: str, align_corners: bool, scale: float | None) -> Any:
    """What each of `count` places takes of `length` steps: (count, length).

    Place i stands at (i + 1/2) length / count - 1/2, or at i (length - 1) / (count - 1) with align_corners. A scale
    that was given takes the place of count / length.
    """
    ratio = length / count if scale is None else 1.0 / scale
    i = numpy.arange(count)
    steps = numpy.arange(length)
    if mode == "area":
        bounds = [(k * length // count, -(-(k + 1) * length // count)) for k in range(count)]
        return numpy.array([((steps >= a) & (steps < b)) / (b - a) for a, b in bounds], dtype=float)
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
            numpy.add.at(found, (i, taken), cubic(at - (low + offset)))
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
            rows = matrix(int(np.shape(x)[2 + axis]), count, self.mode, bool(self.align_corners), scale)
            if self.mode.startswith("nearest"):
                x = x[(slice(None),) * (2 + axis) + (numpy.argmax(rows, axis=1),)]
            else:
                x = np.moveaxis(np.tensordot(x, rows, axes=([2 + axis], [1])), -1, 2 + axis)
        return x

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

    def call(self, w: Weights, input: Array) -> Array:
        if not self.antialias:
            return super().call(w, input)
        lengths, scales = self.lengths(np.shape(input))
        x = input
        for axis, (count, scale) in enumerate(zip(lengths, scales, strict=True)):
            rows = smoothed(int(np.shape(x)[2 + axis]), count, self.mode, bool(self.align_corners), scale)
            x = np.moveaxis(np.tensordot(x, rows, axes=([2 + axis], [1])), -1, 2 + axis)
        return x

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
    stretch, reach = max(ratio, 1.0), 1.0 if mode == "bilinear" else 2.0
    found = numpy.zeros((count, length))
    for i in range(count):
        center = ratio * (i + 0.5)
        low = max(int(center - reach * stretch + 0.5), 0)
        high = min(int(center + reach * stretch + 0.5), length)
        t = (numpy.arange(low, high) + 0.5 - center) / stretch
        kernel = numpy.maximum(1.0 - numpy.abs(t), 0.0) if mode == "bilinear" else _catmull_rom(t)
        found[i, low:high] = kernel / kernel.sum()
    return found


def _catmull_rom(t: Any) -> Any:
    t, a = numpy.abs(t), -0.5
    near = ((a + 2) * t - (a + 3)) * t * t + 1
    far = (((t - 5) * t + 8) * t - 4) * a
    return numpy.where(t < 1, near, numpy.where(t < 2, far, 0.0))
