"""What every page has, whatever it is about: a verdict on top, a filter with its chips, a grid, an index, packed pages.

Report, gate and matrix fill these; the templates show them. Plain text only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Head:
    """The top of a page: its verdict, and what must be known beside it."""

    title: str
    """Of the window."""
    state: str
    """What the verdict is coloured by: a verdict, or `incomplete`."""
    sign: str
    headline: str
    sentences: tuple[str, ...]
    contents: tuple[tuple[str, str], ...] = ()
    """Sections that can be jumped to: title, and the id of its heading."""


@dataclass(frozen=True, slots=True)
class Chip:
    """A word of the filter that can be clicked: `✗ differ`, which is `status:differ`."""

    text: str
    query: str
    count: int
    state: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """One verdict of one lane in one family: how many cases, and the filter that shows them."""

    state: str
    count: int
    query: str

    @property
    def href(self) -> str:
        return filter_href(self.query)


@dataclass(frozen=True, slots=True)
class Family:
    """A row of the grid: marks lane by lane, worst first; a lane without a case there has none."""

    name: str
    marks: tuple[tuple[Mark, ...], ...]

    @property
    def href(self) -> str:
        return filter_href(f"family:{self.name}")


@dataclass(frozen=True, slots=True)
class Grid:
    """Layer families by lanes."""

    lanes: tuple[str, ...]
    families: tuple[Family, ...]

    @property
    def columns(self) -> tuple[tuple[Family, ...], ...]:
        """The families side by side in two tables, where there are many of them and few lanes."""
        if len(self.lanes) > WIDEST or len(self.families) < LONGEST:
            return (self.families,)
        half = -(-len(self.families) // 2)
        return self.families[:half], self.families[half:]


WIDEST, LONGEST = 4, 8
"""Lanes up to which two tables stand side by side, and families from which on they do."""


@dataclass(frozen=True, slots=True)
class Row:
    """A case in an index."""

    id: str
    href: str
    """Empty where there is no page of it."""
    anchor: str
    """The row's own id, where the permanent link leads to the row; else empty."""
    state: str
    sign: str
    word: str
    """What is said of it: its verdict, or its section."""
    lines: tuple[str, ...]
    """What stands below the id: the answer."""
    cells: tuple[str, ...]
    """Further columns."""
    facts: str = ""
    """What the filter finds it by, beside its text."""


@dataclass(frozen=True, slots=True)
class Part:
    """Neighbouring rows with what they have in common."""

    title: str
    rows: tuple[Row, ...]
    anchor: str = ""
    """Where the contents of the page lead to; may be empty."""


@dataclass(frozen=True, slots=True)
class Index:
    """All cases of a page, in parts of which a browser lays out those that are looked at."""

    head: tuple[str, ...]
    """Of the columns: the verdict's, the case's, and those of `cells`."""
    parts: tuple[Part, ...]
    role: str = ""
    """`pairs` for a before and an after, which stand under each other on a narrow screen, each with its head."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the filter, and what it finds: a line of the help."""

    text: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Filter:
    """The filter of a page: what may be typed, and what may be clicked."""

    example: str
    words: tuple[Word, ...]
    chips: tuple[Chip, ...] = field(default=())


def slug(state: str) -> str:
    """A verdict or a section as one word, for the filter and the style sheet: `not-judged`."""
    return state.replace(" ", "-")


def filter_href(query: str) -> str:
    """The link that shows the cases which a filter finds."""
    return "#?q=" + quote(query, safe=":=.-_~")
