"""Depthwise and separable convolution over steps: `conv1d` with one group for each channel."""

from __future__ import annotations

import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from .activations import activate
from .port import Config, Mapped, Parameters, Tensor, WeightMap, keras, port
from .windows import channels_second, check_rank, in_format, pad, same_padding, spread


def _depthwise(layer: Config, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """weight: (channels * depth_multiplier, 1, kernel_size), the kernels of a channel side by side."""
    sizes, strides, dilations = (spread(v, 1) for v in (layer.kernel_size, layer.strides, layer.dilation_rate))
    if layer.padding == "same":
        x = pad(x, same_padding(x.shape[2:], sizes, strides, dilations))
    return F.conv1d(x, weight, bias, stride=strides, dilation=dilations, groups=x.shape[1])


def _depthwise_weights(layer: Config) -> WeightMap:
    return {"weight": _kernels(layer, "kernel"), "bias": keras("bias")}


def _kernels(layer: Config, name: str) -> Mapped:
    return keras(name).transpose(1, 2, 0).reshape(-1, 1, spread(layer.kernel_size, 1)[0])


@port("DepthwiseConv1D", weights=_depthwise_weights)
def depthwise_conv_1d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    check_rank(x, 1)
    y = _depthwise(layer, channels_second(x, layer.data_format), p.weight, p.get("bias"))
    return activate(layer.activation, in_format(y, layer.data_format))


def _separable_weights(layer: Config) -> WeightMap:
    return {
        "depthwise.weight": _kernels(layer, "depthwise_kernel"),
        "pointwise.weight": keras("pointwise_kernel").transpose(2, 1, 0),
        "pointwise.bias": keras("bias"),
    }


@port("SeparableConv1D", weights=_separable_weights)
def separable_conv_1d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    check_rank(x, 1)
    y = _depthwise(layer, channels_second(x, layer.data_format), p.within("depthwise").weight, None)
    pointwise = p.within("pointwise")
    y = F.conv1d(y, pointwise.weight, pointwise.get("bias"))
    return activate(layer.activation, in_format(y, layer.data_format))
