"""Axes are matched by what the arrays hold; nothing is read from arrays that are not the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.comparison.orders import Order, best_order, orders, valid_in
from conformance.comparison.values import Held
from tests.comparison.fakes import stored

CUBE = np.random.default_rng(0).normal(size=(2, 3, 3, 3)).astype(np.float32)


def held(folder: Path, array: Any, mask: Any = None, lengths: tuple[int, ...] | None = None) -> Held:
    return Held("", stored(folder, array), None if mask is None else stored(folder, mask), lengths)


@pytest.mark.parametrize("axes", [(0, 1, 2, 3), (0, 3, 1, 2), (0, 2, 1, 3)])
def test_an_order_is_read_from_the_numbers_where_all_shapes_fit(axes: tuple[int, ...], tmp_path: Path) -> None:
    found = best_order(held(tmp_path, CUBE), held(tmp_path, CUBE.transpose(axes)))
    assert found is not None
    assert (found[0].axes, found[1]) == (axes, 0.0)


def test_where_nothing_is_the_same_the_usual_order_is_taken(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).normal(size=CUBE.shape)
    for usual in ((0, 3, 1, 2), (0, 1, 2, 3)):
        found = best_order(held(tmp_path, CUBE), held(tmp_path, noise), usual)
        assert found is not None
        assert found[0].axes == usual
        assert found[1] > 0.1


def test_heads_are_merged_and_other_numbers_of_a_size_are_not(tmp_path: Path) -> None:
    heads = np.random.default_rng(2).normal(size=(2, 5, 2, 4))
    found = best_order(held(tmp_path, heads), held(tmp_path, heads.reshape(2, 5, 8)))
    assert found is not None
    assert found[0] == Order((0, 1, 2, 3), (2, 5, 8))
    assert list(orders((2, 6), (3, 4))) == []


def test_one_row_stands_for_equal_rows_only(tmp_path: Path) -> None:
    row = np.random.default_rng(3).normal(size=(1, 4, 2))
    found = best_order(held(tmp_path, np.repeat(row, 3, axis=0)), held(tmp_path, row))
    assert found is not None
    assert found[0].rows == 1
    assert best_order(held(tmp_path, np.random.default_rng(4).normal(size=(3, 4, 2))), held(tmp_path, row)) is None


def test_steps_that_are_masked_or_not_packed_are_not_judged(tmp_path: Path) -> None:
    one = held(tmp_path, np.zeros((2, 3, 4)), mask=[[1, 1, 0], [1, 1, 1]])
    order = Order((0, 1, 2), (2, 3, 4))
    valid = valid_in(one, order, (2, 3, 4), None)
    assert valid is not None
    assert valid[..., 0].astype(int).tolist() == [[1, 1, 0], [1, 1, 1]]
    assert valid_in(held(tmp_path, np.zeros((2, 3, 4))), order, (2, 3, 4), (3, 3)) is None
