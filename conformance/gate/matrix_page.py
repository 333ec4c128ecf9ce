"""A matrix as one HTML page in the report's style: each answer as wide as the versions that give it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from conformance.gate.matrix import Group, Line, changes, ends, grouped, labels, package_of, spans
from conformance.gate.matrix_text import headline, sign
from conformance.record.run import Results
from conformance.report.blocks import Cell as TableCell
from conformance.report.blocks import Table
from conformance.report.frame import Head
from conformance.report.html import document
from conformance.report.words import one_line

_WORDS = {
    "agree": "as the reference",
    "differ": "differs",
    "error": "unasked",
    "known": "known deviation",
    "unsupported": "cannot do it",
    "not judged": "not judged",
}
"""A verdict, said of an answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Neighbouring lanes that say the same, as a table shows them."""

    length: int
    lanes: str
    letter: str
    verdict: str
    state: str
    words: str
    is_change: bool


@dataclass(frozen=True, slots=True)
class Row:
    """Cases that read the same: the first by name, the others on demand."""

    case: str
    question: str
    others: tuple[str, ...]
    answers: tuple[Answer, ...]


def html(lines: Sequence[Line], lanes: Sequence[str], results: Results) -> str:
    """The page: headline, changes by version, cases whose answer changed, the others, the lanes."""
    names = labels(lanes)
    title = headline(lines, lanes)
    return document(
        "matrix.html.j2",
        Head(title, "matrix", "", title, (_LEGEND,)),
        styles=("matrix.css",),
        role="matrix-page",
        package=one_line(package_of(lanes), 60),
        names=[one_line(name, 40) for name in names],
        changes=_changes(lines, lanes, names),
        rows=[_row(group, lanes, names) for group in grouped([line for line in lines if line.has_change])],
        steady=[(line.case, next(iter(line.answers.values()), "")) for line in lines if not line.has_change],
        lanes=_lanes(results, lanes),
        made=_made(results),
    )


_LEGEND = (
    "Each answer is as wide as the versions that give it. One letter is one answer, the same but for rounding; ✓ is "
    "the NumPy reference's answer too, ✗ another, ! an error or a lost lane, ≈ a known deviation, – cannot do it."
)


def _changes(lines: Sequence[Line], lanes: Sequence[str], names: Sequence[str]) -> list[tuple[str, list[str]]]:
    short = dict(zip(lanes, names, strict=True))
    return [(one_line(short[lane], 60), cases) for lane, cases in changes(lines, lanes)]


def _row(group: Group, lanes: Sequence[str], names: Sequence[str]) -> Row:
    line = group.first
    answers = []
    for span in spans(line):
        who = one_line(ends(span, lanes, names), 80)
        if span.cell is None:
            answers.append(Answer(span.length, who, "", "muted", "·", "did not run", False))
            continue
        verdict = span.cell.verdict
        words = f"{line.answers[span.cell.letter]} ({_WORDS.get(verdict, one_line(verdict, 20))})"
        answers.append(
            Answer(
                span.length,
                who,
                span.cell.letter,
                one_line(verdict, 20),
                sign(verdict),
                words,
                span.cell.is_change,
            )
        )
    return Row(line.case, line.question, tuple(other.case for other in group.lines[1:]), tuple(answers))


def _lanes(results: Results, lanes: Sequence[str]) -> Table:
    rows = {row.name: row for row in results.lanes}
    cells = tuple(
        (
            TableCell(one_line(name, 60)),
            TableCell(", ".join(f"{one_line(key, 40)} {one_line(v, 40)}" for key, v in rows[name].versions.items())),
            TableCell(f"{rows[name].ran} of {rows[name].selected}"),
        )
        for name in lanes
    )
    return Table("lanes, what they proved to be, and how many cases they ran", ("lane", "versions", "ran"), cells)


def _made(results: Results) -> str:
    return f"{one_line(results.command, 400)}, {one_line(results.started, 40)}"
