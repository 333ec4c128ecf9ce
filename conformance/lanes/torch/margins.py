"""Losses of classes beside crossentropy in torch, one number a sample; then as in `losses`."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from .losses import EPSILON, entropy_of, logs_of, loss
from .port import Config, Tensor

Each = tuple[Tensor, Tensor | None]


def _gap(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """max(1 - y p, 0); a batch of zeros and ones is taken for -1 and 1. `F.hinge_embedding_loss` is another loss."""
    y = y_true.to(y_pred.dtype)
    is_binary = bool(((y == 0) | (y == 1)).all())
    return F.relu(1.0 - (2.0 * y - 1.0 if is_binary else y) * y_pred)


@loss("Hinge")
def hinge(layer: Config, y_true: Tensor, y_pred: Tensor) -> Each:
    return _gap(y_true, y_pred).mean(dim=-1), None


@loss("SquaredHinge")
def squared_hinge(layer: Config, y_true: Tensor, y_pred: Tensor) -> Each:
    return _gap(y_true, y_pred).square().mean(dim=-1), None


@loss("CategoricalHinge")
def categorical_hinge(layer: Config, y_true: Tensor, y_pred: Tensor) -> Each:
    """`F.multi_margin_loss` sums the gaps of all other classes and divides by the classes."""
    y = y_true.to(y_pred.dtype)
    return F.relu(1.0 + ((1.0 - y) * y_pred).amax(dim=-1) - (y * y_pred).sum(dim=-1)), None


@loss("KLDivergence")
def kl_divergence(layer: Config, y_true: Tensor, y_pred: Tensor) -> Each:
    """`F.kl_div` takes the logarithm of the predictions, and takes it first."""
    y, p = (values.to(y_pred.dtype).clamp(EPSILON, 1.0) for values in (y_true, y_pred))
    return F.kl_div(p.log(), y, reduction="none").sum(dim=-1), None


@loss("BinaryFocalCrossentropy")
def binary_focal_crossentropy(layer: Config, y_true: Tensor, y_pred: Tensor) -> Each:
    if y_true.shape != y_pred.shape:
        raise ValueError(f"labels {tuple(y_true.shape)} and predictions {tuple(y_pred.shape)} differ in shape")
    y = y_true.to(y_pred.dtype) * (1.0 - layer.label_smoothing) + 0.5 * layer.label_smoothing
    if layer.from_logits:
        entropy = F.binary_cross_entropy_with_logits(y_pred, y, reduction="none")
        p, q = torch.sigmoid(y_pred), torch.sigmoid(-y_pred)
    else:
        entropy = entropy_of(y_pred, y)
        p, q = y_pred, 1.0 - y_pred
    focal = (y * q + (1.0 - y) * p).pow(layer.gamma) * entropy
    if layer.apply_class_balancing:
        focal = (y * layer.alpha + (1.0 - y) * (1.0 - layer.alpha)) * focal
    return focal.mean(dim=layer.axis), None


@loss("CategoricalFocalCrossentropy")
def categorical_focal_crossentropy(layer: Config, y_true: Tensor, y_pred: Tensor) -> Each:
    y_true = y_true.to(y_pred.dtype)
    if y_true.shape != y_pred.shape:
        raise ValueError(f"labels {tuple(y_true.shape)} and predictions {tuple(y_pred.shape)} differ in shape")
    y = y_true * (1.0 - layer.label_smoothing) + layer.label_smoothing / y_pred.shape[layer.axis]
    logs = torch.log_softmax(y_pred, dim=layer.axis) if layer.from_logits else logs_of(layer, y_pred)
    alpha = torch.as_tensor(layer.alpha, dtype=y_pred.dtype)
    return (alpha * (1.0 - logs.exp()).pow(layer.gamma) * -y * logs).sum(dim=layer.axis), None


@loss("CategoricalGeneralizedCrossEntropy")
def categorical_generalized_cross_entropy(layer: Config, y_true: Tensor, y_pred: Tensor) -> Each:
    labels = y_true.long()
    if labels.ndim < y_pred.ndim:
        labels = labels.unsqueeze(-1)
    if labels.shape[:-1] != y_pred.shape[:-1] or labels.shape[-1] != 1:  # gather would take the first rows
        raise ValueError(f"labels {tuple(y_true.shape)} do not fit predictions {tuple(y_pred.shape)}")
    share = y_pred.gather(-1, labels).squeeze(-1)
    return (1.0 - share.pow(layer.q)) / layer.q, None
