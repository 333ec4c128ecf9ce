"""Depthwise convolutions: every channel has kernels of its own, and channels are mixed afterwards or not at all.

Source: Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", 2017, section 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import autograd.numpy as np

from .activations import Activation, activate
from .base import Array, Layer, Mutant, Shape, Weight, Weights, arg
from .conv import BIAS_ALONG_THE_LAST_AXIS, TRANSPOSED_KERNEL, flip_kernel, no_bias, plus_bias, repadded
from .invariants import OF_ACTIVATION
from .traits import IMAGE, SEQUENCE, asked, composed
from .windows import (
    DataFormat,
    Placement,
    channels_last,
    check_positive,
    in_format,
    padded,
    per_axis,
    place_axes,
    split_shape,
    windows,
)

Padding = Literal["valid", "same"]
_INITIALISED = ("initializer", "regularizer", "constraint")
_SIZE_2D = "Rows and columns that a filter sees."
_STRIDES_2D = "Rows and columns from one window to the next."
_DILATION_2D = "Distance between the rows and columns that a filter sees."


def depthwise(x: Array, kernel: Array, placements: list[Placement]) -> Array:
    """Convolves each channel with its own kernels.

    x: (batch, *lengths, channels), kernel: (*sizes, channels, multiplier). Returns (batch, *counts,
    channels * multiplier); channel c and kernel m make output channel c * multiplier + m.
    """
    rank, (channels, multiplier) = len(placements), kernel.shape[-2:]
    patches = windows(padded(x, placements), placements)
    taps = math.prod(kernel.shape[:rank])
    seen = np.reshape(patches, (len(patches), math.prod(patches.shape[1 : rank + 1]), taps, channels))
    y = np.einsum("btkc,kcm->btcm", seen, np.reshape(kernel, (taps, channels, multiplier)))
    return np.reshape(y, (*patches.shape[: rank + 1], channels * multiplier))


class _Depthwise(Layer):
    """What depthwise and separable convolutions share; `rank` is the number of axes that the kernels slide over.

    Strides and dilation may be combined here.
    """

    initializers: ClassVar[Mapping[str, str]] = {
        "kernel": "depthwise_initializer",  # the only kernel of a depthwise convolution
        "depthwise_kernel": "depthwise_initializer",
        "pointwise_kernel": "pointwise_initializer",
    }
    arithmetic = "linear"

    rank: ClassVar[int]

    kernel_size: Any = arg("Steps that a filter sees.")
    strides: Any = arg("Steps from one window to the next.", default=1)
    padding: Padding = arg(
        "`valid`: only whole windows; `same`: zeros around, ceil(length / strides) windows.", default="valid"
    )
    depth_multiplier: int = arg("Kernels for each channel.", default=1, at_least=1)
    data_format: DataFormat = arg("Which axis holds the channels.", default="channels_last")
    dilation_rate: Any = arg("Distance between the steps that a filter sees.", default=1)
    invariants = OF_ACTIVATION
    activation: Activation = arg("Applied to the output.", default=None)
    use_bias: bool = arg("Whether a number per channel of the output is added.", default=True)

    def check(self) -> None:
        check_positive(
            self.rank,
            kernel_size=self.kernel_size,
            strides=self.strides,
            dilation_rate=self.dilation_rate,
            depth_multiplier=self.depth_multiplier,
        )

    def windows_on(self, shape: Shape) -> tuple[Mapping[str, int], ...]:
        return tuple(placement.numbers for placement in self.place(shape))

    def place(self, shape: Shape) -> list[Placement]:
        """The windows on each spatial axis of an input of this shape."""
        sizes, strides, dilations = (
            per_axis(value, self.rank) for value in (self.kernel_size, self.strides, self.dilation_rate)
        )
        return place_axes(shape, self.data_format, sizes, strides, dilations, self.padding)

    def kernel(self, shape: Shape) -> Weight:
        """The kernels of the channels: (*kernel_size, channels, depth_multiplier)."""
        channels = split_shape(shape, self.rank, self.data_format)[1]
        return Weight((*per_axis(self.kernel_size, self.rank), channels, self.depth_multiplier))

    def finished(self, w: Weights, y: Array) -> Array:
        """Bias, layout and activation, which are the same everywhere."""
        return activate(self.activation, in_format(self.plus_bias(w, y), self.data_format))

    plus_bias = plus_bias

    def rule(self, shape: Shape) -> str:
        return "; then ".join(placement.rule for placement in self.place(shape))


def _multiplier_first(layer: _Depthwise, channels: int) -> Array:
    """Where each output channel goes when kernels are counted before channels."""
    return np.arange(channels * layer.depth_multiplier).reshape(channels, layer.depth_multiplier).T.reshape(-1)


def _deal_output(layer: Any, output: Array, args: list[Any]) -> Array:
    order = _multiplier_first(layer, split_shape(args[0].shape, layer.rank, layer.data_format)[1])
    return output[..., order] if layer.data_format == "channels_last" else output[:, order]


_MUTANTS = (
    Mutant(
        "odd_padding_left",
        "puts the odd step of `same` padding on the left",
        **repadded("same", lambda p: (p.right, p.left)),
    ),
    Mutant("no_bias", "leaves the bias out", weights=no_bias),
    BIAS_ALONG_THE_LAST_AXIS,
    Mutant("no_activation", "leaves the activation out", config=lambda layer: {"activation": None}),
    Mutant(
        "no_dilation", "reads neighbouring steps where the kernel is dilated", config=lambda layer: {"dilation_rate": 1}
    ),
)


class _DepthwiseConv(_Depthwise):
    keras_only: ClassVar[tuple[str, ...]] = (
        *(f"{weight}_{kind}" for weight in ("depthwise", "bias") for kind in _INITIALISED),
    )

    def weights(self, shape: Shape) -> Mapping[str, Weight]:
        kernel = self.kernel(shape)
        bias = Weight((kernel.shape[-2] * kernel.shape[-1],), "bias")
        return {"kernel": kernel, "bias": bias} if self.use_bias else {"kernel": kernel}

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return math.prod(weights["kernel"].shape[:-2])

    def call(self, w: Weights, x: Array) -> Array:
        y = depthwise(channels_last(x, self.data_format), w.kernel, self.place(x.shape))
        return self.finished(w, y)


_DEPTHWISE_MUTANTS = (
    *_MUTANTS,
    Mutant("flipped_kernel", "flips the kernel, as a convolution in mathematics does", weights=flip_kernel),
    Mutant("multiplier_first", "counts kernels before channels in the output", output=_deal_output),
)


class DepthwiseConv1D(_DepthwiseConv):
    """Convolution over steps that keeps the channels apart.

    x: (batch, steps, channels), or (batch, channels, steps) for `channels_first`. Returns
    (batch, windows, channels * depth_multiplier), channel c's kernels side by side.
    kernel: (kernel_size, channels, depth_multiplier), bias: (channels * depth_multiplier,).
    """

    input_axis_names = SEQUENCE
    native = composed("nn.Conv1d(channels, channels * depth_multiplier, kernel_size, groups=channels)(x)")
    also_modules = ("Conv1d",)
    layout = "depthwise"
    example = asked("DepthwiseConv1D(3)", "5,2")
    as_grouped = "Conv1D"

    rank: ClassVar[int] = 1

    kernel_size: int | tuple[int] = arg("Steps that a filter sees.", at_least=1)
    strides: int | tuple[int] = arg("Steps from one window to the next.", default=1, at_least=1)
    dilation_rate: int | tuple[int] = arg("Distance between the steps that a filter sees.", default=1, at_least=1)

    mutants = _DEPTHWISE_MUTANTS


class DepthwiseConv2D(_DepthwiseConv):
    """Convolution over rows and columns that keeps the channels apart.

    x: (batch, rows, columns, channels), or (batch, channels, rows, columns) for `channels_first`. Returns
    (batch, window rows, window columns, channels * depth_multiplier), channel c's kernels side by side.
    kernel: (kernel rows, kernel columns, channels, depth_multiplier), bias: (channels * depth_multiplier,).
    """

    input_axis_names = IMAGE
    native = composed("nn.Conv2d(channels, channels * depth_multiplier, kernel_size, groups=channels)(x)")
    also_modules = ("Conv2d",)
    layout = "depthwise"
    example = asked("DepthwiseConv2D(3)", "5,7,2")
    as_grouped = "Conv2D"

    rank: ClassVar[int] = 2

    kernel_size: int | tuple[int, int] = arg(_SIZE_2D, at_least=1)
    strides: int | tuple[int, int] = arg(_STRIDES_2D, default=1, at_least=1)
    dilation_rate: int | tuple[int, int] = arg(_DILATION_2D, default=1, at_least=1)

    mutants = (*_DEPTHWISE_MUTANTS, TRANSPOSED_KERNEL)


class _SeparableConv(_Depthwise):
    positional = ("filters", "kernel_size")

    keras_only: ClassVar[tuple[str, ...]] = (
        *(f"{weight}_{kind}" for weight in ("depthwise", "pointwise", "bias") for kind in _INITIALISED),
    )

    filters: int = arg("Number of filters: channels of the output.", at_least=1)

    def check(self) -> None:
        super().check()
        check_positive(1, filters=self.filters)

    def weights(self, shape: Shape) -> Mapping[str, Weight]:
        kernel = self.kernel(shape)
        mixed = kernel.shape[-2] * kernel.shape[-1]
        kernels = {
            "depthwise_kernel": kernel,
            "pointwise_kernel": Weight((1,) * self.rank + (mixed, self.filters)),
        }
        return {**kernels, "bias": Weight((self.filters,), "bias")} if self.use_bias else kernels

    def call(self, w: Weights, x: Array) -> Array:
        y = depthwise(channels_last(x, self.data_format), w.depthwise_kernel, self.place(x.shape))
        return self.finished(w, y @ np.reshape(w.pointwise_kernel, (-1, self.filters)))


_SEPARABLE_MUTANTS = (
    *_MUTANTS,
    Mutant(
        "flipped_kernel",
        "flips the depthwise kernel, as a convolution in mathematics does",
        weights=lambda layer, weights: {
            "depthwise_kernel": np.flip(weights["depthwise_kernel"], axis=tuple(range(layer.rank)))
        },
    ),
    Mutant(
        "multiplier_first",
        "counts kernels before channels between the two convolutions",
        weights=lambda layer, weights: {
            "pointwise_kernel": weights["pointwise_kernel"][
                ..., _multiplier_first(layer, weights["depthwise_kernel"].shape[-2]), :
            ]
        },
    ),
)


class SeparableConv1D(_SeparableConv):
    """A depthwise convolution, then a mixing of its channels step by step; one bias, at the end.

    x: (batch, steps, channels), or (batch, channels, steps) for `channels_first`. Returns (batch, windows, filters).
    depthwise_kernel: (kernel_size, channels, depth_multiplier), pointwise_kernel: (1, channels * depth_multiplier,
    filters), bias: (filters,).
    """

    input_axis_names = SEQUENCE
    native = composed("nn.Conv1d(between, filters, 1)(nn.Conv1d(channels, between, kernel_size, groups=channels)(x))")
    example = asked("SeparableConv1D(7, 3)", "5,2")

    rank: ClassVar[int] = 1

    kernel_size: int | tuple[int] = arg("Steps that a filter sees.", at_least=1)
    strides: int | tuple[int] = arg("Steps from one window to the next.", default=1, at_least=1)
    dilation_rate: int | tuple[int] = arg("Distance between the steps that a filter sees.", default=1, at_least=1)

    mutants = _SEPARABLE_MUTANTS


class SeparableConv2D(_SeparableConv):
    """A depthwise convolution of an image, then a mixing of its channels pixel by pixel; one bias, at the end.

    x: (batch, rows, columns, channels), or (batch, channels, rows, columns) for `channels_first`. Returns
    (batch, window rows, window columns, filters). depthwise_kernel: (kernel rows, kernel columns, channels,
    depth_multiplier), pointwise_kernel: (1, 1, channels * depth_multiplier, filters), bias: (filters,).
    """

    input_axis_names = IMAGE
    native = composed("nn.Conv2d(between, filters, 1)(nn.Conv2d(channels, between, kernel_size, groups=channels)(x))")
    example = asked("SeparableConv2D(7, 3)", "5,7,2")

    rank: ClassVar[int] = 2

    kernel_size: int | tuple[int, int] = arg(_SIZE_2D, at_least=1)
    strides: int | tuple[int, int] = arg(_STRIDES_2D, default=1, at_least=1)
    dilation_rate: int | tuple[int, int] = arg(_DILATION_2D, default=1, at_least=1)

    mutants = (*_SEPARABLE_MUTANTS, TRANSPOSED_KERNEL)
