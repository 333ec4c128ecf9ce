"""Why answers that moved are wrong: found out in the second run, of these cases alone, and put beside the first ones.

To explain a difference takes longer than to ask for it, and most differences of a gate are the same on both sides.
"""

from __future__ import annotations

from dataclasses import replace

from conformance.gate.answers import moves
from conformance.record.case import Record
from conformance.record.lane import LaneRecord
from conformance.record.run import Results


def with_reasons(first: Results, again: Results) -> Results:
    """The first results with the explanations and scripts of the second; of answers that did not come again, none."""
    explained = {record.id: record for record in again.cases}
    cases = tuple(_record(record, explained[record.id]) if record.id in explained else record for record in first.cases)
    return replace(first, cases=cases)


def _record(first: Record, again: Record) -> Record:
    lanes = {
        name: _lane(lane, again.lanes[name]) if name in again.lanes else lane for name, lane in first.lanes.items()
    }
    return replace(first, lanes=lanes)


def _lane(first: LaneRecord, again: LaneRecord) -> LaneRecord:
    if first.cause is not None or first.verdict is not again.verdict or moves(first, again):
        return first
    return replace(
        first,
        explanation=again.explanation,
        explained_by=again.explained_by,
        divergences=again.divergences,
        cause=again.cause,
        repro=again.repro,
    )
