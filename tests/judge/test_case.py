"""Where the line runs: what lies just over its budget differs, what lies just under it agrees, for lanes and pairs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.case.model import Case
from conformance.diagnose.divergence import divergences
from conformance.judge.budget import UNIT, allowance, distance
from conformance.judge.case import judge_case, judge_lane
from conformance.judge.compare import matched_outputs, special_kinds
from conformance.judge.verdict import Finding
from conformance.lanes.numpy import Reference
from conformance.plans.draw import plan_of
from conformance.protocol.observation import Failure, Observation, from_message
from tests.builders import POOLED, cases_of
from tests.judge.asked import judge_again
from tests.report import factory

MEANS_ONLY = POOLED.replace("embedded", "_embedded")


def case_and_reference(folder: Path) -> tuple[Case, Observation]:
    (case,) = cases_of(MEANS_ONLY, folder)
    return case, from_message("numpy", "numpy", Reference({}).observe(plan_of(case)))


def lane_at(case: Case, reference: Observation, share: float, name: str = "keras") -> Observation:
    """A lane that has used this share of its budget in the first element, and nothing anywhere else."""
    (matched,) = matched_outputs(reference, reference, reference, case.demands, 1.0)
    values = np.array(matched.wanted.values)
    values[0, 0] += share * matched.allowed.allowed[0, 0]
    node = reference.runs[0]["pooled"]
    moved = replace(node, outputs=(replace(node.outputs[0], values=values, sensitivity=None),))
    given = replace(reference, lane=name, adapter=name, runs=({"pooled": moved},))
    return replace(given, gradients={}, gradient_note="none here")


@pytest.mark.parametrize(("share", "verdict"), [(0.9, "agree"), (-0.9, "agree"), (1.1, "differ"), (-1.1, "differ")])
def test_a_lane_differs_from_its_whole_budget_on(share: float, verdict: str, tmp_path: Path) -> None:
    case, reference = case_and_reference(tmp_path)
    found = judge_lane(case, lane_at(case, reference, share), reference, gives_masks=True)
    assert str(found.verdict) == verdict
    assert found.used == pytest.approx(abs(share), rel=1e-6)


@pytest.mark.parametrize(("share", "starts"), [(0.9, []), (1.1, ["pooled"])])
def test_a_difference_starts_from_the_whole_budget_on(share: float, starts: list[str], tmp_path: Path) -> None:
    case, reference = case_and_reference(tmp_path)
    found = divergences(case, lane_at(case, reference, share), reference, True)
    assert [one.node for one in found] == starts


def test_where_the_reference_was_lost_an_answer_is_no_pass_and_no_fault_of_its_lane(tmp_path: Path) -> None:
    case, reference = case_and_reference(tmp_path)
    answer = lane_at(case, reference, 0.0)
    lost = replace(reference, ended="timeout", detail="still running after 60 s", runs=(), gradients={})
    found = judge_case(case, {"numpy": lost, "keras": answer}, {})
    assert {name: str(lane.verdict) for name, lane in found.lanes.items()} == {"numpy": "timeout", "keras": "differ"}
    cause = found.lanes["keras"].cause
    assert cause is not None
    assert (cause.aspect, cause.kind, cause.got) == ("error", "reference_lost", "timeout (still running after 60 s)")
    assert found.odd_one_out is None


def test_every_sort_of_special_number_is_told_from_the_others() -> None:
    kinds = special_kinds(np.array([1.0, np.nan, np.inf, -np.inf]))
    assert len(set(kinds.tolist())) == 4
    assert special_kinds(np.array([1, 2])).tolist() == [0, 0]


def test_between_two_lanes_each_has_its_own_error(tmp_path: Path) -> None:
    """One at +0.9, one at -0.9: 1.8 budgets apart, of the two that both have together."""
    case, reference = case_and_reference(tmp_path)
    lanes = {
        "numpy": reference,
        "keras": lane_at(case, reference, 0.9),
        "torch": lane_at(case, reference, -0.9, "torch"),
    }
    found = judge_case(case, lanes, {})
    (pair,) = [one for one in found.pairs if {one.first, one.second} == {"keras", "torch"}]
    assert (pair.finding, pair.over, pair.count) == (None, 0, 6)
    assert pair.used == pytest.approx(0.9, rel=1e-3)
    assert found.odd_one_out is None


def test_of_lanes_that_have_nothing_to_compare_nothing_is_measured(tmp_path: Path) -> None:
    case, reference = case_and_reference(tmp_path)
    honest = lane_at(case, reference, 0.0)
    node = honest.runs[0]["pooled"]
    shorter = replace(node, outputs=(replace(node.outputs[0], shape=(2, 1), values=node.outputs[0].values[:, :1]),))
    lanes = {"numpy": reference, "keras": honest, "torch": replace(honest, lane="torch", runs=({"pooled": shorter},))}
    (pair,) = [one for one in judge_case(case, lanes, {}).pairs if {one.first, one.second} == {"keras", "torch"}]
    assert pair.finding is not None
    assert (pair.finding.aspect, pair.used, pair.over, pair.count, pair.largest) == ("shape", 0.0, 0, 0, 0.0)


@pytest.mark.parametrize("raising", ["keras", "torch"])
def test_of_two_lanes_the_error_is_that_of_the_one_that_raised(raising: str, tmp_path: Path) -> None:
    case, reference = case_and_reference(tmp_path)
    failure = Failure("call", "ValueError", "no such thing", "pooled")
    lanes = {name: lane_at(case, reference, 0.0, name) for name in ("keras", "torch")}
    lanes[raising] = replace(lanes[raising], failure=failure, runs=())
    found = judge_case(case, {"numpy": reference, **lanes}, {})
    (pair,) = [one for one in found.pairs if {one.first, one.second} == {"keras", "torch"}]
    assert pair.finding is not None
    assert (pair.finding.kind, pair.finding.got) == ("one_raised", failure)


def test_who_is_alone_against_all_others_is_named(tmp_path: Path) -> None:
    case, reference = case_and_reference(tmp_path)
    lanes = {
        "numpy": reference,
        "keras": lane_at(case, reference, 9.0),
        "torch": lane_at(case, reference, 0.0, "torch"),
    }
    assert judge_case(case, lanes, {}).odd_one_out == "keras"
    both = lanes | {"torch": lane_at(case, reference, -9.0, "torch")}
    assert judge_case(case, both, {}).odd_one_out is None


@pytest.mark.parametrize("name", ["keras", "torch"])
def test_gradients_that_were_not_given_are_not_judged(name: str, tmp_path: Path) -> None:
    case, reference = case_and_reference(tmp_path)
    without = lane_at(case, reference, 0.0, name)
    assert judge_lane(case, without, reference, gives_masks=True).aspects["gradient"] == "-"
    given = replace(without, gradients=reference.gradients, gradient_note="")
    assert judge_lane(case, given, reference, gives_masks=True).aspects["gradient"] == "agree"


def test_a_way_back_that_raised_is_a_difference_behind_right_values_only(tmp_path: Path) -> None:
    case, reference = case_and_reference(tmp_path)
    failure = Failure("backward", "RuntimeError", "modified by an inplace operation", "")
    raised = replace(lane_at(case, reference, 0.0), gradient_note="", gradient_failure=failure)
    found = judge_lane(case, raised, reference, gives_masks=True)
    assert found.verdict == "differ"
    assert found.findings == (Finding("gradient", "raised", got=failure),)
    assert (found.aspects["values"], found.aspects["gradient"], found.aspects["params"]) == ("agree", "differ", "-")
    wrong = replace(lane_at(case, reference, 2.0), gradient_note="", gradient_failure=failure)
    found = judge_lane(case, wrong, reference, gives_masks=True)
    assert ([one.aspect for one in found.findings], found.aspects["gradient"]) == (["values"], "-")
    untold = replace(reference, gradients={})
    assert judge_lane(case, raised, untold, gives_masks=True).verdict == "agree", "nothing to hold gradients against"


def test_a_reference_that_raised_on_the_way_back_is_suspected_and_others_are_not_judged(tmp_path: Path) -> None:
    case, reference = case_and_reference(tmp_path)
    failure = Failure("backward", "NotImplementedError", "VJP of flip wrt argnums (0,) not defined", "")
    lost = replace(reference, gradients={}, gradient_failure=failure)
    given = replace(lane_at(case, reference, 0.0), gradients=reference.gradients, gradient_note="")
    found = judge_case(case, {"numpy": lost, "keras": given}, {})
    assert found.lanes["numpy"].findings == (Finding("gradient", "raised", got=failure),)
    assert (str(found.outcome), str(found.lanes["numpy"].verdict)) == ("differ", "differ")
    assert (str(found.lanes["keras"].verdict), found.lanes["keras"].aspects["gradient"]) == ("agree", "-")
    right = judge_case(case, {"numpy": reference, "keras": given}, {})
    assert (str(right.outcome), right.lanes["keras"].aspects["gradient"]) == ("agree", "agree")


def test_errors_are_measured_in_roundings_of_what_they_are_errors_of() -> None:
    """4 is rounded by 4 u: errors of 4 u, up and down, are one rounding in the root mean square, none in the mean."""
    fours, signs = np.full(40, 4.0), np.resize([1.0, -1.0], 40)
    found = distance(fours + 4 * UNIT * signs, allowance(fours, 0 * fours, 1))
    assert [found.rms, found.mean] == pytest.approx([1.0, 0.0], abs=1e-9)


def stored(**changes: Any) -> list[dict[str, Any]]:
    """What `judge_again` reads of one lane that agrees and whose errors are 3 roundings in the root mean square."""
    measured = {**factory.distance(0.3, count=40, largest=1e-6), "rms": 3.0, "mean": 0.0}
    held = factory.lane({"y": factory.node([40], distance=measured)}, **{"verdict": "agree", **changes})
    return [factory.record({"keras": {**held, "longest_sum": 1}}, id="a")]


def test_all_errors_together_are_scaled_too() -> None:
    """3 roundings are under the limit of 4.25; under half of every budget they count as 6."""
    assert judge_again(stored(), 1.0).changes == (), "older files do not say what the case leaves of the budget"
    assert [(one.was, one.now) for one in judge_again(stored(), 0.5).changes] == [("agree", "differ")]


def test_what_the_case_itself_states_is_not_judged_again() -> None:
    finding = factory.finding("values", wanted_by="case", distance=factory.distance(2.0, 1))
    assert judge_again(stored(verdict="differ", findings=[finding]), 1e6).verdicts == {"differ": 1}
    finding = factory.finding("values", distance=factory.distance(2.0, 1))
    assert judge_again(stored(verdict="differ", findings=[finding]), 1e6).verdicts == {"agree": 1}


def test_a_lane_that_is_asked_in_two_ways_has_one_voice_in_who_stands_alone(tmp_path: Path) -> None:
    case, reference = case_and_reference(tmp_path)
    lanes = {name: lane_at(case, reference, share, name) for name, share in (("a", 0), ("b", 9), ("b+function", 9))}
    found = judge_case(case, {"numpy": reference, **lanes}, {}, unpaired=["b+function"])
    assert [(pair.first, pair.second) for pair in found.pairs] == [("numpy", "a"), ("numpy", "b"), ("a", "b")]
    assert found.odd_one_out == "b"
    assert str(found.lanes["b+function"].verdict) == "differ", "it is judged as any lane is"
    assert judge_case(case, {"numpy": reference, **lanes}, {}).odd_one_out is None
