"""Focal and generalised crossentropy of classes, overlaps, circles and alignments: by hand, and every path counted."""

from __future__ import annotations

import itertools
from math import exp, inf, log
from typing import Any

import numpy
import pytest

from conformance.reference.base import LayerError
from conformance.reference.circle import Circle
from conformance.reference.ctc import CTC
from conformance.reference.losses import CategoricalCrossentropy
from conformance.reference.margins import CategoricalFocalCrossentropy, CategoricalGeneralizedCrossEntropy
from conformance.reference.overlaps import Dice, Tversky
from tests.reference.helpers import assert_gradient_matches_finite_difference, is_seen, run

FOCAL = [[0, 1, 0], [0, 0, 1]], [[0.05, 0.95, 0], [0.1, 0.8, 0.1]]
REGIONS = (
    [[[[1.0], [1.0]], [[0.0], [0.0]]], [[[1.0], [1.0]], [[0.0], [0.0]]]],
    [[[[0.0], [1.0]], [[0.0], [1.0]]], [[[0.4], [0.0]], [[0.0], [0.9]]]],
)
TRIANGLE = [[1, 0], [0.6, 0.8], [0, 1]]


@pytest.mark.parametrize(
    ("layer", "y_true", "y_pred", "expected"),
    [
        # keras.losses.CategoricalFocalCrossentropy, examples of the documentation; the first again by its formula.
        (CategoricalFocalCrossentropy(reduction=None), *FOCAL, [3.2058331e-05, 4.6627346e-01]),
        (CategoricalFocalCrossentropy(), *FOCAL, 0.23315276),
        (CategoricalFocalCrossentropy(reduction="sum"), *FOCAL, 3.2058331e-05 + 4.6627346e-01),
        (CategoricalFocalCrossentropy(), [[0, 1]], [[0.25, 0.75]], 0.25 * 0.0625 * log(4 / 3)),
        (CategoricalFocalCrossentropy(alpha=(0.1, 0.2)), [[0, 1]], [[0.5, 1.5]], 0.2 * 0.0625 * log(4 / 3)),
        (CategoricalFocalCrossentropy(from_logits=True), [[0, 1]], [[0, log(3)]], 0.25 * 0.0625 * log(4 / 3)),
        # labels 0.1 and 0.9
        (
            CategoricalFocalCrossentropy(label_smoothing=0.2, alpha=1.0),
            [[0, 1]],
            [[0.25, 0.75]],
            0.1 * 0.5625 * log(4) + 0.9 * 0.0625 * log(4 / 3),
        ),
        # 2 (1 - sqrt(p)) for q = 1/2; a share of 0 costs 1 / q.
        (CategoricalGeneralizedCrossEntropy(reduction=None), [0, 1], [[0.64, 0.36], [1, 0]], [0.4, 2]),
        (CategoricalGeneralizedCrossEntropy(reduction=None), [[0], [1]], [[0.64, 0.36], [0.75, 0.25]], [0.4, 1]),
        (CategoricalGeneralizedCrossEntropy(q=0.25), [0], [[0.0625, 0]], 2),
        # keras.losses.Dice, examples of the documentation: 1 - 2 / (2 + 2), 1 - 2 * 0.4 / (2 + 1.3), 1 - 2.8 / 7.3.
        (Dice(axis=(1, 2, 3), reduction=None), *REGIONS, [0.5, 0.75757575]),
        (Dice(), *REGIONS, 0.6164384),
        (Dice(axis=1, reduction=None), [[1, 1], [0, 0]], [[0.5, 0.5], [0, 0]], [1 - 2 / 3, 1]),
        # shared 1.5, falsely predicted 0.25, overlooked 0.5
        (Tversky(alpha=0.3, beta=0.7), [[1, 1, 0, 0]], [[0.5, 1, 0.25, 0]], 1 - 1.5 / (1.5 + 0.075 + 0.35)),
        (Tversky(), *REGIONS, 0.6164384),
        # s_p = 0.6 = 1 - m weighs nothing; s_n = 0: 0.4 (0 - 0.4); s_n = 0.8: 1.2 (0.8 - 0.4); the third is alone.
        (Circle(gamma=1.0, reduction=None), [0, 0, 1], TRIANGLE, [log(1 + exp(-0.16)), log(1 + exp(0.48)), 0]),
        (Circle(gamma=1.0), [0, 0, 1], TRIANGLE, (log(1 + exp(-0.16)) + log(1 + exp(0.48))) / 2),
        # with m = 0.5: s_p = 0.6: 0.9 (0.6 - 0.5), s_n = 0: 0.5 (0 - 0.5), both times 2.
        (
            Circle(gamma=2.0, margin=0.5, reduction=None),
            [0, 0, 1],
            TRIANGLE,
            [log(1 + exp(-0.68)), log(1 + exp(0.6)), 0],
        ),
        # itself a partner: s = 1, 0.4 (1 - 0.6) = 0.16 beside 0; the third has itself, s_n = 0 and 0.8.
        (
            Circle(gamma=1.0, remove_diagonal=False, reduction=None),
            [0, 0, 1],
            TRIANGLE,
            [
                log(1 + exp(-0.16) * (1 + exp(-0.16))),
                log(1 + exp(0.48) * (1 + exp(-0.16))),
                log(1 + (exp(-0.16) + exp(0.48)) * exp(-0.16)),
            ],
        ),
        (Circle(), [1, 1, 1], TRIANGLE, 0),
        # even logits, paths counted: 11, 01, 10 of 4; 101 of 8; 112, 122, 012, 102, 120 of 27; 00 of 4; none.
        (CTC(reduction=None), [[1]], numpy.zeros((1, 2, 2)), [log(4 / 3)]),
        (CTC(reduction=None), [[1, 1]], numpy.zeros((1, 3, 2)), [log(8)]),
        (CTC(reduction=None), [[1, 2, 0]], numpy.zeros((1, 3, 3)), [log(27 / 5)]),
        (CTC(reduction=None), [[0, 0]], numpy.zeros((1, 2, 2)), [log(4)]),
        (CTC(reduction=None), [[1, 1]], numpy.zeros((1, 2, 2)), [inf]),
        (CTC(reduction=None), [[1, 2]], numpy.zeros((1, 1, 3)), [inf]),
    ],
)
def test_by_hand(layer: Any, y_true: Any, y_pred: Any, expected: Any) -> None:
    loss = run(layer, numpy.array(y_true), numpy.array(y_pred, dtype=float))
    numpy.testing.assert_allclose(loss, expected, rtol=2e-6, atol=1e-12)


def test_without_focus_it_is_the_crossentropy() -> None:
    y, p = numpy.eye(3)[[0, 2]], numpy.array([[0.2, 0.5, 0.3], [0.1, 0.1, 0.9]])
    expected = run(CategoricalCrossentropy(label_smoothing=0.1), y, p)
    focal = CategoricalFocalCrossentropy(gamma=0.0, alpha=1.0, label_smoothing=0.1)
    assert run(focal, y, p) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("labels", [[1, 2, 0], [2, 2, 1], [1, 1, 1], [0, 0, 0], [3, 0, 0]])
def test_every_path_is_counted(labels: list[int]) -> None:
    """A path gives the labels when repetitions are merged and blanks removed: 4^5 of them."""
    logits = numpy.random.default_rng(3).normal(size=(5, 4))
    shares = numpy.exp(logits) / numpy.exp(logits).sum(-1, keepdims=True)
    wanted = [label for label in labels if label]
    total = 0.0
    for path in itertools.product(range(4), repeat=5):
        if [label for label, _ in itertools.groupby(path) if label] == wanted:
            total += float(numpy.prod(shares[range(5), path]))
    assert run(CTC(), numpy.array([labels]), logits[None]) == pytest.approx(-log(total), rel=1e-12)


@pytest.mark.parametrize(
    ("layer", "labels", "predicted", "message"),
    [
        (CTC(), [[1, 0, 2]], numpy.zeros((1, 4, 3)), "0 is the blank"),
        (CTC(), [[3]], numpy.zeros((1, 4, 3)), r"labels must lie in 1 \.\. 2"),
        (CTC(), [[-1]], numpy.zeros((1, 4, 3)), r"labels must lie in 1 \.\. 2"),
        (CTC(), [1], numpy.zeros((1, 4, 3)), "batch, steps, classes"),
        (Circle(), [1, 2], numpy.zeros((3, 4)), "batch, features"),
        (CategoricalGeneralizedCrossEntropy(), [2], [[0.5, 0.5]], r"labels must lie in 0 \.\. 1"),
        (CategoricalGeneralizedCrossEntropy(), [1, 0], [[0.5, 0.5]], "do not fit"),
        (CategoricalGeneralizedCrossEntropy(q=1.0), [1], [[0.5, 0.5]], "between 0 and 1"),
        (CategoricalFocalCrossentropy(), [[1, 0]], [[0.5, 0.5], [0.5, 0.5]], "must have one shape"),
    ],
)
def test_what_has_no_answer(layer: Any, labels: Any, predicted: Any, message: str) -> None:
    with pytest.raises(LayerError, match=message):
        run(layer, numpy.array(labels), numpy.array(predicted, dtype=float))


RANDOM = numpy.random.default_rng(5)
SHARES = RANDOM.uniform(0.1, 0.9, size=(3, 4, 5))
TRUTH = RANDOM.uniform(0.1, 0.9, size=(3, 4, 5))
LABELS = RANDOM.integers(0, 5, size=(3, 4))
UNIT = RANDOM.normal(size=(6, 3))
UNIT /= numpy.linalg.norm(UNIT, axis=1, keepdims=True)
CLASSES = numpy.array([0, 1, 0, 2, 1, 0])
WEIGHT = numpy.array([[1.5, 0.0, 0.7, 2.0], [1.2, 0.9, 0.0, 0.3], [0.4, 2.2, 1.7, 0.6]])
MASK = numpy.array([[True, True, False, True], [True, True, True, False], [True, False, False, False]])
SIX, SIX_MASK = numpy.array([1.5, 0.0, 0.7, 2.0, 1.2, 0.9]), numpy.array([True, True, True, True, False, True])
THREE, THREE_MASK = numpy.array([1.5, 0.0, 0.7]), numpy.array([True, True, False])
ALIGNED = numpy.array([[2, 2, 1], [1, 2, 0], [4, 0, 0]])
SCENES = [
    (
        CategoricalFocalCrossentropy(label_smoothing=0.1, alpha=(0.1, 0.5, 0.2, 0.3, 0.4)),
        numpy.eye(5)[LABELS],
        SHARES,
        WEIGHT,
        MASK,
    ),
    (CategoricalGeneralizedCrossEntropy(q=0.3), LABELS, SHARES, WEIGHT, MASK),
    (Dice(axis=(1, 2)), TRUTH, SHARES, THREE, THREE_MASK),
    (Tversky(axis=(1, 2), alpha=0.2, beta=1.1), TRUTH, SHARES, THREE, THREE_MASK),
    (Circle(gamma=2.0), CLASSES, UNIT, SIX, SIX_MASK),
    (CTC(), ALIGNED, RANDOM.normal(size=(3, 5, 6)), THREE, THREE_MASK),
]


@pytest.mark.parametrize(("layer", "labels", "predicted", "weight", "mask"), SCENES)
def test_gradients(layer: Any, labels: Any, predicted: Any, weight: Any, mask: Any) -> None:
    assert_gradient_matches_finite_difference(layer, labels, predicted, sample_weight=weight + 0.1, y_pred_mask=mask)


@pytest.mark.parametrize(
    ("layer", "labels", "predicted", "weight", "mask", "name"),
    [(*scene, mutant.name) for scene in SCENES for mutant in scene[0].mutants],
)
def test_mutants_are_seen(layer: Any, labels: Any, predicted: Any, weight: Any, mask: Any, name: str) -> None:
    given: dict[str, Any] = {} if name == "all_at_once" else {"sample_weight": weight, "y_pred_mask": mask}
    assert is_seen(layer, name, labels, predicted, **given)
