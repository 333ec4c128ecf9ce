"""`conformance gate --model`: models of one's own between two versions of Keras.

say        which layers and arguments each model uses, and what the suite knows or finds of them
ask        the suite's cases about them, where some were named
compare    every layer alone and from end to end, outputs, gradients, weights after one step
accept     what the person who upgrades has looked at
write      the rows as any gate does, and a page for each model
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from conformance import suite
from conformance.case.load import load_file, load_folder
from conformance.case.model import Case
from conformance.comparison.page import page
from conformance.errors import ConformanceError, Exit
from conformance.gate.accepted import Accepted, declared_file, draft, load, with_accepted
from conformance.gate.deviations import Deviation
from conformance.gate.deviations import load_folder as load_deviations
from conformance.gate.gate import DRAFT, exit_code
from conformance.gate.gate import Request as SuiteRequest
from conformance.gate.gate import gate as suite_gate
from conformance.gate.render import text
from conformance.gate.rows import Diff, EnvironmentMove, Row, Side
from conformance.gate.selection import selected
from conformance.gate.sides import sides_of
from conformance.gate.words import number
from conformance.gate.written import write_all
from conformance.lanes.environments import prepared
from conformance.lanes.spec import LaneSpec
from conformance.report.words import one_line
from conformance.results import write_whole
from conformance.upgrade.concerns import Concern, concerned
from conformance.upgrade.models import Subject, Upgrade, started, subjects_of
from conformance.upgrade.uses import Use

CASES, DEVIATIONS = Path("cases"), Path("deviations")
"""Where a project keeps them; where it has none, those of the suite are taken."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of models."""

    old: str
    new: str
    models: tuple[str, ...]
    inputs: tuple[Path, ...]
    output: Path
    allowed: tuple[str, ...] = ()
    step: str = "SGD(0.1)"
    arguments: tuple[str, ...] = ()
    """Cases to ask too, those that concern the models; none when left out."""
    fail_on: str = "regressions"
    accepted: Path | None = None
    drafts_accepted: bool = False
    modes: tuple[str, ...] = ("eager", "function")
    rounding: bool = True
    time_limit: float = 600.0


def model_gate(request: Request) -> int:
    """Compares every model in both versions, prints and writes what moved, and returns the exit code."""
    request = replace(request, arguments=tuple(selected(request.arguments, own_cases())))
    subjects = subjects_of(request.models, request.inputs, request.allowed)
    old, new = sides_of(request.old, request.new)
    file = request.accepted or declared_file(Path("pyproject.toml"))
    entries: tuple[Accepted, ...] = ()
    if file is not None and (file.exists() or not request.drafts_accepted):
        entries = load(file)
    for spec in (old, new):
        prepared(spec)
    rows: list[Row] = []
    errors: list[ConformanceError] = []
    with started(old, new, request.time_limit) as upgrade:
        versions = upgrade.versions()
        uses = {subject.name: _uses(upgrade, subject) for subject in subjects}
        asked_of = _suite(request, [use for every in uses.values() for use in every])
        for subject in subjects:
            print(introduced(subject, uses[subject.name], asked_of, versions), end="")
        suite_code = _asked(request, asked_of)
        print(flush=True)
        for subject in subjects:
            try:
                found = upgrade.compared(subject, request.step, request.rounding)
            except ConformanceError as error:
                if error.exit is not Exit.BAD_INPUT:
                    raise
                errors.append(error)
                continue
            rows += found.rows
            if found.comparison is not None:
                write_whole(request.output / f"{subject.name}.html", page(found.comparison))
                for remark in found.comparison.remarks:
                    print(f"note: {subject.name}: {remark}", file=sys.stderr)
    diff, problems = with_accepted(_diff(rows, subjects, (old, new), versions), entries, *versions)
    print(text(diff) if rows else "", end="")
    print("".join(f"{problem}\n" for problem in problems), end="")
    print("".join(f"conformance: {each}\n" for each in errors), end="", file=sys.stderr)
    if rows:
        write_all(diff, problems, request.output)
        print(f"written to {request.output}: gate.html, gate.json, gate.xml, a page a model", file=sys.stderr)
    if request.drafts_accepted:
        write_whole(request.output / DRAFT, draft(diff, *(f"keras=={_keras(one)}" for one in versions)))
        print(f"drafted: {request.output / DRAFT}; fill in who and why", file=sys.stderr)
    code = Exit.BAD_INPUT if errors else exit_code(diff, problems, request.fail_on)
    return code or suite_code


def _uses(upgrade: Upgrade, subject: Subject) -> tuple[Use, ...]:
    """What a model uses; nothing where it cannot be told, and the comparison says why."""
    try:
        return upgrade.uses(subject)
    except ConformanceError as error:
        if error.exit not in (Exit.BAD_INPUT, Exit.DISAGREE):
            raise
        return ()


@dataclass(frozen=True, slots=True)
class Suite:
    """What the suite at hand has to say: its cases, and what it knows to differ."""

    cases: tuple[Case, ...] = ()
    deviations: tuple[Deviation, ...] = ()
    concern: Concern = field(default_factory=lambda: Concern((), 0))
    words: str = ""


def _suite(request: Request, uses: Sequence[Use]) -> Suite:
    folders = places_of(request.arguments)
    cases = cases_of(folders)
    known = DEVIATIONS if DEVIATIONS.is_dir() else suite.deviations()
    deviations = load_deviations(known) if known.is_dir() else ()
    names = ["the suite" if suite.is_in(folder) else str(folder) for folder in folders]
    return Suite(cases, deviations, concerned(cases, uses), ", ".join(dict.fromkeys(names)))


def own_cases() -> Path:
    """The project's cases; those of the suite where it has none."""
    return CASES if CASES.is_dir() else suite.cases()


def cases_of(paths: Sequence[Path]) -> tuple[Case, ...]:
    """The cases of files and folders, and of `file::id`. Raises CaseError."""
    found: list[Case] = []
    for path in paths:
        place, _, name = str(path).partition("::")
        held = load_file(place) if Path(place).is_file() else load_folder(place)
        found += [case for case in held if name in ("", case.id)]
    return tuple(found)


def places_of(arguments: Sequence[str]) -> list[Path]:
    """Those of the arguments that name files, folders and cases in files; the project's cases where none does."""
    return [Path(one) for one in arguments if Path(one.partition("::")[0]).exists()] or [own_cases()]


def introduced(
    subject: Subject, uses: Sequence[Use], known: Suite, versions: tuple[Mapping[str, str], Mapping[str, str]]
) -> str:
    """Which layers and arguments a model uses, and what the suite knows of them between these two versions."""
    lines = [f"{subject.name} uses {', '.join(map(str, uses)) or 'layers that nothing tells'}"]
    unknown = [use.type for use in uses if not use.is_known]
    if unknown:
        lines.append(f"  the suite knows nothing of {', '.join(unknown)}: such a layer is compared with itself")
    if known.cases:
        concern = concerned(known.cases, uses)
        others = f"; {concern.with_other_arguments} more with other arguments" if concern.with_other_arguments else ""
        lines.append(f"  {number(len(concern.cases), 'case')} of {known.words} ask about that{others}")
        for deviation in changing(known.deviations, concern.cases, *versions):
            lines.append(f"  known to change: {one_line(deviation.reason, 300)} ({deviation.id}, {deviation.when})")
    return "\n".join(lines) + "\n"


def changing(
    deviations: Sequence[Deviation], cases: Sequence[Case], old: Mapping[str, str], new: Mapping[str, str]
) -> list[Deviation]:
    """The deviations of Keras that hold on one side and not on the other, in these cases."""
    return [
        deviation
        for deviation in deviations
        if deviation.when
        and deviation.holds("keras", "keras", old) != deviation.holds("keras", "keras", new)
        and any(deviation.covers(case.id) for case in cases)
    ]


def _asked(request: Request, known: Suite) -> int:
    """The suite's own gate over the cases that concern the models, where cases were named."""
    if not request.arguments:
        if known.concern.cases:
            models = " ".join(f"--uses {text}" for text in request.models)
            print(f"to ask them: conformance gate --from {request.old} --to {request.new} {models}")
        return Exit.OK
    if not known.concern.cases:
        print("no case that was named is about what the models use")
        return Exit.NOTHING_RAN
    return suite_gate(
        SuiteRequest(
            old=request.old,
            new=request.new,
            arguments=items(known.concern.cases, request.arguments),
            output=request.output / "suite",
            fail_on=request.fail_on,
            accepted=request.accepted,
            drafts_accepted=request.drafts_accepted,
            modes=request.modes,
        )
    )


def items(cases: Sequence[Case], arguments: Sequence[str] = ()) -> tuple[str, ...]:
    """Cases as pytest takes them; what of the arguments is no path goes to pytest as it is."""
    kept = [argument for argument in arguments if not Path(argument.partition("::")[0]).exists()]
    return (*(f"{case.position.path}::{case.id}" for case in cases), *kept)


def _keras(versions: Mapping[str, str]) -> str:
    return versions.get("keras", next(iter(versions.values()))).partition("+")[0]


def _diff(
    rows: Sequence[Row],
    subjects: Sequence[Subject],
    specs: tuple[LaneSpec, LaneSpec],
    versions: tuple[Mapping[str, str], Mapping[str, str]],
) -> Diff:
    started_at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    old, new = (Side(spec.name, started_at, len(rows), 0, "", True, counted="place") for spec in specs)
    names = dict.fromkeys((*versions[0], *versions[1]))
    moves = [EnvironmentMove(name, versions[0].get(name), versions[1].get(name)) for name in names]
    return Diff(old, new, tuple(move for move in moves if move.old != move.new), tuple(rows))
