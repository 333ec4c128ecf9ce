"""What selecting needs to know of the cases of a file, kept between runs: ids, lines, tags, layers, lanes.

A file's list is found by a digest of its bytes, its name and all that reads it, so that a changed file, or another
version of what reads it, is read anew. A file with a mistake is never listed: it is read, and told, every time; nor is
one that names a layer of the user's own, whose source is no part of the digest. What is damaged is made again and said.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.imports import is_own

if TYPE_CHECKING:
    from conformance.case.model import Case

FORMAT = 1
"""Counts up when the form of a list changes."""
LIMIT = 4_000
"""Lists that are kept; of more, those go first that were not asked for longest."""
SOURCES = ("errors.py", "counterpart.py", "imports.py", "mapping.py", "case/*.py", "case/*.json", "reference/**/*.py")
"""What reads case files, as patterns below the package."""
PACKAGE = Path(__file__).resolve().parents[1]
_SUFFIX = ".cases"


@dataclass(frozen=True, slots=True)
class Listed:
    """One case, as far as it has to be known before it is selected."""

    id: str
    line: int
    column: int
    tags: tuple[str, ...]
    layer_types: tuple[str, ...]
    lanes: tuple[str, ...]


def listed(case: Case) -> Listed:
    where = case.position
    return Listed(case.id, where.line, where.column, case.tags, case.layer_types, case.lanes)


class Index:
    """The lists of case files in a folder."""

    def __init__(self, folder: Path, package: Path = PACKAGE) -> None:
        self._folder, self._package = folder, package
        self.damaged = 0
        """Lists that were there and could not be read."""
        self._is_new = False

    @cached_property
    def _readers(self) -> bytes:
        """A digest of what reads case files."""
        found = hashlib.sha256(repr((FORMAT, sys.version_info[:3])).encode())
        for pattern in SOURCES:
            for path in sorted(self._package.glob(pattern)):
                found.update(f"{path.relative_to(self._package)}\0".encode())
                found.update(hashlib.sha256(path.read_bytes()).digest())
        return found.digest()

    def _place(self, file: Path) -> Path | None:
        """Where the list of a file is kept; None where the file cannot be read."""
        try:
            written = file.read_bytes()
        except OSError:
            return None
        name = f"{file.parent.name}/{file.name}\0".encode()
        return self._folder / f"{hashlib.sha256(self._readers + name + written).hexdigest()}{_SUFFIX}"

    def of(self, file: Path) -> tuple[Listed, ...] | None:
        """The cases of a file, in its order; None where they have to be read."""
        place = self._place(file)
        try:
            raw = b"" if place is None else place.read_bytes()
        except OSError:
            return None
        if not raw:
            return None
        try:
            return tuple(_case(row) for row in json.loads(raw))
        except (ValueError, TypeError, KeyError):
            self.damaged += 1
            return None

    def keep(self, file: Path, cases: Sequence[Listed]) -> None:
        """Keeps the list of a file that was read and is in order. Where nothing can be written, nothing is kept."""
        place = self._place(file)
        if place is None or any(is_own(kind) for case in cases for kind in case.layer_types):
            return
        self._is_new = True
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            number, name = tempfile.mkstemp(prefix=".part-", dir=self._folder)
            with os.fdopen(number, "w", encoding="utf-8") as part:
                json.dump([asdict(case) for case in cases], part)
            os.replace(name, place)

    def trim(self, limit: int = LIMIT) -> None:
        """Lets go of what was made longest ago, where there are too many lists; looked at where one was added."""
        if not self._is_new:
            return
        with suppress(OSError):
            held = [entry for entry in os.scandir(self._folder) if entry.name.endswith(_SUFFIX)]
            if len(held) > limit:
                for entry in sorted(held, key=lambda entry: entry.stat().st_mtime)[: len(held) - limit * 3 // 4]:
                    os.unlink(entry.path)


def _case(row: dict[str, Any]) -> Listed:
    """A row as it was written. Raises TypeError, KeyError or ValueError for any other."""
    words = [row[key] for key in ("tags", "layer_types", "lanes")]
    if not all(isinstance(value, list) and all(isinstance(one, str) for one in value) for value in words):
        raise ValueError("not a list of words")
    name, line, column = row["id"], row["line"], row["column"]
    if not isinstance(name, str) or not isinstance(line, int) or not isinstance(column, int):
        raise ValueError("not a case")
    return Listed(name, line, column, *map(tuple, words))
