"""Lanes that outlive rounds. Beside each waits a spare: a process with its framework imported, and nothing of ours.

A lane whose imported files change is ended, and its spare takes its place.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, cast

from conformance.errors import LaneUnavailable
from conformance.lanes.process import ProcessLane
from conformance.lanes.spec import LaneSpec
from conformance.protocol.observation import Observation
from conformance.protocol.plan import Plan

PATIENCE = 1.0
"""Seconds that a lane gets for the plans that nobody wants any more; then its spare takes its place."""


class RelayedLane(ProcessLane):
    """A lane whose answers are handed on as they came."""

    is_edited = True

    def __init__(self, spec: LaneSpec) -> None:
        super().__init__(spec)
        self.answers: dict[str, Mapping[str, Any]] = {}

    def _understood(self, case_id: str, message: dict[str, Any]) -> Observation:
        self.answers[case_id] = message
        return Observation(self.spec.name, self.spec.adapter)

    def relayed(self, case_id: str, is_off: Callable[[], bool]) -> dict[str, Any]:
        """What is to be handed on of a case: the lane's `message`, or how it was `lost`. Raises Abandoned."""
        found = self.wait(case_id, is_off)
        message = self.answers.pop(case_id, None)
        if message is not None:
            return {"message": message}
        lost = {"ended": found.ended, "detail": found.detail, "chatter": found.chatter, "signal": found.signal}
        return {"lost": lost}


class KeptLane:
    """One lane over all rounds: the process that answers and what it imported, and the one that waits."""

    def __init__(self, spec: LaneSpec, make: Callable[[LaneSpec], RelayedLane] = RelayedLane) -> None:
        self.spec = spec
        self._make = make
        self._spare: RelayedLane | None = None
        self._files: frozenset[str] | None = None
        """None where it has not said yet: then it may have imported anything."""
        self.lane = make(spec)
        self.lane.start()

    @property
    def has_spare(self) -> bool:
        return self._spare is not None

    def start_spare(self) -> None:
        """Starts a process that waits; not on another machine, nor where a lane cannot start at all."""
        self._spare = self._make(self.spec)
        self._spare.start(waits=True)

    def is_stale(self, changed: Collection[Path]) -> bool:
        """Whether the process has imported one of these files, or may have."""
        return self._files is None or any(str(path) in self._files for path in changed)

    def replace(self) -> None:
        """Ends the process; the spare takes its place, or a new one where there is none yet."""
        old, self._files = self.lane, None
        if self._spare is None:
            old.stop()
            self.lane = self._make(self.spec)
            self.lane.start()
        else:
            self.lane, self._spare = self._spare, None
            self.lane.go()  # first: to end the other one takes a while, in which this one imports
            old.stop()

    def settle(self) -> None:
        """Sees to it that nothing is in flight that nobody wants any more."""
        if not self.lane.is_free_within(PATIENCE):
            self.replace()
        self.lane.answers.clear()

    def learn(self) -> None:
        """Asks which files the process has imported; one that does not say counts as stale with the next change."""
        try:
            self._files = self.lane.modules()
        except LaneUnavailable:
            self._files = None

    def files(self) -> frozenset[str]:
        """What it has imported, as far as it has said so."""
        return self._files or frozenset()

    def stop(self) -> None:
        self.lane.stop()
        if self._spare is not None:
            self._spare.stop()
            self._spare = None


class KeptLanes:
    """All lanes of a watch, by what was asked for."""

    def __init__(self, make: Callable[[LaneSpec], RelayedLane] = RelayedLane) -> None:
        self._make = make
        self.kept: dict[str, KeptLane] = {}

    def open(self, spec: Mapping[str, Any]) -> None:
        """The lane of a specification in built-in types; another one of the same name takes its place."""
        asked = LaneSpec(**{**spec, "overlay": tuple(spec["overlay"]), "environment": tuple(spec["environment"])})
        held = self.kept.get(asked.name)
        if held is not None and held.spec == asked:
            return
        if held is not None:
            held.stop()
        self.kept[asked.name] = KeptLane(asked, self._make)

    def answer(self, request: tuple[Any, ...], is_off: Callable[[], bool]) -> tuple[Any, ...] | None:
        """What is to be sent back for a request of the judge; None for nothing. Raises Abandoned."""
        kind, *rest = request
        if kind == "open":
            self.open(rest[0])
            return None
        lane = self.kept[rest[0]].lane
        if kind == "send":
            lane.send(Plan.from_wire(rest[1]))
            return None
        if kind == "wait":
            return ("answer", lane.relayed(rest[1], is_off))
        try:
            return ("identity", lane.identity().to_wire())
        except LaneUnavailable as error:
            return ("unavailable", error.message, error.hint or "")

    def refresh(self, changed: Collection[Path]) -> list[str]:
        """Replaces the lanes that imported one of these files; their names."""
        stale = [name for name, held in self.kept.items() if held.is_stale(changed)]
        for name in stale:
            self.kept[name].replace()
        return stale

    def replace_all(self) -> None:
        for held in self.kept.values():
            held.replace()

    def settle(self) -> None:
        for held in self.kept.values():
            held.settle()

    def learn(self) -> None:
        for held in self.kept.values():
            held.learn()

    def without_spare(self) -> KeptLane | None:
        """A lane for which no spare waits."""
        lanes = [held for held in self.kept.values() if not held.has_spare and not held.spec.host]
        return lanes[0] if lanes else None

    def files(self) -> frozenset[str]:
        """All files that lanes have imported."""
        return frozenset[str]().union(*(held.files() for held in self.kept.values()))

    def stop(self) -> None:
        for held in self.kept.values():
            held.stop()
        self.kept = {}


def as_wire(spec: LaneSpec) -> dict[str, Any]:
    """A specification in built-in types."""
    return {
        "name": spec.name,
        "adapter": spec.adapter,
        "options": plain(spec.options),
        "interpreter": spec.interpreter,
        "host": spec.host,
        "wants": dict(spec.wants),
        "overlay": list(spec.overlay),
        "environment": list(spec.environment),
    }


def plain(value: Any) -> Any:
    """Nested mappings and sequences as dicts and lists."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else cast("Any", value)
