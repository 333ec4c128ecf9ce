"""Losses against the examples of the Keras documentation (three digits, cut off) and logarithms written out by hand."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy
import pytest

from conformance.case.layers import types
from conformance.reference.base import LayerError, Weights, make
from conformance.reference.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CompiledLoss,
    MeanAbsoluteError,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
    _Loss,
    class_weights,
    same_rank,
)
from tests.reference.helpers import assert_gradient_matches_finite_difference, is_seen, run

ZEROS_AND_ONES = numpy.array([[0.0, 1.0], [0.0, 0.0]])
LOGITS = numpy.array([[-18.6, 0.51], [2.94, -12.8]])
ONE_HOT = numpy.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
SHARES = numpy.array([[0.05, 0.95, 0.0], [0.1, 0.8, 0.1]])
LABELS = numpy.array([1, 2])


@pytest.mark.parametrize(
    ("layer", "y_true", "y_pred", "weight", "expected"),
    [
        # keras.losses.MeanSquaredError and MeanAbsoluteError, examples of the documentation.
        (MeanSquaredError(), ZEROS_AND_ONES, [[1, 1], [1, 0]], None, 0.5),
        (MeanSquaredError(), ZEROS_AND_ONES, [[1, 1], [1, 0]], [0.7, 0.3], 0.25),
        (MeanSquaredError(reduction="sum"), ZEROS_AND_ONES, [[1, 1], [1, 0]], None, 1.0),
        (MeanSquaredError(reduction=None), ZEROS_AND_ONES, [[1, 1], [1, 0]], None, [0.5, 0.5]),
        (MeanAbsoluteError(), ZEROS_AND_ONES, [[1, 1], [1, 0]], [0.7, 0.3], 0.25),
        # keras.losses.BinaryCrossentropy.
        (BinaryCrossentropy(from_logits=True), ZEROS_AND_ONES, LOGITS, None, 0.865),
        (BinaryCrossentropy(from_logits=True), ZEROS_AND_ONES, LOGITS, [0.8, 0.2], 0.243),
        (BinaryCrossentropy(from_logits=True, reduction="sum"), ZEROS_AND_ONES, LOGITS, None, 1.730),
        (BinaryCrossentropy(from_logits=True, reduction="none"), ZEROS_AND_ONES, LOGITS, None, [0.235, 1.496]),
        (BinaryCrossentropy(reduction="none"), ZEROS_AND_ONES, [[0.6, 0.4], [0.4, 0.6]], None, [0.916, 0.714]),
        # keras.losses.CategoricalCrossentropy and SparseCategoricalCrossentropy.
        (CategoricalCrossentropy(), ONE_HOT, SHARES, None, 1.177),
        (CategoricalCrossentropy(), ONE_HOT, SHARES, [0.3, 0.7], 0.814),
        (CategoricalCrossentropy(reduction="sum"), ONE_HOT, SHARES, None, 2.354),
        (CategoricalCrossentropy(reduction=None), ONE_HOT, SHARES, None, [0.0513, 2.303]),
        (SparseCategoricalCrossentropy(), LABELS, SHARES, None, 1.177),
        (SparseCategoricalCrossentropy(), LABELS, SHARES, [0.3, 0.7], 0.814),
        (SparseCategoricalCrossentropy(reduction="none"), LABELS, SHARES, None, [0.0513, 2.303]),
    ],
)
def test_the_examples_of_the_documentation(layer: Any, y_true: Any, y_pred: Any, weight: Any, expected: Any) -> None:
    weight = None if weight is None else numpy.array(weight)
    loss = run(layer, y_true, numpy.array(y_pred), sample_weight=weight)
    numpy.testing.assert_allclose(loss, expected, atol=1e-3)


Y, P = numpy.zeros((4, 1)), numpy.array([[1.0], [2.0], [3.0], [4.0]])
WEIGHTS = numpy.array([2.0, 0.0, 1.0, 1.0])


@pytest.mark.parametrize(
    ("reduction", "plain", "weighted"),
    [
        # By hand: losses 1, 4, 9, 16; weighted 2, 0, 9, 16.
        ("none", [1, 4, 9, 16], [2, 0, 9, 16]),
        (None, [1, 4, 9, 16], [2, 0, 9, 16]),
        ("sum", 30, 27),
        ("sum_over_batch_size", 7.5, 27 / 4),
        ("mean", 7.5, 27 / 4),
        ("mean_with_sample_weight", 7.5, 27 / 4.0),
    ],
)
def test_reductions(reduction: Any, plain: Any, weighted: Any) -> None:
    layer = make("MeanSquaredError", {"reduction": reduction})
    assert run(layer, Y, P).tolist() == plain
    assert run(layer, Y, P, sample_weight=WEIGHTS).tolist() == weighted


def test_what_the_sum_of_the_weights_is_for() -> None:
    """By hand: weights of 3 and 1 on losses 1 and 4 give 7, over 2 losses or over 4 weights."""
    weight = numpy.array([3.0, 1.0])
    assert run(MeanSquaredError(), Y[:2], P[:2], sample_weight=weight) == 3.5
    assert run(MeanSquaredError(reduction="mean_with_sample_weight"), Y[:2], P[:2], sample_weight=weight) == 1.75
    nothing = numpy.zeros(2)
    assert run(MeanSquaredError(reduction="mean_with_sample_weight"), Y[:2], P[:2], sample_weight=nothing) == 0


STEPS = numpy.array([[[1.0], [2.0], [3.0]], [[4.0], [5.0], [6.0]]])
REAL = numpy.array([[True, True, False], [True, False, False]])


@pytest.mark.parametrize(
    ("reduction", "expected", "weighted"),
    [
        # By hand: losses 1, 4, (9) / 16, (25), (36); with weights 10 and 0 / 1: 10, 0 / 16.
        ("none", [[1, 4, 0], [16, 0, 0]], [[10, 0, 0], [16, 0, 0]]),
        ("sum", 21, 26),
        ("sum_over_batch_size", 7, 26 / 3),
        ("mean_with_sample_weight", 7, 26 / 11),
    ],
)
def test_masked_steps(reduction: Any, expected: Any, weighted: Any) -> None:
    layer = make("MeanSquaredError", {"reduction": reduction})
    zeros = numpy.zeros_like(STEPS)
    weight = numpy.array([[10.0, 0.0, 5.0], [1.0, 7.0, 7.0]])
    numpy.testing.assert_allclose(run(layer, zeros, STEPS, y_pred_mask=REAL), expected, rtol=1e-15)
    got = run(layer, zeros, STEPS, y_pred_mask=REAL, sample_weight=weight)
    numpy.testing.assert_allclose(got, weighted, rtol=1e-15)
    assert numpy.shape(got) == numpy.shape(expected)


def test_a_loss_without_any_real_step_is_zero() -> None:
    assert run(MeanSquaredError(), numpy.zeros_like(STEPS), STEPS, y_pred_mask=numpy.zeros_like(REAL)) == 0


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        ((4,), (4, 1), ((4, 1), (4, 1))),
        ((4, 1), (4,), ((4, 1), (4, 1))),
        ((4, 3, 1), (4, 3), ((4, 3), (4, 3))),
        ((4, 3), (4, 3, 1), ((4, 3), (4, 3))),
        ((4,), (4, 3), ((4,), (4, 3))),
    ],
)
def test_ranks_that_differ_by_one(x: Any, y: Any, expected: Any) -> None:
    assert tuple(map(numpy.shape, same_rank(numpy.ones(x), numpy.ones(y)))) == expected


def test_one_weight_a_sequence_does_not_fit_the_steps() -> None:
    """(2,) against (2, 3) broadcasts from the right, and 2 is not 3; as a column it does what was meant."""
    zeros, weight = numpy.zeros_like(STEPS), numpy.array([1.0, 0.0])
    with pytest.raises(LayerError, match=r"weights \(2,\) do not broadcast to losses \(2, 3\)"):
        run(MeanSquaredError(), zeros, STEPS, sample_weight=weight)
    # By hand: (1 + 4 + 9) / 6.
    assert run(MeanSquaredError(), zeros, STEPS, sample_weight=weight[:, None]) == pytest.approx(14 / 6, rel=1e-15)


def test_as_many_steps_as_sequences_take_the_weights_for_steps() -> None:
    """By hand: weights 1 and 0 fall on the columns: (1 + 16) / 4; meant was (1 + 4) / 4."""
    weight = numpy.array([1.0, 0.0])
    assert run(MeanSquaredError(), numpy.zeros((2, 2, 1)), STEPS[:, :2], sample_weight=weight) == 17 / 4


def test_smoothed_labels() -> None:
    """By hand: labels 0.9 and 0.1 (two of 1 and 0 moved 0.2 towards 1/2); 0.2 / 3 for three classes."""
    p, log = numpy.array([[0.75, 0.25]]), math.log
    binary = run(BinaryCrossentropy(label_smoothing=0.2), numpy.array([[1.0, 0.0]]), p)
    assert binary == pytest.approx(-0.9 * log(0.75) - 0.1 * log(0.25), rel=1e-12)
    p = numpy.array([[0.5, 0.25, 0.25]])
    several = run(CategoricalCrossentropy(label_smoothing=0.2), numpy.array([[1.0, 0.0, 0.0]]), p)
    assert several == pytest.approx(-(0.8 + 0.2 / 3) * log(0.5) - 0.4 / 3 * log(0.25), rel=1e-12)


def test_probabilities_are_made_to_sum_to_one_and_kept_off_zero() -> None:
    unscaled = run(CategoricalCrossentropy(), numpy.array([[0.0, 1.0]]), numpy.array([[3.0, 1.0]]))
    assert unscaled == pytest.approx(math.log(4.0), rel=1e-12)
    assert run(BinaryCrossentropy(), numpy.array([[1.0]]), numpy.array([[0.0]])) == pytest.approx(7 * math.log(10))


@pytest.mark.parametrize("axis", [1, -1])
def test_logits_along_an_axis(axis: int) -> None:
    """By hand: logits 0 and log 3 have the softmax 1/4 and 3/4."""
    logits = numpy.moveaxis(numpy.array([[[0.0, math.log(3.0)]] * 2]), -1, axis)
    labels = numpy.array([[0, 1]])
    several = run(SparseCategoricalCrossentropy(from_logits=True, axis=axis, reduction=None), labels, logits)
    numpy.testing.assert_allclose(several, [[math.log(4), math.log(4 / 3)]], rtol=1e-12)
    one_hot = numpy.moveaxis(numpy.eye(2)[labels], -1, axis)
    several = run(CategoricalCrossentropy(from_logits=True, axis=axis, reduction=None), one_hot, logits)
    numpy.testing.assert_allclose(several, [[math.log(4), math.log(4 / 3)]], rtol=1e-12)


@pytest.mark.parametrize("labels", [[0, -1, 1], [[0], [-1], [1]], [0.0, -1.0, 1.0]])
def test_a_class_that_does_not_count(labels: Any) -> None:
    """By hand: log 4 and log 4/3 over the 2 samples that count, not over 3."""
    logits = numpy.array([[0.0, math.log(3.0)]] * 3)
    layer = SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    assert run(layer, numpy.array(labels), logits) == pytest.approx(math.log(16 / 3) / 2, rel=1e-12)


@pytest.mark.parametrize(
    ("layer", "y_true", "y_pred", "message"),
    [
        (BinaryCrossentropy(), [[1.0, 0.0, 0.0]], SHARES, "must have one shape"),
        (CategoricalCrossentropy(), [1.0, 0.0], SHARES, "must have one shape"),
        (SparseCategoricalCrossentropy(), [[1, 0], [0, 1]], SHARES, "do not fit"),
        (SparseCategoricalCrossentropy(), [1, 3], SHARES, "must lie in 0 .. 2"),
        (SparseCategoricalCrossentropy(), [1, -1], SHARES, "must lie in 0 .. 2"),
    ],
)
def test_labels_that_cannot_be(layer: Any, y_true: Any, y_pred: Any, message: str) -> None:
    with pytest.raises(LayerError, match=message):
        run(layer, numpy.array(y_true), y_pred)


@pytest.mark.parametrize("labels", [[1, 0, 7], [[1], [0], [7]], [[0, 9, 0], [8, 0, 0], [0, 0, 1]]])
def test_a_weight_for_each_class(labels: Any) -> None:
    """By hand; in the last, one-hot, case the classes are 1, 0 and 2. A class not named weighs 1."""
    assert class_weights(numpy.array(labels), {0: 5, "1": 3.0}).tolist() == [3, 5, 1]


def test_a_compiled_loss_weighs_classes_and_reports_one_number() -> None:
    """By hand: losses 1, 4, 9, 16; the labels are of class 0."""
    loss = MeanSquaredError()
    assert run(CompiledLoss(loss=loss), Y, P, sample_weight=WEIGHTS) == 27 / 4
    assert run(CompiledLoss(loss=loss, class_weight={0: 2.0}), Y, P) == 15
    assert run(CompiledLoss(loss=MeanSquaredError(reduction="none")), Y, P) == 7.5
    with pytest.raises(LayerError, match="at the same time"):
        run(CompiledLoss(loss=loss, class_weight={0: 2.0}), Y, P, sample_weight=WEIGHTS)


RANDOM = numpy.random.default_rng(5)
PREDICTED = RANDOM.uniform(0.1, 0.9, size=(2, 3, 4))
FEW = RANDOM.integers(0, 4, size=(2, 3))
BITS = RANDOM.integers(0, 2, size=(2, 3, 4)).astype(float)
STEP_WEIGHTS = RANDOM.uniform(0.5, 2.0, size=(2, 3))


@pytest.mark.parametrize(
    ("layer", "labels"),
    [
        (MeanSquaredError(), BITS),
        (MeanAbsoluteError(), BITS),
        (BinaryCrossentropy(label_smoothing=0.1), BITS),
        (BinaryCrossentropy(from_logits=True), BITS),
        (CategoricalCrossentropy(label_smoothing=0.1), numpy.eye(4)[FEW]),
        (CategoricalCrossentropy(from_logits=True), numpy.eye(4)[FEW]),
        (SparseCategoricalCrossentropy(), FEW),
        (SparseCategoricalCrossentropy(from_logits=True, ignore_class=int(FEW[0, 0])), FEW),
    ],
)
def test_gradients(layer: Any, labels: Any) -> None:
    assert_gradient_matches_finite_difference(
        layer, labels.astype(int), PREDICTED, sample_weight=STEP_WEIGHTS, y_pred_mask=REAL
    )


@pytest.mark.parametrize(
    ("layer", "labels", "name"),
    [
        (layer, labels, mutant.name)
        for layer, labels in (
            (MeanSquaredError(), BITS),
            (MeanAbsoluteError(), BITS),
            (BinaryCrossentropy(label_smoothing=0.1), BITS),
            (CategoricalCrossentropy(label_smoothing=0.1), numpy.eye(4)[FEW]),
            (SparseCategoricalCrossentropy(ignore_class=int(FEW[1, 1])), FEW),
        )
        for mutant in layer.mutants
    ],
)
def test_mutants_are_seen(layer: Any, labels: Any, name: str) -> None:
    if name == "by_number_of_weights":
        layer = dataclasses.replace(layer, reduction="mean_with_sample_weight")
    if name == "class_0_without_loss":
        labels = 0 * labels
    weight = numpy.array([[1.5, 0.0, 0.7], [1.2, 0.9, 0.0]])
    mask = numpy.array([[True, True, False], [True, True, True]])
    predicted = 1e-8 * PREDICTED if name == "kept_off_before_the_sum" else PREDICTED
    assert is_seen(layer, name, labels, predicted, sample_weight=weight, y_pred_mask=mask)


def test_mutants_of_the_compiled_loss_are_seen() -> None:
    assert is_seen(CompiledLoss(loss=MeanSquaredError()), "ignores_weight", Y, P, sample_weight=WEIGHTS)
    assert is_seen(CompiledLoss(loss=MeanSquaredError(), class_weight={0: 2.0}), "no_class_weight", Y, P)
    named = CompiledLoss(loss=MeanSquaredError(), class_weight={1: 2.0})
    assert is_seen(named, "other_classes_weigh_nothing", Y, P)
    assert len(CompiledLoss.mutants) == 3


@pytest.mark.parametrize("axis", [2, -3])
def test_classes_on_an_axis_that_there_is_not_are_refused(axis: int) -> None:
    with pytest.raises(LayerError, match="does not exist in predictions with 2 axes"):
        run(SparseCategoricalCrossentropy(axis=axis), LABELS, SHARES)


@pytest.mark.parametrize("axis", [2, -3, 7])
@pytest.mark.parametrize(
    "kind", [kind for kind, layer in types().items() if issubclass(layer, _Loss) and "axis" in layer.__annotations__]
)
def test_an_axis_beyond_the_predictions_is_refused(kind: str, axis: int) -> None:
    """Some of them raised "tuple index out of range"."""
    config: dict[str, Any] = {"axis": axis if make(kind, {}).axis is not None else [axis]}  # type: ignore[attr-defined]
    labels = numpy.array([0, 1]) if kind.startswith("Sparse") else numpy.eye(2, 3)
    with pytest.raises(LayerError, match=rf"axis {axis} does not exist in predictions with 2 axes"):
        make(kind, config).call(Weights({}), labels, numpy.full((2, 3), 0.25))
