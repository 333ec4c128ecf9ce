"""pytest is the runner: one item per (case, lane). The plugin drives the pipeline and holds no logic of its own.

Nothing heavy is imported here or while collecting: no framework, and the report only when it is written.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conformance.errors import CaseError, ConformanceError, Exit, LaneUnavailable
from conformance.gate.options import add_options, is_full_run, known_text, split, stale_text
from conformance.gate.shards import describe

if TYPE_CHECKING:
    from conformance.case.model import Case
    from conformance.gate.ledger import Standing
    from conformance.gate.options import Excuses
    from conformance.lanes.process import LaneSpec
    from conformance.run import Run

SUFFIX = ".case.yaml"
SESSION: pytest.StashKey[Session] = pytest.StashKey()


class Disagreement(Exception):
    """A lane's verdict that fails its item; carries the text to show."""


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

    def stop(self) -> None:
        if self._run is not None:
            self._run.stop()


def lane_names(config: pytest.Config) -> list[str]:
    """The lanes asked for: `--lanes`, else the ini file's `conformance_lanes` unless there are `--lane`s instead."""
    given = config.getoption("lanes")
    if given or config.getoption("lane"):
        return [name for name in (given or "").split(",") if name]
    return list(config.getini("conformance_lanes"))


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance", "conformance: cases in *.case.yaml through several lanes")
    group.addoption("--lanes", metavar="A,B", help="lanes to run, e.g. keras,torch (the NumPy reference always runs)")
    group.addoption("--results", type=Path, metavar="FILE", help="write results.json here")
    group.addoption("--report", type=Path, metavar="FILE", help="write the HTML report here")
    group.addoption(
        "--in-process",
        action="append",
        metavar="LANE",
        help="run this lane in the pytest process, for a debugger (no isolation, no time limit)",
    )
    add_options(group)
    group.addoption(
        "--relations",
        action="store_true",
        help="run each case several times more and ask which relations between the runs every lane keeps",
    )
    parser.addini("conformance_lanes", "lanes that run by default", type="args", default=["keras", "torch", "numpy"])


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "layer(name): cases that use this layer; select with -m \"layer(name='Conv1D')\""
    )
    config.addinivalue_line("markers", "lane(name): items of this lane; select: -m \"lane(name='torch')\"")
    config.stash[SESSION] = Session(config)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> CaseFile | None:
    if file_path.name.endswith(SUFFIX):
        return CaseFile.from_parent(parent, path=file_path)
    return None


class CaseFile(pytest.File):
    """A file of cases."""

    def collect(self) -> Iterator[CaseItem]:
        from conformance.case.load import load_file
        from conformance.run import is_meant, takes_part

        session = self.config.stash[SESSION]
        session.files.add(self.path)
        try:
            cases = load_file(self.path, display=self._display())
            specs = session.specs
        except ConformanceError as error:
            raise self.CollectError(str(error)) from None
        for case in cases:
            other = session.paths.setdefault(case.id, str(case.position))
            if other != str(case.position):
                raise self.CollectError(f"{case.position}: error: id {case.id} is used twice; first at {other}")
            for spec in specs:
                if takes_part(spec, case):
                    name = f"{case.id}[{spec.name}]"
                    item: CaseItem = CaseItem.from_parent(
                        self, name=name, nodeid=f"{self.nodeid}::{name}", case=case, lane=spec.name
                    )
                    item.is_left_out = not is_meant(spec, case)
                    yield item

    def _display(self) -> str:
        try:
            return self.path.relative_to(self.config.rootpath).as_posix()
        except ValueError:
            return self.path.as_posix()


class CaseItem(pytest.Item):
    """One case in one lane."""

    def __init__(self, *, case: Case, lane: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.case = case
        self.lane = lane
        self.record: dict[str, Any] | None = None
        self.extra_keyword_matches.update(case.tags, case.layer_types, [lane])
        for layer in case.layer_types:
            self.add_marker(pytest.mark.layer(name=layer))
        self.add_marker(pytest.mark.lane(name=lane))
        self.is_left_out = False

    def runtest(self) -> None:
        from conformance.report.text import lane_failure

        if self.is_left_out:
            pytest.skip(f"the case is for {', '.join(self.case.lanes)} only")
        session = self.config.stash[SESSION]
        if session.unavailable is not None:
            raise LaneUnavailable(session.unavailable)
        try:
            self.record = session.run.record(self.case)
        except LaneUnavailable as error:
            session.unavailable = str(error)
            raise
        found = self.record["lanes"][self.lane]
        if found["verdict"] == "unsupported":
            pytest.skip(f"unsupported: {found['reason']}")
        if found["verdict"] == "known":
            pytest.xfail(known_text(found["deviation"]))
        if found["verdict"] == "stale":
            raise Disagreement(stale_text(found["deviation"]))
        if found["verdict"] != "agree":
            raise Disagreement(lane_failure(self.record, self.lane))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str:
        if isinstance(excinfo.value, Disagreement | ConformanceError | CaseError):
            return str(excinfo.value)
        return str(excinfo.getrepr(style="short", tbfilter=True))

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.case.position.line - 1, self.name


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keeps the cases of this shard; which whole they are a part of goes into the results."""
    state = config.stash[SESSION]
    try:
        others, shard = split(config, items, CaseItem)
    except ConformanceError as error:
        raise pytest.UsageError(str(error)) from None
    if shard is not None:
        is_full = is_full_run(config.rootpath, state.files, config.args, state.deselected)
        cases = [item.case.id for item in items if isinstance(item, CaseItem) and not item.is_left_out]
        state.shard = describe(*shard, cases, is_full)
    if others:
        gone = set(map(id, others))
        items[:] = [item for item in items if id(item) not in gone]
        config.hook.pytest_deselected(items=others)


def pytest_deselected(items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, CaseItem):
            item.config.stash[SESSION].deselected += 1


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Announces the selected cases, and starts the lanes' imports before the first item runs."""
    state = session.config.stash[SESSION]
    order: dict[str, tuple[Case, list[str]]] = {}
    for item in session.items:
        if isinstance(item, CaseItem) and not item.is_left_out:
            order.setdefault(item.case.id, (item.case, []))[1].append(item.lane)
    state.selected = {case_id: lanes for case_id, (_, lanes) in order.items()}
    if is_full_run(session.config.rootpath, state.files, session.config.args, state.deselected):
        state.known_cases = list(state.paths)
    if order and not session.config.getoption("collectonly") and not state.has_workers:
        state.run.announce(list(order.values()))
        state.run.start()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """A lane that cannot start ends the run before it begins: exit code 4 and one message, not a thousand failures."""
    state = session.config.stash[SESSION]
    if state.selected and state.is_controller and not state.has_workers and not session.config.getoption("collectonly"):
        try:
            state.identities = dict(state.run.identities())
        except LaneUnavailable as error:
            state.unavailable = str(error)
            pytest.exit(str(error), returncode=Exit.UNAVAILABLE)
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Sends the case's record along with its first item, as plain JSON, so that it survives xdist."""
    report = yield
    state = item.config.stash[SESSION]
    if isinstance(item, CaseItem) and call.when == "call":
        if state.unavailable is not None:
            report.conformance_unavailable = state.unavailable  # type: ignore[attr-defined]  # as below
        if item.record is not None and item.case.id not in state.records:
            state.records[item.case.id] = item.record
            report.conformance_record = item.record  # type: ignore[attr-defined]  # travels with the report
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if _controller is None:
        return
    if (record := getattr(report, "conformance_record", None)) is not None:
        _controller.records.setdefault(record["id"], record)
    if (unavailable := getattr(report, "conformance_unavailable", None)) is not None:
        _controller.unavailable = unavailable
        workers = _controller.config.pluginmanager.getplugin("dsession")
        if workers is not None:
            workers.shouldstop = unavailable


_controller: Session | None = None
"""The writing process's session: pytest hands reports over without their config."""


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    global _controller
    state = session.config.stash[SESSION]
    if state.is_controller:
        _controller = state
    try:
        _ = state.excuses
    except ConformanceError as error:
        pytest.exit(str(error), returncode=error.exit)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: list[str]) -> None:
    """Under xdist the controller collects nothing itself: what is selected, it learns from its workers."""
    if _controller is not None and not _controller.selected:
        for nodeid in ids:
            if f"{SUFFIX}::" in nodeid:
                case_id, _, lane = nodeid.partition("::")[2].removesuffix("]").rpartition("[")
                _controller.selected.setdefault(case_id, []).append(lane)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Takes what a worker knew and the controller cannot: which frameworks it ran, or which it could not."""
    output = getattr(node, "workeroutput", {})
    if _controller is not None:
        _controller.selected = output.get("conformance_selected") or _controller.selected
        _controller.shard = output.get("conformance_shard") or _controller.shard
        _controller.known_cases = output.get("conformance_known_cases") or _controller.known_cases
        for name, identity in output.get("conformance_identities", {}).items():
            from conformance.lanes.process import LaneIdentity

            _controller.identities.setdefault(name, LaneIdentity(**identity))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keeps the lanes of a case in one worker, so that a case is run once; everything else spreads as usual."""
    if config.getoption("dist") != "load":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class ByCase(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
        """Groups items of one case."""

        def _split_scope(self, nodeid: str) -> str:
            return nodeid.rpartition("[")[0] if SUFFIX in nodeid else nodeid

    return ByCase(config, log)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    state = session.config.stash[SESSION]
    if not state.is_controller:
        output = session.config.workeroutput  # type: ignore[attr-defined]  # xdist adds it to a worker's config
        output["conformance_selected"] = state.selected
        output["conformance_known_cases"] = state.known_cases
        output["conformance_shard"] = state.shard
        if state._run is not None and state.unavailable is None:
            output["conformance_identities"] = {
                name: {"versions": dict(i.versions), "files": dict(i.files), "gives_masks": i.gives_masks}
                for name, i in state._run.identities().items()
            }
    elif state.unavailable is not None:
        session.exitstatus = Exit.UNAVAILABLE
    if state.is_controller and state.selected and not state.config.getoption("collectonly"):
        _settle_deviations(state, session)
        _write(state, session, int(exitstatus))
    state.stop()


def _settle_deviations(state: Session, session: pytest.Session) -> None:
    """Finds how the known deviations stand; one that is stale, or names no case, fails the run."""
    records = list(state.records.values())
    is_whole = state.known_cases is not None and all(case_id in state.records for case_id in state.selected)
    known_cases = state.known_cases if is_whole else None
    state.standings = state.excuses.standings(records, state.specs, state.identities, known_cases)
    if session.exitstatus == Exit.OK and any(fails for _, fails in state.excuses.messages(state.standings)):
        session.exitstatus = Exit.DISAGREE


def _write(state: Session, session: pytest.Session, exitstatus: int) -> None:
    """Writes what was asked for, complete or not; an interrupted run says what did not run."""
    results_path, report_path = state.config.getoption("results"), state.config.getoption("report")
    if (results_path is None and report_path is None) or state.config.getoption("collectonly"):
        return
    from conformance.results import assemble, command_line, lane_row, write, write_whole

    records = [state.records[case_id] for case_id in state.selected if case_id in state.records]
    missing = [case_id for case_id in state.selected if case_id not in state.records]
    stopped = state.unavailable or str(session.shouldfail or session.shouldstop or "")
    if missing and not stopped:
        stopped = "interrupted" if exitstatus == Exit.BAD_INPUT else "the run ended early"
    rows = [
        lane_row(
            spec,
            state.identities.get(spec.name),
            sum(spec.name in lanes for lanes in state.selected.values()),
            records,
        )
        for spec in state.specs
    ]
    results = assemble(
        records=records,
        lanes=rows,
        started=state.started.strftime("%Y-%m-%dT%H:%M:%SZ"),
        seconds=time.monotonic() - state.clock,
        command=command_line(),
        not_run=dict.fromkeys(missing, stopped),
        is_complete=not missing,
        stopped=stopped if missing else "",
        is_full=state.known_cases is not None,
        shard=state.shard,
        deviations=[
            {"id": item.deviation.id, "kind": item.deviation.kind, "state": item.state, "is_expired": item.is_expired}
            for item in state.standings
        ],
    )
    if results_path is not None:
        write(results, results_path)
    if report_path is not None:
        from conformance.report.html import render

        write_whole(report_path, render(results))


def pytest_report_header(config: pytest.Config) -> str:
    return f"conformance: lanes {', '.join([*lane_names(config), *config.getoption('lane')])}"


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    state = config.stash[SESSION]
    if not state.selected:
        return
    for name, identity in state.identities.items():
        versions = ", ".join(f"{package} {version}" for package, version in identity.versions.items())
        terminalreporter.write_line(f"lane {name}: {versions}")
    missing = len(state.selected) - len(state.records)
    if missing:
        terminalreporter.write_line(f"{missing} of {len(state.selected)} cases did not run", yellow=True)
    for message, fails in state.excuses.messages(state.standings):
        terminalreporter.write_line(message, red=fails, yellow=not fails)
    for option, words in (("results", "results"), ("report", "report")):
        if (path := config.getoption(option)) is not None:
            terminalreporter.write_line(f"{words}: {path}")
    if state.unavailable:
        terminalreporter.write_line(state.unavailable, red=True)
