"""What is listed of Keras, backend by backend, remade from runs: what is stale, what is missing, and the tables.

    python -m benchmarks.findings --keep reports/findings -o docs/evidence/findings.md
    python -m benchmarks.findings --lane "keras[numpy]" --keep reports/findings -o docs/evidence/findings.md

Every case runs in every lane beside the reference. What a lane answered is kept in FOLDER in parts, each written whole:
a run that is stopped goes on where it was. A case runs again when it was edited, or when what computes answers was.
Reasons are never written here: they stand in `deviations/`, by hand. The exit code is 1 where a lane has a listed
difference that it does not show any more, or one that nobody has listed; drafts of the latter stand in FOLDER.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.findings_page import LaneFindings, written
from conformance import suite
from conformance.case.load import load_folder
from conformance.case.model import Case
from conformance.errors import ConformanceError, Exit
from conformance.gate.asking import run_cases
from conformance.gate.deviations import Deviation
from conformance.gate.deviations import load_folder as load_deviations
from conformance.gate.draft import draft
from conformance.gate.ledger import LaneFacts, excused, standings
from conformance.judge.verdict import Verdict
from conformance.lanes.declare import parse
from conformance.lanes.known import is_meant
from conformance.lanes.spec import LaneSpec
from conformance.record.case import Record
from conformance.record.run import LaneRow, Results
from conformance.report.facts import is_failure
from conformance.results import read, write_whole
from conformance.run import LANES as USUAL_LANES

LANES = ("keras", "keras[torch]", "keras[jax]", "keras[numpy]", "keras[openvino]", "tf_keras")
"""Keras 3 on each of its backends, and Keras 2 as it goes on beside it."""
PART = 160
"""Cases a part: some ten seconds to a minute, which is what a stopped run loses."""
COMPUTES = ("case", "judge", "lanes", "oracle", "plans", "protocol", "record", "reference")
"""Rooms on which an answer, or what is said of it, depends, beside the modules that stand in no room."""


@dataclass(frozen=True)
class Kept:
    """What is known of one lane: its answers, what it proved to be, and when the oldest of them was asked for."""

    records: dict[str, Record]
    row: LaneRow | None
    started: str


def stamp(root: Path) -> str:
    """A digest of all that computes an answer; what was kept under another one is not used."""
    digest = hashlib.sha256()
    files = [*(root / "conformance").glob("*.py")]
    files += [file for room in COMPUTES for file in (root / "conformance" / room).rglob("*.py")]
    for file in [*sorted(files), root / "constraints.txt"]:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def spec_of(lane: str) -> LaneSpec:
    """The lane of a specification, under the name that its results give it."""
    return USUAL_LANES[lane] if lane in USUAL_LANES else parse(lane)


def kept(folder: Path, lane: str, cases: Sequence[Case], mark: str) -> Kept:
    """What the folder holds of a lane that is still true: of cases as they are, by the code as it is."""
    digests = {case.id: case.digest for case in cases}
    records: dict[str, Record] = {}
    row, started = None, []
    for file in sorted((folder / lane).glob(f"{mark}-*.json")):
        results = read(file)
        mine = {record.id: record for record in results.cases if digests.get(record.id) == record.digest}
        records.update({name: record for name, record in mine.items() if lane in record.lanes})
        row = next(row for row in results.lanes if row.name == lane)
        started.append(results.started)
    return Kept(records, row, min(started, default=""))


def parts(cases: Sequence[Case], held: Kept, size: int = PART) -> Iterator[list[str]]:
    """Items of what has still to be run, some at a time."""
    items = [f"{case.position.path}::{case.id}" for case in cases if case.id not in held.records]
    for start in range(0, len(items), size):
        yield items[start : start + size]


def ran(folder: Path, lane: str, cases: Sequence[Case], mark: str) -> Kept:
    """Runs what is not kept yet. Raises ConformanceError where a part gives no results."""
    spec = spec_of(lane)
    held = kept(folder, spec.name, cases, mark)
    todo = list(parts(cases, held))
    number = len(list((folder / spec.name).glob(f"{mark}-*.json")))
    for index, items in enumerate(todo, start=1):
        print(f"findings: {lane}: part {index} of {len(todo)}, {len(items)} cases", file=sys.stderr, flush=True)
        own = folder / spec.name / f".{mark}-part.json"
        none = own.parent / "no-deviations"  # what is kept is what a lane gave; they are applied to it afresh
        none.mkdir(parents=True, exist_ok=True)
        code = run_cases([lane], items, own, ["--deviations", str(none), "--no-explanations"])
        if code not in (Exit.OK, Exit.DISAGREE) or not own.exists():
            raise ConformanceError(f"{lane}: part {index} ended with exit code {code}")
        own.replace(folder / spec.name / f"{mark}-{number + index:03}.json")
    return kept(folder, spec.name, cases, mark) if todo else held


def findings_of(lane: str, held: Kept, deviations: Sequence[Deviation], cases: Sequence[Case]) -> LaneFindings:
    """How a lane stands to the deviations as they are now."""
    assert held.row is not None, "something ran"
    mode, policy = held.row.mode, held.row.policy
    facts = {lane: LaneFacts(held.row.adapter, held.row.versions, mode, policy)}
    records = [excused(record, deviations, facts) for record in held.records.values()]
    today = datetime.datetime.now(datetime.timezone.utc).date()
    known = [*(case.id for case in cases), *suite.ids_made(Path())]
    stale = [one for one in standings(deviations, records, facts, known, today) if one.fails]
    missing = [record for record in records if is_failure(record.lanes[lane].verdict)]
    missing = [record for record in missing if record.lanes[lane].verdict is not Verdict.STALE]
    return LaneFindings(
        lane=lane,
        versions=held.row.versions,
        started=held.started,
        before={record.id: record.lanes[lane] for record in held.records.values()},
        after={record.id: record.lanes[lane] for record in records},
        stale=tuple(
            f"{one.deviation.position}: {one.state} deviation {one.deviation.id}: {one.problem}" for one in stale
        ),
        missing=tuple(record.id for record in missing),
        not_run=tuple(case.id for case in cases if case.id not in held.records),
    )


def drafted(lane: str, held: Kept, missing: Sequence[str], folder: Path) -> Path:
    """Writes what nobody has listed as deviations for a person to complete."""
    assert held.row is not None, "something ran"
    one = next(iter(sorted((folder / lane).glob("*.json"))))
    results: Results = read(one)
    wanted = set(missing)
    records = tuple(
        replace(record, lanes={lane: record.lanes[lane]}) for record in held.records.values() if record.id in wanted
    )
    file = folder / f"{lane}.draft.yaml"
    today = datetime.datetime.now(datetime.timezone.utc).date()
    write_whole(file, draft(replace(results, cases=records), today))
    return file


def problems_of(found: LaneFindings) -> list[str]:
    """What fails a session, a line each."""
    lines = list(found.stale)
    lines += [f"{found.lane}: {case}: {found.after[case].verdict}, and nobody has listed it" for case in found.missing]
    if found.not_run:
        lines.append(f"{found.lane}: {len(found.not_run)} cases did not run, the first {found.not_run[0]}")
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what is missing and writes the page; exit code 1 where something is stale or missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lane", action="append", default=[], help=f"as of pytest --lane; all of {', '.join(LANES)}")
    parser.add_argument("--keep", type=Path, default=Path("reports/findings"), metavar="FOLDER")
    parser.add_argument("--deviations", type=Path, default=Path("deviations"), metavar="FOLDER")
    parser.add_argument("--kept-only", action="store_true", help="run nothing: what is kept is looked at again")
    parser.add_argument("-o", "--output", type=Path, help="the page whose tables are written; none when left out")
    parsed = parser.parse_args(arguments)
    cases = load_folder(Path("cases"))
    deviations = load_deviations(parsed.deviations)
    mark = stamp(Path())
    problems: list[str] = []
    for lane in parsed.lane or LANES:
        name = spec_of(lane).name
        meant = [case for case in cases if is_meant(spec_of(lane), case)]
        try:
            asked = kept(parsed.keep, name, meant, mark) if parsed.kept_only else ran(parsed.keep, lane, meant, mark)
        except ConformanceError as error:
            problems.append(f"{lane}: {error}")
            continue
        if asked.row is None:
            problems.append(f"{lane}: nothing of it is kept")
            continue
        found = findings_of(name, asked, deviations, meant)
        problems += problems_of(found)
        if found.missing:
            print(f"drafted: {drafted(name, asked, found.missing, parsed.keep)}", file=sys.stderr)
        if parsed.output is not None and not found.not_run:
            write_whole(parsed.output, written(parsed.output.read_text(encoding="utf-8"), found))
        print(json.dumps({"lane": name, **found.counts()}))
    print("".join(f"{problem}\n" for problem in problems), end="")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
