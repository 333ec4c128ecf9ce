"""The scripts of a case that differs, written while it is judged: results hold them, so that a report can show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from conformance.case.model import Case
from conformance.lanes.spec import LaneSpec
from conformance.protocol.adapter import Identity
from conformance.protocol.observation import Observation
from conformance.protocol.plan import Plan
from conformance.record.case import Record
from conformance.report.scriptable import why_not
from conformance.repro.evidence import Evidence
from conformance.results import lane_row

LONGEST = 24_576
"""Characters of a script that results hold; longer ones are printed by `conformance repro`."""


def with_scripts(
    case: Case,
    plan: Plan,
    record: Record,
    reference: Observation,
    lanes: Sequence[tuple[LaneSpec, Identity]],
) -> Record:
    """The record with `repro` in each lane that has a script, where a lane of it differs; else the record itself.

    `plan` is the one that the lanes answered, and `lanes` are those that did. What cannot be written is left out: it
    takes nothing from a verdict.
    """
    if not any(held.verdict not in ("agree", "unsupported", "not judged") for held in record.lanes.values()):
        return record
    from conformance.repro.script import script

    rows = tuple(lane_row(spec, identity, 0, ()) for spec, identity in lanes)
    evidence = Evidence(case, plan, record, reference, rows)
    texts: dict[str, str] = {}
    for row in rows:
        if row.name not in record.lanes or why_not(row):
            continue
        try:
            text = script(evidence, row.name)
        except Exception:  # whatever stops a script must not stop the run that it is about
            continue
        if len(text) <= LONGEST:
            texts[row.name] = text
    lanes_with = {name: replace(held, repro=texts.get(name)) for name, held in record.lanes.items()}
    return replace(record, lanes=lanes_with)
