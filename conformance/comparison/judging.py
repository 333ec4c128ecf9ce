"""How far what the port gave lies from what it should, in multiples of what rounding explains; in windows of rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from conformance.comparison.orders import Order
from conformance.comparison.values import Array
from conformance.judge.budget import allowance, distance, is_biased

WINDOW = 1 << 22
"""Elements that are judged at once; a larger array is judged in windows of whole rows."""
Yardstick = Literal["reference", "float64", "plain"]
"""What says how far rounding reaches: the NumPy reference of the layer, the user's own model in float64, or nothing but
the size of the numbers."""


@dataclass(frozen=True, slots=True)
class Share:
    """What of its allowance one array used; over 1 is not rounding."""

    used: float
    over: int
    count: int
    index: tuple[int, ...]
    """The worst element, in the port's layout."""
    got: float
    wanted: float
    allowed: float
    by: Yardstick
    masked: int = 0
    """Elements of masked steps, which were not judged."""
    relative: float = 0.0
    """Largest error over the largest number."""
    is_biased: bool = False
    """Each error is small enough, and all of them together are not."""

    @property
    def agrees(self) -> bool:
        return self.used <= 1.0 and not self.is_biased


def share_of(
    got: Array,
    wanted: Array,
    moved: Array | None,
    terms: int,
    by: Yardstick,
    scale: float,
    order: Order,
    valid: Array | None = None,
) -> Share:
    """The share of an array of the port; `wanted` and `moved` are in the model's layout, `valid` in the port's.

    `scale` is 2 where what is wanted is another float32 result and has its own error. Raises ValueError for shapes that
    do not fit.
    """
    best: Share | None = None
    for start, stop in _windows(wanted, order):
        part = _one(got, wanted, moved, terms, by, scale, order, valid, (start, stop))
        best = part if best is None else _worse(best, part)
    assert best is not None
    return best


def _windows(wanted: Array, order: Order) -> Iterator[tuple[int, int]]:
    """Stretches of rows, where the first axis is the batch in both layouts."""
    rows = wanted.shape[0] if wanted.ndim else 1
    keeps_rows = bool(order.axes) and order.axes[0] == 0 and order.shape[:1] == wanted.shape[:1]
    if wanted.size <= WINDOW or not keeps_rows:
        yield 0, rows
        return
    step = max(1, WINDOW // max(wanted.size // rows, 1))
    for start in range(0, rows, step):
        yield start, min(start + step, rows)


def _one(
    got: Array,
    wanted: Array,
    moved: Array | None,
    terms: int,
    by: Yardstick,
    scale: float,
    order: Order,
    valid: Array | None,
    rows: tuple[int, int],
) -> Share:
    start, stop = rows
    is_whole = wanted.ndim == 0 or (start, stop) == (0, wanted.shape[0])
    part = slice(None) if is_whole else slice(start, stop)
    laid = order if is_whole else Order(order.axes, (stop - start, *order.shape[1:]), order.steps)
    exact = laid.of(wanted if is_whole else wanted[part])
    mine = np.asarray(got if is_whole else got[part])
    if mine.shape != exact.shape:
        raise ValueError(f"shape {mine.shape} where {exact.shape} is wanted")
    size = None if moved is None else laid.of(moved if is_whole else moved[part])
    masked = 0
    if valid is not None:
        real = np.broadcast_to(valid if is_whole else valid[part], exact.shape)
        masked = int(np.sum(~real))
        mine = np.where(real, mine, exact)
    if exact.dtype.kind != "f":
        differs = mine != exact
        place = tuple(int(i) for i in np.argwhere(differs)[0]) if differs.any() else (0,) * mine.ndim
        used = float("inf") if differs.any() else 0.0
        value = (float(mine[place]), float(exact[place])) if mine.size else (0.0, 0.0)
        return Share(used, int(np.sum(differs)), mine.size, place, *value, 0.0, by, masked)
    special = _special(mine) != _special(exact)
    if special.any():
        place = tuple(int(i) for i in np.argwhere(special)[0])
        return Share(float("inf"), int(np.sum(special)), mine.size, _moved(place, start), float(mine[place]),
                     float(exact[place]), 0.0, by, masked, float("inf"))  # fmt: skip
    allowed = allowance(exact, size, terms, scale=scale)
    found = distance(mine, allowed)
    worst = found.worst
    if worst is None:
        return Share(0.0, 0, 0, (), 0.0, 0.0, 0.0, by, masked)
    largest = float(np.max(np.abs(exact[np.isfinite(exact)]), initial=0.0))
    leans = by == "reference" and scale == 1.0 and is_biased(found, allowed.terms)
    return Share(
        found.used,
        found.over,
        found.count,
        _moved(worst.index, start),
        worst.got,
        worst.reference,
        worst.allowed,
        by,
        masked,
        found.largest / largest if largest else found.largest,
        leans,
    )


def _moved(index: tuple[int, ...], rows: int) -> tuple[int, ...]:
    return (index[0] + rows, *index[1:]) if index else index


def _special(values: Array) -> Array:
    kinds: Array = np.isnan(values) + 2 * np.isposinf(values) + 3 * np.isneginf(values)
    return kinds


def _worse(one: Share, other: Share) -> Share:
    from dataclasses import replace

    worst = one if one.used >= other.used else other
    return replace(
        worst,
        over=one.over + other.over,
        count=one.count + other.count,
        masked=one.masked + other.masked,
        relative=max(one.relative, other.relative),
        is_biased=one.is_biased or other.is_biased,
    )
