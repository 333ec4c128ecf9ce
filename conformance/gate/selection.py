"""Cases named on the command line, as pytest takes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from conformance import suite
from conformance.errors import UsageError
from conformance.usage import one_of


def selected(arguments: Sequence[str], folder: Path = Path("cases")) -> list[str]:
    """Arguments for pytest: an id, or the end of one, becomes the item's name; files and options stay as they are.

    Raises UsageError for what looks like an id and is none.
    """
    positions: dict[Path, dict[str, Path]] = {}
    found: list[str] = []
    is_value = False
    for argument in arguments:
        path = Path(argument.partition("::")[0])
        if is_value or argument.startswith("-") or path.exists():
            found.append(argument)
        else:
            found.append(_item(argument, folder, positions))
        is_value = argument.startswith("-") and "=" not in argument
    return found


def _item(case_id: str, folder: Path, read: dict[Path, dict[str, Path]]) -> str:
    """The item of an id; folders that were `read` are not read again for the next one."""
    from conformance.case.load import load_folder

    folder = suite.folder_of(case_id, folder)
    if folder not in read:
        read[folder] = {case.id: Path(case.position.path) for case in load_folder(folder)}
    positions = read[folder]
    if case_id not in positions and (case_id.endswith((".yaml", ".yml")) or case_id.startswith(str(folder))):
        raise UsageError(f"{case_id}: no such file or folder", f"case files stand in {folder}")
    name = one_of(case_id, list(positions), str(folder))
    return f"{positions[name]}::{name}"
