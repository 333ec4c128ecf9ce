"""What is kept of arrays too large to keep whole: levels for a picture of each, and the first block that differs.

An array is laid out as a rectangle: its first axes are the rows, the rest the columns, parted where the rectangle is
nearest to a square. A larger rectangle is cut to a window around the worst element. Every cell is one character: a
level, or a mark for what has none. Two arrays of different shapes are laid out each by itself, from the first element.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

import numpy as np

from conformance.case.model import Case
from conformance.judge.budget import Allowance, allowance
from conformance.judge.compare import Matched, special_kinds
from conformance.judge.expectations import claimed, outputs_by_label, stated
from conformance.judge.gradients import allowed_around
from conformance.judge.verdict import Finding
from conformance.protocol.observation import Array, Observation
from conformance.record.parts import BlockRecord, LayoutRecord, PictureRecord

LEVELS = "0123456789ab"
"""Levels of a value between the lowest and the highest of both arrays."""
NAN, POSITIVE, NEGATIVE = "n", "+", "-"
"""Marks in the place of a level: not a number, and the two infinities."""
ERROR_LEVELS = 6
"""Levels of an error that is not allowed, in equal parts of the largest; level 0 is allowed."""
ROWS, COLUMNS = 32, 44
BLOCK_ROWS, BLOCK_COLUMNS = 6, 8


@dataclass(frozen=True, slots=True)
class Laid:
    """Two arrays as rectangles: what a lane gave, what was wanted, their distance, and that over what is allowed."""

    shape: tuple[int, ...]
    split: int
    got: Array
    wanted: Array
    error: Array
    used: Array


def picture_of(
    case: Case,
    finding: Finding | None,
    got: Observation,
    reference: Observation,
    small: int,
    matched: Sequence[Matched] = (),
) -> PictureRecord | None:
    """The picture of the array that a lane's first finding is about.

    It is held against the reference, against what the case states, or, in a claim, against another node of the lane.
    None where there is none to draw: up to `small` elements are kept whole, and some findings have one side only.
    """
    arrays = None if finding is None else _arrays(case, finding, got, reference, matched)
    if finding is None or arrays is None or max(array.size for array in arrays[:2]) <= small:
        return None
    if any(array.dtype.kind not in "biuf" or not array.size for array in arrays[:2]):
        return None
    mine, wanted, allowed = arrays
    if mine.shape != wanted.shape or allowed is None:
        return _side_by_side(finding, mine, wanted)
    return _compared(finding, _laid(mine, wanted, allowed))


def _wanted_by(finding: Finding) -> Literal["case", "claim"] | None:
    if finding.aspect == "shape":
        return None
    return "case" if finding.wanted_by == "case" else "claim" if finding.wanted_by == "claim" else None


def _compared(finding: Finding, laid: Laid) -> PictureRecord:
    """Two arrays of one shape: the window around the worst element, in levels."""
    worst = np.unravel_index(int(np.argmax(laid.used)), laid.used.shape)
    first_row, rows = _window(laid.used.shape[0], int(worst[0]), ROWS)
    first_column, columns = _window(laid.used.shape[1], int(worst[1]), COLUMNS)
    window = (slice(first_row, first_row + rows), slice(first_column, first_column + columns))
    low, high = _range(laid.got[window], laid.wanted[window])
    error = laid.error[window]
    largest = float(np.max(error[np.isfinite(error)], initial=0.0))
    return PictureRecord(
        node=finding.node,
        run=finding.run,
        aspect=finding.aspect,
        wanted_by=_wanted_by(finding),
        nodes=finding.nodes or None,
        shape=laid.shape,
        split=laid.split,
        row=first_row,
        column=first_column,
        low=low,
        high=high,
        largest=largest,
        got=value_levels(laid.got[window], low, high),
        reference=value_levels(laid.wanted[window], low, high),
        error=error_levels(error, laid.used[window] > 1, largest),
        block=_block(laid),
    )


def _side_by_side(finding: Finding, got: Array, wanted: Array) -> PictureRecord:
    """Two arrays of different shapes: the first window and the first block of each, on one scale."""
    splits = [_split(array.shape) for array in (got, wanted)]
    rectangles = [_rectangle(array, split) for array, split in zip((got, wanted), splits, strict=True)]
    windows = [rectangle[:ROWS, :COLUMNS] for rectangle in rectangles]
    low, high = _range(*windows)
    blocks = [_rows(rectangle[:BLOCK_ROWS, :BLOCK_COLUMNS]) for rectangle in rectangles]
    return PictureRecord(
        node=finding.node,
        run=finding.run,
        aspect=finding.aspect,
        wanted_by=_wanted_by(finding),
        nodes=finding.nodes or None,
        shape=got.shape,
        split=splits[0],
        other=LayoutRecord(wanted.shape, splits[1]),
        row=0,
        column=0,
        low=low,
        high=high,
        largest=0.0,
        got=value_levels(windows[0], low, high),
        reference=value_levels(windows[1], low, high),
        error=(),
        block=BlockRecord(0, 0, blocks[0], blocks[1], ()),
    )


def _rows(rectangle: Array) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(line) for line in rectangle.tolist())


def _arrays(
    case: Case, finding: Finding, got: Observation, reference: Observation, matched: Sequence[Matched]
) -> tuple[Array, Array, Allowance | None] | None:
    """What a lane gave, what was wanted, and what is allowed between them; None for findings of which this is no part.

    Nothing is allowed between two shapes.
    """
    match finding.aspect, finding.kind:
        case "mask", _ if finding.got is not None and finding.wanted is not None:
            wanted = np.asarray(finding.wanted)
            return np.asarray(finding.got), wanted, allowance(wanted, None, 1)
        case "shape", "shape":
            return _shapes(finding, got, reference)
        case "values" | "special", _ if finding.wanted_by == "case":
            return _stated(case, finding, got, reference)
        case ("values" | "special", _) | ("weights", "values" | "special" | "bias"):
            return _outputs(finding, matched)
        case "claims", "same":
            return _claimed(case, finding, got, reference)
        case "gradient", "values" | "special":
            exact, found = reference.gradients[finding.node], got.gradients[finding.node]
            return found.values, exact.values, allowed_around(finding.node, reference, case.budget_scale)
        case "gradient", "shape":
            return got.gradients[finding.node].values, reference.gradients[finding.node].values, None
    return None


def _shapes(finding: Finding, got: Observation, reference: Observation) -> tuple[Array, Array, None] | None:
    if finding.run >= min(len(got.runs), len(reference.runs)):
        return None
    mine, exact = (outputs_by_label(side.runs[finding.run]).get(finding.node) for side in (got, reference))
    return None if mine is None or exact is None or mine.shape == exact.shape else (mine.values, exact.values, None)


def _stated(
    case: Case, finding: Finding, got: Observation, reference: Observation
) -> tuple[Array, Array, Allowance] | None:
    run, label = finding.run, finding.node
    mine = outputs_by_label(got.runs[run])[label]
    exact = outputs_by_label(reference.runs[run]).get(label) if run < len(reference.runs) else None
    allowed = stated(case, case.expect.nodes[label], mine, exact, reference)
    return mine.values, allowed.reference, allowed


def _claimed(
    case: Case, finding: Finding, got: Observation, reference: Observation
) -> tuple[Array, Array, Allowance | None] | None:
    """The two nodes of a claim in one lane: the second is held against the first."""
    first, second = finding.nodes
    mine, exact = (outputs_by_label(side.runs[finding.run]) for side in (got, reference))
    a, b = mine[first], mine[second]
    if a.shape != b.shape:
        return b.values, a.values, None
    allowed = claimed(case, a, exact.get(first), exact.get(second), reference.longest_sum)
    return b.values, a.values, allowed


def _outputs(finding: Finding, matched: Sequence[Matched]) -> tuple[Array, Array, Allowance] | None:
    for item in matched:
        if (item.label, item.run) == (finding.node, finding.run):
            return item.got.values, item.wanted.values, item.allowed
    return None


def _laid(got: Array, wanted: Array, allowed: Allowance) -> Laid:
    """Two arrays as rectangles. What is finite on one side only counts as infinitely far."""
    split = _split(got.shape)
    mine, theirs = got.astype(np.float64), wanted.astype(np.float64)
    with np.errstate(all="ignore"):
        error = np.abs(mine - theirs)
        used = np.where(error > 0, error / allowed.allowed, 0.0)
    alike = special_kinds(mine) == special_kinds(theirs)
    both = np.isfinite(mine) & np.isfinite(theirs)
    error, used = (np.where(both, found, np.where(alike, 0.0, np.inf)) for found in (error, used))
    return Laid(got.shape, split, *(_rectangle(array, split) for array in (mine, theirs, error, used)))


def _split(shape: tuple[int, ...]) -> int:
    """How many axes make the rows, so that the rectangle is nearest to a square."""
    return min(range(len(shape) + 1), key=lambda k: (max(prod(shape[:k]), prod(shape[k:])), k))


def _rectangle(array: Array, split: int) -> Array:
    return array.astype(np.float64).reshape(prod(array.shape[:split]), prod(array.shape[split:]))


def _range(*arrays: Array) -> tuple[float, float]:
    """The lowest and the highest finite number."""
    every = np.concatenate([array.ravel() for array in arrays])
    finite = every[np.isfinite(every)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)


def _window(length: int, place: int, most: int) -> tuple[int, int]:
    """Where a window of at most so many places begins that holds this one in its middle, and how long it is."""
    return (0, length) if length <= most else (min(max(place - most // 2, 0), length - most), most)


def value_levels(values: Array, low: float, high: float) -> tuple[str, ...]:
    """A rectangle as lines of levels between low and high; NaN and infinities as marks."""
    span = high - low
    with np.errstate(all="ignore"):
        share = (values - low) / span if span > 0 else np.zeros(values.shape)
    share = np.where(np.isfinite(share), share, 0.0)
    level = np.clip((share * len(LEVELS)).astype(int), 0, len(LEVELS) - 1)
    return tuple(
        "".join(_symbol(value, step) for value, step in zip(line, steps, strict=True))
        for line, steps in zip(values.tolist(), level.tolist(), strict=True)
    )


def _symbol(value: float, level: int) -> str:
    if value != value:
        return NAN
    return POSITIVE if value == np.inf else NEGATIVE if value == -np.inf else LEVELS[level]


def error_levels(error: Array, over: Array, largest: float) -> tuple[str, ...]:
    """A rectangle of errors as lines of levels: 0 is allowed, what is not is told in equal parts of the largest."""
    with np.errstate(all="ignore"):
        share = np.where(np.isfinite(error), error, np.inf) / largest if largest > 0 else np.ones(error.shape)
    level = np.where(over, np.clip(np.ceil(share * ERROR_LEVELS), 1, ERROR_LEVELS), 0)
    return tuple("".join(LEVELS[int(item)] for item in line) for line in level.tolist())


def _block(laid: Laid) -> BlockRecord:
    """The first block that holds an element over its limit, in numbers; the first of all where none is over alone."""
    over = laid.used > 1
    row, column = (int(place) for place in (np.argwhere(over)[0] if over.any() else (0, 0)))
    window = (slice(row, row + BLOCK_ROWS), slice(column, column + BLOCK_COLUMNS))
    return BlockRecord(
        row=row,
        column=column,
        got=_rows(laid.got[window]),
        reference=_rows(laid.wanted[window]),
        over=tuple("".join(str(int(item)) for item in line) for line in over[window].tolist()),
    )
