"""ReLU, LeakyReLU, ELU, PReLU and Softmax in torch."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from .port import Config, Parameters, Tensor, keep, keras, port


@port("ReLU", mask=keep)
def relu(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    """`F.threshold` keeps what is above the threshold; torch has no function for the slope below one."""
    y = F.threshold(x, layer.threshold, 0.0)
    if layer.max_value is not None:
        y = y.clamp(max=layer.max_value)
    if layer.negative_slope:
        y = y - layer.negative_slope * F.relu(layer.threshold - x)
    return y


@port("LeakyReLU", mask=keep)
def leaky_relu(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return F.leaky_relu(x, layer.negative_slope)


@port("ELU", mask=keep)
def elu(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return F.elu(x, layer.alpha)


@port("PReLU", weights=lambda layer: {"weight": keras("alpha")}, mask=keep)
def prelu(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    """`F.prelu` takes one slope a channel at most, so only slopes that all other axes share go through it."""
    slopes = p.weight
    if slopes[..., :1, :].numel() == slopes.shape[-1] or x.ndim == 2:
        return F.prelu(x.movedim(-1, 1), slopes.reshape(-1)).movedim(1, -1)
    return torch.where(x > 0, x, slopes * x)


@port("Softmax", mask=keep)
def softmax(layer: Config, p: Parameters, x: Tensor, mask: Tensor | None = None) -> Tensor:
    """Left-out scores become minus infinity; a slice of nothing else would be NaN and is set to 0."""
    axes = (layer.axis,) if isinstance(layer.axis, int) else layer.axis
    if mask is not None:
        kept = _kept(mask, x)
        x = x.masked_fill(~kept, -torch.inf)
        nothing_left = ~kept.expand(x.shape).any(dim=axes[0], keepdim=True) if len(axes) == 1 else None
        if nothing_left is None:
            nothing_left = ~_any(kept.expand(x.shape), axes)
        x = x.masked_fill(nothing_left, 0.0)
        return _softmax(x, axes).masked_fill(~kept, 0.0)
    return _softmax(x, axes)
