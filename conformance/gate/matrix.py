"""Cases by lanes, each cell the answer: which versions say the same, and where the answer changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.gate.answers import first_move
from conformance.report.findings import verdict_text
from conformance.report.words import one_line

Results = Mapping[str, Any]

GLYPHS = {
    "agree": "✓",
    "known": "≈",
    "unsupported": "–",
    "stale": "⚑",
    "differ": "✗",
    "error": "!",
    "timeout": "!",
    "crash": "!",
}
"""A verdict in one character; the words of every answer stand below the table."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What one lane said: a letter shared by all lanes of the same answer, its verdict, and whether it is a change."""

    letter: str
    verdict: str
    is_change: bool

    def __str__(self) -> str:
        return f"{'▸' if self.is_change else ' '}{self.letter}{GLYPHS.get(self.verdict, '?')}"


@dataclass(frozen=True, slots=True)
class Line:
    """One case: a cell a lane (None where the lane did not have it), and each letter's answer in words."""

    case: str
    cells: tuple[Cell | None, ...]
    answers: Mapping[str, str]

    @property
    def has_change(self) -> bool:
        return len(self.answers) > 1


def matrix(results: Results, lanes: Sequence[str]) -> list[Line]:
    """A line a case; letters in the order of the lanes, so that `A` is what the first lane says."""
    masks = {row["name"]: row["gives_masks"] for row in results["lanes"]}
    return [_line(record, lanes, masks) for record in results["cases"]]


def _line(record: Mapping[str, Any], lanes: Sequence[str], masks: Mapping[str, bool]) -> Line:
    firsts: dict[str, str] = {}
    cells: list[Cell | None] = []
    before = ""
    for lane in lanes:
        held = record["lanes"].get(lane)
        if held is None:
            cells.append(None)
            continue
        letter = next(
            (
                letter
                for letter, other in firsts.items()
                if first_move(record["lanes"][other], held, masks[lane] and masks[other]) is None
            ),
            "",
        )
        if not letter:
            letter = chr(ord("A") + len(firsts)) if len(firsts) < 26 else f"Z{len(firsts)}"
            firsts[letter] = lane
        cells.append(Cell(letter, held["verdict"], bool(before) and letter != before))
        before = letter
    answers = {letter: one_line(verdict_text(record, lane), 160) for letter, lane in firsts.items()}
    return Line(record["id"], tuple(cells), answers)


def text(lines: Sequence[Line], lanes: Sequence[str], every: bool = False) -> str:
    """The matrix for a terminal: the cases in which not all lanes say the same, or all cases."""
    shown = [line for line in lines if every or line.has_change]
    widths = [max(len(lane), 4) for lane in lanes]
    label = max((len(line.case) for line in shown), default=4)
    rows = [f"{'case':<{label}}  " + "  ".join(f"{lane:<{width}}" for lane, width in zip(lanes, widths, strict=True))]
    for line in shown:
        cells = (
            f"{'' if cell is None else str(cell):<{width}}" for cell, width in zip(line.cells, widths, strict=True)
        )
        rows.append(f"{line.case:<{label}}  " + "  ".join(cells).rstrip())
        if line.has_change:
            rows += [f"{'':<{label}}    {letter}: {words}" for letter, words in line.answers.items()]
    same = sum(not line.has_change for line in lines)
    return "\n".join([*rows, f"{same} of {len(lines)} cases have one answer in all {len(lanes)} lanes"]) + "\n"


def markdown(lines: Sequence[Line], lanes: Sequence[str], every: bool = False) -> str:
    """The matrix as a table for a page."""
    shown = [line for line in lines if every or line.has_change]
    rows = [f"| case | {' | '.join(lanes)} | answers |", "|---" * (len(lanes) + 2) + "|"]
    for line in shown:
        cells = " | ".join("" if cell is None else str(cell).strip() for cell in line.cells)
        answers = "; ".join(f"{letter}: {words}" for letter, words in line.answers.items()).replace("|", "\\|")
        rows.append(f"| `{line.case}` | {cells} | {answers} |")
    return "\n".join(rows) + "\n"
