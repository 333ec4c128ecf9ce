"""results.json: versioned, complete, and the only source of every report, diff and gate.

    schema_version, kind, harness     which format, written by which version
    started, seconds, command         when and how the run was made
    environment                       interpreter, machine, packages, variables that change answers
    lanes                             a row a lane: what it proved to be, how many cases it ran of how many it was given
    is_full                           whether every case of the project was asked for
    deviations                        the known deviations, and how each stands after the run
    shard                             which part of which whole this is; null for a run that is not split
    seed                              what the arrays were drawn with; 0 but in campaigns
    catalog                           what there is of the layers that cases use: their arguments, their mutants
    cases                             a record a case (`conformance.record.case`), in the order of collection
    not_run                           ids that were selected and have no record, and why
    footer                            proves that the file is whole: how the run ended and how many cases it holds

A file is written beside its place and moved there, so a reader sees the old one or the new one, never half of one.
"""

from __future__ import annotations

import json
import os
import platform
import shlex
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from conformance.errors import ResultsError
from conformance.form import to_json
from conformance.judge.verdict import Verdict
from conformance.record.case import Record
from conformance.record.run import (
    KIND,
    SCHEMA_VERSION,
    CatalogRow,
    EnvironmentRecord,
    FooterRecord,
    HarnessRecord,
    LaneRow,
    NotRunRecord,
    Results,
    ShardRecord,
    StandingRecord,
    UnavailableRecord,
)
from conformance.results_form import read_form
from conformance.version import __version__

MAX_BYTES = 512 * 1024 * 1024
"""Larger files are refused unread."""

_VARIABLES = ("TF_ENABLE_ONEDNN_OPTS", "OMP_NUM_THREADS", "KERAS_BACKEND", "TF_USE_LEGACY_KERAS", "XLA_FLAGS")
_PACKAGES = ("tensorflow", "keras", "tf-keras", "torch", "transformers", "numpy", "autograd", "pytest", "execnet")


def environment() -> EnvironmentRecord:
    """What this machine is, as far as it can change an answer. No names or paths of the machine."""
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return EnvironmentRecord(
        python=platform.python_version(),
        implementation=platform.python_implementation(),
        system=platform.system(),
        machine=platform.machine(),
        cpus=os.cpu_count(),
        packages=versions,
        variables={name: os.environ[name] for name in _VARIABLES if name in os.environ},
    )


def lane_row(
    spec: Any,
    identity: Any,
    selected: int,
    records: Sequence[Record],
    unavailable: UnavailableRecord | None = None,
) -> LaneRow:
    """What results say of a lane as a whole; `ran` counts cases that it answered or raised on.

    `unavailable` says why a lane could not start.
    """
    verdicts = Counter(record.lanes[spec.name].verdict for record in records if spec.name in record.lanes)
    return LaneRow(
        name=spec.name,
        adapter=spec.adapter,
        role="reference" if spec.adapter == "numpy" else "subject",
        versions=dict(identity.versions) if identity else {},
        files={name: short_path(path) for name, path in identity.files.items()} if identity else {},
        gives_masks=identity.gives_masks if identity else True,
        mode=identity.mode if identity else "",
        policy=identity.policy if identity else "",
        settings=dict(spec.options.get("settings", {})),
        selected=selected,
        ran=sum(number for verdict, number in verdicts.items() if verdict is not Verdict.UNSUPPORTED),
        unavailable=unavailable,
        verdicts=dict(sorted(verdicts.items())),
    )


def short_path(path: str) -> str:
    """A module's file from its `site-packages` on: it says which environment's copy answered, not whose machine."""
    parts = Path(path).parts
    for marker in ("site-packages", "dist-packages"):
        if marker in parts:
            return "/".join(parts[parts.index(marker) :])
    return "/".join(parts[-3:])


def assemble(
    *,
    records: Sequence[Record],
    lanes: Sequence[LaneRow],
    started: str,
    seconds: float,
    command: str,
    not_run: Mapping[str, str],
    is_complete: bool,
    stopped: str = "",
    known_environment: EnvironmentRecord | None = None,
    is_full: bool = True,
    deviations: Sequence[StandingRecord] = (),
    shard: ShardRecord | None = None,
    seed: int = 0,
) -> Results:
    """The whole of a results file. `is_full`: the run was asked for every case of the project."""
    from conformance.arguments import existing

    layers = existing(kind for record in records for kind in record.options)
    return Results(
        schema_version=SCHEMA_VERSION,
        kind=KIND,
        harness=HarnessRecord("conformance", __version__),
        started=started,
        seconds=round(seconds, 3),
        command=command,
        environment=known_environment or environment(),
        lanes=tuple(lanes),
        is_full=is_full,
        counts=dict(sorted(Counter(record.outcome for record in records).items())),
        deviations=tuple(deviations),
        shard=shard,
        seed=seed,
        catalog={kind: CatalogRow(tuple(row["options"]), tuple(row["mutants"])) for kind, row in layers.items()},
        cases=tuple(records),
        not_run=tuple(NotRunRecord(case, reason) for case, reason in not_run.items()),
        footer=FooterRecord(is_complete, stopped, len(records)),
    )


def write(results: Results, path: Path) -> None:
    """Writes a results file atomically. Raises OSError where the disk refuses; then the old file still stands."""
    write_whole(path, as_text(results))


def as_text(results: Results) -> str:
    """Results as JSON, a case to a line: a file that can be searched line by line, written by the fast encoder."""

    def line(value: Any) -> str:
        return json.dumps(value, allow_nan=False, ensure_ascii=False)

    fields = (
        f"{line(name)}: " + ("[\n" + ",\n".join(map(line, value)) + "\n]" if name == "cases" and value else line(value))
        for name, value in to_json(results).items()
    )
    return "{\n" + ",\n".join(fields) + "\n}\n"


def write_whole(path: Path, text: str) -> None:
    """Writes a text file beside its place and moves it there. Raises OSError; then the old file still stands."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not path.is_file():  # a pipe or a device is written to, never replaced
        path.write_text(text, encoding="utf-8")
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def read(path: Path) -> Results:
    """A results file. Raises ResultsError, with what to do, for anything that is not a whole one of this version."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ResultsError(f"{path}: {size} bytes, at most {MAX_BYTES} are read", "split the run with --shard")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ResultsError(f"{path}: no such file", "make one with: pytest cases --results FILE") from None
    except (OSError, UnicodeDecodeError) as error:
        why = "it is not text" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise ResultsError(f"{path}: cannot be read: {why}", "name the file that a run writes") from None
    return read_form(text, path)


def command_line() -> str:
    """How the run was started, to be pasted into a shell; without the interpreter's path."""
    program = Path(sys.argv[0])
    name = program.parent.name if program.name == "__main__.py" else program.name  # python -m pytest
    return shlex.join([name, *sys.argv[1:]])
