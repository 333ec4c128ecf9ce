"""Results of fakes, for the tests of the gate: real records of a lane that answers wrongly in one named way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from conformance.results import assemble, lane_row
from conformance.run import Run
from tests.builders import POOLED, cases_of, fake, running

CASE = "fam/topic.masked"
OTHER = "fam/topic.other"
TWO = POOLED + POOLED[POOLED.index("      - id: masked") :].replace("id: masked", "id: other")
"""Two cases that ask the same."""


def results_of(
    folder: Path,
    behaviour: str = "always_right",
    *,
    text: str = TWO,
    only: str | None = None,
    lane: str = "lane",
    versions: Mapping[str, str] | None = None,
    not_run: Sequence[str] = (),
    is_complete: bool = True,
) -> dict[str, Any]:
    """What a run of these cases in one lane beside the reference writes; the lane's behaviour befalls `only` one."""
    cases = cases_of(text, folder)
    spec = replace(fake(behaviour, **({"only": only} if only else {})), name=lane)
    with running(spec) as run:
        run.announce([(case, [lane]) for case in cases])
        records = [run.record(case) for case in cases if case.id not in not_run]
        rows = _rows(run, records)
    for row in rows:
        if row["name"] == lane and versions is not None:
            row["versions"] = dict(versions)
    return assemble(
        records=records,
        lanes=rows,
        started="2026-11-21T12:00:00Z",
        seconds=1.0,
        command="pytest",
        not_run=dict.fromkeys(not_run, "interrupted"),
        is_complete=is_complete,
    )


def _rows(run: Run, records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    identities = run.identities()
    return [lane_row(spec, identities[spec.name], len(records), records) for spec in run.specs]
