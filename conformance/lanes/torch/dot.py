"""Inner products of a batch in torch: einsum, which reads like the formula."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from .port import Config, Parameters, port

Tensor = torch.Tensor
EPSILON = 1e-7
"""Keras' lower bound of a norm; torch's own default is 1e-12."""


@port("Dot", integers="whole")
def dot(layer: Config, p: Parameters, inputs: list[Tensor]) -> Tensor:
    """The sum over the two axes, with (batch, 1) for two vectors a sample, where torch would give (batch,)."""
    x, y = inputs
    if min(x.ndim, y.ndim) < 2:
        raise ValueError(f"a batch of vectors has rank 2 at least, not {tuple(x.shape)} and {tuple(y.shape)}")
    axes = (layer.axes, layer.axes) if isinstance(layer.axes, int) else layer.axes
    axis_x, axis_y = (axis + z.ndim if axis < 0 else axis for axis, z in zip(axes, (x, y), strict=True))
    if not (0 < axis_x < x.ndim and 0 < axis_y < y.ndim):
        raise ValueError(f"axes {axis_x} and {axis_y} are not among those after the batch")
    if x.shape[0] != y.shape[0] or x.shape[axis_x] != y.shape[axis_y]:
        raise ValueError(f"lengths differ: {tuple(x.shape)} and {tuple(y.shape)}; einsum would broadcast a length of 1")
    if layer.normalize:
        x, y = F.normalize(x, dim=axis_x, eps=EPSILON), F.normalize(y, dim=axis_y, eps=EPSILON)
    in_x, in_y = list("abcdefg"[: x.ndim]), ["a", *"hijklm"[: y.ndim - 1]]
    out = [name for name in [*in_x, *in_y[1:]] if name not in (in_x[axis_x], in_y[axis_y])]
    in_y[axis_y] = in_x[axis_x]
    result = torch.einsum(f"{''.join(in_x)},{''.join(in_y)}->{''.join(out)}", x, y)
    return result.unsqueeze(1) if result.ndim == 1 else result
