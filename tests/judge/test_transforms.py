"""Each change is found where it was made, and none is found between unrelated arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from conformance.diagnose.changes import _masked, _rounded, _swapped, fits
from conformance.diagnose.transforms import transforms
from conformance.judge.budget import allowance
from conformance.judge.compare import Matched
from conformance.protocol.observation import Output

X = np.random.default_rng(1).normal(0.25, 1.0, (2, 3, 6))
ALLOWED = 1e-6 * np.ones(X.shape)


def found(got: Any, reference: Any = X, allowed: Any = ALLOWED) -> list[str]:
    return [change.words for change in transforms(got, reference) if fits(got, reference, allowed, change.apply)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x: 2 * x, "times 2"),
        (lambda x: x / 3, "times 1/3"),
        (lambda x: -x, "times -1"),
        (lambda x: x - 0.5, "plus -0.5"),
        (lambda x: x[:, ::-1], "flipped along axis 1"),
        (lambda x: np.roll(x, 1, 2), "moved by 1 along axis 2, round the end"),
        (
            lambda x: np.concatenate([x[..., 1:], 0 * x[..., :1]], axis=2),
            "moved by -1 along axis 2, with zeros coming in",
        ),
        (lambda x: np.swapaxes(x, 1, 2), "with its axes in the order (0, 2, 1)"),
        (lambda x: np.maximum(x, 0), "after relu"),
        (np.tanh, "after tanh"),
        (np.square, "squared"),
        (
            lambda x: np.concatenate([x[..., 3:], x[..., :3]], axis=2),
            "with the 2 blocks of its last axis in the order (1, 0)",
        ),
        (
            lambda x: np.concatenate([x[..., 2:4], x[..., :2], x[..., 4:]], axis=2),
            "with the 3 blocks of its last axis in the order (1, 0, 2)",
        ),
        (
            lambda x: np.concatenate([np.zeros((2, 1, 6)), x[:, :-1]], axis=1),
            "moved by 1 along axis 1, with zeros coming in",
        ),
        (lambda x: x[:, [2, 1, 0]][:, [1, 2, 0]], "with axis 1 in the order (1, 0, 2)"),
        (lambda x: 1.0 / (1.0 + np.exp(-x)), "after sigmoid"),
        (lambda x: x.reshape(2, 18), "reshaped to (2, 18)"),
        (lambda x: x[:, :, 1:], "without 1 at the start and 0 at the end of axis 2"),
        (lambda x: x.mean(axis=1), "as the mean over axis 1"),
        (lambda x: x[:, -1], "at the last of axis 1"),
    ],
)
def test_a_change_is_recognised(change: Callable[[Any], Any], words: str) -> None:
    assert found(change(X))[0] == words


def test_no_change_leads_to_other_numbers() -> None:
    other = np.random.default_rng(2).normal(0.25, 1.0, X.shape)
    assert found(other) == []
    assert found(other[:, 0]) == []


def test_a_change_with_one_element_off_does_not_fit() -> None:
    got = 2 * X
    got[1, 2, 3] += 1e-3
    assert found(got) == []


def test_what_is_allowed_grows_with_the_change() -> None:
    got = 2 * X + 1.5e-6
    assert "times 2" in " ".join(found(got)), "1.5e-6 is less than twice 1e-6"
    assert found(2 * X + 1e-5 * np.sign(X)) == []


def test_a_change_that_an_output_of_fewer_axes_does_not_have_does_not_fit_it() -> None:
    number = np.float64(2.0)
    changes = list(transforms(X[..., ::-1], X))
    assert "with the 2 blocks of its last axis in the order (1, 0)" in [change.words for change in changes]
    reached = [change.words for change in changes if fits(np.float64(5.0), number, np.float64(1e-6), change.apply)]
    assert reached == []


def with_mask(mask: Any) -> Output:
    return Output((2, 3), "float64", np.ones((2, 3)), None if mask is None else np.array(mask))


@pytest.mark.parametrize(
    ("mine", "theirs", "words"),
    [
        (None, [[True, False, True]], "without its mask"),
        ([[True, True, True]], None, "with a mask that is true everywhere"),
        ([[True, False, True]], None, "with a mask where it has none"),
        ([[False, True, False]], [[True, False, True]], "with its mask inverted"),
        ([[True, True, False]], [[True, False, False]], "with more of its mask true"),
        ([[True, False, False]], [[True, True, False]], "with less of its mask true"),
        ([[True, False, True]], [[True, True, False]], "with another mask"),
        ([[True, False]], [[True, True, False]], "with another mask"),
    ],
)
def test_a_mask_is_told_from_the_references(mine: Any, theirs: Any, words: str) -> None:
    allowed = allowance(np.ones((2, 3)), None, 1)
    assert _masked([Matched("y", 0, with_mask(mine), with_mask(theirs), allowed)]) == words


def two(got: tuple[Any, Any], wanted: tuple[Any, Any], mask: Any = None) -> list[Matched]:
    """Two outputs of a lane without masks beside the reference's, which may have one."""
    given = zip("ab", got, wanted, strict=True)
    return [
        Matched(
            label,
            0,
            Output(mine.shape, "float32", mine, None),
            Output(theirs.shape, "float32", theirs, mask),
            allowance(theirs, None, 1),
        )
        for label, mine, theirs in given
    ]


def test_two_outputs_that_changed_places_are_swapped() -> None:
    a, b = np.ones((2, 3)), np.full((2, 3), 5.0)
    assert _swapped(two((b, a), (a, b))) == "with a and b swapped"


def test_two_outputs_whose_values_are_right_are_not_swapped_whatever_their_masks_are() -> None:
    one = np.ones((2, 3))
    without = two((one, one), (one, one), np.array([[1, 1, 0], [1, 0, 0]], bool))
    assert _swapped(without) == ""
    assert _masked(without) == "without its mask"


def with_errors(errors: Any, label: str = "y") -> list[Matched]:
    """A lane off by these errors, of sums of numbers about as large as one."""
    big = np.random.default_rng(4).normal(0.0, 1.0, errors.shape)
    wanted = Output(big.shape, "float32", big, None, np.full(big.shape, 2.0**-24))
    got = Output(big.shape, "float32", big + errors, None)
    return [
        Matched(
            label,
            0,
            got,
            wanted,
            replace(allowance(wanted.values, wanted.sensitivity, 1), allowed=np.full(big.shape, 2.0**-20)),
        )
    ]


def test_errors_of_either_sign_and_the_size_of_16_bits_are_called_rounding() -> None:
    noise = np.random.default_rng(5).uniform(-1.0, 1.0, (8, 8))
    assert _rounded(with_errors(2.0**-9 * noise)) == "rounded as bfloat16 rounds", "it has 8 bits"
    assert _rounded(with_errors(2.0**-12 * noise)) == "rounded as float16 rounds", "it has 11"
    assert _rounded(with_errors(2.0**-19 * noise)) == "", "too small to be either"
    assert _rounded(with_errors(2.0**-2 * noise)) == "", "too large"
    assert _rounded(with_errors(2.0**-9 * np.abs(noise))) == "", "of one sign"
    assert _rounded(with_errors(2.0**-9 * noise[:1])) == "", "too few"
    followed = with_errors(noise)[0].wanted.values
    assert _rounded(with_errors(2.0**-9 * followed)) == "", "another scale"
    assert _rounded(with_errors(2.0**-9 * noise, "dense.kernel@1")) == "", "small beside a weight, whatever is wrong"


def test_what_is_infinite_in_the_reference_is_no_rounding_and_no_crash() -> None:
    noise = np.random.default_rng(5).uniform(-1.0, 1.0, (8, 8))
    found = with_errors(2.0**-9 * noise)[0]
    beyond = np.where(noise > 0.9, np.inf, found.wanted.values)
    assert _rounded([replace(found, wanted=replace(found.wanted, values=beyond))]) == ""


def test_a_zero_that_comes_of_zeros_is_rounded_by_no_format() -> None:
    noise = np.random.default_rng(5).uniform(-1.0, 1.0, (8, 8))
    (found,) = with_errors(2.0**-9 * noise)
    zeros = replace(found.wanted, values=np.zeros((8, 8)), sensitivity=np.zeros((8, 8)))
    allowed = replace(found.allowed, sensitivity=np.zeros((8, 8)))
    assert _rounded([replace(found, wanted=zeros, allowed=allowed)]) == "", "a number where nothing is rounded"
    right = replace(found, wanted=zeros, got=zeros, allowed=allowed)
    assert _rounded([found, right]) == "rounded as bfloat16 rounds", "the zeros are as they must be"
