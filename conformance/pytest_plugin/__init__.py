"""pytest is the runner: one item per (case, lane). The plugin drives the pipeline and holds no logic of its own.

    options    what a run is asked by
    sharing    what one process of `pytest -n` takes together
    session    what one pytest process knows of a run
    items      case files and cases
    hints      what was meant, where nothing is selected
    progress   how far a run is, for commands that run pytest
    writing    results and report, when the run has ended

Nothing heavy is imported here or while collecting: no framework, and the report only when it is written.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conformance import imports, suite
from conformance.errors import CaseError, ConformanceError, Exit, LaneUnavailable, UsageError
from conformance.gate.options import is_full_run, split
from conformance.lanes import garbage
from conformance.lanes.machine import cores
from conformance.pytest_plugin import options
from conformance.pytest_plugin.hints import hint_for_processes, hints_for_ids, hints_for_words
from conformance.pytest_plugin.items import CaseFile, CaseItem
from conformance.pytest_plugin.progress import Progress
from conformance.pytest_plugin.session import SESSION, SUFFIX, Session, lane_names, plain_identities
from conformance.pytest_plugin.sharing import blocks, case_of
from conformance.pytest_plugin.writing import settle_deviations, write_causes, write_files

if TYPE_CHECKING:
    from conformance.case.model import Case


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add(parser)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "layer(name): cases that use this layer; select with -m \"layer(name='Conv1D')\""
    )
    config.addinivalue_line("markers", "lane(name): items of this lane; select: -m \"lane(name='torch')\"")
    try:
        imports.of_project(config.rootpath / "pyproject.toml")
    except imports.NotAllowed as error:
        raise pytest.UsageError(f"{error}\n   = help: {error.hint}") from None
    config.stash[SESSION] = Session(config)
    config.add_cleanup(garbage.undone())  # asked for before pytest's own, and so the last
    garbage.leave_out_at_exit()


def pytest_load_initial_conftests(args: list[str]) -> None:
    """The suite's own cases in the place of `--suite`, before any argument is taken for a path."""
    suite.asked(args)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> CaseFile | None:
    if file_path.name.endswith(SUFFIX):
        return CaseFile.from_parent(parent, path=file_path)
    return None


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
        cases = [item.case_id for item in items if isinstance(item, CaseItem) and not item.is_left_out]
        from conformance.gate.shards import describe

        state.shard = describe(*shard, cases, is_full)
    if others:
        gone = set(map(id, others))
        items[:] = [item for item in items if id(item) not in gone]
        config.hook.pytest_deselected(items=others)


def pytest_deselected(items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, CaseItem):
            item.config.stash[SESSION].deselected += 1


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Where pytest finds no item of a name, the names are said that come near it."""
    try:
        return (yield)
    except pytest.UsageError as error:
        state = session.config.stash[SESSION]
        raise pytest.UsageError(*error.args, *hints_for_ids(session.config.args, state.paths)) from None


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Announces the selected cases, and starts the lanes' imports before the first item runs."""
    state = session.config.stash[SESSION]
    chosen = [item for item in session.items if isinstance(item, CaseItem) and not item.is_left_out]
    for item in chosen:
        state.selected.setdefault(item.case_id, []).append(item.lane)
    runs_here = bool(chosen) and not session.config.getoption("collectonly") and not state.has_workers
    order = {case.id: (case, state.selected[case.id]) for case in _readable(chosen, state)} if runs_here else {}
    if not state.has_unreadable and is_full_run(
        session.config.rootpath, state.files, session.config.args, state.deselected
    ):
        state.known_cases = [*state.paths, *suite.ids_made(session.config.rootpath)]
    if runs_here:
        state.run.announce(list(order.values()), _together(chosen, session))
        state.run.start()
        garbage.leave_out()


def _together(chosen: Sequence[CaseItem], session: pytest.Session) -> dict[str, str] | None:
    """Under xdist, each case's block of what this process takes as a whole; None where it takes everything."""
    told = getattr(session.config, "workerinput", None)
    if told is None:
        return None
    found = blocks((item.nodeid for item in session.items), told["workercount"], told["conformance_dist"])
    return {item.case_id: found[case_of(item.nodeid)] for item in chosen}


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tells each of xdist's workers how items are shared out."""
    node.workerinput["conformance_dist"] = node.config.getoption("dist")


def _readable(items: Sequence[CaseItem], state: Session) -> Iterator[Case]:
    """The cases of these items. One whose data have gone since it was listed is told by its own items."""
    for item in items:
        try:
            yield item.case
        except CaseError:
            state.has_unreadable = True


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Waits for the lanes before the first item; those that cannot start are left out, and the run goes on."""
    state = session.config.stash[SESSION]
    if state.selected and state.is_controller and not state.has_workers and not session.config.getoption("collectonly"):
        state.meet_lanes()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Sends the case's record along with its first item, as plain JSON, so that it survives xdist."""
    report = yield
    state = item.config.stash[SESSION]
    if call.excinfo is not None and isinstance(call.excinfo.value, CaseError):
        name = item.case_id if isinstance(item, CaseItem) else item.name
        report.conformance_bad = {name: str(call.excinfo.value)}  # type: ignore[attr-defined]  # as below
    if not isinstance(item, CaseItem):
        return report
    if call.excinfo is not None and isinstance(call.excinfo.value, LaneUnavailable):
        report.conformance_unavailable = state.unavailable  # type: ignore[attr-defined]  # as below
    elif call.when == "call" and item.record is not None and item.case_id not in state.records:
        if not state.records:
            report.conformance_identities = plain_identities(state.identities)  # type: ignore[attr-defined]  # as below
        state.keep(item.record)
        if not state.is_controller:
            from conformance.form import to_json

            report.conformance_record = to_json(item.record)  # type: ignore[attr-defined]  # travels with the report
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if _controller is None:
        return
    _controller.learn(getattr(report, "conformance_identities", {}))
    _controller.lost(getattr(report, "conformance_unavailable", {}))
    _controller.bad.update(getattr(report, "conformance_bad", {}))
    if (record := getattr(report, "conformance_record", None)) is not None:
        from conformance.form import from_json
        from conformance.record.case import Record

        _controller.keep(from_json(Record, record))


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
    """Items of a lane that cannot start are neither failures of their cases nor skipped.

    A command that runs pytest says itself what came of the cases: no letter here may contradict it.
    """
    if _controller is not None and _controller.progress is not None and f"{SUFFIX}::" in report.nodeid:
        return "", "", ("", {})
    if hasattr(report, "conformance_unavailable"):
        return "not run", "-", ("NOT RUN", {"red": True})
    return None


def holds_cases(arguments: Sequence[str]) -> bool:
    """Whether case files are asked for, as far as that can be told without collecting: a lane may start then."""
    for argument in arguments:
        path = Path(argument.partition("::")[0])
        if path.name.endswith(SUFFIX):
            return True
        if path.is_dir() and any(next(path.glob(where), None) for where in (f"*{SUFFIX}", f"*/*{SUFFIX}")):
            return True
    return False


_controller: Session | None = None
"""The writing process's session: pytest hands reports over without their config."""


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    global _controller
    state = session.config.stash[SESSION]
    if state.is_controller:
        _controller = state
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if session.config.getoption("progress") and reporter is not None:
            state.progress = Progress(reporter.write_line)
    asked = session.config.getoption("lane") or session.config.getoption("lanes")
    try:
        _ = state.specs if asked else ()
        if holds_cases(session.config.args):
            with suppress(ConformanceError):  # collecting says it
                state.warm()
        _ = state.excuses, state.baseline, state.score
    except UsageError as error:  # pytest's own exit code for it is ours, and it says it once
        raise pytest.UsageError(str(error)) from None
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
        if (shard := output.get("conformance_shard")) is not None:
            from conformance.form import from_json
            from conformance.record.run import ShardRecord

            _controller.shard = from_json(ShardRecord, shard)
        _controller.known_cases = output.get("conformance_known_cases") or _controller.known_cases


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keeps the lanes of a case in one worker, and cases by the block; everything else spreads as usual."""
    if config.getoption("dist") != "load":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class ByBlock(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
        """Groups items of one case, and cases that follow each other."""

        @cached_property
        def _blocks(self) -> Mapping[str, str]:
            return blocks(self.collection, self.numnodes, "load")

        def _split_scope(self, nodeid: str) -> str:
            return self._blocks.get(case_of(nodeid), nodeid)

    return ByBlock(config, log)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    state = session.config.stash[SESSION]
    if not state.is_controller:
        output = session.config.workeroutput  # type: ignore[attr-defined]  # xdist adds it to a worker's config
        output["conformance_selected"] = state.selected
        output["conformance_known_cases"] = state.known_cases
        from conformance.form import to_json

        output["conformance_shard"] = to_json(state.shard)
    elif state.unavailable and exitstatus in (Exit.OK, Exit.DISAGREE):
        session.exitstatus = Exit.UNAVAILABLE
    elif state.bad and exitstatus in (Exit.OK, Exit.DISAGREE):
        session.exitstatus = Exit.BAD_INPUT
    if state.index is not None:
        state.index.trim()
    if state.is_controller and state.selected and not state.config.getoption("collectonly"):
        settle_deviations(state, session)
        write_files(state, session, int(exitstatus))
        garbage.leave_out()  # pytest looks for what is left five times, and here are a million records
    state.stop()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Ends what runs where a session could not begin: pytest does not finish what it has not started."""
    if (state := config.stash.get(SESSION, None)) is not None:
        state.stop()


def pytest_report_header(config: pytest.Config) -> list[str]:
    seed = config.getoption("seed")
    drawn = f", arrays drawn with seed {seed}" if seed else ""
    lanes = f"conformance: lanes {', '.join([*lane_names(config), *config.getoption('lane')])}{drawn}"
    return (
        [lanes, *hint_for_processes(len(config.getoption("tx", None) or ()), cores())]
        if holds_cases(config.args)
        else [lanes]
    )


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    state = config.stash[SESSION]
    if not state.selected:
        names = lane_names(config)
        for line in hints_for_words(config.option.markexpr, config.option.keyword, state, names):
            terminalreporter.write_line(line, yellow=True)
        return
    for name, why in state.unavailable.items():
        given = sum(name in lanes for lanes in state.selected.values())
        terminalreporter.write_line(f"lane {name}: ran 0 of {given} cases: {why['message']}", red=True, bold=True)
        terminalreporter.write_line(f"   = help: {why['hint']}" if why["hint"] else "", red=True)
    for name, identity in state.identities.items() if state.progress is None else ():
        versions = ", ".join(f"{package} {version}" for package, version in identity.versions.items())
        ways = "".join(
            f", {way}" for way, usual in ((identity.mode, "eager"), (identity.policy, "float32")) if way != usual
        )
        terminalreporter.write_line(f"lane {name}: {versions}{ways}")
    if state.progress is None:
        write_causes(terminalreporter, state)
    else:
        for message in state.bad.values():
            terminalreporter.write_line(message)
    if state.index is not None and (damaged := state.index.damaged):
        files = f"{damaged} case file{'' if damaged == 1 else 's'}"
        terminalreporter.write_line(f"the lists of {files} were damaged, and made again")
    missing = len(state.selected) - len(state.records)
    if missing and not config.getoption("collectonly"):
        terminalreporter.write_line(f"{missing} of {len(state.selected)} cases did not run", yellow=True)
    for message, fails in state.excuses.messages(state.standings):
        terminalreporter.write_line(message, red=fails, yellow=not fails)
    for path, words in state.killed:
        terminalreporter.write_line(f"{path}: {words}", yellow=True)
    if state.journal is not None and state.journal.problem:
        terminalreporter.write_line(state.journal.problem, yellow=True)
    if state.cannot_write:
        terminalreporter.write_line(state.cannot_write, red=True, bold=True)
        return
    for option in ("results", "report"):
        # a hidden file belongs to the command that runs pytest, which moves it to where its user asked for it
        if (path := config.getoption(option)) is not None and not path.name.startswith("."):
            terminalreporter.write_line(f"{option}: {path}")
    if state.report_remark:
        terminalreporter.write_line(state.report_remark, yellow=True)
