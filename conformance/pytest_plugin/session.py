"""What one pytest process knows of a run."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conformance.errors import LaneUnavailable
from conformance.protocol.names import REFERENCE

if TYPE_CHECKING:
    from conformance.case.index import Index
    from conformance.gate.ledger import Standing
    from conformance.gate.options import Excuses
    from conformance.journal import Journal
    from conformance.lanes.spec import Lane, LaneSpec
    from conformance.pytest_plugin.progress import Progress
    from conformance.record.case import Record
    from conformance.record.run import Results, ShardRecord
    from conformance.run import Run

SESSION: pytest.StashKey[Session] = pytest.StashKey()
"""Where a config keeps its session."""
SUFFIX = ".case.yaml"
"""By which a case file is known."""
LANE_OF: pytest.StashKey[Callable[[LaneSpec], Lane]] = pytest.StashKey()
"""Where a plugin puts what makes a lane, if lanes outlive the run."""


class Session:
    """What one pytest process knows of a run; under xdist the controller's holds the records of all workers."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.started = datetime.now(UTC)
        self.clock = time.monotonic()
        self.paths: dict[str, str] = {}
        """Case id to the file that it came from, to find ids used twice."""
        self.selected: dict[str, list[str]] = {}
        """Case id to the lanes whose items are selected, in the order of collection."""
        self.records: dict[str, Record] = {}
        self.identities: dict[str, Any] = {}
        self.unavailable: dict[str, dict[str, str]] = {}
        """The lanes that cannot start, each with `message` and `hint`."""
        self.has_met_lanes = False
        self.journal: Journal | None = None
        self.killed: list[tuple[Path, str]] = []
        """Results of earlier runs that were killed, as they were found when this one began to write."""
        self.cannot_write = ""
        self.files: set[Path] = set()
        """Case files that were collected."""
        self.deselected = 0
        self.shard: ShardRecord | None = None
        """Which part of which whole is run here."""
        self.known_cases: list[str] | None = None
        """The ids of all cases of the project; None unless the run was asked for every one of them."""
        self.standings: list[Standing] = []
        self.is_warm = False
        self.warmed: dict[str, Lane] = {}
        """Lanes that were started before it was known what is selected."""
        self.told: dict[tuple[str, ...], str] = {}
        """Case and cause to the lane under which a failure was told with all lanes."""
        self.layer_types: set[str] = set()
        """Layers of the cases that were collected, selected or not."""
        self.bad: dict[str, str] = {}
        """The cases and files that could not be asked, each with every mistake in it."""
        self.has_unreadable = False
        """Whether something was collected that cannot be read, selected or not."""
        self.progress: Progress | None = None
        """What says how far the run is, where another command says what came of it."""
        self.report_remark = ""
        """What is to be said of the report's size."""
        self._run: Run | None = None

    @property
    def is_controller(self) -> bool:
        """The process that writes results: the only one, or the one that xdist's workers report to."""
        return not hasattr(self.config, "workerinput")

    @property
    def has_workers(self) -> bool:
        return self.config.pluginmanager.hasplugin("dsession")

    @property
    def run(self) -> Run:
        if self._run is None:
            from conformance.lanes.environments import cache_folder
            from conformance.repro.kept import with_scripts
            from conformance.run import Run

            option = self.config.getoption
            specs, excuses = self.specs, self.excuses
            self._run = Run(
                specs,
                option("in_process") or [],
                lambda record, lanes: excuses.apply(record, specs, lanes),
                with_relations=option("relations"),
                explains_known=option("explain_known"),
                kept_in=None if option("no_cache") else cache_folder() / "answers",
                scripts=None if option("no_explanations") else with_scripts,
                explains=not option("no_explanations"),
                lane_of=self.lane_of,
                warm=self.warmed,
            )
        return self._run

    @cached_property
    def lane_of(self) -> Callable[[LaneSpec], Lane]:
        """What makes a lane: in one process where pytest runs in several itself, else in as many as pay."""
        from conformance.lanes.crew import Cores
        from conformance.lanes.process import ProcessLane

        one_or_more = Cores(most=self.config.getoption("lane_processes")).lane if self.is_controller else ProcessLane
        return self.config.stash.get(LANE_OF, one_or_more)

    @cached_property
    def index(self) -> Index | None:
        """What is known of case files before they are read; None where nothing is to be kept."""
        if self.config.getoption("no_cache"):
            return None
        from conformance.case.index import Index
        from conformance.lanes.environments import cache_folder

        return Index(cache_folder() / "collected")

    @cached_property
    def specs(self) -> tuple[LaneSpec, ...]:
        """The lanes of the run. Raises UsageError for a name or a specification that means none."""
        from conformance.gate.options import asked_lanes
        from conformance.lanes.known import lane_specs

        return lane_specs(*asked_lanes(self.config, lane_names(self.config)))

    @cached_property
    def excuses(self) -> Excuses:
        """The known deviations. Raises ConformanceError for a bad folder or file."""
        from conformance.gate.options import Excuses

        return Excuses(self.config)

    @cached_property
    def score(self) -> dict[str, Any] | None:
        """The score against mutants that goes into the results. Raises ResultsError for a file that is none."""
        path = self.config.getoption("mutants")
        if path is None:
            return None
        from conformance.record.scored import read_score

        return read_score(path)

    @cached_property
    def baseline(self) -> Results | None:
        """Results of an earlier run, to compare with. Raises ConformanceError for a bad file."""
        path = self.config.getoption("baseline")
        if path is None:
            return None
        from conformance.results import read

        return read(path)

    def warm(self) -> None:
        """Starts the lanes' imports with the first case file, so that they go on while the rest is collected."""
        if not self.is_warm and not self.has_workers and not self.config.getoption("collectonly"):
            from conformance.lanes.known import allowing
            from conformance.lanes.warm import warmed

            self.is_warm = True
            here = self.config.getoption("in_process") or []
            self.warmed = warmed([allowing(spec) for spec in self.specs if spec.name not in here], self.lane_of)

    def meet_lanes(self) -> None:
        """Waits until every lane's framework is imported, and learns which lanes cannot start."""
        if self.has_met_lanes:
            return
        self.has_met_lanes = True
        errors: dict[str, LaneUnavailable] = {}
        try:
            self.identities = dict(self.run.identities())
        except LaneUnavailable as error:
            errors[REFERENCE] = error
        errors.update(self.run.unavailable)
        self.lost({name: {"message": error.message, "hint": error.hint or ""} for name, error in errors.items()})

    def lost(self, lanes: dict[str, dict[str, str]]) -> None:
        """Takes note of lanes that cannot start."""
        new = {name: why for name, why in lanes.items() if name not in self.unavailable}
        self.unavailable.update(new)
        if new and self.journal is not None:
            self.journal.add(unavailable=new)

    def why_missing(self, lane: str) -> dict[str, str] | None:
        """Why a lane's items do not run: it cannot start, or the reference cannot; None where they do."""
        self.meet_lanes()
        return self.unavailable.get(lane) or self.unavailable.get(REFERENCE)

    def keep(self, record: Record) -> None:
        """Keeps a case's record; the writing process writes it to the journal too."""
        if record.id in self.records:
            return
        self.records[record.id] = record
        if self.progress is not None:
            self.progress.tick(len(self.records), len(self.selected))
        results = self.config.getoption("results")
        if results is None or not self.is_controller:
            return
        if self.journal is None:
            self.journal = self._begun_journal(results)
        self.journal.add(record=record, seconds=time.monotonic() - self.clock)

    def about(self) -> dict[str, Any]:
        """What results say of the run as a whole, as far as it is known before its end."""
        from conformance.results import command_line

        return {
            "started": self.started.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "command": command_line(),
            "is_full": self.known_cases is not None,
            "shard": self.shard,
            "seed": self.config.getoption("seed"),
        }

    def _begun_journal(self, results: Path) -> Journal:
        """What is measured, written down from now on beside where the results will stand.

        What an earlier run left there that was killed becomes results of its own first.
        """
        from conformance.journal import Journal, recover
        from conformance.results import environment

        self.killed = recover(results.parent)
        header = {
            "selected": self.selected,
            "lanes": [_lane(spec) for spec in self.specs],
            "run": {**self.about(), "known_environment": environment()},
        }
        journal = Journal(results, header)
        journal.add(identities=plain_identities(self.identities), unavailable=self.unavailable)
        return journal

    def learn(self, identities: dict[str, dict[str, Any]]) -> None:
        """Takes what a worker says that its lanes proved to be."""
        from conformance.protocol.adapter import Identity

        new = {name: Identity(**identity) for name, identity in identities.items() if name not in self.identities}
        self.identities.update(new)
        if new and self.journal is not None:
            self.journal.add(identities={name: identities[name] for name in new})

    def stop(self) -> None:
        if self._run is not None:
            self._run.stop()
        else:
            for lane in self.warmed.values():
                lane.stop()
        self.warmed = {}


def _lane(spec: LaneSpec) -> dict[str, Any]:
    """What a journal says of a lane before it has proved anything."""
    return {
        "name": spec.name,
        "adapter": spec.adapter,
        "options": {"settings": dict(spec.options.get("settings", {}))},
    }


def plain_identities(identities: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What lanes proved to be, in types that travel."""
    return {
        name: {key: value for key, value in dataclasses.asdict(found).items() if key != "chatter"}
        for name, found in identities.items()
    }


def lane_names(config: pytest.Config) -> list[str]:
    """The lanes asked for: `--lanes`, else the ini file's `conformance_lanes` unless there are `--lane`s instead."""
    given = config.getoption("lanes")
    if given or config.getoption("lane"):
        return [name for name in (given or "").split(",") if name]
    return list(config.getini("conformance_lanes"))
