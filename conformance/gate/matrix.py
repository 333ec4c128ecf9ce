"""Cases by lanes, each cell the answer: which versions say the same, and where the answer changes. Data, no words
but those of the answers.

An answer gets a letter. The lanes of one letter say the same but for rounding; the words of an answer name what tells
it from the others, so that they can be read side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.gate.answers import Move, ended, ending_words, first_move, last_words
from conformance.record.case import Record
from conformance.record.run import Results
from conformance.report.words import joined, one_line

WORDS = 160
"""Characters of an answer."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What one lane said: a letter shared by all lanes of the same answer, its verdict, and whether it is a change."""

    letter: str
    verdict: str
    is_change: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One case: a cell a lane (None where the lane did not have it), and each letter's answer in words."""

    case: str
    question: str
    cells: tuple[Cell | None, ...]
    answers: Mapping[str, str]

    @property
    def has_change(self) -> bool:
        return len(self.answers) > 1


@dataclass(frozen=True, slots=True)
class Span:
    """Neighbouring lanes that say the same: the first and the last of them, counted from 0."""

    first: int
    last: int
    cell: Cell | None

    @property
    def length(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Group:
    """Cases whose answers read the same in every lane."""

    lines: tuple[Line, ...]

    @property
    def first(self) -> Line:
        return self.lines[0]


def matrix(results: Results, lanes: Sequence[str]) -> list[Line]:
    """A line a case; letters in the order of the lanes, so that `A` is what the first lane says."""
    masks = {row.name: row.gives_masks for row in results.lanes}
    return [line_of(record, lanes, masks) for record in results.cases]


def line_of(record: Record, lanes: Sequence[str], masks: Mapping[str, bool]) -> Line:
    """One case in these lanes; `masks` says which of them have masks of their own."""
    firsts: dict[str, str] = {}
    cells: list[Cell | None] = []
    before = ""
    for lane in lanes:
        held = record.lanes.get(lane)
        if held is None:
            cells.append(None)
            continue
        letter = next(
            (letter for letter, other in firsts.items() if _move(record, other, lane, masks) is None),
            "",
        )
        if not letter:
            letter = chr(ord("A") + len(firsts)) if len(firsts) < 26 else f"Z{len(firsts)}"
            firsts[letter] = lane
        cells.append(Cell(letter, held.verdict, bool(before) and letter != before))
        before = letter
    answers = {letter: _words(record, lane, list(firsts.values()), masks) for letter, lane in firsts.items()}
    return Line(one_line(record.id, 400), one_line(record.question, 400), tuple(cells), answers)


def _move(record: Record, old: str, new: str, masks: Mapping[str, bool]) -> Move | None:
    return first_move(record.lanes[old], record.lanes[new], masks[old] and masks[new])


def _words(record: Record, lane: str, others: Sequence[str], masks: Mapping[str, bool]) -> str:
    """An answer by what tells it from each of the other answers that can be compared with it."""
    held = record.lanes[lane]
    if ended(held):
        return one_line(ending_words(held), WORDS)
    told: dict[tuple[str, str], str] = {}
    for other in others:
        if other == lane or ended(record.lanes[other]):
            continue
        move = _move(record, lane, other, masks)
        if move is not None:
            what = "" if move.aspect == "values" else f"{move.aspect} of " if move.node else f"{move.aspect} "
            told.setdefault((move.aspect, move.node), f"{what}{move.node} {move.old}")
    return one_line("; ".join(told.values()) or last_words(held), WORDS)


def spans(line: Line) -> list[Span]:
    """The cells of a line, neighbours of one answer and one verdict put together."""
    found: list[Span] = []
    for index, cell in enumerate(line.cells):
        same = bool(found) and _is_one(found[-1].cell, cell)
        if same:
            found[-1] = Span(found[-1].first, index, found[-1].cell)
        else:
            found.append(Span(index, index, cell))
    return found


def ends(span: Span, lanes: Sequence[str], names: Sequence[str]) -> str:
    """The lanes of a span by their short names: `tf_keras and 3.0.5 to 3.6.0`."""
    packages: dict[str, list[str]] = {}
    for lane, name in zip(lanes[span.first : span.last + 1], names[span.first : span.last + 1], strict=True):
        packages.setdefault(lane.partition("@")[0], []).append(name)
    return joined([held[0] if len(held) == 1 else f"{held[0]} to {held[-1]}" for held in packages.values()])


def _is_one(before: Cell | None, after: Cell | None) -> bool:
    if before is None or after is None:
        return before is after
    return (before.letter, before.verdict) == (after.letter, after.verdict)


def grouped(lines: Sequence[Line]) -> list[Group]:
    """Cases that read the same, one group each, in the order of their first."""
    found: dict[Any, list[Line]] = {}
    for line in lines:
        found.setdefault((line.cells, tuple(line.answers.items())), []).append(line)
    return [Group(tuple(held)) for held in found.values()]


def changes(lines: Sequence[Line], lanes: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Each lane in which answers change, and the cases whose answer is another than in the lane before."""
    for index, lane in enumerate(lanes):
        moved = [line.case for line in lines if (cell := line.cells[index]) is not None and cell.is_change]
        if moved:
            yield lane, moved


def labels(lanes: Sequence[str]) -> list[str]:
    """Short names for columns: the version alone where all versions are of one package."""
    packages = {name.partition("@")[0] for name in lanes if "@" in name}
    if len(packages) != 1:
        return list(lanes)
    return [name.partition("@")[2] or name for name in lanes]


def package_of(lanes: Sequence[str]) -> str:
    """The package whose versions stand in the columns; empty where there is not exactly one."""
    packages = {name.partition("@")[0] for name in lanes if "@" in name}
    return packages.pop() if len(packages) == 1 else ""


def subjects(results: Results) -> list[str]:
    """The lanes of a run but the reference, in its order."""
    return [row.name for row in results.lanes if row.role != "reference"]
