"""Convolutions in torch: `torch.nn.Conv1d`, `Conv2d` and `Conv3d`, with the paddings that they lack made by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from .activations import activate
from .port import Config, Mapped, Parameters, Tensor, WeightMap, keras, port
from .windows import channels_second, check_rank, in_format, pad, per_axis, same_padding


def kernel(name: str, rank: int) -> Mapped:
    """Keras' (*sizes, a, b) in torch's order (b, a, *sizes)."""
    return keras(name).transpose(rank + 1, rank, *range(rank))


def kernel_and_bias(rank: int) -> Callable[[Config], WeightMap]:
    """The weight map of a convolution over `rank` axes, transposed ones included."""
    return lambda layer: {"weight": kernel("kernel", rank), "bias": keras("bias")}


def _convolve(module: Any, rank: int, layer: Config, p: Parameters, x: Tensor) -> Tensor:
    """Runs `nn.Conv{rank}d`: its own `same` where the stride is 1, padding by hand where it has none."""
    check_rank(x, rank)
    x = channels_second(x, layer.data_format)
    sizes, strides, dilations = (per_axis(v, rank) for v in (layer.kernel_size, layer.strides, layer.dilation_rate))
    padding: Any = 0
    if layer.padding == "causal":
        x = pad(x, [(dilations[0] * (sizes[0] - 1), 0)])
    elif layer.padding == "same" and max(strides) == 1:
        padding = "same"
    elif layer.padding == "same":
        x = pad(x, same_padding(x.shape[2:], sizes, strides, dilations))
    convolution = module(
        x.shape[1],
        layer.filters,
        sizes,
        stride=strides,
        padding=padding,
        dilation=dilations,
        groups=layer.groups,
        bias=layer.use_bias,
        device="meta",
    )
    y: Tensor = torch.func.functional_call(convolution, dict(p.tensors), (x,))
    result: Tensor = activate(layer.activation, in_format(y, layer.data_format))
    return result


@port("Conv1D", weights=kernel_and_bias(1), integers="floats")
def conv_1d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return _convolve(nn.Conv1d, 1, layer, p, x)


@port("Conv2D", weights=kernel_and_bias(2), integers="floats")
def conv_2d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return _convolve(nn.Conv2d, 2, layer, p, x)


@port("Conv3D", weights=kernel_and_bias(3), integers="floats")
def conv_3d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return _convolve(nn.Conv3d, 3, layer, p, x)
