"""Rows of a table: their gradient is that of plain indexing, and each place can be listened to."""

from __future__ import annotations

from typing import Any

import autograd
import autograd.numpy as np

from conformance.reference.lookup import places, rows, squares

TABLE = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
IDS = np.array([[2, 0, 2]])
COTANGENT = np.array([[[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]])


def score(table: Any) -> Any:
    return np.sum(COTANGENT * rows(table, IDS))


def test_rows_are_taken_and_the_gradient_of_a_row_is_summed_over_its_places() -> None:
    assert rows(TABLE, IDS).tolist() == [[[5.0, 6.0], [1.0, 2.0], [5.0, 6.0]]]
    # row 2 stands first and last: 1 + 3 and 10 + 30
    assert autograd.grad(score)(TABLE).tolist() == [[2.0, 20.0], [0.0, 0.0], [4.0, 40.0]]


def test_each_place_is_heard_while_somebody_listens() -> None:
    with places() as heard:
        gradient = autograd.grad(score)(TABLE)
    (one,) = heard
    assert one.table is TABLE
    assert one.gradient.tolist() == COTANGENT.tolist()
    # 1 + 9 and 100 + 900 for row 2; 4 and 400 for row 0
    found = squares(TABLE, gradient, heard)
    assert found is not None
    assert found.tolist() == [[4.0, 400.0], [0.0, 0.0], [10.0, 1000.0]]
    autograd.grad(score)(TABLE)
    assert len(heard) == 1, "nobody listens any more"


def test_places_of_two_takings_count_together() -> None:
    with places() as heard:
        gradient = autograd.grad(lambda table: score(table) + np.sum(rows(table, np.array([0]))))(TABLE)
    found = squares(TABLE, gradient, heard)
    assert found is not None
    assert found.tolist() == [[5.0, 401.0], [0.0, 0.0], [10.0, 1000.0]]


def test_a_table_that_is_used_otherwise_too_has_no_places() -> None:
    with places() as heard:
        gradient = autograd.grad(lambda table: score(table) + np.sum(table**2))(TABLE)
    assert squares(TABLE, gradient, heard) is None
    assert squares(TABLE + 0.0, gradient, heard) is None, "another table"
