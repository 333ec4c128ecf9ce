"""The blocks of a recurrent layer's kernel, gate by gate, and where each goes in torch."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.report.blocks import Drawing, Panel
from conformance.report.diagrams import LETTER, label, lines

HEIGHT, BETWEEN = 18, 30
"""Of a block, and between the two rows of blocks."""


def gate_panel(gates: Sequence[str], order: Sequence[int], ours: str, theirs: str) -> Panel:
    """Keras' blocks above, torch's below, and a line from each to where it goes.

    `order` has, for each block of torch, the number of Keras' block that stands there.
    """
    wide = LETTER * (max(len(gate) for gate in gates) + 2)
    start = LETTER * (max(len(ours), len(theirs)) + 1)
    below = HEIGHT + BETWEEN
    drawings: list[Drawing] = [label(ours, 0, 12), label(theirs, 0, below + 12)]
    for place, gate in enumerate(gates):
        drawings.append(label(gate, start + (place + 0.5) * wide, 12, "middle"))
    for place, block in enumerate(order):
        drawings.append(label(gates[block], start + (place + 0.5) * wide, below + 12, "middle"))
    for top in (0, below):
        path = "".join(
            f"M{start + place * wide + 1:.1f} {top + 1}h{wide - 2:.1f}v{HEIGHT - 2}h-{wide - 2:.1f}z"
            for place in range(len(gates))
        )
        drawings.append(Drawing("path", (("class", "cell"), ("d", path))))
    moves = [
        (start + (block + 0.5) * wide, HEIGHT, start + (place + 0.5) * wide, below) for place, block in enumerate(order)
    ]
    drawings.append(lines(moves, "cell"))
    width = start + wide * len(gates) + 2
    return Panel(
        f"{ours} to {theirs}", words(gates, order, ours, theirs), round(width), below + HEIGHT + 2, tuple(drawings)
    )


def words(gates: Sequence[str], order: Sequence[int], ours: str, theirs: str) -> str:
    """What the picture shows, for who does not see it."""
    here, there = ", ".join(gates), ", ".join(gates[block] for block in order)
    if list(order) == list(range(len(gates))):
        return f"{ours} stacks {here}, and {theirs} does so too"
    return f"{ours} stacks {here}; {theirs} stacks {there}"
