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
from conformance.judge.precision import reference_under
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
    got = replace(reference_under(reference, policy), lane="lane", adapter="keras", policy=policy)
    return judge_case(case, {"numpy": reference, "lane": got}, {}).lanes


def test_shares_of_scores_that_sixteen_bits_cannot_tell_apart_are_not_judged(tmp_path: Path) -> None:
    text = SIXTEEN.replace("-30000", "-30001").replace("-30016", "-30017")
    text = text.replace("-60000", "-60001").replace("-60032", "-60033")
    (case,) = cases_of(text, tmp_path)
    found = judged(case, "mixed_float16")["lane"]
    assert found.undecided == {(0, "y")}
    assert found.verdict is Verdict.NOT_JUDGED
    assert found.aspects["values"] == "-"
    assert found.used == 0.0, "a share of such a budget says nothing"


def test_scores_that_sixteen_bits_hold_as_they_are_have_shares_that_are_judged(tmp_path: Path) -> None:
    """exp(0) and exp(-16) over their sum, by hand: float16 holds both scores, and their difference."""
    (case,) = cases_of(SIXTEEN, tmp_path)
    found = judged(case, "mixed_float16")["lane"]
    assert (found.verdict, found.undecided) == (Verdict.AGREE, frozenset())
    reference = answer(plan_of(case, with_gradients=False, policies=("mixed_float16",)))
    halved = replace(
        reference.runs[0]["y"].outputs[0], dtype="float16", values=np.array([[0.5, 0, 0], [0, 0, 0]], "float16")
    )
    node = replace(reference.runs[0]["y"], outputs=(halved,))
    got = replace(reference_under(reference, "mixed_float16"), lane="lane", policy="mixed_float16", runs=({"y": node},))
    verdict = judge_case(case, {"numpy": reference, "lane": got}, {}).lanes["lane"]
    assert (verdict.verdict, verdict.cause and verdict.cause.aspect) == (Verdict.DIFFER, "values")


def test_a_case_in_which_nothing_is_judged_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (case,) = cases_of(CASE.replace("          nothing: y - y\n", ""), tmp_path)
    monkeypatch.setattr("conformance.judge.case.undecided", lambda found, other: list(found))
    found = judged(case)["lane"]
    assert (found.verdict, found.cause.kind) == (Verdict.DIFFER, "nothing_judged")


AT_EDGES = """
    schema_version: 1
    topic: labels as floats, which are equal to a class or not, and moved a little to none
    source: {kind: hand}
    cases:
      - id: shares
        question: How many labels are equal to what was predicted?
        inputs:
          labels: {shape: [1, 4], dtype: float32, fill: {values: [[1, 0, 1, 0]]}}
          p: {shape: [1, 4], fill: {values: [[0.9, 0.2, 0.1, 0.7]]}}
        layers: {one: {type: metrics.BinaryAccuracy}, other: {type: metrics.BinaryAccuracy}}
        graph: {y: "one(labels, p)", again: "other(labels, p)"}
        no_gradients: a step has none
"""
STATED = """\
        expect:
          y: {values: 0.5}
"""
CLAIMED = """\
        claims:
          - same: [y, again]
"""


@pytest.mark.parametrize("says", [STATED, CLAIMED, STATED + CLAIMED])
def test_what_a_case_says_finds_nobody_right_where_its_budget_allows_every_answer(says: str, tmp_path: Path) -> None:
    (case,) = cases_of(AT_EDGES + says, tmp_path)
    found = judged(case)["lane"]
    assert (found.verdict, found.cause.kind) == (Verdict.DIFFER, "nothing_judged")


@pytest.mark.parametrize("says", [STATED, CLAIMED])
def test_what_a_case_says_of_whole_numbers_is_judged(says: str, tmp_path: Path) -> None:
    (case,) = cases_of(AT_EDGES.replace("dtype: float32", "dtype: int32") + says, tmp_path)
    assert judged(case)["lane"].verdict is Verdict.AGREE


TIED = """
    schema_version: 1
    topic: a tie
    source: {kind: hand}
    cases:
      - id: maximum
        question: How does Maximum share the gradient of a tie?
        inputs:
          a: {shape: [1, 3], fill: {values: [[1, 2, 3]]}}
          b: {shape: [1, 3], fill: {values: [[1, 2, 3]]}}
        layers: {largest: {type: Maximum}}
        graph: {y: "largest([a, b])"}
"""


@pytest.mark.parametrize("shares", [(1.0, 0.0), (0.5, 0.5), (0.0, 1.0)])
def test_at_a_tie_no_share_of_the_gradient_is_called_right(shares: tuple[float, float], tmp_path: Path) -> None:
    """TensorFlow gives (1, 0) and torch (1/2, 1/2): each is a convention."""
    (case,) = cases_of(TIED, tmp_path)
    reference = answer(plan_of(case))
    whole = sum(reference.gradients[f"input {name}"].values for name in "ab")
    given = {
        f"input {name}": replace(reference.gradients[f"input {name}"], values=share * whole)
        for name, share in zip("ab", shares, strict=True)
    }
    lane = replace(reference, lane="lane", adapter="keras", gradients=given)
    found = judge_case(case, {"numpy": reference, "lane": lane}, {}).lanes["lane"]
    assert found.undecided_gradients == {"input a", "input b"}
    assert (found.verdict, found.aspects["gradient"]) == (Verdict.AGREE, "-"), "the values are judged"


MOVED = """
    schema_version: 1
    topic: moving statistics
    source: {kind: hand}
    cases:
      - id: moved
        question: What does a batch normalisation give in inference after one call in training?
        dims: {batch: 2, features: 3}
        inputs: {x: {shape: [batch, features]}}
        layers: {norm: {type: BatchNormalization}}
        graph:
          y: norm(x, training=True)
          later: norm(x)
"""


def test_of_a_statistic_that_a_call_has_moved_there_is_no_gradient(tmp_path: Path) -> None:
    (moved,) = cases_of(MOVED, tmp_path / "moved")
    assert set(answer(plan_of(moved)).gradients) == {"input x", "norm.gamma", "norm.beta"}
    (still,) = cases_of(MOVED.replace(", training=True", ""), tmp_path / "still")
    assert "norm.moving_mean" in answer(plan_of(still)).gradients, "nothing has moved it"
    frozen = MOVED.replace("BatchNormalization}", "BatchNormalization, trainable: false}")
    (frozen_case,) = cases_of(frozen, tmp_path / "frozen")
    assert {"norm.gamma", "norm.moving_mean"} <= set(answer(plan_of(frozen_case)).gradients), "nor here"
