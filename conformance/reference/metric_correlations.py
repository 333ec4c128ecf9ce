"""Metrics of how far predictions go along with labels: the share of variance explained, and correlations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy

from .base import Array, LayerError, Mutant, arg
from .metric_base import IGNORES_MASK, METRIC_MUTANTS, State, _Metric, of_torchmetrics, share, spread_over
from .metrics import PAIR_MUTANTS, _MeanOf


def _about_zero(layer: Any, state: State) -> Array:
    return state["squares"]


class R2Score(_Metric):
    """1 - sum(w (y_true - y_pred)^2) / sum(w (y_true - mean(y_true))^2) over all batches, for each output.

    Both (batch, outputs); gives (), or (outputs,) where `class_aggregation` is null. `variance_weighted_average` weighs
    outputs by the divisor. With `num_regressors` p over n samples it is adjusted: 1 - (1 - R2) (n - 1) / (n - p - 1).
    """

    native = of_torchmetrics("R2Score")
    class_aggregation: Literal["uniform_average", "variance_weighted_average"] | None = arg(
        "how outputs become one number; null keeps one for each", default="uniform_average"
    )
    num_regressors: int = arg("how many inputs the model has, for the adjusted score", default=0, at_least=0)

    mutants = (
        *METRIC_MUTANTS,
        IGNORES_MASK,
        Mutant("about_zero", "takes labels about 0 and not about their mean", methods={"total": _about_zero}),
        Mutant("not_adjusted", "leaves the number of inputs out", config=lambda m: {"num_regressors": 0}),
        Mutant("unexplained", "gives what is not explained", output=lambda m, y, args: 1.0 - y),
        Mutant(
            "alike",
            "weighs all outputs alike",
            config=lambda m: {"class_aggregation": m.class_aggregation and "uniform_average"},
        ),
        Mutant("elements_as_samples", "counts every output as a sample", methods={"samples": lambda m, y: y.size}),
    )

    def samples(self, y_true: Array) -> float:
        """How many a batch has."""
        return len(y_true)

    def update(self, y_true: Array, y_pred: Array, weight: Any) -> Mapping[str, Any]:
        if y_true.shape != y_pred.shape or y_true.ndim != 2:
            raise LayerError(f"labels {y_true.shape} and predictions {y_pred.shape} must both be (batch, outputs)")
        each = spread_over(weight, y_true)
        return {
            "sum": numpy.sum(each * y_true, axis=0),
            "squares": numpy.sum(each * y_true**2, axis=0),
            "residual": numpy.sum(each * (y_true - y_pred) ** 2, axis=0),
            "count": numpy.sum(each, axis=0),
            "samples": self.samples(y_true),
        }

    def total(self, state: State) -> Array:
        """sum(w (y - mean)^2), of the sums of w y and w y^2."""
        return state["squares"] - share(state["sum"] ** 2, state["count"])

    def result(self, state: State) -> Any:
        if not state:
            raise LayerError("no batch yet: there is nothing to explain")
        total = self.total(state)
        scores = 1.0 - share(state["residual"], total)
        if self.class_aggregation == "uniform_average":
            scores = numpy.mean(scores)
        elif self.class_aggregation == "variance_weighted_average":
            scores = share(numpy.sum(scores * total), numpy.sum(total))
        if not self.num_regressors:
            return scores
        left = state["samples"] - self.num_regressors - 1.0
        return 1.0 - (1.0 - scores) * (state["samples"] - 1.0) / left if left > 0 else scores


def centred(x: Array, axis: int) -> tuple[Array, Array]:
    """The mean along an axis, and what is left without it."""
    mean = numpy.mean(x, axis=axis, keepdims=True)
    return mean, x - mean


class PearsonCorrelation(_MeanOf):
    """The mean over samples of cov(y_true, y_pred) / (std(y_true) std(y_pred)) along an axis.

    Both (batch, ..., values).
    """

    native = of_torchmetrics("PearsonCorrCoef")
    axis: int = arg("axis along which values are correlated", default=-1)
    mutants = (
        *PAIR_MUTANTS,
        Mutant(
            "squared", "gives the square", methods={"each": lambda m, *b: (super(type(m), m).each(*b)[0] ** 2, None)}
        ),
        Mutant("other_axis", "correlates along the batch", config=lambda m: {"axis": 0 if m.axis else -1}),
        Mutant("cosine", "does not take the mean away", methods={"centred": lambda m, x: (0.0, x)}),
    )

    def centred(self, x: Array) -> tuple[Any, Array]:
        return centred(x, self.axis)

    def each(self, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
        (_, y), (_, p) = self.centred(y_true), self.centred(y_pred)
        lengths = numpy.sqrt(numpy.sum(y**2, axis=self.axis) * numpy.sum(p**2, axis=self.axis))
        return share(numpy.sum(y * p, axis=self.axis), lengths), None


class ConcordanceCorrelation(_MeanOf):
    """The mean over samples of 2 cov / (var(y_true) + var(y_pred) + (difference of means)^2) along an axis.

    Both (batch, ..., values). Lin, A concordance correlation coefficient to evaluate reproducibility, 1989.
    """

    native = of_torchmetrics("ConcordanceCorrCoef")
    axis: int = arg("axis along which values are compared", default=-1)
    mutants = (
        *PAIR_MUTANTS,
        Mutant("other_axis", "compares along the batch", config=lambda m: {"axis": 0 if m.axis else -1}),
        Mutant("without_means", "leaves the difference of means out", methods={"apart": lambda m, y, p: 0.0}),
    )

    def apart(self, y: Array, p: Array) -> Any:
        """How far the means lie apart, squared."""
        return numpy.squeeze(y - p, self.axis) ** 2

    def each(self, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
        (first, y), (second, p) = centred(y_true, self.axis), centred(y_pred, self.axis)
        variances = numpy.mean(y**2, axis=self.axis) + numpy.mean(p**2, axis=self.axis)
        return share(2.0 * numpy.mean(y * p, axis=self.axis), variances + self.apart(first, second)), None
