"""Pages that a run writes anew keep what somebody wrote by hand below a heading."""

from __future__ import annotations

from pathlib import Path


def with_notes(text: str, path: Path, heading: str) -> str:
    """The page, and below it that part of the file that stands from the line `heading` on."""
    _, found, notes = (path.read_text(encoding="utf-8") if path.exists() else "").partition(f"\n{heading}\n")
    return text + found + notes
