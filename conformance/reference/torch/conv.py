"""nn.Conv1d to 3d and nn.ConvTranspose1d to 3d: cross-correlation over (batch, channels, *lengths).

Source of the formulas and of the lengths: the documentation of each module.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import autograd.numpy as np
import numpy

from conformance.counterpart import Counterpart, KerasLayer, Moved, NoCounterpart, moved, same
from conformance.mapping import Mapped
from conformance.reference.base import Array, LayerError, Weight, Weights, arg
from conformance.reference.torch.base import BATCHED, Like, TorchLayer, wants_channels
from conformance.reference.torch.windows import Pair, at_least, counts_of, filled, slid, spread, to_first, to_last
from conformance.reference.traits import Axes, asked

PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]
_WITHIN, _PLACES = "klm", "pqr"
"""Letters of the axes within a window, and of the places of windows."""


class _Convolution(TorchLayer):
    """What all convolutions share: channels, groups, inputs without a batch."""

    arithmetic = "linear"
    rank: ClassVar[int] = 1

    in_channels: int = arg("Channels of the input.", at_least=1)
    out_channels: int = arg("Channels of the output.", at_least=1)
    kernel_size: Pair = arg("Length of the kernel, for all axes or for each.")
    stride: Pair = arg("Steps between windows.", default=1)

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        return BATCHED[cls.rank][:rank]

    def _each(self, name: str) -> tuple[int, ...]:
        return spread(getattr(self, name), self.rank, name)

    def check_channels(self, groups: int) -> None:
        at_least(self.rank, 1, kernel_size=self.kernel_size, stride=self.stride)
        if groups < 1 or self.in_channels % groups or self.out_channels % groups:
            raise LayerError(f"{self.in_channels} and {self.out_channels} channels are not in {groups} groups")

    def call(self, w: Weights, input: Array) -> Array:
        if np.ndim(input) == self.rank + 1:
            return self.call(w, input[None])[0]
        if np.ndim(input) != self.rank + 2:
            raise LayerError(f"{self.names[0]} takes (batch, {', '.join(BATCHED[self.rank])}), not {np.shape(input)}")
        wants_channels(input, 1, self.in_channels, self.names[0], BATCHED[self.rank])
        y = self.convolved(w.weight, input)
        return y + np.reshape(w.bias, (-1, *(1,) * self.rank)) if "bias" in w else y

    def convolved(self, weight: Array, x: Array) -> Array:
        raise NotImplementedError

    def check_batch(self, input: Like) -> None:
        if input.rank != self.rank + 2:
            raise NoCounterpart("Keras' convolutions take a batch")

    def kernel_first(self) -> Moved:
        """torch's (a, b, *sizes) as Keras' (*sizes, b, a)."""
        return moved(Mapped("weight").transpose(*range(2, self.rank + 2), 1, 0))


class _Conv(_Convolution):
    """Sums of products of the kernel with each window."""

    padding: Literal["valid", "same"] | Pair = arg("How much is added at both ends, or `same` or `valid`.", default=0)
    dilation: Pair = arg("Steps between the elements of a window.", default=1)
    groups: int = arg("Groups of channels that do not see each other.", default=1, at_least=1)
    bias: bool = arg("Whether a bias is added.", default=True)
    padding_mode: PaddingMode = arg("What is added at the ends.", default="zeros")

    def check(self) -> None:
        self.check_channels(self.groups)
        at_least(self.rank, 1, dilation=self.dilation)
        if self.padding == "same" and any(step != 1 for step in self._each("stride")):
            raise LayerError("padding='same' is not for convolutions with a stride")

    def weights(self, input: Any) -> Mapping[str, Weight]:
        held = {"weight": Weight((self.out_channels, self.in_channels // self.groups, *self._each("kernel_size")))}
        return {**held, "bias": Weight((self.out_channels,), "bias")} if self.bias else held

    def widths(self) -> list[tuple[int, int]]:
        """How much is added before and after each axis; the odd one of `same` comes after."""
        if self.padding == "valid":
            return [(0, 0)] * self.rank
        if self.padding == "same":
            pairs = zip(self._each("kernel_size"), self._each("dilation"), strict=True)
            whole = [dilation * (size - 1) for size, dilation in pairs]
            return [(total // 2, total - total // 2) for total in whole]
        assert not isinstance(self.padding, str)
        return [(pad, pad) for pad in spread(self.padding, self.rank, "padding")]

    def convolved(self, weight: Array, x: Array) -> Array:
        x = extended(x, self.widths(), self.padding_mode)
        windows = slid(x, self._each("kernel_size"), self._each("stride"), self._each("dilation"))
        shape, groups = np.shape(windows), self.groups
        windows = np.reshape(windows, (shape[0], groups, shape[1] // groups, *shape[2:]))
        kernel = np.reshape(weight, (groups, self.out_channels // groups, *np.shape(weight)[1:]))
        inside, places = _WITHIN[: self.rank], _PLACES[: self.rank]
        mixed = "".join(place + own for place, own in zip(places, inside, strict=True))
        y = np.einsum(f"ngc{mixed},gfc{inside}->ngf{places}", windows, kernel)
        return np.reshape(y, (shape[0], self.out_channels, *counts_of(np.reshape(windows, shape))))

    def counterpart(self, input: Like) -> Counterpart:
        self.check_batch(input)
        weights = {"kernel": self.kernel_first(), **({"bias": same("bias")} if self.bias else {})}
        config = {
            "filters": self.out_channels,
            "kernel_size": list(self._each("kernel_size")),
            "strides": list(self._each("stride")),
            "dilation_rate": list(self._each("dilation")),
            "groups": self.groups,
            "use_bias": self.bias,
        }
        given, widths = "input", self.widths()
        before: tuple[tuple[str, str], ...] = ()
        if self.padding_mode != "zeros":
            padded = extended_text("input", input, widths, self.padding_mode)
            given, before = padded.result, padded.nodes
        elif any(max(pair) for pair in widths):
            given = f"pad(input, {[[0, 0], [0, 0], *map(list, widths)]}, 0.0)"
        text = f"transpose(layer(transpose({given}, {to_last(self.rank)})), {to_first(self.rank)})"
        return Counterpart(text, {"layer": KerasLayer(f"Conv{self.rank}D", config, weights)}, before)


def extended(x: Array, widths: Sequence[tuple[int, int]], mode: str, value: float = 0.0) -> Array:
    """x with so much at the ends of its last axes: a number, mirrored, the edge, or what stands at the other end."""
    if mode in ("zeros", "constant"):
        return filled(x, widths, value)
    for place, (left, right) in enumerate(widths):
        axis = np.ndim(x) - len(widths) + place
        length = np.shape(x)[axis]
        at = numpy.arange(-left, length + right)
        if mode == "reflect":
            if max(left, right) >= length:
                raise LayerError(f"reflect of {max(left, right)} needs a longer axis than {length}")
            at = numpy.abs(at)
            at = numpy.where(at >= length, 2 * (length - 1) - at, at)
        elif mode == "circular":
            if max(left, right) > length:
                raise LayerError(f"circular padding of {max(left, right)} needs an axis of at least that, not {length}")
            at = at % length
        else:
            at = numpy.clip(at, 0, length - 1)
        x = x[(slice(None),) * axis + (at,)]
    return x


def extended_text(name: str, input: Like, widths: Sequence[tuple[int, int]], mode: str) -> Counterpart:
    """`extended` written with slices, an axis a step; `zeros` is not among the modes."""
    nodes: list[tuple[str, str]] = []
    for place, (left, right) in enumerate(widths):
        axis = input.rank - len(widths) + place
        length, before = input.shape[axis], ":, " * axis

        def cut(start: int, end: int, name: str = name, before: str = before) -> str:
            return f"{name}[{before}{start}:{end}]"

        ends = {
            "reflect": (
                f"flip({cut(1, left + 1)}, {axis})",
                f"flip({cut(length - 1 - right, length - 1)}, {axis})",
            ),
            "replicate": (
                f"repeat({cut(0, 1)}, {left}, {axis})",
                f"repeat({cut(length - 1, length)}, {right}, {axis})",
            ),
            "circular": (cut(length - left, length), cut(0, right)),
        }[mode]
        parts = [*([ends[0]] if left else []), name, *([ends[1]] if right else [])]
        if len(parts) > 1:
            nodes.append((f"padded{place}", f"concatenate([{', '.join(parts)}], {axis})"))
            name = f"padded{place}"
    return Counterpart(name, nodes=tuple(nodes))


class Conv1d(_Conv):
    """Convolution over steps. weight: (out_channels, in_channels / groups, kernel_size)."""

    names = ("nn.Conv1d",)
    example = asked("nn.Conv1d(4, 6, 3, stride=2, padding=1, groups=2)", "4,9")


class Conv2d(_Conv):
    """Convolution over an image. weight: (out_channels, in_channels / groups, *kernel_size)."""

    names = ("nn.Conv2d",)
    rank = 2
    example = asked("nn.Conv2d(3, 4, 3, padding=1, dilation=2)", "3,7,8")


class Conv3d(_Conv):
    """Convolution over a volume. weight: (out_channels, in_channels / groups, *kernel_size)."""

    names = ("nn.Conv3d",)
    rank = 3
    example = asked("nn.Conv3d(2, 3, 2)", "2,4,5,3")


class _ConvTranspose(_Convolution):
    """Each number of the input adds the kernel to the output, `stride` steps apart.

    y has (length - 1) stride - 2 padding + dilation (kernel_size - 1) + output_padding + 1 steps.
    weight: (in_channels, out_channels / groups, *kernel_size).
    """

    padding: Pair = arg("How much is cut off at both ends, less than the kernel adds.", default=0)
    output_padding: Pair = arg("How much is added at the end.", default=0)
    groups: int = arg("Groups of channels that do not see each other.", default=1, at_least=1)
    bias: bool = arg("Whether a bias is added.", default=True)
    dilation: Pair = arg("Steps between the elements of a window.", default=1)
    padding_mode: Literal["zeros"] = arg("zeros, and nothing else.", default="zeros")

    def check(self) -> None:
        self.check_channels(self.groups)
        at_least(self.rank, 1, dilation=self.dilation)
        each = zip(self._each("output_padding"), self._each("stride"), self._each("dilation"), strict=True)
        if any(extra >= max(stride, dilation) for extra, stride, dilation in each):
            raise LayerError("output_padding must be less than stride or dilation")

    def weights(self, input: Any) -> Mapping[str, Weight]:
        held = {"weight": Weight((self.in_channels, self.out_channels // self.groups, *self._each("kernel_size")))}
        return {**held, "bias": Weight((self.out_channels,), "bias")} if self.bias else held

    def lengths(self, shape: Sequence[int]) -> list[int]:
        names = ("stride", "padding", "dilation", "kernel_size", "output_padding")
        each = zip(shape[2:], *(self._each(name) for name in names), strict=True)
        return [
            (length - 1) * stride - 2 * pad + dilation * (size - 1) + extra + 1
            for length, stride, pad, dilation, size, extra in each
        ]

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return self.in_channels // self.groups * math.prod(self._each("kernel_size"))

    def convolved(self, weight: Array, x: Array) -> Array:
        shape, groups = np.shape(x), self.groups
        lengths = self.lengths(shape)
        if min(lengths) < 1:
            raise LayerError(f"nothing is left of lengths {shape[2:]}: {lengths}")
        x = np.reshape(x, (shape[0], groups, shape[1] // groups, *shape[2:]))
        kernel = np.reshape(weight, (groups, shape[1] // groups, *np.shape(weight)[1:]))
        inside, places = _WITHIN[: self.rank], _PLACES[: self.rank]
        y = np.einsum(f"ngc{places},gcf{inside}->ngf{places}{inside}", x, kernel)
        for axis in range(self.rank):
            # the first place left and the first kernel axis left meet on the axis of the output, which goes last
            left = self.rank - axis
            reach = self._reach(axis, shape[2 + axis], lengths[axis])
            rest = "abdehijs"[: left - 1]
            own = "tuvwxyz"[: left - 1]
            done = "ABC"[:axis]
            y = np.einsum(f"ngf{'p'}{rest}{'k'}{own}{done},pkO->ngf{rest}{own}{done}O", y, reach)
        return np.reshape(y, (shape[0], self.out_channels, *lengths))

    def _reach(self, axis: int, length: int, out: int) -> Any:
        """1 where place i and kernel step k meet on step o of the output: i stride + k dilation - padding = o."""
        i = numpy.arange(length)[:, None, None] * self._each("stride")[axis]
        k = numpy.arange(self._each("kernel_size")[axis])[None, :, None] * self._each("dilation")[axis]
        return (i + k - self._each("padding")[axis] == numpy.arange(out)[None, None, :]).astype(float)

    def counterpart(self, input: Like) -> Counterpart:
        self.check_batch(input)
        if self.groups != 1:
            raise NoCounterpart(f"Keras' Conv{self.rank}DTranspose has no groups: one layer for each, and concatenate")
        strides, dilations = self._each("stride"), self._each("dilation")
        if any(n != 1 for n in dilations) and any(n != 1 for n in strides):
            raise NoCounterpart("Keras' transposed convolutions take strides or a dilation_rate, not both")
        weights = {"kernel": self.kernel_first(), **({"bias": same("bias")} if self.bias else {})}
        config = {
            "filters": self.out_channels,
            "kernel_size": list(self._each("kernel_size")),
            "strides": list(strides),
            "dilation_rate": list(dilations),
            "use_bias": False,
        }
        layer = KerasLayer(f"Conv{self.rank}DTranspose", config, {"kernel": weights["kernel"]})
        whole = self._whole(input.shape)
        widths, cuts = [[0, 0], [0, 0]], []
        for natural, pad, length in zip(whole, self._each("padding"), self.lengths(input.shape), strict=True):
            widths.append([0, max(pad + length - natural, 0)])
            cuts.append(f"{pad}:{pad + length}")
        text = f"transpose(layer(transpose(input, {to_last(self.rank)})), {to_first(self.rank)})"
        if any(end for _, end in widths):
            text = f"pad({text}, {widths}, 0.0)"
        text = f"{text}[:, :, {', '.join(cuts)}]"
        arrays = {}
        if self.bias:
            arrays["bias"] = moved(Mapped("bias").reshape(self.out_channels, *(1,) * self.rank))
            text += " + bias"
        return Counterpart(text, {"layer": layer}, arrays=arrays)

    def _whole(self, shape: Sequence[int]) -> list[int]:
        """The lengths of Keras' `valid`: as if nothing were cut off, but no shorter than strides make them."""
        each = zip(shape[2:], *(self._each(name) for name in ("stride", "dilation", "kernel_size")), strict=True)
        return [length * stride + max(dilation * (size - 1) + 1 - stride, 0) for length, stride, dilation, size in each]


class ConvTranspose1d(_ConvTranspose):
    """The gradient of Conv1d with respect to its input.

    input: (batch, in_channels, steps), or without the batch; returns (batch, out_channels, ...).
    """

    names = ("nn.ConvTranspose1d",)
    example = asked("nn.ConvTranspose1d(4, 6, 3, stride=2, padding=1, output_padding=1)", "4,5")


class ConvTranspose2d(_ConvTranspose):
    """The gradient of Conv2d with respect to its input.

    input: (batch, in_channels, height, width), or without the batch; returns (batch, out_channels, ...).
    """

    names = ("nn.ConvTranspose2d",)
    rank = 2
    example = asked("nn.ConvTranspose2d(3, 4, 3, stride=2, padding=1, output_padding=1)", "3,4,5")


class ConvTranspose3d(_ConvTranspose):
    """The gradient of Conv3d with respect to its input.

    input: (batch, in_channels, depth, height, width), or without the batch; returns (batch, out_channels, ...).
    """

    names = ("nn.ConvTranspose3d",)
    rank = 3
    example = asked("nn.ConvTranspose3d(2, 3, 2, stride=2)", "2,3,2,4")
