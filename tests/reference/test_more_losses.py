"""The losses of `distances` and `margins` against sums written out by hand and examples of the Keras documentation."""

from __future__ import annotations

from math import exp, log
from typing import Any

import numpy
import pytest

from conformance.reference.base import LayerError
from conformance.reference.distances import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsolutePercentageError,
    MeanSquaredLogarithmicError,
    Poisson,
)
from conformance.reference.losses import BinaryCrossentropy
from conformance.reference.margins import (
    BinaryFocalCrossentropy,
    CategoricalHinge,
    Hinge,
    KLDivergence,
    SquaredHinge,
)
from tests.reference.helpers import assert_gradient_matches_finite_difference, is_seen, run


@pytest.mark.parametrize(
    ("layer", "y_true", "y_pred", "expected"),
    [
        # 1/2 0.5^2 and 3 - 1/2; with delta 2 the line is 2 * 3 - 2; at delta both are 1/2.
        (Huber(), [[0, 0]], [[0.5, -3]], (0.125 + 2.5) / 2),
        (Huber(delta=2.0), [[0, 0]], [[0.5, -3]], (0.125 + 4) / 2),
        (Huber(), [[1]], [[0]], 0.5),
        # cosh(log 3) = (3 + 1/3) / 2; far out |e| - log 2, nowhere infinite.
        (LogCosh(), [[0, 1]], [[log(3), 1 - log(3)]], log(5 / 3)),
        (LogCosh(), [[0]], [[-1000]], 1000 - log(2)),
        (MeanAbsolutePercentageError(), [[100, -50]], [[110, -40]], 15),
        (MeanAbsolutePercentageError(), [[0]], [[1]], 1e9),
        # log 2 - log 4, and 0 for what lies below 0 (but for 1e-7).
        (MeanSquaredLogarithmicError(), [[3]], [[1]], log(2) ** 2),
        (MeanSquaredLogarithmicError(), [[3]], [[-5]], (log(4) - log(1 + 1e-7)) ** 2),
        # 3, 4 and 6, 8 point the same way, 4, -3 is at right angles; without a length 0.
        (CosineSimilarity(reduction=None), [[3, 4]] * 4, [[6, 8], [-3, -4], [4, -3], [0, 0]], [-1, 1, 0, 0]),
        (CosineSimilarity(axis=0, reduction=None), [[3, 1], [4, 0]], [[4, 1], [-3, 0]], [0, -1]),
        (Poisson(), [[3, 0]], [[2, 5]], (2 - 3 * log(2 + 1e-7) + 5) / 2),
        # 1 - 1 * 0.5 and 1 + 1 * 0.5; zeros and ones are the same; 0 among others is 0.
        (Hinge(), [[1, -1]], [[0.5, 0.5]], 1),
        (Hinge(), [[1, 0]], [[0.5, 0.5]], 1),
        (Hinge(reduction=None), [[1, 0], [-1, -1]], [[0.5, 0.5], [-2, -2]], [0.75, 0]),
        (SquaredHinge(), [[1, 0]], [[0.5, 0.5]], (0.25 + 2.25) / 2),
        # keras.losses.CategoricalHinge, example of the documentation; then the largest other class, or 0.
        (CategoricalHinge(), [[0, 1], [0, 0]], [[0.6, 0.4], [0.4, 0.6]], 1.4),
        (CategoricalHinge(), [[0, 1, 0]], [[-2, 0.5, -3]], 0.5),
        (CategoricalHinge(), [[0, 1, 0]], [[2, 2.5, -3]], 0.5),
        # 1/2 log 2 + 1/2 log 2/3; a label of 0 counts as 1e-7.
        (KLDivergence(), [[0.5, 0.5]], [[0.25, 0.75]], 0.5 * log(4 / 3)),
        (KLDivergence(), [[1, 0]], [[0.5, 0.5]], log(2) + 1e-7 * log(2e-7)),
        # p_t = 0.75 and 0.5: a quarter and a half, squared, times the entropy.
        (BinaryFocalCrossentropy(), [[1, 0]], [[0.75, 0.5]], (log(4 / 3) / 16 + log(2) / 4) / 2),
        (BinaryFocalCrossentropy(gamma=1.0), [[1]], [[0.75]], log(4 / 3) / 4),
        (
            BinaryFocalCrossentropy(apply_class_balancing=True, alpha=0.1),
            [[1, 0]],
            [[0.75, 0.5]],
            (0.1 * log(4 / 3) / 16 + 0.9 * log(2) / 4) / 2,
        ),
        # the logit of 3/4 is log 3; far out the loss is the logit, and nothing overflows.
        (BinaryFocalCrossentropy(from_logits=True), [[1, 0]], [[log(3), 0]], (log(4 / 3) / 16 + log(2) / 4) / 2),
        (BinaryFocalCrossentropy(from_logits=True), [[1]], [[-800]], 800),
        # labels 0.9 and 0.1: p_t = 0.9 * 0.75 + 0.1 * 0.25 = 0.7
        (
            BinaryFocalCrossentropy(label_smoothing=0.2),
            [[1]],
            [[0.75]],
            0.09 * (-0.9 * log(0.75) - 0.1 * log(0.25)),
        ),
    ],
)
def test_by_hand(layer: Any, y_true: Any, y_pred: Any, expected: Any) -> None:
    loss = run(layer, numpy.array(y_true), numpy.array(y_pred, dtype=float))
    numpy.testing.assert_allclose(loss, expected, rtol=1e-12, atol=1e-15)


def test_without_focus_it_is_the_crossentropy() -> None:
    y, p = numpy.array([[1, 0, 1]]), numpy.array([[0.3, 0.6, 1.0]])
    expected = run(BinaryCrossentropy(label_smoothing=0.1), y, p)
    assert run(BinaryFocalCrossentropy(gamma=0.0, label_smoothing=0.1), y, p) == pytest.approx(expected, rel=1e-14)
    with pytest.raises(LayerError, match="must have one shape"):
        run(BinaryFocalCrossentropy(), numpy.ones((2, 3)), numpy.ones((2, 4)))


def test_poisson_is_the_logarithm_of_a_probability_without_its_factorial() -> None:
    """exp(-2) 2^3 / 3! is the probability of 3 under a rate of 2."""
    loss = run(Poisson(), numpy.array([[3]]), numpy.array([[2.0]]))
    assert loss == pytest.approx(-log(exp(-2) * 8 / 6) - log(6), abs=1e-6)


RANDOM = numpy.random.default_rng(5)
SHARES = RANDOM.uniform(0.1, 0.9, size=(2, 3, 4))
TRUTH = RANDOM.uniform(0.1, 0.9, size=(2, 3, 4))
BITS = RANDOM.integers(0, 2, size=(2, 3, 4))
CLASSES = numpy.eye(4)[RANDOM.integers(0, 4, size=(2, 3))]
NUMBERS = RANDOM.normal(size=(2, 3, 4)) - 1.0
LARGE = SHARES + 2.0
WEIGHT = numpy.array([[1.5, 0.0, 0.7], [1.2, 0.9, 0.0]])
MASK = numpy.array([[True, True, False], [True, True, True]])
SCENES = [
    (Huber(delta=0.3), TRUTH, SHARES),
    (LogCosh(), TRUTH, SHARES),
    (MeanAbsolutePercentageError(), TRUTH, SHARES),
    (MeanSquaredLogarithmicError(), TRUTH + 1.5, LARGE),
    (CosineSimilarity(), TRUTH, SHARES),
    (Poisson(), TRUTH, SHARES),
    (Hinge(), BITS, NUMBERS),
    (SquaredHinge(), BITS, NUMBERS),
    (CategoricalHinge(), CLASSES, NUMBERS - 1.0),
    (KLDivergence(), TRUTH, SHARES),
    (BinaryFocalCrossentropy(label_smoothing=0.1, apply_class_balancing=True), BITS, SHARES),
    (BinaryFocalCrossentropy(from_logits=True, gamma=1.5), BITS, NUMBERS),
]


@pytest.mark.parametrize(("layer", "labels", "predicted"), SCENES)
def test_gradients(layer: Any, labels: Any, predicted: Any) -> None:
    weight = WEIGHT + 0.1
    assert_gradient_matches_finite_difference(layer, labels, predicted, sample_weight=weight, y_pred_mask=MASK)


@pytest.mark.parametrize(
    ("layer", "labels", "predicted", "name"), [(*scene, m.name) for scene in SCENES[:-1] for m in scene[0].mutants]
)
def test_mutants_are_seen(layer: Any, labels: Any, predicted: Any, name: str) -> None:
    given: dict[str, Any] = {} if name == "other_axis" else {"sample_weight": WEIGHT, "y_pred_mask": MASK}
    assert is_seen(layer, name, labels, predicted, **given)
