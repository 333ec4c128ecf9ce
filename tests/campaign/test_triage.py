"""Which findings are one, and which are not."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.campaign.asking import Asker, Judged
from conformance.campaign.campaign import Campaign, totals
from conformance.campaign.draft import Call, Draft, Input, Layer, Mask, case_lines, file_text
from conformance.campaign.folder import opened
from conformance.campaign.known import Known, Listed
from conformance.campaign.reduce import smaller
from conformance.campaign.triage import Signature, _is_beyond, calls_in, calls_of, stem
from conformance.case.model import Case
from conformance.gate.deviations import load_folder
from conformance.gate.ledger import LaneFacts
from conformance.record.case import Record
from tests.builders import cases_of
from tests.campaign.asked import about, asking
from tests.campaign.lane import planted

VALUES = Signature("keras", "GRU", "values", "values", "times 2", ("GRU.wrong_gate", "GRU.other"))
ERROR = Signature("keras", "Dense", "error", "raised", "call ValueError: axis")


def test_one_named_mistake_in_common_is_enough() -> None:
    assert VALUES.is_like(replace(VALUES, mistakes=("GRU.other",), detail="plus"))
    assert not VALUES.is_like(replace(VALUES, mistakes=("GRU.third",)))
    assert not VALUES.is_like(replace(VALUES, mistakes=()))


def test_errors_that_are_large_together_are_like_ones_that_are_large_alone() -> None:
    assert VALUES.is_like(replace(VALUES, kind="bias"))
    assert not VALUES.is_like(replace(VALUES, kind="bias", mistakes=("GRU.third",)))
    assert not VALUES.is_like(replace(VALUES, kind="nothing_judged"))


@pytest.mark.parametrize(
    "change", [{"lane": "torch"}, {"layer": "Conv1D"}, {"aspect": "shape"}, {"kind": "other"}, {"detail": "build"}]
)
def test_any_other_difference_is_another_finding(change: dict[str, str]) -> None:
    assert not ERROR.is_like(replace(ERROR, **change))


def test_a_layer_among_several_may_be_the_one() -> None:
    several = replace(ERROR, layer="Dense, ReLU")
    assert several.is_like(ERROR)
    assert ERROR.is_like(several)
    assert not several.is_like(replace(ERROR, layer="Dense, Softmax"))


def test_with_other_numbers_a_change_may_be_put_otherwise_and_a_mistake_may_not() -> None:
    plain = replace(VALUES, mistakes=())
    assert plain.shows_in(replace(plain, detail="plus 1"))
    assert not plain.is_like(replace(plain, detail="plus 1"))
    assert not VALUES.shows_in(replace(VALUES, mistakes=("GRU.third",)))
    assert not ERROR.shows_in(replace(ERROR, detail="call TypeError: axis"))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (
            "Dimension out of range (expected -1 to 1, but got 2)",
            "Dimension out of range (expected -3 to 3, but got 7)",
        ),
        ("Exception encountered when calling Foo.call().\n\n\x1b[1mbad shape [3, 4]\x1b[0m", "bad shape [9]"),
        ("axis 'x' of `layer_3`", "axis 'y' of `layer_17`"),
    ],
)
def test_the_numbers_of_a_message_are_not_part_of_it(first: str, second: str) -> None:
    assert stem(first) == stem(second) != ""


def test_two_messages_are_two() -> None:
    assert stem("Dimension out of range") != stem("Expected a float")


GRAPH = Draft(
    (
        Input("x", (4, 3), mask=Mask(((1, 1, 0, 0), (0, 1, 1, 1), (1, 1, 1, 1)))),
        Input("z", (4, 3), "int32", {"integers": [0, 3]}),
    ),
    (Layer("a", "ReLU", {"threshold": 1.0}), Layer("b", "Add"), Layer("c", "Dense", {"units": 4})),
    (
        Call("y1", "a", ("x",)),
        Call("y2", "b", ("y1", "z"), is_list=True),
        Call("y3", "c", ("y2",), False, {"training": True}),
    ),
    batch=3,
)


def test_a_mask_that_a_layer_carries_is_a_call_of_it_as_in_the_written_case(tmp_path: Path) -> None:
    draft = Draft((Input("x", (2, 3), mask=Mask(((1, 0), (0, 1)))),), (Layer("l", "ReLU"),), (Call("y", "l", ("x",)),))
    (case,) = cases_of(file_text("?", [case_lines(draft, "one", "?")]), tmp_path)
    assert calls_of(draft) == calls_in(case) == {"_x": "Masking", "y": "ReLU"}


def test_every_smaller_draft_is_another_one_that_holds_together() -> None:
    found = list(smaller(GRAPH))
    assert len(found) >= 20
    for draft in found:
        assert draft.digest != GRAPH.digest
        names = {given.name for given in draft.inputs} | {call.name for call in draft.calls}
        assert {name for call in draft.calls for name in call.inputs} <= names
        assert {call.layer for call in draft.calls} == {layer.name for layer in draft.layers}
        for given in draft.inputs:
            assert given.mask is None or {len(row) for row in given.mask.rows} == {given.shape[0]}


def test_smaller_drafts_leave_out_each_thing() -> None:
    found = list(smaller(GRAPH))
    assert {len(draft.calls) for draft in found} == {1, 2, 3}
    assert any(draft.inputs[0].mask is None for draft in found)
    assert any(all(given.dtype == "float32" for given in draft.inputs) for draft in found)
    assert any(layer.type == "ReLU" and not layer.config for draft in found for layer in draft.layers)
    assert any(not draft.calls[-1].arguments for draft in found)
    assert {draft.batch for draft in found} >= {1, 2, 3}


def test_calls_are_seen_inside_an_expression(tmp_path: Path) -> None:
    (case,) = cases_of(POOLED_OF_TWO, tmp_path)
    assert calls_in(case) == {"y": "ReLU", "z": "Dense"}


POOLED_OF_TWO = """
    schema_version: 1
    topic: two calls
    dims: {batch: 2, n: 3}
    source: {kind: hand}
    cases:
      - id: two
        question: What is called where?
        inputs: {x: {shape: [batch, n]}}
        layers: {r: {type: ReLU}, d: {type: Dense, units: 2}}
        graph: {y: "sum(r(x), axis=-1)", z: d(x), s: x + x}
"""

LISTED = """
schema_version: 1
deviations:
  - id: relu-is-off
    cases: [fam/topic.relu]
    lanes: [planted]
    aspect: values
    observed: {node: y, at: [0, 0], got: 1.5}
    kind: by design
    reason: The lane adds one.
    owner: tests
    added: 2026-01-01
    expires: 2099-01-01
"""
WRITTEN = """
    schema_version: 1
    topic: one call
    dims: {batch: 2, n: 3}
    source: {kind: hand}
    cases:
      - id: relu
        question: Is it off?
        inputs: {x: {shape: [batch, n]}}
        layers: {r: {type: ReLU}}
        graph: {y: r(x)}
"""


def known_deviation(
    tmp_path: Path, lane: str = "planted"
) -> tuple[list[object], Callable[[str], Case | None], dict[str, LaneFacts]]:
    folder = tmp_path / "deviations"
    folder.mkdir()
    (folder / "all.yaml").write_text(LISTED.replace("[planted]", f"[{lane}]"), encoding="utf-8")
    facts = {"planted": LaneFacts("tests.campaign.lane", {"fake": "1.0"})}
    return list(load_folder(folder)), {case.id: case for case in cases_of(WRITTEN, tmp_path)}.get, facts


def test_a_listed_deviation_is_recognised_in_a_draft_that_looks_otherwise(tmp_path: Path) -> None:
    deviations, cases, facts = known_deviation(tmp_path)
    with asking(planted("ReLU")) as asker:
        known = Known(asker, deviations, cases, facts)
        assert known.explains(Signature("planted", "ReLU", "values", "values")) == "relu-is-off"
        assert known.explains(Signature("planted", "ReLU", "shape", "shape")) == ""
        assert known.explains(Signature("planted", "Dense", "values", "values")) == ""


def test_one_of_another_lane_excuses_nothing(tmp_path: Path) -> None:
    deviations, cases, facts = known_deviation(tmp_path, lane="torch")
    with asking(planted("ReLU")) as asker:
        assert Known(asker, deviations, cases, facts).explains(Signature("planted", "ReLU", "values", "values")) == ""


def test_one_that_its_case_no_longer_shows_excuses_nothing(tmp_path: Path) -> None:
    deviations, cases, facts = known_deviation(tmp_path)
    with asking(planted("Dense")) as asker:
        assert Known(asker, deviations, cases, facts).explains(Signature("planted", "ReLU", "values", "values")) == ""


def test_the_cases_of_a_list_are_read_when_they_are_asked_for(tmp_path: Path) -> None:
    written, generated = tmp_path / "cases" / "fam" / "topic.case.yaml", tmp_path / "kinds" / "topic.case.yaml"
    for path in (written, generated):
        path.parent.mkdir(parents=True)
        path.write_text(dedent(WRITTEN), encoding="utf-8")
    (tmp_path / "cases" / "fam" / "bad.case.yaml").write_text("[", encoding="utf-8")
    listed = Listed(tmp_path / "cases")
    for name in ("fam/topic.relu", "kinds/topic.relu"):
        case = listed(name)
        assert case is not None
        assert case.layer_types == ("ReLU",)
    assert [listed(name) for name in ("fam/topic.gone", "fam/bad.relu", "nowhere/topic.relu")] == [None] * 3


class Undecided:
    """An asker that finds of every difference in values that its budget allows every answer."""

    def __init__(self, asker: Asker) -> None:
        self.asker = asker

    def __getattr__(self, name: str) -> Any:
        return getattr(self.asker, name)

    def ask(self, drafts: Sequence[Draft], **how: Any) -> Iterator[Judged]:
        for judged in self.asker.ask(drafts, **how):
            yield judged if judged.record is None else replace(judged, record=undecided(judged.record))


def undecided(record: Record) -> Record:
    lanes = {
        name: replace(lane, findings=[replace(found, kind="nothing_judged") for found in lane.findings])
        for name, lane in record.lanes.items()
    }
    return replace(record, lanes=lanes)


@pytest.mark.parametrize(("is_undecided", "outcome"), [(True, "thrown away"), (False, "finding")])
def test_a_budget_that_allows_everything_is_thrown_away_and_counted(
    is_undecided: bool, outcome: str, tmp_path: Path
) -> None:
    with asking(planted("ReLU")) as asker, opened(tmp_path / "c", about(("ReLU",))) as folder:
        asked: Any = Undecided(asker) if is_undecided else asker
        Campaign(folder, asked, ("ReLU",), lambda _: (), str, a_seed=4).run(range(1), time.monotonic() + 60)
    assert set(totals(folder)) <= {outcome, "seen before", "agree", "refused by all"}
    assert totals(folder)[outcome] >= 1
    assert bool(folder.kept) is not is_undecided


def test_the_form_of_a_folder_is_that_of_its_lanes() -> None:
    assert about().lanes == {"planted": {"fake": "1.0"}}


@pytest.mark.parametrize(("aspect", "kind"), [("model", "symbolic_mask"), ("shape", "symbolic"), ("dtype", "symbolic")])
def test_of_a_promise_nobody_has_to_be_asked_why(aspect: str, kind: str) -> None:
    promise = replace(ERROR, aspect=aspect, kind=kind, detail="")
    assert promise.is_plainly(promise)
    assert not replace(promise, aspect="values", kind="values").is_plainly(
        replace(promise, aspect="values", kind="values")
    )


@pytest.mark.parametrize(
    ("got", "wanted", "says_nothing"),
    [
        (math.inf, 1e39, True),
        (math.nan, 2e41, True),
        (-math.inf, 1e39, False),
        (math.nan, 1e30, False),
        (0.0, 1e39, False),
        (math.nan, math.inf, False),
    ],
)
def test_beyond_float32_no_number_can_be_had(got: float, wanted: float, says_nothing: bool) -> None:
    finding = SimpleNamespace(got=((0,), got), wanted=((0,), wanted))
    assert _is_beyond(finding) is says_nothing
