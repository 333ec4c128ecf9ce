"""A budget that allows every answer finds nobody right: such outputs are not judged, and a case of them alone fails."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.case.model import Case
from conformance.judge.budget import allowance
from conformance.judge.case import judge_case
from conformance.judge.compare import Matched
from conformance.judge.precision import seen_in
from conformance.judge.undecided import OtherDraw, undecided
from conformance.judge.verdict import Verdict
from conformance.oracle.run import answer
from conformance.plans.draw import plan_of
from conformance.protocol.observation import Output
from tests.builders import cases_of

CASE = """
    schema_version: 1
    topic: a difference
    source: {kind: hand}
    cases:
      - id: plain
        question: What is left?
        inputs: {x: {shape: [2, 3]}}
        layers: {dense: {type: Dense, units: 2}}
        graph:
          y: dense(x)
          nothing: y - y
"""
SIXTEEN = """
    schema_version: 1
    topic: a softmax whose scores no sixteen bits can tell apart
    source: {kind: hand}
    cases:
      - id: shares
        question: Do the shares of a masked softmax sum to one, whatever the precision?
        dims: {batch: 2, steps: 3}
        inputs:
          x: {shape: [batch, steps], fill: {values: [[-30000, 0, -30016], [-60000, 30000, -60032]]}}
          m: {shape: [batch, steps], dtype: bool, fill: {values: [[true, false, true], [true, false, true]]}}
        layers:
          softmax: {type: Softmax}
        graph:
          y: softmax(x, mask=m)
"""


class Passing(OtherDraw):
    """Another draw whose answer passes, or does not."""

    def __init__(self, passes: bool) -> None:
        self._passes = passes

    def passes(self, item: Matched) -> bool:
        return self._passes


def matched(wanted: Any, moved: float, exact: bool = False) -> Matched:
    values = np.asarray(wanted, dtype=np.float64)
    output = Output(values.shape, "float32", values, None)
    return Matched("y", 0, output, output, allowance(values, np.full(values.shape, moved), 1, is_exact=exact))


def names(item: Matched, passes: bool = True) -> list[str]:
    return [one.label for one in undecided([item], Passing(passes))]


def test_zeros_the_double_and_another_draw_must_all_pass() -> None:
    assert names(matched([0.5, 0.25], 1.0)) == ["y"]
    assert names(matched([0.5, 0.25], 1.0), passes=False) == []
    assert names(matched([0.5, 0.25], 1e-7)) == [], "a budget of rounding"
    assert names(matched([0.5, 1e6], 1.0)) == [], "zeros miss the second by far"


def test_what_is_zero_by_structure_is_judged() -> None:
    assert names(matched([0.0, 0.0], 1.0)) == []
    assert names(matched([1e-17, 0.0], 1e-8)) == []


def test_what_is_exact_or_special_is_judged() -> None:
    assert names(matched([0.5, 0.25], 1.0, exact=True)) == []
    assert names(matched([0.5, np.nan], 1.0)) == []


def test_a_difference_of_a_node_with_itself_is_judged(tmp_path: Path) -> None:
    (case,) = cases_of(CASE, tmp_path)
    found = judged(case)["lane"]
    assert (found.verdict, found.undecided) == (Verdict.AGREE, frozenset())


def judged(case: Case, policy: str = "float32") -> Any:
    """The verdicts on a lane that gives the reference's answer under a policy."""
    policies = () if policy == "float32" else (policy,)
    reference = answer(plan_of(case, with_gradients=False, policies=policies))
    got = replace(seen_in(reference, policy), lane="lane", adapter="keras", policy=policy)
    return judge_case(case, {"numpy": reference, "lane": got}, {}).lanes


def test_shares_of_scores_that_sixteen_bits_cannot_tell_apart_are_not_judged(tmp_path: Path) -> None:
    (case,) = cases_of(SIXTEEN, tmp_path)
    found = judged(case, "mixed_float16")["lane"]
    assert found.undecided == {(0, "y")}
    assert found.verdict is Verdict.NOT_JUDGED
    assert found.aspects["values"] == "-"
    assert found.used == 0.0, "a share of such a budget says nothing"


def test_a_case_in_which_nothing_is_judged_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (case,) = cases_of(CASE.replace("          nothing: y - y\n", ""), tmp_path)
    monkeypatch.setattr("conformance.judge.case.undecided", lambda found, other: list(found))
    found = judged(case)["lane"]
    assert (found.verdict, found.cause.kind) == (Verdict.DIFFER, "nothing_judged")
