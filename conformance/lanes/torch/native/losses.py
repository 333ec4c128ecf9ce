"""torch's own losses and its own reductions: `mean` divides by the sum of class weights, or by all entries.

Keras weighs samples, torch classes (`weight=`) or positives (`pos_weight=`): weights of samples become weights of
classes where every sample of a class has the same one, and are refused elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from conformance.lanes.torch.native import as_ported, native, refuse
from conformance.lanes.torch.port import Parameters, Tensor, Unsupported

as_ported("Hinge", "SquaredHinge", "CategoricalHinge", "LogCosh", "MeanAbsolutePercentageError")
as_ported("MeanSquaredLogarithmicError", "CosineSimilarity", "BinaryFocalCrossentropy")
REDUCTIONS = {"sum_over_batch_size": "mean", "mean": "mean", "mean_with_sample_weight": "mean", "sum": "sum"}
"""Keras' reductions to torch's of the same word."""


def reduction(layer: Any) -> str:
    return REDUCTIONS.get(layer.reduction, "none")


def _plain(name: str, function: Callable[..., Tensor]) -> Any:
    """A loss of all entries that knows no weights."""

    def loss(
        layer: Any, p: Parameters, y_true: Tensor, y_pred: Tensor, sample_weight: Any = None, y_pred_mask: Any = None
    ) -> Tensor:
        refuse_weights(name, sample_weight, y_pred_mask)
        if y_true.shape != y_pred.shape:
            raise Unsupported(
                f"{name} warns of labels {tuple(y_true.shape)} for predictions {tuple(y_pred.shape)}: "
                "it broadcasts them against each other"
            )
        return function(layer, y_pred, y_true.to(y_pred.dtype), reduction(layer))

    return loss


def refuse_weights(name: str, sample_weight: Any, mask: Any = None) -> None:
    if sample_weight is not None:
        raise Unsupported(f"{name} has no weights of samples: reduction='none', then multiply")
    if mask is not None:
        raise Unsupported(f"{name} takes no mask: reduction='none', then leave out")


native("MeanSquaredError")(_plain("nn.MSELoss", lambda layer, x, y, how: F.mse_loss(x, y, reduction=how)))
native("MeanAbsoluteError")(_plain("nn.L1Loss", lambda layer, x, y, how: F.l1_loss(x, y, reduction=how)))
native("Huber")(_plain("nn.HuberLoss", lambda layer, x, y, how: F.huber_loss(x, y, reduction=how, delta=layer.delta)))
native("Poisson")(_plain("nn.PoissonNLLLoss", lambda layer, x, y, how: F.poisson_nll_loss(x, y, reduction=how)))
native("KLDivergence")(_plain("nn.KLDivLoss", lambda layer, x, y, how: F.kl_div(torch.log(x), y, reduction=how)))


@native("BinaryCrossentropy")
def binary_cross_entropy(
    layer: Any, p: Parameters, y_true: Tensor, y_pred: Tensor, sample_weight: Any = None, y_pred_mask: Any = None
) -> Tensor:
    """`nn.BCELoss` bounds its logarithms at -100, where Keras keeps probabilities 1e-7 from 0 and 1."""
    name = "nn.BCEWithLogitsLoss" if layer.from_logits else "nn.BCELoss"
    refuse(layer, name, "smooth the labels: y * (1 - s) + s / 2", label_smoothing=0.0)
    refuse_weights(name, sample_weight, y_pred_mask)
    if not -y_pred.ndim <= layer.axis < y_pred.ndim:  # within, the mean over all entries is the same for every axis
        raise Unsupported(f"{name} knows no axis, and the predictions have no axis {layer.axis}")
    function = F.binary_cross_entropy_with_logits if layer.from_logits else F.binary_cross_entropy
    return function(y_pred, y_true.to(y_pred.dtype), reduction=reduction(layer))


def of_classes(labels: Tensor, sample_weight: Tensor, count: int) -> Tensor:
    """(classes,): the weight of each class, 1 for those that do not occur. Raises Unsupported where a class has two."""
    weight = torch.ones(count, dtype=sample_weight.dtype)
    flat, given = labels.reshape(-1), sample_weight.detach().reshape(-1)
    if flat.shape != given.shape:
        raise Unsupported("nn.CrossEntropyLoss weighs classes: these weights are not one a sample")
    for label in torch.unique(flat):
        own = torch.unique(given[flat == label])
        if len(own) > 1:
            raise Unsupported("nn.CrossEntropyLoss weighs classes: two samples of one class have other weights here")
        weight[label] = own[0]
    return weight


@native("CategoricalCrossentropy", names={"label_smoothing": "label_smoothing"})
def cross_entropy(
    layer: Any, p: Parameters, y_true: Tensor, y_pred: Tensor, sample_weight: Any = None, y_pred_mask: Any = None
) -> Tensor:
    """`nn.CrossEntropyLoss` of logits; of probabilities their logarithm, for it takes softmax itself.

    Shares go in as they are, with the classes on axis 1; with class weights ids do, as users have them.
    """
    refuse_weights("nn.CrossEntropyLoss", None, y_pred_mask)
    scores = (y_pred if layer.from_logits else torch.log(y_pred)).movedim(layer.axis, 1)
    shares = y_true.to(y_pred.dtype).movedim(layer.axis, 1)
    is_whole = bool(((shares == 0) | (shares == 1)).all()) and bool((shares.sum(1) == 1).all())
    labels, weight = shares, None
    if sample_weight is not None:
        if not is_whole:
            raise Unsupported("nn.CrossEntropyLoss weighs classes, and these labels are shares of several")
        labels = shares.argmax(1)
        weight = of_classes(labels, sample_weight, shares.shape[1])
    return F.cross_entropy(
        scores, labels, weight=weight, reduction=reduction(layer), label_smoothing=layer.label_smoothing
    )


@native("SparseCategoricalCrossentropy", names={"ignore_class": "ignore_index"})
def sparse_cross_entropy(
    layer: Any, p: Parameters, y_true: Tensor, y_pred: Tensor, sample_weight: Any = None, y_pred_mask: Any = None
) -> Tensor:
    refuse_weights("nn.CrossEntropyLoss", None, y_pred_mask)
    scores = (y_pred if layer.from_logits else torch.log(y_pred)).movedim(layer.axis, 1)
    labels = y_true.long()
    if labels.ndim == y_pred.ndim and labels.shape[layer.axis] == 1:
        labels = labels.squeeze(layer.axis)
    weight = None if sample_weight is None else of_classes(labels, sample_weight, scores.shape[1])
    ignored = {} if layer.ignore_class is None else {"ignore_index": layer.ignore_class}
    return F.cross_entropy(scores, labels, weight=weight, reduction=reduction(layer), **ignored)


@native("CTC")
def ctc(
    layer: Any, p: Parameters, y_true: Tensor, y_pred: Tensor, sample_weight: Any = None, y_pred_mask: Any = None
) -> Tensor:
    """`nn.CTCLoss` of logarithms (steps, batch, classes); its mean divides each loss by its labels first."""
    refuse_weights("nn.CTCLoss", sample_weight, y_pred_mask)
    labels = y_true.long()
    logs = torch.log_softmax(y_pred, dim=-1).transpose(0, 1)
    steps = torch.full((len(labels),), y_pred.shape[1])
    return F.ctc_loss(logs, labels, steps, (labels != 0).sum(dim=-1), reduction=reduction(layer))
