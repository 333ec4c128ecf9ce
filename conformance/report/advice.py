"""What to do about a case: the last of the three things that its page says first, after the answer and the cause."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.record.case import Record
from conformance.report.facts import REFERENCE, Lanes, answering_lanes, differs, lane_names
from conformance.report.findings import SUSPECT_THE_CASE, attribution, because
from conformance.report.scriptable import why_not
from conformance.report.words import joined, one_line, place


def advice(record: Record, lanes: Lanes = ()) -> str:
    """What to do next, in a sentence or two; empty where there is nothing to do. `lanes` say which have scripts."""
    differing = [name for name in lane_names(record) if differs(record.lanes[name].verdict)]
    stale = [name for name in record.lanes if record.lanes[name].verdict == "stale"]
    if stale:
        return _of_stale(record, stale[0])
    lost = [name for name in differing if record.lanes[name].verdict in ("timeout", "crash")]
    if lost:
        return _of_lost(record, lost[0])
    failing = [name for name in differing if record.lanes[name].verdict != "known"]
    if not failing:
        return ""
    if attribution(record) == SUSPECT_THE_CASE:
        return f"Look at what the case expects, {place(record)}: every lane gives something else."
    if (refused := _of_refusal(record)) and REFERENCE in failing:
        return refused
    if record.odd_one_out == REFERENCE or REFERENCE in failing:
        return "Look at the formula of the reference and at what the case expects: the lanes agree with each other."
    name, first = one_line(record.id, 200), one_line(failing[0], 40)
    who = joined([one_line(lane, 40) for lane in failing])
    where = " where the cause says" if has_cause(record, failing) else ""
    mine = f"If {who} {'is' if len(failing) == 1 else 'are'} yours, mend it{where}."
    listing = "`conformance deviations draft` lists it until it is mended"
    if not any(row.name == failing[0] and not why_not(row, record.layers) for row in lanes):
        return f"{mine} If not, {listing}."
    report = f"`conformance repro {name} --lane {first} --issue` writes the report to its makers"
    return f"{mine} If not, {report}, and {listing}."


def has_cause(record: Record, lanes: Sequence[str]) -> bool:
    """Whether a cause is named for one of these lanes."""
    causes = (record.lanes[lane].cause for lane in lanes if because(record, lane))
    return any(cause is not None and cause.kind != "unknown" for cause in causes)


def _of_refusal(record: Record) -> str:
    """Of a reference that refuses what one lane answers, which none agrees with; else empty."""
    reference = record.lanes.get(REFERENCE)
    answering = [name for name in answering_lanes(record) if record.lanes[name].failure is None]
    if reference is None or reference.failure is None or len(answering) != 1:
        return ""
    lane = one_line(answering[0], 40)
    return f"Look at why the reference refuses this: there is nothing that the answer of {lane} could be held against."


def _of_stale(record: Record, lane: str) -> str:
    held = record.lanes[lane].deviation
    where = f" from {one_line(held.position)}" if held is not None else ""
    name = f" {one_line(held.id, 80)}" if held is not None else ""
    agrees = f"{one_line(lane, 40)} agrees"
    return f"Take the deviation{name}{where}, or narrow it to the versions that still show it: {agrees}."


def _of_lost(record: Record, lane: str) -> str:
    """Of a lane whose process was lost over the case."""
    shown, name = one_line(lane, 40), one_line(record.id, 200)
    if record.lanes[lane].verdict == "timeout":
        return (
            f"Give it more time (`time_limit:`) if it needs it; else run it alone: `conformance explain {name} --run`."
        )
    if record.lanes[lane].repro:
        return f"`conformance repro {name} --lane {shown}` writes a script that ends {shown} in the same way."
    return (
        f"Run it alone to see what ends {shown}: `conformance explain {name} --run`; what it printed last stands below."
    )
