"""Dot against the example of its documentation and sums by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy
import pytest

from conformance.reference.base import LayerError
from conformance.reference.dot import Dot
from tests.reference.helpers import assert_gradient_matches_finite_difference, is_seen, run

X = numpy.random.default_rng(3).normal(size=(2, 3, 5))
Y = numpy.random.default_rng(4).normal(size=(2, 7, 3))


def test_the_example_of_the_keras_documentation() -> None:
    """The arrays of keras.io/api/layers/merging_layers/dot; by hand, 0 10 + 2 11 + 4 12 + 6 13 + 8 14 = 260."""
    x, y = numpy.arange(10.0).reshape(1, 5, 2), numpy.arange(10.0, 20.0).reshape(1, 2, 5)
    assert run(Dot(axes=(1, 2)), [x, y]).tolist() == [[[260, 360], [320, 445]]]


@pytest.mark.parametrize("axes", [(2, 1), (-1, -1), -1, (2, -1)])
def test_a_matrix_and_a_vector_a_sample(axes: Any) -> None:
    """By hand: (0, 1, 2, 3) . (1, 2, 3, 4) = 20, and 40 more for each row, whose entries are 4 more."""
    x = numpy.arange(16.0).reshape(2, 2, 4)
    y = numpy.array([[1.0, 2.0, 3.0, 4.0]] * 2)
    assert run(Dot(axes=axes), [x, y]).tolist() == [[20, 60], [100, 140]]


def test_two_vectors_a_sample_keep_an_axis() -> None:
    """By hand: 1 3 + 2 4 = 11; the cosine is 11 / (sqrt 5 sqrt 25)."""
    x, y = numpy.array([[1.0, 2.0], [1.0, 0.0]]), numpy.array([[3.0, 4.0], [0.0, 9.0]])
    assert run(Dot(axes=1), [x, y]).tolist() == [[11], [0]]
    assert run(Dot(axes=1, normalize=True), [x, y])[0, 0] == pytest.approx(11 / (math.sqrt(5) * 5), rel=1e-15)


def test_a_zero_vector_has_cosine_zero() -> None:
    assert run(Dot(axes=1, normalize=True), [numpy.zeros((1, 3)), numpy.ones((1, 3))]).tolist() == [[0]]


@pytest.mark.parametrize(
    ("x", "y", "axes", "shape"),
    [
        # The shapes of the documentation of `keras.layers.Dot` and of `batch_dot`.
        ((2, 3, 5), (2, 10, 3), (1, 2), (2, 5, 10)),
        ((100, 20), (100, 30, 20), (1, 2), (100, 30)),
        # By hand: x's axes but one, then y's but batch and one.
        ((2, 7, 3, 4), (2, 5, 4, 6), (3, 2), (2, 7, 3, 5, 6)),
        ((2, 7, 3, 4), (2, 3), (2, 1), (2, 7, 4)),
    ],
)
def test_shapes(x: Any, y: Any, axes: Any, shape: Any) -> None:
    assert run(Dot(axes=axes), [numpy.ones(x), numpy.ones(y)]).shape == shape


@pytest.mark.parametrize(
    ("layer", "inputs", "message"),
    [
        (Dot(axes=(1, 2)), [X], "exactly 2"),
        (Dot(axes=-1), [X, numpy.ones(5)], "rank 2"),
        (Dot(axes=(1, 2)), [X, Y[:1]], "batch sizes 2 and 1 differ"),
        (Dot(axes=0), [X, X], "axis 0 is the batch"),
        (Dot(axes=-3), [X, X], "axis 0 is the batch"),
        (Dot(axes=3), [X, X], "do not exist"),
        (Dot(axes=(2, 2)), [X, Y], "different lengths"),
        (Dot(axes=(1, 2, 1)), [X, Y], "one or two integers"),
    ],
)
def test_what_has_no_product(layer: Dot, inputs: Any, message: str) -> None:
    with pytest.raises(LayerError, match=message):
        run(layer, inputs)


def test_no_mask_goes_on() -> None:
    assert Dot(axes=1).compute_mask([X, Y], [numpy.ones((2, 3), bool)] * 2) is None


def test_what_the_report_says_of_a_shape() -> None:
    layer = Dot(axes=(1, -1))
    assert layer.rule([(2, 3, 5), (2, 7, 3)]) == "(2, 3, 5) without axis 1, then (2, 7, 3) without the batch and axis 2"
    assert Dot(axes=1).rule([(2, 3), (2, 3)]).endswith("and axis 1, then 1")
    assert layer.longest_sum({}, [(2, 3, 5), (2, 7, 3)]) == 3


@pytest.mark.parametrize("normalize", [False, True])
def test_gradients(normalize: bool) -> None:
    assert_gradient_matches_finite_difference(Dot(axes=(1, 2), normalize=normalize), [X, Y])


def test_mutants_are_seen() -> None:
    for name in ("other_norm", "all_pairs", "second_first"):
        assert is_seen(Dot(axes=(1, 2)), name, [X, Y]), name
    assert is_seen(Dot(axes=1), "rank_1", [X[:, 0], X[:, 1]])
    assert is_seen(Dot(axes=1, normalize=True), "never_normalizes", [X[:, 0], X[:, 1]])
    assert is_seen(Dot(axes=(1, 2), normalize=True), "normalizes_one_axis", [X, Y])
    seen = {"other_norm", "never_normalizes", "normalizes_one_axis", "all_pairs", "second_first", "rank_1"}
    assert {mutant.name for mutant in Dot.mutants} == seen


def test_short_vectors_are_divided_by_epsilon() -> None:
    """By hand: (3e-9, 4e-9) has the length 5e-9, under 1e-7: it becomes (0.03, 0.04); times (1, 0) that is 0.03."""
    x, y = numpy.array([[3e-9, 4e-9], [0.0, 0.0]]), numpy.array([[2.0, 0.0], [2.0, 0.0]])
    assert run(Dot(axes=1, normalize=True), [x, y])[:, 0].tolist() == pytest.approx([0.03, 0.0], rel=1e-12)
