"""Runs scripts: each in a process of its own, or many in one, which pays for importing a framework once."""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import runpy
import subprocess
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONDONTWRITEBYTECODE": "1"}


class Ended(NamedTuple):
    """How a script ended and what it printed."""

    code: int
    output: str


def alone(text: str, folder: Path, name: str = "script") -> Ended:
    """Runs a script as its reader would: `python script.py`, in a folder that has nothing else."""
    path = folder / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-I", path.name],
        cwd=folder,
        env={**os.environ, **QUIET},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Ended(done.returncode, done.stdout + done.stderr)


def together(scripts: Mapping[str, str], folder: Path) -> dict[str, Ended]:
    """Runs scripts one after the other in one fresh process; by name how each ended."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scripts.json").write_text(json.dumps(scripts), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(Path(__file__).resolve()), "scripts.json"],
        cwd=folder,
        env={**os.environ, **QUIET},
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the process that ran the scripts ended with {done.returncode}:\n{done.stderr[-4000:]}")
    found = json.loads((folder / "ended.json").read_text(encoding="utf-8"))
    return {name: Ended(*ended) for name, ended in found.items()}


def _run_here(path: Path) -> Ended:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            runpy.run_path(str(path), run_name="__main__")
            code = 0
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 1
        except Exception:
            traceback.print_exc()
            code = 1
    return Ended(code, printed.getvalue())


def _main(listed: Path) -> None:
    sys.path = [place for place in sys.path if Path(place or ".").resolve() != Path(__file__).resolve().parent]
    scripts, ended = json.loads(listed.read_text(encoding="utf-8")), {}
    for number, (name, text) in enumerate(scripts.items()):
        path = listed.with_name("script.py").absolute()
        path.write_text(text, encoding="utf-8")
        ended[name] = _run_here(path)
        if number % 50 == 49 and "keras" in sys.modules:
            sys.modules["keras"].backend.clear_session()
            gc.collect()
    listed.with_name("ended.json").write_text(json.dumps(ended), encoding="utf-8")


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
