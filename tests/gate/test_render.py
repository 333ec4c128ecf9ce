"""A diff in its four forms: each whole, in order, and safe for what it is read with."""

from __future__ import annotations

import json
from dataclasses import replace

from conformance.gate.diff import Diff, Row, Section
from conformance.gate.render import as_json, html, json_text, markdown, text
from tests.builders import POOLED
from tests.gate.asked import diff
from tests.gate.builders import CASE, OTHER, TWO, results_of


def swapped() -> Diff:
    old = results_of("no_mask", only=CASE, versions={"keras": "3.3.3"})
    return diff(old, results_of("no_mask", only=OTHER, versions={"keras": "3.6.0"}))


def test_text_is_one_line_a_row_with_both_answers() -> None:
    assert text(swapped()) == (
        "1 regression: 1 fixed; 0 of 2 compared answers unchanged\n"
        "\n"
        "  old  lane (keras 3.3.3), 2 cases, run 2026-11-21T12:00:00Z\n"
        "  new  lane (keras 3.6.0), 2 cases, run 2026-11-21T12:00:00Z\n"
        "\n"
        "environment\n"
        "  keras  3.3.3 -> 3.6.0\n"
        "\n"
        "regressions (1)\n"
        "! fam/topic.other [lane]  mask of embedded: 11000 11100 (agree) -> none (differ)"
        "  [lane's answer is the reference's without its mask]\n"
        "\n"
        "fixed (1)\n"
        "* fam/topic.masked [lane]  mask of embedded: none (differ) -> 11000 11100 (agree)"
        "  [lane's answer is the reference's without its mask]\n"
        "\n"
        "~ 0 unchanged\n"
    )


def test_a_line_ends_with_why_the_failing_side_differs() -> None:
    (row, *_) = diff(results_of(), results_of("no_mask")).rows
    known = replace(row, because="Keras 3.0 to 3.3 attached no mask. They do now.")
    (line,) = text(_with(known)).splitlines()[-3:-2]
    assert line.endswith("-> none (differ)  [Keras 3.0 to 3.3 attached no mask]")
    assert "They do now" in html(_with(known))


def test_a_note_that_many_rows_share_is_told_twenty_times() -> None:
    (row, *_) = diff(results_of(), results_of("no_mask")).rows
    lost = replace(row, section=Section.NOT_COMPARABLE, note="old could not start")
    lines = text(_with(*[lost] * 25)).splitlines()
    assert sum("fam/topic" in line for line in lines) == 20
    assert lines[-3] == "x and 5 more: old could not start"
    assert lines[0] == "nothing was compared: 25 not comparable; 0 of 0 compared answers unchanged"


def _with(*rows: Row) -> Diff:
    """A diff of these rows alone."""
    return replace(diff(results_of(), results_of()), rows=rows)


def test_nothing_changed_says_so_with_its_denominator() -> None:
    assert text(diff(results_of(), results_of())).startswith("no answer changed; 2 of 2 compared answers unchanged\n")


def test_markdown_keeps_to_its_budget_and_says_what_it_leaves_out() -> None:
    found = swapped()
    assert "### regressions (1)" in markdown(found)
    small = markdown(found, budget=520)
    assert len(small.encode()) <= 520
    assert "1 regression" in small
    assert "… and 1 more." in small


def test_markdown_cannot_be_broken_out_of() -> None:
    found = diff(results_of(), results_of("no_mask", lane="lane"))
    hostile = Diff(
        old=type(found.old)("a | b `c` <script> @team", "", 1, 0, "", True),
        new=found.new,
        environment=(),
        rows=(),
    )
    line = next(line for line in markdown(hostile).splitlines() if line.startswith("- old"))
    assert "a \\| b \\`c\\` \\<script\\> @\u2060team" in line


def test_json_holds_every_row_and_reads_back() -> None:
    found = swapped()
    assert json.loads(json_text(found)) == json.loads(json.dumps(as_json(found)))
    assert [row["section"] for row in as_json(found)["rows"]] == ["fixed", "regressions"]
    assert as_json(found)["counts"]["regressions"] == 1


def test_html_is_one_page_without_network_and_without_script() -> None:
    page = html(swapped())
    assert "<title>1 regression: 1 fixed; 0 of 2 compared answers unchanged</title>" in page
    assert "fam/topic.other" in page
    assert "http" not in page.replace("http-equiv", "")
    assert "<script" not in page


def test_html_shows_hostile_text_as_text() -> None:
    question = TWO.replace("topic: a masked mean", 'topic: "</title><script>alert(1)</script>"')
    old = results_of(text=question, versions={"<img src=x onerror=alert(1)>": "1"})
    page = html(diff(old, results_of(text=question)))
    assert "<img" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


def test_the_same_diff_is_the_same_page() -> None:
    results = results_of("no_mask", text=POOLED)
    assert html(diff(results, results)) == html(diff(results, results))
