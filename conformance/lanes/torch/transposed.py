"""Transposed convolution in torch: `conv_transpose1d` unpadded, then cut or lengthened to the length that Keras gives.

torch's own `padding` cuts both ends alike; for an odd number of surplus steps Keras cuts one more at the end.
"""

from __future__ import annotations

import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from .activations import activate
from .port import Config, Parameters, Tensor, WeightMap, keras, port
from .windows import channels_second, check_rank, in_format, spread


def _weights(layer: Config) -> WeightMap:
    return {"weight": keras("kernel").transpose(2, 1, 0), "bias": keras("bias")}


@port("Conv1DTranspose", weights=_weights)
def conv_1d_transpose(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    check_rank(x, 1)
    x = channels_second(x, layer.data_format)
    size, stride, dilation = (spread(v, 1)[0] for v in (layer.kernel_size, layer.strides, layer.dilation_rate))
    span = dilation * (size - 1) + 1
    y = F.conv_transpose1d(x, p.weight, stride=stride, dilation=dilation)
    extra = None if layer.output_padding is None else spread(layer.output_padding, 1)[0]
    if layer.padding == "valid":
        length = y.shape[2] + (max(stride - span, 0) if extra is None else extra)
    elif extra is None:
        length = x.shape[2] * stride
    else:
        length = y.shape[2] - 2 * (span // 2) + extra
        if length <= (x.shape[2] - 1) * stride:
            raise ValueError(f"output_padding={extra} gives {length} steps, too few for `same` to be transposed")
    surplus = y.shape[2] - length
    first = max(surplus, 0) // 2
    y = F.pad(y, (0, max(-surplus, 0)))[:, :, first : first + length]
    bias = p.get("bias")
    if bias is not None:
        y = y + bias[:, None]
    return activate(layer.activation, in_format(y, layer.data_format))
