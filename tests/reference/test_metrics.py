"""Metrics against numbers worked out by hand or published, over batches; and that a class is missed by no test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy
import pytest

from conformance.reference.base import Layer, LayerError, Weights, make
from conformance.reference.catalog import LAYERS
from tests.reference.metric_batches import CONFIGS, batches


class Told:
    """A metric with its sums, called as in the graph of a case."""

    def __init__(self, kind: str, **config: Any) -> None:
        self.layer: Layer = make(f"metrics.{kind}", config)
        self.weights = Weights({})

    def __call__(self, *batch: Any, **kwargs: Any) -> Any:
        arrays = [numpy.asarray(array) for array in batch]
        return self.layer.call(self.weights, *arrays, **kwargs).tolist()


def test_every_metric_is_in_the_batches() -> None:
    assert {kind for kind in LAYERS if kind.startswith("metrics.")} == {kind for kind, _ in CONFIGS}


@pytest.mark.parametrize(("kind", "config"), CONFIGS, ids=lambda one: one if isinstance(one, str) else "")
def test_one_batch_of_all_samples_gives_what_two_give(kind: str, config: Mapping[str, Any]) -> None:
    first, second, _ = batches(kind, config)
    whole = tuple(numpy.concatenate(pair) for pair in zip(first, second, strict=True))
    weights = numpy.array([1.0, 2.0, 0.0, 0.5]), numpy.array([3.0, 1.0])
    apart, together = Told(kind.partition(".")[2], **config), Told(kind.partition(".")[2], **config)
    apart(*first, sample_weight=weights[0])
    result = apart(*second, sample_weight=weights[1])
    assert result == pytest.approx(together(*whole, sample_weight=numpy.concatenate(weights)), abs=1e-12)
    assert apart(*first, reset_state=True) == Told(kind.partition(".")[2], **config)(*first)


WEIGHED = [one for one in CONFIGS if "num_regressors" not in one[1]]
"""Metrics to which the number of samples is nothing but the sum of their weights."""


@pytest.mark.parametrize(("kind", "config"), WEIGHED, ids=lambda one: one if isinstance(one, str) else "")
def test_a_weight_of_two_is_a_sample_twice(kind: str, config: Mapping[str, Any]) -> None:
    batch = batches(kind, config)[0]
    twice = tuple(numpy.concatenate([array, array[:1]]) for array in batch)
    name = kind.partition(".")[2]
    weighted = Told(name, **config)(*batch, sample_weight=numpy.array([2.0, 1.0, 1.0, 1.0]))
    assert weighted == pytest.approx(Told(name, **config)(*twice), abs=1e-12)


def test_weights_that_fit_nothing_are_refused() -> None:
    with pytest.raises(LayerError, match=r"weights \(3, 1\) do not broadcast to values \(2, 2\)"):
        Told("Mean")([[1.0, 2.0], [3.0, 4.0]], sample_weight=numpy.ones(3))


def test_areas_of_the_documentation() -> None:
    """keras.io: AUC with 3 thresholds of labels 0 0 1 1 and predictions 0 0.5 0.3 0.9."""
    assert Told("AUC", num_thresholds=3)([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9]) == 0.75
    weighted = Told("AUC", num_thresholds=3)(
        [0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9], sample_weight=numpy.array([1, 0, 0, 1])
    )
    assert weighted == 1.0


def test_the_area_is_the_share_of_pairs_in_order() -> None:
    """Hanley and McNeil, 1982: the area under a ROC curve is the chance that a positive is ranked before a negative."""
    random = numpy.random.default_rng(3)
    p, y = random.permutation(40) / 40 + 0.001, random.integers(0, 2, size=40)
    pairs = numpy.mean(p[y == 1][:, None] > p[y == 0][None, :])
    assert Told("AUC", num_thresholds=4001)(y, p) == pytest.approx(pairs, abs=1e-12)


def test_precision_moves_along_a_hyperbola_between_two_points() -> None:
    """Davis and Goadrich, 2006, section 3: from 5 true and 5 false positives to 10 and 30, of 20 positives.

    Each of the 5 positives more brings 5 false ones: precision at 5 + x is (5 + x) / (10 + 6 x).
    """
    steps = numpy.linspace(0.0, 5.0, 200001)
    precision = (5.0 + steps) / (10.0 + 6.0 * steps)
    between = numpy.sum((precision[1:] + precision[:-1]) / 2.0 * numpy.diff(steps)) / 20.0
    layer: Any = make("metrics.AUC", {"curve": "PR"})
    area = layer.precision_between(numpy.array([10.0, 5.0]), numpy.array([30.0, 5.0]), numpy.array([10.0, 15.0]))
    assert area == pytest.approx(between, abs=1e-9)


def test_overlap_of_the_documentation() -> None:
    """keras.io: MeanIoU of labels 0 0 1 1 and predictions 0 1 0 1, and with weights 0.3 0.3 0.3 0.1."""
    assert Told("MeanIoU", num_classes=2)([0, 0, 1, 1], [0, 1, 0, 1]) == pytest.approx(1 / 3)
    weights = numpy.array([0.3, 0.3, 0.3, 0.1])
    weighted = Told("MeanIoU", num_classes=2)([0, 0, 1, 1], [0, 1, 0, 1], sample_weight=weights)
    assert weighted == pytest.approx((0.3 / 0.9 + 0.1 / 0.7) / 2)


def test_f_scores_of_the_documentation() -> None:
    """keras.io: F1Score with the threshold 0.5."""
    y = [[1, 1, 1], [1, 0, 0], [1, 1, 0]]
    p = [[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0.0]]
    assert Told("F1Score", threshold=0.5)(y, p) == pytest.approx([0.5, 0.8, 2 / 3])


def test_r2_of_the_documentation() -> None:
    """keras.io: labels 1 4 3, predictions 2 4 4."""
    assert Told("R2Score")([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]]) == pytest.approx(0.57142857)


def test_concordance_is_that_of_lin() -> None:
    """By hand: (1, 2, 3) against (3, 5, 7): covariance 4/3, variances 2/3 and 8/3, means 2 and 5."""
    assert Told("ConcordanceCorrelation")([[1.0, 2.0, 3.0]], [[3.0, 5.0, 7.0]]) == pytest.approx(8 / 37)
    assert Told("PearsonCorrelation")([[1.0, 2.0, 3.0]], [[3.0, 5.0, 7.0]]) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("kind", "config", "message"),
    [
        ("Recall", {"thresholds": (0.5, 1.5)}, "thresholds must lie in 0 to 1, not 1.5"),
        ("TruePositives", {"thresholds": -0.25}, "thresholds must lie in 0 to 1, not -0.25"),
        ("AUC", {"num_thresholds": 1}, "num_thresholds must be above 1, not 1"),
        ("AUC", {"thresholds": (0.5, 2.0)}, "thresholds must lie in 0 to 1, not 2"),
        ("SensitivityAtSpecificity", {"specificity": 1.5}, "specificity must lie in 0 to 1, not 1.5"),
        ("PrecisionAtRecall", {"recall": 0.5, "num_thresholds": 0}, "num_thresholds must be above 0, not 0"),
        ("FBetaScore", {"beta": -1.0}, "beta must be above 0"),
        ("F1Score", {"threshold": 0.0}, "threshold must lie above 0 and up to 1, not 0"),
        ("IoU", {"num_classes": 2, "target_class_ids": (0, 2)}, "target_class_ids must lie below 2"),
    ],
)
def test_what_a_constructor_refuses(kind: str, config: Mapping[str, Any], message: str) -> None:
    with pytest.raises(LayerError) as refused:
        make(f"metrics.{kind}", config)
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("kind", "config", "batch", "message"),
    [
        ("Recall", {"class_id": 3}, ([[0, 1, 0]], [[0.1, 0.5, 0.4]]), "class_id must lie in 0 to 2, not 3"),
        ("Recall", {}, ([0, 1], [0.1, 0.5, 0.4]), "labels (2,) and predictions (3,) must have one shape"),
        ("AUC", {}, ([0, 1], [0.1, 0.5, 0.4]), "labels (2,) and predictions (3,) must have one shape"),
        ("MeanIoU", {"num_classes": 2}, ([0, 2], [0, 1]), "labels must lie in 0 to 1"),
        ("R2Score", {}, ([0.0, 2.0], [0.0, 1.0]), "labels (2,) and predictions (2,) must both be (batch, outputs)"),
        ("SparseCategoricalAccuracy", {}, ([0, 1], [[0.5, 0.5]]), "labels (2,) do not fit predictions (1, 2)"),
    ],
)
def test_what_a_batch_is_refused_for(kind: str, config: Mapping[str, Any], batch: Any, message: str) -> None:
    with pytest.raises(LayerError) as refused:
        Told(kind, **config)(*batch)
    assert str(refused.value) == message
