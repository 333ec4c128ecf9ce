"""What changed since a baseline, in the report and on a case's page, from two results made by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from conformance.cli import main
from conformance.report.blocks import Table
from conformance.report.changes import MOST
from tests.report.asked import changes_of, page_of, render, with_baseline
from tests.report.factory import LANE_ROWS, agreeing, results, wrong_shape
from tests.report.test_html import Reading

KERAS: Any = LANE_ROWS[0]
OLDER = [{**KERAS, "versions": {**KERAS["versions"], "keras": "3.3.3"}}, *LANE_ROWS[1:]]
OLD = results(agreeing(id="a/a.same"), agreeing(id="a/a.broken"), wrong_shape(id="a/a.mended"), agreeing(id="a/a.gone"))
NEW = results(agreeing(id="a/a.same"), wrong_shape(id="a/a.broken"), agreeing(id="a/a.mended"), agreeing(id="a/a.new"))


def compared(old: Any = OLD, new: Any = NEW) -> dict[str, Any]:
    return with_baseline(new, {**old, "lanes": OLDER, "started": "2026-01-01T00:00:00Z"})


def test_every_count_and_version_that_moved_is_said() -> None:
    found = changes_of(compared())
    assert found is not None
    assert found.sentences == (
        "Against the run of 2026-01-01T00:00:00Z (keras (keras 3.3.3, tensorflow 2.21.0), torch (torch 2.13.0)), "
        "a row a case and lane: 1 wrong now, 1 right now, 2 new, 2 removed, 4 unchanged.",
        "Versions and machine: keras: keras 3.3.3 → 3.15.1.",
    )
    assert [part.title.partition(":")[0] for part in found.sections] == [
        "1 wrong now",
        "1 right now",
        "2 new",
        "2 removed",
    ]
    (broken,) = found.sections[0].cases
    assert (broken.text, broken.href) == ("a/a.broken", "#a/a.broken")
    assert broken.note == "torch, shape, pooled: agree, (2, 11) → differ, (2, 7)"
    assert [link.href for link in found.sections[3].cases] == ["", ""]


def test_the_report_says_it_before_the_failures_and_the_page_after_the_answer() -> None:
    text = Reading(render(compared())).text
    assert text.index("Since the baseline Against the run of 2026-01-01") < text.index("Failures by cause 1 case")
    sections = {section.title: section.blocks for section in page_of(compared()["cases"][1], LANE_ROWS).sections}
    assert list(sections)[:3] == ["Question", "Answer", "Changed"]
    (table,) = sections["Changed"]
    assert isinstance(table, Table)
    assert [cell.text for cell in table.rows[0]] == [
        "torch", "shape, pooled", "agree, (2, 11)", "differ, (2, 7)", "behaviour and environment",
    ]  # fmt: skip
    assert "Changed" not in [section.title for section in page_of(compared()["cases"][0], LANE_ROWS).sections]


def test_an_answer_that_did_not_move_is_said_to_have_stayed_and_nothing_worse_is_said_too() -> None:
    broken = wrong_shape(id="a/a.broken")
    once_fine = {**broken, "outcome": "agree", "lanes": {**broken["lanes"]}}
    once_fine["lanes"]["torch"] = {**broken["lanes"]["torch"], "verdict": "agree", "findings": []}
    found = changes_of(compared(results(once_fine), results(broken)))
    assert found is not None
    (link,) = found.sections[0].cases
    assert link.note.startswith("torch: agree, ")
    assert link.note.endswith("(the answer moved by no more than rounding; what is said of it did)")
    same = changes_of(compared(results(broken), results(broken)))
    assert same is not None
    assert "a row a case and lane: nothing wrong now, 2 unchanged." in same.sentences[0]


def test_without_a_baseline_nothing_is_said_of_changes() -> None:
    assert changes_of(NEW) is None
    assert "Since the baseline" not in Reading(render(NEW)).text


def test_a_baseline_that_has_nothing_in_common_is_said_to_have_nothing() -> None:
    found = changes_of(compared(results(agreeing(id="b/b.other"))))
    assert found is not None
    assert found.sections == ()
    assert found.sentences[0].startswith(
        "Nothing can be said of the run of 2026-01-01T00:00:00Z: the two results have no"
    )
    assert "Nothing can be said of the run" in Reading(render(compared(results(agreeing(id="b/b.other"))))).text


def test_long_sections_are_cut_and_say_so() -> None:
    many = results(agreeing(id="a/a.same"), *(agreeing(id=f"a/a.n{number}") for number in range(MOST)))
    found = changes_of(compared(OLD, many))
    assert found is not None
    (new,) = [part for part in found.sections if part.title.startswith("400 new")]
    assert (len(new.cases), new.left_out) == (MOST, MOST)
    assert "and 200 more; conformance diff lists them" in Reading(render(compared(OLD, many))).text


def test_what_changed_can_be_filtered() -> None:
    rows = [attributes for attributes in Reading(render(compared())).named("tr") if "data-facts" in attributes]
    changed = [attributes for attributes in rows if "is:changed" in (attributes["data-facts"] or "")]
    assert len(changed) == 2


def test_the_command_takes_a_baseline_and_gives_the_same_bytes_again(tmp_path: Path, capsys: Any) -> None:
    for name, found in (("old", OLD), ("new", NEW)):
        (tmp_path / f"{name}.json").write_text(json.dumps(found), encoding="utf-8")
    arguments = ["report", str(tmp_path / "new.json"), "--baseline", str(tmp_path / "old.json")]
    pages = []
    for _ in range(2):
        assert main(arguments) == 0
        pages.append(capsys.readouterr().out)
    assert pages[0] == pages[1]
    assert "The same versions on the same kind of machine." in Reading(pages[0]).text


def test_a_baseline_that_is_not_there_is_named(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "new.json").write_text(json.dumps(NEW), encoding="utf-8")
    assert main(["report", str(tmp_path / "new.json"), "--baseline", str(tmp_path / "no.json")]) == 2
    assert f"{tmp_path / 'no.json'}: no such file" in capsys.readouterr().err
