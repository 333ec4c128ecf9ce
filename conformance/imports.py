"""Modules of the user's that may be imported by a path in a case: those of packages that their own project names.

    [tool.conformance]
    imports = ["team"]

A case file alone never imports code. `allow` is told once in a process what the project allows: here by the project's
`pyproject.toml`, in a lane's process by the options that it is started with. Standard library only.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+", re.ASCII)
"""`team.layers.Scale`: a module and a name in it."""


_TORCHS = ("nn", "F", "optim", "torch")
"""What the names of torch's own modules and functions begin with, which a case may name too."""


TOLD_TO_OTHERS = ("torch", "reference", "weights", "states")
"""What a case says of a layer of the user's own to others than its class."""
OF_KERAS = ("metrics", "schedules", "ops", "random", "initializers", "regularizers", "constraints")
"""Modules of Keras that stand before a name where a case asks for what is no layer and no loss: `metrics.Recall`."""


def is_own(kind: str) -> bool:
    """Whether a type that a case names is the path of a class of the user's own."""
    return "." in kind and kind.partition(".")[0] not in (*_TORCHS, *OF_KERAS)


class NotAllowed(Exception):
    """A path that the project does not allow, or that leads to nothing: the message says which, `hint` what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True)
class Allowed:
    """Packages that may be imported, and the folder in which they are looked for first."""

    packages: tuple[str, ...] = ()
    root: str = ""

    def covers(self, path: str) -> bool:
        """Whether a path leads into one of these packages."""
        return any(path.startswith(f"{package}.") for package in self.packages)


_allowed = Allowed()


def allow(options: Mapping[str, Any] | None) -> None:
    """Allows the packages of `{"packages": [...], "root": folder}`, and no others from then on."""
    global _allowed  # one process serves one project
    given = options or {}
    _allowed = Allowed(tuple(given.get("packages", ())), str(given.get("root", "")))


def allowed() -> Allowed:
    """What may be imported in this process."""
    return _allowed


def as_options() -> dict[str, Any]:
    """What a lane's process has to be told."""
    return {"packages": list(_allowed.packages), "root": _allowed.root}


def read(project: Path, table: Mapping[str, Any]) -> None:
    """Allows what `[tool.conformance]` of a project names. Raises NotAllowed for what is no list of packages."""
    named = table.get("imports", [])
    hint = 'imports = ["team"], names of packages without dots before them'
    if not isinstance(named, list) or not all(isinstance(one, str) and PATH.fullmatch(f"{one}.x") for one in named):
        raise NotAllowed(f"{project}: imports in [tool.conformance] must be a list of packages", hint)
    allow({"packages": named, "root": str(project.resolve().parent)})


def check(path: str) -> None:
    """Raises NotAllowed for a path that the project does not allow; imports nothing."""
    if not PATH.fullmatch(path):
        raise NotAllowed(f"{path} is no path of a module and a name in it", "as in team.layers.Scale")
    if not _allowed.covers(path):
        package = path.partition(".")[0]
        hint = (
            f'a case file alone imports nothing: allow it in pyproject.toml, [tool.conformance] imports = ["{package}"]'
        )
        raise NotAllowed(f"{path} may not be imported", hint)


def imported(path: str) -> Any:
    """What a path leads to; its module is run. Raises NotAllowed where it may not be, or where nothing is there."""
    check(path)
    if _allowed.root and _allowed.root not in sys.path:
        sys.path.insert(0, _allowed.root)
    module_name, _, name = path.rpartition(".")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        words = f"{module_name} cannot be imported: {type(error).__name__}: {str(error)[:300]}"
        raise NotAllowed(words, "it is looked for beside pyproject.toml and among installed packages") from None
    if not hasattr(module, name):
        public = [one for one in sorted(vars(module)) if not one.startswith("_")]
        raise NotAllowed(f"{module_name} has no {name}", f"it has {', '.join(public[:12]) or 'nothing'}")
    return getattr(module, name)


def of_project(project: Path) -> None:
    """Allows what a project's `pyproject.toml` names; nothing where there is none. Raises NotAllowed.

    A file that is no TOML allows nothing; who reads lanes from it says so.
    """
    import tomllib  # not on Python 3.10, where only lanes run

    try:
        table = tomllib.loads(project.read_text(encoding="utf-8")) if project.is_file() else {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        table = {}
    tool = table.get("tool", {})
    ours = tool.get("conformance", {}) if isinstance(tool, dict) else {}
    read(project, ours if isinstance(ours, dict) else {})
