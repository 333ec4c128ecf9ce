"""Metrics of overlap: the intersection of labels and predictions over their union, for each class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy

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


def confusion(labels: Array, predictions: Array, weight: Array, classes: int) -> Array:
    """(classes, classes): the weight of what has this label (row) and this prediction (column)."""
    for name, found in (("labels", labels), ("predictions", predictions)):
        if found.size and not (found.min() >= 0 and found.max() < classes):
            raise LayerError(f"{name} must lie in 0 to {classes - 1}")
    matrix = numpy.zeros((classes, classes))
    numpy.add.at(matrix, (labels.astype(int).ravel(), predictions.astype(int).ravel()), weight.ravel())
    return matrix


def overlaps(matrix: Array) -> tuple[Array, Array]:
    """Of each class: the intersection over the union, 0 where there is no union; and whether there is one."""
    both = numpy.diagonal(matrix)
    union = numpy.sum(matrix, axis=0) + numpy.sum(matrix, axis=1) - both
    return share(both, union), union > 0


def _over_larger(layer: Any, matrix: Array) -> tuple[Array, Array]:
    both = numpy.diagonal(matrix)
    summed = numpy.sum(matrix, axis=0) + numpy.sum(matrix, axis=1)
    return share(2.0 * both, summed), summed > 0


def _accuracy(layer: Any, state: State) -> Any:
    return share(numpy.trace(state["matrix"]), numpy.sum(state["matrix"]))


OVERLAP_MUTANTS = (
    *METRIC_MUTANTS,
    IGNORES_MASK,
    Mutant("dice", "gives twice the intersection over the sum", methods={"overlaps": _over_larger}),
    Mutant(
        "absent_counts",
        "counts a class that never occurs as 0",
        methods={"overlaps": lambda m, matrix: (overlaps(matrix)[0], numpy.ones(len(matrix), dtype=bool))},
    ),
)
IGNORED = Mutant("counts_ignored", "counts the class that is ignored", config=lambda m: {"ignore_class": None})


class _Overlap(_Metric):
    """Metrics of a matrix of labels against predictions."""

    def classes(self) -> int:
        """How many there are."""
        raise NotImplementedError

    def targets(self) -> tuple[int, ...]:
        """Those whose mean is reported."""
        return tuple(range(self.classes()))

    def overlaps(self, matrix: Array) -> tuple[Array, Array]:
        return overlaps(matrix)

    def result(self, state: State) -> Any:
        if numpy.ndim(state["matrix"]) == 0:
            return 0.0
        each, occurs = self.overlaps(state["matrix"])
        targets = list(self.targets())
        return share(numpy.sum(each[targets] * occurs[targets]), numpy.sum(occurs[targets]))


class _OfClasses(_Overlap):
    """Labels and predictions as numbers of classes, or as one number for each class."""

    num_classes: int = arg("how many classes there are")
    ignore_class: int | None = arg("label that does not count", default=None)
    sparse_y_true: bool = arg("whether labels are numbers of classes; else one-hot", default=True)
    sparse_y_pred: bool = arg("whether predictions are numbers of classes; else one number a class", default=True)
    axis: int = arg("axis of the classes, where there is one", default=-1)

    def classes(self) -> int:
        return self.num_classes

    def update(self, y_true: Array, y_pred: Array, weight: Any) -> Mapping[str, Any]:
        labels = y_true if self.sparse_y_true else numpy.argmax(y_true, axis=self.axis)
        predictions = y_pred if self.sparse_y_pred else numpy.argmax(y_pred, axis=self.axis)
        if labels.ndim > 1 and labels.ndim == predictions.ndim + 1 and labels.shape[-1] == 1:
            labels = labels[..., 0]
        if labels.size != predictions.size:
            raise LayerError(f"labels {labels.shape} and predictions {predictions.shape} must have one shape")
        each = spread_over(weight, labels)
        if self.ignore_class is not None:
            kept = labels != self.ignore_class
            labels, predictions, each = labels[kept], predictions.reshape(labels.shape)[kept], each[kept]
        return {"matrix": confusion(labels, predictions, each, self.num_classes)}


class IoU(_OfClasses):
    """The mean over `target_class_ids` of intersection over union; classes that never occur are left out.

    Both (batch, ...), or (batch, ..., classes) where not sparse; gives ().
    """

    native = of_torchmetrics("classification.MulticlassJaccardIndex(average='none')")
    positional = ("num_classes", "target_class_ids")
    target_class_ids: tuple[int, ...] = arg("the classes whose mean is reported")
    mutants = (
        *OVERLAP_MUTANTS,
        IGNORED,
        Mutant("all_classes", "takes all classes", methods={"targets": lambda m: tuple(range(m.num_classes))}),
    )

    def check(self) -> None:
        if max(self.target_class_ids, default=0) >= self.num_classes:
            raise LayerError(f"target_class_ids must lie below {self.num_classes}, not {self.target_class_ids}")

    def targets(self) -> tuple[int, ...]:
        return self.target_class_ids


class MeanIoU(_OfClasses):
    """The mean over all classes of intersection over union; classes that never occur are left out.

    Both (batch, ...), or (batch, ..., classes) where not sparse; gives ().
    """

    native = of_torchmetrics("classification.MulticlassJaccardIndex")
    mutants = (*OVERLAP_MUTANTS, IGNORED, Mutant("accuracy", "gives accuracy", methods={"result": _accuracy}))


class OneHotIoU(_OfClasses):
    """IoU of one-hot labels and, unless `sparse_y_pred`, predictions of all classes, of which the largest counts.

    y_true: (batch, ..., classes), y_pred: (batch, ..., classes) or (batch, ...); gives ().
    """

    native = of_torchmetrics("classification.MulticlassJaccardIndex(average='none')")
    target_class_ids: tuple[int, ...] = arg("the classes whose mean is reported")
    sparse_y_true: bool = arg("always false: labels are one-hot", default=False)
    sparse_y_pred: bool = arg("whether predictions are numbers of classes; else one number a class", default=False)
    mutants = IoU.mutants

    def targets(self) -> tuple[int, ...]:
        return self.target_class_ids


class OneHotMeanIoU(_OfClasses):
    """MeanIoU of one-hot labels and, unless `sparse_y_pred`, predictions of all classes, of which the largest counts.

    y_true: (batch, ..., classes), y_pred: (batch, ..., classes) or (batch, ...); gives ().
    """

    native = of_torchmetrics("classification.MulticlassJaccardIndex")
    sparse_y_true: bool = arg("always false: labels are one-hot", default=False)
    sparse_y_pred: bool = arg("whether predictions are numbers of classes; else one number a class", default=False)
    mutants = MeanIoU.mutants


class BinaryIoU(_Overlap):
    """The mean over the classes 0 and 1, or one of them, of intersection over union. Both (batch, ...); gives ().

    Predictions from `threshold` on are 1.
    """

    native = of_torchmetrics("classification.BinaryJaccardIndex")
    target_class_ids: tuple[int, ...] = arg("the classes whose mean is reported", default=(0, 1))
    threshold: float = arg("from where on, itself included, a prediction means 1", default=0.5)
    mutants = (
        *OVERLAP_MUTANTS[:-1],
        Mutant("both_classes", "takes both classes", config=lambda m: {"target_class_ids": (0, 1)}),
        Mutant("threshold_at_half", "takes 1/2 for the threshold", config=lambda m: {"threshold": 0.5}),
        Mutant("excludes_threshold", "takes the threshold for 0", inputs=given("y_pred", lambda m, p: _below(m, p))),
    )

    def classes(self) -> int:
        return 2

    def targets(self) -> tuple[int, ...]:
        return self.target_class_ids

    def update(self, y_true: Array, y_pred: Array, weight: Any) -> Mapping[str, Any]:
        predictions = numbers(y_pred >= numpy.float32(self.threshold))
        return {"matrix": confusion(y_true, predictions, spread_over(weight, y_true), 2)}


def _below(layer: Any, y_pred: Any) -> Array:
    return numbers(y_pred) - 1e-6
