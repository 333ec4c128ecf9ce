"""What convolutions and pools share in torch: its layout, one number per axis, and the padding that torch lacks.

torch pads both sides alike; TensorFlow's `same` needs as little as possible, which for an odd total is one step more at
the end (https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2). That is padded by hand.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from .port import Tensor


def per_axis(value: int | Sequence[int], rank: int) -> tuple[int, ...]:
    """One number for all spatial axes, or one for each."""
    return (value,) * rank if isinstance(value, int) else tuple(value)


def channels_second(x: Tensor, data_format: str) -> Tensor:
    """x in torch's layout, (batch, channels, *lengths)."""
    return x if data_format == "channels_first" else x.movedim(-1, 1)


def in_format(x: Tensor, data_format: str) -> Tensor:
    """x from torch's layout in the one that the layer was asked for."""
    return x if data_format == "channels_first" else x.movedim(1, -1)


def same_padding(
    lengths: Sequence[int], sizes: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> list[tuple[int, int]]:
    """Steps to add before and after each axis, so that ceil(length / stride) windows fit."""
    pads = []
    for length, size, stride, dilation in zip(lengths, sizes, strides, dilations, strict=True):
        last_start = ((length - 1) // stride) * stride
        total = max(last_start + dilation * (size - 1) + 1 - length, 0)
        pads.append((total // 2, total - total // 2))
    return pads


def pad(x: Tensor, pads: Sequence[tuple[int, int]], value: float = 0.0) -> Tensor:
    """x (batch, channels, *lengths) with these steps added before and after each spatial axis."""
    flat = [steps for before_after in reversed(pads) for steps in before_after]
    return F.pad(x, flat, value=value) if any(flat) else x


def check_rank(x: Tensor, rank: int) -> None:
    """Raises ValueError where x has not `rank` axes beside batch and channels: torch would take it as a lone sample."""
    if x.dim() != rank + 2:
        raise ValueError(f"needs an input of rank {rank + 2}, got shape {tuple(x.shape)}")
