"""A listed deviation held against a question that no case asks: known where the signature says so, else consistent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.gate.alike import excused_alike
from conformance.gate.deviations import Deviation, load_file
from conformance.gate.ledger import LaneFacts
from conformance.record.case import Record
from conformance.record.parts import CauseRecord
from tests.gate.builders import CASE, results_of
from tests.typed import as_record

FACTS = {"lane": LaneFacts("tests.fakes", {"keras": "3.3.3"})}
ENTRY = """\
schema_version: 1
deviations:
  - id: listed
    cases: [fam/curated.one]
    lanes: [lane]
    aspect: {aspect}
    observed: {observed}
    kind: by design
    reason: It does so.
    owner: alice
    added: 2026-11-21
    expires: 2027-05-01
"""


def listed(tmp_path: Path, aspect: str, observed: str) -> list[Deviation]:
    file = tmp_path / "d.yaml"
    file.write_text(ENTRY.replace("{aspect}", aspect).replace("{observed}", observed), encoding="utf-8")
    return load_file(file)


def asked(behaviour: str) -> Record:
    record: Any = as_record(results_of(behaviour, only=CASE)).cases[0]
    assert isinstance(record, Record)
    return record


def test_a_mask_that_is_lost_as_listed_is_known_whatever_its_node_is_called(tmp_path: Path) -> None:
    deviations = listed(tmp_path, "mask", "{node: merged, got: none}")
    found = excused_alike(asked("no_mask"), deviations, FACTS, ["fam/curated.one"])
    assert (found.lanes["lane"].verdict, found.outcome) == ("known", "known")
    assert found.lanes["lane"].deviation is not None


@pytest.mark.parametrize(
    ("behaviour", "cases", "observed"),
    [
        ("inverted_mask", ["fam/curated.one"], "{node: merged, got: none}"),
        ("no_mask", ["fam/curated.other"], "{node: merged, got: none}"),
        ("no_mask", ["fam/curated.one"], "{node: merged, got: all}"),
    ],
)
def test_another_mask_or_other_cases_are_not_excused(
    behaviour: str, cases: list[str], observed: str, tmp_path: Path
) -> None:
    record = asked(behaviour)
    assert excused_alike(record, listed(tmp_path, "mask", observed), FACTS, cases).lanes == record.lanes


def test_numbers_of_another_case_prove_nothing_and_are_said_to_be_consistent(tmp_path: Path) -> None:
    deviations = listed(tmp_path, "values", "{node: y, at: [0, 1], got: 0.5}")
    found = excused_alike(asked("always_wrong"), deviations, FACTS, ["fam/curated.one"])
    assert found.lanes["lane"].verdict == "differ"
    assert found.remark == "lane: consistent with the listed deviation listed: It does so."


def test_of_what_is_listed_nobody_says_that_no_mistake_is_known(tmp_path: Path) -> None:
    deviations = listed(tmp_path, "values", "{node: y, at: [0, 1], got: 0.5}")
    record = asked("always_wrong")
    unknown = CauseRecord("unknown", (), "", is_confirmed=True)
    lane = replace(record.lanes["lane"], cause=unknown, explanation="No known mistake gives lane's answer.")
    record = replace(record, lanes={**record.lanes, "lane": lane})
    assert excused_alike(record, deviations, FACTS, ["fam/curated.one"]).lanes["lane"].explanation == ""
    assert excused_alike(record, [], FACTS, ["fam/curated.one"]).lanes["lane"].explanation == lane.explanation
