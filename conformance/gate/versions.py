"""Puts the answers of other versions, from the results of a matrix, beside the cases of other results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from conformance.gate.matrix import Line, Span, line_of, spans, subjects
from conformance.record.beside import VersionRow, VersionsRecord
from conformance.record.case import Record
from conformance.record.run import LaneRow, Results
from conformance.report.words import joined, one_line


def with_versions(results: Results, asked: Results) -> Results:
    """The results with `versions` in each record that the matrix `asked` too; the rest is as it was."""
    held = {record.id: record for record in asked.cases}
    lanes = subjects(asked)
    masks = {row.name: row.gives_masks for row in asked.lanes}
    names = {row.name: _name(row) for row in asked.lanes}
    cases = []
    for record in results.cases:
        other = held.get(record.id)
        found = None if other is None else _versions(record, other, lanes, masks, names)
        cases.append(record if found is None else replace(record, versions=found))
    return replace(results, cases=tuple(cases))


def _versions(
    record: Record, other: Record, lanes: Sequence[str], masks: Mapping[str, bool], names: Mapping[str, tuple[str, str]]
) -> VersionsRecord:
    """What a page says of other versions: a row for neighbours of one answer, or why there is none."""
    if other.digest != record.digest:
        return VersionsRecord("The case was edited after these versions were asked; run the matrix again.", ())
    line = line_of(other, lanes, masks)
    rows = tuple(
        VersionRow(
            lanes=_lanes(span, lanes, names),
            letter=span.cell.letter,
            verdict=span.cell.verdict,
            answer=line.answers[span.cell.letter],
            is_change=span.cell.is_change,
        )
        for span in spans(line)
        if span.cell is not None
    )
    return VersionsRecord(_note(line), rows)


def _note(line: Line) -> str:
    count = sum(cell is not None for cell in line.cells)
    if line.has_change:
        return f"{len(line.answers)} answers in {count} versions; one letter is one answer, the same but for rounding."
    return f"The same answer in {'both' if count == 2 else f'all {count}'} versions, but for rounding."


def _name(row: LaneRow) -> tuple[str, str]:
    """A lane's package and version: `keras`, `3.4.0`; the name alone where it is of its own making."""
    name = one_line(row.name, 60)
    package, at, version = name.partition("@")
    if at:
        return package, version
    return name, one_line(row.versions.get(name, ""), 40)


def _lanes(span: Span, lanes: Sequence[str], names: Mapping[str, tuple[str, str]]) -> str:
    """The lanes of a span in words: `tf_keras 2.21.0 and keras 3.0.5 to 3.3.3`."""
    packages: dict[str, list[str]] = {}
    for lane in lanes[span.first : span.last + 1]:
        package, version = names[lane]
        packages.setdefault(package, []).append(version)
    words = []
    for package, versions in packages.items():
        shown = versions[0] if len(versions) == 1 else f"{versions[0]} to {versions[-1]}"
        words.append(f"{package} {shown}".strip())
    return joined(words)
