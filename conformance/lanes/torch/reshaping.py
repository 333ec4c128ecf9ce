"""Flatten, Reshape, Permute, RepeatVector and UpSampling1D in torch."""

from __future__ import annotations

import torch

from .port import Config, Parameters, Tensor, port


def check_axes(x: Tensor, rank: int) -> None:
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
    check_axes(x, 2)
    return x.unsqueeze(1).repeat(1, layer.n, 1)


@port("UpSampling1D")
def up_sampling_1d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    check_axes(x, 3)
    return x.repeat_interleave(layer.size, dim=1)
