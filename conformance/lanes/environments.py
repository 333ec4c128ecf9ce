"""Environments for lanes: built once, kept in a cache by a digest of what was asked for, never half made.

An overlay is one pure-Python package over the packages of an interpreter; anything else is a virtual environment. Each
is built beside its place under a lock and moved there, so that a killed build leaves nothing that looks whole, and two
runs that want the same one build it once. What a deleted or damaged file has broken is built again. uv builds where it
is installed, pip elsewhere.
"""

from __future__ import annotations

import contextlib
import csv
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from conformance.errors import LaneUnavailable
from conformance.lanes.spec import LaneSpec

Kind = Literal["overlay", "environment"]

FORMAT = 1
"""Counts up when what is built changes, so that older caches are left alone."""
TIME_LIMIT = 1800
"""Seconds for one call of pip."""
_MANIFEST = "conformance.json"
_LINES = 6
"""Lines of pip's own words that a message shows."""


def cache_folder() -> Path:
    """Where environments are kept: `CONFORMANCE_CACHE`, else the user's cache."""
    if given := os.environ.get("CONFORMANCE_CACHE"):
        return Path(given).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "conformance"


def prepared(spec: LaneSpec) -> LaneSpec:
    """The lane with its packages in place. Raises LaneUnavailable with pip's words where they cannot be had."""
    if spec.overlay:
        folder = _built(spec, "overlay", spec.overlay)
        overlays = [*spec.options.get("overlays", ()), str(folder)]
        return replace(spec, options={**spec.options, "overlays": overlays}, overlay=())
    if spec.environment:
        folder = _built(spec, "environment", spec.environment)
        return replace(spec, interpreter=str(interpreter_of(folder)), environment=())
    return spec


def interpreter_of(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def digest(kind: Kind, requirements: Sequence[str], interpreter: str) -> str:
    """What an environment is kept under: its kind, its requirements, and the interpreter that it is for."""
    asked = [FORMAT, kind, sorted(requirements), sys.version, str(Path(interpreter).resolve())]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]


def is_built(spec: LaneSpec) -> bool:
    """Whether all that a lane needs is in place already."""
    kind: Kind = "overlay" if spec.overlay else "environment"
    requirements = spec.overlay or spec.environment
    return not requirements or is_intact(cache_folder() / f"{kind}-{digest(kind, requirements, spec.interpreter)}")


def _built(spec: LaneSpec, kind: Kind, requirements: Sequence[str]) -> Path:
    root = cache_folder()
    name = f"{kind}-{digest(kind, requirements, spec.interpreter)}"
    folder = root / name
    try:
        root.mkdir(parents=True, exist_ok=True)
        with locked(root / f"{name}.lock"):
            if is_intact(folder):
                return folder
            _remove(folder, *root.glob(f"{name}.part-*"))
            part = root / f"{name}.part-{os.getpid()}"
            print(f"conformance: building lane {spec.name}: {', '.join(requirements)}", file=sys.__stderr__, flush=True)
            try:
                _install(kind, part, requirements, spec)
                manifest = {"kind": kind, "requirements": sorted(requirements), "files": _files(part)}
                (part / _MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
                part.rename(folder)
            finally:
                _remove(part)
    except OSError as error:
        raise LaneUnavailable(
            f"lane {spec.name}: its environment cannot be kept in {root}: {error.strerror or error}",
            "make room, or set CONFORMANCE_CACHE to another folder",
        ) from None
    return folder


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Waits until no other process holds this lock; a process that dies lets go of it."""
    with path.open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _remove(*folders: Path) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _install(kind: Kind, part: Path, requirements: Sequence[str], spec: LaneSpec) -> None:
    """Builds with uv where there is one, and with pip where there is none or where uv cannot.

    uv does not read pip's settings, so that a machine whose index or certificate only pip knows is pip's to serve.
    """
    uv = shutil.which("uv")
    if uv is not None:
        with contextlib.suppress(LaneUnavailable):
            _install_by_uv(uv, kind, part, requirements, spec)
            return
        _remove(part)
    if kind == "overlay":
        _pip(spec, spec.interpreter, "--no-deps", "--target", str(part), *requirements)
        return
    _call(spec, [spec.interpreter, "-m", "venv", str(part)], "an environment cannot be made")
    _pip(spec, str(interpreter_of(part)), *requirements)


def _install_by_uv(uv: str, kind: Kind, part: Path, requirements: Sequence[str], spec: LaneSpec) -> None:
    """The same by uv; modules are compiled now, for lanes write no bytecode and would compile them in every run."""
    install = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python"]
    if kind == "overlay":
        _call(spec, [*install, spec.interpreter, "--no-deps", "--target", str(part), *requirements], "uv cannot")
        return
    _call(spec, [uv, "venv", "--quiet", "--python", spec.interpreter, str(part)], "uv cannot")
    _call(spec, [*install, str(interpreter_of(part)), *requirements], "uv cannot")


def _pip(spec: LaneSpec, interpreter: str, *arguments: str) -> None:
    command = [interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]
    _call(spec, command, f"pip cannot install {', '.join(spec.overlay or spec.environment)}")


def _call(spec: LaneSpec, command: Sequence[str], what: str) -> None:
    """Runs a command to its end. Raises LaneUnavailable with its own last words."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT, check=False)
    except subprocess.TimeoutExpired:
        raise LaneUnavailable(f"lane {spec.name}: {what}: no end after {TIME_LIMIT} s") from None
    if done.returncode == 0:
        return
    lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")] or lines
    hint = "check the version: does this release exist, and is there one for this Python and machine?"
    if any("No space left" in line for line in lines):
        hint = "make room, or set CONFORMANCE_CACHE to another folder"
    raise LaneUnavailable(f"lane {spec.name}: {what}:\n" + "\n".join(line[:300] for line in errors[-_LINES:]), hint)


def _files(folder: Path) -> int:
    """How many files the installed packages' own lists name; all of them have to be there."""
    return sum(1 for _ in _listed_files(folder))


def _listed_files(folder: Path) -> Iterator[Path]:
    for record in [*folder.glob("*.dist-info/RECORD"), *folder.glob("lib/python*/site-packages/*.dist-info/RECORD")]:
        with record.open(encoding="utf-8", newline="") as file:
            for row in csv.reader(file):
                if row and row[0].endswith(".py") and not row[0].startswith(".."):
                    yield record.parents[1] / row[0]


def is_intact(folder: Path) -> bool:
    """Whether a built environment is whole: its manifest, its interpreter, and every module of every package."""
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    if manifest["kind"] == "environment" and not interpreter_of(folder).exists():
        return False
    count = 0
    for file in _listed_files(folder):
        if not file.exists():
            return False
        count += 1
    return bool(count == manifest["files"])
