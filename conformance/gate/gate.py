"""The upgrade gate: one run of two lanes beside the reference, what changed between them, one exit code.

look up the versions    before anything is built, run or imported: `sides.py`, from the command
ask                     both sides, eagerly and traced, in one run of pytest
ask again               what moved: why, and an answer that is another each time is set apart
accept                  what the person who upgrades has looked at
write                   every form of the diff, and the results
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from conformance.errors import ConformanceError, Exit, UsageError
from conformance.gate.accepted import Accepted, declared_file, draft, load, with_accepted
from conformance.gate.asking import run_cases, without_results
from conformance.gate.diff import diff
from conformance.gate.modes import in_modes
from conformance.gate.on_cluster import run_on_cluster
from conformance.gate.reasons import with_reasons
from conformance.gate.render import text
from conformance.gate.rows import Diff, Row
from conformance.gate.selection import selected
from conformance.gate.sides import sides_of
from conformance.gate.twice import not_reproducible, told_once
from conformance.gate.words import number
from conformance.gate.written import WRITTEN, write_all
from conformance.lanes.environments import prepared
from conformance.lanes.spec import LaneSpec
from conformance.record.run import Results
from conformance.results import read, write_whole
from conformance.results import write as write_results

DRAFT = "accepted.draft.yaml"
"""Where `--draft-accepted` writes, in the folder of the gate."""
AGAIN = "again.json"
"""What the sides said when they were asked again, beside the results: to judge those anew, nothing is asked anew."""
_INCOMPLETE = "results.incomplete.json"
"""Where the results of a run stand that must not replace those of a complete one."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a gate is asked for."""

    old: str
    new: str
    arguments: tuple[str, ...]
    """For pytest: ids and paths of cases, `-k`, `-n`."""
    output: Path
    fail_on: str = "regressions"
    enforce_expiry: bool = False
    accepted: Path | None = None
    """A file of accepted answers; that of the project when left out."""
    drafts_accepted: bool = False
    modes: tuple[str, ...] = ("eager", "function")
    """How lanes of Keras are asked that name no mode of their own."""
    traced_gradients_of: int | None = None
    """Of one case in so many, gradients are asked traced too; that of `conformance.gate.modes` when left out."""
    cluster: str = ""
    """Where the cases run, if not here (`conformance.cluster`); what moved is asked again here."""
    results: Path | None = None
    """Results that hold both sides already, of a run, a gate, or merged shards; only what moved is asked again."""


def gate(request: Request) -> int:
    """Runs both sides, prints what changed, writes every form of it, and returns the exit code.

    That both versions are published was looked up before (`conformance.gate.sides.looked_up`).
    """
    old, new = sides_of(request.old, request.new)
    entries = _accepted(request)
    held = None if request.results is None else _held(request.results, old, new, request)
    for spec in (old, new):
        prepared(spec)  # what cannot be built is said now, not when the other side has run
    clock = time.monotonic()
    if held is not None:
        return _told(held, Exit.OK, old, new, request, entries, clock)
    own = request.output / f".results.{os.getpid()}.json"  # another gate may run in the same folder
    options = [*_options(request), "--no-explanations"]  # what moved is asked again, and explained then
    sides = [request.old, request.new]
    if request.cluster:
        code = run_on_cluster(request.cluster, sides, selected(request.arguments), own, options)
    else:
        code = run_cases(sides, selected(request.arguments), own, options)
    if not own.exists():
        return without_results(request.output, code)
    results = read(own)
    if code not in (Exit.OK, Exit.DISAGREE, Exit.UNAVAILABLE):
        _keep(own, results, request.output)
        return code
    return _told(results, code, old, new, request, entries, clock, own)


def _told(
    results: Results,
    code: int,
    old: LaneSpec,
    new: LaneSpec,
    request: Request,
    entries: Sequence[Accepted],
    clock: float,
    own: Path | None = None,
) -> int:
    """Compares both sides of these results, says and writes what changed, and returns the exit code.

    `own` is the file of a run that was made for this gate; it is moved into place.
    """
    found, results = _compared(results, old, new, request)
    if own is not None:
        write_results(results, own)  # with why its answers moved
    found, problems = with_accepted(found, entries, *(_versions(results, spec.name) for spec in (old, new)))
    problems = (*deviation_problems(results, request.enforce_expiry), *problems)
    is_kept = own is None or _keep(own, results, request.output)
    print(text(found), end="")
    print("".join(f"{problem}\n" for problem in problems), end="")
    if is_kept:
        write_all(found, problems, request.output, results=results)
    if request.drafts_accepted:
        _draft(found, results, (old, new), request.output)
    seconds = time.monotonic() - clock
    print(took(seconds, results, new.name) if own is not None else f"took {seconds:.0f} s to ask again what moved")
    if is_kept:
        written = WRITTEN if own is not None else [name for name in WRITTEN if name != "results.json"]
        print(f"written to {request.output}: {', '.join(written)}", file=sys.stderr)
    return code if code == Exit.UNAVAILABLE else exit_code(found, problems, request.fail_on)


def _held(file: Path, old: LaneSpec, new: LaneSpec, request: Request) -> Results:
    """Results that hold both sides, eagerly and traced. Raises UsageError where they do not."""
    if request.arguments:
        hint = "leave the cases out, or leave --results out to run them"
        raise UsageError(f"{' '.join(request.arguments)}: with --results nothing is selected", hint)
    results = read(file)
    ran = {row.name: row.ran for row in results.lanes}
    for spec in (old, new):
        for name in (spec.name, *(twin.name for twin in in_modes(spec, request.modes))):
            if not ran.get(name):
                held = ", ".join(name for name, count in ran.items() if count)
                hint = f"it holds {held}" + ("; --modes eager leaves the traced lanes out" if name != spec.name else "")
                raise UsageError(f"{file} holds no answers of {name}", hint)
    return results


def _accepted(request: Request) -> tuple[Accepted, ...]:
    """The entries that were accepted. Raises ConformanceError for a bad file, before anything runs."""
    file = request.accepted or declared_file(Path("pyproject.toml"))
    if file is None or (request.accepted is None and request.drafts_accepted and not file.exists()):
        return ()
    from conformance.case.load import load_folder

    folder = Path("cases")
    return load(file, {case.id for case in load_folder(folder)} if folder.is_dir() else None)


def _options(request: Request) -> list[str]:
    options = [f"--modes={','.join(request.modes)}"]
    if request.traced_gradients_of is not None:
        options.append(f"--traced-gradients-of={request.traced_gradients_of}")
    return [*options, "--enforce-expiry"] if request.enforce_expiry else options


def _versions(results: Results, lane: str) -> dict[str, str]:
    return dict(next(row.versions for row in results.lanes if row.name == lane))


def _compared(results: Results, old: LaneSpec, new: LaneSpec, request: Request) -> tuple[Diff, Results]:
    """The diff of both sides, with what is not reproducible set apart, and the results with why answers moved."""
    pairs = zip(in_modes(old, request.modes), in_modes(new, request.modes), strict=False)
    names = [(a.name, b.name) for a, b in pairs]
    pair = (old.name, new.name)
    moved = told_once(diff(results, results, [pair], names), pair, names).moved
    again = (_kept_again(moved, results, request.results) or _asked_again(moved, results, request)) if moved else None
    if again is not None:
        results = with_reasons(results, again)
    found = told_once(diff(results, results, [pair], names), pair, names)
    return (found if again is None else not_reproducible(found, again, results)), results


def _lanes_of(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """The cases of these rows, each with a lane that its row is about."""
    return list(dict.fromkeys((row.case, lane) for row in rows for lane in row.lane.split(" -> ")))


def _kept_again(rows: Sequence[Row], results: Results, file: Path | None) -> Results | None:
    """What was kept beside results that are judged anew; None where it is not of them, or of none of these rows.

    Of what was not reached then nothing is known now either, so that one file is judged alike each time.
    """
    kept = None if file is None else file.with_name(AGAIN)
    if kept is None or not kept.exists():
        return None
    again = read(kept)
    versions = [{row.name: row.versions for row in held.lanes if row.ran} for held in (results, again)]
    digests = [{record.id: record.digest for record in held.cases} for held in (results, again)]
    wanted = set(_lanes_of(rows))
    asked = wanted & {(record.id, lane) for record in again.cases for lane in record.lanes}
    is_of_them = again.started >= results.started and all(
        digests[0].get(case) == digests[1].get(case) and versions[0].get(lane) == versions[1].get(lane)
        for case, lane in asked
    )
    return again if asked and is_of_them else None


def _asked_again(rows: Sequence[Row], results: Results, request: Request) -> Results | None:
    """What the lanes of these rows say to their cases a second time; None, with a warning, where that failed.

    A traced lane is asked for its own rows alone: what moved traced as it did eagerly is told, and explained, once.
    """
    paths = {record.id: record.path for record in results.cases}
    asked = _lanes_of(rows)
    items = [f"{paths[case]}::{case}[{lane}]" for case, lane in asked]
    cases, lanes = {case for case, _ in asked}, {lane for _, lane in asked}
    sides = {spec.name for spec in sides_of(request.old, request.new)}
    options = [argument for argument in request.arguments if argument.startswith("-n")]
    own = request.output / f".again.{os.getpid()}.json"
    modes = request.modes if lanes - sides else ("eager",)  # a lane that nothing asks for would be started
    print(f"conformance: asking {number(len(cases), 'case')} again, whose answers moved", file=sys.stderr, flush=True)
    try:
        run_cases([request.old, request.new], [*options, *items], own, _options(replace(request, modes=modes)))
        again = read(own)
        own.replace(request.output / AGAIN)
        return again
    except ConformanceError as error:
        print(f"conformance: what is not reproducible could not be found: {error}", file=sys.stderr)
        return None
    finally:
        own.unlink(missing_ok=True)


def _keep(own: Path, results: Results, folder: Path) -> bool:
    """Moves the results of a run into place; those that compare less never replace complete ones."""
    place = folder / "results.json"
    has_compared = results.footer.complete and all(row.ran for row in results.lanes)
    if not has_compared and place.exists() and _is_complete(place):
        own.replace(folder / _INCOMPLETE)
        print(f"conformance: {place} still holds the last complete run; this one: {_INCOMPLETE}", file=sys.stderr)
        return False
    own.replace(place)
    return True


def _is_complete(path: Path) -> bool:
    try:
        return read(path).footer.complete
    except ConformanceError:
        return False


def _draft(diff: Diff, results: Results, sides: tuple[LaneSpec, LaneSpec], folder: Path) -> None:
    """Writes what is open as entries for a person to complete."""
    file = folder / DRAFT
    write_whole(file, draft(diff, *(_condition(_versions(results, spec.name)) for spec in sides)))
    count = sum(row.is_open for row in diff.rows)
    print(f"drafted {count} answers to accept: {file}; fill in who and why", file=sys.stderr)


def _condition(versions: dict[str, str]) -> str:
    """`keras==3.3.3`: what tells a side from others."""
    known = [name for name in ("keras", "tf_keras", "torch", "transformers") if name in versions]
    name = known[0] if known else next(iter(versions))
    return f"{name}=={versions[name].partition('+')[0]}"


def took(seconds: float, results: Results, lane: str) -> str:
    """How long the gate took, as a multiple of what one side alone computed for: a number that any machine gives."""
    alone = sum(record.lanes[lane].seconds for record in results.cases if lane in record.lanes)
    times = f", {seconds / alone:.1f} times the {alone:.1f} s that {lane} alone computed for" if alone else ""
    return f"took {seconds:.0f} s{times}"


def deviation_problems(results: Results, enforce_expiry: bool) -> list[str]:
    """Deviations that fail a gate: stale, of a case that does not exist, or expired where that is enforced."""
    lines = [f"{item.state} deviation {item.id}" for item in results.deviations if item.state in ("stale", "unmatched")]
    expired = [item.id for item in results.deviations if item.is_expired]
    return lines + ([f"expired deviation {name}" for name in expired] if enforce_expiry else [])


def exit_code(diff: Diff, problems: Sequence[str] = (), fail_on: str = "regressions") -> Exit:
    """What a diff means for the process: what nobody accepted fails, and what the project's own files have wrong.

    By default that is what is worse; with `changes` every answer that moved.
    """
    if fail_on == "nothing":
        return Exit.OK
    is_failing = any(row.is_open for row in diff.moved) if fail_on == "changes" else bool(diff.regressions)
    return Exit.DISAGREE if is_failing or problems else Exit.OK
