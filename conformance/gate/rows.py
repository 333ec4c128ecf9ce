"""What a comparison of two runs consists of: rows, each in the section that says what it does to a model."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from conformance.gate.answers import Move


class Section(StrEnum):
    """Where a row stands, in the order in which a reader wants them."""

    WRONG = "wrong now"
    REFUSES = "refuses now"
    MOVED = "moved"
    ANOTHER = "another answer"
    RIGHT = "right now"
    ANSWERS = "answers now"
    NEW = "new"
    REMOVED = "removed"
    NOT_COMPARABLE = "not comparable"
    NOT_REPRODUCIBLE = "not reproducible"
    UNCHANGED = "unchanged"


REGRESSIONS = (Section.WRONG, Section.REFUSES, Section.MOVED)
"""What fails a gate unless it is accepted: what is worse, and what of a model of one's own is not what it was."""
MOVED = (*REGRESSIONS, Section.ANOTHER, Section.RIGHT, Section.ANSWERS)
"""Every section whose answers are not what they were."""
MEANINGS = {
    Section.WRONG: "right before, and not any more",
    Section.REFUSES: "an answer before, an error now",
    Section.ANOTHER: "as right or as wrong as before, and not the same",
    Section.MOVED: "another answer beyond rounding, and no reference said which is right",
    Section.RIGHT: "wrong before; who relied on the old answer gets another one",
    Section.ANSWERS: "an error before, an answer now",
    Section.NEW: "not there before",
    Section.REMOVED: "not there any more",
    Section.NOT_COMPARABLE: "edited, or not asked on a side",
    Section.NOT_REPRODUCIBLE: "a side answers otherwise each time that it is asked",
    Section.UNCHANGED: "the same but for rounding",
}
"""What a section says to the person who upgrades."""
MARKS = {
    Section.WRONG: "!",
    Section.REFUSES: "!",
    Section.ANOTHER: "?",
    Section.MOVED: "?",
    Section.RIGHT: "*",
    Section.ANSWERS: "*",
    Section.NEW: "+",
    Section.REMOVED: "-",
    Section.NOT_COMPARABLE: "x",
    Section.NOT_REPRODUCIBLE: "%",
    Section.UNCHANGED: "~",
}
"""One character a section, for the margin of a line."""


@dataclass(frozen=True, slots=True)
class Said:
    """One side of a row: the verdict, the answer in a few words, and the deviation that explains it, if any."""

    verdict: str
    answer: str
    known: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One case in one pair of lanes. A side is None where it does not have the case."""

    case: str
    lane: str
    section: Section
    old: Said | None
    new: Said | None
    moves: tuple[Move, ...]
    """Every output that moved, the first cause first."""
    moved: tuple[str, ...]
    """Which of `behaviour`, `case`, `reference`, `environment` differ between the sides."""
    note: str
    path: str
    line: int
    because: str = ""
    """Why the side that fails does: the reason of its deviation, else which mistake would answer like it."""
    modes: tuple[str, ...] = ()
    """How the answer was asked for, where that is more than one way: `eager`, `traced`."""
    unasked: tuple[str, ...] = ()
    """Aspects that a side was not asked for, or gives a reason not to have."""
    accepted: str = ""
    """Who has looked at this answer and takes it, and why."""

    @property
    def aspect(self) -> str:
        """What moved first; empty where nothing did."""
        return self.moves[0].aspect if self.moves else ""

    @property
    def node(self) -> str:
        """Where it moved first."""
        return self.moves[0].node if self.moves else ""

    @property
    def is_open(self) -> bool:
        """Whether somebody has still to look at it: the answer moved, and nobody has accepted it."""
        return self.section in MOVED and not self.accepted


@dataclass(frozen=True, slots=True)
class EnvironmentMove:
    """A package, a platform or a variable that is not the same on both sides; None where a side has none."""

    name: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class Side:
    """One side: how to call it, when it ran, how many cases it holds of how many, and why some are missing."""

    label: str
    started: str
    cases: int
    missing: int
    stopped: str
    is_full: bool
    remark: str = ""
    """What is to be known of its versions."""
    counted: str = "case"
    """What `cases` are, where they are places of models."""


@dataclass(frozen=True, slots=True)
class Diff:
    """Two runs side by side."""

    old: Side
    new: Side
    environment: tuple[EnvironmentMove, ...]
    rows: tuple[Row, ...]

    def section(self, section: Section) -> tuple[Row, ...]:
        """The rows of one section, in the order of cases."""
        return tuple(row for row in self.rows if row.section is section)

    def counts(self) -> dict[Section, int]:
        return {section: len(self.section(section)) for section in Section}

    @property
    def moved(self) -> tuple[Row, ...]:
        """Every row whose answer or verdict is not what it was."""
        return tuple(row for row in self.rows if row.section in MOVED)

    @property
    def regressions(self) -> tuple[Row, ...]:
        """Every row that is worse now, but for those that were accepted."""
        return tuple(row for row in self.rows if row.section in REGRESSIONS and row.is_open)
