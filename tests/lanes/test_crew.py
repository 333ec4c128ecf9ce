"""A lane of several processes answers as one does: each case once, a lost process costs its case alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from conformance.errors import LaneUnavailable
from conformance.lanes.crew import Cores, Crew
from conformance.lanes.spec import LaneSpec
from conformance.protocol.adapter import Identity
from conformance.protocol.observation import Observation
from conformance.protocol.plan import Plan
from conformance.run import LANES, Run
from tests.builders import POOLED, cases_of, fake, plan_with

SAME = Identity({"fake": "1.0"}, {}, True)
SPEC = LaneSpec("fake", "tests.fakes")


class Worker:
    """A process that is none: it answers a plan whenever it is looked at and waited for."""

    def __init__(self, spec: LaneSpec, identity: Identity = SAME, seconds: float = 1.0) -> None:
        self.spec = spec
        self.proves = identity
        self.seconds = seconds
        self.state, self.was_up = "made", False
        self.pending: dict[str, Plan] = {}
        self.done: dict[str, Observation] = {}
        self.computed: list[str] = []
        self.dies_over: set[str] = set()

    is_up = property(lambda self: self.state == "up")
    is_starting = property(lambda self: self.state == "starting")
    load = property(lambda self: len(self.pending))

    def start(self) -> None:
        self.state = "starting"

    def identity(self) -> Identity:
        if self.state == "refused":
            raise LaneUnavailable("lane fake cannot start")
        if not self.was_up:
            self.come_up()
        return self.proves

    def come_up(self) -> None:
        """Says who it is, as a process does some time after its start."""
        self.state, self.was_up = "up", True

    def send(self, plan: Plan) -> None:
        self.identity()
        self.pending[plan.id] = plan

    def has(self, case_id: str) -> bool:
        return case_id in self.done

    def take(self, step: float | None = None) -> bool:
        if self.state != "up" or not self.pending:
            return False
        case_id = next(iter(self.pending))
        del self.pending[case_id]
        self.computed.append(case_id)
        is_lost = case_id in self.dies_over
        self.done[case_id] = Observation("fake", "fake", ended="crash" if is_lost else "finished", seconds=self.seconds)
        if is_lost:
            self.state = "starting"
        return True

    def take_all(self) -> None:
        """Nothing has come meanwhile: it computes only while it is waited for."""

    def take_back(self) -> list[Plan]:
        plans, self.pending = list(self.pending.values()), {}
        return plans

    def wait(self, case_id: str) -> Observation:
        return self.done.pop(case_id)

    def forgive(self) -> None: ...

    def stop(self) -> None:
        self.state = "stopped"


def cores(number: int = 2, **more: Any) -> Cores:
    """Processors of which a lane takes another as soon as it may."""
    return Cores(number, **{"patience": 1e-9, "pays_from": 5.0, "has_room": lambda: True, **more})


def crew(shares: Cores, make: Callable[..., Any] = Worker, spec: LaneSpec = SPEC) -> Crew:
    made = Crew(spec, shares, make)
    shares.crews.append(made)
    made.start()
    made.identity()
    return made


def run_over(lane: Crew, names: list[str], ahead: int = 4) -> list[Observation]:
    """The observations of these cases, asked for in order with a few sent ahead, as a run does."""
    lane.expect(len(names))
    found = []
    for index, name in enumerate(names):
        for other in names[0 if index == 0 else index + ahead - 1 : index + ahead]:
            lane.send(plan_with(id=other))
        found.append(lane.wait(name))
        for worker in lane.workers[1:]:
            if worker.is_starting:
                worker.identity()  # it waits for a first start
    return found


def computed(lane: Crew) -> list[list[str]]:
    return [worker.computed for worker in lane.workers]  # type: ignore[attr-defined]  # of Worker


NAMES = [f"c{index}" for index in range(20)]


def test_cases_are_shared_out_and_each_is_computed_once() -> None:
    lane = crew(cores())
    assert len(run_over(lane, NAMES)) == 20
    first, second = computed(lane)
    assert min(len(first), len(second)) > 5
    assert Counter(first + second) == Counter(NAMES)


@pytest.mark.parametrize(
    ("shares", "seconds", "spec"),
    [
        pytest.param(cores(number=1), 1.0, SPEC, id="no free core"),
        pytest.param(cores(most=1), 1.0, SPEC, id="one process was asked for"),
        pytest.param(cores(has_room=lambda: False), 1.0, SPEC, id="no memory"),
        pytest.param(cores(patience=60.0), 1.0, SPEC, id="nobody waited"),
        pytest.param(cores(), 0.1, SPEC, id="too little left"),
        pytest.param(cores(), 1.0, replace(SPEC, host="elsewhere"), id="another machine"),
    ],
)
def test_one_process_does_where_a_second_does_not_pay(shares: Cores, seconds: float, spec: LaneSpec) -> None:
    lane = crew(shares, lambda spec: Worker(spec, seconds=seconds), spec)
    run_over(lane, NAMES)
    assert computed(lane) == [NAMES]


def test_no_process_is_added_while_another_lane_keeps_the_cores_busy() -> None:
    shares = cores()
    other, lane = crew(shares), crew(shares)
    other.send(plan_with(id="slow"))
    run_over(lane, NAMES)
    assert len(lane.workers) == 1
    other.wait(other.workers[0].pending and "slow")  # type: ignore[attr-defined]  # of Worker
    run_over(lane, NAMES)
    assert len(lane.workers) == 2


def test_what_a_lost_process_had_not_begun_goes_to_the_other() -> None:
    lane = crew(cores())
    run_over(lane, NAMES)
    first, second = lane.workers
    first.dies_over, second.dies_over = {"d0"}, {"d0"}  # type: ignore[attr-defined]  # of Worker
    for worker in lane.workers:
        worker.computed.clear()  # type: ignore[attr-defined]  # of Worker
    names = [f"d{index}" for index in range(6)]
    for name in names:
        lane.send(plan_with(id=name))
    ended = [lane.wait(name).ended for name in names]
    assert ended == ["crash", *["finished"] * 5]
    lost = next(worker for worker in lane.workers if worker.is_starting)
    assert computed(lane)[lane.workers.index(lost)] == ["d0"]
    assert Counter(chain(*computed(lane))) == Counter(names)


def test_one_process_that_is_lost_gets_its_plans_when_it_is_there_again() -> None:
    lane = crew(cores(most=1))
    (worker,) = lane.workers
    worker.dies_over = {"c0"}  # type: ignore[attr-defined]  # of Worker
    lane.send(plan_with(id="c0"))
    lane.send(plan_with(id="c1"))
    assert lane.wait("c0").ended == "crash"
    assert worker.load == 1
    worker.come_up()  # type: ignore[attr-defined]  # of Worker
    assert lane.wait("c1").ended == "finished"


@pytest.mark.parametrize("why", ["another version", "does not start"])
def test_a_process_that_is_not_what_the_first_one_is_gets_nothing_to_do(why: str) -> None:
    made: list[Worker] = []

    def make(spec: LaneSpec) -> Worker:
        is_other = made and why == "another version"
        made.append(Worker(spec, replace(SAME, versions={"fake": "2.0"}) if is_other else SAME))
        return made[-1]

    lane = crew(cores(), make)
    if why == "does not start":
        lane.expect(20)
        lane.send(plan_with(id="x"))
        lane.wait("x")
        made[1].state = "refused"
        for name in NAMES:
            lane.send(plan_with(id=name))
            lane.wait(name)
    else:
        run_over(lane, NAMES)
    assert made[1].computed == []
    assert len(made) == 2


def test_nobody_waits_for_what_was_never_sent() -> None:
    with pytest.raises(LookupError, match="lane fake was never sent x"):
        crew(cores()).wait("x")


def test_stopping_ends_every_process() -> None:
    lane = crew(cores())
    run_over(lane, NAMES)
    lane.stop()
    assert [worker.state for worker in lane.workers] == ["stopped", "stopped"]  # type: ignore[attr-defined]  # of Worker


@pytest.mark.parametrize(("behaviour", "verdict"), [("killed", "crash"), ("hangs", "timeout")])
def test_real_processes_share_cases_out_and_one_that_is_lost_costs_its_case(
    behaviour: str, verdict: str, tmp_path: Path
) -> None:
    text = POOLED.replace("question: Are", "time_limit: 1\n        question: Are")
    case = text[text.index("      - id: masked") :]
    cases = cases_of(text + "".join(case.replace("id: masked", f"id: more{index}") for index in range(9)), tmp_path)
    log = tmp_path / "begun"
    spec = fake(behaviour, only="fam/topic.more3", log=str(log))
    shares = cores(pays_from=0.0)
    run = Run((spec, LANES["numpy"]), in_process=["numpy"], lane_of=shares.lane)
    said = {}
    try:
        run.announce([(one, [spec.name]) for one in cases])
        for one in cases:
            said[one.id] = run.record(one).lanes[behaviour].verdict
            for worker in shares.crews[0].workers[1:]:
                worker.identity()  # ten short cases would be done before it is there
    finally:
        run.stop()
    assert said == {one.id: verdict if one.id == "fam/topic.more3" else "agree" for one in cases}
    processes, begun = zip(*(line.split() for line in log.read_text().splitlines()), strict=True)
    assert Counter(begun) == dict.fromkeys(said, 1), "no case is run twice"
    assert len(set(processes)) >= 2
