"""Metrics of outcomes in torch: counts at thresholds, precision and recall, F-scores, curves and overlaps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from .losses import same_rank
from .metrics import add, share, spread_over, weight_of
from .port import Config, Parameters, Tensor, port


def counts(y_true: Tensor, said: Tensor, weight: Tensor) -> dict[str, Tensor]:
    """Weights of the four outcomes, summed over all axes but the last of `said`, which is that of thresholds."""
    truth, each = (y_true != 0).unsqueeze(-1), weight.unsqueeze(-1)
    outcomes = {"tp": truth & said, "fp": ~truth & said, "tn": ~truth & ~said, "fn": truth & ~said}
    return {name: (each * which).flatten(0, -2).sum(0) for name, which in outcomes.items()}


def thresholds_of(layer: Config) -> Tensor:
    given = layer.thresholds
    return torch.tensor([0.5] if given is None else list(given) if isinstance(given, tuple) else [given])


def positive(layer: Config, y_pred: Tensor) -> Tensor:
    """(..., thresholds): which predictions are positive."""
    top_k = getattr(layer, "top_k", None)
    beyond = y_pred.unsqueeze(-1) > thresholds_of(layer)
    if top_k is None:
        return beyond
    order = torch.sort(y_pred, dim=-1, descending=True, stable=True).indices[..., :top_k]
    largest = torch.zeros_like(y_pred, dtype=torch.bool).scatter(-1, order, True).unsqueeze(-1)
    return largest if layer.thresholds is None else largest & beyond


def one_class(layer: Config, y_true: Tensor, said: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Labels, positives and weights of the class that alone is looked at, or of all."""
    number = getattr(layer, "class_id", None)
    if number is None:
        return y_true, said, weight
    if not 0 <= number < y_true.shape[-1]:
        raise ValueError(f"class_id {number} of {y_true.shape[-1]} classes")
    return y_true[..., number], said[..., number, :], weight[..., number]


def alike(y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
    """Both in one shape; raises ValueError where they have two."""
    y_true, y_pred = same_rank(y_true, y_pred.float())
    if y_true.shape != y_pred.shape:
        raise ValueError(f"labels {tuple(y_true.shape)} and predictions {tuple(y_pred.shape)} differ in shape")
    return y_true, y_pred


REPORTED: dict[str, Callable[[Mapping[str, Tensor]], Tensor]] = {
    "metrics.TruePositives": lambda state: state["tp"],
    "metrics.FalsePositives": lambda state: state["fp"],
    "metrics.TrueNegatives": lambda state: state["tn"],
    "metrics.FalseNegatives": lambda state: state["fn"],
    "metrics.Precision": lambda state: share(state["tp"], state["tp"] + state["fp"]),
    "metrics.Recall": lambda state: share(state["tp"], state["tp"] + state["fn"]),
}


def at_thresholds(
    layer: Config,
    p: Parameters,
    y_true: Any = None,
    y_pred: Any = None,
    sample_weight: Tensor | None = None,
    y_pred_mask: Tensor | None = None,
    reset_state: bool = False,
) -> Tensor:
    """A number for one threshold, and one for each of several."""
    if any(not 0.0 <= t <= 1.0 for t in thresholds_of(layer).tolist()):
        raise ValueError("thresholds must lie in 0 to 1")

    def sums() -> dict[str, Tensor]:
        y, q = alike(y_true, y_pred)
        weight = spread_over(weight_of(sample_weight, y_pred_mask), q)
        return counts(*one_class(layer, y, positive(layer, q), weight))

    state = add(p, reset_state, None if y_true is None else sums)
    nothing = torch.zeros(len(thresholds_of(layer)))
    values = REPORTED[layer.type](state or dict.fromkeys(("tp", "fp", "tn", "fn"), nothing))
    return values[0] if len(values) == 1 else values


for _type in (
    "metrics.TruePositives",
    "metrics.FalsePositives",
    "metrics.TrueNegatives",
    "metrics.FalseNegatives",
    "metrics.Precision",
    "metrics.Recall",
):
    port(_type)(at_thresholds)


def f_score(
    layer: Config,
    p: Parameters,
    y_true: Any = None,
    y_pred: Any = None,
    sample_weight: Tensor | None = None,
    y_pred_mask: Tensor | None = None,
    reset_state: bool = False,
) -> Tensor:
    """Of every class, or averaged."""

    def sums() -> dict[str, Tensor]:
        y, q = y_true != 0, y_pred.float()
        if layer.threshold is None:
            said = torch.zeros_like(q, dtype=torch.bool).scatter(-1, q.argmax(dim=-1, keepdim=True), True)
        else:
            said = q > layer.threshold
        weight = spread_over(weight_of(sample_weight, y_pred_mask), q)
        outcomes = {"tp": y & said, "fp": ~y & said, "fn": y & ~said}
        return {name: (weight * which).sum(0) for name, which in outcomes.items()}

    state = add(p, reset_state, None if y_true is None else sums)
    if not state:
        raise ValueError("no batch yet")
    tp, fp, fn = state["tp"], state["fp"], state["fn"]
    if layer.average == "micro":
        tp, fp, fn = tp.sum(), fp.sum(), fn.sum()
    squared = getattr(layer, "beta", 1.0) ** 2
    scores = share((1.0 + squared) * tp, (1.0 + squared) * tp + squared * fn + fp)
    if layer.average == "weighted":
        return share((scores * (tp + fn)).sum(), (tp + fn).sum())
    return scores.mean() if layer.average == "macro" else scores


for _type in ("metrics.FBetaScore", "metrics.F1Score"):
    port(_type)(f_score)


def evenly(count: int) -> Tensor:
    """So many thresholds from 0 to 1; 1/2 where it is one."""
    return torch.tensor([0.5] if count == 1 else [step / (count - 1) for step in range(count)])


@port("metrics.AUC")
def auc(
    layer: Config,
    p: Parameters,
    y_true: Any = None,
    y_pred: Any = None,
    sample_weight: Tensor | None = None,
    y_pred_mask: Tensor | None = None,
    reset_state: bool = False,
) -> Tensor:
    given = layer.thresholds
    inner = evenly(layer.num_thresholds)[1:-1] if given is None else torch.tensor(sorted(given))
    places = torch.cat([torch.tensor([-1e-7]), inner, torch.tensor([1.0 + 1e-7])])

    def sums() -> dict[str, Tensor]:
        y, q = alike(y_true, y_pred)
        weight = spread_over(weight_of(sample_weight, y_pred_mask), q)
        if layer.label_weights is not None and not layer.multi_label:
            weight = weight * torch.tensor(layer.label_weights)
        said = (torch.sigmoid(q) if layer.from_logits else q).unsqueeze(-1) > places
        if not layer.multi_label:
            return counts(y, said, weight)
        rows = [counts(y[:, n], said[:, n], weight[:, n]) for n in range(q.shape[1])]
        return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}

    state = add(p, reset_state, None if y_true is None else sums)
    if not state:
        return torch.zeros(())
    area = area_under(layer, state["tp"], state["fp"], state["tn"], state["fn"])
    if not layer.multi_label:
        return area
    if layer.label_weights is None:
        return area.mean()
    weights = torch.tensor(layer.label_weights)
    return (area * weights).sum() / weights.sum()


def area_under(layer: Config, tp: Tensor, fp: Tensor, tn: Tensor, fn: Tensor) -> Tensor:
    """From each threshold to the next one, on the last axis."""
    if layer.curve == "PR" and layer.summation_method == "interpolation":
        said = tp + fp
        moved = tp[..., :-1] - tp[..., 1:]
        slope = share(moved, (said[..., :-1] - said[..., 1:]).clamp(min=0.0))
        intercept = tp[..., 1:] - slope * said[..., 1:]
        both = (said[..., :-1] > 0) & (said[..., 1:] > 0)
        ratio = torch.where(both, said[..., :-1] / said[..., 1:].clamp(min=1e-30), torch.ones_like(moved))
        return share(slope * (moved + intercept * ratio.log()), tp[..., 1:] + fn[..., 1:]).sum(-1)
    recall = share(tp, tp + fn)
    x, y = (share(fp, fp + tn), recall) if layer.curve == "ROC" else (recall, share(tp, tp + fp))
    one, other = y[..., :-1], y[..., 1:]
    means = {"interpolation": (one + other) / 2.0, "minoring": torch.minimum(one, other)}
    height = means.get(layer.summation_method, torch.maximum(one, other))
    return ((x[..., :-1] - x[..., 1:]) * height).sum(-1)


def rates_of(layer: Config, state: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, float]:
    """The rate that is reported, the one that must be reached, and how high, at each threshold."""
    tp, fp, tn, fn = state["tp"], state["fp"], state["tn"], state["fn"]
    sensitivity, specificity, precision = share(tp, tp + fn), share(tn, tn + fp), share(tp, tp + fp)
    if layer.type == "metrics.SensitivityAtSpecificity":
        return sensitivity, specificity, layer.specificity
    if layer.type == "metrics.SpecificityAtSensitivity":
        return specificity, sensitivity, layer.sensitivity
    if layer.type == "metrics.PrecisionAtRecall":
        return precision, sensitivity, layer.recall
    return sensitivity, precision, layer.precision


def rate_at_rate(
    layer: Config,
    p: Parameters,
    y_true: Any = None,
    y_pred: Any = None,
    sample_weight: Tensor | None = None,
    y_pred_mask: Tensor | None = None,
    reset_state: bool = False,
) -> Tensor:
    def sums() -> dict[str, Tensor]:
        y, q = alike(y_true, y_pred)
        weight = spread_over(weight_of(sample_weight, y_pred_mask), q)
        said = q.unsqueeze(-1) > evenly(layer.num_thresholds)
        return counts(*one_class(layer, y, said, weight))

    state = add(p, reset_state, None if y_true is None else sums)
    nothing = torch.zeros(layer.num_thresholds)
    reported, reached, least = rates_of(layer, state or dict.fromkeys(("tp", "fp", "tn", "fn"), nothing))
    return torch.where(reached >= torch.tensor(least), reported, torch.zeros_like(reported)).max()


for _type in (
    "metrics.SensitivityAtSpecificity",
    "metrics.SpecificityAtSensitivity",
    "metrics.PrecisionAtRecall",
    "metrics.RecallAtPrecision",
):
    port(_type)(rate_at_rate)


def matrix_of(labels: Tensor, predictions: Tensor, weight: Tensor, classes: int) -> Tensor:
    """(classes, classes): the weight of what has this label (row) and this prediction (column)."""
    labels, predictions = labels.reshape(-1).long(), predictions.reshape(-1).long()
    for name, found in (("labels", labels), ("predictions", predictions)):
        if bool(((found < 0) | (found >= classes)).any()):
            raise ValueError(f"{name} must lie in 0 to {classes - 1}")
    counted = torch.zeros(classes * classes).index_add(0, labels * classes + predictions, weight.reshape(-1))
    return counted.reshape(classes, classes)


def mean_overlap(matrix: Tensor, targets: Any) -> Tensor:
    """The mean of intersection over union of these classes; those that never occur are left out."""
    both = matrix.diagonal()
    union = matrix.sum(0) + matrix.sum(1) - both
    each, occurs = share(both, union)[list(targets)], (union > 0).float()[list(targets)]
    return share((each * occurs).sum(), occurs.sum())


def overlap(
    layer: Config,
    p: Parameters,
    y_true: Any = None,
    y_pred: Any = None,
    sample_weight: Tensor | None = None,
    y_pred_mask: Tensor | None = None,
    reset_state: bool = False,
) -> Tensor:
    def sums() -> dict[str, Tensor]:
        labels = y_true if layer.sparse_y_true else y_true.argmax(dim=layer.axis)
        said = y_pred if layer.sparse_y_pred else y_pred.argmax(dim=layer.axis)
        if labels.ndim > 1 and labels.ndim == said.ndim + 1 and labels.shape[-1] == 1:
            labels = labels.squeeze(-1)
        weight = spread_over(weight_of(sample_weight, y_pred_mask), labels.float())
        if layer.ignore_class is not None:
            kept = labels != layer.ignore_class
            labels, said, weight = labels[kept], said.reshape(kept.shape)[kept], weight[kept]
        return {"matrix": matrix_of(labels, said, weight, layer.num_classes)}

    state = add(p, reset_state, None if y_true is None else sums)
    matrix = state.get("matrix", torch.zeros(layer.num_classes, layer.num_classes))
    return mean_overlap(matrix, getattr(layer, "target_class_ids", range(layer.num_classes)))


for _type in ("metrics.IoU", "metrics.MeanIoU", "metrics.OneHotIoU", "metrics.OneHotMeanIoU"):
    port(_type)(overlap)


@port("metrics.BinaryIoU")
def binary_overlap(
    layer: Config,
    p: Parameters,
    y_true: Any = None,
    y_pred: Any = None,
    sample_weight: Tensor | None = None,
    y_pred_mask: Tensor | None = None,
    reset_state: bool = False,
) -> Tensor:
    def sums() -> dict[str, Tensor]:
        weight = spread_over(weight_of(sample_weight, y_pred_mask), y_true.float())
        return {"matrix": matrix_of(y_true, y_pred >= layer.threshold, weight, 2)}

    state = add(p, reset_state, None if y_true is None else sums)
    return mean_overlap(state.get("matrix", torch.zeros(2, 2)), layer.target_class_ids)
