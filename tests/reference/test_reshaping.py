"""Layers that move numbers, against the examples of the Keras documentation; every number is placed by hand."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from conformance.reference.base import LayerError, make
from conformance.reference.padding import Cropping1D, ZeroPadding1D
from conformance.reference.reshaping import Flatten, Permute, RepeatVector, Reshape, UpSampling1D
from tests.reference.helpers import assert_gradient_matches_finite_difference, is_seen, run

X = numpy.arange(12.0).reshape(2, 2, 3)
"""The input of the examples in the documentation: [[0 1 2] [3 4 5]] and [[6 7 8] [9 10 11]]."""
FIRST = [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(
    ("layer", "first"),
    [
        (Flatten(), [0, 1, 2, 3, 4, 5]),
        (Flatten(data_format="channels_first"), [0, 3, 1, 4, 2, 5]),
        (Reshape(target_shape=(3, 2)), [[0, 1], [2, 3], [4, 5]]),
        (Reshape(target_shape=(-1,)), [0, 1, 2, 3, 4, 5]),
        (Reshape(target_shape=(3, -1, 1)), [[[0], [1]], [[2], [3]], [[4], [5]]]),
        (Permute(dims=(2, 1)), [[0, 3], [1, 4], [2, 5]]),
        (Permute(dims=(1, 2)), FIRST),
        # keras.io/api/layers/reshaping_layers/zero_padding1d.
        (ZeroPadding1D(padding=2), [[0] * 3, [0] * 3, *FIRST, [0] * 3, [0] * 3]),
        (ZeroPadding1D(padding=(0, 1)), [*FIRST, [0] * 3]),
        (ZeroPadding1D(padding=(1, 0), data_format="channels_first"), [[0, 0, 1, 2], [0, 3, 4, 5]]),
        (Cropping1D(cropping=(1, 0)), [[3, 4, 5]]),
        (Cropping1D(cropping=0), FIRST),
        # keras.io/api/layers/reshaping_layers/up_sampling1d.
        (UpSampling1D(size=2), [[0, 1, 2], [0, 1, 2], [3, 4, 5], [3, 4, 5]]),
    ],
    ids=str,
)
def test_numbers_stand_where_they_should(layer: Any, first: list[Any]) -> None:
    y = run(layer, X)
    assert y[0].tolist() == first
    assert y.shape == (2, *numpy.shape(first))
    assert layer.longest_sum({}, X.shape) == 1


def test_the_documented_cropping() -> None:
    """keras.io/api/layers/reshaping_layers/cropping1d."""
    x = numpy.arange(12).reshape(2, 3, 2)
    assert run(Cropping1D(cropping=1), x).tolist() == [[[2, 3]], [[8, 9]]]


def test_permute_of_three_axes() -> None:
    """y[i, j, k] = x[j, k, i] for dims (3, 1, 2): axis 1 of the output is axis 3 of the input."""
    x = numpy.arange(24.0).reshape(1, 2, 3, 4)
    y = run(Permute(dims=(3, 1, 2)), x)
    assert y.shape == (1, 4, 2, 3)
    assert y[0, 3, 1, 2] == x[0, 1, 2, 3]
    assert (
        Permute(dims=(3, 1, 2)).rule(x.shape) == "axis 1 is axis 3 of 4, axis 2 is axis 1 of 2, axis 3 is axis 2 of 3"
    )


def test_repeat_vector() -> None:
    assert run(RepeatVector(n=2), X[:, 0]).tolist() == [[[0, 1, 2], [0, 1, 2]], [[6, 7, 8], [6, 7, 8]]]


def test_a_batch_of_numbers_is_flattened_to_a_column() -> None:
    assert run(Flatten(), numpy.array([1.0, 2.0])).tolist() == [[1.0], [2.0]]
    assert run(Flatten(data_format="channels_first"), X[:, 0]).tolist() == X[:, 0].tolist()


@pytest.mark.parametrize(
    ("kind", "config", "x", "message"),
    [
        ("Reshape", {"target_shape": [-1, -1]}, X, "more than one unknown length"),
        ("Reshape", {"target_shape": [4]}, X, r"6 numbers do not fill the shape \(4,\)"),
        ("Reshape", {"target_shape": [4, -1]}, X, r"6 numbers do not fill the shape \(4, -1\)"),
        ("Permute", {"dims": [0, 1]}, X, r"dims=\(0, 1\) is not an order of 1 .. 2"),
        ("Permute", {"dims": [1, 1]}, X, "is not an order"),
        ("Permute", {"dims": [1, 3, 2]}, X, "needs 3 axes after the batch"),
        ("RepeatVector", {"n": 2}, X, "takes"),
        ("ZeroPadding1D", {"padding": [-1, 1]}, X, "must not be negative"),
        ("ZeroPadding1D", {}, X[:, 0], "takes three axes"),
        ("Cropping1D", {"cropping": -1}, X, "must not be negative"),
        ("Cropping1D", {"cropping": [1, 1]}, X, r"cropping 1 \+ 1 leaves nothing of 2 steps"),
        ("Cropping1D", {}, X[:, 0], "takes three axes"),
        ("UpSampling1D", {}, X[:, 0], "takes three axes"),
    ],
)
def test_refused(kind: str, config: dict[str, Any], x: Any, message: str) -> None:
    with pytest.raises(LayerError, match=message):
        run(make(kind, config), x)


@pytest.mark.parametrize(
    ("layer", "rule"),
    [
        (Flatten(), "11 * 7 = 77"),
        (Reshape(target_shape=(7, -1)), "11 * 7 = 7 * 11 = 77"),
        (ZeroPadding1D(padding=(2, 1)), "2 + 11 + 1 = 14"),
        (ZeroPadding1D(padding=1, data_format="channels_first"), "1 + 7 + 1 = 9"),
        (Cropping1D(cropping=(2, 1)), "11 - 2 - 1 = 8"),
        (UpSampling1D(size=3), "3 * 11 = 33"),
    ],
    ids=str,
)
def test_rules_have_their_numbers_filled_in(layer: Any, rule: str) -> None:
    assert layer.rule((5, 11, 7)) == rule


LAYERS = [
    Flatten(),
    Reshape(target_shape=(4, 3)),
    Permute(dims=(2, 1)),
    ZeroPadding1D(padding=(2, 1)),
    Cropping1D(cropping=(2, 1)),
    UpSampling1D(size=3),
]
WIDE = numpy.random.default_rng(4).normal(size=(2, 4, 3))


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_gradient(layer: Any) -> None:
    assert_gradient_matches_finite_difference(layer, WIDE)


@pytest.mark.parametrize("layer", [*LAYERS, RepeatVector(n=2)], ids=str)
def test_the_mask_ends_here(layer: Any) -> None:
    assert layer.compute_mask(X, numpy.ones((2, 2), dtype=bool)) is None


ELSEWHERE = ("inverse", "ignores_data_format", "column_by_column")
SCENES = [
    *((layer, mutant.name, WIDE) for layer in LAYERS for mutant in type(layer).mutants if mutant.name not in ELSEWHERE),
    (Flatten(data_format="channels_first"), "ignores_data_format", WIDE),
    *((RepeatVector(n=2), mutant.name, WIDE[:, 0]) for mutant in RepeatVector.mutants),
    (
        Reshape(target_shape=(2, 6)),
        "column_by_column",
        WIDE,
    ),  # the axes of (4, 3) turned into (3, 4) are no other order
    (Permute(dims=(3, 1, 2)), "inverse", WIDE[..., None] * [1.0, 2.0]),  # (2, 1) is its own inverse
]


@pytest.mark.parametrize(
    ("layer", "name", "x"), SCENES, ids=[f"{type(scene[0]).__name__}.{scene[1]}" for scene in SCENES]
)
def test_mutants_are_seen(layer: Any, name: str, x: Any) -> None:
    assert is_seen(layer, name, x)


def test_a_rule_of_nothing_beside_the_batch() -> None:
    """The product of no lengths is 1."""
    assert Flatten().rule((2,)) == "1 = 1"


def test_a_length_cannot_be_found_beside_an_axis_of_length_0() -> None:
    with pytest.raises(LayerError, match="3 numbers do not fill the shape"):
        Reshape(target_shape=(-1, 0)).target((2, 3))
