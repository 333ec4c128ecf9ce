"""A side that holds other weights than the reference names: no error of its framework, but an answer about weights.

The harness cannot set such weights, so that no values follow: what there is to say is what the side holds.
"""

from __future__ import annotations

from conformance.record.lane import LaneRecord
from conformance.record.parts import FailureRecord
from conformance.report.words import essence, one_line, shape_text


def holds_others(lane: LaneRecord) -> bool:
    """Whether a lane ended because its weights are not those that the reference names."""
    return lane.failure is not None and lane.failure.phase == "weights"


def layer_of(old: LaneRecord, new: LaneRecord) -> str:
    """The layer whose weights are others, of two sides of which one at least holds others."""
    about = _about(old, new)
    return about.weight.layer if about.weight is not None else about.node


def held_words(lane: LaneRecord, other: LaneRecord) -> str:
    """What a side holds where it or the other holds others: `gamma (7, 4)`, else the whole of it in its own words."""
    about = _about(lane, other)
    weight = about.weight
    if holds_others(lane):
        assert lane.failure is not None  # which says what it holds
        own = lane.failure.weight
        if own is not None and own.got is not None:
            return f"{one_line(own.key, 60)} {shape_text(own.got)}"
        return one_line(essence(lane.failure.message), 100)
    held = lane.weights.get(weight.layer, {}) if weight is not None else {}
    if weight is not None and weight.key in held:
        held = {weight.key: held[weight.key]}
    return (
        ", ".join(f"{one_line(key, 60)} {shape_text(shape)}" for key, shape in held.items()) or "as the case has them"
    )


def _about(lane: LaneRecord, other: LaneRecord) -> FailureRecord:
    """The failure that says which weights are others; the first side's where both hold others."""
    found = lane.failure if holds_others(lane) else other.failure
    assert found is not None  # one of the two holds others
    return found
