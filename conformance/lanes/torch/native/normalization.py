"""torch's own normalisations: eps is 1e-5 where nobody says otherwise, momentum the share of the new."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from conformance.lanes.torch.native import as_ported, given, native, refuse
from conformance.lanes.torch.port import Parameters, Tensor, Unsupported

EPS = {"epsilon": "eps"}
as_ported("UnitNormalization")


def _last(layer: Any, x: Tensor, call: str) -> tuple[int, ...]:
    """The lengths of the axes that are normalised over; torch takes the last ones and no others."""
    axes = sorted(axis % x.ndim for axis in ((layer.axis,) if isinstance(layer.axis, int) else layer.axis))
    if axes != list(range(x.ndim - len(axes), x.ndim)):
        raise Unsupported(f"{call} normalises over the last axes, not over {axes}")
    return tuple(x.shape[axis] for axis in axes)


@native("LayerNormalization", names=EPS)
def layer_norm(layer: Any, p: Parameters, x: Tensor) -> Tensor:
    refuse(layer, "nn.LayerNorm", rms_scaling=False)
    lengths = _last(layer, x, "nn.LayerNorm")
    return F.layer_norm(x, lengths, p.get("weight"), p.get("bias"), **given(layer, EPS))


@native("RMSNormalization", names=EPS)
def rms_norm(layer: Any, p: Parameters, x: Tensor) -> Tensor:
    """Without `eps` it is the distance from 1 to the next float."""
    return F.rms_norm(x, _last(layer, x, "nn.RMSNorm"), p.weight, **given(layer, EPS))


@native("GroupNormalization", names=EPS)
def group_norm(layer: Any, p: Parameters, x: Tensor) -> Tensor:
    channels = x.movedim(layer.axis, 1)
    groups = channels.shape[1] if layer.groups == -1 else layer.groups
    return F.group_norm(channels, groups, p.get("weight"), p.get("bias"), **given(layer, EPS)).movedim(1, layer.axis)


BATCH = {"epsilon": "eps", "momentum": "momentum"}


@native("BatchNormalization", names=BATCH)
def batch_norm(layer: Any, p: Parameters, x: Tensor, training: bool | None = None) -> Tensor:
    """`nn.BatchNorm1d` and its siblings: running statistics move by torch's own rule, with the unbiased variance."""
    channels = x.movedim(layer.axis, 1)
    mean = p.state.get("moving_mean", p.running_mean)
    variance = p.state.get("moving_variance", p.running_var)
    mean, variance = mean.detach(), variance.detach()  # buffers, which torch follows no gradient to
    if not training:
        options = given(layer, {"epsilon": "eps"})
        y = F.batch_norm(channels, mean, variance, p.get("weight"), p.get("bias"), **options)
        return y.movedim(1, layer.axis)
    mean, variance = mean.clone(), variance.clone()
    y = F.batch_norm(channels, mean, variance, p.get("weight"), p.get("bias"), training=True, **given(layer, BATCH))
    p.state["moving_mean"], p.state["moving_variance"] = mean, variance
    return torch.movedim(y, 1, layer.axis)
