"""A lane as the judging process sees it: every call goes to the process that holds it."""

from __future__ import annotations

from typing import Any

from conformance.errors import LaneUnavailable
from conformance.lanes.spec import LaneSpec
from conformance.protocol.adapter import Identity
from conformance.protocol.observation import Observation, from_message
from conformance.protocol.plan import Plan
from conformance.watch.lanes import as_wire
from conformance.watch.wire import Pipe


class Outdated(KeyboardInterrupt):
    """Something has changed again: what is being judged is not wanted any more. Ends a pytest run as Ctrl-C does."""


class RemoteLane:
    """A lane at the other end of a pipe; it outlives the run."""

    def __init__(self, spec: LaneSpec, pipe: Pipe) -> None:
        self.spec = spec
        self._pipe = pipe
        self._identity: Identity | None = None
        self._is_open = False

    def start(self) -> None:
        """Asks for the lane; it may stand there since an earlier run."""
        if not self._is_open:
            self._is_open = True
            self._pipe.send("open", as_wire(self.spec))

    def identity(self) -> Identity:
        """What it proved to be. Raises LaneUnavailable."""
        if self._identity is None:
            self.start()
            self._pipe.send("identity", self.spec.name)
            kind, *rest = self._answer()
            if kind == "unavailable":
                raise LaneUnavailable(rest[0], rest[1] or None)
            self._identity = Identity.from_wire(rest[0])
        return self._identity

    def send(self, plan: Plan) -> None:
        self._pipe.send("send", self.spec.name, plan.to_wire())

    def wait(self, case_id: str) -> Observation:
        """The observation of a case that was sent. Raises Outdated."""
        self._pipe.send("wait", self.spec.name, case_id)
        _, found = self._answer()
        if "lost" in found:
            return Observation(self.spec.name, self.spec.adapter, **found["lost"])
        return from_message(self.spec.name, self.spec.adapter, found["message"])

    def _answer(self) -> tuple[Any, ...]:
        answer = self._pipe.receive()
        if answer[0] == "off":
            raise Outdated
        return answer

    def expect(self, cases: int) -> None:
        """Nothing to prepare: a watch judges few cases at a time."""

    def forgive(self) -> None:
        """Nothing to forget: the watch keeps its lanes itself."""

    def stop(self) -> None:
        """Nothing: it is kept for the next run."""
