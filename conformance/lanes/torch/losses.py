"""Losses in torch, one number a sample, then Keras' weights, mask and reduction by formula.

Torch's own `reduction="mean"` divides by the sum of the class weights, or by all entries: neither is Keras' default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from .port import PORTS, Config, Parameters, port

Tensor = torch.Tensor
EPSILON = 1e-7
"""Keras keeps probabilities this far from 0 and 1; torch bounds the logarithm at -100 instead."""

Each = Callable[[Config, Tensor, Tensor], "tuple[Tensor, Tensor | None]"]
"""Config, labels and predictions to one loss a sample, and which of them count."""


def same_rank(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Where ranks differ by one and the surplus axis has length 1: a vector gains that axis, else the axis goes."""
    if x.ndim == y.ndim + 1 and x.shape[-1] == 1:
        return (x, y.unsqueeze(-1)) if y.ndim == 1 else (x.squeeze(-1), y)
    if y.ndim == x.ndim + 1 and y.shape[-1] == 1:
        return (x.unsqueeze(-1), y) if x.ndim == 1 else (x, y.squeeze(-1))
    return x, y


def reduced(losses: Tensor, weight: Tensor | None, mask: Tensor | None, reduction: str | None) -> Tensor:
    """Keras' reductions; a product of shapes that do not broadcast is torch's own error."""
    if mask is not None:
        share = mask.to(losses.dtype)
        if reduction in ("mean", "sum_over_batch_size"):
            share = share * (mask.numel() / mask.sum().clamp(min=1))
        if weight is not None:
            share, weight = same_rank(share, weight)
            share = share * weight
        weight = share
    if weight is not None:
        losses, weight = same_rank(losses, weight)
        losses = losses * weight
    if reduction in (None, "none") or losses.ndim == 0 or tuple(losses.shape) == (0,):
        return losses
    if reduction == "sum":
        return losses.sum()
    if reduction == "mean_with_sample_weight" and weight is not None:
        total = weight.sum()
        return torch.where(total == 0, torch.zeros_like(total), losses.sum() / torch.where(total == 0, 1.0, total))
    return losses.sum() / max(losses.numel(), 1)  # of no losses Keras makes 0, and torch NaN


def loss(type: str) -> Callable[[Each], Each]:
    """Registers a function that gives one loss a sample as the port of a Keras loss."""

    def register(each: Each) -> Each:
        @port(type)
        def call(
            layer: Config,
            p: Parameters,
            y_true: Tensor,
            y_pred: Tensor,
            sample_weight: Tensor | None = None,
            y_pred_mask: Tensor | None = None,
        ) -> Tensor:
            if not y_pred.is_floating_point():  # a loss of Keras makes its own dtype of what is predicted
                y_pred = y_pred.to(torch.get_default_dtype())
            losses, counted = each(layer, *same_rank(y_true, y_pred))
            if y_pred_mask is not None:
                counted = y_pred_mask if counted is None else counted & y_pred_mask
            return reduced(losses, sample_weight, counted, layer.reduction)

        return each

    return register


@loss("MeanSquaredError")
def mean_squared_error(layer: Config, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor | None]:
    return F.mse_loss(y_pred, y_true.to(y_pred.dtype), reduction="none").mean(dim=-1), None


@loss("MeanAbsoluteError")
def mean_absolute_error(layer: Config, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor | None]:
    return F.l1_loss(y_pred, y_true.to(y_pred.dtype), reduction="none").mean(dim=-1), None


def entropy_of(p: Tensor, y: Tensor) -> Tensor:
    """-(y log p + (1 - y) log(1 - p)), by hand: `F.binary_cross_entropy` refuses labels outside of 0 and 1."""
    p = p.clamp(EPSILON, 1.0 - EPSILON)
    return -(y * torch.log(p) + (1.0 - y) * torch.log1p(-p))


@loss("BinaryCrossentropy")
def binary_crossentropy(layer: Config, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor | None]:
    """Torch has no label smoothing for two classes."""
    if y_true.shape != y_pred.shape:
        raise ValueError(f"labels {tuple(y_true.shape)} and predictions {tuple(y_pred.shape)} differ in shape")
    y = y_true.to(y_pred.dtype) * (1.0 - layer.label_smoothing) + 0.5 * layer.label_smoothing
    if layer.from_logits:
        entropy = F.binary_cross_entropy_with_logits(y_pred, y, reduction="none")
    else:
        entropy = entropy_of(y_pred, y)
    return entropy.mean(dim=layer.axis), None


@loss("CategoricalCrossentropy")
def categorical_crossentropy(layer: Config, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor | None]:
    """`cross_entropy` takes logits only, with the classes on axis 1; for probabilities the sum is written out."""
    y_true = y_true.to(y_pred.dtype)
    if y_true.shape != y_pred.shape:
        raise ValueError(f"labels {tuple(y_true.shape)} and predictions {tuple(y_pred.shape)} differ in shape")
    if layer.from_logits:
        logits, y = y_pred.movedim(layer.axis, 1), y_true.movedim(layer.axis, 1)
        return F.cross_entropy(logits, y, reduction="none", label_smoothing=layer.label_smoothing), None
    y = y_true * (1.0 - layer.label_smoothing) + layer.label_smoothing / y_pred.shape[layer.axis]
    return -(y * logs_of(layer, y_pred)).sum(dim=layer.axis), None


@loss("SparseCategoricalCrossentropy")
def sparse_categorical_crossentropy(layer: Config, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor | None]:
    labels = y_true.long()
    if labels.ndim == y_pred.ndim and labels.shape[layer.axis] == 1:
        labels = labels.squeeze(layer.axis)
    logs = torch.log_softmax(y_pred, dim=layer.axis) if layer.from_logits else logs_of(layer, y_pred)
    ignored = -100 if layer.ignore_class is None else layer.ignore_class
    losses = F.nll_loss(logs.movedim(layer.axis, 1).contiguous(), labels, ignore_index=ignored, reduction="none")
    return losses, None if layer.ignore_class is None else labels != layer.ignore_class


def logs_of(layer: Config, y_pred: Tensor) -> Tensor:
    """The log of probabilities made to sum to 1, away from 0 and 1."""
    return torch.log((y_pred / y_pred.sum(dim=layer.axis, keepdim=True)).clamp(EPSILON, 1.0 - EPSILON))


@port("CompiledLoss")
def compiled_loss(
    layer: Config,
    p: Parameters,
    y_true: Tensor,
    y_pred: Tensor,
    sample_weight: Tensor | None = None,
    y_pred_mask: Tensor | None = None,
) -> Tensor:
    """What a training loop reports: `.item()`, without a gradient."""
    if layer.class_weight is not None:
        if sample_weight is not None:
            raise ValueError("sample_weight and class_weight at the same time")
        sample_weight = class_weights(y_true, layer.class_weight)
    with torch.no_grad():
        result = PORTS[layer.loss.type].call(
            layer.loss, p, y_true, y_pred, sample_weight=sample_weight, y_pred_mask=y_pred_mask
        )
        return torch.mean(result)


def class_weights(labels: Tensor, weights: Mapping[Any, float]) -> Tensor:
    """(batch,): the weight of each sample's class, 1 for classes not named."""
    if labels.ndim > 1:
        labels = labels.squeeze(-1) if labels.shape[-1] == 1 else labels.argmax(dim=-1)
    by_class = {int(label): float(weight) for label, weight in weights.items()}
    return torch.tensor([by_class.get(int(label), 1.0) for label in labels.round().tolist()])
