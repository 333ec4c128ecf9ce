"""Claims about what is drawn at random: how many are dropped, what is kept, which positions share one draw.

Each claim is judged in one lane by itself, on what that lane drew. How often an honest lane breaks one by chance is
worked out exactly, from the binomial distribution, and is at most `ALARM`; a claim that so few draws cannot decide is
the case's mistake, and fails in every lane.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np

from conformance.case.arrays import draw_inputs
from conformance.case.model import Case, Draws
from conformance.judge.budget import UNIT
from conformance.judge.expectations import outputs_by_label
from conformance.judge.initial import initial_findings
from conformance.judge.verdict import Finding
from conformance.protocol.observation import Array, Observation

ALARM = 1e-6
"""How often a claim may fail by chance in an honest lane."""
OF_ONE = 2.0**-12
"""Of the largest number: how far a sample may lie from one of few that it can be. How exactly an answer is that of its
arguments, cases with one answer say."""
NEAR = 16 * UNIT
"""Of a kept element: how far it may lie from its scale, for it is one product and one quotient of what went in."""


def draw_findings(case: Case, got: Observation) -> Iterator[Finding]:
    """Every claim about draws that does not hold in a lane."""
    for run, nodes in enumerate(got.runs):
        outputs = outputs_by_label(nodes)
        inputs = draw_inputs(case, run) if case.draws else {}
        for claim in case.draws:
            if claim.node not in outputs:
                yield Finding("claims", "missing", claim.node, run, wanted_by="claim")
                continue
            drawn = outputs[claim.node].values.astype(np.float64)
            of = inputs.get(claim.of) if claim.of in inputs else None
            if of is None and claim.of in outputs:
                of = outputs[claim.of].values
            given = {**inputs, **{name: output.values for name, output in outputs.items()}}
            if claim.drawn_from is not None:
                found = initial_findings(claim.drawn_from, drawn, ALARM)
            else:
                found = by_sample(claim, drawn, given) if claim.among or claim.between else _broken(claim, drawn, of)
            yield from (_with(finding, claim.node, run) for finding in found)


def _with(finding: tuple[str, object, object], node: str, run: int) -> Finding:
    kind, wanted, got = finding
    return Finding("claims", kind, node, run, wanted, got, "claim", nodes=(node,))


def _broken(claim: Draws, drawn: Array, of: Array | None) -> Iterator[tuple[str, object, object]]:
    """Kind, what was wanted and what came, of each part of a claim that does not hold."""
    dropped = drawn == 0
    if claim.scale is not None and of is not None:
        if np.shape(of) != drawn.shape:
            yield "draw_shape", tuple(np.shape(of)), tuple(drawn.shape)
            return
        wanted = claim.scale * of.astype(np.float64)
        off = np.where(dropped, 0.0, np.abs(drawn - wanted))
        if not np.all(off <= NEAR * np.abs(wanted)):  # so NaN is off
            index = tuple(int(i) for i in np.unravel_index(int(np.argmax(off)), off.shape))
            yield "draw_scale", (index, float(wanted[index])), (index, float(drawn[index]))
    axes = tuple(axis % drawn.ndim for axis in claim.shared)
    first = dropped
    for axis in axes:
        first = np.take(first, [0], axis=axis)
    if axes and np.any(first != dropped):
        yield "draw_shared", axes, int(np.sum(first != dropped))
        return
    if claim.dropped is None:
        return
    low, high = bounds(first.size, claim.dropped)
    if low == 0 or high == first.size:
        yield "too_few_draws", least(claim.dropped), int(first.size)
        return
    count = int(np.sum(first))
    if not low <= count <= high:
        yield "draw_share", (low, high), count
    if claim.own:
        for axis in range(first.ndim):
            if axis not in axes and _repeats(first, axis) and chance_of_repeat(first, axis, claim.dropped) <= ALARM:
                yield "draw_repeated", axis, int(first.shape[axis])


def _repeats(dropped: Array, axis: int) -> bool:
    """Whether every position along an axis has the same draw."""
    return bool(dropped.shape[axis] > 1 and np.all(dropped == np.take(dropped, [0], axis=axis)))


def chance_of_repeat(dropped: Array, axis: int, rate: float) -> float:
    """How often independent draws are the same along a whole axis, everywhere."""
    length = dropped.shape[axis]
    return float((rate**length + (1 - rate) ** length) ** (dropped.size // length))


def bounds(count: int, rate: float, alarm: float = ALARM) -> tuple[int, int]:
    """The fewest and the most of `count` draws that drop at this rate, each side left with half of `alarm` at most."""
    terms = [_term(count, dropped, rate) for dropped in range(count + 1)]
    low, below = 0, 0.0
    while low <= count and below + terms[low] <= alarm / 2:
        below += terms[low]
        low += 1
    high, above = count, 0.0
    while high >= 0 and above + terms[high] <= alarm / 2:
        above += terms[high]
        high -= 1
    return low, high


def _term(count: int, dropped: int, rate: float) -> float:
    """The probability of so many among so many: C(n, k) p^k (1 - p)^(n - k)."""
    if rate in (0.0, 1.0):
        return float(dropped == count * rate)
    ways = math.lgamma(count + 1) - math.lgamma(dropped + 1) - math.lgamma(count - dropped + 1)
    return math.exp(ways + dropped * math.log(rate) + (count - dropped) * math.log1p(-rate))


def least(rate: float, alarm: float = ALARM) -> int:
    """The fewest independent draws of which a share can be told from nothing dropped and from all dropped."""
    count = 1
    while not _decides(count, rate, alarm) and count < 10_000:
        count += 1
    return count


def _decides(count: int, rate: float, alarm: float) -> bool:
    """Whether so many draws can be told from none and from all; what is certain either way needs no telling."""
    low, high = bounds(count, rate, alarm)
    return (low > 0 or rate == 0) and (high < count or rate == 1)


def by_sample(claim: Draws, drawn: Array, given: Mapping[str, Array]) -> Iterator[tuple[str, object, object]]:
    """What does not hold of a claim about each sample: kind, what was wanted, what came."""
    names = list(claim.among) or list(claim.between)
    missing = [name for name in names if name not in given]
    if missing:
        yield "missing", missing[0], None
        return
    others = [np.asarray(given[name], np.float64) for name in names]
    for other in others:
        if other.shape != drawn.shape:
            yield "draw_shape", tuple(other.shape), tuple(drawn.shape)
            return
    rows = [array.reshape(len(drawn), -1) for array in (drawn, *others)]
    near = OF_ONE * max(float(np.max(np.abs(other), initial=0.0)) for other in others)
    if claim.among:
        yield from _among(claim, rows[0], dict(zip(names, rows[1:], strict=True)), near)
    else:
        yield from _between(claim, rows[0], rows[1], rows[2], near)


def _among(
    claim: Draws, drawn: Array, others: Mapping[str, Array], near: float
) -> Iterator[tuple[str, object, object]]:
    """Each sample is one of the others', as often as is claimed."""
    names = list(others)
    for index, first in enumerate(names):
        for second in names[index + 1 :]:
            apart = np.max(np.abs(others[first] - others[second]), axis=1)
            if np.any(apart <= 4 * near):
                yield "draws_alike", (first, second), int(np.argmin(apart))
                return
    fits = np.stack([np.max(np.abs(drawn - others[name]), axis=1) <= near for name in names])
    strange = np.flatnonzero(~np.any(fits, axis=0))  # a sample with NaN fits none
    if len(strange):
        yield "draw_strange", tuple(names), int(strange[0])
        return
    alarm = ALARM / len(names)
    for name, fit in zip(names, fits, strict=True):
        yield from _share(name, int(np.sum(fit)), len(drawn), claim.among[name], alarm)


def _between(claim: Draws, drawn: Array, low: Array, high: Array, near: float) -> Iterator[tuple[str, object, object]]:
    """Each sample lies on the line from low to high, all its numbers at one place, and places are spread evenly."""
    way = high - low
    length = np.sum(way * way, axis=1)
    if np.any(np.max(np.abs(way), axis=1) <= 4 * near):
        yield "draws_alike", claim.between, int(np.argmin(length))
        return
    place = np.sum((drawn - low) * way, axis=1) / length
    off = np.max(np.abs(drawn - low - place[:, None] * way), axis=1)
    beyond = near / np.max(np.abs(way), axis=1)
    strange = np.flatnonzero(~((off <= near) & (place >= -beyond) & (place <= 1 + beyond)))
    if len(strange):
        yield "draw_outside", claim.between, (int(strange[0]), float(place[strange[0]]), float(off[strange[0]]))
        return
    part = np.clip((place * claim.parts).astype(int), 0, claim.parts - 1)
    for index in range(claim.parts):
        words = f"part {index + 1} of {claim.parts}"
        yield from _share(words, int(np.sum(part == index)), len(drawn), 1 / claim.parts, ALARM / claim.parts)


def _share(name: str, count: int, of: int, rate: float, alarm: float) -> Iterator[tuple[str, object, object]]:
    if not _decides(of, rate, alarm):
        yield "too_few_draws", least(rate, alarm), of
        return
    low, high = bounds(of, rate, alarm)
    if not low <= count <= high:
        yield "draw_share_of", (name, low, high), count
