"""What is asked in two ways is told once where it is the same; what is never the same stands apart."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from conformance.errors import ConformanceError
from conformance.gate import gate as gates
from conformance.gate.reasons import with_reasons
from conformance.gate.rows import Diff, Section
from conformance.gate.twice import not_reproducible, told_once
from tests.gate.asked import diff
from tests.gate.builders import CASE, OTHER, results_of
from tests.typed import as_record

PAIR, TWIN = ("old", "new"), ("old+function", "new+function")


def with_lanes(**behaviours: str) -> dict[str, Any]:
    """Results in which each lane answers as the fake of its behaviour; `_` in a name stands for `+`."""
    whole = deepcopy(results_of())
    whole["lanes"] = [row for row in whole["lanes"] if row["name"] != "lane"]
    for name, behaviour in behaviours.items():
        one = results_of(behaviour, only=CASE)
        lane = name.replace("_", "+")
        row = next(row for row in one["lanes"] if row["name"] == "lane")
        whole["lanes"].append({**row, "name": lane})
        for record, other in zip(whole["cases"], one["cases"], strict=True):
            record["lanes"][lane] = other["lanes"]["lane"]
    for record in whole["cases"]:
        record["lanes"].pop("lane")
    return whole


def told(results: dict[str, Any]) -> Diff:
    return told_once(diff(results, results, [PAIR], [TWIN]), PAIR, [TWIN])


def test_what_moves_alike_eagerly_and_traced_is_one_row() -> None:
    found = told(with_lanes(old="always_right", new="no_mask", old_function="always_right", new_function="no_mask"))
    assert [(row.case, row.modes) for row in found.section(Section.WRONG)] == [(CASE, ("eager", "traced"))]
    assert [(row.case, row.modes) for row in found.section(Section.UNCHANGED)] == [(OTHER, ("eager", "traced"))]


def test_what_only_the_traced_answer_shows_is_a_row_of_its_own() -> None:
    sides = {"old": "always_right", "new": "always_right", "old_function": "raises", "new_function": "always_right"}
    found = told(with_lanes(**sides))
    (row,) = found.section(Section.ANSWERS)
    assert (row.case, row.lane, row.modes) == (CASE, "old+function -> new+function", ("traced",))
    assert [(row.case, row.modes) for row in found.section(Section.UNCHANGED)] == [
        (CASE, ("eager",)),
        (OTHER, ("eager", "traced")),
    ]


ALIKE = {"old": "always_right", "new": "no_mask", "old_function": "always_right", "new_function": "no_mask"}
TRACED_ALONE = {**ALIKE, "new": "always_right"}


@pytest.mark.parametrize(
    ("sides", "lanes", "modes"),
    [(ALIKE, PAIR, "--modes=eager"), (TRACED_ALONE, TWIN, "--modes=eager,function")],
)
def test_again_are_asked_those_lanes_alone_whose_row_is_told(
    sides: dict[str, str], lanes: tuple[str, str], modes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def stopped(_: object, items: list[str], __: object, options: list[str]) -> None:
        asked.append([*items, *options])
        raise ConformanceError("enough")

    monkeypatch.setattr(gates, "run_cases", stopped)
    results = with_lanes(**sides)
    request = gates.Request("old=keras@3.6.0", "new=keras@3.7.0", (), Path("out"))
    assert gates._asked_again(told(results).moved, as_record(results), request) is None
    path = results["cases"][0]["path"]
    assert asked == [[*(f"{path}::{CASE}[{lane}]" for lane in lanes), modes]]


def test_what_could_not_be_traced_is_not_said_to_have_been() -> None:
    results = with_lanes(old="always_right", new="no_mask", old_function="always_right", new_function="no_mask")
    for record in results["cases"]:
        for lane in TWIN:
            record["lanes"][lane].update(verdict="unsupported", reason="works on numbers alone", runs=[], findings=[])
    assert {row.modes for row in told(results).rows if row.lane == "old -> new"} == {("eager",)}


def test_a_side_that_answers_otherwise_when_asked_again_is_set_apart() -> None:
    first = with_lanes(old="always_right", new="no_mask")
    again = with_lanes(old="always_right", new="inverted_mask")
    found = not_reproducible(diff(first, first, [PAIR]), as_record(again), as_record(first))
    (row,) = found.section(Section.NOT_REPRODUCIBLE)
    assert (row.case, row.note) == (CASE, "new answered otherwise when asked again")
    assert found.regressions == ()


def test_a_side_that_answers_the_same_again_stays_where_it_is() -> None:
    first = with_lanes(old="always_right", new="no_mask")
    found = not_reproducible(diff(first, first, [PAIR]), as_record(first), as_record(first))
    assert [row.case for row in found.section(Section.WRONG)] == [CASE]


def test_what_moved_in_a_gradient_too_is_told_once_where_no_gradient_was_asked_traced() -> None:
    behaviour = {"old": "always_right", "new": "always_wrong", "old_function": "always_right"}
    results = with_lanes(**behaviour, new_function="always_wrong")
    gradient = results["cases"][0]["lanes"]["new"]["gradients"]["embed.embeddings"]["distance"]
    gradient.update(used=9.0, largest=9.0)
    assert {row.modes for row in told(results).section(Section.WRONG)} == {("eager",), ("traced",)}
    for name in TWIN:
        results["cases"][0]["lanes"][name].update(gradients={}, gradient_note="of one case in 8 alone")
    (row,) = told(results).section(Section.WRONG)
    assert row.modes == ("eager", "traced")
    assert row.moves[-1].aspect == "gradient"


def test_reasons_of_a_second_run_stand_beside_the_answers_that_came_again() -> None:
    whole = with_lanes(old="always_right", new="always_wrong")
    whole["cases"][0]["lanes"]["new"].update(explanation="", explained_by=[], divergences=[])
    del whole["cases"][0]["lanes"]["new"]["cause"]
    first = as_record(whole)
    wrong = results_of("always_wrong", only=CASE, lane="new")
    explained = with_reasons(first, as_record(wrong))
    assert explained.cases[0].lanes["new"].explanation == wrong["cases"][0]["lanes"]["new"]["explanation"] != ""
    assert explained.cases[0].lanes["old"] == first.cases[0].lanes["old"]
    other = as_record(results_of("off_by_a_thousandth", only=CASE, lane="new"))
    (kept, _) = with_reasons(first, other).cases
    assert kept.lanes["new"] == first.cases[0].lanes["new"], "a reason for another answer is none for this one"


def test_what_moved_in_the_model_too_is_told_once_where_no_model_was_asked() -> None:
    behaviour = {"old": "always_right", "new": "always_wrong", "old_function": "always_right"}
    results = with_lanes(**behaviour, new_function="always_wrong")
    lanes = results["cases"][0]["lanes"]
    said = {**lanes["new"]["findings"][0], "aspect": "model", "kind": "values"}
    lanes["new"]["findings"].append(said)
    for name, verdict in (("old", "agree"), ("new", "differ")):
        lanes[name]["aspects"]["model"] = verdict
    (row,) = told(results).section(Section.WRONG)
    assert (row.modes, row.moves[-1].aspect) == (("eager", "traced"), "model")
