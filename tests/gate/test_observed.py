"""One bug that shows in several ways is one entry, and says in which release it began."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from conformance.errors import CaseError
from conformance.gate.deviations import Deviation, Observed, load_file, load_folder
from conformance.gate.ledger import LaneFacts, excused
from tests.gate.asked import draft
from tests.gate.builders import CASE, results_of
from tests.typed import as_record

FACTS = {"lane": LaneFacts("tests.fakes", {"keras": "3.7.0"})}
ENTRY = """\
schema_version: 1
deviations:
  - id: lost
    cases: [fam/topic.masked]
    lanes: [lane]
    aspect: mask
    observed:
      - {node: embedded, got: none}
      - {node: embedded, got: [[0, 0, 1, 1, 1], [0, 0, 0, 1, 1]]}
      - {aspect: shape, node: embedded, got: [2, 5, 3, 1]}
    began: keras==3.7.0
    kind: by design
    reason: It loses its mask.
    owner: alice
    added: 2026-11-21
    expires: 2027-05-01
"""


def entries(tmp_path: Path, old: str = "", new: str = "") -> list[Deviation]:
    file = tmp_path / "d.yaml"
    file.write_text(ENTRY.replace(old, new) if old else ENTRY, encoding="utf-8")
    return load_file(file)


@pytest.mark.parametrize(
    ("behaviour", "verdict"),
    [("no_mask", "known"), ("inverted_mask", "known"), ("wrong_shape", "known"), ("wrong_dtype", "differ")],
)
def test_each_way_is_the_deviation_and_no_other_is(behaviour: str, verdict: str, tmp_path: Path) -> None:
    record = as_record(results_of(behaviour, only=CASE)).cases[0]
    lane = excused(record, entries(tmp_path), FACTS).lanes["lane"]
    assert lane.verdict == verdict
    if lane.deviation is not None:
        assert lane.deviation.reason == "It loses its mask (began in keras 3.7.0)."


def test_the_oldest_that_was_tried_is_a_bound(tmp_path: Path) -> None:
    record = as_record(results_of("no_mask", only=CASE)).cases[0]
    found = excused(record, entries(tmp_path, "keras==3.7.0", "keras<=3.0.5"), FACTS).lanes["lane"].deviation
    assert found is not None
    assert found.reason == "It loses its mask (there at least since keras 3.0.5)."


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("began: keras==3.7.0", "began: since 3.7", "'since 3.7' is not a release"),
        ("aspect: shape", "aspect: shap", "there is no aspect 'shap'"),
        ("{aspect: shape, node: embedded, got: [2, 5, 3, 1]}", "{aspect: shape, at: [0]}", "has no 'at' to observe"),
    ],
)
def test_a_mistake_in_a_way_is_named(old: str, new: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=message):
        entries(tmp_path, old, new)


def test_nothing_is_drafted_for_the_reference() -> None:
    results = results_of("no_mask", only=CASE)
    record = results["cases"][0]
    record["lanes"]["numpy"] = {**record["lanes"]["lane"]}
    text = draft(results, date(2026, 11, 30))
    assert "lanes: [lane]" in text
    assert "numpy" not in text


def test_every_deviation_of_the_project_says_in_which_release_it_began() -> None:
    root = Path(__file__).parents[2]
    assert [one.id for one in load_folder(root / "deviations", root) if not one.began] == []


def led_nowhere(entries: Sequence[Deviation]) -> list[str]:
    """The entries whose reason is that of another, which is not there, is the entry itself or says "as" of a third."""
    reasons = {one.id: one.reason for one in entries}
    found = []
    for one in entries:
        for other in re.findall(r"\bAs ([a-z0-9]+(?:-[a-z0-9]+)+)", one.reason):
            if other == one.id or other not in reasons or reasons[other].startswith("As "):
                found.append(f"{one.id}: {other}")
    return found


def test_a_reason_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    (entry,) = entries(tmp_path)
    for reason, leads in (("As lost-mask.", ["lost: lost-mask"]), ("It loses its mask.", [])):
        assert led_nowhere([replace(entry, reason=reason)]) == leads
    first = replace(entry, id="first-one", reason="As second-one.")
    second = replace(entry, id="second-one", reason="It loses its mask.")
    assert led_nowhere([first, second]) == []
    assert led_nowhere([first, replace(second, reason="As first-one.")]) == [
        "first-one: second-one",
        "second-one: first-one",
    ]
    assert led_nowhere([replace(first, reason="As first-one.")]) == ["first-one: first-one"]


def test_every_reason_of_the_project_that_is_anothers_leads_to_one() -> None:
    root = Path(__file__).parents[2]
    assert led_nowhere(load_folder(root / "deviations", root)) == []


NEEDED = {"model": "in", "methods": "method", "invariants": "invariant"}
"""What a signature of this aspect has to say beside the node: without it, every difference of that node is excused."""


def too_wide(entries: Sequence[Deviation]) -> list[str]:
    """The entries that would excuse another difference than the one that they tell of."""
    return [
        one.id
        for one in entries
        for seen in one.observed
        if (needed := NEEDED.get(seen.aspect)) and needed not in seen.signature
    ]


def test_a_signature_that_excuses_everything_at_a_node_is_found(tmp_path: Path) -> None:
    (entry,) = entries(tmp_path)
    for aspect, needed in NEEDED.items():
        for signature, found in (({"node": "y"}, ["lost"]), ({"node": "y", needed: "shape"}, [])):
            assert too_wide([replace(entry, observed=(Observed(aspect, signature),))]) == found


def test_no_deviation_of_the_project_excuses_everything_at_a_node() -> None:
    root = Path(__file__).parents[2]
    assert too_wide(load_folder(root / "deviations", root)) == []


def test_no_two_deviations_of_the_project_are_one_bug() -> None:
    root = Path(__file__).parents[2]
    said = Counter(
        (one.reason, one.lanes, one.when, one.modes, one.policies, one.env)
        for one in load_folder(root / "deviations", root)
    )
    assert [reason for (reason, *_), count in said.items() if count > 1] == []
