"""Case files and cases as pytest sees them: one item per (case, lane)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conformance.errors import CaseError, ConformanceError, LaneUnavailable, Position, Problem
from conformance.gate.options import known_text, stale_text
from conformance.pytest_plugin.session import SESSION

if TYPE_CHECKING:
    from _pytest._code.code import TerminalRepr

    from conformance.case.index import Listed
    from conformance.case.load import BadCase, Loaded
    from conformance.case.model import Case
    from conformance.record.case import Record


class Disagreement(Exception):
    """A lane's verdict that fails its item; carries the text to show."""


def told(excinfo: pytest.ExceptionInfo[BaseException]) -> TerminalRepr:
    """The whole text of a failure, of which pytest's short summary takes the first line.

    Of a plain text it takes everything where it runs in CI, so that each failure stands there twice.
    """
    found = excinfo.getrepr(style="value")
    if found.reprcrash is not None:
        found.reprcrash.message = str(excinfo.value).strip().partition("\n")[0]
    return found


class CaseFile(pytest.File):
    """A file of cases."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._cases: dict[str, Case] = {}

    def collect(self) -> Iterator[CaseItem | BadCaseItem]:
        """An item a case and lane; of what cannot be read one item, which fails with every mistake in it.

        A file that is listed is not read before one of its cases is selected.
        """
        from conformance.lanes.known import is_meant, takes_part

        session = self.config.stash[SESSION]
        session.files.add(self.path)
        try:
            specs = session.specs
            session.warm()
        except ConformanceError as error:
            raise self.CollectError(str(error)) from None
        try:
            cases, bad = self._listed()
        except CaseError as error:
            yield self._bad(self.path.name, 1, error)
            return
        for one in bad:
            yield self._bad(one.id, one.position.line, one.error)
        for case in cases:
            session.layer_types.update(case.layer_types)
            position = Position(self._display(), case.line, case.column)
            other = session.paths.setdefault(case.id, str(position))
            if other != str(position):
                twice = Problem(position, f"id {case.id} is used twice; first at {other}")
                yield self._bad(case.id, case.line, CaseError([twice]))
                continue
            for spec in specs:
                if takes_part(spec, case):
                    name = f"{case.id}[{spec.name}]"
                    item: CaseItem = CaseItem.from_parent(
                        self, name=name, nodeid=f"{self.nodeid}::{name}", listed=case, lane=spec.name
                    )
                    item.is_left_out = not is_meant(spec, case)
                    yield item

    def _listed(self) -> tuple[Sequence[Listed], Sequence[BadCase]]:
        """The cases of the file, and those that cannot be read. Raises CaseError for what all its cases share."""
        index = self.config.stash[SESSION].index
        known = None if index is None else index.of(self.path)
        if known is not None:
            return known, ()
        from conformance.case.index import listed

        loaded = self._loaded
        cases = [listed(case) for case in loaded.cases]
        if index is not None and not loaded.bad:
            index.keep(self.path, cases)
        return cases, loaded.bad

    @cached_property
    def _loaded(self) -> Loaded:
        """What the file holds. Raises CaseError for what all its cases share."""
        from conformance.case.load import load_parts

        return load_parts(self.path, display=self._display())

    def case(self, name: str) -> Case:
        """A case of the file, as this run draws it. Raises CaseError for one that cannot be read."""
        if name not in self._cases:
            seed = self.config.getoption("seed")
            bad = {one.id: one.error for one in self._loaded.bad}
            found = next((case for case in self._loaded.cases if case.id == name), None)
            if found is None:
                where = Position(self._display(), 1, 1)
                raise bad.get(name) or CaseError([Problem(where, f"{name} is gone: the file changed meanwhile")])
            self._cases[name] = found.at_seed(seed)
        return self._cases[name]

    def _bad(self, name: str, line: int, error: CaseError) -> BadCaseItem:
        self.config.stash[SESSION].has_unreadable = True
        made: BadCaseItem = BadCaseItem.from_parent(
            self, name=name, nodeid=f"{self.nodeid}::{name}", line=line, error=error
        )
        return made

    def _display(self) -> str:
        try:
            return self.path.relative_to(self.config.rootpath).as_posix()
        except ValueError:
            return self.path.as_posix()


class BadCaseItem(pytest.Item):
    """A case, or a whole file, that cannot be read: it fails at its own place, and all else runs."""

    def __init__(self, *, line: int, error: CaseError, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.line = line
        self.error = error

    def runtest(self) -> None:
        raise self.error

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> TerminalRepr:
        return told(excinfo)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.line - 1, self.name


class CaseItem(pytest.Item):
    """One case in one lane."""

    def __init__(self, *, listed: Listed, lane: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.case_id = listed.id
        self.lane = lane
        self.record: Record | None = None
        self._listed = listed
        self.extra_keyword_matches.update(listed.tags, listed.layer_types, [lane])
        for layer in listed.layer_types:
            self.add_marker(pytest.mark.layer(name=layer))
        self.add_marker(pytest.mark.lane(name=lane))
        self.is_left_out = False

    @property
    def case(self) -> Case:
        """The case, read with its file when it is first asked for. Raises CaseError for one that cannot be read."""
        assert isinstance(self.parent, CaseFile)
        return self.parent.case(self.case_id)

    def setup(self) -> None:
        """A lane that cannot start gives no verdict: its items end here, counted as not run."""
        if not self.is_left_out and (why := self.config.stash[SESSION].why_missing(self.lane)) is not None:
            raise LaneUnavailable(why["message"], why["hint"] or None)

    def runtest(self) -> None:
        if self.is_left_out:
            pytest.skip(f"the case is for {', '.join(self._listed.lanes)} only")
        try:
            self.record = record = self.config.stash[SESSION].run.record(self.case)
        except CaseError as error:
            self._tell_once(error)
            raise
        found = record.lanes[self.lane]
        if found.verdict == "unsupported":
            pytest.skip(f"unsupported: {found.reason}")
        if found.verdict == "not judged":
            from conformance.report.findings import not_judged_text

            pytest.skip(f"not judged: {not_judged_text(record, self.lane)}")
        if found.verdict == "known" and found.deviation is not None:
            pytest.xfail(known_text(found.deviation))
        if found.verdict == "stale" and found.deviation is not None:
            raise Disagreement(stale_text(found.deviation))
        if found.verdict != "agree":
            raise Disagreement(self._told(record))

    def _tell_once(self, error: CaseError) -> None:
        """A mistake that no lane is asked about is told under the first; raises Disagreement with its first line."""
        first = self.config.stash[SESSION].told.setdefault((self.case_id, str(error)), self.lane)
        if first != self.lane:
            head = str(error).strip().partition("\n")[0]
            raise Disagreement(f"{head}\n  told at {self.case_id}[{first}]") from None

    def _told(self, record: Record) -> str:
        """The failure with all lanes; of what an earlier lane was told of, only this lane's own first line."""
        from conformance.report.text import headline, lane_failure

        finding = next(iter(record.lanes[self.lane].findings), None)
        cause = (self.case_id, *((finding.aspect, finding.kind, finding.node) if finding is not None else ()))
        first = self.config.stash[SESSION].told.setdefault(cause, self.lane)
        if first == self.lane:
            return lane_failure(record, self.lane)
        return f"{headline(record, self.lane)}\n  told with all lanes at {self.case_id}[{first}]"

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str | TerminalRepr:
        if isinstance(excinfo.value, Disagreement | ConformanceError | CaseError):
            return told(excinfo)
        if isinstance(excinfo.value, pytest.xfail.Exception):  # pytest would read the source of its own frames for it
            return excinfo.value.msg or ""
        return str(excinfo.getrepr(style="short", tbfilter=True))

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self._listed.line - 1, self.name
