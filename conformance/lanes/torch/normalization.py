"""Layer, RMS, unit, group and batch normalisation in torch; torch keeps what it normalises over on the last axes."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from .port import Config, Mapped, Parameters, Tensor, keep, keras, port


def _axes(axis: int | tuple[int, ...], x: Tensor) -> tuple[int, ...]:
    """The axes counted from the front, in ascending order."""
    axes = (axis,) if isinstance(axis, int) else axis
    return tuple(sorted(range(x.ndim)[number] for number in axes))


def _last(axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(range(-len(axes), 0))


def affine_weights(layer: Config) -> Mapping[str, Mapped]:
    return {"weight": keras("gamma"), "bias": keras("beta")}


@port("LayerNormalization", weights=affine_weights, mask=keep, integers="floats")
def layer_normalization(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    """Keras adds 1e-3 to the variance by default, torch 1e-5."""
    axes = _axes(layer.axis, x)
    last = x.movedim(axes, _last(axes))
    if layer.rms_scaling:
        variance = last.var(dim=_last(axes), correction=0, keepdim=True)
        return (last * torch.rsqrt(variance + layer.epsilon) * p.weight).movedim(_last(axes), axes)
    y = F.layer_norm(last, last.shape[-len(axes) :], p.get("weight"), p.get("bias"), layer.epsilon)
    return y.movedim(_last(axes), axes)


@port("RMSNormalization", weights=lambda layer: {"weight": keras("scale")}, integers="floats")
def rms_normalization(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    axes = _axes(layer.axis, x)
    last = x.movedim(axes, _last(axes))
    return F.rms_norm(last, last.shape[-len(axes) :], p.weight, layer.epsilon).movedim(_last(axes), axes)


@port("UnitNormalization", mask=keep, integers="floats")
def unit_normalization(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    axes = _axes(layer.axis, x)
    last = x.movedim(axes, _last(axes))
    flat = last.flatten(start_dim=last.ndim - len(axes))
    return F.normalize(flat, p=2.0, dim=-1, eps=1e-12).reshape(last.shape).movedim(_last(axes), axes)


@port("GroupNormalization", weights=affine_weights, mask=keep, integers="floats")
def group_normalization(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    """torch has the channels on axis 1. A bias needs a weight: without one its backward pass raises."""
    (axis,) = _axes(layer.axis, x)
    channels = x.movedim(axis, 1)
    groups = channels.shape[1] if layer.groups == -1 else layer.groups
    weight, bias = p.get("weight"), p.get("bias")
    if weight is None and bias is not None:
        weight = torch.ones_like(bias)
    return F.group_norm(channels, groups, weight, bias, layer.epsilon).movedim(1, axis)


def batch_weights(layer: Config) -> Mapping[str, Mapped]:
    statistics = {"running_mean": keras("moving_mean"), "running_var": keras("moving_variance")}
    return {**affine_weights(layer), **statistics}


@port("BatchNormalization", weights=batch_weights, mask=keep, integers="floats")
def batch_normalization(
    layer: Config, p: Parameters, x: Tensor, training: bool | None = None, mask: Tensor | None = None
) -> Tensor:
    """torch has the channels on axis 1; its momentum is the share of the new, Keras' that of the old.

    The moving statistics are updated here: torch's own update takes the unbiased variance, Keras' the biased one.
    """
    if mask is not None and mask.ndim != x.ndim - 1:
        raise ValueError(f"a mask with {mask.ndim} axes for an input with {x.ndim}")
    (axis,) = _axes(layer.axis, x)
    channels = x.movedim(axis, 1)
    mean, variance = p.state.get("moving_mean", p.running_mean), p.state.get("moving_variance", p.running_var)
    if not (training and layer.trainable):
        return _normalized(channels, mean, variance, p, layer.epsilon).movedim(1, axis)
    batch_mean, batch_variance = _moments(x, axis, mask)
    p.state["moving_mean"] = torch.lerp(batch_mean, mean, layer.momentum).detach()
    p.state["moving_variance"] = torch.lerp(batch_variance, variance, layer.momentum).detach()
    if mask is None:
        y = F.batch_norm(channels, None, None, p.get("weight"), p.get("bias"), training=True, eps=layer.epsilon)
    else:
        y = _normalized(channels, batch_mean, batch_variance, p, layer.epsilon)
    return y.movedim(1, axis)


def _normalized(channels: Tensor, mean: Tensor, variance: Tensor, p: Parameters, epsilon: float) -> Tensor:
    """With given statistics; `F.batch_norm` lets no gradient through to them, and those of a masked batch need it."""
    shape = (-1, *(1 for _ in channels.shape[2:]))
    y = (channels - mean.reshape(shape)) * torch.rsqrt(variance.reshape(shape) + epsilon)
    weight, bias = p.get("weight"), p.get("bias")
    y = y if weight is None else y * weight.reshape(shape)
    return y if bias is None else y + bias.reshape(shape)


def _moments(x: Tensor, axis: int, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """Mean and biased variance of each channel over the entries that count."""
    others = [number for number in range(x.ndim) if number != axis]
    counts = torch.ones_like(x) if mask is None else torch.ones_like(x) * mask.unsqueeze(-1)
    total = counts.sum(dim=others, keepdim=True)
    mean = torch.where(counts > 0, x, 0.0).sum(dim=others, keepdim=True) / total
    variance = torch.where(counts > 0, x - mean, 0.0).square().sum(dim=others, keepdim=True) / total
    return mean.flatten(), variance.flatten()
