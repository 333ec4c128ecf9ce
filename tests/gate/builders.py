"""Results of fakes, for the tests of the gate: real records of a lane that answers wrongly in one named way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from conformance.form import to_json
from conformance.lanes.spec import LaneSpec
from tests.builders import POOLED, cases_of, fake, running
from tests.gate.asked import assemble, lane_row

CASE = "fam/topic.masked"
OTHER = "fam/topic.other"
TWO = POOLED + POOLED[POOLED.index("      - id: masked") :].replace("id: masked", "id: other")
"""Two cases that ask the same."""


Ran = tuple[list[dict[str, Any]], tuple[LaneSpec, ...], Mapping[str, Any]]


@cache
def _ran(text: str, behaviour: str, only: str | None, lane: str) -> Ran:
    """The records, the lanes and what these proved to be, of a run that is made once; who changes any takes a copy."""
    spec = replace(fake(behaviour, **({"only": only} if only else {})), name=lane)
    with TemporaryDirectory() as folder, running(spec) as run:
        cases = cases_of(text, Path(folder))
        run.announce([(case, [lane]) for case in cases])
        return [to_json(run.record(case)) for case in cases], tuple(run.specs), run.identities()


def results_of(
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
    made, specs, identities = _ran(text, behaviour, only, lane)
    records = [deepcopy(record) for record in made if record["id"] not in not_run]
    rows = [lane_row(spec, identities[spec.name], len(records), records) for spec in specs]
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
