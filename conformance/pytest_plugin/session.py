"""What one pytest process knows of a run."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conformance.gate.ledger import Standing
    from conformance.gate.options import Excuses
    from conformance.lanes.process import LaneSpec
    from conformance.run import Run

SESSION: pytest.StashKey[Session] = pytest.StashKey()
"""Where a config keeps its session."""


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
        self.records: dict[str, dict[str, Any]] = {}
        self.identities: dict[str, Any] = {}
        self.unavailable: str | None = None
        self.files: set[Path] = set()
        """Case files that were collected."""
        self.deselected = 0
        self.shard: dict[str, Any] | None = None
        """Which part of which whole is run here."""
        self.known_cases: list[str] | None = None
        """The ids of all cases of the project; None unless the run was asked for every one of them."""
        self.standings: list[Standing] = []
        self.is_warm = False
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
            from conformance.run import Run

            in_process = self.config.getoption("in_process") or []
            specs, excuses = self.specs, self.excuses
            asks_relations = bool(self.config.getoption("relations"))
            self._run = Run(
                specs, in_process, lambda record, lanes: excuses.apply(record, specs, lanes), asks_relations
            )
        return self._run

    @cached_property
    def specs(self) -> tuple[LaneSpec, ...]:
        """The lanes of the run. Raises UsageError for a name or a specification that means none."""
        from conformance.gate.options import asked_lanes
        from conformance.run import lane_specs

        return lane_specs(*asked_lanes(self.config, lane_names(self.config)))

    @cached_property
    def excuses(self) -> Excuses:
        """The known deviations. Raises ConformanceError for a bad folder or file."""
        from conformance.gate.options import Excuses

        return Excuses(self.config)

    def warm(self) -> None:
        """Starts the lanes' imports with the first case file, so that they go on while the rest is collected."""
        if not self.is_warm and not self.has_workers and not self.config.getoption("collectonly"):
            self.is_warm = True
            self.run.warm()

    def stop(self) -> None:
        if self._run is not None:
            self._run.stop()


def lane_names(config: pytest.Config) -> list[str]:
    """The lanes asked for: `--lanes`, else the ini file's `conformance_lanes` unless there are `--lane`s instead."""
    given = config.getoption("lanes")
    if given or config.getoption("lane"):
        return [name for name in (given or "").split(",") if name]
    return list(config.getini("conformance_lanes"))
