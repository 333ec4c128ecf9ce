"""Answers that somebody took: strict both ways, each mistake in the file at its place, and a draft that nobody can
take by accident.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from conformance.errors import CaseError, Exit, UsageError
from conformance.gate.accepted import Accepted, answer_of, declared_file, draft, load, takes, with_accepted
from conformance.gate.answers import Move
from conformance.gate.gate import exit_code
from conformance.gate.rows import Diff, Section
from tests.gate.asked import diff
from tests.gate.builders import CASE, OTHER, results_of

OLD, NEW = {"keras": "3.6.0"}, {"keras": "3.7.0"}
PAIR = ("keras==3.6.0", "keras==3.7.0")


def lost_masks() -> Diff:
    return diff(results_of(), results_of("no_mask"))


def drafted(found: Diff, tmp_path: Path, **words: str) -> tuple[Accepted, ...]:
    """What a person makes of a draft who takes all of it."""
    text = draft(found, *PAIR).replace('who: ""', "who: alice").replace('why: ""', "why: nothing is masked here")
    for old, new in words.items():
        text = text.replace(old, new)
    file = tmp_path / "accepted.yaml"
    file.write_text(text, encoding="utf-8")
    return load(file, {CASE, OTHER})


def test_a_draft_is_refused_until_somebody_says_who_and_why(tmp_path: Path) -> None:
    file = tmp_path / "accepted.yaml"
    file.write_text(draft(lost_masks(), *PAIR), encoding="utf-8")
    with pytest.raises(CaseError) as caught:
        load(file)
    assert len(caught.value.problems) == 4
    assert "who must be text" in str(caught.value)


def test_what_was_accepted_does_not_fail_and_is_said_to_be(tmp_path: Path) -> None:
    found, problems = with_accepted(lost_masks(), drafted(lost_masks(), tmp_path), OLD, NEW)
    assert (exit_code(lost_masks()), exit_code(found, problems), problems) == (Exit.DISAGREE, Exit.OK, ())
    assert {row.accepted for row in found.section(Section.WRONG)} == {"alice: nothing is masked here"}


def test_what_was_accepted_and_moves_otherwise_fails_and_says_so(tmp_path: Path) -> None:
    entries = drafted(lost_masks(), tmp_path)
    other = diff(results_of(), results_of("inverted_mask", only=CASE))
    found, problems = with_accepted(other, entries, OLD, NEW)
    assert exit_code(found, problems) is Exit.DISAGREE
    (row,) = found.section(Section.WRONG)
    assert "alice accepted another answer" in row.note
    assert [problem.partition(": ")[2] for problem in problems] == [
        f"{CASE} moved otherwise than alice accepted",
        f"{OTHER} does not move any more: take the entry out",
    ]


def test_what_was_accepted_and_is_worse_than_it_was_is_not_taken(tmp_path: Path) -> None:
    """A further output that moves is another answer, whatever else stays as it was."""
    entries = drafted(lost_masks(), tmp_path)
    new = results_of("no_mask")
    new["cases"][0]["lanes"]["lane"]["runs"][0]["pooled"]["values"][0][1] += 1.5
    found, problems = with_accepted(diff(results_of(), new), entries, OLD, NEW)
    assert [bool(row.accepted) for row in found.section(Section.WRONG)] == [False, True]
    assert exit_code(found, problems) is Exit.DISAGREE


def test_an_entry_is_of_its_pair_of_versions_alone(tmp_path: Path) -> None:
    entries = drafted(lost_masks(), tmp_path)
    found, problems = with_accepted(lost_masks(), entries, OLD, {"keras": "3.8.0"})
    assert (len(found.regressions), problems) == (2, ())
    unchanged, problems = with_accepted(diff(results_of(), results_of()), entries, OLD, {"keras": "3.8.0"})
    assert (len(unchanged.moved), problems) == (0, ())


def test_a_case_that_was_not_compared_is_not_stale(tmp_path: Path) -> None:
    entries = drafted(lost_masks(), tmp_path)
    rows = [replace(row, section=Section.NOT_COMPARABLE) for row in lost_masks().rows]
    assert with_accepted(replace(lost_masks(), rows=tuple(rows)), entries, OLD, NEW)[1] == ()


@pytest.mark.parametrize(
    ("taken", "given", "is_same"),
    [
        ((0.3, 0.35), (0.3, 0.35), True),
        ((0.3, 0.35), (0.3, 0.352), True),
        ((0.3, 0.35), (0.3, 0.36), False),
        ((0.3, 0.35), (0.29, 0.35), False),
    ],
)
def test_a_number_may_lie_a_little_off_and_no_more(
    taken: tuple[float, float], given: tuple[float, float], is_same: bool
) -> None:
    (row, *_) = lost_masks().rows
    moved = replace(row, moves=(Move("values", "y", "", "", (0,), given),))
    entry = Accepted(
        CASE, *PAIR, "wrong now", (answer_of(Move("values", "y", "", "", (0,), taken)),), "alice", "fine", None
    )
    assert takes(entry, moved) is is_same


@pytest.mark.parametrize(
    ("given", "is_same"),
    [("y [0.5, -2.0]", True), ("y [0.5000001, -2.0]", True), ("y [0.6, -2.0]", False), ("y (2, 3)", False)],
)
def test_an_answer_where_there_was_an_error_is_taken_with_its_numbers(given: str, is_same: bool) -> None:
    (row, *_) = diff(results_of("raises", only=CASE), results_of()).section(Section.ANSWERS)
    (move,) = row.moves
    taken = replace(move, new="y [0.5, -2.0]")
    entry = Accepted(CASE, *PAIR, "answers now", (answer_of(taken),), "alice", "fine", None)
    assert takes(entry, replace(row, moves=(replace(move, new=given),))) is is_same


def test_an_error_is_the_same_while_its_type_and_phase_are() -> None:
    (row, *_) = diff(results_of(), results_of("raises", only=CASE)).section(Section.REFUSES)
    (move,) = row.moves
    entry = Accepted(CASE, *PAIR, "refuses now", (answer_of(move),), "alice", "fine", None)
    reworded = replace(row, moves=(replace(move, new="raises RuntimeError in call: in other words"),))
    other = replace(row, moves=(replace(move, new="raises ValueError in call: in other words"),))
    assert (takes(entry, reworded), takes(entry, other)) == (True, False)


ENTRY = """\
schema_version: 1
accepted:
  - case: fam/topic.masked
    from: keras==3.6.0
    to: keras==3.7.0
    section: wrong now
    outputs: [{aspect: mask, node: embedded, old: "11000 11100", new: none}]
    who: alice
    why: nothing is masked here
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("    who: alice\n", "", "3:5: error: the accepted answer needs the key who"),
        ("    why: nothing is masked here\n", "", "3:5: error: the accepted answer needs the key why"),
        ("    from: keras==3.6.0\n", "", "3:5: error: the accepted answer needs the key from"),
        ("keras==3.7.0", "keras 3.7.0", "5:9: error: 'keras 3.7.0' is not a version of a package"),
        ("fam/topic.masked", "fam/topic.maskd", "3:11: error: no case is called 'fam/topic.maskd'"),
        ("wrong now", "wrong", "6:14: error: there is no section 'wrong' to accept"),
        ("who: alice", "whom: alice", "8:5: error: unknown key 'whom' in an accepted answer"),
        ("new: none}", "is: none}", "unknown key 'is' in an output"),
        ("schema_version: 1", "schema_version: 2", "1:17: error: schema_version must be 1"),
        ("accepted:\n", "accepted: 3\nothers:\n", "2:11: error: accepted must be a list"),
    ],
)
def test_each_mistake_is_named_at_its_place(old: str, new: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "accepted.yaml"
    file.write_text(ENTRY.replace(old, new), encoding="utf-8")
    with pytest.raises(CaseError) as caught:
        load(file, {CASE, OTHER})
    assert message in str(caught.value)
    assert caught.value.exit is Exit.BAD_INPUT


def test_one_case_accepted_twice_is_a_mistake(tmp_path: Path) -> None:
    file = tmp_path / "accepted.yaml"
    file.write_text(ENTRY + ENTRY.partition("accepted:\n")[2], encoding="utf-8")
    with pytest.raises(CaseError, match=r"is accepted twice from keras==3\.6\.0 to keras==3\.7\.0"):
        load(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        load(tmp_path / "none.yaml")


def test_the_project_names_its_file(tmp_path: Path) -> None:
    project = tmp_path / "pyproject.toml"
    assert declared_file(project) is None
    project.write_text('[tool.conformance]\naccepted = "accepted.yaml"\n', encoding="utf-8")
    assert declared_file(project) == tmp_path / "accepted.yaml"
    project.write_text("[tool.conformance]\naccepted = 3\n", encoding="utf-8")
    with pytest.raises(UsageError, match="must be text"):
        declared_file(project)
