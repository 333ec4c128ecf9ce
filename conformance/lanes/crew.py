"""A lane with as many worker processes as pay for themselves.

It begins with one. Where the run has waited for it while a processor was free, and what is left takes longer than a
start, another process of the same specification is started beside, and cases go to the one that has least to do. Each
case goes to one process; what a lost one had not begun goes to the others, which are its spares. Answers are asked for
by case, so that neither their order nor their number depends on how many processes there are.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from conformance.lanes.machine import cores, has_accelerator, memory_left
from conformance.lanes.process import ProcessLane
from conformance.lanes.spec import LaneSpec
from conformance.protocol.adapter import Identity
from conformance.protocol.observation import Observation
from conformance.protocol.plan import Plan

ROOM = 2 * 2**30
"""Bytes that must be left for another process: a framework and a large case take less than half of it."""


def _has_room() -> bool:
    return not has_accelerator() and memory_left() >= ROOM


@dataclass(eq=False)
class Cores:
    """The processors of a run, and the lanes that share them."""

    number: int = field(default_factory=cores)
    most: int | None = None
    """Processes of one lane at most; as many as there are processors when left out."""
    patience: float = 1.0
    """Seconds that the run waits for a lane, while a processor is free, before another process is started."""
    pays_from: float = 10.0
    """Seconds of one process that must be left to compute: twice what an import of a large framework takes."""
    has_room: Callable[[], bool] = _has_room
    crews: list[Crew] = field(default_factory=list)

    def is_one_free(self) -> bool:
        """Whether fewer processes have something to do than there are processors."""
        return sum(crew.busy for crew in self.crews) < self.number

    def allows(self, processes: int) -> bool:
        """Whether a lane that has so many processes may have one more."""
        return processes < min(self.number, self.most or self.number)

    def lane(self, spec: LaneSpec) -> Crew:
        """A lane that shares these processors."""
        self.crews.append(Crew(spec, self))
        return self.crews[-1]


class Crew:
    """A lane, and the processes that answer for it."""

    def __init__(self, spec: LaneSpec, shares: Cores, make: Callable[[LaneSpec], ProcessLane] = ProcessLane) -> None:
        self.spec = spec
        self._shares = shares
        self._make = make
        self.workers = [make(spec)]
        self._held_by: dict[str, ProcessLane] = {}
        """Case id to the process that has its plan."""
        self._left = 0
        """Cases to come, as far as was said."""
        self._answered = 0
        self._seconds = 0.0
        """What the answers so far took to compute."""
        self._waited = 0.0
        """Seconds that the run waited for this lane while a processor was free, since a process was last started."""

    def start(self) -> None:
        """Starts the first process, and returns at once."""
        self.workers[0].start()

    def identity(self) -> Identity:
        """What the first process proved to be; each other one proves the same or gets nothing to do."""
        return self.workers[0].identity()

    def expect(self, cases: int) -> None:
        """How many cases are to come."""
        self._left = cases

    @property
    def busy(self) -> int:
        """How many processes of this machine have something to do."""
        for worker in self.workers:
            worker.take_all()
        return 0 if self.spec.host else sum(worker.load > 0 or worker.is_starting for worker in self.workers)

    def send(self, plan: Plan) -> None:
        """Queues a plan in the process that has least to do. Raises LaneUnavailable."""
        for worker in self.workers:
            worker.take_all()
        self._hand_over()
        self._give(plan)

    def _give(self, plan: Plan) -> None:
        worker = min(self._able(), key=lambda one: one.load, default=self.workers[0])
        self._held_by[plan.id] = worker
        worker.send(plan)

    def _able(self) -> list[ProcessLane]:
        """The processes that answer now, and are what the first one is."""
        ready = [worker for worker in self.workers if worker.is_up]
        return [worker for worker in ready if worker is self.workers[0] or self._is_same(worker)]

    def _is_same(self, worker: ProcessLane) -> bool:
        """Whether it proved to be what the first one did: packages may be changed while a run goes on."""
        return replace(worker.identity(), chatter="") == replace(self.identity(), chatter="")

    def _hand_over(self) -> None:
        """Gives others what lies with a process that is not there, if there are others."""
        for worker in self.workers:
            if worker.load and not worker.is_up and self._able():
                for plan in worker.take_back():
                    self._give(plan)

    def wait(self, case_id: str) -> Observation:
        """The observation of a case that was sent. Raises LookupError for one that was not."""
        if case_id not in self._held_by:
            raise LookupError(f"lane {self.spec.name} was never sent {case_id}")
        began = time.monotonic()
        while not (worker := self._held_by[case_id]).has(case_id):
            worker.take()
            self._hand_over()
        found = worker.wait(case_id)
        del self._held_by[case_id]
        self._waited += time.monotonic() - began if self._shares.is_one_free() else 0.0
        self._left, self._answered, self._seconds = self._left - 1, self._answered + 1, self._seconds + found.seconds
        if self._pays():
            self._grow()
        return found

    def _pays(self) -> bool:
        """Whether another process is worth its start."""
        if self._waited < self._shares.patience or self.spec.host or not self._shares.allows(len(self.workers)):
            return False
        is_ready = all(worker.is_up for worker in self.workers)
        return is_ready and self._left * self._seconds / self._answered >= self._shares.pays_from

    def _grow(self) -> None:
        """Starts another process, if there is room for it; nobody waits for it."""
        self._waited = 0.0
        if self._shares.has_room():
            worker = self._make(self.spec)
            self.workers.append(worker)
            worker.start()

    def forgive(self) -> None:
        """Forgets losses."""
        for worker in self.workers:
            worker.forgive()

    def stop(self) -> None:
        """Ends every process."""
        for worker in self.workers:
            worker.stop()
