"""A case may be judged more strictly than the harness would; what it asks for stands in its record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.judge.budget import UNIT, allowance, distance, gradient_allowance, is_biased
from tests.builders import POOLED, cases_of, fake, records_of
from tests.judge.asked import judge_again

MEANS_ONLY = POOLED.replace("embedded", "_embedded")


def with_demand(text: str) -> str:
    return MEANS_ONLY.replace("        question:", f"        {text}\n        question:")


def record_of(folder: Path, behaviour: str, case: str) -> dict[str, Any]:
    (record,) = records_of(cases_of(case, folder), fake(behaviour))
    return record


def test_a_share_scales_every_term_of_a_budget_and_of_a_gradient() -> None:
    reference, moved = np.array([1.0, -4.0]), np.array([UNIT, 2 * UNIT])
    whole, half = allowance(reference, moved, 9), allowance(reference, moved, 9, share=0.5)
    assert np.array_equal(half.allowed, 0.5 * whole.allowed)
    assert (half.constant, half.floor) == (0.5 * whole.constant, 0.5 * whole.floor)
    whole, half = (gradient_allowance(reference, moved, 4.0, 4.0, share) for share in (1.0, 0.5))
    assert np.array_equal(half.allowed, 0.5 * whole.allowed)


def test_a_share_scales_the_limits_on_all_errors_together() -> None:
    """40 elements, each 3 roundings high: under the 4 of the root mean square, over the half of it."""
    ones = np.ones(40)
    found = distance(ones + 3 * UNIT * np.resize([1.0, -1.0], 40), allowance(ones, 0 * ones, 1))
    assert not is_biased(found, terms=1)
    assert is_biased(found, terms=1, share=0.5)


def test_an_exact_node_is_the_reference_rounded_to_float32() -> None:
    third = np.array([1.0 / 3.0])
    allowed = allowance(third, None, 1, is_exact=True)
    assert distance(third.astype(np.float32), allowed).over == 0
    assert distance(np.nextafter(third.astype(np.float32), np.float32(1)), allowed).over == 1


@pytest.mark.parametrize(
    ("demand", "verdict"),
    [("tags: [none]", "agree"), ("budget: {scale: 1}", "agree"), ("budget: {scale: 0.01}", "differ")],
)
def test_one_rounding_is_within_the_budget_but_not_within_a_small_part_of_it(
    demand: str, verdict: str, tmp_path: Path
) -> None:
    record = record_of(tmp_path, "off_by_one_ulp", with_demand(demand))
    assert record["lanes"]["off_by_one_ulp"]["verdict"] == verdict


@pytest.mark.parametrize(("behaviour", "verdict"), [("always_right", "agree"), ("off_by_one_ulp", "differ")])
def test_an_exact_node_allows_not_one_bit(behaviour: str, verdict: str, tmp_path: Path) -> None:
    record = record_of(tmp_path, behaviour, with_demand("exact: [pooled]"))
    found = record["lanes"][behaviour]
    assert (found["verdict"], found["runs"][0]["pooled"]["tier"]) == (verdict, "exact")
    assert len(found["runs"][0]["pooled"]["worst"]) == (6 if verdict == "differ" else 0)


def test_the_record_says_what_the_case_asks_for(tmp_path: Path) -> None:
    record = record_of(tmp_path, "always_right", with_demand("budget: {scale: 0.25}"))
    assert (record["budget_scale"], record["exact"]) == (0.25, [])


def test_a_stored_run_is_judged_again_by_what_its_case_leaves(tmp_path: Path) -> None:
    tight = record_of(tmp_path, "off_by_one_ulp", with_demand("budget: {scale: 0.01}"))
    results = json.loads(json.dumps([tight]))
    assert judge_again(results, 1.0).changes == ()
    assert [(one.was, one.now) for one in judge_again(results, 100.0).changes] == [("differ", "agree")]
