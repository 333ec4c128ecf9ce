"""Depthwise and separable convolutions: `conv1d` and `conv2d` with one group for each channel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from .activations import activate
from .conv import kernel
from .port import Config, Mapped, Parameters, Tensor, WeightMap, keras, port
from .windows import channels_second, check_rank, in_format, pad, per_axis, same_padding

Convolve = Callable[..., Any]


def _depthwise(
    convolve: Convolve, rank: int, layer: Config, x: Tensor, weight: Tensor, bias: Tensor | None = None
) -> Tensor:
    """x: (batch, channels, *lengths), weight: (channels * depth_multiplier, 1, *kernel_size), the kernels of a channel
    side by side.
    """
    sizes, strides, dilations = (per_axis(v, rank) for v in (layer.kernel_size, layer.strides, layer.dilation_rate))
    if layer.padding == "same":
        x = pad(x, same_padding(x.shape[2:], sizes, strides, dilations))
    y: Tensor = convolve(x, weight, bias, stride=strides, dilation=dilations, groups=x.shape[1])
    return y


def _kernels(layer: Config, name: str, rank: int) -> Mapped:
    """Keras' (*sizes, channels, multiplier) with a row for each kernel, those of a channel side by side."""
    return keras(name).transpose(rank, rank + 1, *range(rank)).reshape(-1, 1, *per_axis(layer.kernel_size, rank))


def _depthwise_weights(rank: int) -> Callable[[Config], WeightMap]:
    return lambda layer: {"weight": _kernels(layer, "kernel", rank), "bias": keras("bias")}


def _depthwise_only(convolve: Convolve, rank: int, layer: Config, p: Parameters, x: Tensor) -> Tensor:
    check_rank(x, rank)
    y = _depthwise(convolve, rank, layer, channels_second(x, layer.data_format), p.weight, p.get("bias"))
    result: Tensor = activate(layer.activation, in_format(y, layer.data_format))
    return result


@port("DepthwiseConv1D", weights=_depthwise_weights(1), integers="floats")
def depthwise_conv_1d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return _depthwise_only(F.conv1d, 1, layer, p, x)


@port("DepthwiseConv2D", weights=_depthwise_weights(2), integers="floats")
def depthwise_conv_2d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return _depthwise_only(F.conv2d, 2, layer, p, x)


def _separable_weights(rank: int) -> Callable[[Config], WeightMap]:
    return lambda layer: {
        "depthwise.weight": _kernels(layer, "depthwise_kernel", rank),
        "pointwise.weight": kernel("pointwise_kernel", rank),
        "pointwise.bias": keras("bias"),
    }


def _separable(convolve: Convolve, rank: int, layer: Config, p: Parameters, x: Tensor) -> Tensor:
    check_rank(x, rank)
    y = _depthwise(convolve, rank, layer, channels_second(x, layer.data_format), p.within("depthwise").weight)
    pointwise = p.within("pointwise")
    y = convolve(y, pointwise.weight, pointwise.get("bias"))
    result: Tensor = activate(layer.activation, in_format(y, layer.data_format))
    return result


@port("SeparableConv1D", weights=_separable_weights(1), integers="floats")
def separable_conv_1d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return _separable(F.conv1d, 1, layer, p, x)


@port("SeparableConv2D", weights=_separable_weights(2), integers="floats")
def separable_conv_2d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return _separable(F.conv2d, 2, layer, p, x)
