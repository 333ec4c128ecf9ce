"""What a script is made from: the case, its plan, what the report says of it, and what the reference gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from conformance.case.load import load_file
from conformance.case.model import Case
from conformance.errors import UsageError
from conformance.oracle.run import answer
from conformance.plans.draw import plan_of
from conformance.protocol.observation import Observation
from conformance.protocol.plan import Plan
from conformance.record.case import Record
from conformance.record.run import LaneRow, Results
from conformance.repro.drawn import recipes_of
from conformance.repro.literals import array_text


@dataclass(frozen=True)
class Evidence:
    """One case as it was run: everything that a script of any lane needs. Holds no framework's objects."""

    case: Case
    plan: Plan
    record: Record
    reference: Observation
    lanes: tuple[LaneRow, ...]
    """The lane rows of the results."""

    @cached_property
    def recipes(self) -> Mapping[bytes, str]:
        """The bytes of large arrays to the calls that draw them again."""
        return recipes_of(self.case, self.plan)

    def text(self, array: np.ndarray[Any, Any], indent: int = 0) -> str:
        """An expression for an array of the plan."""
        return self.recipes.get(array.tobytes()) or array_text(array, indent)

    def row(self, lane: str) -> LaneRow:
        """What results say of a lane. Raises UsageError for one that the run did not have."""
        for row in self.lanes:
            if row.name == lane:
                return row
        raise UsageError(f"the results have no lane {lane}", f"lanes: {', '.join(row.name for row in self.lanes)}")


def evidence_of(results: Results, record: Record, root: Path = Path()) -> Evidence:
    """The evidence on a record of results; its case is read again, and its reference computed again.

    Raises UsageError where the case file no longer holds the case that was run: a script of it would be of another
    question.
    """
    path = root / record.path
    if not path.is_file():
        raise UsageError(f"{record.path}: no such file", "run this where the cases of these results are")
    case = next((case for case in _cases(path, path.stat().st_mtime_ns) if case.id == record.id), None)
    if case is None or case.digest != record.digest:
        what = "is not in" if case is None else "has changed in"
        raise UsageError(
            f"{record.id} {what} {record.path} since it was run", "run it again, and take the script from that"
        )
    return evidence_on(replace(case, seed=results.seed), results, record)


def evidence_on(case: Case, results: Results, record: Record) -> Evidence:
    """The evidence on a case that is at hand; its reference is computed again."""
    plan = plan_of(case)
    return Evidence(case, plan, record, answer(plan), tuple(results.lanes))


@lru_cache(maxsize=2)
def _cases(path: Path, changed: int) -> tuple[Case, ...]:
    """The cases of a file; one that has changed since is another one. Records of a file stand together."""
    return load_file(path)
