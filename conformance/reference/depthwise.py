"""Depthwise convolutions: every channel has kernels of its own, and channels are mixed afterwards or not at all.

Source: Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", 2017, section 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import autograd.numpy as np

from .activations import Activation, activate
from .base import Array, Layer, Mutant, Shape, Weight, Weights, arg
from .conv import flip_kernel, no_bias, repadded
from .windows import (
    DataFormat,
    Placement,
    channels_last,
    check_positive,
    in_format,
    padded,
    place_axes,
    split_shape,
    spread,
    windows,
)

Padding = Literal["valid", "same"]
_INITIALISED = ("initializer", "regularizer", "constraint")


def depthwise(x: Array, kernel: Array, placements: list[Placement]) -> Array:
    """Convolves each channel with its own kernels.

    x: (batch, steps, channels), kernel: (size, channels, multiplier). Returns (batch, windows, channels * multiplier);
    channel c and kernel m make output channel c * multiplier + m.
    """
    y = np.einsum("btkc,kcm->btcm", windows(padded(x, placements), placements), kernel)
    return np.reshape(y, (*y.shape[:2], -1))


class _Depthwise(Layer):
    """What depthwise and separable convolution over steps share. Strides and dilation may be combined here."""

    rank: ClassVar[int] = 1

    kernel_size: int | tuple[int] = arg("Steps that a filter sees.", at_least=1)
    strides: int | tuple[int] = arg("Steps from one window to the next.", default=1, at_least=1)
    padding: Padding = arg(
        "`valid`: only whole windows; `same`: zeros around, ceil(steps / strides) windows.", default="valid"
    )
    depth_multiplier: int = arg("Kernels for each channel.", default=1, at_least=1)
    data_format: DataFormat = arg("Which axis holds the channels.", default="channels_last")
    dilation_rate: int | tuple[int] = arg("Distance between the steps that a filter sees.", default=1, at_least=1)
    activation: Activation = arg("Applied to the output.", default=None)
    use_bias: bool = arg("Whether a number per channel of the output is added.", default=True)

    def check(self) -> None:
        check_positive(
            1,
            kernel_size=self.kernel_size,
            strides=self.strides,
            dilation_rate=self.dilation_rate,
            depth_multiplier=self.depth_multiplier,
        )

    def place(self, shape: Shape) -> list[Placement]:
        """The windows on the axis of steps."""
        sizes, strides, dilations = (spread(v, 1) for v in (self.kernel_size, self.strides, self.dilation_rate))
        return place_axes(shape, self.data_format, sizes, strides, dilations, self.padding)

    def kernel(self, shape: Shape) -> Weight:
        """The kernels of the channels: (kernel_size, channels, depth_multiplier)."""
        channels = split_shape(shape, 1, self.data_format)[1]
        return Weight((*spread(self.kernel_size, 1), channels, self.depth_multiplier))

    def finished(self, w: Weights, y: Array) -> Array:
        """Bias, layout and activation, which are the same everywhere."""
        return activate(self.activation, in_format(y + w.bias if self.use_bias else y, self.data_format))

    def rule(self, shape: Shape) -> str:
        return self.place(shape)[0].rule


def _multiplier_first(layer: _Depthwise, channels: int) -> Array:
    """Where each output channel goes when kernels are counted before channels."""
    return np.arange(channels * layer.depth_multiplier).reshape(channels, layer.depth_multiplier).T.reshape(-1)


def _deal_output(layer: Any, output: Array, args: list[Any]) -> Array:
    order = _multiplier_first(layer, split_shape(args[0].shape, 1, layer.data_format)[1])
    return output[..., order] if layer.data_format == "channels_last" else output[:, order]


_PADS = Mutant(
    "odd_padding_left",
    "puts the odd step of `same` padding on the left",
    **repadded("same", lambda p: (p.right, p.left)),
)
_NO_BIAS = Mutant("no_bias", "leaves the bias out", weights=no_bias)
_NO_ACTIVATION = Mutant("no_activation", "leaves the activation out", config=lambda layer: {"activation": None})
_NO_DILATION = Mutant(
    "no_dilation", "reads neighbouring steps where the kernel is dilated", config=lambda layer: {"dilation_rate": 1}
)


class DepthwiseConv1D(_Depthwise):
    """Convolution over steps that keeps the channels apart.

    x: (batch, steps, channels), or (batch, channels, steps) for `channels_first`. Returns
    (batch, windows, channels * depth_multiplier), channel c's kernels side by side.
    kernel: (kernel_size, channels, depth_multiplier), bias: (channels * depth_multiplier,).
    """

    keras_only: ClassVar[tuple[str, ...]] = (
        *(f"{weight}_{kind}" for weight in ("depthwise", "bias") for kind in _INITIALISED),
        "activity_regularizer",
    )

    def weights(self, shape: Shape) -> Mapping[str, Weight]:
        kernel = self.kernel(shape)
        bias = Weight((kernel.shape[1] * kernel.shape[2],), "bias")
        return {"kernel": kernel, "bias": bias} if self.use_bias else {"kernel": kernel}

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return weights["kernel"].shape[0]

    def call(self, w: Weights, x: Array) -> Array:
        y = depthwise(channels_last(x, self.data_format), w.kernel, self.place(x.shape))
        return self.finished(w, y)

    mutants = (
        _PADS,
        _NO_BIAS,
        _NO_ACTIVATION,
        _NO_DILATION,
        Mutant("flipped_kernel", "flips the kernel, as a convolution in mathematics does", weights=flip_kernel),
        Mutant("multiplier_first", "counts kernels before channels in the output", output=_deal_output),
    )


class SeparableConv1D(_Depthwise):
    """A depthwise convolution, then a mixing of its channels step by step; one bias, at the end.

    x: (batch, steps, channels), or (batch, channels, steps) for `channels_first`. Returns (batch, windows, filters).
    depthwise_kernel: (kernel_size, channels, depth_multiplier), pointwise_kernel: (1, channels * depth_multiplier,
    filters), bias: (filters,).
    """

    keras_only: ClassVar[tuple[str, ...]] = (
        *(f"{weight}_{kind}" for weight in ("depthwise", "pointwise", "bias") for kind in _INITIALISED),
        "activity_regularizer",
    )

    filters: int = arg("Number of filters: channels of the output.", at_least=1)

    def check(self) -> None:
        super().check()
        check_positive(1, filters=self.filters)

    def weights(self, shape: Shape) -> Mapping[str, Weight]:
        kernel = self.kernel(shape)
        kernels = {
            "depthwise_kernel": kernel,
            "pointwise_kernel": Weight((1, kernel.shape[1] * kernel.shape[2], self.filters)),
        }
        return {**kernels, "bias": Weight((self.filters,), "bias")} if self.use_bias else kernels

    def call(self, w: Weights, x: Array) -> Array:
        y = depthwise(channels_last(x, self.data_format), w.depthwise_kernel, self.place(x.shape))
        return self.finished(w, y @ w.pointwise_kernel[0])

    mutants = (
        _PADS,
        _NO_BIAS,
        _NO_ACTIVATION,
        _NO_DILATION,
        Mutant(
            "flipped_kernel",
            "flips the depthwise kernel, as a convolution in mathematics does",
            weights=lambda layer, weights: {"depthwise_kernel": np.flip(weights["depthwise_kernel"], axis=0)},
        ),
        Mutant(
            "multiplier_first",
            "counts kernels before channels between the two convolutions",
            weights=lambda layer, weights: {
                "pointwise_kernel": weights["pointwise_kernel"][
                    :, _multiplier_first(layer, weights["depthwise_kernel"].shape[1])
                ]
            },
        ),
    )
