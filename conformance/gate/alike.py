"""Listed deviations held against a question that no case asks: of the same layer, arguments and signature."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from conformance.gate.deviations import Deviation
from conformance.gate.ledger import LaneFacts, deviation_record
from conformance.gate.signature import aspect_of, observed_of
from conformance.judge.verdict import CaseVerdict, LaneVerdict, Verdict
from conformance.record.case import Record
from conformance.report.facts import is_failure

_OF_DATA = ("node", "at", "off", "contains")
"""Keys of a signature that belong to one case's own nodes and numbers."""
_NUMBERS = ("values", "special", "weights", "shape")
"""Aspects whose answer is one case's own number or length too."""


def excused_alike(
    record: Record, deviations: Sequence[Deviation], lanes: Mapping[str, LaneFacts], cases: Collection[str]
) -> Record:
    """The record with `known` for each lane that differs as a deviation says of these cases.

    `cases` are those of the same layer and arguments. What is one case's own number cannot be held against another's:
    there the deviation is named in the remark, as what the difference is consistent with.
    """
    held, remarks = dict(record.lanes), []
    for name, lane in record.lanes.items():
        if name not in lanes or not is_failure(lane.verdict):
            continue
        for deviation in deviations:
            shown = [one for one in deviation.observed if one.aspect == aspect_of(lane)]
            is_about = bool(shown) and lanes[name].has(deviation, name)
            if not is_about or not any(deviation.covers(case) for case in cases):
                continue
            if shown[0].aspect in _NUMBERS or shown[0].aspect == "gradient":
                words = f"{name}: consistent with the listed deviation {deviation.id}: {deviation.reason}"
                remarks.append(words)
                if lane.cause is not None and lane.cause.kind == "unknown":
                    held[name] = replace(lane, explanation="")  # what is listed has a reason
            elif any(_general(one.signature) == _general(observed_of(record, name)) for one in shown):
                held[name] = replace(lane, verdict=Verdict.KNOWN, deviation=deviation_record(deviation))
            else:
                continue
            break
    verdicts = {name: LaneVerdict(name, lane.verdict) for name, lane in held.items()}
    remark = "\n".join(part for part in (record.remark, *remarks) if part)
    return replace(record, lanes=held, remark=remark, outcome=CaseVerdict(record.id, verdicts).outcome)


def _general(signature: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in signature.items() if key not in _OF_DATA}
