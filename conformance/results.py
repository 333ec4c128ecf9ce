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
    cases                             a record a case (`conformance.record`), in the order of collection
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
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from conformance import __version__
from conformance.errors import ResultsError
from conformance.record import plain_json
from conformance.results_form import check_form

SCHEMA_VERSION = 1
KIND = "conformance-results"
MAX_BYTES = 512 * 1024 * 1024
"""Larger files are refused unread."""

_VARIABLES = ("TF_ENABLE_ONEDNN_OPTS", "OMP_NUM_THREADS", "KERAS_BACKEND", "TF_USE_LEGACY_KERAS", "XLA_FLAGS")
_PACKAGES = ("tensorflow", "keras", "tf-keras", "torch", "transformers", "numpy", "autograd", "pytest", "execnet")

Results = Mapping[str, Any]


def environment() -> dict[str, Any]:
    """What this machine is, as far as it can change an answer. No names or paths of the machine."""
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "packages": versions,
        "variables": {name: os.environ[name] for name in _VARIABLES if name in os.environ},
    }


def lane_row(
    spec: Any,
    identity: Any,
    selected: int,
    records: Sequence[Mapping[str, Any]],
    unavailable: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What results say of a lane as a whole; `ran` counts cases that it answered or raised on.

    `unavailable` is the `message` and `hint` of a lane that could not start.
    """
    verdicts: dict[str, int] = {}
    for record in records:
        if spec.name in record["lanes"]:
            verdict = record["lanes"][spec.name]["verdict"]
            verdicts[verdict] = verdicts.get(verdict, 0) + 1
    ran = sum(number for verdict, number in verdicts.items() if verdict != "unsupported")
    return {
        "name": spec.name,
        "adapter": spec.adapter,
        "role": "reference" if spec.adapter == "numpy" else "subject",
        "versions": dict(identity.versions) if identity else {},
        "files": {name: short_path(path) for name, path in identity.files.items()} if identity else {},
        "gives_masks": identity.gives_masks if identity else True,
        "mode": identity.mode if identity else "",
        "policy": identity.policy if identity else "",
        "selected": selected,
        "ran": ran,
        "unavailable": None if unavailable is None else dict(unavailable),
        "verdicts": dict(sorted(verdicts.items())),
    }


def short_path(path: str) -> str:
    """A module's file from its `site-packages` on: it says which environment's copy answered, not whose machine."""
    parts = Path(path).parts
    for marker in ("site-packages", "dist-packages"):
        if marker in parts:
            return "/".join(parts[parts.index(marker) :])
    return "/".join(parts[-3:])


def assemble(
    *,
    records: Sequence[Mapping[str, Any]],
    lanes: Sequence[Mapping[str, Any]],
    started: str,
    seconds: float,
    command: str,
    not_run: Mapping[str, str],
    is_complete: bool,
    stopped: str = "",
    known_environment: Mapping[str, Any] | None = None,
    is_full: bool = True,
    deviations: Sequence[Mapping[str, Any]] = (),
    shard: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """The whole of a results file as plain JSON. `is_full`: the run was asked for every case of the project."""
    from conformance.arguments import existing

    outcomes: dict[str, int] = {}
    for record in records:
        outcomes[record["outcome"]] = outcomes.get(record["outcome"], 0) + 1
    whole: dict[str, Any] = plain_json(
        {
            "schema_version": SCHEMA_VERSION,
            "kind": KIND,
            "harness": {"name": "conformance", "version": __version__},
            "started": started,
            "seconds": round(seconds, 3),
            "command": command,
            "environment": known_environment or environment(),
            "lanes": lanes,
            "is_full": is_full,
            "counts": dict(sorted(outcomes.items())),
            "deviations": deviations,
            "shard": shard,
            "seed": seed,
            "catalog": existing(kind for record in records for kind in record.get("options", ())),
            "cases": records,
            "not_run": [{"id": case, "reason": reason} for case, reason in not_run.items()],
            "footer": {"complete": is_complete, "stopped": stopped, "cases": len(records)},
        }
    )
    return whole


def write(results: Results, path: Path) -> None:
    """Writes a results file atomically. Raises OSError where the disk refuses; then the old file still stands."""
    write_whole(path, as_text(results))


def as_text(results: Results) -> str:
    """Results as JSON, a case to a line: a file that can be searched line by line, written by the fast encoder."""

    def line(value: Any) -> str:
        return json.dumps(value, allow_nan=False, ensure_ascii=False)

    fields = (
        f"{line(name)}: " + ("[\n" + ",\n".join(map(line, value)) + "\n]" if name == "cases" and value else line(value))
        for name, value in results.items()
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


def read(path: Path) -> dict[str, Any]:
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
    try:
        found = json.loads(text)
    except RecursionError:
        raise ResultsError(f"{path}: nested too deeply", "name the file that a run writes") from None
    except json.JSONDecodeError as error:
        if _ends_early(error, text):
            hint = "run the cases again to write a new one"
            raise ResultsError(f"{path}: not a whole JSON file ({error}); it looks cut off", hint) from None
        raise ResultsError(f"{path}: not JSON ({error})", "name the file that a run writes") from None
    if not isinstance(found, dict) or found.get("kind") != KIND:
        raise ResultsError(f"{path}: not a results file of this harness", "expected the file that a run writes")
    if found.get("schema_version") != SCHEMA_VERSION:
        raise ResultsError(
            f"{path}: results of schema version {found.get('schema_version')!r}, this is version {SCHEMA_VERSION}",
            "read it with the version of conformance that wrote it",
        )
    footer, cases = found.get("footer"), found.get("cases")
    if not isinstance(footer, dict) or not isinstance(cases, list) or footer.get("cases") != len(cases):
        raise ResultsError(f"{path}: the footer does not match the cases; the file is damaged", "run the cases again")
    check_form(found, path)
    return found


def _ends_early(error: json.JSONDecodeError, text: str) -> bool:
    """Whether what is wrong with a JSON text is that it ends: the fault is at its end, or in a text that never does."""
    return error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated")


def command_line() -> str:
    """How the run was started, to be pasted into a shell; without the interpreter's path."""
    program = Path(sys.argv[0])
    name = program.parent.name if program.name == "__main__.py" else program.name  # python -m pytest
    return shlex.join([name, *sys.argv[1:]])
