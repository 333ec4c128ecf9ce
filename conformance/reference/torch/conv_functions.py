"""torch.nn.functional's convolutions, whose kernels are inputs."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

import autograd.numpy as np

from conformance.counterpart import Counterpart, NoCounterpart
from conformance.reference.base import Array, LayerError, Weights, arg
from conformance.reference.torch.base import Like, TorchLayer
from conformance.reference.torch.conv import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from conformance.reference.torch.windows import Pair


class _Conv(TorchLayer):
    """Cross-correlation with a kernel that is an input: (out, in / groups, *sizes)."""

    arithmetic = "linear"
    written_as_case = "its kernel has no batch"
    rank: ClassVar[int] = 1
    module: ClassVar[Any] = Conv1d
    positional: ClassVar[tuple[str, ...] | None] = ("stride", "padding", "dilation", "groups")
    stride: Pair = arg("Steps between windows.", default=1)
    padding: Literal["valid", "same"] | Pair = arg("How much is added at both ends, or `same` or `valid`.", default=0)
    dilation: Pair = arg("Steps between the elements of a window.", default=1)
    groups: int = arg("Groups of channels that do not see each other.", default=1, at_least=1)

    def made(self, weight: Any) -> Any:
        shape = np.shape(weight)
        layer = self.module(
            in_channels=int(shape[1]) * self.groups,
            out_channels=int(shape[0]),
            kernel_size=tuple(int(n) for n in shape[2:]),
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
        )
        layer.check()
        return layer

    def call(self, w: Weights, input: Array, weight: Array, bias: Any = None) -> Array:
        held = {"weight": weight, **({} if bias is None else {"bias": bias})}
        found: Array = self.made(weight).call(Weights(held), input)
        return found

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return math.prod(shapes[1][1:])

    def counterpart(self, *args: Any, **kwargs: Any) -> Counterpart:
        raise NoCounterpart("a layer of Keras holds its kernel; keras.ops.conv takes one, in Keras' layout")


class FunctionConv1d(_Conv):
    """Convolution over steps."""

    names = ("F.conv1d",)


class FunctionConv2d(_Conv):
    """Convolution over an image."""

    names = ("F.conv2d",)
    rank, module = 2, Conv2d


class FunctionConv3d(_Conv):
    """Convolution over a volume."""

    names = ("F.conv3d",)
    rank, module = 3, Conv3d


class _ConvTranspose(TorchLayer):
    """The gradient of a convolution, with a kernel that is an input: (in, out / groups, *sizes)."""

    arithmetic = "linear"
    written_as_case = "its kernel has no batch"
    module: ClassVar[Any] = ConvTranspose1d
    stride: Pair = arg("Steps between windows.", default=1)
    padding: Pair = arg("How much is cut off at both ends, less than the kernel adds.", default=0)
    output_padding: Pair = arg("How much is added at the end.", default=0)
    groups: int = arg("Groups of channels that do not see each other.", default=1, at_least=1)
    dilation: Pair = arg("Steps between the elements of a window.", default=1)

    def call(self, w: Weights, input: Array, weight: Array, bias: Any = None) -> Array:
        shape = np.shape(weight)
        layer = self.module(
            in_channels=int(shape[0]),
            out_channels=int(shape[1]) * self.groups,
            kernel_size=tuple(int(n) for n in shape[2:]),
            stride=self.stride,
            padding=self.padding,
            output_padding=self.output_padding,
            groups=self.groups,
            dilation=self.dilation,
        )
        layer.check()
        held = {"weight": weight, **({} if bias is None else {"bias": bias})}
        found: Array = layer.call(Weights(held), input)
        return found

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return math.prod(shapes[1])

    def counterpart(self, *args: Any, **kwargs: Any) -> Counterpart:
        raise NoCounterpart("a layer of Keras holds its kernel; keras.ops.conv_transpose takes one, in Keras' layout")


class FunctionConvTranspose1d(_ConvTranspose):
    """Transposed convolution over steps."""

    names = ("F.conv_transpose1d",)


class FunctionConvTranspose2d(_ConvTranspose):
    """Transposed convolution over an image."""

    names = ("F.conv_transpose2d",)
    module = ConvTranspose2d


class FunctionConvTranspose3d(_ConvTranspose):
    """Transposed convolution over a volume."""

    names = ("F.conv_transpose3d",)
    module = ConvTranspose3d


class ConvTBC(TorchLayer):
    """Cross-correlation over the first axis.

    input: (steps, batch, channels), weight: (size, channels, out), bias: (out,). Returns (steps + 2 pad - size + 1,
    batch, out).
    """

    names = ("F.conv_tbc",)
    arithmetic = "linear"
    written_as_case = "its kernel has no batch"
    pad: int = arg("Zeros at both ends.", default=0, at_least=0)

    def call(self, w: Weights, input: Array, weight: Array, bias: Array) -> Array:
        size = np.shape(weight)[0]
        x = np.pad(input, [(self.pad, self.pad), (0, 0), (0, 0)], "constant")
        count = np.shape(x)[0] - size + 1
        if count < 1:
            raise LayerError(f"a kernel of {size} does not fit into {np.shape(x)[0]} steps")
        parts = [np.einsum("tbc,co->tbo", x[step : step + count], weight[step]) for step in range(size)]
        return sum(parts[1:], parts[0]) + bias

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return math.prod(shapes[1][:-1])

    def counterpart(self, input: Like, weight: Like, bias: Like) -> Counterpart:
        raise NoCounterpart("a layer of Keras holds its kernel; Conv1D takes the batch first, and such a kernel")
