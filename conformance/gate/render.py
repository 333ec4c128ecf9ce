"""A `Diff` as text for a terminal, markdown for a comment, JSON for a program, and one HTML page for a reader.

All four are pure functions of the diff and hold the same sections in the same order. Every text that came from a case
or a framework goes through `one_line`, and in markdown through `_cell` too: it may hold anything.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from conformance.gate.diff import MARKS, Diff, Row, Said, Section
from conformance.report.words import one_line

SHOWN = 20
"""Rows of a section that markdown shows before it refers to the whole page."""
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~#])")


def verdict_line(diff: Diff) -> str:
    """The diff in one sentence: what got worse first, with its denominator."""
    counts = diff.counts()
    compared = len(diff.rows) - sum(counts[s] for s in (Section.NEW, Section.REMOVED, Section.NOT_COMPARABLE))
    if not compared and counts[Section.NOT_COMPARABLE]:
        start = "nothing was compared"
    elif counts[Section.REGRESSIONS]:
        start = f"{_number(counts[Section.REGRESSIONS], 'regression')}"
    elif counts[Section.CHANGED] or counts[Section.FIXED]:
        start = "no regression, but not the same"
    else:
        start = "no answer changed"
    parts = [f"{counts[s]} {s}" for s in Section if counts[s] and s not in (Section.REGRESSIONS, Section.UNCHANGED)]
    rest = f": {', '.join(parts)}" if parts else ""
    return f"{start}{rest}; {counts[Section.UNCHANGED]} of {compared} compared answers unchanged"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def heading(row: Row) -> str:
    """A row's case and lane, as every form shows it."""
    return f"{one_line(row.case, 200)} [{one_line(row.lane, 80)}]"


def about(row: Row) -> str:
    """What a row is about: `mask of merged`, `error`, or nothing."""
    return f"{row.aspect} of {one_line(row.node, 80)}" if row.aspect and row.node else row.aspect


def said(side: Said | None) -> str:
    """One side in a few words: the answer, then the verdict, and the deviation that explains it."""
    if side is None:
        return "not there"
    known = f" {one_line(side.known, 60)}" if side.known else ""
    return f"{one_line(side.answer, 240)} ({one_line(side.verdict, 20)}{known})"


def cause(row: Row) -> str:
    """Which sides moved, and why a row cannot be compared."""
    moved = f"moved: {', '.join(row.moved)}" if row.moved else ""
    parts = (one_line(row.note, 200), one_line(row.because, 400), moved)
    return "; ".join(part.rstrip(".") for part in parts if part)


def sides(diff: Diff) -> list[tuple[str, str]]:
    """Both sides by name, with what is missing from them."""
    rows = []
    for name, side in (("old", diff.old), ("new", diff.new)):
        words = f"{one_line(side.label, 300)}, {_number(side.cases, 'case')}, run {one_line(side.started, 40)}"
        if side.missing:
            words += f"; {side.missing} did not run ({one_line(side.stopped, 120) or 'no reason given'})"
        elif not side.is_full:
            words += "; a partial run"
        rows.append((name, words))
    return rows


def _version(value: str | None) -> str:
    return "none" if value is None else one_line(value, 80)


def text(diff: Diff) -> str:
    """The diff for a terminal: one line a row with both answers, a mark in the margin."""
    lines = [verdict_line(diff), ""]
    lines += [f"  {name:<4} {words}" for name, words in sides(diff)]
    if diff.environment:
        lines += ["", "environment"]
        width = max(len(move.name) for move in diff.environment)
        lines += [
            f"  {one_line(move.name, 80):<{width}}  {_version(move.old)} -> {_version(move.new)}"
            for move in diff.environment
        ]
    for section in Section:
        rows = diff.section(section)
        if not rows or section is Section.UNCHANGED:
            continue
        lines += ["", f"{section} ({len(rows)})"]
        lines += [line for row in _told(rows) for line in _text_row(row)]
        lines += [f"{MARKS[section]} and {count} more: {note}" for note, count in _repeated(rows).items()]
    unchanged = len(diff.section(Section.UNCHANGED))
    lines += ["", f"{MARKS[Section.UNCHANGED]} {unchanged} unchanged"]
    return "\n".join(lines) + "\n"


def _repeated(rows: Sequence[Row]) -> dict[str, int]:
    """Notes that say the same of more rows than one reads, to the number of those that are not told one by one.

    A lane that could not start has as many of them as there are cases.
    """
    notes = Counter(row.note for row in rows if row.note)
    return {one_line(note, 200): count - SHOWN for note, count in notes.items() if count > SHOWN}


def _told(rows: Sequence[Row]) -> Iterator[Row]:
    """The rows that a terminal shows: of those with the same note, the first few."""
    seen: Counter[str] = Counter()
    for row in rows:
        seen[row.note] += 1
        if not row.note or seen[row.note] <= SHOWN:
            yield row


def _text_row(row: Row) -> list[str]:
    what = about(row)
    if row.old is None or row.new is None:
        answer = said(row.old if row.old is not None else row.new)
    else:
        answer = f"{said(row.old)} -> {said(row.new)}"
    line = f"{MARKS[row.section]} {heading(row)}  {what + ': ' if what else ''}{answer}"
    notes = "; ".join(words for words in (row.note, one_line(row.because.partition(". ")[0], 200)) if words)
    return [line + (f"  [{notes}]" if notes else "")]


def markdown(diff: Diff, budget: int = 60_000, shown: int = SHOWN) -> str:
    """The diff for a comment or a job summary, at most `budget` bytes of UTF-8; it says what it leaves out."""
    parts = [f"**{_cell(verdict_line(diff))}**", ""]
    parts += [f"- {name}: {_cell(words)}" for name, words in sides(diff)]
    if diff.environment:
        parts += ["", "| environment | old | new |", "|---|---|---|"]
        parts += [f"| {_cell(m.name)} | {_cell(m.old)} | {_cell(m.new)} |" for m in diff.environment[:SHOWN]]
    for section in Section:
        rows = diff.section(section)
        if not rows or section is Section.UNCHANGED:
            continue
        parts += ["", f"### {section} ({len(rows)})", "", "| case | what | old | new |", "|---|---|---|---|"]
        parts += [_markdown_row(row) for row in rows[:shown]]
        if len(rows) > shown:
            parts += ["", f"… and {len(rows) - shown} more."]
    parts += ["", f"{len(diff.section(Section.UNCHANGED))} unchanged."]
    whole = "\n".join(parts) + "\n"
    if len(whole.encode()) <= budget or shown == 0:
        return whole if len(whole.encode()) <= budget else f"**{_cell(verdict_line(diff))}**\n"[:budget]
    return markdown(diff, budget, shown // 2)


def _markdown_row(row: Row) -> str:
    what = "; ".join(part for part in (about(row), row.note, row.because) if part)
    return f"| {_cell(heading(row))} | {_cell(what)} | {_cell(said(row.old))} | {_cell(said(row.new))} |"


def _cell(value: Any) -> str:
    """Text that markdown shows as it is, and that stays in its cell."""
    return _MARKDOWN.sub(r"\\\1", one_line("none" if value is None else value, 300)).replace("@", "@\u2060")


def as_json(diff: Diff) -> dict[str, Any]:
    """The diff as plain JSON, every row included."""
    return {
        "kind": "conformance-diff",
        "schema_version": 1,
        "verdict": verdict_line(diff),
        "counts": {str(section): count for section, count in diff.counts().items()},
        "old": dataclasses.asdict(diff.old),
        "new": dataclasses.asdict(diff.new),
        "environment": [dataclasses.asdict(move) for move in diff.environment],
        "rows": [{**dataclasses.asdict(row), "section": str(row.section)} for row in diff.rows],
    }


def json_text(diff: Diff) -> str:
    return json.dumps(as_json(diff), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def html(diff: Diff) -> str:
    """The diff as one page that needs nothing else: no script, no network, readable without its style."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("conformance.gate", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = environment.loader.get_source(environment, "diff.css")[0] if environment.loader is not None else ""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return environment.get_template("diff.html").render(
        verdict=verdict_line(diff),
        is_worse=bool(diff.section(Section.REGRESSIONS)),
        sides=sides(diff),
        environment=[(one_line(m.name, 80), _version(m.old), _version(m.new)) for m in diff.environment],
        sections=[
            (str(section), MARKS[section], [_html_row(row) for row in diff.section(section)])
            for section in Section
            if section is not Section.UNCHANGED and diff.section(section)
        ],
        unchanged=[heading(row) for row in diff.section(Section.UNCHANGED)],
        style=style,
        style_digest=digest,
    )


def _html_row(row: Row) -> dict[str, str]:
    return {
        "case": one_line(row.case, 200),
        "lane": one_line(row.lane, 80),
        "place": f"{one_line(row.path, 200)}:{row.line}",
        "what": about(row),
        "old": said(row.old),
        "new": said(row.new),
        "cause": cause(row),
    }


FORMATS: Mapping[str, Callable[[Diff], str]] = {"text": text, "markdown": markdown, "json": json_text, "html": html}
"""What `--format` takes."""
