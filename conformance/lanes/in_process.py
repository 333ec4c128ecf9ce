"""A lane without a process of its own."""

from __future__ import annotations

import sys
import time
from typing import Any

from conformance.errors import LaneUnavailable
from conformance.lanes.process import hint_for, prepared_spec
from conformance.lanes.spec import LaneSpec, proved
from conformance.lanes.worker import sendable, start_adapter
from conformance.protocol.adapter import Identity
from conformance.protocol.observation import Observation, from_message
from conformance.protocol.plan import Plan


class InProcessLane:
    """A lane in this process, for a debugger: no isolation, no time limit, chatter goes where it goes."""

    def __init__(self, spec: LaneSpec) -> None:
        self.spec = spec
        self._adapter: Any = None
        self._plans: dict[str, Plan] = {}

    def start(self) -> None:
        """Nothing yet: the framework is imported when it is first needed."""

    def identity(self) -> Identity:
        if self._adapter is None:
            asked, self.spec = self.spec, prepared_spec(self.spec)
            if self.spec.host or self.spec.interpreter != sys.executable:
                raise LaneUnavailable(
                    f"lane {asked.name} has an interpreter of its own and cannot run in this process",
                    f"leave out --in-process {asked.name}",
                )
            try:
                self._adapter = start_adapter(self.spec.adapter, dict(self.spec.options))
            except ImportError as error:
                raise LaneUnavailable(f"lane {asked.name} cannot start: {error}", hint_for(asked)) from error
        return proved(self.spec, self._adapter.identity)

    def send(self, plan: Plan) -> None:
        self._plans[plan.id] = plan

    def wait(self, case_id: str) -> Observation:
        self.identity()
        started = time.perf_counter()
        message = sendable(self._adapter.observe(self._plans.pop(case_id)))
        return from_message(
            self.spec.name,
            self.spec.adapter,
            {**message, "policy": self._adapter.identity.policy, "seconds": time.perf_counter() - started},
        )

    def expect(self, cases: int) -> None:
        """Nothing to prepare."""

    def forgive(self) -> None:
        """Nothing to forget."""

    def stop(self) -> None:
        """Nothing to end."""
