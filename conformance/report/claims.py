"""What a case claims of its nodes, and whether it holds in a lane: that is the question, whatever differs beside."""

from __future__ import annotations

from conformance.record.case import ClaimRecord, Record
from conformance.record.parts import NodeRecord
from conformance.report.facts import flat, node, run_count
from conformance.report.words import joined, one_line

_ROUNDINGS = 64 * 2.0**-24
"""Relative, for nodes that no claim was judged of because another aspect differs first: a few roundings of float32."""


def holds(record: Record, lane: str, claim: ClaimRecord) -> bool | None:
    """Whether a claim holds in a lane; None where the record does not say.

    Where claims were judged, the verdict says it. Where another aspect differs first they were not, and what is kept
    of the nodes is held against each other.
    """
    held = record.lanes[lane]
    state = held.aspects.get("claims", "-")
    if state == "agree":
        return True
    if state == "differ":
        return None if len(record.expects.claims) > 1 else False
    found = [_are_same(record, lane, claim, run) for run in range(min(run_count(record), len(held.runs)))]
    if not found or None in found:
        return None
    return all(found) if claim.kind == "same" else not any(found)


def _are_same(record: Record, lane: str, claim: ClaimRecord, run: int) -> bool | None:
    nodes = [node(record, lane, name, run) for name in claim.nodes]
    if any(item is None or item.values is None for item in nodes):
        return None
    first, *others = [item for item in nodes if item is not None]
    return all(_is_close(first, other) for other in others)


def _is_close(first: NodeRecord, other: NodeRecord) -> bool:
    if first.shape != other.shape:
        return False
    pairs = list(zip(flat(first.values), flat(other.values), strict=True))
    largest = max((abs(float(value)) for pair in pairs for value in pair), default=0.0)
    return all(a == b or abs(float(a) - float(b)) <= _ROUNDINGS * largest for a, b in pairs)


def claim_text(claim: ClaimRecord) -> str:
    """`output and plain are the same`."""
    names = joined([one_line(name, 60) for name in claim.nodes])
    return f"{names} are the same" if claim.kind == "same" else f"{names} differ"


def are_settled(record: Record) -> bool:
    """Whether every claim holds in every lane that gave an answer, whatever else differs there."""
    answering = [name for name, held in record.lanes.items() if held.runs and held.failure is None]
    claims = record.expects.claims
    return bool(claims and answering) and all(holds(record, name, claim) for name in answering for claim in claims)


def asked_labels(record: Record, labels: list[str], most: int = 3) -> list[str]:
    """The nodes that a case asks for, of those that there are: of its claims, else of its `expect`, else the last."""
    for wanted in ([name for claim in record.expects.claims for name in claim.nodes], list(record.expects.nodes)):
        asked = [label for label in labels if label in wanted or label.partition("[")[0] in wanted]
        if asked:
            return asked[:most]
    return labels[-most:]
