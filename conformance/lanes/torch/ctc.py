"""Connectionist temporal classification by torch's own loss, one number a sample; then as in `losses`."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from .losses import loss
from .port import Config, Tensor


@loss("CTC")
def ctc(layer: Config, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor | None]:
    """torch wants logarithms (steps, batch, classes), and the lengths; with reduction='mean' it divides by those."""
    labels = y_true.long()
    if labels.ndim != 2 or y_pred.ndim != 3:
        raise ValueError(f"labels {tuple(labels.shape)} and logits {tuple(y_pred.shape)} have not two and three axes")
    logs = torch.log_softmax(y_pred, dim=-1).transpose(0, 1)
    steps = torch.full((len(labels),), y_pred.shape[1])
    return F.ctc_loss(logs, labels, steps, (labels != 0).sum(dim=-1), blank=0, reduction="none"), None
