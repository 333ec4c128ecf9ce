"""A diff in its four forms: each whole, in order, and safe for what it is read with."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from conformance.gate.answers import Move
from conformance.gate.render import as_json, json_text, markdown, text
from conformance.gate.rows import Diff, Row, Section
from conformance.gate.words import NAMED, effect, move_text, told, why
from tests.builders import POOLED
from tests.gate.asked import diff
from tests.gate.asked import gate_page as html
from tests.gate.builders import CASE, OTHER, TWO, results_of


def swapped() -> Diff:
    old = results_of("no_mask", only=CASE, versions={"keras": "3.3.3"})
    return diff(old, results_of("no_mask", only=OTHER, versions={"keras": "3.6.0"}))


def test_text_says_what_it_does_to_a_model_then_the_case_then_why() -> None:
    right, wrong = swapped().rows
    assert text(swapped()) == (
        "1 wrong now: 1 right now; 0 of 2 compared answers unchanged\n"
        "\n"
        "  old  lane (keras 3.3.3), 2 cases, run 2026-11-21T12:00:00Z\n"
        "  new  lane (keras 3.6.0), 2 cases, run 2026-11-21T12:00:00Z\n"
        "\n"
        "environment\n"
        "  keras  3.3.3 -> 3.6.0\n"
        "\n"
        "wrong now (1): right before, and not any more\n"
        "! wrong mask of embedded: 11000 11100 -> none\n"
        "    fam/topic.other [lane]  agree -> differ\n"
        f"    why: {why(wrong)}\n"
        "\n"
        "right now (1): wrong before; who relied on the old answer gets another one\n"
        "* right mask of embedded: none -> 11000 11100\n"
        "    fam/topic.masked [lane]  differ -> agree\n"
        f"    why: {why(right)}\n"
        "\n"
        "~ 0 unchanged\n"
    )


def test_a_reason_that_neighbours_share_is_told_once() -> None:
    (row, other, *_) = diff(results_of(), results_of("no_mask")).rows
    rows = [replace(item, because="Keras 3.0 to 3.3 attached no mask. They do now.") for item in (row, other)]
    told = text(_with(*rows)).splitlines()
    assert [line.strip() for line in told if "why:" in line] == [
        "why: Keras 3.0 to 3.3 attached no mask. They do now",
        "why: as above",
    ]


def test_a_number_is_told_with_its_place_how_far_it_moved_and_how_many_others_did() -> None:
    move = Move("values", "y", "0.3", "0.33333334", (0, 1), (0.3, 0.33333334), 4, 14)
    assert move_text(move) == "0.3 -> 0.33333334 at [0, 1], by 0.0333 (11 %), 4 of 14 elements"
    assert move_text(replace(move, at=None, numbers=None, count=0)) == "0.3 -> 0.33333334"
    assert move_text(replace(move, numbers=(0.3, math.nan), new="nan")) == "0.3 -> nan at [0, 1], 4 of 14 elements"
    assert move_text(replace(move, numbers=(0.0, 2.0), count=1, size=1, at=(), run=1)) == (
        "0.3 -> 0.33333334, by 2, in size 2 of the case"
    )


@pytest.mark.parametrize(
    ("section", "aspect", "words"),
    [
        (Section.WRONG, "values", "wrong values of y"),
        (Section.WRONG, "special", "wrong NaN or infinity of y"),
        (Section.WRONG, "error", "not the right error any more at y"),
        (Section.RIGHT, "error", "the right error now at y"),
        (Section.ANOTHER, "error", "another error at y"),
        (Section.NOT_REPRODUCIBLE, "error", "never twice the same end at y"),
        (Section.NOT_REPRODUCIBLE, "values", "never twice the same values of y"),
        (Section.WRONG, "model", "wrong answer of a functional model at y"),
        (Section.WRONG, "invariants", "an invariant of y does not hold any more"),
        (Section.RIGHT, "claims", "a claim of y holds now"),
        (Section.REFUSES, "error", "an error where there was an answer"),
        (Section.ANOTHER, "values", "other values of y"),
        (Section.ANOTHER, "mask", "another mask of y"),
        (Section.RIGHT, "gradient", "right gradient of y"),
        (Section.ANSWERS, "error", "a wrong answer where there was an error"),
        (Section.NOT_COMPARABLE, "error", "cannot be compared"),
    ],
)
def test_the_first_words_say_what_it_does_to_a_model(section: Section, aspect: str, words: str) -> None:
    (row, *_) = diff(results_of(), results_of("no_mask")).rows
    assert effect(replace(row, section=section, moves=(Move(aspect, "y", "a", "b"),))) == words


@pytest.mark.parametrize(
    ("section", "sides", "words"),
    [
        (Section.WRONG, ("gives them", "raises LookupError"), "no gradients any more"),
        (Section.RIGHT, ("raises LookupError", "gives them"), "gradients where there were none"),
    ],
)
def test_a_backward_pass_that_ends_says_so_first(section: Section, sides: tuple[str, str], words: str) -> None:
    (row, *_) = diff(results_of(), results_of("no_mask")).rows
    moved = replace(row, section=section, moves=(Move("gradient", "", *sides),))
    assert told(moved) == f"{words}: {' -> '.join(sides)}"


def test_a_row_whose_verdict_alone_moved_says_that_it_was_judged() -> None:
    (row, *_) = diff(results_of(), results_of("no_mask")).rows
    assert effect(replace(row, section=Section.WRONG, moves=())) == "judged wrong now"


def test_an_answer_that_is_the_expected_one_is_no_wrong_one() -> None:
    (row, *_) = diff(results_of("raises"), results_of()).rows
    assert effect(row) == "an answer where there was an error"


def test_what_could_not_be_asked_says_so_first_and_once() -> None:
    (row, *_) = diff(results_of(), results_of("no_mask")).rows
    lost = replace(
        row, section=Section.NOT_COMPARABLE, note="could not be asked before: Keras 3.6.0 has no layer Circle"
    )
    lines = text(_with(lost)).splitlines()
    assert "x cannot be compared: could not be asked before: Keras 3.6.0 has no layer Circle" in lines
    assert not [line for line in lines if "why: could not" in line]


def test_every_output_that_moved_is_told_by_its_name() -> None:
    (row, *_) = diff(results_of(), results_of("no_mask")).rows
    moves = tuple(Move("methods", f"compute_mask of {node}", "11001", "none") for node in ("merged", "other"))
    assert told(replace(row, moves=moves)) == (
        "wrong answer of compute_mask of merged asked directly: 11001 -> none; "
        "compute_mask of other asked directly: 11001 -> none"
    )


def test_shares_are_told_as_one_reads_them() -> None:
    move = Move("values", "y", "0.5", "3.6", (), (0.5, 3.6))
    assert move_text(move) == "0.5 -> 3.6, by 3.1 (620 %)"
    assert move_text(replace(move, numbers=(0.5, 0.501))) == "0.5 -> 3.6, by 0.001 (0.2 %)"


def test_a_line_names_four_outputs_and_counts_the_others() -> None:
    (row, *_) = diff(results_of(), results_of("no_mask")).rows
    many = replace(row, moves=tuple(Move("values", f"n{index}", "a", "b") for index in range(6)))
    assert told(many, NAMED) == (
        "wrong values of n0: a -> b; values of n1: a -> b; values of n2: a -> b; values of n3: a -> b; "
        "and 2 more outputs"
    )
    assert "n5" in told(many)


def test_what_was_accepted_is_said_to_be() -> None:
    (row, other, *_) = diff(results_of(), results_of("no_mask")).rows
    taken = replace(row, accepted="alice: we mask nothing")
    assert text(_with(taken, replace(other, section=Section.UNCHANGED))).startswith(
        "nothing is worse that nobody has accepted: 1 wrong now, 1 of them accepted; 1 of 2 compared"
    )
    assert "accepted by alice: we mask nothing" in text(_with(taken))


def test_a_reason_for_which_many_rows_cannot_be_compared_is_told_twice() -> None:
    (row, *_) = diff(results_of(), results_of("no_mask")).rows
    lost = replace(row, section=Section.NOT_COMPARABLE, note="old could not start", old=None)
    lines = text(_with(*[lost] * 25)).splitlines()
    assert sum("fam/topic" in line for line in lines) == 2
    assert lines[-3] == "x and 23 more: old could not start"
    assert lines[0] == "nothing was compared: 25 not comparable; 0 of 0 compared answers unchanged"


def _with(*rows: Row) -> Diff:
    """A diff of these rows alone."""
    return replace(diff(results_of(), results_of()), rows=rows)


def test_nothing_changed_says_so_with_its_denominator() -> None:
    assert text(diff(results_of(), results_of())).startswith("no answer changed; 2 of 2 compared answers unchanged\n")


def test_markdown_keeps_to_its_budget_and_says_what_it_leaves_out() -> None:
    found = swapped()
    assert "### wrong now (1)" in markdown(found)
    small = markdown(found, budget=640)
    assert len(small.encode()) <= 640
    assert "1 wrong now" in small
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
    assert [row["section"] for row in as_json(found)["rows"]] == ["right now", "wrong now"]
    assert as_json(found)["counts"]["wrong now"] == 1


def test_html_is_one_page_without_network() -> None:
    page = html(swapped())
    assert "<title>1 wrong now: 1 right now; 0 of 2 compared answers unchanged</title>" in page
    assert "fam/topic.other" in page
    assert "http" not in page.replace("http-equiv", "")
    assert page.count("<script") == 2  # the packed pages, and the filter


def test_html_shows_hostile_text_as_text() -> None:
    question = TWO.replace("topic: a masked mean", 'topic: "</title><script>alert(1)</script>"')
    old = results_of(text=question, versions={"<img src=x onerror=alert(1)>": "1"})
    page = html(diff(old, results_of(text=question)))
    assert "<img" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


def test_the_same_diff_is_the_same_page() -> None:
    results = results_of("no_mask", text=POOLED)
    assert html(diff(results, results)) == html(diff(results, results))


def test_the_page_has_that_of_each_case_that_moved_and_a_filter() -> None:
    old, new = results_of("no_mask", only=CASE), results_of("no_mask", only=OTHER)
    page = html(diff(old, new), new)
    assert f'<a href="#{CASE}">' in page
    assert f'<a href="#{OTHER}">' in page
    assert 'data-query="section:wrong-now"' in page
    assert 'data-facts="section:wrong-now aspect:mask is:failing"' in page
    alone = html(diff(old, new))
    assert f'<a href="#{CASE}">' not in alone
    assert f'id="{CASE}"' in alone


def test_unchanged_rows_lead_to_no_page() -> None:
    results = results_of("no_mask", text=POOLED)
    page = html(diff(results, results), results)
    assert '<a href="#fam' not in page
    assert "unchanged: 1" in page
