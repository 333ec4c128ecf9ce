"""What a page is made of: a handful of block types without markup, for the HTML, the text and markdown alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import quote

Mark = Literal["", "agree", "differ", "muted", "number", "code"]
"""What is meant by a cell beside its text: it agrees, it differs, it is an aside, a number, a line of code."""

GLYPHS = {
    "agree": "✓",
    "differ": "✗",
    "error": "!",
    "timeout": "!",
    "crash": "!",
    "known": "≈",
    "stale": "⚑",
    "not judged": "○",
    "unsupported": "–",
    "-": "·",
}
"""A sign beside every verdict and state, so that nothing is said by colour alone."""


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    mark: Mark = ""
    href: str = ""
    """Where its text leads to, on the same page; may be empty."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A sentence or two; `role` says which: `question`, `answer`, `remark`, `note`."""

    text: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a head; the first cell of a row names it. `role` `grid` is an array, set tight."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    role: str = ""


@dataclass(frozen=True, slots=True)
class Chips:
    """Words in a row, each with its state: `mask differs: keras`, `differ`."""

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Text as it was written or printed."""

    text: str


@dataclass(frozen=True, slots=True)
class Command:
    """One line for a terminal, to be copied."""

    text: str


@dataclass(frozen=True, slots=True)
class Fold:
    """A text of many lines under its title, folded until it is asked for."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Link:
    """A page elsewhere, by its address; whoever makes one has checked that it is http or https."""

    address: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """One element of a picture: `rect`, `path`, `text` or `image`, with attributes that only this package makes."""

    tag: Literal["rect", "path", "text", "image"]
    attributes: tuple[tuple[str, str | int], ...]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture with its title, and in words what it shows."""

    title: str
    words: str
    width: int
    height: int
    drawings: tuple[Drawing, ...]


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures side by side with their scales, and lines for where nothing can be drawn."""

    caption: str
    panels: tuple[Panel, ...]
    lines: tuple[str, ...]


Block: TypeAlias = Paragraph | Table | Chips | Code | Command | Fold | Link | Pictures


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """One case, from the question to how it is run again."""

    id: str
    outcome: str
    place: str
    about: str
    """Layers and tags, in one line."""
    answer: str
    command: str
    """How the case is run again."""
    question: str
    sections: tuple[Section, ...]

    @property
    def href(self) -> str:
        return case_href(self.id)


def case_href(case_id: str) -> str:
    """The permanent link to a case, which is its id."""
    return "#" + quote(case_id, safe="/!~*'()")
