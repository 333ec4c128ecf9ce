"""Metrics over all thresholds at once: the area under a curve, and one rate at the best place of another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy

from .activations import sigmoid
from .base import Array, LayerError, Mutant, arg
from .metric_base import (
    IGNORES_MASK,
    METRIC_MUTANTS,
    State,
    _Metric,
    given,
    numbers,
    of_torchmetrics,
    share,
    spread_over,
)
from .metric_counts import check_thresholds, counts, in_one_shape, of_class

EPSILON = 1e-7
"""How far the outermost thresholds of a curve lie outside of 0 and 1."""


def evenly(count: int) -> Array:
    """So many thresholds from 0 to 1 with equal steps, as float32 holds them; 1/2 where it is one."""
    spaced = [0.5] if count == 1 else [step / (count - 1) for step in range(count)]
    return numpy.array(spaced, dtype=numpy.float32).astype(float)


class AUC(_Metric):
    """The area under the curve of true positive rate over false positive rate, or of precision over recall.

    Both (batch, ...), or (batch, labels) with `multi_label`; gives (). The curve is known at thresholds:
    `num_thresholds` with equal steps, or those given between 0 and 1. The outermost are moved out by EPSILON, so that
    both ends of the curve are there. Between two thresholds the area is that under the higher end (`majoring`), under
    the lower one (`minoring`), or between both: a trapezium for ROC, and for PR the integral of precision where true
    and false positives move evenly (Davis and Goadrich, The relationship between precision-recall and ROC curves,
    2006).
    """

    native = of_torchmetrics("classification.BinaryAUROC")
    num_thresholds: int = arg("how many thresholds there are, the two ends included", default=200)
    curve: Literal["ROC", "PR"] = arg("the curve", default="ROC")
    summation_method: Literal["interpolation", "minoring", "majoring"] = arg(
        "what lies between two thresholds", default="interpolation"
    )
    thresholds: tuple[float, ...] | None = arg("thresholds in the place of even ones", default=None)
    multi_label: bool = arg("whether each label has a curve of its own; else all are one", default=False)
    num_labels: int | None = arg("how many labels there are", default=None)
    label_weights: tuple[float, ...] | None = arg("weight of each label", default=None)
    from_logits: bool = arg("whether y_pred are logits; else probabilities", default=False)

    mutants = (
        *METRIC_MUTANTS,
        IGNORES_MASK,
        Mutant("other_curve", "takes the other curve", config=lambda m: {"curve": "PR" if m.curve == "ROC" else "ROC"}),
        Mutant("no_logits", "takes logits for probabilities", config=lambda m: {"from_logits": False}),
        Mutant("one_curve", "takes all labels for one", config=lambda m: {"multi_label": False, "label_weights": None}),
        Mutant("unweighted_labels", "weighs all labels alike", methods={"weights_of_labels": lambda m, area: None}),
        Mutant(
            "higher_end",
            "takes the higher end between two thresholds",
            config=lambda m: {"summation_method": "majoring"},
        ),
        Mutant(
            "lower_end",
            "takes the lower end between two thresholds",
            config=lambda m: {"summation_method": "minoring"},
        ),
        Mutant("few_thresholds", "looks at 3 thresholds", methods={"places": lambda m: _with_ends(evenly(3))}),
        Mutant("below", "gives the area over the curve", output=lambda layer, y, args: 1.0 - y),
        Mutant(
            "trapezium",
            "takes trapezia under the curve of precision, which lie too high",
            methods={"precision_between": lambda m, tp, fp, fn: _trapezia(tp, fp, fn)},
        ),
    )

    def check(self) -> None:
        if self.num_thresholds <= 1:
            raise LayerError(f"num_thresholds must be above 1, not {self.num_thresholds}")
        if self.thresholds is not None:
            check_thresholds(self.thresholds)

    def places(self) -> Array:
        """(thresholds,): where the curve is known."""
        if self.thresholds is None:
            return _with_ends(evenly(self.num_thresholds))
        return _with_ends(numpy.array([0.0, *sorted(float(numpy.float32(t)) for t in self.thresholds), 1.0]))

    def update(self, y_true: Array, y_pred: Array, weight: Any) -> Mapping[str, Any]:
        y_true, y_pred = in_one_shape(y_true, y_pred)
        shares = numbers(sigmoid(y_pred)) if self.from_logits else y_pred
        said, each = shares[..., None] > self.places(), spread_over(weight, y_pred)
        if not self.multi_label and self.label_weights is not None:
            each = each * numpy.array(self.label_weights)
        if not self.multi_label:
            return counts(y_true != 0, said, each)
        rows = [counts(y_true[:, n] != 0, said[:, n], each[:, n]) for n in range(y_pred.shape[1])]
        return {name: numpy.stack([row[name] for row in rows]) for name in rows[0]}

    def result(self, state: State) -> Any:
        tp, fp, tn, fn = (numpy.atleast_1d(state[name]) for name in ("tp", "fp", "tn", "fn"))
        if self.curve == "PR" and self.summation_method == "interpolation":
            area = self.precision_between(tp, fp, fn)
        else:
            recall = share(tp, tp + fn)
            x, y = (share(fp, fp + tn), recall) if self.curve == "ROC" else (recall, share(tp, tp + fp))
            area = numpy.sum((x[..., :-1] - x[..., 1:]) * self.height(y[..., :-1], y[..., 1:]), axis=-1)
        if not self.multi_label:
            return area
        weights = self.weights_of_labels(area)
        return numpy.mean(area) if weights is None else share(numpy.sum(area * weights), numpy.sum(weights))

    def weights_of_labels(self, area: Array) -> Any:
        """(labels,), or None where all weigh the same."""
        return None if self.label_weights is None else numpy.array(self.label_weights)

    def height(self, one: Array, other: Array) -> Array:
        """Of a curve between two thresholds."""
        if self.summation_method == "interpolation":
            return (one + other) / 2.0
        return numpy.minimum(one, other) if self.summation_method == "minoring" else numpy.maximum(one, other)

    def precision_between(self, tp: Array, fp: Array, fn: Array) -> Array:
        """The area under precision over recall where, from one threshold to the next, tp and p = tp + fp move evenly.

        With the slope s = dtp / dp and the intercept i = tp - s p, precision is s + i / p, and the area is
        (s dtp + s i log(p / p')) / positives.
        """
        p = tp + fp
        moved_tp, moved_p = tp[..., :-1] - tp[..., 1:], p[..., :-1] - p[..., 1:]
        slope = share(moved_tp, numpy.maximum(moved_p, 0.0))
        intercept = tp[..., 1:] - slope * p[..., 1:]
        both = (p[..., :-1] > 0) & (p[..., 1:] > 0)
        ratio = numpy.where(both, p[..., :-1] / numpy.where(both, p[..., 1:], 1.0), 1.0)
        area = slope * (moved_tp + intercept * numpy.log(ratio))
        return numpy.sum(share(area, numpy.maximum(tp[..., 1:] + fn[..., 1:], 0.0)), axis=-1)


def _with_ends(inner: Array) -> Array:
    return numpy.array([-EPSILON, *inner[1:-1], 1.0 + EPSILON])


def _trapezia(tp: Array, fp: Array, fn: Array) -> Array:
    x, y = share(tp, tp + fn), share(tp, tp + fp)
    return numpy.sum((x[..., :-1] - x[..., 1:]) * (y[..., :-1] + y[..., 1:]) / 2.0, axis=-1)


Rates = tuple[Array, Array]
"""The rate that is reported, and the rate that must be reached, at each threshold."""


def _at_half(layer: Any, state: State) -> Any:
    """What there is at the threshold 1/2, whatever the other rate is there."""
    wanted, _ = layer.rates(state)
    return numpy.atleast_1d(wanted)[numpy.argmin(numpy.abs(evenly(layer.num_thresholds) - 0.5))]


def _swapped_rates(layer: Any, state: State) -> Rates:
    first, second = super(type(layer), layer).rates(state)
    return second, first


class _RateAtRate(_Metric):
    """The largest of one rate over all thresholds at which another reaches a value."""

    bound: ClassVar[str]
    """The argument that holds the value."""

    num_thresholds: int = arg("how many thresholds from 0 to 1 are tried", default=200)
    class_id: int | None = arg("the class, on the last axis, that alone is looked at", default=None)

    mutants = (
        *METRIC_MUTANTS,
        IGNORES_MASK,
        Mutant("at_half", "looks at the threshold 1/2", methods={"result": _at_half}),
        Mutant("swapped_rates", "reports the rate that is given", methods={"rates": _swapped_rates}),
        Mutant("all_classes", "looks at all classes", config=lambda m: {"class_id": None}),
        Mutant("few_thresholds", "tries 3 thresholds", config=lambda m: {"num_thresholds": 3}),
        Mutant("inverted", "takes labels the other way round", inputs=given("y_true", lambda m, y: 1.0 - numbers(y))),
    )

    def check(self) -> None:
        value = getattr(self, self.bound)
        if not 0.0 <= value <= 1.0:
            raise LayerError(f"{self.bound} must lie in 0 to 1, not {value:g}")
        if self.num_thresholds <= 0:
            raise LayerError(f"num_thresholds must be above 0, not {self.num_thresholds}")

    def rates(self, state: State) -> Rates:
        raise NotImplementedError

    def update(self, y_true: Array, y_pred: Array, weight: Any) -> Mapping[str, Any]:
        y_true, y_pred = in_one_shape(y_true, y_pred)
        y_true, y_pred, weight = of_class(self.class_id, y_true, y_pred, spread_over(weight, y_pred))
        return counts(y_true != 0, y_pred[..., None] > evenly(self.num_thresholds), weight)

    def result(self, state: State) -> Any:
        reported, reached = (numpy.atleast_1d(rate) for rate in self.rates(state))
        feasible = reached >= numpy.float32(getattr(self, self.bound))
        return numpy.max(numpy.where(feasible, reported, 0.0)) if feasible.any() else 0.0


def _sensitivity(state: State) -> Array:
    return share(state["tp"], state["tp"] + state["fn"])


def _specificity(state: State) -> Array:
    return share(state["tn"], state["tn"] + state["fp"])


def _precision(state: State) -> Array:
    return share(state["tp"], state["tp"] + state["fp"])


class SensitivityAtSpecificity(_RateAtRate):
    """The largest tp / (tp + fn) where tn / (tn + fp) >= specificity, 0 where it never is.

    Both (batch, ...); gives ().
    """

    native = of_torchmetrics("classification.BinarySensitivityAtSpecificity")
    bound = "specificity"
    specificity: float = arg("what the specificity must reach")
    mutants = _RateAtRate.mutants

    def rates(self, state: State) -> Rates:
        return _sensitivity(state), _specificity(state)


class SpecificityAtSensitivity(_RateAtRate):
    """The largest tn / (tn + fp) where tp / (tp + fn) >= sensitivity, 0 where it never is.

    Both (batch, ...); gives ().
    """

    native = of_torchmetrics("classification.BinarySpecificityAtSensitivity")
    bound = "sensitivity"
    sensitivity: float = arg("what the sensitivity must reach")
    mutants = _RateAtRate.mutants

    def rates(self, state: State) -> Rates:
        return _specificity(state), _sensitivity(state)


class PrecisionAtRecall(_RateAtRate):
    """The largest tp / (tp + fp) where tp / (tp + fn) >= recall, 0 where it never is.

    Both (batch, ...); gives ().
    """

    native = of_torchmetrics("classification.BinaryPrecisionAtFixedRecall")
    bound = "recall"
    recall: float = arg("what the recall must reach")
    mutants = _RateAtRate.mutants

    def rates(self, state: State) -> Rates:
        return _precision(state), _sensitivity(state)


class RecallAtPrecision(_RateAtRate):
    """The largest tp / (tp + fn) where tp / (tp + fp) >= precision, 0 where it never is.

    Both (batch, ...); gives ().
    """

    native = of_torchmetrics("classification.BinaryRecallAtFixedPrecision")
    bound = "precision"
    precision: float = arg("what the precision must reach")
    mutants = _RateAtRate.mutants

    def rates(self, state: State) -> Rates:
        return _sensitivity(state), _precision(state)
