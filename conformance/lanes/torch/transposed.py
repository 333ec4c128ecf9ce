"""Transposed convolution in torch: `conv_transpose` unpadded, then cut or lengthened to the lengths that Keras gives.

torch's own `padding` cuts both ends alike; for an odd number of surplus steps Keras cuts one more at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from .activations import activate
from .conv import kernel_and_bias
from .port import Config, Parameters, Tensor, port
from .windows import channels_second, check_rank, in_format, per_axis


def _length(layer: Config, steps: int, full: int, stride: int, span: int, extra: int | None) -> int:
    """How many of the `full` steps that torch gives Keras asks for. Raises ValueError where `same` cannot have it."""
    if layer.padding == "valid":
        return full + (max(stride - span, 0) if extra is None else extra)
    if extra is None:
        return steps * stride
    length = full - 2 * (span // 2) + extra
    if length <= (steps - 1) * stride:
        raise ValueError(f"output_padding={extra} gives {length} steps, too few for `same` to be transposed")
    return length


def _transposed(convolve: Callable[..., Any], rank: int, layer: Config, p: Parameters, x: Tensor) -> Tensor:
    check_rank(x, rank)
    x = channels_second(x, layer.data_format)
    sizes, strides, dilations = (per_axis(v, rank) for v in (layer.kernel_size, layer.strides, layer.dilation_rate))
    extras = (None,) * rank if layer.output_padding is None else per_axis(layer.output_padding, rank)
    y: Tensor = convolve(x, p.weight, stride=strides, dilation=dilations)
    for axis in range(rank):
        steps, full, span = x.shape[axis + 2], y.shape[axis + 2], dilations[axis] * (sizes[axis] - 1) + 1
        length = _length(layer, steps, full, strides[axis], span, extras[axis])
        if length > full:
            ends = [0] * (2 * rank)
            ends[2 * (rank - 1 - axis) + 1] = length - full
            y = F.pad(y, ends)
        else:
            y = y.narrow(axis + 2, (full - length) // 2, length)
    bias = p.get("bias")
    if bias is not None:
        y = y + bias.reshape(-1, *(1,) * rank)
    result: Tensor = activate(layer.activation, in_format(y, layer.data_format))
    return result


@port("Conv1DTranspose", weights=kernel_and_bias(1), integers="floats")
def conv_1d_transpose(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return _transposed(F.conv_transpose1d, 1, layer, p, x)


@port("Conv2DTranspose", weights=kernel_and_bias(2), integers="floats")
def conv_2d_transpose(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return _transposed(F.conv_transpose2d, 2, layer, p, x)


@port("Conv3DTranspose", weights=kernel_and_bias(3), integers="floats")
def conv_3d_transpose(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return _transposed(F.conv_transpose3d, 3, layer, p, x)
