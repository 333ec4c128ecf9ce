"""Dtype policies judged: honest lanes agree, and what a wider budget could hide still differs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.case.model import Tolerance
from conformance.judge.budget import Allowance, allowance, distance, gradient_allowance
from conformance.judge.compare import overflows
from conformance.judge.precision import _moves, coarser_policy
from conformance.lanes.spec import LaneSpec
from conformance.protocol.formats import FORMATS
from tests.builders import cases_of, fake, records_of

CASE = """
    schema_version: 1
    topic: a dense layer
    dims: {batch: 5, features: 7, units: 8}
    source: {kind: hand}
    cases:
      - id: dense
        question: Is it right?
        inputs:
          x: {shape: [batch, features]}
        layers:
          dense: {type: Dense, units: units}
          flat: {type: Flatten}
        graph:
          y: dense(x)
          moved: flat(x)
        expect:
          y: {shape: [batch, units], dtype: float32}
"""
LARGE = """
    schema_version: 1
    topic: an overflow
    dims: {batch: 1}
    source: {kind: hand}
    cases:
      - id: sum
        question: What is 60000 and 10000 in float16?
        inputs:
          x: {shape: [batch, 3], fill: {values: [[$first, 1, 2]]}}
          y: {shape: [batch, 3], fill: {values: [[$second, 3, 4]]}}
        layers:
          add: {type: Add}
        graph:
          sum: add([x, y])
"""


def under(policy: str, behaviour: str, **options: Any) -> LaneSpec:
    return LaneSpec("lane", "tests.lanes.policy_fakes", {"behaviour": behaviour, "policy": policy, **options})


def judged(text: str, folder: Path, spec: LaneSpec) -> dict[str, Any]:
    (record,) = records_of(cases_of(text, folder), spec)
    lane: dict[str, Any] = record["lanes"]["lane"]
    return lane


def cause(lane: dict[str, Any]) -> str:
    return str(lane["findings"][0]["aspect"]) if lane["findings"] else str(lane["verdict"])


POLICIES = ("float64", "mixed_bfloat16", "mixed_float16", "bfloat16", "float16")


@pytest.mark.parametrize("policy", POLICIES)
def test_an_honest_lane_agrees_in_values_dtypes_and_gradients(policy: str, tmp_path: Path) -> None:
    lane = judged(CASE, tmp_path, under(policy, "right"))
    assert lane["verdict"] == "agree", lane["findings"]
    assert (lane["aspects"]["dtype"], lane["aspects"]["gradient"]) == ("agree", "agree")


def test_float32_that_is_called_float64_differs(tmp_path: Path) -> None:
    lane = judged(CASE, tmp_path, under("float64", "in_float32"))
    assert cause(lane) == "values"
    assert lane["findings"][0]["distance"]["used"] > 1e5


def test_a_cast_that_is_left_out_shows_in_the_dtype_and_in_what_only_moves(tmp_path: Path) -> None:
    assert cause(judged(CASE, tmp_path, under("mixed_bfloat16", "right", dtype="float32"))) == "dtype"
    lane = judged(CASE, tmp_path, under("mixed_bfloat16", "in_float32"))
    assert [found["node"] for found in lane["findings"]] == ["moved"]  # not rounded: another number, to the last bit


@pytest.mark.parametrize("policy", ["mixed_float16", "float16"])
def test_two_percent_are_seen_in_float16(policy: str, tmp_path: Path) -> None:
    assert cause(judged(CASE, tmp_path, under(policy, "off_by_two_percent"))) == "values"


@pytest.mark.parametrize("policy", POLICIES)
def test_ten_units_of_a_moved_number_are_seen_in_any_format(policy: str, tmp_path: Path) -> None:
    lane = judged(CASE, tmp_path, under(policy, "off_by_ten_units"))
    assert "moved" in [found["node"] for found in lane["findings"]]


@pytest.mark.parametrize(("first", "second", "expected"), [(60000, 10000, "agree"), (60, 10, "special")])
def test_an_infinity_is_excused_only_where_float16_ends(first: int, second: int, expected: str, tmp_path: Path) -> None:
    text = LARGE.replace("$first", str(first)).replace("$second", str(second))
    assert cause(judged(text, tmp_path, under("mixed_float16", "infinite"))) == expected
    assert cause(judged(text, tmp_path, under("mixed_bfloat16", "infinite"))) == "special"


@pytest.mark.parametrize(("first", "second", "expected"), [(60000, 10000, "agree"), (60, 10, "special")])
def test_so_it_is_where_the_case_states_the_number(first: int, second: int, expected: str, tmp_path: Path) -> None:
    text = LARGE.replace("$first", str(first)).replace("$second", str(second))
    text += f"        expect:\n          sum: {{values: [[{first + second}, 4, 6]]}}\n"
    lane = judged(text, tmp_path, under("mixed_float16", "infinite"))
    assert cause(lane) == expected
    assert expected == "agree" or "case" in {finding["wanted_by"] for finding in lane["findings"]}


def test_two_lanes_of_two_policies_are_held_to_the_coarser_and_not_to_one_dtype(tmp_path: Path) -> None:
    (record,) = records_of(cases_of(CASE, tmp_path), under("mixed_bfloat16", "right"), fake("always_right"))
    pairs = {(pair["first"], pair["second"]): pair for pair in record["pairs"]}
    assert pairs["lane", "always_right"]["finding"] is None
    assert pairs["numpy", "lane"]["finding"] is None
    (record,) = records_of(cases_of(CASE, tmp_path), under("mixed_bfloat16", "right"), fake("always_wrong"))
    pairs = {(pair["first"], pair["second"]): pair for pair in record["pairs"]}
    assert pairs["lane", "always_wrong"]["finding"]["aspect"] == "values"


def test_the_coarser_of_two_is_the_first_lane_too_whatever_its_name(tmp_path: Path) -> None:
    coarse = replace(under("mixed_bfloat16", "right"), name="zz")
    (record,) = records_of(cases_of(CASE, tmp_path), coarse, replace(fake("always_right"), name="zzz"))
    (pair,) = (pair for pair in record["pairs"] if (pair["first"], pair["second"]) == ("zz", "zzz"))
    assert pair["finding"] is None


def test_the_budget_takes_its_unit_from_the_format() -> None:
    # C = 8 + sqrt(16) = 12; without sensitivity 12 u |1| + 8 u max|ref| = (12 + 8) u for one element of 1
    one = np.array([1.0])
    for precision, unit in (("float32", 2.0**-24), ("bfloat16", 2.0**-8)):
        assert np.allclose(allowance(one, None, 16, precision=precision).allowed, 20 * unit, rtol=1e-12)
    # float16: 2^-25 more for each of the 12 + 8 roundings next to zero
    half = allowance(one, None, 16, precision="float16")
    assert np.allclose(half.allowed, 20 * (2.0**-11 + 2.0**-25), rtol=1e-12)
    # float64: the reference rounds as well, so twice as much, and nothing is said of bias
    double = allowance(one, None, 16, precision="float64")
    assert np.allclose(double.allowed, 40 * 2.0**-53, rtol=1e-12)
    assert (double.terms, half.terms) == (0, 16)


def test_a_gradient_takes_its_unit_from_the_format_too() -> None:
    # 64 u |1| + 64 u largest = 128 u
    found = gradient_allowance(np.array([1.0]), None, 1.0, 1.0, precision="bfloat16")
    assert np.allclose(found.allowed, 128 * 2.0**-8, rtol=1e-12)


def test_a_stated_tolerance_is_no_narrower_than_a_coarse_format_and_stays_in_a_finer_one() -> None:
    stated = Tolerance(rtol=0.0, atol=1e-5, reason="stated")
    one = np.array([1.0])
    assert allowance(one, None, 16, stated, precision="bfloat16").allowed[0] == pytest.approx(20 * 2.0**-8)
    assert allowance(one, None, 16, stated, precision="float64").allowed[0] == 1e-5


def test_exact_numbers_are_the_references_rounded_once() -> None:
    found = allowance(np.array([np.pi]), None, 1, is_exact=True, precision="bfloat16")
    assert (found.reference[0], found.allowed[0]) == (3.140625, 0.0)
    assert distance(np.array([np.pi]), found).over == 1


def first_of(allowed: Allowance) -> Allowance:
    return replace(allowed, reference=allowed.reference[:1], allowed=allowed.allowed[:1])


def test_what_lies_at_the_end_of_float16_may_overflow_and_only_with_its_sign() -> None:
    reference = np.array([65510.0, 65510.0, 60000.0, -70000.0])  # of 60000: 9 u 60000 + 8 u 70000 = 537, too little
    allowed = allowance(reference, None, 1, precision="float16")
    got = np.array([np.inf, -np.inf, np.inf, -np.inf])
    assert overflows(got, allowed).tolist() == [True, False, False, True]
    assert not overflows(got, allowance(reference, None, 1)).any()
    assert not overflows(np.array([np.inf]), replace(allowed, format=FORMATS["float32"])).any(), "of a finer format"
    assert not overflows(np.array([np.inf]), allowance(np.array([3.4028234e38]), None, 1)).any(), "at float32's end"
    assert not overflows(np.array([np.inf, np.inf]), first_of(allowed)).any(), "of another shape"
    assert overflows(np.array([np.inf]), first_of(allowed)).all()
    small = allowance(np.array([6000.0]), None, 1, precision="float16")
    assert not overflows(np.array([np.inf]), small).any()


def test_where_no_sensitivities_came_there_are_none_of_any_run() -> None:
    assert [_moves([], run, "y") for run in (0, 1)] == [[], []]
    assert [_moves([{"y": [3.0]}], run, "y") for run in (0, 1, 2)] == [[3.0], [], []]
    assert _moves([{"x": [3.0]}], 0, "y") == []


def test_of_two_policies_the_coarser_is_judged_by() -> None:
    assert (
        coarser_policy("float32", "mixed_bfloat16") == coarser_policy("mixed_bfloat16", "float32") == "mixed_bfloat16"
    )
    assert coarser_policy("mixed_float16", "bfloat16") == "bfloat16"
    assert coarser_policy("float64", "float32") == "float32"
