"""EinsumDense against sums written out by hand."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from conformance.reference.base import LayerError, make
from conformance.reference.einsum_dense import EinsumDense
from tests.reference.helpers import assert_gradient_matches_finite_difference, is_seen, run, weights_of

X = numpy.array([[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]])
KERNEL = numpy.array([[1.0, 10.0], [100.0, 1000.0]])


@pytest.mark.parametrize(
    ("equation", "output_shape", "bias_axes", "bias", "expected"),
    [
        # x[t] @ k: 1 + 200 and 10 + 2000, ...; the same with the axes of steps unnamed
        ("abc,cd->abd", (None, 2), None, None, [[201, 2010], [403, 4030], [605, 6050]]),
        ("...c,cd->...d", 2, "d", [0.5, 0.25], [[201.5, 2010.25], [403.5, 4030.25], [605.5, 6050.25]]),
        # one bias a step: its last axis has length 1
        ("abc,cd->abd", (3, 2), "b", [[1], [2], [3]], [[202, 2011], [405, 4032], [608, 6053]]),
        # channel c times column: nothing is summed but c over the steps kept apart
        ("abc,cd->adb", (2, None), "d", [[0.5], [0.25]], [[201.5, 403.5, 605.5], [2010.25, 4030.25, 6050.25]]),
    ],
)
def test_by_hand(equation: str, output_shape: Any, bias_axes: Any, bias: Any, expected: list[Any]) -> None:
    layer = EinsumDense(equation=equation, output_shape=output_shape, bias_axes=bias_axes)
    weights = {"kernel": KERNEL} if bias is None else {"kernel": KERNEL, "bias": bias}
    assert {name: numpy.shape(value) for name, value in weights.items()} == {
        name: weight.shape for name, weight in layer.weights(X.shape).items()
    }
    assert run(layer, X, weights=weights).tolist() == [expected]


def test_steps_are_mixed_where_the_first_axis_is_summed() -> None:
    """1 + 30 + 500 and 2 + 40 + 600: every channel by itself."""
    layer = EinsumDense(equation="ab...,bc->ac...", output_shape=1)
    assert run(layer, X, weights={"kernel": [[1.0], [10.0], [100.0]]}).tolist() == [[[531, 642]]]


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (
            EinsumDense(equation="abc,cde->abde", output_shape=(None, 4, 5), bias_axes="de"),
            (2, 3, 7),
            ((7, 4, 5), (4, 5)),
        ),
        (
            EinsumDense(equation="abc,cde->abde", output_shape=(None, 4, 5), bias_axes="d"),
            (2, 3, 7),
            ((7, 4, 5), (4, 1)),
        ),
        (EinsumDense(equation="...x,xy->...y", output_shape=5, bias_axes="y"), (2, 3, 4, 7), ((7, 5), (5,))),
        (EinsumDense(equation="ab...,bc->ac...", output_shape=5, bias_axes="c"), (2, 3, 4, 7), ((3, 5), (5, 1, 1))),
    ],
)
def test_weights_in_the_layout_of_keras(layer: EinsumDense, shape: Any, expected: Any) -> None:
    assert tuple(weight.shape for weight in layer.weights(shape).values()) == expected
    assert layer.longest_sum(layer.weights(shape), shape) == expected[0][0]


@pytest.mark.parametrize(
    ("config", "shape", "message"),
    [
        ({"equation": "ab,bc", "output_shape": 2}, (2, 3), "has none of the forms"),
        ({"equation": "ab,bc->ac", "output_shape": 2, "bias_axes": "z"}, (2, 3), "axes that the output ac does not"),
        ({"equation": "ab,bc->ac", "output_shape": 2}, (2, 3, 4), "does not fit an input of 3 axes"),
        ({"equation": "...b,bc->...c", "output_shape": 2}, (3,), "does not fit an input of 1 axes"),
        ({"equation": "abc,cd->abd", "output_shape": [4, 2]}, (2, 3, 5), "axis b has length 3 in the input and 4"),
        ({"equation": "abc,cd->abd", "output_shape": [3, None]}, (2, 3, 5), "does not say how long"),
        ({"equation": "abc,cde->abde", "output_shape": [None, 4]}, (2, 3, 5), "does not say how long"),
    ],
)
def test_refused(config: dict[str, Any], shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(LayerError, match=message):
        run(make("EinsumDense", config), numpy.ones(shape))


def test_rule_has_the_numbers_filled_in() -> None:
    layer = EinsumDense(equation="abc,cde->abde", output_shape=(None, 4, 5))
    assert layer.rule((2, 3, 7)) == ("abc,cde->abde: sums over c of 7; the output has a of 2, b of 3, d of 4, e of 5")
    assert EinsumDense(equation="...x,xy->...y", output_shape=5).rule((2, 3, 7)) == (
        "ABx,xy->ABy: sums over x of 7; the output has A of 2, B of 3, y of 5"
    )


LAYER = EinsumDense(equation="abc,cde->abde", output_shape=(None, 4, 5), bias_axes="de", activation="tanh")
NUMBERS = numpy.random.default_rng(4).normal(size=(2, 3, 7))


def test_gradient() -> None:
    assert_gradient_matches_finite_difference(LAYER, NUMBERS)


@pytest.mark.parametrize("name", [mutant.name for mutant in EinsumDense.mutants])
def test_mutants_are_seen(name: str) -> None:
    assert is_seen(LAYER, name, NUMBERS, weights=weights_of(LAYER, NUMBERS.shape))
