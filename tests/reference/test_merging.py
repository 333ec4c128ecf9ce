"""Merge layers against sums, products and means written out by hand, and the masks that they carry."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from conformance.reference.base import LayerError
from conformance.reference.merging import (
    Add,
    Average,
    Concatenate,
    MaskedAverage,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
)
from tests.reference.helpers import assert_gradient_matches_finite_difference, is_seen, run

A = numpy.array([[[1.0, -2.0], [3.0, 4.0], [5.0, 6.0], [-7.0, 8.0]]])
B = numpy.array([[[10.0, 20.0], [-30.0, 40.0], [0.5, -0.25], [2.0, 3.0]]])
C = numpy.array([[[-90.0, 80.0], [1.5, 2.5], [70.0, -60.0], [0.25, 9.0]]])
REAL_A = numpy.array([[True, True, False, False]])
REAL_B = numpy.array([[True, False, True, False]])
ELEMENTWISE: list[Any] = [Add, Subtract, Multiply, Average, Maximum, Minimum]


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        # By hand, from A and B above, entry by entry.
        (Add(), [[11, 18], [-27, 44], [5.5, 5.75], [-5, 11]]),
        (Subtract(), [[-9, -22], [33, -36], [4.5, 6.25], [-9, 5]]),
        (Multiply(), [[10, -40], [-90, 160], [2.5, -1.5], [-14, 24]]),
        (Average(), [[5.5, 9], [-13.5, 22], [2.75, 2.875], [-2.5, 5.5]]),
        (Maximum(), [[10, 20], [3, 40], [5, 6], [2, 8]]),
        (Minimum(), [[1, -2], [-30, 4], [0.5, -0.25], [-7, 3]]),
    ],
)
def test_two_inputs(layer: Any, expected: Any) -> None:
    assert run(layer, [A, B])[0].tolist() == expected


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        # By hand: 1 + 2 + 4, 1 * 2 * 4, and so on; a pairwise mean would give 2.75.
        (Add(), 7.0),
        (Multiply(), 8.0),
        (Average(), 7.0 / 3.0),
        (Maximum(), 4.0),
        (Minimum(), 1.0),
    ],
)
def test_three_inputs(layer: Any, expected: float) -> None:
    assert run(layer, [numpy.full((2, 3), number) for number in (1.0, 2.0, 4.0)]).tolist() == [[expected] * 3] * 2


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        # By hand; steps: real in both, in A only, in B only, in neither.
        (Multiply(), [[10, -40], [3, 4], [0.5, -0.25], [0, 0]]),
        (Maximum(), [[10, 20], [3, 4], [0.5, -0.25], [-7, 8]]),
        (Minimum(), [[1, -2], [3, 4], [0.5, -0.25], [-7, 8]]),
    ],
)
def test_masked_values_are_left_out_of_products_and_extremes(layer: Any, expected: Any) -> None:
    assert run(layer, [A, B], mask=[REAL_A, REAL_B])[0].tolist() == expected


def test_one_input_without_a_mask_is_real_everywhere() -> None:
    """By hand: A counts at steps 0 and 1 only, B always."""
    assert run(Multiply(), [A, B], mask=[REAL_A, None])[0].tolist() == [[10, -40], [-90, 160], [0.5, -0.25], [2, 3]]
    assert run(Maximum(), [A, B], mask=[REAL_A, None])[0].tolist() == [[10, 20], [3, 40], [0.5, -0.25], [2, 3]]


@pytest.mark.parametrize("layer", [kind() for kind in ELEMENTWISE])
def test_the_mask_of_a_merge_is_or_and_none_where_any_input_has_none(layer: Any) -> None:
    assert layer.compute_mask([A, B], [REAL_A, REAL_B]).tolist() == [[True, True, True, False]]
    assert layer.compute_mask([A, B], [REAL_A, None]) is None
    assert layer.compute_mask([A, B], None) is None


def test_a_lower_rank_gets_axes_after_the_batch() -> None:
    """By hand: (2, 3) is added to every row of (2, 2, 3); aligned from the right it would not fit a batch of 3."""
    low = numpy.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])
    high = numpy.array([[[0.0] * 3, [100.0] * 3], [[0.0] * 3, [100.0] * 3]])
    added = run(Add(), [high, low])
    assert added.tolist() == [[[1, 2, 3], [101, 102, 103]], [[10, 20, 30], [110, 120, 130]]]
    assert Add().rule([(2, 2, 3), (2, 3)]) == (
        "lower ranks get axes of length 1 after the batch axis: (2, 2, 3), (2, 1, 3)"
    )
    assert Add().rule([(2, 2, 3), (2, 1, 3)]) == ""


@pytest.mark.parametrize(
    ("layer", "inputs", "message"),
    [
        (Add(), A, "takes a list"),
        (Add(), [], "takes a list"),
        (Add(), [A, numpy.ones((2, 4, 2))], "different batch sizes"),
        (Average(), [A, numpy.ones((1, 4, 3))], "do not broadcast"),
        (Subtract(), [A, A, A], "exactly 2"),
        (Concatenate(), A[0, 0], "takes a list"),
        (Concatenate(axis=3), [A, B], "does not exist"),
        (Concatenate(), [A, B[:, :3]], "lengths differ off axis -1"),
    ],
)
def test_what_cannot_be_merged(layer: Any, inputs: Any, message: str) -> None:
    with pytest.raises(LayerError, match=message):
        run(layer, inputs)


def test_concatenate() -> None:
    assert run(Concatenate(), [A, B])[0, 1].tolist() == [3, 4, -30, 40]
    assert run(Concatenate(axis=1), [A, B])[0, 4:].tolist() == B[0].tolist()
    assert Concatenate(axis=1).rule([(1, 4, 2), (1, 3, 2)]) == "axis 1: 4 + 3 = 7"


def test_the_mask_of_concatenate_is_any_over_the_features() -> None:
    """By hand; along the steps the masks stand one after the other, and an input without one is real."""
    assert Concatenate().compute_mask([A, B], [REAL_A, REAL_B]).tolist() == [[True, True, True, False]]
    along = Concatenate(axis=1).compute_mask([A, B], [REAL_A, REAL_B])
    assert along.tolist() == [[True, True, False, False, True, False, True, False]]
    assert Concatenate().compute_mask([A, B], [REAL_A, None]).tolist() == [[True] * 4]
    assert Concatenate().compute_mask([A, B], [None, None]) is None


def test_masked_average_over_a_list() -> None:
    """By hand: both, A alone, B alone, nothing."""
    averaged = run(MaskedAverage(), [A, B], mask=[REAL_A, REAL_B])
    assert averaged[0].tolist() == [[5.5, 9], [3, 4], [0.5, -0.25], [0, 0]]
    assert MaskedAverage().compute_mask([A, B], [REAL_A, REAL_B]).tolist() == [[True, True, True, False]]
    assert run(MaskedAverage(), [A, B]).tolist() == run(Average(), [A, B]).tolist()


def test_masked_average_over_an_axis() -> None:
    """By hand: the rows of A at steps 0 and 1, then a sample without any real step."""
    x = numpy.concatenate([A, B])
    mask = numpy.array([[True, True, False, False], [False] * 4])
    assert run(MaskedAverage(axis=1), x, mask=mask).tolist() == [[2, 1], [0, 0]]
    assert MaskedAverage(axis=1).compute_mask(x, mask).tolist() == [True, False]
    assert run(MaskedAverage(axis=-1), x, mask=mask).tolist() == [[-0.5, 3.5, 0, 0], [0, 0, 0, 0]]
    assert MaskedAverage(axis=-1).compute_mask(x, mask).tolist() == mask.tolist()


def test_what_is_masked_may_be_nan() -> None:
    x = numpy.where(REAL_A[..., None], A, numpy.nan)
    assert run(MaskedAverage(axis=1), x, mask=REAL_A).tolist() == [[2, 1]]
    assert run(Maximum(), [x, B], mask=[REAL_A, numpy.ones((1, 4), bool)])[0, 2:].tolist() == B[0, 2:].tolist()


@pytest.mark.parametrize("kind", [*ELEMENTWISE, MaskedAverage])
def test_gradients_of_masked_merges(kind: Any) -> None:
    mask = {} if kind in (Add, Subtract, Average) else {"mask": [REAL_A, REAL_B]}
    assert_gradient_matches_finite_difference(kind(), [A, B], **mask)


def test_gradients_of_concatenate_and_of_the_masked_mean_of_steps() -> None:
    assert_gradient_matches_finite_difference(Concatenate(axis=1), [A, B])
    assert_gradient_matches_finite_difference(MaskedAverage(axis=1), A, mask=REAL_A)


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (kind(), mutant.name)
        for kind in (*ELEMENTWISE, Concatenate, MaskedAverage)
        for mutant in kind.mutants
        if mutant.name != "other_axis"
    ],
)
def test_mutants_are_seen(layer: Any, name: str) -> None:
    inputs = [A, B] if isinstance(layer, Subtract) else [A, B, C]
    masks = [REAL_A, REAL_B, REAL_B][: len(inputs)]
    assert is_seen(layer, name, inputs, mask=masks)


def test_the_mutants_of_other_axes_are_seen() -> None:
    image = numpy.arange(24.0).reshape(1, 4, 2, 3)
    assert is_seen(Concatenate(axis=1), "other_axis", [image, image])
    assert is_seen(Concatenate(), "other_axis", [image, image])
    for name in ("mask_lost", "ignores_mask", "fixed_number", "mask_all"):
        assert is_seen(MaskedAverage(axis=1), name, A, mask=REAL_A)


def test_longest_sums() -> None:
    shapes = [(2, 5, 3), (2, 5, 3), (2, 5, 3)]
    assert Add().longest_sum({}, shapes) == MaskedAverage().longest_sum({}, shapes) == 3
    assert MaskedAverage(axis=1).longest_sum({}, (2, 5, 3)) == 5
    assert Concatenate().longest_sum({}, shapes) == 1
