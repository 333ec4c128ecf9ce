"""Metrics that are a mean over samples: of given values, of a loss, of how often a prediction is right."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy

from . import distances, losses, margins
from .base import Array, LayerError, Mutant, Weights, arg
from .losses import NO_SMOOTHING, OTHER_LOGITS, same_rank
from .metric_base import (
    IGNORES_MASK,
    METRIC_MUTANTS,
    State,
    _Metric,
    given,
    numbers,
    of_torchmetrics,
    replaced,
    share,
    spread_over,
    weight_of,
)
from .traits import absent


def over_samples(values: Array, weight: Any) -> Mapping[str, Any]:
    """What a batch adds to a weighted mean. A sample counts once, however many steps it has.

    values: (batch, ...). For each sample the means of weight * value and of weight over its own axes; both are summed.
    That means are taken sample by sample is Keras 3.15.1's; the documentation says "the weighted mean" and no more.
    """
    if weight is not None and weight.ndim:
        values, weight = same_rank(values, weight)
    weight = spread_over(weight, values)
    own = tuple(range(1, values.ndim))
    return {"total": numpy.sum(numpy.mean(weight * values, axis=own)), "count": numpy.sum(numpy.mean(weight, axis=own))}


def _of_batches(layer: Any, *batch: Any) -> Mapping[str, Any]:
    sums = super(type(layer), layer).update(*batch)
    return {"total": share(sums["total"], sums["count"]), "count": 1.0}


def _of_samples(layer: Any, *batch: Any) -> Mapping[str, Any]:
    samples = float(len(batch[0])) if numpy.ndim(batch[0]) else 1.0
    return {**super(type(layer), layer).update(*batch), "count": samples}


MEAN_MUTANTS = (
    *METRIC_MUTANTS,
    Mutant(
        "mean_of_batches",
        "takes the mean of the batches' results, so that a short last batch counts as much as a long one",
        methods={"update": _of_batches},
    ),
    Mutant("divides_by_samples", "divides by samples and not by weights", methods={"update": _of_samples}),
)
PAIR_MUTANTS = (*MEAN_MUTANTS, IGNORES_MASK)
VALUES_MASK = Mutant("ignores_mask", "lets padding count", inputs=replaced(values_mask=None))


class _OfValues(_Metric):
    """Metrics of given values."""

    def call(  # type: ignore[override]  # values, in the place of labels and predictions
        self,
        w: Weights,
        values: Any = None,
        sample_weight: Any = None,
        values_mask: Any = None,
        reset_state: bool = False,
    ) -> Array:
        if reset_state:
            w.state.clear()
        if values is not None:
            self.add(w, self.update(numbers(values), weight_of(sample_weight, values_mask)))
        return self.reported(w)

    def update(self, values: Array, weight: Any) -> Mapping[str, Any]:  # type: ignore[override]  # as in `call`
        """What one batch of values adds to each sum."""
        raise NotImplementedError


class Mean(_OfValues):
    """sum(weight * value) / sum(weight) over all batches, 0 where nothing has counted. values: (batch, ...) or ()."""

    native = of_torchmetrics("MeanMetric")
    mutants = (*MEAN_MUTANTS, VALUES_MASK)

    def update(self, values: Array, weight: Any) -> Mapping[str, Any]:  # type: ignore[override]  # as in `call`
        return over_samples(values, weight)

    def result(self, state: State) -> Any:
        return share(state["total"], state["count"])


class Sum(_OfValues):
    """sum(weight * value) over all batches. values: (batch, ...) or ()."""

    native = of_torchmetrics("SumMetric")
    mutants = (
        *METRIC_MUTANTS,
        VALUES_MASK,
        Mutant("squared", "sums squares", inputs=given("values", lambda m, x: x * x)),
    )

    def update(self, values: Array, weight: Any) -> Mapping[str, Any]:  # type: ignore[override]  # as in `call`
        if weight is not None and weight.ndim:
            values, weight = same_rank(values, weight)
        return {"total": numpy.sum(spread_over(weight, values) * values)}

    def result(self, state: State) -> Any:
        return state["total"]


class _MeanOf(_Metric):
    """Metrics that are the mean of a number for each sample, or for each step of a sample."""

    def each(self, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
        """The numbers, and a mask of those that count, or None."""
        raise NotImplementedError

    def update(self, y_true: Array, y_pred: Array, weight: Any) -> Mapping[str, Any]:
        values, counted = self.each(*same_rank(y_true, y_pred))
        return over_samples(numbers(values), weight_of(weight, counted))

    def result(self, state: State) -> Any:
        return share(state["total"], state["count"])


class _MeanLoss(_MeanOf):
    """The mean of a loss: `keras.losses` has the class of the same name."""

    native = absent("torch has the loss, and no mean of it over batches")

    def loss(self) -> Any:
        """The loss, with the arguments of the metric."""
        raise NotImplementedError

    def each(self, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
        values, counted = self.loss().losses(y_true, y_pred)
        return numbers(values), counted


class MeanSquaredError(_MeanLoss):
    """The mean of (y_true - y_pred)^2 over all batches. Both (batch, ..., features)."""

    native = of_torchmetrics("MeanSquaredError")
    mutants = (*PAIR_MUTANTS, Mutant("root", "takes the root", output=lambda layer, y, args: numpy.sqrt(y)))

    def loss(self) -> Any:
        return losses.MeanSquaredError()


class RootMeanSquaredError(_MeanOf):
    """The root of the mean of (y_true - y_pred)^2 over all batches. Both (batch, ..., features)."""

    native = of_torchmetrics("MeanSquaredError(squared=False)")
    mutants = (
        *METRIC_MUTANTS,
        IGNORES_MASK,
        Mutant("no_root", "forgets the root", methods={"result": lambda m, s: share(s["total"], s["count"])}),
        Mutant(
            "mean_of_roots",
            "takes the root of each batch",
            methods={
                "update": lambda m, *batch: {
                    "total": numpy.sqrt(share(*super(type(m), m).update(*batch).values())),
                    "count": 1.0,
                },
                "result": lambda m, s: share(s["total"], s["count"]),
            },
        ),
    )

    def each(self, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
        return (y_true - y_pred) ** 2, None

    def result(self, state: State) -> Any:
        return numpy.sqrt(share(state["total"], state["count"]))


class MeanAbsoluteError(_MeanLoss):
    """The mean of |y_true - y_pred| over all batches. Both (batch, ..., features)."""

    native = of_torchmetrics("MeanAbsoluteError")
    mutants = PAIR_MUTANTS

    def loss(self) -> Any:
        return losses.MeanAbsoluteError()


class MeanAbsolutePercentageError(_MeanLoss):
    """The mean of 100 |y_true - y_pred| / |y_true| over all batches. Both (batch, ..., features)."""

    native = of_torchmetrics("MeanAbsolutePercentageError")
    mutants = (
        *PAIR_MUTANTS,
        Mutant("fraction", "forgets the 100", output=lambda layer, y, args: y / 100.0),
    )

    def loss(self) -> Any:
        return distances.MeanAbsolutePercentageError()


class MeanSquaredLogarithmicError(_MeanLoss):
    """The mean of (log(y_true + 1) - log(y_pred + 1))^2 over all batches. Both (batch, ..., features)."""

    native = of_torchmetrics("MeanSquaredLogError")
    mutants = (*PAIR_MUTANTS, Mutant("root", "takes the root", output=lambda layer, y, args: numpy.sqrt(y)))

    def loss(self) -> Any:
        return distances.MeanSquaredLogarithmicError()


class LogCoshError(_MeanLoss):
    """The mean of log cosh(y_pred - y_true) over all batches. Both (batch, ..., features)."""

    native = of_torchmetrics("LogCoshError")
    mutants = (
        *PAIR_MUTANTS,
        Mutant("without_log_2", "forgets the halves of cosh", output=lambda layer, y, args: y + math.log(2.0)),
    )

    def loss(self) -> Any:
        return distances.LogCosh()


class CosineSimilarity(_MeanOf):
    """The mean cosine of the angle between y_true and y_pred: 1 where they point the same way.

    Both (batch, ..., features). The loss of this name is the negative.
    """

    native = of_torchmetrics("CosineSimilarity")
    axis: int = arg("axis of the vectors", default=-1)
    mutants = (*PAIR_MUTANTS, Mutant("as_loss", "gives the loss, which is negative", output=lambda m, y, args: -y))

    def each(self, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
        return -numbers(distances.CosineSimilarity(axis=self.axis).losses(y_true, y_pred)[0]), None


class Poisson(_MeanLoss):
    """The mean of y_pred - y_true log(y_pred) over all batches. Both (batch, ..., features)."""

    mutants = (
        *PAIR_MUTANTS,
        Mutant("log_input", "takes logarithms of rates", inputs=given("y_pred", lambda m, p: numpy.exp(p))),
    )

    def loss(self) -> Any:
        return distances.Poisson()


class KLDivergence(_MeanLoss):
    """The mean of sum(y_true log(y_true / y_pred)) over all batches. Both (batch, ..., classes)."""

    native = of_torchmetrics("KLDivergence")
    mutants = (*PAIR_MUTANTS, Mutant("halved", "takes half of it", output=lambda layer, y, args: y / 2.0))

    def loss(self) -> Any:
        return margins.KLDivergence()


class Hinge(_MeanLoss):
    """The mean of max(1 - y_true y_pred, 0) over all batches; a batch of labels 0 and 1 is taken for -1 and 1.

    Both (batch, ..., outputs).
    """

    native = of_torchmetrics("classification.BinaryHingeLoss")
    mutants = (
        *PAIR_MUTANTS,
        Mutant(
            "labels_as_they_are",
            "leaves labels of 0",
            inputs=given("y_true", lambda m, y: numbers(y) + 2 * margins.SAME_LABEL),
        ),
    )

    def loss(self) -> Any:
        return margins.Hinge()


class SquaredHinge(_MeanLoss):
    """The mean of max(1 - y_true y_pred, 0)^2 over all batches. Both (batch, ..., outputs)."""

    native = of_torchmetrics("classification.BinaryHingeLoss(squared=True)")
    mutants = (*PAIR_MUTANTS, Mutant("root", "takes the root", output=lambda layer, y, args: numpy.sqrt(y)))

    def loss(self) -> Any:
        return margins.SquaredHinge()


class CategoricalHinge(_MeanLoss):
    """The mean of max(1 + max((1 - y) p) - sum(y p), 0) over all batches. Both (batch, ..., classes), y one-hot."""

    native = of_torchmetrics("classification.MulticlassHingeLoss")
    mutants = PAIR_MUTANTS

    def loss(self) -> Any:
        return margins.CategoricalHinge()


class BinaryCrossentropy(_MeanLoss):
    """The mean of -y log p - (1 - y) log(1 - p) over all batches. Both (batch, ..., outputs)."""

    from_logits: bool = arg("whether y_pred are logits; else probabilities", default=False)
    label_smoothing: float = arg("how far labels move towards 1/2", default=0.0, at_least=0)
    mutants = (*PAIR_MUTANTS, OTHER_LOGITS, NO_SMOOTHING)

    def loss(self) -> Any:
        return losses.BinaryCrossentropy(from_logits=self.from_logits, label_smoothing=self.label_smoothing)


class CategoricalCrossentropy(_MeanLoss):
    """The mean of -sum(y log p) over all batches. Both (batch, ..., classes)."""

    from_logits: bool = arg("whether y_pred are logits; else probabilities", default=False)
    label_smoothing: float = arg("how far labels move towards the even distribution", default=0.0, at_least=0)
    axis: int = arg("axis of the classes", default=-1)
    mutants = (*PAIR_MUTANTS, OTHER_LOGITS, NO_SMOOTHING)

    def loss(self) -> Any:
        return losses.CategoricalCrossentropy(
            from_logits=self.from_logits, label_smoothing=self.label_smoothing, axis=self.axis
        )


class SparseCategoricalCrossentropy(_MeanLoss):
    """The mean of -log p[label] over all batches. y_true: (batch, ...), y_pred: (batch, ..., classes).

    Labels equal to `ignore_class` do not count.
    """

    from_logits: bool = arg("whether y_pred are logits; else probabilities", default=False)
    ignore_class: int | None = arg("label that does not count", default=None)
    axis: int = arg("axis of the classes", default=-1)
    mutants = (
        *PAIR_MUTANTS,
        OTHER_LOGITS,
        Mutant(
            "counts_ignored",
            "counts the samples that are ignored where it divides",
            methods={"each": lambda m, *batch: (super(type(m), m).each(*batch)[0], None)},
        ),
    )

    def loss(self) -> Any:
        return losses.SparseCategoricalCrossentropy(
            from_logits=self.from_logits, ignore_class=self.ignore_class, axis=self.axis
        )


RIGHT_AS_WRONG = Mutant("error_rate", "counts what is wrong", output=lambda layer, y, args: 1.0 - y)


class Accuracy(_MeanOf):
    """How often y_pred equals y_true. Both (batch, ...)."""

    native = of_torchmetrics("classification.MulticlassAccuracy(average='micro')")
    mutants = (*PAIR_MUTANTS, RIGHT_AS_WRONG)

    def each(self, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
        return numbers(y_true == y_pred), None


class BinaryAccuracy(_MeanOf):
    """How often y_pred > threshold is y_true, which is 0 or 1. Both (batch, ...)."""

    native = of_torchmetrics("classification.BinaryAccuracy")
    threshold: float = arg("from where on, itself left out, a prediction means 1", default=0.5)
    mutants = (
        *PAIR_MUTANTS,
        RIGHT_AS_WRONG,
        Mutant("threshold_at_half", "takes 1/2 for the threshold", config=lambda layer: {"threshold": 0.5}),
        Mutant(
            "includes_threshold",
            "takes a prediction at the threshold for 1",
            methods={"each": lambda m, y, p: (numbers((p >= m.threshold) == y), None)},
        ),
    )

    def each(self, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
        return numbers((y_pred > numpy.float32(self.threshold)) == y_true), None


class CategoricalAccuracy(_MeanOf):
    """How often the largest prediction is that of the label. Both (batch, ..., classes), y_true one-hot.

    Of several largest the first counts.
    """

    native = of_torchmetrics("classification.MulticlassAccuracy(average='micro')")
    mutants = (*PAIR_MUTANTS, RIGHT_AS_WRONG)

    def update(self, y_true: Array, y_pred: Array, weight: Any) -> Mapping[str, Any]:
        same = numpy.argmax(y_true, axis=-1) == numpy.argmax(y_pred, axis=-1)
        return over_samples(numbers(same), weight)


def labels_for(y_true: Array, y_pred: Array) -> Array:
    """Labels (batch, ...), from (batch, ...) or (batch, ..., 1). Raises LayerError where they do not fit."""
    labels = y_true[..., 0] if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1 else y_true
    if labels.shape != y_pred.shape[:-1]:
        raise LayerError(f"labels {y_true.shape} do not fit predictions {y_pred.shape}")
    return labels.astype(int)


class SparseCategoricalAccuracy(_MeanOf):
    """How often the largest prediction is that of the label. y_true: (batch, ...), y_pred: (batch, ..., classes)."""

    native = of_torchmetrics("classification.MulticlassAccuracy(average='micro')")
    mutants = (*PAIR_MUTANTS, RIGHT_AS_WRONG)

    def update(self, y_true: Array, y_pred: Array, weight: Any) -> Mapping[str, Any]:
        return over_samples(numbers(labels_for(y_true, y_pred) == numpy.argmax(y_pred, axis=-1)), weight)


def in_top(labels: Array, y_pred: Array, k: int) -> Array:
    """Whether fewer than k classes have a larger prediction than the label's; labels: (batch, ...)."""
    own = numpy.take_along_axis(y_pred, labels[..., None], axis=-1)
    return numbers(numpy.sum(y_pred > own, axis=-1) < k)


TOP_MUTANTS = (
    Mutant("one_more", "looks at k + 1 classes", config=lambda layer: {"k": layer.k + 1}),
    Mutant("largest_alone", "looks at the largest alone", config=lambda layer: {"k": 1}),
)


class TopKCategoricalAccuracy(_MeanOf):
    """How often the label is among the k largest predictions. Both (batch, ..., classes), y_true one-hot."""

    native = of_torchmetrics("classification.MulticlassAccuracy(top_k=5, average='micro')")
    k: int = arg("how many of the largest predictions count", default=5)
    mutants = (*PAIR_MUTANTS, *TOP_MUTANTS)

    def update(self, y_true: Array, y_pred: Array, weight: Any) -> Mapping[str, Any]:
        return over_samples(in_top(numpy.argmax(y_true, axis=-1), y_pred, self.k), weight)


class SparseTopKCategoricalAccuracy(_MeanOf):
    """How often the label is among the k largest predictions. y_true: (batch, ...), y_pred: (batch, ..., classes).

    With `from_sorted_ids` y_pred holds labels, the likeliest first, and the first k of them count.
    """

    native = of_torchmetrics("classification.MulticlassAccuracy(top_k=5, average='micro')")
    k: int = arg("how many of the largest predictions count", default=5)
    from_sorted_ids: bool = arg("whether y_pred holds labels, the likeliest first", default=False)
    mutants = (
        *PAIR_MUTANTS,
        *TOP_MUTANTS,
        Mutant("not_sorted", "takes labels for predictions", config=lambda layer: {"from_sorted_ids": False}),
    )

    def update(self, y_true: Array, y_pred: Array, weight: Any) -> Mapping[str, Any]:
        labels = labels_for(y_true, y_pred)
        if self.from_sorted_ids:
            same = numpy.any(y_pred[..., : self.k] == labels[..., None], axis=-1)
            return over_samples(numbers(same), weight)
        return over_samples(in_top(labels, y_pred, self.k), weight)
