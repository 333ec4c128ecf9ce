"""What a page and a text say of scripts: those that results hold, escaped and folded; commands for all others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from conformance.lanes.spec import LaneSpec
from conformance.protocol.adapter import Identity
from conformance.report.blocks import Command, Fold, Paragraph
from conformance.report.html import render_page
from conformance.repro.evidence import Evidence
from conformance.repro.kept import LONGEST
from conformance.repro.script import script
from tests.builders import POOLED, cases_of, fake, records_of
from tests.report.factory import LANE_ROWS, agreeing
from tests.repro.asked import case_markdown, case_text, evidence_of, page_of, with_scripts
from tests.repro.test_numpy import ROW

LANE = (LaneSpec("numpy", "numpy"), Identity(ROW["versions"], {}, True))
HOSTILE = "print('</pre></details><script>alert(1)</script>') # ```"


def test_a_script_that_results_hold_is_folded_and_escaped() -> None:
    record = agreeing()
    record["lanes"]["keras"]["repro"] = HOSTILE
    page = page_of(record, LANE_ROWS)
    drawn = render_page(page)
    assert "<details><summary>Script for Keras 3.15.1 (TensorFlow 2.21.0)</summary><pre>print(" in drawn
    assert "<script>" not in drawn
    assert drawn.count("</details>") == 1
    assert "````\n" + HOSTILE + "\n````" in case_markdown(record, LANE_ROWS)
    assert HOSTILE not in case_text(record, LANE_ROWS)
    (section,) = [section.blocks for section in page.sections if section.title == "Check it yourself"]
    assert [type(block) for block in section] == [Paragraph, Fold, Command, Command, Command]


def test_other_lanes_have_no_command() -> None:
    rows = [{**row, "adapter": "tests.fakes"} if row["name"] == "torch" else row for row in LANE_ROWS]
    rows = [{**row, "policy": "mixed_float16"} if row["name"] == "keras" else row for row in rows]
    text = case_text(agreeing(), rows)
    assert "--lane numpy" in text
    assert "--lane keras" not in text
    assert "--lane torch" not in text


def test_a_training_has_commands_and_a_lost_process_only_a_script_that_is_there() -> None:
    record = agreeing()
    (run,) = record["lanes"]["keras"]["runs"]
    run["dense.kernel@1"] = next(iter(run.values()))
    assert case_text(record, LANE_ROWS).count("conformance repro ") == 3
    record["lanes"]["keras"]["verdict"] = "crash"
    assert "--lane keras" not in case_text(record, LANE_ROWS)
    record["lanes"]["keras"]["repro"] = "import subprocess"
    assert "--lane keras" in case_text(record, LANE_ROWS)


def test_a_case_that_differs_keeps_the_scripts_that_the_command_prints(tmp_path: Path) -> None:
    (case,) = cases_of(POOLED, tmp_path)
    (record,) = records_of((case,), fake("always_wrong"))
    assert "repro" not in record["lanes"]["always_wrong"]
    kept = record["lanes"]["numpy"]["repro"]
    rows = ({**ROW, "versions": versions(kept)}, {**ROW, "name": "always_wrong", "adapter": "tests.fakes"})
    assert kept == script(evidence_of(rows, record), "numpy")


def versions(text: str) -> dict[str, str]:
    """The versions that a script was seen with, from its head."""
    (line,) = [line for line in text.split("\n") if line.startswith("# Seen with ")]
    return dict(pair.rsplit(" ", 1) for pair in line.removeprefix("# Seen with ").removesuffix(".").split(", "))


def test_a_case_on_which_all_agree_keeps_none(tmp_path: Path) -> None:
    (record,) = records_of(cases_of(POOLED, tmp_path), fake("always_right"))
    assert not any("repro" in held for held in record["lanes"].values())


def test_what_stops_a_script_stops_no_run(tmp_path: Path, monkeypatch: Any) -> None:
    (case,) = cases_of(POOLED, tmp_path)
    (record,) = records_of((case,), fake("always_wrong"))
    given: Evidence = evidence_of([ROW], record)
    del record["lanes"]["numpy"]["repro"]
    monkeypatch.setattr("conformance.repro.script.script", lambda *_: 1 / 0)
    assert "repro" not in with_scripts(case, given.plan, record, given.reference, [LANE])["lanes"]["numpy"]
    monkeypatch.setattr("conformance.repro.script.script", lambda *_: "x" * (LONGEST + 1))
    assert "repro" not in with_scripts(case, given.plan, record, given.reference, [LANE])["lanes"]["numpy"]
    monkeypatch.setattr("conformance.repro.script.script", lambda *_: "x" * LONGEST)
    assert "repro" in with_scripts(case, given.plan, record, given.reference, [LANE])["lanes"]["numpy"]
