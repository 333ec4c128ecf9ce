"""Padding and cropping of images, every number placed by hand; the sequences are in test_reshaping."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from conformance.reference.base import LayerError, make
from conformance.reference.padding import Cropping2D, ZeroPadding2D
from tests.reference.helpers import assert_gradient_matches_finite_difference, is_seen, run

X = numpy.arange(1.0, 7.0).reshape(1, 2, 3, 1)
"""1 2 3 / 4 5 6."""


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        # rows 1 above and 0 below, columns 0 left and 2 right; one number for rows and one for columns; the default
        (ZeroPadding2D(padding=((1, 0), (0, 2))), [[0] * 5, [1, 2, 3, 0, 0], [4, 5, 6, 0, 0]]),
        (ZeroPadding2D(padding=(0, 1)), [[0, 1, 2, 3, 0], [0, 4, 5, 6, 0]]),
        (ZeroPadding2D(padding=((0, 1), 0)), [[1, 2, 3], [4, 5, 6], [0, 0, 0]]),
        (ZeroPadding2D(), [[0] * 5, [0, 1, 2, 3, 0], [0, 4, 5, 6, 0], [0] * 5]),
        (Cropping2D(cropping=((1, 0), (0, 2))), [[4]]),
        (Cropping2D(cropping=(0, 1)), [[2], [5]]),
        (Cropping2D(cropping=(0, (1, 0))), [[2, 3], [5, 6]]),
        (Cropping2D(), [[1, 2, 3], [4, 5, 6]]),
    ],
    ids=str,
)
def test_numbers_stand_where_they_should(layer: Any, expected: list[Any]) -> None:
    assert run(layer, X)[0, :, :, 0].tolist() == expected
    first = type(layer)(
        **{name: value for name, value in vars(layer).items() if name != "data_format"}, data_format="channels_first"
    )
    assert run(first, numpy.moveaxis(X, -1, 1))[0, 0].tolist() == expected


@pytest.mark.parametrize(
    ("kind", "config", "x", "message"),
    [
        ("ZeroPadding2D", {"padding": [[0, -1], 0]}, X, "must not be negative"),
        ("ZeroPadding2D", {}, X[0], "ZeroPadding2D takes four axes"),
        ("Cropping2D", {"cropping": [[1, 1], 0]}, X, r"cropping 1 \+ 1 leaves nothing of 2 steps"),
        ("Cropping2D", {"cropping": [0, [2, 2]]}, X, r"cropping 2 \+ 2 leaves nothing of 3 steps"),
        ("Cropping2D", {}, X[0], "Cropping2D takes four axes"),
    ],
)
def test_refused(kind: str, config: dict[str, Any], x: Any, message: str) -> None:
    with pytest.raises(LayerError, match=message):
        run(make(kind, config), x)


def test_rules_have_their_numbers_filled_in() -> None:
    assert ZeroPadding2D(padding=((1, 0), (0, 2))).rule((5, 7, 8, 3)) == "1 + 7 + 0 = 8; 0 + 8 + 2 = 10"
    assert (
        Cropping2D(cropping=(1, 2), data_format="channels_first").rule((5, 3, 7, 8)) == "7 - 1 - 1 = 5; 8 - 2 - 2 = 4"
    )


LAYERS = [ZeroPadding2D(padding=((1, 0), (0, 2))), Cropping2D(cropping=((1, 0), (0, 2)))]
WIDE = numpy.random.default_rng(4).normal(size=(2, 4, 5, 3))


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_gradient_and_mask(layer: Any) -> None:
    assert_gradient_matches_finite_difference(layer, WIDE)
    assert layer.compute_mask(WIDE, numpy.ones((2, 4), dtype=bool)) is None


@pytest.mark.parametrize(
    ("layer", "name"),
    [(layer, mutant.name) for layer in LAYERS for mutant in layer.mutants if mutant.name != "left_and_right_of_all"],
    ids=str,
)
def test_mutants_are_seen(layer: Any, name: str) -> None:
    assert is_seen(layer, name, WIDE)


def test_two_numbers_are_for_rows_and_columns() -> None:
    assert is_seen(ZeroPadding2D(padding=(1, 2)), "left_and_right_of_all", WIDE)
    assert not is_seen(LAYERS[0], "left_and_right_of_all", WIDE)
