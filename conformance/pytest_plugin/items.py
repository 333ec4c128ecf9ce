"""Case files and cases as pytest sees them: one item per (case, lane)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conformance.errors import CaseError, ConformanceError, LaneUnavailable, Problem
from conformance.gate.options import known_text, stale_text
from conformance.pytest_plugin.session import SESSION
from conformance.record.case import Record

if TYPE_CHECKING:
    from conformance.case.model import Case


class Disagreement(Exception):
    """A lane's verdict that fails its item; carries the text to show."""


class CaseFile(pytest.File):
    """A file of cases."""

    def collect(self) -> Iterator[CaseItem | BadCaseItem]:
        """An item a case and lane; of what cannot be read one item, which fails with every mistake in it."""
        from conformance.case.load import load_parts
        from conformance.run import is_meant, takes_part

        session = self.config.stash[SESSION]
        session.files.add(self.path)
        try:
            specs = session.specs
            session.warm()
        except ConformanceError as error:
            raise self.CollectError(str(error)) from None
        try:
            loaded = load_parts(self.path, display=self._display())
        except CaseError as error:
            yield self._bad(self.path.name, 1, error)
            return
        for bad in loaded.bad:
            yield self._bad(bad.id, bad.position.line, bad.error)
        seed = self.config.getoption("seed")
        for case in [case.at_seed(seed) for case in loaded.cases]:
            session.layer_types.update(case.layer_types)
            other = session.paths.setdefault(case.id, str(case.position))
            if other != str(case.position):
                twice = Problem(case.position, f"id {case.id} is used twice; first at {other}")
                yield self._bad(case.id, case.position.line, CaseError([twice]))
                continue
            for spec in specs:
                if takes_part(spec, case):
                    name = f"{case.id}[{spec.name}]"
                    item: CaseItem = CaseItem.from_parent(
                        self, name=name, nodeid=f"{self.nodeid}::{name}", case=case, lane=spec.name
                    )
                    item.is_left_out = not is_meant(spec, case)
                    yield item

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

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str:
        return str(excinfo.value)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.line - 1, self.name


class CaseItem(pytest.Item):
    """One case in one lane."""

    def __init__(self, *, case: Case, lane: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.case = case
        self.lane = lane
        self.record: Record | None = None
        self.extra_keyword_matches.update(case.tags, case.layer_types, [lane])
        for layer in case.layer_types:
            self.add_marker(pytest.mark.layer(name=layer))
        self.add_marker(pytest.mark.lane(name=lane))
        self.is_left_out = False

    def setup(self) -> None:
        """A lane that cannot start gives no verdict: its items end here, counted as not run."""
        if not self.is_left_out and (why := self.config.stash[SESSION].why_missing(self.lane)) is not None:
            raise LaneUnavailable(why["message"], why["hint"] or None)

    def runtest(self) -> None:
        if self.is_left_out:
            pytest.skip(f"the case is for {', '.join(self.case.lanes)} only")
        self.record = record = self.config.stash[SESSION].run.record(self.case)
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

    def _told(self, record: Record) -> str:
        """The failure with all lanes; of what an earlier lane was told of, only this lane's own first line."""
        from conformance.report.text import headline, lane_failure

        finding = next(iter(record.lanes[self.lane].findings), None)
        cause = (self.case.id, *((finding.aspect, finding.kind, finding.node) if finding is not None else ()))
        first = self.config.stash[SESSION].told.setdefault(cause, self.lane)
        if first == self.lane:
            return lane_failure(record, self.lane)
        return f"{headline(record, self.lane)}\n  told with all lanes at {self.case.id}[{first}]"

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str:
        if isinstance(excinfo.value, Disagreement | ConformanceError | CaseError):
            return str(excinfo.value)
        if isinstance(excinfo.value, pytest.xfail.Exception):  # pytest would read the source of its own frames for it
            return excinfo.value.msg or ""
        return str(excinfo.getrepr(style="short", tbfilter=True))

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.case.position.line - 1, self.name
