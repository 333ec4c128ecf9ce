"""What changed since an earlier run, laid beside the results that a report is made from."""

from __future__ import annotations

from dataclasses import replace

from conformance.errors import UsageError
from conformance.gate.diff import diff
from conformance.gate.rows import Diff, Row, Said, Section
from conformance.record.beside import BaselineRecord, ChangeRecord, MoveRecord, SaidRecord
from conformance.record.run import Results


def with_baseline(results: Results, old: Results) -> Results:
    """The results with `baseline` beside them, and `changed` in every case whose answer or verdict moved.

    Where the two cannot be laid side by side, `baseline` says why, and nothing else.
    """
    try:
        found = diff(old, results)
    except UsageError as error:
        return replace(results, baseline=BaselineRecord(old.started, old.command, str(error)))
    moved: dict[str, list[ChangeRecord]] = {}
    for row in found.moved:
        moved.setdefault(row.case, []).append(_row(row))
    cases = tuple(
        replace(record, changed=tuple(moved[record.id])) if record.id in moved else record for record in results.cases
    )
    return replace(results, cases=cases, baseline=_baseline(found, old))


def _baseline(diff: Diff, old: Results) -> BaselineRecord:
    return BaselineRecord(
        started=old.started,
        command=old.command,
        note="",
        label=diff.old.label,
        counts={str(section): count for section, count in diff.counts().items()},
        environment=tuple(MoveRecord(move.name, move.old, move.new) for move in diff.environment),
        rows=tuple(_row(row) for row in diff.rows if row.section is not Section.UNCHANGED),
    )


def _row(row: Row) -> ChangeRecord:
    return ChangeRecord(
        case=row.case,
        lane=row.lane,
        section=str(row.section),
        aspect=row.aspect,
        node=row.node,
        old=_said(row.old),
        new=_said(row.new),
        moved=row.moved,
        note=row.note,
    )


def _said(side: Said | None) -> SaidRecord | None:
    return None if side is None else SaidRecord(side.verdict, side.answer, side.known)
