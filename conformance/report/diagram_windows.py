"""The windows of a convolution or a pool over one axis, its padding included: which steps each output reads.

Of a transposed convolution: which steps of the output each step of the input writes, what is cut off included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from conformance.report.blocks import Drawing, Panel
from conformance.report.diagrams import CELL, INSET, LINE, label, numbers, squares, width_of

WIDEST = 30
"""Cells of the padded axis that are drawn; of a longer one, its beginning and its end."""
MOST = 7
"""Windows that are drawn; of more, the first and the last."""
SAID = 3
"""Windows that are told in words, at either end."""


@dataclass(frozen=True, slots=True)
class Window:
    """How the windows of a layer lie on one axis: `count` windows over `length` steps padded `left` and `right`.

    Where it `writes`, the axis is the output's, a window is what one step of the input writes, and what is padding
    elsewhere is cut off.
    """

    length: int
    size: int
    stride: int
    dilation: int
    left: int
    right: int
    count: int
    writes: bool = False

    def reads(self, output: int) -> list[int]:
        """The steps that one output reads; below 0 and from `length` on stands padding."""
        return [output * self.stride + tap * self.dilation - self.left for tap in range(self.size)]


def window_panel(window: Window, axis: str) -> Panel:
    """The padded axis, and a row of filled cells for each window; what reads padding is hollow."""
    steps = list(range(-window.left, window.length + window.right))
    shown = steps if len(steps) <= WIDEST else [*steps[: WIDEST // 2], *steps[-(WIDEST // 2) + 1 :]]
    outputs = range(window.count)
    drawn = list(outputs) if window.count <= MOST else [*outputs[: MOST - 2], *outputs[-2:]]
    names = [f"{'input' if window.writes else 'output'} {number}" for number in drawn]
    start = width_of([axis, *names]) + 8
    places = _places(shown, start)
    drawings = [*_axis(window, axis, shown, places)]
    for row, (output, name) in enumerate(zip(drawn, names, strict=True), start=1):
        drawings += _window(window, output, name, places, row * LINE)
    width = max(places.values(), default=start) + CELL + 2
    return Panel(
        f"{axis}: {window.length} of {window.count}" if window.writes else f"{axis}: {window.count} of {window.length}",
        words(window, axis),
        round(width),
        LINE * (len(drawn) + 1),
        tuple(drawings),
    )


def _places(shown: Sequence[int], start: float) -> dict[int, float]:
    """Step to the left edge of its cell; where steps are left out there is a gap."""
    places, x = {}, start
    for before, step in zip([*shown[:1], *shown], shown, strict=False):
        x += CELL if step - before > 1 else 0
        places[step] = x
        x += CELL
    return places


def _axis(window: Window, axis: str, shown: Sequence[int], places: dict[int, float]) -> list[Drawing]:
    real = [step for step in shown if 0 <= step < window.length]
    padding = [step for step in shown if not 0 <= step < window.length]
    drawings = [label(axis, 0, 11)]
    if real:
        drawings.append(squares([(places[step] + 1, 1) for step in real], CELL - 2, "cell"))
        drawings.append(numbers([str(step)[-3:] for step in real], [places[step] for step in real], 10.5))
    if padding:
        drawings.append(squares([(places[step] + 1, 1) for step in padding], CELL - 2, "pad"))
    if len(places) < window.left + window.length + window.right:
        gap = next(places[a] + CELL for a, b in pairwise(shown) if b - a > 1)
        drawings.append(label("…", gap + 3, 10.5))
    return drawings


def _window(window: Window, output: int, name: str, places: dict[int, float], top: float) -> list[Drawing]:
    read = [step for step in window.reads(output) if step in places]
    size = CELL - 2 * INSET
    real = [(places[step] + INSET, top + INSET) for step in read if 0 <= step < window.length]
    padding = [(places[step] + INSET, top + INSET) for step in read if not 0 <= step < window.length]
    drawings = [label(name, 0, top + 11)]
    drawings += [squares(real, size, "full")] if real else []
    drawings += [squares(padding, size, "pad")] if padding else []
    return drawings


def words(window: Window, axis: str) -> str:
    """What the picture shows, for who does not see it."""
    said = range(window.count)
    told = list(said) if window.count <= 2 * SAID else [*said[:SAID], *said[-1:]]
    if window.writes:
        return _words_of_writing(window, axis, told)
    ends = [f"{n} {where}" for n, where in ((window.left, "before"), (window.right, "after")) if n]
    padded = f"padded with {' and '.join(ends)}" if ends else "without padding"
    apart = f", {window.dilation} apart" if window.dilation > 1 else ""
    every = "" if window.stride == 1 else f" every {window.stride} steps"
    reads = "; ".join(f"output {output} reads {_reads(window, output)}" for output in told)
    return f"{window.length} {axis}, {padded}; a window of {window.size}{apart}{every} gives {window.count}: {reads}"


def _words_of_writing(window: Window, axis: str, told: Sequence[int]) -> str:
    ends = [f"{n} {where}" for n, where in ((window.left, "before"), (window.right, "after")) if n]
    cut = f", of which {' and '.join(ends)} are cut off" if ends else ""
    apart = f", {window.dilation} apart" if window.dilation > 1 else ""
    writes = "; ".join(f"input {number} writes {_reads(window, number)}" for number in told)
    steps = "a step" if window.stride == 1 else f"{window.stride} steps"
    return (
        f"{window.count} {axis} write windows of {window.size}{apart}, each {steps} after the one before{cut}; "
        f"{window.length} come out: {writes}"
    )


def _reads(window: Window, output: int) -> str:
    read = window.reads(output)
    before, after = sum(step < 0 for step in read), sum(step >= window.length for step in read)
    real = [step for step in read if 0 <= step < window.length]
    what = "cut off" if window.writes else "of the padding"
    inner = ""
    if real:
        is_row = len(real) > 2 and real[-1] - real[0] == len(real) - 1
        inner = f"{real[0]} to {real[-1]}" if is_row else ", ".join(map(str, real))
    parts = [
        f"{before} {what} before" if before else "",
        inner,
        f"{after} {what} after" if after else "",
    ]
    return ", ".join(part for part in parts if part)
