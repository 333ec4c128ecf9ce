"""Lanes that outlive rounds: which of them a change makes stale, and what takes their place."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.lanes.known import LANES
from conformance.lanes.process import Abandoned
from conformance.lanes.spec import LaneSpec
from conformance.plans.draw import plan_of
from conformance.watch.lanes import KeptLane, KeptLanes, RelayedLane, as_wire
from tests.builders import POOLED, cases_of, fake


class Recorded(RelayedLane):
    """A lane without a process, which remembers what it was told."""

    log: list[str]

    def __init__(self, spec: LaneSpec) -> None:
        self.spec, self.answers = spec, {}
        self.log = []
        self.is_free = True

    def start(self, waits: bool = False) -> None:
        self.log.append("starts, waits" if waits else "starts")

    def go(self) -> None:
        self.log.append("goes")

    def stop(self) -> None:
        self.log.append("stops")

    def modules(self) -> frozenset[str]:
        return frozenset({"/p/torch/conv.py"})

    def is_free_within(self, seconds: float) -> bool:
        return self.is_free


def kept() -> tuple[KeptLane, list[Recorded]]:
    made: list[Recorded] = []

    def make(spec: LaneSpec) -> RelayedLane:
        made.append(Recorded(spec))
        return made[-1]

    return KeptLane(fake("always_right"), make), made


def test_what_a_lane_has_not_said_that_it_imported_it_may_have() -> None:
    lane, _ = kept()
    assert lane.is_stale([Path("/p/anything.py")])
    lane.learn()
    assert lane.is_stale([Path("/p/torch/conv.py")])
    assert not lane.is_stale([Path("/p/torch/pooling.py")])


def test_the_spare_takes_the_place_and_knows_nothing_yet() -> None:
    lane, made = kept()
    lane.learn()
    lane.start_spare()
    lane.replace()
    assert lane.lane is made[1]
    assert [one.log for one in made] == [["starts", "stops"], ["starts, waits", "goes"]]
    assert lane.is_stale([Path("/p/torch/pooling.py")])
    assert not lane.has_spare


def test_without_a_spare_a_new_process_is_started() -> None:
    lane, made = kept()
    lane.replace()
    assert [one.log for one in made] == [["starts", "stops"], ["starts"]]


def test_a_lane_that_does_not_get_free_is_replaced() -> None:
    lane, made = kept()
    lane.settle()
    assert len(made) == 1
    made[0].is_free = False
    lane.settle()
    assert len(made) == 2


def test_another_lane_of_the_same_name_takes_its_place() -> None:
    lanes = KeptLanes(Recorded)
    lanes.open(as_wire(fake("always_right")))
    first = lanes.kept["always_right"]
    lanes.open(as_wire(fake("always_right")))
    assert lanes.kept["always_right"] is first
    lanes.open(as_wire(replace(fake("always_right"), options={"behaviour": "always_wrong"})))
    assert lanes.kept["always_right"] is not first
    assert first.lane.log == ["starts", "stops"]  # type: ignore[attr-defined]  # the fake's


def test_a_spare_imports_nothing_of_ours_but_what_starts_lanes_and_then_what_stands_on_the_disk(tmp_path: Path) -> None:
    """A formula that changes while the spare waits is the one that it answers with."""
    adapter = tmp_path / "own_adapter.py"
    adapter.write_text("from tests.fakes import *\nNAME = 'first'\n")
    options = {"behaviour": "always_right", "overlays": [str(tmp_path)]}
    lane = RelayedLane(LaneSpec("own", "own_adapter", options))
    lane.start(waits=True)
    adapter.write_text("from tests.fakes import *\nNAME = 'second'\nraise ImportError('the ' + NAME)\n")
    lane.go()
    with pytest.raises(Exception, match="the second"):
        lane.identity()
    lane.stop()


def test_an_answer_that_is_not_wanted_any_more_is_not_waited_for(tmp_path: Path) -> None:
    plan = plan_of(cases_of(POOLED, tmp_path)[0])
    lane = RelayedLane(fake("hangs"))
    lane.send(plan)
    started = time.monotonic()
    with pytest.raises(Abandoned):
        lane.relayed(plan.id, lambda: time.monotonic() > started + 0.2)
    assert not lane.is_free_within(0.1)
    assert time.monotonic() - started < 5
    lane.stop()


def test_an_answer_is_handed_on_as_it_came_and_a_crash_as_what_it_was(tmp_path: Path) -> None:
    plan = plan_of(cases_of(POOLED, tmp_path)[0])
    for behaviour, key in (("always_right", "message"), ("crashes", "lost")):
        lane = RelayedLane(fake(behaviour))
        lane.send(plan)
        found = lane.relayed(plan.id, lambda: False)
        assert list(found) == [key]
        lane.stop()
    assert found["lost"]["ended"] == "crash"
    assert found["lost"]["signal"] == "SIGABRT"


def test_a_process_says_which_files_it_imported_of_ours_and_of_no_installed_package() -> None:
    lane = RelayedLane(LANES["numpy"])
    lane.start()
    files = {Path(name).name for name in lane.modules()}
    lane.stop()
    assert {"worker.py", "numpy.py", "global_pooling.py", "run.py"} <= files, "what computes too, before it is asked"
    assert not any("site-packages" in name for name in files)
    assert "_multiarray_umath.py" not in files
    assert "argparse.py" not in files
