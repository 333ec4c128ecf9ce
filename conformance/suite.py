"""The suite's own cases and deviations, as the wheel carries them: `@suite`, `@suite/merge`, `@suite/merge/mask`.

In the command's arguments `@suite` stands for the folder of cases, a word after it for a family, a file or a case.
pytest reads `@` as a file of arguments, so there it is `--suite`, `--suite=merge`. Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

MARK = "@suite"
OPTION = "--suite"
MADE = (Path("kinds"), Path("operations"))
"""Where cases stand that a command makes: beside those of a project, for they are run whole only when asked for."""
_HERE = Path(__file__).parent
_ID = re.compile(r"^  - id: (\S+)$", re.MULTILINE)


def cases() -> Path:
    """The folder of cases: inside the installed package, else beside it in a checkout."""
    return _folder("cases")


def deviations() -> Path:
    """The folder of known deviations of these cases."""
    return _folder("deviations")


def _folder(name: str) -> Path:
    carried = _HERE / "suite_files" / name
    return carried if carried.is_dir() else _HERE.parent / name


def folder_of(case: str, folder: Path) -> Path:
    """The folder in which a case of this id stands: the given one, but for those made, which stand beside it."""
    family = Path(case.partition("/")[0])
    return folder.parent / family if family in MADE and folder.name == "cases" else folder


def ids_made(root: Path) -> list[str]:
    """The ids of the cases of a project that a command makes; their files hold one a line."""
    found = []
    for file in sorted(file for folder in MADE for file in (root / folder).glob("*.case.yaml")):
        topic = file.name.removesuffix(".case.yaml")
        found += [f"{file.parent.name}/{topic}.{name}" for name in _ID.findall(file.read_text(encoding="utf-8"))]
    return found


def is_in(path: Path) -> bool:
    """Whether a path is one of the suite's own."""
    return path.resolve().is_relative_to(cases().resolve())


def place(text: str) -> tuple[Path | None, str]:
    """What `@suite/...` or a word after `--suite=` stands for: a file or folder, or else the id of a case."""
    word = text.removeprefix(MARK).strip("/")
    if ".." in Path(word).parts:
        return None, word
    path = cases() / word
    files = (path, path.with_name(f"{path.name}.case.yaml")) if word else (path,)
    return next((found for found in files if found.exists()), None), word


def expanded(arguments: Sequence[str]) -> list[str]:
    """Arguments of the command with places in the suite as paths; a case by its id, with the suite's folder."""
    found: list[str] = []
    for argument in arguments:
        if argument != MARK and not argument.startswith(f"{MARK}/"):
            found.append(argument)
            continue
        path, word = place(argument)
        if path is not None:
            found.append(str(path))
        elif arguments[:1] in (["explain"], ["bisect"], ["repro"]):
            found += [word, f"--cases={cases()}"]
        else:
            found.append(_item(word))
    return found


def _item(word: str) -> str:
    """A case by the file that holds it, as pytest takes it; a word that leads nowhere stays as it was written."""
    family, _, rest = word.partition("/")
    files = sorted((cases() / family).glob("*.case.yaml"), key=lambda file: -len(file.name))
    file = next((one for one in files if rest.startswith(f"{one.name.removesuffix('.case.yaml')}.")), None)
    return f"{MARK}/{word}" if file is None else f"{file}::{word}"


def asked(arguments: list[str]) -> None:
    """Puts the suite's paths in the place of `--suite` and `--suite=merge` among the arguments of pytest."""
    for index, argument in enumerate(arguments):
        if argument == OPTION or argument.startswith(f"{OPTION}="):
            path, word = place(argument.removeprefix(OPTION).removeprefix("="))
            arguments[index] = _item(word) if path is None else str(path)
