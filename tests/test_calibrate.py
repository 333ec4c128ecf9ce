"""The calibration counts what it should: an alarm where an honest lane differs, and what others make of the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.calibrate import campaign, sampled
from benchmarks.calibration_page import NOTES, page
from benchmarks.comparators import BUDGET, COMPARATORS, who_differ
from benchmarks.detection import NAMES, Detection
from benchmarks.notes import with_notes
from benchmarks.tally import OPEN, OPEN_GRADIENT, RANDOM, Tally, read, summed, written
from conformance.case.model import Case
from conformance.judge.budget import allowance
from conformance.judge.compare import Matched
from conformance.judge.verdict import LaneVerdict, Verdict
from conformance.protocol.observation import Output
from tests.builders import POOLED, cases_of, fake, running

MEANS_ONLY = POOLED.replace("embedded", "_embedded")


def counted(folder: Path, behaviour: str, seed: int, taking_part: set[tuple[str, str]] | None) -> Tally:
    cases = cases_of(MEANS_ONLY, folder)
    with running(fake(behaviour)) as run:
        return campaign(run, cases, seed, taking_part)


def test_who_agrees_at_seed_0_takes_part(tmp_path: Path) -> None:
    right, wrong = (counted(tmp_path, name, 0, None) for name in ("always_right", "off_by_a_thousandth"))
    assert right.agrees == [["fam/topic.masked", "always_right"]]
    assert (wrong.agrees, wrong.verdicts, wrong.alarms) == ([], 0, [])


def test_who_takes_part_and_differs_is_an_alarm(tmp_path: Path) -> None:
    taking_part = {("fam/topic.masked", "off_by_a_thousandth")}
    (alarm,) = counted(tmp_path, "off_by_a_thousandth", 3, taking_part).alarms
    assert (alarm["case"], alarm["seed"], alarm["lane"]) == ("fam/topic.masked", 3, "off_by_a_thousandth")
    assert (alarm["cause"], alarm["used"] > 1) == ("values of pooled", True)


def test_what_is_used_is_counted_and_nothing_of_it_is_an_alarm(tmp_path: Path) -> None:
    found = counted(tmp_path, "off_by_one_ulp", 0, None)
    assert (found.verdicts, found.alarms, len(found.values), found.comparisons) == (1, [], 1, 1)
    assert 0 < found.values[0] < 1


def test_tallies_add_up_and_come_back_from_a_file(tmp_path: Path) -> None:
    one = counted(tmp_path, "off_by_one_ulp", 0, None)
    written(one, tmp_path / "kept" / "seed-0.json")
    both = summed([one, read(tmp_path / "kept" / "seed-0.json")])
    assert (both.verdicts, both.comparisons, both.values) == (2, 2, 2 * one.values)
    assert both.differ == {name: 2 * count for name, count in one.differ.items()}


def case_and_reference(folder: Path, behaviour: str) -> tuple[Case, Any, Any]:
    (case,) = cases_of(MEANS_ONLY, folder)
    with running(fake(behaviour)) as run:
        run.announce([(case, [behaviour])])
        seen = run.observations(case)
        return case, seen[behaviour], seen["numpy"]


@pytest.mark.parametrize(
    ("behaviour", "who"),
    [
        ("always_right", set()),
        ("off_by_one_ulp", set()),
        ("off_by_a_thousandth", {BUDGET, *COMPARATORS}),
        ("wrong_shape", {BUDGET, *COMPARATORS}),
    ],
)
def test_comparators_see_what_is_there(behaviour: str, who: set[str], tmp_path: Path) -> None:
    assert who_differ(*case_and_reference(tmp_path, behaviour)) == who


def test_comparators_are_those_that_they_are_called() -> None:
    """By their documentation: |got - ref| <= atol + rtol |ref|."""
    reference = np.array([100.0])
    passed = {name: agree(reference + 9e-4, reference) for name, agree in COMPARATORS.items()}
    assert list(passed.values()) == [True, False, False, True]
    tiny = {name: agree(np.array([2e-8]), np.array([0.0])) for name, agree in COMPARATORS.items()}
    assert list(tiny.values()) == [False, True, True, True]


def test_the_page_says_every_alarm_and_keeps_what_is_written_by_hand(tmp_path: Path) -> None:
    alarm = {"case": "a/b.c", "seed": 3, "lane": "torch", "cause": "values of y", "used": 1.2}
    text = page(Tally(seeds=[0, 3], lanes=["torch"], verdicts=9, alarms=[alarm]), 5)
    assert "1 in 9 verdicts.\n\n- `a/b.c` at seed 3 in torch: values of y (used 1.2)\n" in text
    path = tmp_path / "page.md"
    path.write_text(f"old\n\n{NOTES}\nby hand\n", encoding="utf-8")
    assert with_notes(text, path, NOTES) == f"{text}\n{NOTES}\nby hand\n"


def test_the_page_compares_what_is_found_and_what_is_alarmed() -> None:
    one = Detection(faults=4, pairs=9, controls=1, rewritten=6)
    one.found[BUDGET], one.seen[BUDGET], one.alarms[BUDGET] = 3, 7, 0
    text = page(Tally(), 0, one)
    assert f"| {BUDGET} | 3 of 4 | 7 of 9 | 0 of 6 |" in text
    assert all(f"| {name} | " in text for name in NAMES)


def test_the_page_says_what_is_not_judged_and_why() -> None:
    counts = {OPEN: 2, RANDOM: 1, OPEN_GRADIENT: 0}
    one = Tally(seeds=[0], outputs=100, gradients_asked=8, not_judged=counts)
    text = page(summed([one, one]), 5)
    assert f"| {OPEN} | 4 | 200 | 2.00% |" in text
    assert f"| {RANDOM} | 2 | 200 | 1.00% |" in text
    assert f"| {OPEN_GRADIENT} | 0 | 16 | 0.00% |" in text


def test_what_is_not_judged_is_counted_and_no_alarm() -> None:
    tally = Tally()
    output = Output((1,), "float32", np.zeros(1, "float32"), None)
    item = Matched("y", 0, output, output, allowance(output.values, None, 1))
    for verdict, undecided, random in (
        (Verdict.NOT_JUDGED, frozenset({(0, "y")}), frozenset()),
        (Verdict.AGREE, frozenset({(0, "y")}), frozenset({(0, "y")})),
    ):
        found = LaneVerdict("torch", verdict, undecided=undecided, random=random, matched=(item,))
        tally.count_not_judged(found)
    assert (tally.outputs, tally.not_judged[OPEN], tally.not_judged[RANDOM]) == (2, 1, 1)


def test_a_sample_is_spread_over_all_cases() -> None:
    cases: Any = [type("C", (), {"expect": type("E", (), {"errors": ()})})() for _ in range(10)]
    assert sampled(cases, 4) == [cases[0], cases[4], cases[8]]
    assert len(sampled(cases, 1)) == 10
    assert np.array_equal(sampled(cases, 3), [cases[0], cases[3], cases[6], cases[9]])
