"""What a page is made of: a handful of block types without markup, for the HTML, the script and the text alike.

A page that is drawn on demand travels as JSON in nested lists.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from urllib.parse import quote

Mark = Literal["", "agree", "differ", "muted", "number"]
"""What is meant by a cell beside its text: it agrees, it differs, it is an aside, it is a number."""

GLYPHS = {
    "agree": "✓",
    "differ": "✗",
    "error": "!",
    "timeout": "!",
    "crash": "!",
    "known": "≈",
    "stale": "⚑",
    "unsupported": "–",
    "-": "·",
}
"""A sign beside every verdict and state, so that nothing is said by colour alone."""


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    mark: Mark = ""


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
class ReproCommand:
    """The command that prints a case's script for a lane; on a page that is drawn on demand, the lane alone."""

    case: str
    lane: str

    @property
    def text(self) -> str:
        return f'conformance repro "{self.case}" --lane {self.lane}'


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
    """One element of a picture: `rect`, `text` or `image`, with attributes that only this package makes."""

    tag: Literal["rect", "text", "image"]
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


Block: TypeAlias = Paragraph | Table | Chips | Code | Command | ReproCommand | Fold | Link | Pictures


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


def page_lists(page: Page) -> list[Any]:
    """A page as nested lists of strings, which is what the script draws.

    The answer stands in the index already, and the command follows from id and place: both are left out.
    """
    known: dict[Block, list[Any]] = {Paragraph(page.answer, "answer"): ["answer"], Command(page.command): ["run"]}
    sections = [
        [section.title, [known.get(block) or _block_list(block) for block in section.blocks]]
        for section in page.sections
    ]
    return [page.outcome, page.place, page.about, sections]


def _block_list(block: Block) -> list[Any]:
    match block:
        case Paragraph(text, role):
            return ["p", text, role]
        case Table(caption, head, rows, role):
            cells = [[[cell.text, cell.mark] if cell.mark else cell.text for cell in row] for row in rows]
            return ["table", caption, list(head), cells, role]
        case Chips(items):
            return ["chips", [list(item) for item in items]]
        case Code(text):
            return ["code", text]
        case Command(text):
            return ["command", text]
        case ReproCommand(_, lane):
            return ["repro", lane]
        case Fold(title, text):
            return ["fold", title, text]
        case Link(address):
            return ["link", address]
        case Pictures(caption, panels, _):
            return ["pictures", caption, [_panel_list(panel) for panel in panels]]


def _panel_list(panel: Panel) -> list[Any]:
    drawings = [
        [drawing.tag, [[name, str(value)] for name, value in drawing.attributes], drawing.text]
        for drawing in panel.drawings
    ]
    return [panel.title, panel.words, str(panel.width), str(panel.height), drawings]
