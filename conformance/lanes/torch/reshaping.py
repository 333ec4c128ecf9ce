"""Flatten, Reshape, Permute, RepeatVector, ZeroPadding1D, Cropping1D and UpSampling1D in torch."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from .port import Config, Parameters, Tensor, port


def _both_sides(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


def _check_rank(x: Tensor, rank: int) -> None:
    if x.ndim != rank:
        raise ValueError(f"an input with {rank} axes is needed, not the shape {tuple(x.shape)}")


@port("Flatten")
def flatten(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    if x.ndim == 1:
        return x.unsqueeze(1)
    if layer.data_format == "channels_first":
        x = x.movedim(1, -1)
    return torch.flatten(x, start_dim=1)


@port("Reshape")
def reshape(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return x.reshape(x.shape[0], *layer.target_shape)


@port("Permute")
def permute(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return x.permute(0, *layer.dims)


@port("RepeatVector")
def repeat_vector(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    _check_rank(x, 2)
    return x.unsqueeze(1).repeat(1, layer.n, 1)


@port("ZeroPadding1D")
def zero_padding_1d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    """`F.pad` counts axes from the last one."""
    _check_rank(x, 3)
    sides = _both_sides(layer.padding)
    return F.pad(x, sides if layer.data_format == "channels_first" else (0, 0, *sides))


@port("Cropping1D")
def cropping_1d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    """`narrow` raises where nothing would be left; a slice would give an empty tensor."""
    _check_rank(x, 3)
    left, right = _both_sides(layer.cropping)
    if left + right == x.shape[1]:
        raise ValueError(f"cropping {left} + {right} leaves nothing of {x.shape[1]} steps")
    return x.narrow(1, left, x.shape[1] - left - right)


@port("UpSampling1D")
def up_sampling_1d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    _check_rank(x, 3)
    return x.repeat_interleave(layer.size, dim=1)
