"""The mask as it flows through the layers of a case: a row of cells for each node, filled where a step is real."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from conformance.report.blocks import Drawing, Panel
from conformance.report.diagrams import CELL, INSET, LINE, label, squares, width_of

SAMPLES = 2
"""Sequences of a batch that are drawn."""
WIDEST = 30
"""Steps of a sequence that are drawn."""


@dataclass(frozen=True, slots=True)
class Flow:
    """One node on the way: how it came to be, and its mask, a row a sequence; None where it carries none."""

    label: str
    made_by: str
    mask: tuple[tuple[bool, ...], ...] | None


def mask_panel(nodes: Sequence[Flow], title: str) -> Panel:
    """A block of rows a node, in the order in which the case calls its layers."""
    names = [f"{node.label} = {node.made_by}" if node.made_by else node.label for node in nodes]
    start = width_of(names) + 10
    drawings: list[Drawing] = []
    top, widest = 0, 0
    for node, name in zip(nodes, names, strict=True):
        rows = [] if node.mask is None else [row[:WIDEST] for row in node.mask[:SAMPLES]]
        drawings.append(label(name, 0, top + 11))
        if not rows:
            drawings.append(label("no mask", start, top + 11))
        real: list[tuple[float, float]] = []
        out: list[tuple[float, float]] = []
        for number, row in enumerate(rows):
            for step, is_real in enumerate(row):
                place = (start + step * CELL, float(top + number * CELL))
                (real if is_real else out).append(place)
        drawings += [squares([(x + INSET, y + INSET) for x, y in real], CELL - 2 * INSET, "full")] if real else []
        drawings += [squares([(x + INSET, y + INSET) for x, y in out], CELL - 2 * INSET, "cell")] if out else []
        widest = max([widest, *map(len, rows)])
        top += max(LINE, CELL * len(rows) + 6)
    width = start + max(widest * CELL, 45)
    return Panel(title, "; ".join(map(words, nodes)), round(width), top, tuple(drawings))


def words(node: Flow) -> str:
    """A node's mask in words."""
    by = f", made by {node.made_by}," if node.made_by else ""
    if node.mask is None:
        return f"{node.label}{by} carries no mask"
    rows = ", ".join("".join("1" if is_real else "0" for is_real in row[:WIDEST]) for row in node.mask[:SAMPLES])
    more = f" and {len(node.mask) - SAMPLES} more" if len(node.mask) > SAMPLES else ""
    return f"{node.label}{by} carries {rows}{more}"
