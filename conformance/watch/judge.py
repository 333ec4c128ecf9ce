"""What runs in the judging process: one pytest run a round, over lanes that another process holds.

A case is judged where its content, the deviations that cover it or the code have changed since it was judged last.
"""

from __future__ import annotations

import hashlib
import importlib
import sys
import time
import traceback
from collections.abc import Generator, Mapping
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from conformance.errors import Position
from conformance.gate.options import FOLDER
from conformance.lanes.worker import imported_files
from conformance.pytest_plugin.items import BadCaseItem, CaseItem
from conformance.pytest_plugin.session import LANE_OF, SESSION
from conformance.watch.remote import Outdated, RemoteLane
from conformance.watch.told import FAILING, Teller
from conformance.watch.wire import Pipe

NEEDED = ("conformance.case.load", "conformance.repro.kept", "conformance.run")
"""Imported before pytest is: what a round cannot do without, so that one of ours that no longer imports is one line."""
_NOWHERE = Position("", 0, 0)


class Round:
    """The plugin of one round: hands the lanes over, leaves out what is judged already, tells what came of the rest."""

    def __init__(self, pipe: Pipe, generation: int, known: Mapping[str, str], before: Mapping[str, Any]) -> None:
        self._pipe, self._generation, self._known, self._before = pipe, generation, known, before
        self.teller = Teller(before)
        self.judged: dict[str, str] = {}
        """The cases of this round with what each was judged for."""
        self.ids: list[str] = []
        """All cases that are selected, judged already or not."""
        self.deviations: list[str] = []
        self.is_outdated = False
        self.is_begun = False
        """Whether the cases were read; where not, why is said."""
        self._asked: dict[str, str] = {}
        self._left: dict[str, int] = {}
        self._items: dict[str, pytest.Item] = {}

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[LANE_OF] = lambda spec: RemoteLane(spec, self._pipe)
        terminal = config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None:
            config.pluginmanager.unregister(terminal)
        given = config.getoption("deviations")
        self.deviations = [str(config.rootpath / FOLDER if given is None else Path(given).absolute())]

    @pytest.hookimpl(wrapper=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> Generator[None, None, None]:
        """Leaves out what is judged already. A file that cannot be read is told, whatever was selected by words."""
        files = [item for item in items if isinstance(item, BadCaseItem) and item.name == item.path.name]
        yield
        items += [item for item in files if item not in items]
        state = config.stash[SESSION]
        wanted: list[pytest.Item] = []
        gone: list[pytest.Item] = []
        for item in items:
            if isinstance(item, CaseItem):
                name = item.case_id
                asked = self._asked.setdefault(name, self._fingerprint(item, state.excuses.deviations))
                (gone if self._known.get(name) == asked else wanted).append(item)
            else:
                (wanted if isinstance(item, BadCaseItem) else gone).append(item)
        self.ids, self.is_begun = list(self._asked), True
        if gone:
            config.hook.pytest_deselected(items=gone)
        items[:] = sorted(wanted, key=self._is_calm)
        self._items = {item.nodeid: item for item in items}
        for item in items:
            name = _name(item)
            self._left[name] = self._left.get(name, 0) + 1
        self.teller.begin(len(self._left))

    def _is_calm(self, item: pytest.Item) -> bool:
        """Cases that failed last come first, for they are what somebody is working on."""
        lanes = self._before.get(_name(item), {})
        return not any(word in FAILING for word in lanes.values())

    def _fingerprint(self, item: CaseItem, deviations: Any) -> str:
        covering = [replace(one, position=_NOWHERE, last_line=0) for one in deviations if one.covers(item.case_id)]
        asked = (self._generation, item.case.digest, item.case.question, covering)
        return hashlib.sha256(repr(asked).encode()).hexdigest()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        item = self._items[report.nodeid]
        name = _name(item)
        if report.when == "call" or report.outcome == "failed" or hasattr(report, "conformance_unavailable"):
            lane = item.lane if isinstance(item, CaseItem) else ""
            record = item.record if isinstance(item, CaseItem) else None
            is_missing = hasattr(report, "conformance_unavailable")
            word = "not run" if is_missing else record.lanes[lane].verdict if record is not None else "error"
            if getattr(item, "is_left_out", False):
                word = ""
            text = report.longreprtext if report.failed and not is_missing else ""
            self.teller.add(name, lane, str(word), text)
        if report.when == "teardown":
            self._left[name] -= 1
            if not self._left[name]:
                self._end_of(name)

    def _end_of(self, name: str) -> None:
        lanes = self.teller.end_case(name)
        if name in self._asked and "not run" not in lanes.values():
            self.judged[name] = self._asked[name]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.teller.problem(report.longreprtext)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Something has changed again; or the run cannot begin, and says why."""
        self.is_outdated = isinstance(excinfo.value, Outdated)
        if isinstance(excinfo.value, pytest.exit.Exception):
            self.teller.problem(excinfo.value.msg)

    def pytest_internalerror(self, excrepr: Any) -> None:
        self.teller.problem(str(excrepr).strip().splitlines()[-1])

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        for why in session.config.stash[SESSION].unavailable.values():
            self.teller.problem(why["message"])


def _name(item: pytest.Item) -> str:
    return item.case_id if isinstance(item, CaseItem) else item.name


def judged(order: Mapping[str, Any], pipe: Pipe) -> dict[str, Any]:
    """Runs one round, and says what came of it, in built-in types."""
    if order["forgets"]:
        forget()
    started = time.perf_counter()
    plugin = Round(pipe, order["generation"], order["known"], order["verdicts"])
    arguments = [*order["paths"], *order["options"], "-p", "no:cacheprovider", "--assert=plain"]
    code = int(pytest.main(arguments, plugins=[plugin]))
    if plugin.is_begun and not plugin.is_outdated:
        plugin.teller.end(time.perf_counter() - started, len(plugin.ids))
    return {
        "judged": plugin.judged,
        "verdicts": plugin.teller.verdicts,
        "ids": plugin.ids,
        "files": imported_files(),
        "deviations": plugin.deviations,
        "is_outdated": plugin.is_outdated,
        "code": code,
    }


def forget() -> None:
    """Empties every cache of a function of ours: one may hold the text of a file that has changed."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "conformance":
            for value in list(vars(module).values()):
                if callable(clear := getattr(value, "cache_clear", None)):
                    clear()


def serve(connection: Connection[Any, Any]) -> None:
    """Judges round after round until the other end is gone."""
    pipe = Pipe(connection)
    try:
        while True:
            (order,) = pipe.receive()
            try:
                for name in NEEDED:
                    importlib.import_module(name)
                answer = judged(order, pipe)
            except Exception as error:
                pipe.send("broken", where(error))
                return
            pipe.send("judged", answer)
    except (EOFError, OSError):
        return


def where(error: BaseException) -> str:
    """An error with its place, in one line."""
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}: {type(error).__name__}: {error.msg}"
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}: " if frames else ""
    return f"{place}{type(error).__name__}: {error}".partition("\n")[0]
