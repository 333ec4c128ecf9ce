"""All mistakes of one case file, collected on the way, each shown on the line on which it stands."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable, Sequence
from typing import Protocol

from conformance.errors import CaseError, Position, Problem

MAX_PROBLEMS = 100
"""Mistakes of one file that are named; whoever has made more mends these first."""
WORDS_COMPARED = 1000
"""Known words with which an unknown one is compared."""
LINE_SHOWN = 160
"""Characters of a source line that a message shows."""
TEXT_SHOWN = 40
"""Characters of a value that a message shows."""


class TooManyProblems(Exception):
    """There are as many mistakes as are named, and no use in looking for more."""


class Place(Protocol):
    """Anything that knows where it stands, counted from 1."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


class Problems:
    """The mistakes found so far in one file; the same mistake in two variants of a case counts once."""

    def __init__(self, path: str, lines: Sequence[str], limit: int = MAX_PROBLEMS) -> None:
        self.path = path
        self.lines = lines
        self.limit = limit
        self.found: list[Problem] = []
        self.noted = 0
        """How often something was noted, what had been found before included."""
        self.variant = ""
        """Which variant of a matrix is being read, for the help line; empty outside a matrix."""
        self._seen: set[tuple[Position, str]] = set()

    def add(self, where: Place, message: str, hint: str | None = None, shift: int = 0) -> None:
        """Notes a mistake at a place, or `shift` columns after it. Raises TooManyProblems at the limit."""
        self.noted += 1
        position = Position(self.path, where.line, where.column + shift)
        if (position, message) in self._seen:
            return
        self._seen.add((position, message))
        if self.variant:
            hint = f"{hint} (in the variant {self.variant})" if hint else f"in the variant {self.variant}"
        self.found.append(Problem(position, message, hint, self._source_line(position)))
        if len(self.found) >= self.limit:
            end = Position(self.path, max(len(self.lines), 1), 1)
            self.found.append(Problem(end, f"{self.limit} mistakes are named; the rest of the file is not checked"))
            raise TooManyProblems

    def _source_line(self, position: Position) -> str | None:
        if not 1 <= position.line <= len(self.lines) or position.column > LINE_SHOWN:
            return None
        line = self.lines[position.line - 1].replace("\t", " ")
        return line if len(line) <= LINE_SHOWN else line[: LINE_SHOWN - 3] + "..."

    def raise_if_any(self) -> None:
        if self.found:
            raise CaseError(self.found)


def shown(text: str) -> str:
    """Text of a user in quotes, cut to a length, with nothing in it that a terminal would obey."""
    cut = text if len(text) <= TEXT_SHOWN else text[: TEXT_SHOWN - 3] + "..."
    return "'" + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut) + "'"


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """The known word nearest to this one, whatever the case of its letters, as a hint; None where nothing is near."""
    words = sorted(itertools.islice(known, WORDS_COMPARED))
    folded = {other.casefold(): other for other in words}
    near = [folded[word.casefold()]] if word.casefold() in folded else difflib.get_close_matches(word, words, n=1)
    if not near:
        near = [folded[found] for found in difflib.get_close_matches(word.casefold(), folded, n=1)]
    return f"did you mean {near[0]}?" if near else None


def listed(words: Iterable[str]) -> str:
    """Words in a row, `none` where there are none; the first ten of them, for there may be hundreds."""
    row = list(words)
    return ", ".join(row[:10]) + (f", ... ({len(row)} in all)" if len(row) > 10 else "") if row else "none"
