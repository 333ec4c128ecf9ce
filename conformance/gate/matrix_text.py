"""A matrix for a terminal, as markdown and as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from conformance.gate.matrix import Cell, Group, Line, Span, changes, ends, grouped, labels, package_of, spans
from conformance.record.run import LaneRow
from conformance.report.blocks import GLYPHS

FEW = 6
"""Ids of a group that are named beside its first."""
_SPECIAL = re.compile(r"([\\`*_<>|\[\]~])")

LEGEND = "✓ as the reference, ✗ otherwise, ! raised or was lost, ≈ known deviation, – cannot do it; ▸ another answer"


def sign(verdict: str) -> str:
    return GLYPHS.get(verdict, "?")


def cell_text(cell: Cell | None) -> str:
    """`▸B✗`: whether it is a change, which answer, which verdict."""
    return "" if cell is None else f"{'▸' if cell.is_change else ' '}{cell.letter}{sign(cell.verdict)}"


def headline(lines: Sequence[Line], lanes: Sequence[str]) -> str:
    """How many cases have more than one answer, of how many, in how many lanes."""
    moved = sum(line.has_change for line in lines)
    verb = "have" if moved != 1 else "has"
    where = "1 lane" if len(lanes) == 1 else f"{len(lanes)} lanes"
    return f"{moved} of {len(lines)} cases {verb} more than one answer in {where}"


def text(lines: Sequence[Line], lanes: Sequence[str], every: bool = False) -> str:
    """The matrix for a terminal: the cases in which not all lanes say the same, or all cases."""
    shown = grouped([line for line in lines if every or line.has_change])
    names = labels(lanes)
    widths = [max(len(name), 4) for name in names]
    width = max((len(group.first.case) for group in shown), default=4)
    package = package_of(lanes)
    rows = [f"{headline(lines, lanes)}{f', of {package}' if package else ''}", LEGEND, ""]
    rows.append(_row("case", names, width, widths))
    for group in shown:
        rows.append(_row(group.first.case, [cell_text(cell) for cell in group.first.cells], width, widths))
        rows += [f"    {letter}: {words}" for letter, words in group.first.answers.items()]
        rows += [f"    {words}" for words in _others(group)]
    moved = list(changes(lines, lanes))
    if moved:
        rows += ["", "answers that changed, by lane:"]
        rows += [f"  {name:<{max(widths)}}  {len(cases)}" for name, cases in _labelled(moved, lanes)]
    return "\n".join(row.rstrip() for row in rows) + "\n"


def _row(label: str, cells: Sequence[str], width: int, widths: Sequence[int]) -> str:
    return f"{label:<{width}}  " + "  ".join(f"{cell:<{size}}" for cell, size in zip(cells, widths, strict=True))


def _others(group: Group) -> list[str]:
    others = [line.case for line in group.lines[1:]]
    if not others:
        return []
    more = f" and {len(others) - FEW} more" if len(others) > FEW else ""
    return [f"and so {', '.join(others[:FEW])}{more}"]


def _labelled(moved: Sequence[tuple[str, list[str]]], lanes: Sequence[str]) -> list[tuple[str, list[str]]]:
    short = dict(zip(lanes, labels(lanes), strict=True))
    return [(short[lane], cases) for lane, cases in moved]


def markdown(lines: Sequence[Line], lanes: Sequence[str], every: bool = False) -> str:
    """The matrix for a page or an issue: a row a case, in it each answer with the lanes that give it."""
    shown = grouped([line for line in lines if every or line.has_change])
    names = labels(lanes)
    package = package_of(lanes)
    rows = [f"**{headline(lines, lanes)}{f', of {package}' if package else ''}.** {LEGEND}.", ""]
    rows += ["| case | answers |", "|---|---|"]
    for group in shown:
        answers = "<br>".join(_answer(span, group.first, ends(span, lanes, names)) for span in spans(group.first))
        rows.append(f"| {_cases(group)} | {answers} |")
    moved = list(changes(lines, lanes))
    if moved:
        rows += ["", "| answers changed in | cases |", "|---|---|"]
        for name, cases in _labelled(moved, lanes):
            more = f" and {len(cases) - FEW} more" if len(cases) > FEW else ""
            rows.append(f"| {plain(name)} | {len(cases)}: {', '.join(f'`{case}`' for case in cases[:FEW])}{more} |")
    return "\n".join(rows) + "\n"


def _cases(group: Group) -> str:
    """The first of a group, and those that read the same; by their ends where they share the rest of the id."""
    first = group.first.case
    others = [line.case for line in group.lines[1:]]
    if not others:
        return f"`{first}`"
    stem = first.partition("-")[0]
    short = [case.removeprefix(stem) if case.startswith(f"{stem}-") else case for case in others]
    more = f" and {len(others) - FEW} more" if len(others) > FEW else ""
    return f"`{first}`<br>and so {', '.join(f'`{case}`' for case in short[:FEW])}{more}"


def _answer(span: Span, line: Line, who: str) -> str:
    if span.cell is None:
        return f"{plain(who)}: did not run"
    change = "▸ " if span.cell.is_change else ""
    letter = f"{span.cell.letter} {sign(span.cell.verdict)}"
    return f"{change}{letter} {plain(who)}: {plain(line.answers[span.cell.letter])}"


def plain(words: str) -> str:
    """Text that markdown shows as it is, inside a cell."""
    return _SPECIAL.sub(r"\\\1", words).replace("@", "@\u2060")


def json_text(lines: Sequence[Line], lanes: Sequence[str], rows: Sequence[LaneRow]) -> str:
    """Every case, whether its answer changes or not; `rows` are the lanes of the results."""
    versions = {row.name: row.versions for row in rows}
    whole = {
        "kind": "conformance-matrix",
        "schema_version": 1,
        "lanes": [{"name": lane, "versions": versions[lane]} for lane in lanes],
        "cases": [
            {
                "id": line.case,
                "question": line.question,
                "has_change": line.has_change,
                "answers": dict(line.answers),
                "cells": [
                    None
                    if cell is None
                    else {"lane": lane, "answer": cell.letter, "verdict": cell.verdict, "is_change": cell.is_change}
                    for lane, cell in zip(lanes, line.cells, strict=True)
                ],
            }
            for line in lines
        ],
        "changes": dict(changes(lines, lanes)),
    }
    return json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
