"""A case's page as markdown, to be pasted into an issue or a chat: the same blocks as the text and the HTML."""

from __future__ import annotations

import re

from conformance.record.case import Record
from conformance.report.blocks import (
    GLYPHS,
    Block,
    Chips,
    Code,
    Command,
    Fold,
    Link,
    Page,
    Paragraph,
    Pictures,
    Table,
)
from conformance.report.facts import Lanes
from conformance.report.page import page_of

_SPECIAL = re.compile(r"([\\`*<|]|\](?=\()|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|~(?=~))")
_STARTS = re.compile(r"^(?:(?=[#>+=-])|(\d+)(?=[.)](?:\s|$)))")
"""What would begin a heading, a quotation or a list."""
_LONGEST_FENCE = re.compile(r"`{3,}")


def case_markdown(record: Record, lanes: Lanes) -> str:
    """The whole page of a case; `lanes` are the lane rows of the results."""
    return page_markdown(page_of(record, lanes))


def page_markdown(page: Page) -> str:
    """Headings for sections, tables for tables, fenced code for what was written or printed."""
    parts = [f"## {GLYPHS.get(page.outcome, '?')} {page.outcome.upper()} `{page.id}`"]
    parts += [plain(words) for words in (page.about,) if words]
    for section in page.sections:
        parts.append(f"### {section.title}")
        parts += [_block(block) for block in section.blocks]
    return "\n\n".join(parts) + "\n"


def plain(text: str) -> str:
    """Text that markdown shows as it is, line by line; nobody is notified by an @ in it."""
    lines = (_STARTS.sub(r"\1\\", _SPECIAL.sub(r"\\\1", line)) for line in text.split("\n"))
    return "  \n".join(lines).replace("@", "@\u2060")


def cell(text: str) -> str:
    """Text that stays in its cell."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split())).replace("@", "@\u2060")


def fenced(text: str) -> str:
    """Text between fences that are longer than any in it."""
    longest = max((len(found) for found in _LONGEST_FENCE.findall(text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}\n{text}\n{fence}"


def _block(block: Block) -> str:
    match block:
        case Paragraph(text, role):
            words = plain(text)
            return f"**{words}**" if role == "answer" and "\n" not in text else words
        case Chips(items):
            return " · ".join(f"{GLYPHS.get(state, '?')} {plain(words)}" for words, state in items)
        case Code(text):
            return fenced(text)
        case Command(text):
            return fenced(text)
        case Fold(title, text):
            return f"<details><summary>{plain(title)}</summary>\n\n{fenced(text)}\n\n</details>"
        case Link(address):
            return f"<{address}>"
        case Table():
            return _table(block)
        case Pictures():
            shown = [f"{panel.words[:1].upper()}{panel.words[1:]}." for panel in block.panels]
            return "\n\n".join([f"*{cell(block.caption)}*", fenced("\n".join(block.lines)), *map(plain, shown)])


def _table(table: Table) -> str:
    head = [cell(name) for name in table.head]
    rows = [
        [f"**{GLYPHS['differ']} {cell(item.text)}**" if item.mark == "differ" else cell(item.text) for item in row]
        for row in table.rows
    ]
    lines = [f"*{cell(table.caption)}*", "", f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])
