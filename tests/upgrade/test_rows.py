"""A comparison of one model in two versions as rows of a gate, and the search for the release of a change."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from conformance.comparison.judging import Share
from conformance.comparison.result import Comparison, Output, Start
from conformance.comparison.result import Row as LayerRow
from conformance.errors import CaseError, Exit, UsageError
from conformance.gate.accepted import draft, load, with_accepted
from conformance.gate.gate import exit_code
from conformance.gate.rows import Diff, Row, Section, Side
from conformance.upgrade.bisect import search
from conformance.upgrade.models import subjects_of
from conformance.upgrade.rows import Side as Loaded
from conformance.upgrade.rows import load_row, refused_row, rows_of

FAR = Share(70.0, 3, 6, (1, 2), 0.25, 0.5, 0.001, "float64")
NEAR = dataclasses.replace(FAR, used=0.3, over=0)
ROWS = tuple(
    LayerRow(path, "Any", 0, 0, state, port=path)
    for path, state in (("table", "agree"), ("both", "start"), ("pool", "follows"))
)
MASK = Start("mask", "both", "both", ("both",), NEAR, "said", gives=("no mask", "a mask of 6 of 8 steps"))
GRADIENT = Start("gradient", "table", "table", ("table",), FAR, "the gradient differs")
FOUND = Comparison(
    "a", "b", {}, ROWS, (MASK, GRADIENT), (Output("result", "result", FAR),), (),
    gradients=(("table", "embeddings", FAR), ("head", "kernel", NEAR)), trained=(("table", "embeddings", FAR),),
)  # fmt: skip


def rows(found: Comparison = FOUND) -> tuple[Row, ...]:
    return rows_of("clf.keras", "models/clf.keras", "keras@2", found)


def diff_of(*every: Row) -> Diff:
    side = Side("keras", "now", len(every), 0, "", True)
    return Diff(side, side, (), every)


def test_what_starts_what_follows_and_what_stays() -> None:
    told = [(row.case.removeprefix("model:clf.keras"), row.section, row.note) for row in rows()]
    assert told == [
        ("/both", Section.MOVED, "after it pool follows"),
        ("#output", Section.MOVED, "follows from both; 70 times what rounding explains"),
        ("#gradients/table", Section.MOVED, "follows from both"),
        ("/table", Section.UNCHANGED, ""),
        ("#gradients/head", Section.UNCHANGED, ""),
    ]


def test_a_step_that_only_follows_from_its_gradient_is_never_said_to_be_unchanged() -> None:
    assert not [row for row in rows() if row.case == "model:clf.keras#step/table"]


def test_several_things_that_move_in_one_layer_are_one_row() -> None:
    layer = Start("layer", "both", "both", ("both",), FAR)
    row = rows(dataclasses.replace(FOUND, starts=(MASK, layer)))[0]
    assert [(move.aspect, move.old, move.new) for move in row.moves] == [
        ("mask", "no mask", "a mask of 6 of 8 steps"),
        ("values", "0.5", "0.25"),
    ]


def test_nothing_moves_where_both_agree() -> None:
    same = Comparison("a", "b", {}, ROWS[:1], (), (Output("result", "result", NEAR),), ())
    assert [row.section for row in rows(same)] == [Section.UNCHANGED] * 2
    assert exit_code(diff_of(*rows(same))) is Exit.OK


@pytest.mark.parametrize(
    ("row", "section"),
    [
        (load_row("m", "m", "k", Loaded("1"), Loaded("2", "no Scale")), Section.REFUSES),
        (load_row("m", "m", "k", Loaded("1", "no Scale"), Loaded("2")), Section.MOVED),
        (refused_row("m", "m", "k", "raises ValueError", is_old=False), Section.REFUSES),
        (refused_row("m", "m", "k", "ended in a crash", is_old=True, verdict="crash"), Section.MOVED),
    ],
)
def test_a_side_without_an_answer_fails_the_gate(row: Row, section: Section) -> None:
    assert row.section is section
    assert exit_code(diff_of(row)) is Exit.DISAGREE


VERSIONS = {"keras": "3.3.3"}, {"keras": "3.15.1"}


def accepted(folder: Path, found: Comparison = FOUND) -> Path:
    text = draft(diff_of(*rows(found)), "keras==3.3.3", "keras==3.15.1")
    file = folder / "accepted.yaml"
    file.write_text(text.replace('who: ""', "who: alice").replace('why: ""', "why: looked at"), encoding="utf-8")
    return file


def test_what_was_accepted_passes_and_another_answer_does_not(tmp_path: Path) -> None:
    entries = load(accepted(tmp_path), known_cases={"merge/mask.other"})
    taken, problems = with_accepted(diff_of(*rows()), entries, *VERSIONS)
    assert (exit_code(taken, problems), problems) == (Exit.OK, ())
    other = dataclasses.replace(MASK, gives=("no mask", "a mask of 8 of 8 steps"))
    again, problems = with_accepted(
        diff_of(*rows(dataclasses.replace(FOUND, starts=(other, GRADIENT)))), entries, *VERSIONS
    )
    assert exit_code(again, problems) is Exit.DISAGREE
    assert problems[0].endswith("model:clf.keras/both moved otherwise than alice accepted")


def test_a_draft_is_refused_until_somebody_signs_it(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(draft(diff_of(*rows()), "keras==1", "keras==2"), encoding="utf-8")
    with pytest.raises(CaseError, match="who must be text"):
        load(tmp_path / "a.yaml")


@pytest.mark.parametrize("first", [1, 2, 3, 4])
def test_the_release_of_a_change_is_found(first: int) -> None:
    versions = [f"3.{minor}.0" for minor in range(5)]
    (row,) = [row for row in rows() if row.case.endswith("/both")]

    def compared(old: str, new: str) -> tuple[Row, ...]:
        return (row,) if versions.index(old) < first <= versions.index(new) else ()

    found = search(versions, compared)
    assert (found.last, found.first, found.rows) == (versions[first - 1], versions[first], (row,))


def test_a_search_between_equal_answers_says_so() -> None:
    with pytest.raises(UsageError, match=r"3\.0\.0 and 3\.1\.0 give the same answer"):
        search(["3.0.0", "3.1.0"], lambda *_: ())
    with pytest.raises(UsageError, match="no two versions"):
        search(["3.0.0"], lambda *_: ())


def test_models_and_batches_that_do_not_go_together(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for path in (tmp_path / "a.keras", tmp_path / "b" / "a.keras"):
        path.write_bytes(b"PK")
    with pytest.raises(Exception, match="2 batches for 1 models"):
        subjects_of([str(tmp_path / "a.keras")], [Path("x"), Path("y")], ())
    with pytest.raises(Exception, match=r"two models are called a\.keras"):
        subjects_of([str(tmp_path / "a.keras"), str(tmp_path / "b" / "a.keras")], [], ())
