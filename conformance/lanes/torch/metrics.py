"""Metrics in torch: sums over batches, and the number that is reported of them. torch itself has none.

torchmetrics has many of them, with rules of its own: most take no weights, and a metric that nothing was told of warns
and gives 0. A short last batch counts as in Keras, by its samples, because sums are kept and not means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from . import distances, losses, margins
from .losses import same_rank
from .port import Config, Parameters, Tensor, port

Each = Callable[[Config, Tensor, Tensor], tuple[Tensor, Tensor | None]]


def share(part: Tensor, whole: Tensor) -> Tensor:
    """part / whole, and 0 where the whole is 0."""
    return torch.where(
        whole == 0, torch.zeros_like(whole), part / torch.where(whole == 0, torch.ones_like(whole), whole)
    )


def weight_of(sample_weight: Tensor | None, mask: Tensor | None) -> Tensor | None:
    """Weights, and a mask as weights of 0 and 1."""
    if mask is None:
        return None if sample_weight is None else sample_weight.float()
    if sample_weight is None:
        return mask.float()
    weight, counted = same_rank(sample_weight.float(), mask.float())
    return weight * counted


def spread_over(weight: Tensor | None, values: Tensor) -> Tensor:
    """A weight for every value: one of a sample holds for all that is in the sample."""
    if weight is None:
        return torch.ones_like(values)
    if 0 < weight.ndim < values.ndim:
        weight = weight.reshape(weight.shape + (1,) * (values.ndim - weight.ndim))
    return torch.broadcast_to(weight, values.shape)


def add(p: Parameters, reset_state: bool, sums: Callable[[], Mapping[str, Tensor]] | None) -> Mapping[str, Tensor]:
    """The sums so far with what a batch adds; a batch counts without a way back."""
    if reset_state:
        p.state.clear()
    with torch.no_grad():
        for name, amount in ({} if sums is None else sums()).items():
            p.state[name] = p.state[name] + amount if name in p.state else amount
    return p.state


def over_samples(values: Tensor, weight: Tensor | None) -> dict[str, Tensor]:
    """For each sample the means of weight * value and of weight, both summed over the batch."""
    if weight is not None and weight.ndim:
        values, weight = same_rank(values, weight)
    weight = spread_over(weight, values)
    if values.ndim < 2:
        return {"total": (weight * values).sum(), "count": weight.sum()}
    return {"total": (weight * values).flatten(1).mean(1).sum(), "count": weight.flatten(1).mean(1).sum()}


def mean_of(state: Mapping[str, Tensor]) -> Tensor:
    return share(state["total"], state["count"]) if state else torch.zeros(())


@port("metrics.Mean")
def mean(
    layer: Config,
    p: Parameters,
    values: Any = None,
    sample_weight: Tensor | None = None,
    values_mask: Tensor | None = None,
    reset_state: bool = False,
) -> Tensor:
    sums = None if values is None else lambda: over_samples(values.float(), weight_of(sample_weight, values_mask))
    return mean_of(add(p, reset_state, sums))


@port("metrics.Sum")
def total(
    layer: Config,
    p: Parameters,
    values: Any = None,
    sample_weight: Tensor | None = None,
    values_mask: Tensor | None = None,
    reset_state: bool = False,
) -> Tensor:
    def sums() -> dict[str, Tensor]:
        given, weight = values.float(), weight_of(sample_weight, values_mask)
        if weight is not None and weight.ndim:
            given, weight = same_rank(given, weight)
        return {"total": (spread_over(weight, given) * given).sum()}

    return add(p, reset_state, None if values is None else sums).get("total", torch.zeros(()))


# a number for each sample


def squared_error(layer: Config, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor | None]:
    return (y_true - y_pred).square(), None


def cosine(layer: Config, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor | None]:
    return torch.nn.functional.cosine_similarity(y_true.to(y_pred.dtype), y_pred, dim=layer.axis), None


def equal(layer: Config, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor | None]:
    return (y_true == y_pred).float(), None


def beyond_threshold(layer: Config, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor | None]:
    return ((y_pred > layer.threshold).to(y_true.dtype) == y_true).float(), None


def correlation(layer: Config, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor | None]:
    y, q = (x - x.mean(dim=layer.axis, keepdim=True) for x in (y_true, y_pred))
    return share((y * q).sum(layer.axis), (y.square().sum(layer.axis) * q.square().sum(layer.axis)).sqrt()), None


def concordance(layer: Config, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor | None]:
    means = y_true.mean(dim=layer.axis), y_pred.mean(dim=layer.axis)
    y, q = (x - x.mean(dim=layer.axis, keepdim=True) for x in (y_true, y_pred))
    variances = y.square().mean(layer.axis) + q.square().mean(layer.axis)
    return share(2.0 * (y * q).mean(layer.axis), variances + (means[0] - means[1]).square()), None


EACH: dict[str, Each] = {
    "metrics.MeanSquaredError": losses.mean_squared_error,
    "metrics.MeanAbsoluteError": losses.mean_absolute_error,
    "metrics.MeanAbsolutePercentageError": distances.mean_absolute_percentage_error,
    "metrics.MeanSquaredLogarithmicError": distances.mean_squared_logarithmic_error,
    "metrics.LogCoshError": distances.log_cosh,
    "metrics.Poisson": distances.poisson,
    "metrics.KLDivergence": margins.kl_divergence,
    "metrics.Hinge": margins.hinge,
    "metrics.SquaredHinge": margins.squared_hinge,
    "metrics.CategoricalHinge": margins.categorical_hinge,
    "metrics.CategoricalCrossentropy": losses.categorical_crossentropy,
    "metrics.SparseCategoricalCrossentropy": losses.sparse_categorical_crossentropy,
    "metrics.RootMeanSquaredError": squared_error,
    "metrics.CosineSimilarity": cosine,
    "metrics.Accuracy": equal,
    "metrics.BinaryAccuracy": beyond_threshold,
    "metrics.PearsonCorrelation": correlation,
    "metrics.ConcordanceCorrelation": concordance,
}
"""What a sample, or a step of a sample, gives, and which count; by the metric that is its mean."""


def mean_over_batches(
    layer: Config,
    p: Parameters,
    y_true: Any = None,
    y_pred: Any = None,
    sample_weight: Tensor | None = None,
    y_pred_mask: Tensor | None = None,
    reset_state: bool = False,
) -> Tensor:
    def sums() -> dict[str, Tensor]:
        values, counted = EACH[layer.type](layer, *same_rank(y_true, y_pred.float()))
        return over_samples(values, weight_of(weight_of(sample_weight, y_pred_mask), counted))

    return mean_of(add(p, reset_state, None if y_true is None else sums))


for _type in (
    "metrics.MeanSquaredError",
    "metrics.MeanAbsoluteError",
    "metrics.MeanAbsolutePercentageError",
    "metrics.MeanSquaredLogarithmicError",
    "metrics.LogCoshError",
    "metrics.Poisson",
    "metrics.KLDivergence",
    "metrics.Hinge",
    "metrics.SquaredHinge",
    "metrics.CategoricalHinge",
    "metrics.CategoricalCrossentropy",
    "metrics.SparseCategoricalCrossentropy",
    "metrics.CosineSimilarity",
    "metrics.Accuracy",
    "metrics.BinaryAccuracy",
    "metrics.PearsonCorrelation",
    "metrics.ConcordanceCorrelation",
):
    port(_type)(mean_over_batches)


@port("metrics.BinaryCrossentropy")
def binary_crossentropy(
    layer: Config,
    p: Parameters,
    y_true: Any = None,
    y_pred: Any = None,
    sample_weight: Tensor | None = None,
    y_pred_mask: Tensor | None = None,
    reset_state: bool = False,
) -> Tensor:
    """The loss of the same name has an axis, which the metric has not: it is the last."""

    def sums() -> dict[str, Tensor]:
        settings = Config(layer.type, {**vars(layer), "axis": -1})
        values, _ = losses.binary_crossentropy(settings, *same_rank(y_true, y_pred.float()))
        return over_samples(values, weight_of(sample_weight, y_pred_mask))

    return mean_of(add(p, reset_state, None if y_true is None else sums))


@port("metrics.RootMeanSquaredError")
def root_mean_squared_error(
    layer: Config,
    p: Parameters,
    y_true: Any = None,
    y_pred: Any = None,
    sample_weight: Tensor | None = None,
    y_pred_mask: Tensor | None = None,
    reset_state: bool = False,
) -> Tensor:
    mean: Tensor = mean_over_batches(layer, p, y_true, y_pred, sample_weight, y_pred_mask, reset_state)
    return mean.sqrt()


def labels_for(layer: Config, y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Labels as numbers of classes, from these or from one-hot ones."""
    if not layer.type.startswith("metrics.Sparse"):
        return y_true.argmax(dim=-1)
    return (y_true.squeeze(-1) if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1 else y_true).long()


def hits(layer: Config, y_true: Tensor, y_pred: Tensor) -> Tensor:
    """1 where the label is among the k largest predictions."""
    labels = labels_for(layer, y_true, y_pred)
    if getattr(layer, "from_sorted_ids", False):
        own = labels.unsqueeze(-1)
        return (y_pred[..., : layer.k] == own).any(dim=-1).float()
    if not hasattr(layer, "k"):
        return (labels == y_pred.argmax(dim=-1)).float()
    own = y_pred.gather(-1, labels.unsqueeze(-1))
    larger: Tensor = (y_pred > own).sum(dim=-1)
    return larger.lt(layer.k).float()


def how_often_right(
    layer: Config,
    p: Parameters,
    y_true: Any = None,
    y_pred: Any = None,
    sample_weight: Tensor | None = None,
    y_pred_mask: Tensor | None = None,
    reset_state: bool = False,
) -> Tensor:
    def sums() -> dict[str, Tensor]:
        return over_samples(hits(layer, y_true, y_pred), weight_of(sample_weight, y_pred_mask))

    return mean_of(add(p, reset_state, None if y_true is None else sums))


for _type in (
    "metrics.CategoricalAccuracy",
    "metrics.SparseCategoricalAccuracy",
    "metrics.TopKCategoricalAccuracy",
    "metrics.SparseTopKCategoricalAccuracy",
):
    port(_type)(how_often_right)


@port("metrics.R2Score")
def r2_score(
    layer: Config,
    p: Parameters,
    y_true: Any = None,
    y_pred: Any = None,
    sample_weight: Tensor | None = None,
    y_pred_mask: Tensor | None = None,
    reset_state: bool = False,
) -> Tensor:
    def sums() -> dict[str, Tensor]:
        y, q = y_true.float(), y_pred.float()
        if y.shape != q.shape or y.ndim != 2:
            raise ValueError(f"labels {tuple(y.shape)} and predictions {tuple(q.shape)} must both be (batch, outputs)")
        weight = spread_over(weight_of(sample_weight, y_pred_mask), y)
        return {
            "sum": (weight * y).sum(0),
            "squares": (weight * y.square()).sum(0),
            "residual": (weight * (y - q).square()).sum(0),
            "count": weight.sum(0),
            "samples": torch.tensor(float(len(y))),
        }

    state = add(p, reset_state, None if y_true is None else sums)
    if not state:
        raise ValueError("no batch yet")
    about_mean = state["squares"] - share(state["sum"].square(), state["count"])
    scores = 1.0 - share(state["residual"], about_mean)
    if layer.class_aggregation == "uniform_average":
        scores = scores.mean()
    elif layer.class_aggregation == "variance_weighted_average":
        scores = share((scores * about_mean).sum(), about_mean.sum())
    left = float(state["samples"]) - float(layer.num_regressors) - 1.0
    if not layer.num_regressors or left <= 0:
        return scores
    return 1.0 - (1.0 - scores) * (state["samples"] - 1.0) / left
