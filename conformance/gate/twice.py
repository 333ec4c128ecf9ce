"""What was asked in two ways, or two times: what is the same is told once, what is never the same is set apart."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from conformance.gate.answers import moves
from conformance.gate.diff import label_of
from conformance.gate.rows import MOVED, Diff, Row, Section
from conformance.judge.verdict import Verdict
from conformance.record.run import Results
from conformance.report.words import one_line

Pair = tuple[str, str]
"""An old lane and a new one."""


def told_once(diff: Diff, pair: Pair, twins: Sequence[Pair]) -> Diff:
    """The diff with what is the same eagerly and traced in one row; `twins` ask as `pair` does, traced.

    A row whose traced answer moved otherwise than the eager one stays a row of its own.
    """
    labels = [label_of(twin) for twin in twins]
    by_place = {(row.case, row.lane): row for row in diff.rows}
    rows = []
    for row in diff.rows:
        if row.lane in labels:
            eager = by_place.get((row.case, label_of(pair)))
            if eager is None or not _is_told(row, eager):
                rows.append(dataclasses.replace(row, modes=("traced",)))
        elif row.lane == label_of(pair) and labels:
            others = [by_place.get((row.case, label)) for label in labels]
            is_same = any(other is not None and _is_told(other, row) and _was_asked(other) for other in others)
            rows.append(dataclasses.replace(row, modes=("eager", "traced") if is_same else ("eager",)))
        else:
            rows.append(row)
    return dataclasses.replace(diff, rows=tuple(rows))


def _was_asked(row: Row) -> bool:
    return all(side is not None and side.verdict != Verdict.UNSUPPORTED for side in (row.old, row.new))


def _is_told(traced: Row, eager: Row) -> bool:
    """Whether a traced row says nothing that the eager row of its case does not say."""
    return traced.section is eager.section and _outputs(traced, traced) == _outputs(eager, traced)


def _outputs(row: Row, asked: Row) -> list[tuple[str, str]]:
    """The outputs that moved, of those aspects for which `asked` was asked."""
    return [(move.aspect, move.node) for move in row.moves if move.aspect not in asked.unasked]


def not_reproducible(diff: Diff, again: Results, first: Results) -> Diff:
    """The diff with every moved row set apart whose own side answered otherwise when it was asked a second time."""
    ran = [{record.id: record for record in results.cases} for results in (first, again)]

    def moves_by_itself(case: str, lane: str) -> bool:
        sides = [held[case].lanes.get(lane) for held in ran if case in held]
        return len(sides) == 2 and sides[0] is not None and sides[1] is not None and bool(moves(sides[0], sides[1]))

    rows = []
    for row in diff.rows:
        names = dict.fromkeys(row.lane.split(" -> "))
        unsteady = [name for name in names if row.section in MOVED and moves_by_itself(row.case, name)]
        if unsteady:
            note = f"{one_line(' and '.join(unsteady), 120)} answered otherwise when asked again"
            row = dataclasses.replace(row, section=Section.NOT_REPRODUCIBLE, note=note)
        rows.append(row)
    return dataclasses.replace(diff, rows=tuple(rows))
