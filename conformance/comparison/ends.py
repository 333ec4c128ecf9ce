"""The near end of a side: asks its far end, in a lane's process or beside live objects, and reads what it answers."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, cast

from conformance.errors import ConformanceError, Exit
from conformance.lanes.compare_far import Refused, Request
from conformance.lanes.keras_exports import EXPORT
from conformance.lanes.process import ProcessLane
from conformance.lanes.spec import LaneSpec
from conformance.lanes.worker import sendable
from conformance.protocol.observation import Observation

if TYPE_CHECKING:
    from conformance.protocol.plan import Plan

KERAS, TORCH = "conformance.lanes.compare_keras", "conformance.lanes.compare_torch"
EXPORTED = "conformance.lanes.compare_exported"
"""Adapters of the far ends; a worker imports them by these names."""
TIME_LIMIT = 600.0
"""Seconds for one request: a whole run of the model, or of its moved neighbours."""


class CompareError(ConformanceError):
    """What cannot be compared: no model, weights that do not fit, inputs of other shapes."""

    exit = Exit.BAD_INPUT


class SideLost(ConformanceError):
    """A side crashed or gave no answer in time: that is the verdict on it."""

    exit = Exit.DISAGREE

    def __init__(self, side: str, ended: str, detail: str, chatter: str = "") -> None:
        super().__init__(f"{side} ended in a {ended}: {detail}", _last_line(chatter))
        self.side, self.ended, self.detail = side, ended, detail


class SideRefused(ConformanceError):
    """A far end that does not do what was asked; `kind` says why, `side` and `verb` who and what."""

    exit = Exit.BAD_INPUT

    def __init__(self, kind: str, message: str, hint: str | None, side: str = "", verb: str = "") -> None:
        super().__init__(message, hint)
        self.kind, self.side, self.verb = kind, side, verb


class End(Protocol):
    """One side, asked by verb."""

    name: str

    def ask(self, verb: str, **request: Any) -> Mapping[str, Any]: ...
    def versions(self) -> Mapping[str, str]: ...
    def stop(self) -> None: ...


@dataclass
class SideRequests:
    """What every request of one side says: its model, and where arrays go."""

    side: str
    """`the model` or `the port`, for messages."""
    folder: str
    model: Mapping[str, Any] | None = None
    load: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def request(self, verb: str, given: Mapping[str, Any]) -> dict[str, Any]:
        return {"verb": verb, "model": self.model, "folder": self.folder, "load": self.load, **self.extra, **given}

    def answer(self, verb: str, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """The answer, unless it is a refusal. Raises SideRefused."""
        failure = message.get("failure")
        if failure is None:
            return message
        where = "" if failure["kind"] not in ("raised", "memory") else f"{self.side} raised: "
        words = f"{where}{failure['message']}"
        raise SideRefused(failure["kind"], words, failure["hint"] or None, self.side, verb)


class _FarLane(ProcessLane):
    """A lane whose answers are read here and not judged as a case's."""

    def __init__(self, spec: LaneSpec) -> None:
        super().__init__(spec)
        self.answers: dict[str, Mapping[str, Any]] = {}

    def ask(self, request: Request) -> None:
        """Sends a request in a plan's place: a lane needs no more of it than its id, its time and its wire form."""
        self.send(cast("Plan", request))

    def _understood(self, case_id: str, message: dict[str, Any]) -> Observation:
        self.answers[case_id] = message
        return Observation(self.spec.name, self.spec.adapter)


class ProcessEnd:
    """A side in a lane's process: a crash and a hang cost that side, and are said of it."""

    def __init__(self, spec: LaneSpec, asking: SideRequests, time_limit: float = TIME_LIMIT) -> None:
        self.name = spec.name
        self._lane = _FarLane(spec)
        self._asking, self._limit = asking, time_limit
        self._number = 0

    def start(self) -> None:
        """Begins to import the framework, and returns at once."""
        self._lane.start()

    def versions(self) -> Mapping[str, str]:
        return self._lane.identity().versions

    def ask(self, verb: str, **request: Any) -> Mapping[str, Any]:
        """The answer. Raises SideRefused, SideLost or LaneUnavailable."""
        self._number += 1
        number = f"{self._number} {verb}"
        self._lane.ask(Request(number, self._limit, sendable(self._asking.request(verb, request))))
        observation = self._lane.wait(number)
        if observation.ended != "finished":
            raise SideLost(self._asking.side, observation.ended, observation.detail, observation.chatter)
        return self._asking.answer(verb, self._lane.answers.pop(number))

    def stop(self) -> None:
        self._lane.stop()


class LiveEnd:
    """A side whose model is an object of this process."""

    def __init__(self, model: Any, asking: SideRequests) -> None:
        self._asking = asking
        self.name = "torch" if _is_of(model, "torch") else "keras"
        far = importlib.import_module(TORCH if self.name == "torch" else KERAS)
        try:
            self._far = far.over(model)
        except Refused as refused:
            raise SideRefused(refused.kind, str(refused), refused.hint or None, asking.side, "describe") from None

    def versions(self) -> Mapping[str, str]:
        found: Mapping[str, str] = self._far.identity.versions
        return found

    def ask(self, verb: str, **request: Any) -> Mapping[str, Any]:
        """The answer. Raises SideRefused."""
        body = self._asking.request(verb, request)
        return self._asking.answer(verb, self._far.observe(Request(verb, TIME_LIMIT, body)))

    def stop(self) -> None:
        """The object is the user's, and as it was."""
        self._far.leave()


def _is_of(model: Any, package: str) -> bool:
    return any(kind.__module__.partition(".")[0] == package for kind in type(model).__mro__)


def far_spec(spec: LaneSpec) -> LaneSpec:
    """The lane that runs the far end over the framework of another lane."""
    if exported_to(spec):
        return replace(spec, adapter=EXPORTED)
    return replace(spec, adapter=TORCH if spec.adapter == "torch" else KERAS)


def exported_to(lane: LaneSpec) -> str:
    """The format that a lane exports its model to; empty for a lane that runs the model itself."""
    mode = str(lane.options.get("mode", ""))
    return mode.removeprefix(EXPORT) if mode.startswith(EXPORT) else ""


def _last_line(chatter: str) -> str | None:
    lines = [line.strip() for line in chatter.splitlines() if line.strip()]
    return f"its last words: {lines[-1][:300]}" if lines else None
