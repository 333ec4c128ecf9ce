"""torch's own convolutions and pools, in torch's layout; `same` as far as torch has it."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it
from torch import nn
from torch.func import functional_call

from conformance.lanes.torch.native import native, refuse
from conformance.lanes.torch.native.core import activate
from conformance.lanes.torch.port import Parameters, Tensor, Unsupported
from conformance.lanes.torch.windows import channels_second, check_rank, in_format, per_axis


def _convolution(module: Any, rank: int) -> Any:
    def convolve(layer: Any, p: Parameters, x: Tensor) -> Tensor:
        """torch raises for `same` with a stride; it has no `causal`."""
        if layer.padding == "causal":
            instead = "F.pad(x, (dilation * (kernel_size - 1), 0))"
            raise Unsupported(f"nn.{module.__name__} has no padding='causal': {instead}")
        check_rank(x, rank)
        x = channels_second(x, layer.data_format)
        made = module(
            x.shape[1],
            layer.filters,
            layer.kernel_size,
            stride=layer.strides,
            padding=layer.padding,
            dilation=layer.dilation_rate,
            groups=layer.groups,
            bias=layer.use_bias,
            device="meta",
        )
        y = functional_call(made, dict(p.tensors), (x,))
        return activate(layer.activation, in_format(y, layer.data_format))

    return convolve


def _transposed(function: str, name: str, rank: int) -> Any:
    def convolve(layer: Any, p: Parameters, x: Tensor) -> Tensor:
        """torch's padding cuts both ends alike, and it has no `same`."""
        refuse(layer, name, "cut what padding=0 gives to steps * stride", padding="valid")
        check_rank(x, rank)
        x = channels_second(x, layer.data_format)
        extra = {} if layer.output_padding is None else {"output_padding": layer.output_padding}
        options = {"stride": layer.strides, "dilation": layer.dilation_rate, **extra}
        y = getattr(F, function)(x, p.weight, p.get("bias"), **options)
        return activate(layer.activation, in_format(y, layer.data_format))

    return convolve


def _pool(function: str, name: str, rank: int) -> Any:
    def pool(layer: Any, p: Parameters, x: Tensor) -> Tensor:
        refuse(layer, name, "F.pad before, of maxima with value=-inf", padding="valid")
        check_rank(x, rank)
        y = getattr(F, function)(channels_second(x, layer.data_format), per_axis(layer.pool_size, rank), layer.strides)
        return in_format(y, layer.data_format)

    return pool


def _over_all(function: str, rank: int) -> Any:
    def pool(layer: Any, p: Parameters, x: Tensor) -> Tensor:
        """`AdaptiveAvgPool(1)` and its siblings, with the axes of length 1 taken away as users take them."""
        check_rank(x, rank)
        y = getattr(F, function)(channels_second(x, layer.data_format), 1)
        found: Tensor = in_format(y, layer.data_format) if layer.keepdims else y.flatten(1)
        return found

    return pool


native("Conv1D")(_convolution(nn.Conv1d, 1))
native("Conv2D")(_convolution(nn.Conv2d, 2))
native("Conv3D")(_convolution(nn.Conv3d, 3))
native("Conv1DTranspose")(_transposed("conv_transpose1d", "nn.ConvTranspose1d", 1))
native("Conv2DTranspose")(_transposed("conv_transpose2d", "nn.ConvTranspose2d", 2))
native("Conv3DTranspose")(_transposed("conv_transpose3d", "nn.ConvTranspose3d", 3))
native("MaxPooling3D")(_pool("max_pool3d", "nn.MaxPool3d", 3))
native("AveragePooling3D")(_pool("avg_pool3d", "nn.AvgPool3d", 3))
native("GlobalAveragePooling3D")(_over_all("adaptive_avg_pool3d", 3))
native("GlobalMaxPooling3D")(_over_all("adaptive_max_pool3d", 3))
native("MaxPooling1D")(_pool("max_pool1d", "nn.MaxPool1d", 1))
native("MaxPooling2D")(_pool("max_pool2d", "nn.MaxPool2d", 2))
native("AveragePooling1D")(_pool("avg_pool1d", "nn.AvgPool1d", 1))
native("AveragePooling2D")(_pool("avg_pool2d", "nn.AvgPool2d", 2))
native("GlobalAveragePooling1D")(_over_all("adaptive_avg_pool1d", 1))
native("GlobalAveragePooling2D")(_over_all("adaptive_avg_pool2d", 2))
native("GlobalMaxPooling1D")(_over_all("adaptive_max_pool1d", 1))
native("GlobalMaxPooling2D")(_over_all("adaptive_max_pool2d", 2))
