"""nn.Unfold and nn.Fold, and nn.MaxUnpool."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import autograd.numpy as np
import numpy

from conformance.counterpart import Counterpart, NoCounterpart
from conformance.reference.base import Array, LayerError, Weights, arg
from conformance.reference.torch.base import BATCHED, Like, TorchLayer
from conformance.reference.torch.windows import Pair, at_least, counts_of, filled, slid, spread
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
    """What nn.MaxPool1d took, at its places.

    input and indices: (batch, channels, steps); returns (batch, channels, *output_size).
    """

    names = ("nn.MaxUnpool1d", "F.max_unpool1d")


class MaxUnpool2d(_MaxUnpool):
    """What nn.MaxPool2d took, at its places.

    input and indices: (batch, channels, height, width); returns (batch, channels, *output_size).
    """

    names = ("nn.MaxUnpool2d", "F.max_unpool2d")
    rank = 2


class MaxUnpool3d(_MaxUnpool):
    """What nn.MaxPool3d took, at its places.

    input and indices: (batch, channels, depth, height, width); returns (batch, channels, *output_size).
    """

    names = ("nn.MaxUnpool3d", "F.max_unpool3d")
    rank = 3
