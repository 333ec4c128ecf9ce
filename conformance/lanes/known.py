"""The lanes that need no declaration, and which cases a lane takes part in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from conformance import imports
from conformance.errors import UsageError
from conformance.lanes.spec import LaneSpec
from conformance.protocol.names import REFERENCE

BY_INVITATION = frozenset({"transformers"})
"""Adapters that run only the cases which name their lane."""

LANES: Mapping[str, LaneSpec] = {
    name: LaneSpec(name, name, {"environment": {"TF_CPP_MIN_LOG_LEVEL": "2", "OMP_NUM_THREADS": "1"}})
    for name in ("keras", "torch", REFERENCE, "transformers")
}
"""The lanes that need no declaration, over the packages of this interpreter."""

DEFAULT_LANES = ("keras", "torch", REFERENCE)


class ForLanes(Protocol):
    """What says which lanes it is for: a case, or what is known of one before it is read."""

    @property
    def lanes(self) -> tuple[str, ...]: ...


def lane_specs(names: Sequence[str], declared: Mapping[str, LaneSpec] | None = None) -> tuple[LaneSpec, ...]:
    """The lanes of these names, the reference always among them. Raises UsageError for a name that nobody declared."""
    known = {**LANES, **(declared or {})}
    for name in names:
        if name not in known:
            raise UsageError(f"there is no lane {name}", f"lanes: {', '.join(known)}")
    wanted = dict.fromkeys([*names, REFERENCE])
    return tuple(known[name] for name in wanted)


def allowing(spec: LaneSpec) -> LaneSpec:
    """The lane with the user's own packages that the project allows."""
    told = imports.as_options()
    return replace(spec, options={**spec.options, "imports": told}) if told["packages"] else spec


def takes_part(spec: LaneSpec, case: ForLanes) -> bool:
    """Whether a lane has an item for a case at all."""
    return spec.adapter not in BY_INVITATION or (bool(case.lanes) and is_meant(spec, case))


def is_meant(spec: LaneSpec, case: ForLanes) -> bool:
    """Whether the case lets this lane run; it may name the lane or its adapter."""
    return not case.lanes or spec.name in case.lanes or spec.adapter in case.lanes
