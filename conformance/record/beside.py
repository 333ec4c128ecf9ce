"""What is laid beside the record of a case for its page: what other versions said, and what changed since a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from conformance.form import CONFIG, Count


@dataclass(frozen=True, slots=True)
class VersionRow:
    """Neighbouring versions that gave one answer."""

    __pydantic_config__ = CONFIG

    lanes: str
    """The versions, in words."""
    letter: str
    """One letter an answer."""
    verdict: str
    """What was said of it."""
    answer: str
    """The answer in a few words."""
    is_change: bool
    """Whether the answer is another than before."""


@dataclass(frozen=True, slots=True)
class VersionsRecord:
    """What other versions said to a case."""

    __pydantic_config__ = CONFIG

    note: str
    """How many answers there are, or why there is none to compare."""
    rows: tuple[VersionRow, ...]
    """A row for neighbours of one answer."""


@dataclass(frozen=True, slots=True)
class SaidRecord:
    """One side of a change."""

    __pydantic_config__ = CONFIG

    verdict: str
    """The verdict."""
    answer: str
    """The answer in a few words."""
    known: str = ""
    """The deviation that explains it; may be empty."""


@dataclass(frozen=True, slots=True)
class ChangeRecord:
    """One lane of one case before and now."""

    __pydantic_config__ = CONFIG

    case: str
    """The case's id."""
    lane: str
    """The lane, or the two lanes that are compared."""
    section: str
    """`wrong now`, `refuses now`, `another answer`, `right now`, `answers now`, `new`, `removed`, `not comparable` or
    `not reproducible`."""
    aspect: str
    """The aspect that it is about; may be empty."""
    node: str
    """The node; may be empty."""
    old: SaidRecord | None
    """What was said before; null where the case was not there."""
    new: SaidRecord | None
    """What is said now; null where the case is not there any more."""
    moved: tuple[str, ...]
    """Which of `behaviour`, `case`, `reference`, `environment` moved."""
    note: str
    """Why the two cannot be compared, or what is to be known of it; may be empty."""


@dataclass(frozen=True, slots=True)
class MoveRecord:
    """A package, a platform or a variable that is not the same in a baseline."""

    __pydantic_config__ = CONFIG

    name: str
    """What it is called."""
    old: str | None
    """What it was; null where there was none."""
    new: str | None
    """What it is; null where there is none."""


@dataclass(frozen=True, slots=True)
class BaselineRecord:
    """An earlier run, and what changed since."""

    __pydantic_config__ = CONFIG

    started: str
    """When it was started."""
    command: str
    """How."""
    note: str
    """Why the two runs cannot be laid side by side; empty where they can."""
    label: str = ""
    """Its lanes and their versions."""
    counts: Mapping[str, Count] = field(default_factory=dict)
    """Section to its number of rows."""
    environment: tuple[MoveRecord, ...] = ()
    """What else is not the same."""
    rows: tuple[ChangeRecord, ...] = ()
    """What moved, case by case."""
