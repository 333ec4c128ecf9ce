"""nn.MaxPool, nn.AvgPool and nn.LPPool in one to three axes, over (batch, channels, *lengths)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import autograd.numpy as np
import numpy

from conformance.counterpart import Counterpart, KerasLayer, NoCounterpart
from conformance.reference.base import Array, LayerError, Weights, arg
from conformance.reference.torch.base import BATCHED, Like, TorchLayer, norm, plain
from conformance.reference.torch.windows import (
    LOWEST,
    Pair,
    at_least,
    ceiled,
    filled,
    in_windows,
    slid,
    spread,
    to_first,
    to_last,
)
from conformance.reference.traits import Axes, asked


class Pool(TorchLayer):
    """What all pools share: the number of axes that they slide over, and inputs without a batch.

    input: (batch, channels, *lengths), or without the batch; returns (batch, channels, *windows).
    """

    rank: ClassVar[int] = 1

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        return BATCHED[cls.rank][:rank]

    def call(self, w: Weights, input: Array) -> Any:
        dims = np.ndim(input)
        if dims == self.rank + 1:
            found = self.pooled(input[None])
            return [one[0] for one in found] if isinstance(found, list) else found[0]
        if dims != self.rank + 2:
            raise LayerError(f"{self.names[0]} takes (batch, {', '.join(BATCHED[self.rank])}), not {np.shape(input)}")
        return self.pooled(input)

    def pooled(self, x: Array) -> Any:
        raise NotImplementedError

    def check_batch(self, input: Like) -> None:
        if input.rank != self.rank + 2:
            raise NoCounterpart("Keras' pools take a batch")


class _Sliding(Pool):
    """Pools with windows of one size."""

    kernel_size: Pair = arg("Length of a window, for all axes or for each.")
    stride: Pair | None = arg("Steps between windows; kernel_size where it is null.", default=None)
    padding: Pair = arg("How much is added at both ends of each axis.", default=0)

    def check(self) -> None:
        at_least(self.rank, 1, kernel_size=self.kernel_size, stride=self._strides())
        at_least(self.rank, 0, padding=self.padding)

    def _strides(self) -> tuple[int, ...]:
        return spread(self.kernel_size if self.stride is None else self.stride, self.rank, "stride")

    def _sizes(self) -> tuple[int, ...]:
        return spread(self.kernel_size, self.rank, "kernel_size")

    def _pads(self) -> tuple[int, ...]:
        found = spread(self.padding, self.rank, "padding")
        if any(2 * pad > size for pad, size in zip(found, self._sizes(), strict=True)):
            raise LayerError(f"padding {self.padding} is more than half of the kernel {self.kernel_size}")
        return found

    def over(self, shape: Sequence[int], is_ceiled: bool, dilations: Sequence[int]) -> list[int]:
        """How much the last window of each axis reaches over the padded end: 0 but with ceil_mode."""
        if not is_ceiled:
            return [0] * self.rank
        each = zip(shape[2:], self._sizes(), self._strides(), self._pads(), dilations, strict=True)
        return [ceiled(*numbers)[1] for numbers in each]

    def in_keras(self, kind: str, pads: Sequence[int], over: Sequence[int], value: float) -> Counterpart:
        """A layer of Keras over an input that is padded before it."""
        config: dict[str, Any] = {"pool_size": list(self._sizes()), "strides": list(self._strides())}
        if self.rank == 1:
            config = {"pool_size": self._sizes()[0], "strides": self._strides()[0]}
        given = padded_text("input", pads, over, value)
        text = f"transpose(layer(transpose({given}, {to_last(self.rank)})), {to_first(self.rank)})"
        return Counterpart(text, {"layer": KerasLayer(f"{kind}{self.rank}D", config)})


def padded_text(name: str, pads: Sequence[int], over: Sequence[int], value: float) -> str:
    """An expression that pads the lengths of torch's layout; the name alone where there is nothing to pad."""
    if not any(pads) and not any(over):
        return name
    widths = [[0, 0], [0, 0], *([pad, pad + more] for pad, more in zip(pads, over, strict=True))]
    return f"pad({name}, {widths}, {value})"


class _MaxPool(_Sliding):
    """The maximum of each window; padding never wins. With return_indices its place among all lengths, too."""

    arithmetic = "moves"
    dilation: Pair = arg("Steps between the elements of a window.", default=1)
    return_indices: bool = arg("Whether the places of the maxima are given too.", default=False)
    ceil_mode: bool = arg("Whether a last window may reach over the end.", default=False)

    def check(self) -> None:
        super().check()
        at_least(self.rank, 1, dilation=self.dilation)
        self._pads()

    def pooled(self, x: Array) -> Any:
        shape, pads = np.shape(x), self._pads()
        dilations = spread(self.dilation, self.rank, "dilation")
        over = self.over(shape, self.ceil_mode, dilations)
        widths = [(pad, pad + more) for pad, more in zip(pads, over, strict=True)]
        windows = slid(filled(x, widths, -math.inf), self._sizes(), self._strides(), dilations)
        y = np.max(windows, axis=in_windows(self.rank))
        if not self.return_indices:
            return y
        places = numpy.arange(math.prod(shape[2:]), dtype=float).reshape(1, 1, *shape[2:])
        where = slid(filled(places, widths, math.inf), self._sizes(), self._strides(), dilations)
        hits = numpy.where(plain(windows) == numpy.expand_dims(plain(y), in_windows(self.rank)), where, math.inf)
        return [y, numpy.min(hits, axis=in_windows(self.rank)).astype(numpy.int64)]

    def counterpart(self, input: Like) -> Counterpart:
        self.check_batch(input)
        if self.return_indices:
            raise NoCounterpart("Keras' pools give no places; tf.nn.max_pool_with_argmax does")
        if any(n != 1 for n in spread(self.dilation, self.rank, "dilation")):
            raise NoCounterpart(
                "Keras' pools have no dilation; a pool with strides of 1 over every nth step comes next"
            )
        over = self.over(input.shape, self.ceil_mode, (1,) * self.rank)
        return self.in_keras("MaxPooling", self._pads(), over, LOWEST)


class MaxPool1d(_MaxPool):
    """The maximum of each window of steps.

    input: (batch, channels, steps), or without the batch; returns (batch, channels, *windows).
    """

    names = ("nn.MaxPool1d", "F.max_pool1d")
    example = asked("nn.MaxPool1d(3, stride=2)", "4,9")


class MaxPool2d(_MaxPool):
    """The maximum of each window of an image.

    input: (batch, channels, height, width), or without the batch; returns (batch, channels, *windows).
    """

    names = ("nn.MaxPool2d", "F.max_pool2d")
    rank = 2
    example = asked("nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True)", "2,8,10")


class MaxPool3d(_MaxPool):
    """The maximum of each window of a volume.

    input: (batch, channels, depth, height, width), or without the batch; returns (batch, channels, *windows).
    """

    names = ("nn.MaxPool3d", "F.max_pool3d")
    rank = 3
    example = asked("nn.MaxPool3d(2)", "2,4,6,5")


class _AvgPool(_Sliding):
    """The mean of each window. Padding counts with count_include_pad; what is over the padded end never does."""

    arithmetic = "rounds"
    ceil_mode: bool = arg("Whether a last window may reach over the end.", default=False)
    count_include_pad: bool = arg("Whether padding counts among the elements of a window.", default=True)

    def divisor(self) -> int | None:
        """What the sum is divided by, where an argument says so."""
        return None

    def check(self) -> None:
        super().check()
        self._pads()

    def pooled(self, x: Array) -> Any:
        shape, pads, ones = np.shape(x), self._pads(), (1,) * self.rank
        over = self.over(shape, self.ceil_mode, ones)
        inside, outside = [(pad, pad) for pad in pads], [(0, more) for more in over]

        def sums(values: Array, value: float) -> Array:
            whole = filled(filled(values, inside, value), outside)
            return np.sum(slid(whole, self._sizes(), self._strides(), ones), axis=in_windows(self.rank))

        counted = sums(numpy.ones((1, 1, *shape[2:])), 1.0 if self.count_include_pad else 0.0)
        return sums(x, 0.0) / (counted if self.divisor() is None else self.divisor())

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return math.prod(self._sizes())

    def counterpart(self, input: Like) -> Counterpart:
        self.check_batch(input)
        if self.divisor() is not None:
            raise NoCounterpart("Keras' pools divide by the length of a window and by nothing else; multiply after it")
        pads, over = self._pads(), self.over(input.shape, self.ceil_mode, (1,) * self.rank)
        if not any(over) and (self.count_include_pad or not any(pads)):
            return self.in_keras("AveragePooling", pads, over, 0.0)
        one = self.in_keras("AveragePooling", pads, over, 0.0)
        counting = 1.0 if self.count_include_pad else 0.0
        inner = padded_text("input * 0.0 + 1.0", pads, [0] * self.rank, counting)
        ones = padded_text(inner, [0] * self.rank, over, 0.0)
        counted = f"transpose(layer(transpose({ones}, {to_last(self.rank)})), {to_first(self.rank)})"
        return Counterpart("sums / counted", one.layers, (("sums", one.result), ("counted", counted)))


class AvgPool1d(_AvgPool):
    """The mean of each window of steps.

    input: (batch, channels, steps), or without the batch; returns (batch, channels, *windows).
    """

    names = ("nn.AvgPool1d", "F.avg_pool1d")
    example = asked("nn.AvgPool1d(3, stride=2, padding=1)", "4,9")


class AvgPool2d(_AvgPool):
    """The mean of each window of an image.

    input: (batch, channels, height, width), or without the batch; returns (batch, channels, *windows).
    """

    names = ("nn.AvgPool2d", "F.avg_pool2d")
    rank = 2
    example = asked("nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False)", "2,8,10")
    divisor_override: int | None = arg("What sums are divided by instead.", default=None)

    def divisor(self) -> int | None:
        return self.divisor_override


class AvgPool3d(_AvgPool):
    """The mean of each window of a volume.

    input: (batch, channels, depth, height, width), or without the batch; returns (batch, channels, *windows).
    """

    names = ("nn.AvgPool3d", "F.avg_pool3d")
    rank = 3
    example = asked("nn.AvgPool3d(2)", "2,4,6,5")
    divisor_override: int | None = arg("What sums are divided by instead.", default=None)

    def divisor(self) -> int | None:
        return self.divisor_override


class _LPPool(Pool):
    """(sum of x^p)^(1/p) over each window, for p = inf the largest |x|; what is over the end counts as zeros.

    input: (batch, channels, *lengths), or without the batch. Source: the documentation of nn.LPPool1d.
    """

    arithmetic = "rounds"
    norm_type: float = arg("p.")
    kernel_size: Pair = arg("Length of a window, for all axes or for each.")
    stride: Pair | None = arg("Steps between windows; kernel_size where it is null.", default=None)
    ceil_mode: bool = arg("Whether a last window may reach over the end.", default=False)

    def check(self) -> None:
        at_least(self.rank, 1, kernel_size=self.kernel_size)

    def pooled(self, x: Array) -> Any:
        sizes, strides = self._numbers()
        if self.ceil_mode:
            each = zip(np.shape(x)[2:], sizes, strides, strict=True)
            x = filled(x, [(0, ceiled(length, size, stride, 0, 1)[1]) for length, size, stride in each])
        windows = slid(x, sizes, strides, (1,) * self.rank)
        if math.isinf(self.norm_type):
            return norm(windows, self.norm_type, in_windows(self.rank))
        with numpy.errstate(invalid="ignore"):  # torch takes the root of a sum below 0 too: NaN
            return np.sum(windows**self.norm_type, axis=in_windows(self.rank)) ** (1.0 / self.norm_type)

    def _numbers(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Length of a window, and steps between windows, of each axis."""
        strides = self.kernel_size if self.stride is None else self.stride
        return spread(self.kernel_size, self.rank, "kernel_size"), spread(strides, self.rank, "stride")

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return math.prod(spread(self.kernel_size, self.rank, "kernel_size"))

    def counterpart(self, input: Like) -> Counterpart:
        if self.norm_type != 2:
            raise NoCounterpart("Keras has no pool of powers; of p = 2 it is the root of AveragePooling over x * x")
        if self.ceil_mode:
            raise NoCounterpart("Keras' pools have no ceil_mode; pad the end with zeros before")
        self.check_batch(input)
        sizes, strides = self._numbers()
        config: dict[str, Any] = {"pool_size": list(sizes), "strides": list(strides)}
        if self.rank == 1:
            config = {"pool_size": sizes[0], "strides": strides[0]}
        squares = f"transpose(layer(transpose(input * input, {to_last(self.rank)})), {to_first(self.rank)})"
        layer = KerasLayer(f"AveragePooling{self.rank}D", config)
        return Counterpart(f"sqrt({squares} * {math.prod(sizes)}.0)", {"layer": layer})


class LPPool1d(_LPPool):
    """Power means of windows of steps, times their length.

    input: (batch, channels, steps), or without the batch; returns (batch, channels, *windows).
    """

    names = ("nn.LPPool1d", "F.lp_pool1d")
    example = asked("nn.LPPool1d(2, 3)", "4,9")


class LPPool2d(_LPPool):
    """Power means of windows of an image, times their size.

    input: (batch, channels, height, width), or without the batch; returns (batch, channels, *windows).
    """

    names = ("nn.LPPool2d", "F.lp_pool2d")
    rank = 2
    example = asked("nn.LPPool2d(2, 3)", "2,6,9")


class LPPool3d(_LPPool):
    """Power means of windows of a volume, times their size.

    input: (batch, channels, depth, height, width), or without the batch; returns (batch, channels, *windows).
    """

    names = ("nn.LPPool3d", "F.lp_pool3d")
    rank = 3
    example = asked("nn.LPPool3d(2, 2)", "2,4,6,4")
