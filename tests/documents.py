"""Pages for users, read for what they ask a reader to type: commands, files to save, and what is printed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = tuple(
    path.relative_to(ROOT).as_posix()
    for path in (
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "reports/README.md",
        *(ROOT / "docs").glob("*.md"),
    )
)
"""Every page for users; those of evidence are not."""
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SAVED = re.compile(r"`([\w./-]+\.(?:yaml|py|toml))`")


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    language: str
    text: str
    path: str
    """The last file that was named before it."""


def blocks(text: str) -> Iterator[Block]:
    for found in FENCE.finditer(text):
        named = SAVED.findall(text[: found.start()])
        yield Block(found[1], found[2], named[-1] if named else "")


def commands(text: str) -> Iterator[list[str]]:
    """The commands of all blocks of shell, as words: continued lines joined, comments and here-documents left out."""
    for block in blocks(text):
        if block.language == "sh":
            yield from commands_of(block.text)


def commands_of(script: str) -> Iterator[list[str]]:
    joined = re.sub(r"\\\n\s*", " ", script)
    joined = re.sub(r"<<'?(\w+)'?\n.*?^\1$", "", joined, flags=re.MULTILINE | re.DOTALL)
    for line in joined.splitlines():
        words = shlex.split(line, comments=True)
        while words:
            end = next((place for place, word in enumerate(words) if word in ("&&", "|", ">", "||")), len(words))
            if words[:end]:
                yield words[:end] if words[0] != "!" else words[1:end]
            rest = words[end:]
            words = [] if rest[:1] in ([], [">"]) else rest[1:]
