"""What is kept of large arrays: levels, marks, windows and the first block, on numbers that can be told by looking."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from conformance.case.model import Demands
from conformance.judge.compare import matched_outputs
from conformance.judge.verdict import Distance, Finding
from conformance.protocol.observation import Node, Observation, Output
from conformance.record.pictures import error_levels, value_levels
from tests.builders import POOLED, cases_of, fake, records_of
from tests.report.asked import picture_of

CASE: Any = SimpleNamespace(demands=Demands(), budget_scale=1.0)


def observed(lane: str, values: Any, name: str = "y", **given: Any) -> Observation:
    array = np.array(values)
    output = Output(array.shape, str(array.dtype), array, None, np.zeros(array.shape))
    return Observation(lane, runs=({name: Node(None, (output,))},), **given)


def drawn(got: Any, wanted: Any, finding: Finding | None = None, small: int = 4) -> dict[str, Any] | None:
    found = finding or Finding("values", "values", "y", distance=Distance(2.0, 1, 6, 1.0))
    mine, exact = observed("torch", got), observed("numpy", wanted)
    return picture_of(CASE, found, mine, exact, small, tuple(matched_outputs(mine, exact, exact, CASE.demands, 1.0)))


def test_levels_part_the_range_evenly_and_marks_stand_for_what_has_none() -> None:
    values = np.array([[0.0, 0.99, 1.0, 11.99, 12.0], [np.nan, np.inf, -np.inf, 6.0, -1.0]])
    assert value_levels(values, 0.0, 12.0) == ("001bb", "n+-60")


def test_a_range_of_one_value_is_one_level() -> None:
    assert value_levels(np.array([[3.0, 3.0]]), 3.0, 3.0) == ("00",)


def test_errors_are_levels_in_sixths_of_the_largest_where_they_are_not_allowed() -> None:
    error = np.array([[0.0, 0.01, 0.01, 1.0, 1.1, 5.9, 6.0, np.inf]])
    over = np.array([[False, False, True, True, True, True, True, True]])
    assert error_levels(error, over, 6.0) == ("00112666",)


def test_errors_of_which_none_is_finite_are_as_large_as_can_be() -> None:
    assert error_levels(np.array([[0.0, np.inf]]), np.array([[False, True]]), 0.0) == ("06",)


def test_an_array_is_laid_out_near_a_square_and_its_first_block_begins_where_it_first_differs() -> None:
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


def test_a_large_array_is_cut_to_a_window_around_the_worst_element() -> None:
    wanted = np.zeros((100, 100))
    got = wanted.copy()
    got[60, 99] = 1.0
    found = drawn(got, wanted)
    assert found is not None
    assert (found["row"], found["column"]) == (44, 56)
    assert (len(found["error"]), len(found["error"][0])) == (32, 44)
    assert found["error"][60 - 44][99 - 56] == "6"
    assert sum(line.count("6") for line in found["error"]) == 1


def test_what_is_finite_on_one_side_only_is_as_far_as_can_be() -> None:
    wanted = np.array([[1.0, 2.0, np.nan], [np.inf, 5.0, 6.0]])
    got = np.array([[1.0, np.nan, np.nan], [-np.inf, 5.0, 6.0]])
    found = drawn(got, wanted, Finding("special", "special", "y"))
    assert found is not None
    assert found["error"] == ["060", "600"]
    assert found["got"][0] == "0nn"
    assert (found["got"][1][0], found["reference"][1][0]) == ("-", "+")


def test_masks_are_drawn_too() -> None:
    got, wanted = np.ones((2, 4), bool), np.ones((2, 4), bool)
    got[1, 2:] = False
    found = drawn(np.zeros(8), np.zeros(8), Finding("mask", "mask", "y", wanted=wanted, got=got))
    assert found is not None
    assert found["aspect"] == "mask"
    assert (found["got"], found["reference"]) == (["bbbb", "bb00"], ["bbbb", "bbbb"])
    assert found["error"] == ["0000", "0066"]


def test_weights_after_training_are_drawn_too() -> None:
    found = drawn(np.zeros((2, 3)), np.array([[0, 0, 0], [0, 2.0, 0]]), Finding("weights", "values", "y"))
    assert found is not None
    assert (found["aspect"], found["error"]) == ("weights", ["000", "060"])


def test_other_shapes_are_laid_out_each_by_itself_on_one_scale() -> None:
    wanted = np.arange(12.0).reshape(4, 3)
    found = drawn(wanted.T, wanted, Finding("shape", "shape", "y"))
    assert found is not None
    assert (found["shape"], found["split"], found["other"]) == ([3, 4], 1, {"shape": [4, 3], "split": 1})
    assert (found["low"], found["high"], found["error"]) == (0.0, 11.0, [])
    assert found["reference"] == ["012", "345", "678", "9ab"]  # each of the 12 values has a level of its own
    assert found["got"] == ["0369", "147a", "258b"]
    assert found["block"]["got"] == [[0.0, 3.0, 6.0, 9.0], [1.0, 4.0, 7.0, 10.0], [2.0, 5.0, 8.0, 11.0]]
    assert found["block"]["reference"][3] == [9.0, 10.0, 11.0]


def test_gradients_of_other_shapes_are_laid_out_too() -> None:
    sides = (Output((2, 3), "float64", np.ones((2, 3)), None), Output((3, 2), "float64", np.ones((3, 2)), None))
    torch, numpy = (Observation(n, gradients={"k": g}) for n, g in zip(("torch", "numpy"), sides, strict=True))
    found = picture_of(CASE, Finding("gradient", "shape", "k"), torch, numpy, 4)
    assert found is not None
    assert (found["shape"], found["other"]["shape"]) == ([2, 3], [3, 2])


STATING = """
schema_version: 1
topic: t
dims: {batch: 2, dim: 3}
cases:
  - id: a
    question: q?
    source: {kind: hand, note: n}
    inputs:
      x: {shape: [batch, dim], dtype: float32, fill: {values: [[1, 2, 3], [4, 5, 6]]}}
    layers:
      act: {type: Activation, activation: linear}
    graph:
      y: act(x)
      z: x * 2
    expect:
      y: {values: [[1, 2, 3], [4, 9, 6]]}
    claims:
      - same: [y, z]
"""


def test_what_the_case_states_is_drawn_where_a_lane_differs_from_it(tmp_path: Any) -> None:
    (case,) = cases_of(STATING, tmp_path)
    given = np.array([[1.0, 2, 3], [4, 5, 6]])
    torch, numpy = observed("torch", given), observed("numpy", given)
    found = picture_of(case, Finding("values", "values", "y", wanted_by="case"), torch, numpy, 4)
    assert found is not None
    assert (found["wanted_by"], found["error"]) == ("case", ["000", "060"])
    assert found["block"] == {"row": 1, "column": 1, "got": [[5.0, 6.0]], "reference": [[9.0, 6.0]], "over": ["10"]}


def test_the_two_sides_of_a_claim_are_drawn(tmp_path: Any) -> None:
    (case,) = cases_of(STATING, tmp_path)
    y, z = (Output((2, 3), "float64", np.array(v), None) for v in ([[1.0, 2, 3], [4, 5, 6]], [[1.0, 2, 3], [4, 5, 9]]))
    run = {"y": Node(None, (y,)), "z": Node(None, (z,))}
    torch, numpy = (Observation(name, runs=(run,)) for name in ("torch", "numpy"))
    found = picture_of(case, Finding("claims", "same", "y, z", nodes=("y", "z"), wanted_by="claim"), torch, numpy, 4)
    assert found is not None
    assert (found["wanted_by"], found["node"], found["error"]) == ("claim", "y, z", ["000", "006"])
    assert found["block"]["got"] == [[9.0]]  # z is held against y
    assert found["block"]["reference"] == [[6.0]]


def test_gradients_are_drawn_too() -> None:
    wanted = Output((2, 3), "float64", np.ones((2, 3)), None)
    got = Output((2, 3), "float32", np.array([[1.0, 1.0, 1.0], [1.0, 1.5, 1.0]]), None)
    finding = Finding("gradient", "values", "dense.kernel")
    torch, numpy = (Observation(n, gradients={"dense.kernel": g}) for n, g in (("torch", got), ("numpy", wanted)))
    found = picture_of(CASE, finding, torch, numpy, 4)
    assert found is not None
    assert found["error"] == ["000", "060"]  # 0.5 where 64 (u + 64 u) = 2.5e-4 is allowed


@pytest.mark.parametrize(
    ("got", "wanted", "finding"),
    [
        (np.zeros(4), np.ones(4), None),
        (np.zeros((2, 0)), np.ones((3, 2)), Finding("shape", "shape", "y")),
        (np.zeros(6), np.ones(6), Finding("shape", "shape", "y", wanted_by="case")),
        (np.zeros(6), np.ones(6), Finding("shape", "symbolic", "y")),
        (np.zeros(6), np.ones(6), Finding("claims", "differ", "y, z", wanted_by="claim")),
        (np.zeros(6), np.ones(6), Finding("mask", "mask", "y", wanted=np.ones(6), got=None)),
        (np.array(["a"] * 6), np.array(["b"] * 6), None),
    ],
    ids=["few", "empty", "same shapes", "promise", "claim of a difference", "no mask", "text"],
)
def test_of_some_differences_there_is_no_picture(got: Any, wanted: Any, finding: Any) -> None:
    assert drawn(got, wanted, finding) is None


def test_only_a_lane_that_differs_has_a_picture(tmp_path: Any) -> None:
    larger = POOLED.replace("dim: 3}", "dim: 37}")
    (record,) = records_of(cases_of(larger, tmp_path), fake("always_wrong"), fake("always_right"))
    assert "picture" not in record["lanes"]["always_right"]
    assert "picture" not in record["lanes"]["numpy"]
    picture = record["lanes"]["always_wrong"]["picture"]
    assert picture["node"] == record["lanes"]["always_wrong"]["findings"][0]["node"]
    assert picture["shape"] == [2, 5, 37]
    assert set("".join(picture["error"])) - {"0"}


def test_what_a_policy_allows_is_not_drawn_as_an_error() -> None:
    """One rounding to bfloat16, 2^-9 of 1, is far over a float32 budget and well inside that of bfloat16."""
    wanted = [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    got = [[1.0 + 2.0**-9, 1.0, 1.0], [1.0, 1.0, 9.0]]
    reference = observed("numpy", wanted)
    node = reference.runs[0]["y"]
    half = replace(node, outputs=tuple(replace(output, precision="bfloat16") for output in node.outputs))
    finding = Finding("values", "values", "y", distance=Distance(2.0, 1, 6, 1.0))

    def drawn_beside(exact: Observation) -> Any:
        mine = observed("keras", got)
        matched = tuple(matched_outputs(mine, exact, exact, CASE.demands, 1.0))
        return picture_of(CASE, finding, mine, exact, 4, matched)

    as_float32, as_bfloat16 = drawn_beside(reference), drawn_beside(replace(reference, runs=({"y": half},)))
    assert as_float32 is not None
    assert as_bfloat16 is not None
    assert as_float32["error"] == ["100", "006"]
    assert as_bfloat16["error"] == ["000", "006"]
