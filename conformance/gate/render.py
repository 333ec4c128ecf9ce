"""A `Diff` as text for a terminal, markdown for a comment, and JSON for a program.

All three, and the page, are pure functions of the diff and hold the same sections in the same order. Every text that
came from a case or a framework goes through `one_line`, and in markdown through `_cell` too: it may hold anything.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from conformance.form import to_json
from conformance.gate.rows import MARKS, MEANINGS, Diff, Row, Section
from conformance.gate.words import NAMED, effect, heading, number, told, verdict_line, verdicts, why
from conformance.report.words import one_line

SHOWN = 20
"""Rows of a section that markdown shows before it refers to the whole page."""
ALIKE = 2
"""Rows that a terminal shows of those that could not be compared for one reason; they say nothing of a model."""
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~#])")


def sides(diff: Diff) -> list[tuple[str, str]]:
    """Both sides by name, with what is missing from them."""
    rows = []
    for name, side in (("old", diff.old), ("new", diff.new)):
        words = f"{one_line(side.label, 300)}, {number(side.cases, side.counted)}, run {one_line(side.started, 40)}"
        if side.missing:
            words += f"; {side.missing} did not run ({one_line(side.stopped, 120) or 'no reason given'})"
        elif not side.is_full:
            words += "; a partial run"
        words += f"; {one_line(side.remark, 200)}" if side.remark else ""
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
        lines += ["", f"{section} ({len(rows)}): {MEANINGS[section]}"]
        most = ALIKE if section is Section.NOT_COMPARABLE else SHOWN
        lines += _text_rows(list(_shown(rows, most)))
        lines += [f"{MARKS[section]} and {count} more: {note}" for note, count in _repeated(rows, most).items()]
    unchanged = len(diff.section(Section.UNCHANGED))
    lines += ["", f"{MARKS[Section.UNCHANGED]} {unchanged} unchanged"]
    return "\n".join(lines) + "\n"


def _repeated(rows: Sequence[Row], most: int) -> dict[str, int]:
    """Notes that say the same of more than so many rows, to the number of those that are not told one by one.

    A lane that could not start has as many of them as there are cases.
    """
    notes = Counter(row.note for row in rows if row.note)
    return {one_line(note, 200): count - most for note, count in notes.items() if count > most}


def _shown(rows: Sequence[Row], most: int) -> Iterator[Row]:
    """The rows that a terminal shows: of those with the same note, the first few."""
    seen: Counter[str] = Counter()
    for row in rows:
        seen[row.note] += 1
        if not row.note or seen[row.note] <= most:
            yield row


def _text_rows(rows: Sequence[Row]) -> list[str]:
    """Each row as its first words, its case, and the reason, which is told once where neighbours share it."""
    lines, before = [], ""
    for row in rows:
        reason = why(row)
        lines.append(f"{MARKS[row.section]} {told(row, NAMED)}")
        lines.append(f"    {heading(row)}  {verdicts(row)}")
        if reason:
            lines.append("    why: as above" if reason == before else f"    why: {reason}")
        before = reason
    return lines


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
        parts += ["", f"### {section} ({len(rows)})", "", f"{MEANINGS[section].capitalize()}.", ""]
        parts += ["| what it does | case | why |", "|---|---|---|"]
        parts += [_markdown_row(row) for row in rows[:shown]]
        if len(rows) > shown:
            parts += ["", f"… and {len(rows) - shown} more."]
    parts += ["", f"{len(diff.section(Section.UNCHANGED))} unchanged."]
    whole = "\n".join(parts) + "\n"
    if len(whole.encode()) <= budget or shown == 0:
        return whole if len(whole.encode()) <= budget else f"**{_cell(verdict_line(diff))}**\n"[:budget]
    return markdown(diff, budget, shown // 2)


def _markdown_row(row: Row) -> str:
    return f"| {_cell(told(row, NAMED))} | {_cell(f'{heading(row)} {verdicts(row)}')} | {_cell(why(row))} |"


def _cell(value: Any) -> str:
    """Text that markdown shows as it is, and that stays in its cell."""
    return _MARKDOWN.sub(r"\\\1", one_line("none" if value is None else value, 600)).replace("@", "@\u2060")


def as_json(diff: Diff) -> dict[str, Any]:
    """The diff as plain JSON, every row included."""
    return {
        "kind": "conformance-diff",
        "schema_version": 2,
        "verdict": verdict_line(diff),
        "counts": {str(section): count for section, count in diff.counts().items()},
        "old": dataclasses.asdict(diff.old),
        "new": dataclasses.asdict(diff.new),
        "environment": [dataclasses.asdict(move) for move in diff.environment],
        "rows": [_json_row(row) for row in diff.rows],
    }


def _json_row(row: Row) -> dict[str, Any]:
    """A row with its words beside its facts; numbers that JSON has none for as text."""
    return {**to_json(dataclasses.asdict(row)), "section": str(row.section), "effect": effect(row), "why": why(row)}


def json_text(diff: Diff) -> str:
    return json.dumps(as_json(diff), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


FORMATS: Mapping[str, Callable[[Diff], str]] = {"text": text, "markdown": markdown, "json": json_text}
"""What `--format` takes, but for `html`, which is `conformance.gate.page`."""
