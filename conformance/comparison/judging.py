"""How far what the port gave lies from what it should, in multiples of what rounding explains; in windows of rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from conformance.comparison.orders import Order
from conformance.comparison.values import Array
from conformance.judge.budget import FLOAT32, allowance, distance, is_biased, moderated, sides_of

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


def nothing_of(count: int, rank: int, by: Yardstick) -> Share:
    """The share of an array that is, number by number, the one that is wanted."""
    return Share(0.0, 0, count, (0,) * rank, 0.0, 0.0, 0.0, by)


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
    if by != "reference":
        swept = _swept(mine, exact, size, terms, scale, by)
        if swept is not None:
            return replace(swept, index=_moved(swept.index, start), masked=masked)
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


STRETCH = 1 << 15
"""Numbers that are judged together: what is made of them stays in the processor's cache."""
SMALLEST = 1e-20
"""Largest number of an array from which on its budget is a number of float32 too."""


def _swept(mine: Array, exact: Array, size: Array | None, terms: int, scale: float, by: Yardstick) -> Share | None:
    """The same share as by an allowance of the whole array, a stretch at a time; None where not all is finite."""
    got, wanted = np.ascontiguousarray(mine).reshape(-1), np.ascontiguousarray(exact).reshape(-1)
    if got.dtype.kind != "f" or got.size == 0:
        return None
    largest = max(float(np.max(np.abs(wanted[at : at + STRETCH]))) for at in range(0, wanted.size, STRETCH))
    if not np.isfinite(largest):
        return None
    constant, floor = sides_of(terms, wanted.size, largest, scale)
    is_narrow = got.dtype == wanted.dtype == np.float32 and size is None and largest > SMALLEST
    kind = np.float32 if is_narrow else np.float64
    moves = None if size is None else moderated(size).reshape(-1)
    worst, farthest, over = (-1.0, 0), 0.0, 0
    for at in range(0, got.size, STRETCH):
        part = slice(at, at + STRETCH)
        allowed = np.abs(wanted[part]).astype(kind, copy=False)
        allowed *= kind(constant * FLOAT32.unit)
        if moves is not None:
            allowed += constant * moves[part]
        allowed += kind(constant * FLOAT32.tiny + floor)
        far = np.abs(np.subtract(got[part], wanted[part], dtype=kind))
        farthest = max(farthest, float(np.max(far)))
        with np.errstate(invalid="ignore"):  # 0 / 0, where nothing is allowed, is looked at another way
            far /= allowed
        place = int(np.argmax(far))
        used = float(far[place])
        if not np.isfinite(used):
            return None
        if used > 1.0:
            over += int(np.count_nonzero(far > 1.0))
        if used > worst[0]:
            worst = used, at + place
    used, place = worst
    index = tuple(int(one) for one in np.unravel_index(place, exact.shape))
    near = float(wanted[place])
    moved = 0.0 if moves is None else float(moves[place])
    allowed_there = constant * (moved + FLOAT32.unit * abs(near) + FLOAT32.tiny) + floor
    relative = farthest / largest if largest else farthest
    return Share(used, over, got.size, index, float(got[place]), near, allowed_there, by, 0, relative)


def _moved(index: tuple[int, ...], rows: int) -> tuple[int, ...]:
    return (index[0] + rows, *index[1:]) if index else index


def _special(values: Array) -> Array:
    kinds: Array = np.isnan(values) + 2 * np.isposinf(values) + 3 * np.isneginf(values)
    return kinds


def _worse(one: Share, other: Share) -> Share:
    worst = one if one.used >= other.used else other
    return replace(
        worst,
        over=one.over + other.over,
        count=one.count + other.count,
        masked=one.masked + other.masked,
        relative=max(one.relative, other.relative),
        is_biased=one.is_biased or other.is_biased,
    )
