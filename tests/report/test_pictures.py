"""What is kept of large arrays: levels, marks, windows and the first block, on numbers that can be told by looking."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from conformance.judge.verdict import Distance, Finding
from conformance.lanes.observation import Node, Observation, Output
from conformance.pictures import error_levels, picture_of, value_levels
from tests.builders import POOLED, cases_of, fake, records_of

CASE: Any = SimpleNamespace(tolerance=None)


def observed(lane: str, values: Any, name: str = "y", **given: Any) -> Observation:
    array = np.array(values)
    output = Output(array.shape, str(array.dtype), array, None, np.zeros(array.shape))
    return Observation(lane, runs=({name: Node(None, (output,))},), **given)


def drawn(got: Any, wanted: Any, finding: Finding | None = None, small: int = 4) -> dict[str, Any] | None:
    found = finding or Finding("values", "values", "y", distance=Distance(2.0, 1, 6, 1.0))
    return picture_of(CASE, found, observed("torch", got), observed("numpy", wanted), small)


def test_levels_part_the_range_evenly_and_marks_stand_for_what_has_none():
    values = np.array([[0.0, 0.99, 1.0, 11.99, 12.0], [np.nan, np.inf, -np.inf, 6.0, -1.0]])
    assert value_levels(values, 0.0, 12.0) == ["001bb", "n+-60"]


def test_a_range_of_one_value_is_one_level():
    assert value_levels(np.array([[3.0, 3.0]]), 3.0, 3.0) == ["00"]


def test_errors_are_levels_in_sixths_of_the_largest_where_they_are_not_allowed():
    error = np.array([[0.0, 0.01, 0.01, 1.0, 1.1, 5.9, 6.0, np.inf]])
    over = np.array([[False, False, True, True, True, True, True, True]])
    assert error_levels(error, over, 6.0) == ["00112666"]


def test_errors_of_which_none_is_finite_are_as_large_as_can_be():
    assert error_levels(np.array([[0.0, np.inf]]), np.array([[False, True]]), 0.0) == ["06"]


def test_an_array_is_laid_out_near_a_square_and_its_first_block_begins_where_it_first_differs():
    wanted = np.arange(24.0).reshape(2, 3, 4)
    got = wanted.copy()
    got[1, 0, 2] = 99.0
    found = drawn(got, wanted)
    assert found is not None
    assert (found["shape"], found["split"]) == ([2, 3, 4], 2)  # 6 rows of 4, nearer to a square than 2 rows of 12
    assert found["error"] == ["0000", "0000", "0000", "0060", "0000", "0000"]
    assert found["largest"] == 85.0
    assert found["block"] == {
        "row": 3,
        "column": 2,
        "got": [[99.0, 15.0], [18.0, 19.0], [22.0, 23.0]],
        "reference": [[14.0, 15.0], [18.0, 19.0], [22.0, 23.0]],
        "over": ["10", "00", "00"],
    }
    assert (found["low"], found["high"]) == (0.0, 99.0)
    assert found["reference"][5] == "2222"  # 20 to 23 of 99, in twelfths
    assert found["got"][3] == "11b1"


def test_a_large_array_is_cut_to_a_window_around_the_worst_element():
    wanted = np.zeros((100, 100))
    got = wanted.copy()
    got[60, 99] = 1.0
    found = drawn(got, wanted)
    assert found is not None
    assert (found["row"], found["column"]) == (44, 56)
    assert (len(found["error"]), len(found["error"][0])) == (32, 44)
    assert found["error"][60 - 44][99 - 56] == "6"
    assert sum(line.count("6") for line in found["error"]) == 1


def test_what_is_finite_on_one_side_only_is_as_far_as_can_be():
    wanted = np.array([[1.0, 2.0, np.nan], [np.inf, 5.0, 6.0]])
    got = np.array([[1.0, np.nan, np.nan], [-np.inf, 5.0, 6.0]])
    found = drawn(got, wanted, Finding("special", "special", "y"))
    assert found is not None
    assert found["error"] == ["060", "600"]
    assert found["got"][0] == "0nn"
    assert (found["got"][1][0], found["reference"][1][0]) == ("-", "+")


def test_masks_are_drawn_too():
    got, wanted = np.ones((2, 4), bool), np.ones((2, 4), bool)
    got[1, 2:] = False
    found = drawn(np.zeros(8), np.zeros(8), Finding("mask", "mask", "y", wanted=wanted, got=got))
    assert found is not None
    assert found["aspect"] == "mask"
    assert (found["got"], found["reference"]) == (["bbbb", "bb00"], ["bbbb", "bbbb"])
    assert found["error"] == ["0000", "0066"]


def test_gradients_are_drawn_too():
    wanted = Output((2, 3), "float64", np.ones((2, 3)), None)
    got = Output((2, 3), "float32", np.array([[1.0, 1.0, 1.0], [1.0, 1.5, 1.0]]), None)
    finding = Finding("gradient", "values", "dense.kernel")
    sides = (Observation(n, gradients={"dense.kernel": g}) for n, g in (("torch", got), ("numpy", wanted)))
    found = picture_of(CASE, finding, *sides, 4)
    assert found is not None
    assert found["error"] == ["000", "060"]  # 0.5 where 64 (u + 64 u) = 2.5e-4 is allowed


@pytest.mark.parametrize(
    ("got", "wanted", "finding"),
    [
        (np.zeros(4), np.ones(4), None),
        (np.zeros((2, 3)), np.ones((3, 2)), None),
        (np.zeros(6), np.ones(6), Finding("values", "values", "y", wanted_by="case")),
        (np.zeros(6), np.ones(6), Finding("shape", "shape", "y")),
        (np.zeros(6), np.ones(6), Finding("mask", "mask", "y", wanted=np.ones(6), got=None)),
        (np.array(["a"] * 6), np.array(["b"] * 6), None),
    ],
    ids=["few", "other shapes", "the case's own", "no numbers", "no mask", "text"],
)
def test_of_some_differences_there_is_no_picture(got, wanted, finding):
    assert drawn(got, wanted, finding) is None


def test_only_a_lane_that_differs_has_a_picture(tmp_path):
    larger = POOLED.replace("dim: 3}", "dim: 37}")
    (record,) = records_of(cases_of(larger, tmp_path), fake("always_wrong"), fake("always_right"))
    assert "picture" not in record["lanes"]["always_right"]
    assert "picture" not in record["lanes"]["numpy"]
    picture = record["lanes"]["always_wrong"]["picture"]
    assert picture["node"] == record["lanes"]["always_wrong"]["findings"][0]["node"]
    assert picture["shape"] == [2, 5, 37]
    assert set("".join(picture["error"])) - {"0"}
