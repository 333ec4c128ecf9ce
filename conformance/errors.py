"""What can go wrong on the way from a case file to a report, one type a step.

The way data takes, and the error each step raises:

    read case files            CaseError       every mistake of a file, each with its place        exit 2
    start a lane               LaneUnavailable what to install, or which version answered instead  exit 4
    run a case in a lane       (never raised: a crash, a hang or an exception is that case's verdict)
    read a results file        ResultsError    cut off, of another version, not ours               exit 2
    ask on the command line    QuestionError   a layer, a shape or a range that means nothing      exit 2
    use a command              UsageError      an option or an id that does not exist              exit 4

A user's mistake is one of these types. Anything else is ours (exit 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Exit(IntEnum):
    """What the process says when it ends; each code means one thing."""

    OK = 0
    DISAGREE = 1
    BAD_INPUT = 2
    INTERNAL = 3
    UNAVAILABLE = 4
    NOTHING_RAN = 5


class ConformanceError(Exception):
    """A mistake that a user can mend: what happened, and what to do next."""

    exit = Exit.INTERNAL

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\n   = help: {self.hint}"


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Where something stands in a case file; line and column count from 1."""

    path: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a case file: where, what, the line it stands on, and what to do."""

    position: Position
    message: str
    hint: str | None = None
    source_line: str | None = None

    def __str__(self) -> str:
        lines = [f"{self.position}: error: {self.message}"]
        if self.source_line is not None:
            number = str(self.position.line)
            gutter = " " * len(number)
            lines += [
                f"{gutter} |",
                f"{number} | {self.source_line}",
                f"{gutter} | {' ' * (self.position.column - 1)}^",
            ]
        if self.hint is not None:
            lines.append(f"   = help: {self.hint}")
        return "\n".join(lines)


class CaseError(ConformanceError):
    """All mistakes of one case file, or of several, in the order in which they stand."""

    exit = Exit.BAD_INPUT

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(problems, key=lambda problem: problem.position)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[CaseError], tuple[list[Problem]]]:
        return CaseError, (self.problems,)  # else it cannot come out of another process: it is made of its message


class QuestionError(ConformanceError):
    """A question on the command line that cannot be asked: what is wrong with it, and how it is written."""

    exit = Exit.BAD_INPUT


class LaneUnavailable(ConformanceError):
    """A lane that was asked for cannot start, or answers as something else than what was asked for."""

    exit = Exit.UNAVAILABLE


class ResultsError(ConformanceError):
    """A results file that cannot be trusted: cut off, of an unknown version, or not a results file."""

    exit = Exit.BAD_INPUT


class UsageError(ConformanceError):
    """An option, an id or a name that does not exist."""

    exit = Exit.UNAVAILABLE
