"""Runs one case on the spot, in the lanes that were asked for, and gives what a run of pytest would have written."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from conformance.case.model import Case
from conformance.errors import LaneUnavailable, UsageError
from conformance.lanes.declare import declared, parse
from conformance.lanes.spec import LaneSpec
from conformance.protocol.observation import REFERENCE
from conformance.record.case import Record
from conformance.record.lane import LaneRecord
from conformance.record.run import Results
from conformance.repro.kept import with_scripts
from conformance.results import assemble, command_line, lane_row
from conformance.run import DEFAULT_LANES, LANES, Excuse, Run, is_meant, lane_specs

IN_PROCESS = ("numpy",)
"""The reference cannot crash or hang on arguments that were checked, and starts faster here."""


def lanes_of(texts: Sequence[str], project: Path = Path("pyproject.toml")) -> tuple[LaneSpec, ...]:
    """The lanes of these specifications, or the usual ones; the reference always. Raises UsageError."""
    known: dict[str, LaneSpec] = dict(declared(project))
    names = []
    for text in texts or DEFAULT_LANES:
        spec = known.get(text) or LANES.get(text) or parse(text)
        if spec.name in names:
            raise UsageError(f"two lanes are called {spec.name}", "name one of them: --lane other=keras@3.3.3")
        known[spec.name] = spec
        names.append(spec.name)
    return lane_specs(names, known)


def usual_lanes(case: Case) -> list[str]:
    """The lanes that a case is run in unasked: the usual ones, and those that it names."""
    named = [name for name in case.lanes if name in LANES and name not in DEFAULT_LANES]
    return [*DEFAULT_LANES, *named]


def ask(
    case: Case, specs: Sequence[LaneSpec], excuse: Excuse | None = None, why: str = "", is_exacting: bool = True
) -> Results:
    """The results of one case in these lanes; says on standard error what is being waited for, and `why`.

    Raises LaneUnavailable with what to install or to leave out: for the first lane that cannot start where it
    `is_exacting`, else where none but the reference can. Those that cannot are named on standard error.
    """
    specs = [spec for spec in specs if is_meant(spec, case) or spec.name == REFERENCE]
    announce(specs, why)
    started, clock = datetime.now(UTC), time.monotonic()
    run = Run(specs, in_process=IN_PROCESS, excuse=excuse, explains_known=True, scripts=with_scripts)
    try:
        run.announce([(case, [spec.name for spec in specs])])
        record = run.record(case)
        identities = run.identities()
        missing = list(run.unavailable.values())
        if missing and (is_exacting or len(missing) == len(specs) - 1):
            raise missing[0]
    except LaneUnavailable as error:
        raise LaneUnavailable(error.message, _without(error, specs)) from None
    finally:
        run.stop()
    for lost in missing:
        print(f"conformance: {lost}", file=sys.stderr)
    records = [record]
    rows = [lane_row(spec, identities.get(spec.name), 1, records) for spec in specs if spec.name in identities]
    return assemble(
        records=records,
        lanes=rows,
        started=started.strftime("%Y-%m-%dT%H:%M:%SZ"),
        seconds=time.monotonic() - clock,
        command=command_line(),
        not_run={},
        is_complete=True,
        is_full=False,
    )


def _without(error: LaneUnavailable, specs: Sequence[LaneSpec]) -> str:
    """What to do about a lane that cannot start: install it, or ask the others."""
    others = [spec.name for spec in specs if f"lane {spec.name}" not in error.message]
    asked = " ".join(f"--lane {name}" for name in others)
    return (f"{error.hint}; or " if error.hint else "") + f"ask the others alone: {asked}"


def announce(specs: Sequence[LaneSpec], why: str) -> None:
    """Says on standard error what is being waited for."""
    names = ", ".join(spec.name for spec in specs)
    patience = "; importing frameworks takes some seconds" if len(specs) > 1 else ""
    print(f"conformance: {why}asking {names}{patience}", file=sys.stderr, flush=True)


def record_of(results: Results) -> Record:
    """The one record of such results."""
    return results.cases[0]


def answer_in(case: Case, package: str, version: str) -> LaneRecord:
    """What one version of a package answers to a case. Raises LaneUnavailable."""
    spec = parse(f"subject={package}@{version}")
    run = Run(lane_specs(["subject"], {"subject": spec}), in_process=IN_PROCESS)
    try:
        run.announce([(case, ["subject"])])
        lanes = run.record(case).lanes
        if "subject" in run.unavailable:
            raise run.unavailable["subject"]
    except LaneUnavailable as error:
        raise LaneUnavailable(f"{package} {version}: {error.message}", error.hint) from None
    finally:
        run.stop()
    return lanes["subject"]
