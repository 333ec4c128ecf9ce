"""The signature of a difference: what a known deviation says was observed, so that no other difference hides behind it.

A signature is a mapping of a few plain values, made from a lane's first finding by `observed_of` and held against
another by `matches`. Which keys it has depends on the aspect:

    error                        type, phase; contains (a part of the message) where somebody wrote it
    shape, dtype, params         node, got
    mask                         node, got: `none`, `all`, or the rows of 0 and 1
    special, values              node, at (an index), got (the element)
    weights                      node, got (what is said of the shapes); at and got for one after a step of training
    gradient                     node, off (the largest error); takes (the convention at a kink that is not the case's);
                                 where the way back raised type, and contains as above
    structure, claims            node
    invariants                   node, invariant (its name)
    model                        node, in (the aspect in which the functional model differs, `raised`, or
                                 `symbolic_mask`); type where it raised
    methods                      node, method
    relations                    relation, the name of every one that is not kept
    crash, timeout               nothing
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from conformance.judge.verdict import ASPECTS, RELATIONS, Aspect, Verdict
from conformance.record.case import Record
from conformance.record.lane import LaneRecord
from conformance.record.parts import FindingRecord, MaskRecord
from conformance.report.facts import element, flat, node

Signature = Mapping[str, Any]

_OTHER_KEYS: Mapping[Aspect, tuple[str, ...]] = {
    "error": ("type", "phase", "contains"),
    "shape": ("node", "got"),
    "dtype": ("node", "got"),
    "mask": ("node", "got"),
    "special": ("node", "at", "got"),
    "values": ("node", "at", "got"),
    "gradient": ("node", "off", "takes", "type", "contains"),
    "weights": ("node", "at", "got"),
    "params": ("node", "got"),
    "invariants": ("node", "invariant"),
    "model": ("node", "in", "type", "contains"),
    "methods": ("node", "method"),
    "relations": ("relation",),
}
"""Aspects that say more than the node, or something else; one that is not here is known by its node."""
KEYS: Mapping[str, tuple[str, ...]] = {
    **{aspect: _OTHER_KEYS.get(aspect, ("node",)) for aspect in (*ASPECTS, RELATIONS)},
    **{str(verdict): () for verdict in (Verdict.CRASH, Verdict.TIMEOUT)},
}
"""Aspect to the keys of its signature; for a lane that was lost, how it was."""

_CLOSE = 0.05
"""Of the distance between answer and reference: how far an element may move and be the same wrong answer."""
_GRADIENT_CLOSE = 0.1


def aspect_of(lane: LaneRecord) -> str:
    """The aspect in which a failing lane differs first; for one that was lost, how."""
    return str(lane.findings[0].aspect) if lane.findings else str(lane.verdict)


def observed_of(record: Record, name: str) -> dict[str, Any]:
    """The signature of a failing lane."""
    lane = record.lanes[name]
    if not lane.findings:
        return {}
    finding = lane.findings[0]
    match finding.aspect:
        case "error":
            failure = lane.failure
            return {"type": "none"} if failure is None else {"type": failure.type, "phase": failure.phase}
        case "shape" | "dtype" | "params":
            return {"node": finding.node, "got": as_lists(finding.got)}
        case "mask":
            return {"node": finding.node, "got": mask_word(finding.got)}
        case "special":
            return {
                "node": finding.node,
                "at": as_lists(finding.got[0]),
                "got": _rounded(finding.got[1]) if not math.isfinite(finding.got[1]) else finding.got[1],
            }
        case "values" | "weights" if finding.distance is not None and finding.distance.worst is not None:
            worst = finding.distance.worst
            return {"node": finding.node, "at": list(worst.index), "got": _rounded(float(worst.got))}
        case "weights" if isinstance(finding.got, str):
            return {"node": finding.node, "got": finding.got}
        case "invariants":
            return {"node": finding.node, "invariant": finding.kind}
        case "model" if finding.kind == "raised":
            return {"in": "raised", "type": finding.got.type}
        case "model":
            return {"node": finding.node, "in": finding.kind}
        case "methods":
            return {"node": finding.node, "method": finding.kind}
        case "relations":
            return {"relation": ", ".join(sorted({finding.kind for finding in lane.findings}))}
        case "gradient" if finding.kind == "raised":
            return {"type": finding.got.type}
        case "gradient" if finding.kind == "convention":
            return {"node": finding.node, "takes": finding.got}
        case "gradient" if finding.distance is not None:
            return {"node": finding.node, "off": _rounded(float(finding.distance.largest))}
        case _:
            return {"node": finding.node}


def mask_word(mask: MaskRecord | None) -> Any:
    """`none`, `all`, the rows where they are few, or how many entries are true."""
    if mask is None:
        return "none"
    if mask.true == math.prod(mask.shape):
        return "all"
    return as_lists(mask.values) if mask.values is not None else f"{mask.true} true"


def as_lists(value: Any) -> Any:
    """Nested tuples as the nested lists that a file of deviations has."""
    return [as_lists(item) for item in value] if isinstance(value, tuple) else value


def _rounded(value: float) -> Any:
    """Eight digits: what float32 holds, so that a difference in its last digits is one too."""
    return float(f"{value:.8g}") if math.isfinite(value) else str(value)


def matches(aspect: str, observed: Signature, record: Record, name: str) -> bool:
    """Whether a failing lane shows this signature: the same aspect first, and every key that is written."""
    lane = record.lanes[name]
    if aspect_of(lane) != aspect:
        return False
    found = observed_of(record, name)
    if "contains" in observed:
        said = lane.findings[0].got if aspect == "model" else lane.failure or lane.gradient_failure
        message = said.message if said is not None else ""
        if str(observed["contains"]).lower() not in message.lower():
            return False
    for key in set(observed) - {"contains", "at"}:
        if key == "node":
            if observed["node"] not in {finding.node for finding in lane.findings}:
                return False
        elif key == "got" and aspect in ("values", "weights", "special", "shape", "dtype", "mask", "params"):
            if not _got_matches(aspect, observed, record, name):
                return False
        elif key == "off":
            if not math.isclose(observed["off"], float(found.get("off", "NaN")), rel_tol=_GRADIENT_CLOSE):
                return False
        elif observed[key] != found.get(key):
            return False
    return True


def _got_matches(aspect: str, observed: Signature, record: Record, name: str) -> bool:
    """Whether one of the findings, at the node that is written, gave what is written."""
    findings = record.lanes[name].findings
    at_node = [found for found in findings if observed.get("node") in (None, found.node)]
    match aspect:
        case "mask":
            return any(mask_word(found.got) == observed["got"] for found in at_node)
        case "weights" if isinstance(observed["got"], str):
            return any(found.got == observed["got"] for found in at_node)
        case "values" | "weights" | "special":
            return any(_element_matches(observed, record, name, found) for found in at_node)
        case _:
            return any(as_lists(found.got) == observed["got"] for found in at_node)


def _element_matches(observed: Signature, record: Record, name: str, finding: FindingRecord) -> bool:
    got, wanted = _element(record, name, finding, observed.get("at"))
    written = float(observed["got"])
    if got is None or math.isnan(got) or math.isnan(written):
        return got is not None and math.isnan(got) and math.isnan(written)
    if not (math.isfinite(got) and math.isfinite(written)):
        return got == written
    distance = abs(got - wanted) if wanted is not None and math.isfinite(wanted) else abs(got)
    return abs(got - written) <= _CLOSE * distance


def _element(
    record: Record, name: str, finding: FindingRecord, at: list[int] | None
) -> tuple[float | None, float | None]:
    """What a lane and the reference hold at an index, from whatever the record kept of it."""
    if finding.aspect == "special":
        if at in (None, as_lists(finding.got[0])):
            return float(finding.got[1]), float(finding.wanted[1])
    elif (worst := None if finding.distance is None else finding.distance.worst) is not None and at in (
        None,
        list(worst.index),
    ):
        return float(worst.got), float(worst.reference)
    held = node(record, name, finding.node, finding.run)
    if held is None or at is None:
        return None, None
    for row in held.worst:
        if list(row.index) == at:
            return float(row.got), float(row.reference)
    value = element(held.values, at) if held.values is not None else None
    if value is None or (flat(value) != [value]):
        return None, None
    return float(value), None
