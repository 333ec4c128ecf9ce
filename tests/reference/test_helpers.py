"""The gradient check must be able to fail."""

from __future__ import annotations

from typing import Any

import autograd.numpy as np
import numpy
import pytest
from autograd.extend import defvjp, primitive

from conformance.reference.base import LAYERS, Layer, Mutant, Weight
from tests.reference.helpers import (
    assert_directional_derivative,
    assert_gradient_matches_finite_difference,
    draw,
    is_seen,
    run_mutant,
    shape_of,
)


@primitive  # type: ignore[untyped-decorator]  # autograd ships no types
def square_with_wrong_gradient(x: Any) -> Any:
    return x**2


defvjp(square_with_wrong_gradient, lambda ans, x: lambda g: g * 2.0001 * x)


class _Square(Layer):
    def call(self, w: Any, x: Any) -> Any:
        return x**2

    mutants = (
        Mutant("none", "makes no mistake", output=lambda layer, y, args: y + 0.0),
        Mutant("cube", "multiplies once more", output=lambda layer, y, args: y * args[0]),
        Mutant("flipped", "reads backwards", inputs=lambda layer, args, kwargs: ([args[0][:, ::-1]], kwargs)),
        Mutant("masks", "invents a mask", mask=lambda layer, mask, given: numpy.array([True, False])),
    )


class _WrongSquare(Layer):
    def call(self, w: Any, x: Any) -> Any:
        return square_with_wrong_gradient(x)


X = numpy.array([[0.5, -1.5], [2.0, 3.0]])


def test_helper_layers_are_not_registered() -> None:
    assert not {"_Square", "_WrongSquare"} & set(LAYERS)


def test_a_right_gradient_passes() -> None:
    assert_gradient_matches_finite_difference(_Square(), X)


def test_a_gradient_wrong_by_a_twenty_thousandth_fails() -> None:
    with pytest.raises(AssertionError, match="autograd says"):
        assert_gradient_matches_finite_difference(_WrongSquare(), X)


def test_a_directional_derivative_of_the_wrong_function_fails() -> None:
    direction = numpy.array([1.0, 1.0])
    assert_directional_derivative(lambda x: np.sum(x**3), numpy.array([1.0, 2.0]), direction)
    with pytest.raises(AssertionError):
        assert_directional_derivative(
            lambda x: np.sum(square_with_wrong_gradient(x)), numpy.array([1.0, 2.0]), direction
        )


@pytest.mark.parametrize("kind", ["kernel", "table", "bias", "scale", "variance"])
def test_drawn_weights_are_distinct_and_not_the_default(kind: Any) -> None:
    values = draw(Weight((3, 5), kind), numpy.random.default_rng(0))
    assert values.shape == (3, 5)
    assert len(set(values.ravel())) == 15
    assert not numpy.isin(values, [0.0, 1.0]).any()
    assert kind != "variance" or (values > 0).all()


def test_the_shape_of_a_list_is_the_list_of_shapes() -> None:
    assert shape_of([X, X[0]]) == [(2, 2), (2,)]


def test_a_mutant_is_run_through_its_hooks() -> None:
    output, mask = run_mutant(_Square(), "cube", X)
    assert output.tolist() == [[0.125, -3.375], [8.0, 27.0]]
    assert mask is None
    assert run_mutant(_Square(), "flipped", X)[0].tolist() == [[2.25, 0.25], [9.0, 4.0]]


@pytest.mark.parametrize(("name", "seen"), [("none", False), ("cube", True), ("flipped", True), ("masks", True)])
def test_only_a_mutant_that_changes_something_is_seen(name: str, seen: bool) -> None:
    assert is_seen(_Square(), name, X) is seen
