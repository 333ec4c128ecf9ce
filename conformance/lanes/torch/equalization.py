"""Equalization in torch, which has no such layer: counts of values, added up, and looked up again."""

from __future__ import annotations

import torch

from .image_sizes import as_batch, as_given
from .port import Config, Parameters, Tensor, port


@port("Equalization")
def equalization(layer: Config, p: Parameters, x: Tensor, training: bool = True) -> Tensor:
    images = as_batch(x, layer.data_format).to(torch.get_default_dtype() if not x.is_floating_point() else x.dtype)
    first, last = layer.value_range
    bytes_ = (images - first) * (255.0 / (last - first))
    channels = [_spread(layer.bins, channel) for image in bytes_ for channel in image]
    spread = torch.stack(channels).reshape(bytes_.shape) if channels else bytes_
    return as_given(spread * ((last - first) / 255.0) + first, x.ndim, layer.data_format)


def _spread(bins: int, values: Tensor) -> Tensor:
    places = (values * ((bins - 1) / 255.0)).floor().clamp(0, bins - 1).long()
    up_to = torch.bincount(places.flatten(), minlength=bins).cumsum(0)
    lowest = up_to[up_to > 0][0]
    if lowest == up_to[-1]:
        return values
    table = (255.0 * (up_to - lowest) / (up_to[-1] - lowest)).round().to(values.dtype)
    return table[places]
