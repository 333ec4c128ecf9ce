"""Metrics of how many labels and predictions meet: true and false positives and negatives, and what is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy

from .base import Array, LayerError, Mutant, arg
from .losses import same_rank
from .metric_base import IGNORES_MASK, METRIC_MUTANTS, State, _Metric, of_torchmetrics, share, spread_over

Thresholds = float | tuple[float, ...] | None


def as_tuple(thresholds: Thresholds, otherwise: float = 0.5) -> tuple[float, ...]:
    """One threshold or several as a tuple, each as float32 holds it, which is what predictions are compared with."""
    held = otherwise if thresholds is None else thresholds
    return tuple(float(numpy.float32(t)) for t in (held if isinstance(held, tuple) else (held,)))


def check_thresholds(thresholds: Thresholds) -> None:
    """Raises LayerError for a threshold outside of 0 to 1."""
    wrong = [t for t in as_tuple(thresholds) if not 0.0 <= t <= 1.0]
    if wrong:
        raise LayerError(f"thresholds must lie in 0 to 1, not {', '.join(f'{t:g}' for t in wrong)}")


def in_one_shape(y_true: Array, y_pred: Array) -> tuple[Array, Array]:
    """Both with as many axes, a last axis of 1 taken off or put on. Raises LayerError where their shapes differ."""
    y_true, y_pred = same_rank(y_true, y_pred)
    if y_true.shape != y_pred.shape:
        raise LayerError(f"labels {y_true.shape} and predictions {y_pred.shape} must have one shape")
    return y_true, y_pred


def of_class(class_id: int | None, *arrays: Array) -> tuple[Array, ...]:
    """Of each array (..., classes) the class that alone is looked at; all of it for None.

    Raises LayerError for a class_id outside of 0 .. classes - 1.
    """
    if class_id is None:
        return arrays
    classes = arrays[0].shape[-1]
    if not 0 <= class_id < classes:
        raise LayerError(f"class_id must lie in 0 to {classes - 1}, not {class_id}")
    return tuple(array[..., class_id] for array in arrays)


def among_the_largest(y_pred: Array, k: int) -> Array:
    """Whether a prediction is one of the k largest of its last axis; of equal ones the first come first."""
    order = numpy.argsort(-y_pred, axis=-1, kind="stable")
    found = numpy.zeros(y_pred.shape, dtype=bool)
    numpy.put_along_axis(found, order[..., :k], True, axis=-1)
    return found


def counts(is_true: Array, said: Array, weight: Array) -> Mapping[str, Array]:
    """Sums of weights of the four outcomes: tp, fp, tn, fn. said: (..., thresholds), is_true and weight: (...)."""
    truth, each = is_true[..., None], weight[..., None]
    axes = tuple(range(is_true.ndim))
    return {
        "tp": numpy.sum(each * (truth & said), axis=axes),
        "fp": numpy.sum(each * (~truth & said), axis=axes),
        "tn": numpy.sum(each * (~truth & ~said), axis=axes),
        "fn": numpy.sum(each * (truth & ~said), axis=axes),
    }


def _at_the_threshold(layer: Any, y_pred: Array) -> Array:
    return y_pred[..., None] >= numpy.array(as_tuple(layer.thresholds))


COUNT_MUTANTS = (
    *METRIC_MUTANTS,
    IGNORES_MASK,
    Mutant("threshold_at_half", "takes 1/2 for the threshold", config=lambda layer: {"thresholds": None}),
    Mutant(
        "includes_threshold", "takes a prediction at the threshold for positive", methods={"said": _at_the_threshold}
    ),
)


class _AtThresholds(_Metric):
    """Metrics of outcomes at one threshold, which give a number, or at several, which give one for each."""

    thresholds: Thresholds = arg("from where on, itself left out, a prediction is positive; 1/2 if null", default=None)

    def check(self) -> None:
        check_thresholds(self.thresholds)

    def said(self, y_pred: Array) -> Array:
        """(..., thresholds): which predictions are positive."""
        return y_pred[..., None] > numpy.array(as_tuple(self.thresholds))

    def update(self, y_true: Array, y_pred: Array, weight: Any) -> Mapping[str, Any]:
        y_true, y_pred = in_one_shape(y_true, y_pred)
        return counts(y_true != 0, self.said(y_pred), spread_over(weight, y_pred))

    def one_or_several(self, values: Any) -> Array:
        """A number where there is one threshold; where nothing was counted yet, a 0 for each."""
        wide = numpy.broadcast_to(values, (len(as_tuple(self.thresholds)),))
        return wide[0] if wide.size == 1 else wide


class TruePositives(_AtThresholds):
    """The weight of positives that are predicted as such. Both (batch, ...); gives () or (thresholds,)."""

    native = of_torchmetrics("classification.BinaryStatScores")
    mutants = (
        *COUNT_MUTANTS,
        Mutant("all_predicted", "counts all that is predicted positive", methods={"result": lambda m, s: _said(m, s)}),
    )

    def result(self, state: State) -> Any:
        return self.one_or_several(state["tp"])


def _said(layer: Any, state: State) -> Array:
    return layer.one_or_several(state["tp"] + state["fp"])


def _counted(name: str) -> Any:
    return lambda layer, state: layer.one_or_several(state[name])


class FalsePositives(_AtThresholds):
    """The weight of negatives that are predicted positive. Both (batch, ...); gives () or (thresholds,)."""

    native = of_torchmetrics("classification.BinaryStatScores")
    mutants = (*COUNT_MUTANTS, Mutant("swapped", "counts false negatives", methods={"result": _counted("fn")}))

    def result(self, state: State) -> Any:
        return self.one_or_several(state["fp"])


class TrueNegatives(_AtThresholds):
    """The weight of negatives that are predicted as such. Both (batch, ...); gives () or (thresholds,)."""

    native = of_torchmetrics("classification.BinaryStatScores")
    mutants = (*COUNT_MUTANTS, Mutant("swapped", "counts true positives", methods={"result": _counted("tp")}))

    def result(self, state: State) -> Any:
        return self.one_or_several(state["tn"])


class FalseNegatives(_AtThresholds):
    """The weight of positives that are predicted negative. Both (batch, ...); gives () or (thresholds,)."""

    native = of_torchmetrics("classification.BinaryStatScores")
    mutants = (*COUNT_MUTANTS, Mutant("swapped", "counts false positives", methods={"result": _counted("fp")}))

    def result(self, state: State) -> Any:
        return self.one_or_several(state["fn"])


def _all_classes(layer: Any) -> Mapping[str, Any]:
    return {"class_id": None}


class _OfPositives(_AtThresholds):
    """Precision and recall: what of the outcomes is true."""

    other: ClassVar[str]
    """The outcome that stands beside the true positives in the divisor."""

    top_k: int | None = arg("how many of the largest predictions are positive, in place of thresholds", default=None)
    class_id: int | None = arg("the class, on the last axis, that alone is looked at", default=None)

    def said(self, y_pred: Array) -> Array:
        if self.top_k is None:
            return super().said(y_pred)
        positive = among_the_largest(y_pred, self.top_k)[..., None]
        return positive if self.thresholds is None else positive & super().said(y_pred)

    def update(self, y_true: Array, y_pred: Array, weight: Any) -> Mapping[str, Any]:
        y_true, y_pred = in_one_shape(y_true, y_pred)
        said = numpy.moveaxis(self.said(y_pred), -1, 0)
        y_true, weight, said = of_class(self.class_id, y_true, spread_over(weight, y_pred), said)
        return counts(y_true != 0, numpy.moveaxis(said, 0, -1), weight)

    def result(self, state: State) -> Any:
        return self.one_or_several(share(state["tp"], state["tp"] + state[self.other]))


POSITIVE_MUTANTS = (
    *METRIC_MUTANTS,
    IGNORES_MASK,
    COUNT_MUTANTS[-2],
    Mutant(
        "includes_threshold",
        "takes a prediction at the threshold for positive",
        methods={"said": lambda m, p: _at_the_threshold(m, p) if m.top_k is None else super(type(m), m).said(p)},
    ),
    Mutant("all_classes", "looks at all classes", config=_all_classes),
    Mutant("one_more", "takes one more of the largest", config=lambda m: {"top_k": m.top_k and m.top_k + 1}),
    Mutant("no_top_k", "looks at thresholds alone", config=lambda m: {"top_k": None}),
)


class Precision(_OfPositives):
    """tp / (tp + fp): what of the positive predictions is right, 0 where there are none.

    Both (batch, ..., classes) or (batch,); gives () or (thresholds,). `top_k` and `class_id` take the last axis for
    classes.
    """

    native = of_torchmetrics("classification.BinaryPrecision")
    other = "fp"
    mutants = (*POSITIVE_MUTANTS, Mutant("recall", "gives recall", methods={"other": "fn"}))


class Recall(_OfPositives):
    """tp / (tp + fn): which of the positive labels is found, 0 where there are none.

    Both (batch, ..., classes) or (batch,); gives () or (thresholds,). `top_k` and `class_id` take the last axis for
    classes.
    """

    native = of_torchmetrics("classification.BinaryRecall")
    other = "fn"
    mutants = (*POSITIVE_MUTANTS, Mutant("precision", "gives precision", methods={"other": "fp"}))


def _mean_of_both(layer: Any, state: State) -> Any:
    """The mean of precision and recall in the place of their harmonic mean."""
    tp, fp, fn = (numpy.asarray(state[name]) for name in ("tp", "fp", "fn"))
    return layer.averaged((share(tp, tp + fp) + share(tp, tp + fn)) / 2.0, tp + fn)


F_MUTANTS = (
    *METRIC_MUTANTS,
    IGNORES_MASK,
    Mutant("not_weighted", "weighs all classes alike", config=lambda m: {"average": m.average and "macro"}),
    Mutant("counts_together", "counts all classes together", config=lambda m: {"average": m.average and "micro"}),
    Mutant("mean", "takes the mean of precision and recall", methods={"result": _mean_of_both}),
    Mutant("largest_alone", "looks for the largest prediction", config=lambda m: {"threshold": None}),
)


class _FScore(_Metric):
    """(1 + beta^2) P R / (beta^2 P + R) of precision P and recall R, 0 where it is 0 / 0."""

    average: Literal["micro", "macro", "weighted"] | None = arg(
        "micro: all classes together; macro: the mean of classes; weighted: by their labels; null: a score each",
        default=None,
    )
    threshold: float | None = arg("from where on, itself left out, a prediction is positive", default=None)

    def check(self) -> None:
        if self.weight_of_recall() <= 0:
            raise LayerError("beta must be above 0")
        if self.threshold is not None and not 0 < self.threshold <= 1:
            raise LayerError(f"threshold must lie above 0 and up to 1, not {self.threshold:g}")

    def weight_of_recall(self) -> float:
        """beta, which is squared."""
        return 1.0

    def update(self, y_true: Array, y_pred: Array, weight: Any) -> Mapping[str, Any]:
        said = among_the_largest(y_pred, 1) if self.threshold is None else y_pred > numpy.float32(self.threshold)
        each, truth = spread_over(weight, y_pred), y_true != 0
        sums = {"tp": truth & said, "fp": ~truth & said, "fn": truth & ~said}
        return {name: numpy.sum(each * which, axis=0) for name, which in sums.items()}

    def averaged(self, scores: Array, labels: Array) -> Any:
        """Scores of the classes as one number, where one is wanted; labels: (classes,), the weight of each."""
        if self.average == "weighted":
            return share(numpy.sum(scores * labels), numpy.sum(labels))
        return numpy.mean(scores) if self.average == "macro" else scores

    def result(self, state: State) -> Any:
        if not state:
            raise LayerError("no batch yet: how many classes there are is not known")
        tp, fp, fn = (numpy.asarray(state[name]) for name in ("tp", "fp", "fn"))
        if self.average == "micro":
            tp, fp, fn = numpy.sum(tp), numpy.sum(fp), numpy.sum(fn)
        squared = self.weight_of_recall() ** 2
        return self.averaged(share((1.0 + squared) * tp, (1.0 + squared) * tp + squared * fn + fp), tp + fn)


class FBetaScore(_FScore):
    """(1 + beta^2) P R / (beta^2 P + R) of precision P and recall R, 0 where it is 0 / 0. Both (batch, classes).

    Gives (classes,) or, averaged, (). Without a threshold the largest prediction of a sample, of equal ones
    the first, is its class.
    """

    native = of_torchmetrics("classification.MulticlassFBetaScore")
    beta: float = arg("how much recall weighs against precision", default=1.0)
    mutants = (
        *F_MUTANTS,
        Mutant("beta_of_one", "leaves beta out", methods={"weight_of_recall": lambda m: 1.0}),
        Mutant("beta_not_squared", "does not square beta", methods={"weight_of_recall": lambda m: m.beta**0.5}),
    )

    def weight_of_recall(self) -> float:
        return self.beta


class F1Score(_FScore):
    """2 P R / (P + R) of precision P and recall R, 0 where it is 0 / 0. Both (batch, classes).

    Gives (classes,) or, averaged, (). Without a threshold the largest prediction of a sample, of equal ones
    the first, is its class.
    """

    native = of_torchmetrics("classification.MulticlassF1Score")
    mutants = F_MUTANTS
