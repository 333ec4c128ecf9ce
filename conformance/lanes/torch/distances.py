"""Huber, log-cosh, percentages, logarithms, angles and counts in torch, one number a sample; then as in `losses`."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from .losses import EPSILON, loss
from .port import Config, Tensor

Each = tuple[Tensor, Tensor | None]


@loss("Huber")
def huber(layer: Config, y_true: Tensor, y_pred: Tensor) -> Each:
    """`F.smooth_l1_loss` is this over delta."""
    each = F.huber_loss(y_pred, y_true.to(y_pred.dtype), reduction="none", delta=layer.delta)
    return each.mean(dim=-1), None


@loss("LogCosh")
def log_cosh(layer: Config, y_true: Tensor, y_pred: Tensor) -> Each:
    """Torch has no such loss, and `torch.log(torch.cosh(e))` overflows at 90."""
    error = y_pred - y_true.to(y_pred.dtype)
    return (torch.logaddexp(error, -error) - math.log(2.0)).mean(dim=-1), None


@loss("MeanAbsolutePercentageError")
def mean_absolute_percentage_error(layer: Config, y_true: Tensor, y_pred: Tensor) -> Each:
    y = y_true.to(y_pred.dtype)
    return 100.0 * (F.l1_loss(y_pred, y, reduction="none") / y.abs().clamp(min=EPSILON)).mean(dim=-1), None


@loss("MeanSquaredLogarithmicError")
def mean_squared_logarithmic_error(layer: Config, y_true: Tensor, y_pred: Tensor) -> Each:
    first, second = (torch.log1p(y.clamp(min=EPSILON)) for y in (y_pred, y_true.to(y_pred.dtype)))
    return F.mse_loss(first, second, reduction="none").mean(dim=-1), None


@loss("CosineSimilarity")
def cosine_similarity(layer: Config, y_true: Tensor, y_pred: Tensor) -> Each:
    """Torch gives the cosine; the loss of Keras is its negative."""
    return -F.cosine_similarity(y_true.to(y_pred.dtype), y_pred, dim=layer.axis), None


@loss("Poisson")
def poisson(layer: Config, y_true: Tensor, y_pred: Tensor) -> Each:
    """Torch takes logarithms of rates unless told otherwise."""
    y = y_true.to(y_pred.dtype)
    each = F.poisson_nll_loss(y_pred, y, log_input=False, full=False, eps=EPSILON, reduction="none")
    return each.mean(dim=-1), None
