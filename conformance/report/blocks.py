"""What a page is made of: a handful of block types without markup, for the HTML, the script and the text alike.

A page that is drawn on demand travels as JSON in nested lists. Passing pages resemble each other, so subtrees that
occur twice are kept once, in a pool, and referred to by number.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
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


Block: TypeAlias = Paragraph | Table | Chips | Code | Command


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
    sections: tuple[Section, ...]

    @property
    def href(self) -> str:
        return case_href(self.id)


def case_href(case_id: str) -> str:
    """The permanent link to a case, which is its id."""
    return "#" + quote(case_id, safe="/.-_~")


def page_lists(page: Page) -> list[Any]:
    """A page as nested lists of strings, which is what the script draws."""
    sections = [[section.title, [_block_list(block) for block in section.blocks]] for section in page.sections]
    return [page.outcome, page.href, page.place, page.about, sections]


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


def packed(pages: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Pages by id as `{pool, pages}`: a number in a page stands for that entry of the pool.

    Only what is longer than a number and occurs more than once goes into the pool.
    """
    given = list(pages)
    counts: dict[str, int] = {}
    for _, page in given:
        _count(page, counts)
    pool: list[Any] = []
    numbers: dict[str, int] = {}
    packed_pages = [[name, _pack(page, counts, numbers, pool)] for name, page in given]
    return {"pool": pool, "pages": packed_pages}


def _key(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _count(value: Any, counts: dict[str, int]) -> None:
    """Counts every subtree; below one that was seen before nothing new can be found."""
    key = _key(value)
    counts[key] = counts.get(key, 0) + 1
    if counts[key] == 1 and isinstance(value, list):
        for item in value:
            _count(item, counts)


def _pack(value: Any, counts: dict[str, int], numbers: dict[str, int], pool: list[Any]) -> Any:
    key = _key(value)
    is_shared = counts[key] > 1 and len(key) > 7
    if is_shared and key in numbers:
        return numbers[key]
    small = [_pack(item, counts, numbers, pool) for item in value] if isinstance(value, list) else value
    if not is_shared:
        return small
    numbers[key] = len(pool)
    pool.append(small)
    return numbers[key]


def unpacked(value: Any, pool: Sequence[Any]) -> Any:
    """The reverse of packing, for one page: what the script does in the browser."""
    if isinstance(value, int):
        return unpacked(pool[value], pool)
    return [unpacked(item, pool) for item in value] if isinstance(value, list) else value
