"""The circle loss in torch, one number a sample; then as in `losses`."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from .losses import loss
from .port import Config, Tensor

Each = tuple[Tensor, Tensor | None]


@loss("Circle")
def circle(layer: Config, y_true: Tensor, y_pred: Tensor) -> Each:
    """`F.softplus` of the two sums; a row without pairs of one kind has a sum of exponentials of 0."""
    labels = y_true.long().reshape(len(y_pred))
    is_same = labels[:, None] == labels[None, :]
    itself = torch.eye(len(labels), dtype=torch.bool)
    is_partner = is_same & ~itself if layer.remove_diagonal else is_same
    s = (y_pred @ y_pred.T).clamp(max=1.0)
    near = -layer.gamma * F.relu(1.0 + layer.margin - s) * (s - 1.0 + layer.margin)
    far = layer.gamma * F.relu(s + layer.margin) * (s - layer.margin)
    lonely = ~(is_partner.any(dim=-1) & (~is_same).any(dim=-1))
    # a row that would be all -inf has no slope: its entries are kept, and its loss is left out behind
    partners = near.masked_fill(~is_partner & ~lonely[:, None], -torch.inf).logsumexp(dim=-1)
    others = far.masked_fill(is_same & ~lonely[:, None], -torch.inf).logsumexp(dim=-1)
    each = F.softplus(partners + others, threshold=80.0)
    return each.masked_fill(lonely, 0.0), is_partner.any(dim=-1)
