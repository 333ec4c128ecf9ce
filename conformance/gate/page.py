"""A comparison of two runs as one page: frame, filter and index of a report, and the page of each case that moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from conformance.gate.render import sides
from conformance.gate.rows import MARKS, MEANINGS, MOVED, REGRESSIONS, Diff, Row, Section
from conformance.gate.words import effect, moves_text, said, verdict_line, why
from conformance.record.run import Results
from conformance.report.blocks import Cell, Page, Table, case_href
from conformance.report.frame import Chip, Filter, Head, Index, Part, Word
from conformance.report.frame import Row as IndexRow
from conformance.report.html import document
from conformance.report.index import PART
from conformance.report.page import page_of
from conformance.report.words import one_line, safe

MOST_PAGES = 1_000
"""Cases whose page is in the file; of more, those that got worse come first."""
STATES = {Section.WRONG: "differ", Section.REFUSES: "error", Section.ANOTHER: "known", Section.MOVED: "known"}
"""Section to the verdict whose colour its rows have; what got better has that of agreement, the rest of an aside."""
HEAD = ("what happened", "case, and what it does to a model", "before", "now", "why")
WORDS = (
    Word("conv1d", "stands in id, answers or reason"),
    Word('"per sentence"', "a phrase"),
    Word("-recurrent", "not this; before any word"),
    Word("section:wrong-now", "what happened"),
    Word("family:conv1d", "the first word of the id"),
    Word("aspect:mask", "what moved"),
    Word("is:failing", "got worse"),
)


def html(diff: Diff, results: Results | None = None) -> str:
    """The page; with the results of the newer run, a row leads to the page of its case."""
    pages = tuple(_pages(diff, results)) if results is not None else ()
    verdict = verdict_line(diff)
    is_worse = bool(diff.regressions)
    contents = [(_title(section, len(rows)), _anchor(section)) for section, rows in _sections(diff)]
    head = Head(
        title=verdict,
        state="differ" if is_worse else "agree",
        sign="✗" if is_worse else "✓",
        headline=verdict,
        sentences=tuple(f"{name}: {words}" for name, words in sides(diff)),
        contents=tuple(contents),
    )
    return document(
        "gate.html.j2",
        head,
        Filter("conv1d -causal section:wrong-now", WORDS, tuple(_chips(diff))),
        on_demand=pages,
        environment=_environment(diff),
        found=Index(HEAD, tuple(_parts(diff, {page.id for page in pages})), "pairs"),
    )


def _sections(diff: Diff) -> Iterator[tuple[Section, Sequence[Row]]]:
    for section in Section:
        if rows := diff.section(section):
            yield section, rows


def _title(section: Section, count: int) -> str:
    return f"{section}: {count:,}"


def _anchor(section: Section) -> str:
    return str(section).replace(" ", "-")


def _pages(diff: Diff, results: Results) -> Iterator[Page]:
    """The page of each case that moved, in the order of the rows."""
    records = {record.id: record for record in results.cases}
    told = (row for section in Section if section is not Section.UNCHANGED for row in diff.section(section))
    wanted = dict.fromkeys(row.case for row in told)
    for name in list(wanted)[:MOST_PAGES]:
        if name in records:
            yield page_of(records[name], results.lanes, started=results.started)


def _chips(diff: Diff) -> Iterator[Chip]:
    for section, rows in _sections(diff):
        yield Chip(str(section), f"section:{_anchor(section)}", len(rows), _state(section))
    aspects = Counter(one_line(row.aspect, 40) for row in diff.rows if row.aspect)
    for aspect, count in aspects.most_common(6):
        yield Chip(f"moved in {aspect}", f"aspect:{aspect}", count)


def _state(section: Section) -> str:
    return STATES.get(section, "agree" if section in MOVED else "unsupported")


def _parts(diff: Diff, paged: set[str]) -> Iterator[Part]:
    anchors: set[str] = set()
    for section, rows in _sections(diff):
        shown = [_row(row, section, paged, anchors) for row in rows]
        for first in range(0, len(shown), PART):
            whole, rest = f"{_title(section, len(rows))}: {MEANINGS[section]}", f"{section}, from {first + 1:,} on"
            yield Part(
                rest if first else whole, tuple(shown[first : first + PART]), _anchor(section) if not first else ""
            )


def _row(row: Row, section: Section, paged: set[str], anchors: set[str]) -> IndexRow:
    name = safe(row.case, 400)
    has_page = name in paged
    anchor = "" if has_page or name in anchors else name
    anchors.add(name)
    who = one_line(", ".join((row.lane, *row.modes)), 120)
    where = f"{who}; {one_line(row.path, 200)}:{row.line}"
    facts = [f"section:{_anchor(section)}"]
    facts += [f"aspect:{one_line(move.aspect, 40)}" for move in row.moves]
    facts += ["is:failing"] if section in REGRESSIONS else []
    moved = f"moved: {', '.join(row.moved)}" if row.moved else ""
    lines = (effect(row), moves_text(row), where)
    because = "; ".join(words for words in (why(row), moved) if words)
    is_told = section is not Section.UNCHANGED
    return IndexRow(
        id=name,
        href=case_href(name) if has_page else "",
        anchor=anchor,
        state=_state(section),
        sign=MARKS[section],
        word=str(section),
        lines=tuple(line for line in lines if line) if is_told else (where,),
        cells=(said(row.old), said(row.new), because) if is_told else ("", said(row.new), ""),
        facts=" ".join(dict.fromkeys(facts)),
    )


def _environment(diff: Diff) -> Table | None:
    rows = tuple(
        (Cell(one_line(move.name, 80)), Cell(one_line(move.old or "none", 80)), Cell(one_line(move.new or "none", 80)))
        for move in diff.environment
    )
    return Table("what else is not the same on both sides", ("what", "old", "new"), rows) if rows else None
