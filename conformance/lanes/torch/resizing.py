"""Images made larger in torch: `F.interpolate` with align_corners=False, which maps centres of pixels as Keras does.

Its bicubic has a = -3/4 and repeats the edge; with antialias=True, which blurs only where an image is made smaller, it
has a = -1/2 and leaves out what lies beyond the edge: that is the one of Keras.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from .port import Config, Parameters, Tensor, Unsupported, port
from .windows import channels_second, check_rank, in_format, per_axis


@port("UpSampling2D")
def up_sampling_2d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    check_rank(x, 2)
    given = x.dtype
    x = channels_second(x, layer.data_format)
    sizes = per_axis(layer.size, 2)
    if layer.interpolation != "nearest" and not given.is_floating_point:
        if given == torch.bool:
            raise ValueError("true and false cannot be interpolated")
        x = x.float()
    match layer.interpolation:
        case "nearest":
            y = x.repeat_interleave(sizes[0], dim=2).repeat_interleave(sizes[1], dim=3)
        case "bilinear":
            y = F.interpolate(x, scale_factor=sizes, mode="bilinear", align_corners=False)
        case "bicubic":
            y = F.interpolate(x, scale_factor=sizes, mode="bicubic", align_corners=False, antialias=True)
        case other:
            raise Unsupported(f"torch interpolates without {other}")
    if y.dtype != given:
        limits = torch.iinfo(given)
        y = y.round().clamp(limits.min, limits.max).to(given)
    return in_format(y, layer.data_format)


@port("UpSampling3D")
def up_sampling_3d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    check_rank(x, 3)
    y = channels_second(x, layer.data_format)
    for axis, times in enumerate(per_axis(layer.size, 3), start=2):
        y = y.repeat_interleave(times, dim=axis)
    return in_format(y, layer.data_format)
