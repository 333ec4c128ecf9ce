"""What changed since the baseline, where one was given: in a sentence, by section, and on the page of a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from conformance.record.beside import ChangeRecord, SaidRecord
from conformance.record.case import Record
from conformance.record.run import Results
from conformance.report.blocks import Block, Cell, Table, case_href
from conformance.report.overviews import Link
from conformance.report.words import joined, one_line, safe

MOST = 200
"""Cases of a section that are listed."""
TITLES = {
    "wrong now": "Right before, and not any more",
    "refuses now": "An answer before, an error now",
    "another answer": "As right or as wrong as before, and not the same",
    "right now": "Wrong before",
    "answers now": "An error before, an answer now",
    "new": "New cases",
    "removed": "Cases that are gone",
    "not comparable": "Not comparable",
}
_WORSE = ("wrong now", "refuses now")
_FAILING = {
    "wrong now": "differ",
    "refuses now": "differ",
    "another answer": "known",
    "right now": "agree",
    "answers now": "agree",
}
"""Section to the state whose colour its cases have."""


@dataclass(frozen=True, slots=True)
class Moved:
    """One section of what changed."""

    title: str
    cases: tuple[Link, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed since the baseline."""

    sentences: tuple[str, ...]
    sections: tuple[Moved, ...]


def changes_of(results: Results) -> Changes | None:
    """None where no baseline was given."""
    baseline = results.baseline
    if baseline is None:
        return None
    since = f"the run of {one_line(baseline.started, 40)}"
    if baseline.note:
        return Changes((f"Nothing can be said of {since}: {one_line(baseline.note)}.",), ())
    counts = [_count(one_line(name, 40), n) for name, n in baseline.counts.items() if n or name == _WORSE[0]]
    moves = [
        f"{one_line(move.name, 60)} {one_line(move.old or 'none', 40)} → {one_line(move.new or 'none', 40)}"
        for move in baseline.environment
    ]
    versions = f"Versions and machine: {joined(moves)}." if moves else "The same versions on the same kind of machine."
    words = f"Against {since} ({one_line(baseline.label, 200)}), a row a case and lane: {', '.join(counts)}."
    return Changes((words, versions), tuple(_sections(baseline.rows)))


def _sections(rows: Sequence[ChangeRecord]) -> list[Moved]:
    found = []
    for section, title in TITLES.items():
        links = [_link(row) for row in rows if row.section == section]
        if links:
            words = f"{_count(section, len(links))}: {title[:1].lower()}{title[1:]}"
            found.append(Moved(words, tuple(links[:MOST]), max(len(links) - MOST, 0)))
    return found


def _count(section: str, number_of: int) -> str:
    """`3 right now`, `nothing wrong now`."""
    return f"{number_of:,} {section}" if number_of else f"nothing {section}"


def _link(row: ChangeRecord) -> Link:
    name = safe(row.case, 400)
    href = "" if row.section == "removed" else case_href(name)
    where = ", ".join(one_line(part, 60) for part in (row.lane, row.aspect, row.node) if part)
    old, new = row.old, row.new
    if old and new and old.answer == new.answer:
        words = f"{where}: {_verdict(old)} → {_verdict(new)}, both times {one_line(new.answer, 160)}"
    else:
        words = f"{where}: {_said(old, 'was not there')} → {_said(new, 'is not there')}"
    note = f" ({one_line(row.note, 160)})" if row.note else ""
    return Link(name, href, _FAILING.get(row.section, "unsupported"), words + note)


def _said(side: SaidRecord | None, missing: str) -> str:
    if side is None:
        return missing
    return f"{_verdict(side)}, {one_line(side.answer, 160)}"


def _verdict(side: SaidRecord) -> str:
    return one_line(side.verdict, 20) + (f" as {one_line(side.known, 60)}" if side.known else "")


def change_blocks(record: Record) -> list[Block]:
    """What a case said in the baseline and what it says now, a row a lane whose answer moved."""
    rows = tuple(
        (
            Cell(one_line(row.lane, 60)),
            Cell(", ".join(one_line(part, 60) for part in (row.aspect, row.node) if part)),
            Cell(_said(row.old, "was not there"), "muted"),
            Cell(_said(row.new, "is not there"), "differ" if row.section in _WORSE else ""),
            Cell(joined([one_line(name, 20) for name in row.moved])),
        )
        for row in record.changed or ()
    )
    head = ("lane", "in", "before", "now", "what moved")
    return [Table("since the baseline", head, rows, "told")] if rows else []
