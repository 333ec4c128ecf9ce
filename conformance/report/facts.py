"""What a record says, looked up: lanes, nodes, runs, steps and axis names. Data in, data out; no words."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from conformance.protocol.names import REFERENCE as REFERENCE
from conformance.record.axes import named
from conformance.record.case import ExpectedNodeRecord, Record
from conformance.record.parts import FindingRecord, NodeRecord, StepRecord, WorstRecord
from conformance.record.run import LaneRow

Lanes = Sequence[LaneRow]


FAILURES = ("differ", "error", "timeout", "crash", "stale")
"""Verdicts that fail a case; of the others only `agree` is a pass."""


def is_failure(verdict: str) -> bool:
    """Whether a verdict fails a case or a lane."""
    return verdict in FAILURES


def differs(verdict: str) -> bool:
    """Whether a lane's answer is not the one expected: it fails, or it is a listed deviation."""
    return verdict == "known" or (verdict != "stale" and is_failure(verdict))


def lane_names(record: Record) -> list[str]:
    """The lanes of a record, the reference first."""
    names = list(record.lanes)
    return [name for name in names if name == REFERENCE] + [name for name in names if name != REFERENCE]


def answering_lanes(record: Record) -> list[str]:
    """The lanes that ran to an end: neither unsupported nor lost."""
    return [
        name for name in lane_names(record) if record.lanes[name].verdict not in ("unsupported", "timeout", "crash")
    ]


def node(record: Record, lane: str, label: str, run: int = 0) -> NodeRecord | None:
    """What a lane gave for one node in one run; None where it gave nothing."""
    held = record.lanes.get(lane)
    runs = () if held is None else held.runs
    return runs[run].get(label) if run < len(runs) else None


def node_labels(record: Record) -> list[str]:
    """Every node that any lane gave, in the reference's order."""
    found: dict[str, None] = {}
    for lane in lane_names(record):
        for run in record.lanes[lane].runs:
            found.update(dict.fromkeys(run))
    return list(found)


def run_count(record: Record) -> int:
    """How many sizes a case is run at."""
    return max(len(record.dims), 1)


def varying_sizes(record: Record, run: int) -> dict[str, int]:
    """The axes whose length differs from run to run, at this run; empty for a case of one run."""
    sizes = record.dims
    if len(sizes) < 2 or run >= len(sizes):
        return {}
    return {name: length for name, length in sizes[run].items() if any(other.get(name) != length for other in sizes)}


def axis_names(record: Record, shape: Sequence[int | None], run: int) -> list[str]:
    """A name for each length that exactly one named axis has, and no other axis of the shape; else an empty string."""
    sizes = record.dims[run] if run < len(record.dims) else {}
    return list(named(tuple(shape), sizes))


def axes_of(record: Record, label: str, shape: Sequence[int | None], run: int) -> list[str]:
    """The names of a node's axes: as the case states them where the rank is right, else as the record has them."""
    stated = expected_node(record, label).shape
    if stated is not None and len(stated) == len(shape):
        return [str(axis) if isinstance(axis, str) else "" for axis in stated]
    for lane in lane_names(record):
        found = node(record, lane, label, run)
        if found is not None and tuple(found.shape) == tuple(shape) and any(found.axes):
            return list(found.axes)
    return axis_names(record, shape, run)


def expected_node(record: Record, label: str) -> ExpectedNodeRecord:
    """What the case states of a node; empty where it states nothing."""
    return record.expects.nodes.get(label, ExpectedNodeRecord())


def steps_by_run(record: Record, lane: str) -> list[list[StepRecord]]:
    """A lane's calls, a list a run; all in one list where they cannot be told apart (a run that broke off)."""
    steps = list(record.lanes[lane].steps)
    runs = len(record.lanes[lane].runs)
    if runs > 1 and steps and len(steps) % runs == 0:
        size = len(steps) // runs
        chunks = [steps[start : start + size] for start in range(0, len(steps), size)]
        if all([step.node for step in chunk] == [step.node for step in chunks[0]] for chunk in chunks):
            return chunks
    return [steps]


def is_shape(value: Any) -> bool:
    """Whether a step's nested value is one shape rather than a list of them."""
    return isinstance(value, tuple) and all(item is None or isinstance(item, int) for item in value)


def flat_shapes(nested: Any) -> list[list[int | None]]:
    """All shapes in a step's nested value, in order. The empty list is the shape of a scalar."""
    if is_shape(nested):
        return [nested]
    return [shape for item in nested for shape in flat_shapes(item)] if isinstance(nested, tuple) else []


def element(nested: Any, index: Sequence[int]) -> Any:
    """One element of nested lists; None where the index leads out of them."""
    for position in index:
        if not isinstance(nested, tuple) or not 0 <= position < len(nested):
            return None
        nested = nested[position]
    return nested


def flat(nested: Any) -> list[Any]:
    """The elements of nested lists in order; a number is a list of one."""
    return [leaf for item in nested for leaf in flat(item)] if isinstance(nested, tuple) else [nested]


def is_exact(worst: WorstRecord) -> bool:
    """Whether an element was allowed no error at all: integers and booleans."""
    return float(worst.allowed) == 0.0 and float(worst.constant) == 0.0


def error_of(worst: WorstRecord) -> float:
    """The absolute error of a worst element; NaN where either side is NaN."""
    got, reference = float(worst.got), float(worst.reference)
    return abs(got - reference) if math.isfinite(got) and math.isfinite(reference) else math.nan


def reference_step(record: Record, run: int, index: int, step: StepRecord) -> StepRecord | None:
    """The reference's same call on the same shapes; None where it has none."""
    if REFERENCE not in record.lanes:
        return None
    chunks = steps_by_run(record, REFERENCE)
    steps = chunks[run] if run < len(chunks) else []
    if index >= len(steps):
        return None
    same = steps[index]
    is_one = (same.node, same.callee, same.inputs) == (step.node, step.callee, step.inputs)
    return same if is_one else None


def rule_of(record: Record, run: int, index: int, step: StepRecord) -> str:
    """The reference's rule for the same call on the same shapes: how its output follows, whatever the lane gave."""
    same = reference_step(record, run, index, step)
    return "" if same is None else str(same.rule)


def key_finding(record: Record) -> FindingRecord | None:
    """The finding that decides the case: the first of the first lane that differs, subjects before the reference."""
    names = [name for name in lane_names(record) if name != REFERENCE] + [REFERENCE]
    for name in names:
        if name in record.lanes and record.lanes[name].findings:
            return record.lanes[name].findings[0]
    return None


def key_lane(record: Record) -> str:
    """The lane whose steps are shown: the first that differs, else the reference."""
    differing = [name for name in lane_names(record) if differs(record.lanes[name].verdict)]
    with_steps = [name for name in differing if record.lanes[name].steps or record.lanes[name].failure]
    return (with_steps or [REFERENCE])[0]


def key_run(record: Record) -> int:
    """The run that is shown: that of the key finding, else the first."""
    found = key_finding(record)
    return int(found.run) if found is not None else 0


def key_label(record: Record) -> str:
    """The node that is shown lane by lane: that of the key finding, else the one that the case is about.

    That is the first that the answer speaks of, else the last of which the case states something, else the last.
    """
    labels = node_labels(record)
    found = key_finding(record)
    if found is not None and found.node in labels:
        return str(found.node)
    stated = [label for label in labels if label in record.expects.nodes]
    asked = [label for label, _ in answer_facts(record) if label in labels]
    return (asked[:1] or stated[-1:] or labels[-1:] or [""])[0]


_FACT = re.compile(r"(?<!\{)\{(\w+(?:\[\d+\])?)\.(shape|symbolic|dtype|mask|values)\}")


def answer_facts(record: Record) -> list[tuple[str, str]]:
    """The nodes that the answer's template speaks of, and in which aspect, in its order."""
    return [(found[1], found[2]) for found in _FACT.finditer(record.answer)]
