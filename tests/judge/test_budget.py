"""What an error may be: the inequality by hand, the exact tier, and errors that are too large only together."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.case.model import Tolerance
from conformance.judge.budget import (
    UNIT,
    Allowance,
    allowance,
    distance,
    gradient_allowance,
    is_biased,
    moderated,
)


def test_the_inequality_by_hand() -> None:
    reference = np.array([1.0, -2.0])
    found = allowance(reference, np.array([3 * UNIT, 3 * UNIT]), longest_sum=16)
    # C = 8 + sqrt(16) = 12; 12 (3 u + u |ref|) + 8 u 2
    assert np.allclose(found.allowed / UNIT, [12 * 4 + 16, 12 * 5 + 16], rtol=1e-12)
    assert (found.constant, found.floor / UNIT, found.tier) == (12.0, 16.0, "budget")


def test_the_largest_of_many_errors_of_a_long_sum_is_allowed_more() -> None:
    """sqrt(2 ln 1000) = sqrt(13.8155) = 3.71692 standard deviations of sqrt(16) / 2 = 2: C = 8 + 7.43384."""
    thousand = allowance(np.ones(1000), None, longest_sum=16)
    assert thousand.constant == pytest.approx(15.43384, abs=1e-5)
    assert allowance(np.ones(7), None, longest_sum=16).constant == 12.0, "sqrt(2 ln 7) is under 2"
    assert allowance(np.zeros((0, 3)), None, longest_sum=16).constant == 12.0


def test_an_exact_output_is_allowed_nothing() -> None:
    found = allowance(np.array([1.0, 2.0]), None, 1, is_exact=True)
    assert found.tier == "exact"
    assert distance(np.array([1.0, 2.0]), found).over == 0
    assert distance(np.array([1.0, np.nextafter(np.float32(2.0), np.float32(3.0))]), found).over == 1


def test_a_tolerance_that_the_case_states_replaces_both() -> None:
    stated = Tolerance(rtol=0.1, atol=0.5, reason="a test")
    found = allowance(np.array([10.0]), None, 1, stated, is_exact=True)
    assert (found.tier, found.allowed.tolist(), found.terms) == ("tolerance", [1.5], 0)


def test_sensitivities_are_drawn_to_their_median_by_a_third() -> None:
    # (8 s^2 + 4 m^2) / 12 with m = 2, the median of what is not zero
    assert np.allclose(moderated(np.array([1.0, 2.0, 4.0])) ** 2, [2.0, 4.0, 12.0], rtol=1e-12)
    assert moderated(np.array([0.0, 0.0])).tolist() == [0.0, 0.0]


def test_what_no_draw_moves_is_allowed_nothing_for_what_stands_at_a_jump() -> None:
    assert moderated(np.array([0.0, 255.0, 0.0]), jump=0.1).tolist() == [0.0, 255.0, 0.0]
    assert moderated(np.array([0.0, 3e-7]), jump=0.1)[0] > 1e-7, "what moves a little may have been missed"
    bins = allowance(np.array([0.0, 85.0, 255.0]), np.array([0.0, 0.0, 127.5]), 2)
    assert distance(np.array([0.0, 85.1, 255.0]), bins).over == 1
    assert distance(np.array([0.0, 85.0, 128.0]), bins).over == 0


def test_a_gradient_that_is_zero_by_structure_may_be_a_difference_of_the_others() -> None:
    zero = gradient_allowance(np.array([1e-17]), None, largest=1e-17, overall=1.0)
    assert distance(np.array([2e-7]), zero).over == 0
    assert distance(np.array([1e-4]), zero).over == 1
    small = gradient_allowance(np.array([1e-3]), None, largest=1e-3, overall=1.0)
    assert distance(np.array([1e-3 + 1e-6]), small).over == 1, "small gradients keep their own scale"


def errors(shape: np.ndarray, n: int = 1) -> Allowance:
    """An allowance around ones whose rounding is one unit: S = 0, u |ref| = u."""
    return allowance(np.ones(shape.shape), None, n)


def test_errors_that_are_all_large_are_biased_though_each_is_allowed() -> None:
    signs = np.where(np.arange(100) % 2 == 0, 1.0, -1.0)
    found = distance(1.0 + 6 * UNIT * signs, errors(signs))
    assert found.over == 0
    assert found.rms == pytest.approx(6.0, rel=1e-6)
    assert found.mean == pytest.approx(0.0, abs=1e-6)
    assert is_biased(found, terms=1)
    assert not is_biased(distance(1.0 + 3 * UNIT * signs, errors(signs)), terms=1)


def test_errors_to_one_side_are_biased_before_they_are_large() -> None:
    ones = np.ones(100)
    assert is_biased(distance(1.0 + 3 * UNIT * ones, errors(ones)), terms=1)
    assert not is_biased(distance(1.0 + UNIT * ones, errors(ones)), terms=1)


def test_few_elements_and_stated_tolerances_are_not_looked_at_together() -> None:
    few = np.ones(29)
    assert not is_biased(distance(1.0 + 6 * UNIT * few, errors(few)), terms=1)
    many = np.ones(100)
    assert not is_biased(distance(1.0 + 6 * UNIT * many, errors(many)), terms=0)


def test_long_sums_are_granted_more() -> None:
    many = np.ones(100)
    found = distance(1.0 + 6 * UNIT * np.where(np.arange(100) % 2 == 0, 1, -1), errors(many, 400))
    assert is_biased(found, terms=1)
    assert not is_biased(found, terms=400)


def test_numbers_whose_squares_are_too_large_are_measured_like_any_other() -> None:
    """Named mistakes make such numbers; a warning of NumPy's, which tests take for an error, would lose the case."""
    reference = np.full(40, 1e200)
    allowed = allowance(reference, np.full(40, 1e190), 1)
    moderate = allowance(np.full(40, 1.0), np.full(40, 1e-10), 1)
    found, usual = distance(reference * 1.5, allowed), distance(np.full(40, 1.5), moderate)
    assert found.over == 40
    assert found.rms == pytest.approx(usual.rms)
    assert found.mean == pytest.approx(usual.mean)
    largest = np.full(40, 1.7e308)
    assert distance(-largest, allowance(largest, None, 1)).over == 40
