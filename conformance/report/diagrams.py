"""What the diagrams of a page share: cells in a row, labels beside them, and SVG that follows the page's colours.

A diagram is drawn in the ink of the page: outlines, filled cells and dashed ones, by classes of the style sheet, so
that light, dark and forced colours each have theirs, and nothing is said by colour alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from conformance.report.blocks import Drawing

CELL = 14
"""Width of a cell."""
INSET = 3
"""From the edge of a cell to what is drawn within it."""
LETTER = 5.4
"""Width of a letter of the monospaced font, at the size in which labels are set."""
LINE = 18
"""Height of a row."""


def squares(places: Iterable[tuple[float, float]], size: float, role: str) -> Drawing:
    """Squares with these upper left corners, as one path."""
    path = "".join(f"M{_short(x)} {_short(y)}h{_short(size)}v{_short(size)}h-{_short(size)}z" for x, y in places)
    return Drawing("path", (("class", role), ("d", path)))


def label(text: str, x: float, y: float, anchor: str = "") -> Drawing:
    """A line of text whose baseline begins at this place; `end` for one that ends there, `middle` for its middle."""
    where = (("x", _short(x)), ("y", _short(y)))
    return Drawing("text", (*where, ("text-anchor", anchor)) if anchor else where, text)


def numbers(texts: Sequence[str], lefts: Sequence[float], y: float) -> Drawing:
    """Short texts, each in the middle of the cell that begins at its left, as one element."""
    starts = []
    for text, left in zip(texts, lefts, strict=True):
        first = left + (CELL - LETTER * len(text)) / 2
        starts += [first + LETTER * place for place in range(len(text))]
    places = " ".join(_short(start) for start in starts)
    return Drawing("text", (("x", places), ("y", _short(y))), "".join(texts))


def lines(ends: Iterable[tuple[float, float, float, float]], role: str) -> Drawing:
    """Straight lines from one place to another, as one path."""
    path = "".join(f"M{_short(x)} {_short(y)}L{_short(u)} {_short(v)}" for x, y, u, v in ends)
    return Drawing("path", (("class", role), ("d", path)))


def width_of(texts: Iterable[str]) -> float:
    """How wide the longest of these labels is."""
    return LETTER * max((len(text) for text in texts), default=0)


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
