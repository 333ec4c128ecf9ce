"""Lanes whose imports begin while it is still being found out what is selected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from conformance.errors import LaneUnavailable
from conformance.lanes.known import BY_INVITATION
from conformance.lanes.machine import cores
from conformance.lanes.spec import Lane, LaneSpec
from conformance.protocol.names import REFERENCE


def warmed(specs: Sequence[LaneSpec], lane_of: Callable[[LaneSpec], Lane]) -> dict[str, Lane]:
    """Started lanes by name: one for every core but our own, and not the reference, which imports no framework.

    More at once would only slow down the first, which is the one that everybody waits for.
    """
    unasked = [spec for spec in specs if spec.adapter not in BY_INVITATION and spec.adapter != REFERENCE]
    found = {}
    for spec in unasked[: max(1, cores() - 1)]:
        with suppress(LaneUnavailable):  # said again, and then aloud, when the lane turns out to be needed
            lane = lane_of(spec)
            lane.start()
            found[spec.name] = lane
    return found
