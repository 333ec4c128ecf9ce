"""ReLU, LeakyReLU, ELU, PReLU and Softmax in torch."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from .port import Config, Parameters, Tensor, keep, keras, port


@port("ReLU", mask=keep, integers="there and back")
def relu(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    """`F.threshold` keeps what is above the threshold; torch has no function for the slope below one."""
    y = F.threshold(x, layer.threshold, 0.0)
    if layer.max_value is not None:
        y = y.clamp(max=layer.max_value)
    if layer.negative_slope:
        y = y - layer.negative_slope * F.relu(layer.threshold - x)
    return y


@port("LeakyReLU", mask=keep, integers="floats")
def leaky_relu(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return F.leaky_relu(x, layer.negative_slope)


@port("ELU", mask=keep, integers="floats")
def elu(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return F.elu(x, layer.alpha)


@port("PReLU", weights=lambda layer: {"weight": keras("alpha")}, mask=keep, integers="floats")
def prelu(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    """`F.prelu` takes one slope a channel at most: other shapes are composed."""
    slopes = p.weight
    if slopes.ndim and all(size == 1 for size in slopes.shape[:-1]):
        return F.prelu(x.movedim(-1, 1), slopes.reshape(-1)).movedim(1, -1)
    return torch.where(x > 0, x, slopes * x)


@port("Softmax", mask=keep, integers="floats")
def softmax(layer: Config, p: Parameters, x: Tensor, mask: Tensor | None = None) -> Tensor:
    """Left-out scores become minus infinity, but for slices of nothing else, which would be NaN; then they become 0."""
    axes = (layer.axis,) if isinstance(layer.axis, int) else layer.axis
    if mask is None:
        return _softmax(x, axes)
    kept = (mask if mask.dtype == torch.bool else mask > 0.5).expand(x.shape)
    is_empty = kept.to(x.dtype).amax(dim=axes, keepdim=True) == 0
    return _softmax(x.masked_fill(~kept & ~is_empty, -torch.inf), axes).masked_fill(~kept, 0.0)


def _softmax(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """torch.softmax takes one axis; several are made one, last, and put back."""
    last = tuple(range(-len(axes), 0))
    moved = x.movedim(axes, last)
    return torch.softmax(moved.flatten(-len(axes)), dim=-1).reshape(moved.shape).movedim(last, axes)
