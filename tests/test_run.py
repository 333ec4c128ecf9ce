"""A run gives each case its own verdict and its own error, and does nothing twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.errors import CaseError
from conformance.judge.verdict import Verdict
from conformance.lanes.in_process import InProcessLane
from conformance.lanes.process import ProcessLane
from conformance.plans import draw
from conformance.record.case import Record
from conformance.repro.kept import with_scripts
from conformance.run import LANES, Run
from tests.builders import POOLED, cases_of, fake

POISONED = """
    schema_version: 1
    topic: weights that are too large to be drawn
    dims: {batch: 2, features: 5}
    source: {kind: hand}
    cases:
      - id: fine
        question: Does this one keep its own verdict?
        inputs: {x: {shape: [batch, features]}}
        layers: {d: {type: Dense, units: 3}}
        graph: {y: d(x)}
      - id: too_large
        question: Who is told of it?
        inputs: {x: {shape: [batch, features]}}
        layers: {d: {type: Dense, units: 1000000000}}
        graph: {y: d(x)}
      - id: after
        question: Is this one still run?
        inputs: {x: {shape: [batch, features]}}
        layers: {d: {type: Dense, units: 2}}
        graph: {y: d(x)}
"""


def test_a_plan_that_cannot_be_made_costs_its_own_case(tmp_path: Path) -> None:
    fine, large, after = cases_of(POISONED, tmp_path)
    spec = fake("always_right")
    run = Run((spec, LANES["numpy"]), in_process=["numpy"])
    try:
        run.announce([(case, [spec.name]) for case in (fine, large, after)])
        assert run.record(fine).outcome == "agree"
        for _ in range(2):  # the items of its other lanes are told too
            with pytest.raises(CaseError, match="the layer d has a kernel of 5000000000 elements"):
                run.record(large)
        assert run.record(after).outcome == "agree"
    finally:
        run.stop()


def test_nobody_waits_for_what_was_never_sent() -> None:
    lane = ProcessLane(fake("always_right"))
    with pytest.raises(LookupError, match="lane always_right was never sent"):
        lane.wait("fam/topic.masked")
    lane.stop()


def all_known(record: Record, identities: Any) -> Record:
    """Marks every difference as a listed one."""
    lanes = {
        name: replace(held, verdict=Verdict.KNOWN) if held.verdict is Verdict.DIFFER else held
        for name, held in record.lanes.items()
    }
    return replace(record, lanes=lanes)


@pytest.mark.parametrize(
    ("excuse", "explains_known", "is_explained"),
    [(None, False, True), (all_known, False, False), (all_known, True, True)],
)
def test_what_is_listed_is_explained_on_demand_only(
    excuse: Any, explains_known: bool, is_explained: bool, tmp_path: Path
) -> None:
    spec = fake("always_wrong")
    run = Run((spec, LANES["numpy"]), ["always_wrong", "numpy"], excuse, explains_known=explains_known)
    (case,) = cases_of(POOLED, tmp_path)
    run.announce([(case, [spec.name])])
    held = run.record(case).lanes["always_wrong"]
    assert held.verdict == ("differ" if excuse is None else "known")
    assert held.explanation.startswith("always_wrong's answer is the reference's plus 1.") is is_explained
    assert bool(held.divergences) is is_explained


def test_a_case_that_differs_is_drawn_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []

    def plan_of(case: Any, **asked: Any) -> Any:
        drawn.append(case.id)
        return once(case, **asked)

    once = draw.plan_of
    for module in ("conformance.run", "conformance.plans.draw", "conformance.repro.evidence"):
        monkeypatch.setattr(f"{module}.plan_of", plan_of)
    spec = fake("always_wrong")
    run = Run((spec, LANES["numpy"]), ["always_wrong", "numpy"], scripts=with_scripts)
    (case,) = cases_of(POOLED, tmp_path)
    run.announce([(case, [spec.name])])
    record = run.record(case)
    assert record.lanes["always_wrong"].explanation
    assert record.lanes["numpy"].repro, "and its scripts are there"
    assert drawn == ["fam/topic.masked"]


def test_a_run_that_explains_nothing_says_as_much_of_what_differs(tmp_path: Path) -> None:
    (case,) = cases_of(POOLED, tmp_path)
    spec = fake("always_wrong")
    held = []
    for explains in (True, False):
        run = Run((spec, LANES["numpy"]), ["always_wrong", "numpy"], explains=explains)
        run.announce([(case, [spec.name])])
        held.append(run.record(case).lanes["always_wrong"])
    assert [bool(lane.explanation) for lane in held] == [True, False]
    assert held[0].findings == held[1].findings != ()


@pytest.mark.parametrize(("one_in", "note"), [(1, ""), (10**9, "of one case in 1000000000 alone they are asked here")])
def test_a_lane_that_is_asked_for_gradients_in_a_sample_says_so(one_in: int, note: str, tmp_path: Path) -> None:
    (case,) = cases_of(POOLED, tmp_path)
    spec = fake("always_right", gradients_of=one_in)
    run = Run((spec, LANES["numpy"]), ["always_right", "numpy"])
    run.announce([(case, [spec.name])])
    record = run.record(case)
    held = record.lanes["always_right"]
    assert (bool(held.gradients), held.gradient_note) == (not note, note)
    assert record.lanes["always_right"].verdict == "agree", "nothing is missing that was not asked for"


@pytest.mark.parametrize(("of", "bound", "ahead"), [(None, 10**9, 9), (None, 0, 6), (4, 10**9, 4)])
def test_cases_are_sent_ahead_within_their_group_and_as_far_as_memory_allows(
    of: int | None, bound: int, ahead: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    send = InProcessLane.send
    monkeypatch.setattr(InProcessLane, "send", lambda lane, plan: (sent.append(plan.id), send(lane, plan))[0])
    monkeypatch.setattr("conformance.run.WINDOW_BYTES", bound)
    case = POOLED[POOLED.index("      - id: masked") :]
    many = POOLED + "".join(case.replace("id: masked", f"id: more{index}") for index in range(8))
    cases = cases_of(many, tmp_path)
    run = Run((LANES["numpy"],), in_process=["numpy"])
    together = None if of is None else {one.id: str(index // of) for index, one in enumerate(cases)}
    run.announce([(one, []) for one in cases], together)
    run.observations(cases[0])
    assert sent == [one.id for one in cases[:ahead]]
    assert all(run.observations(one) for one in cases), "the rest follows"
    assert sent == [one.id for one in cases]
