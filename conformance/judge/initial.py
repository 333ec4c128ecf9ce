"""Whether a lane's numbers can be what an initialiser, or a function of `keras.random`, draws.

What is judged is their range, reach, spread, mean and deviation.

Each of five statements fails in an honest lane at most in a fifth of `ALARM`, so that a claim fails once in a million
times; none of them is an approximation for many numbers. The bounds are those of Massart, "The tight constant in the
Dvoretzky-Kiefer-Wolfowitz inequality", 1990; Bernstein's inequality (Boucheron, Lugosi and Massart, "Concentration
inequalities", 2013, corollary 2.11); and for squares of normal numbers Laurent and Massart, "Adaptive estimation of a
quadratic functional", 2000, lemma 1. Massart's bound holds of whole numbers as of others. The mean of numbers with a
tail keeps to Bernstein's inequality for sub-gamma numbers (Boucheron, Lugosi and Massart, section 2.4); nothing is said
of their deviation beyond what their spread says. How far an orthogonal matrix is one up to rounding: Higham, "Accuracy
and stability of numerical algorithms", 2002, theorem 19.4.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from conformance.judge.budget import UNIT
from conformance.protocol.observation import Array
from conformance.reference.distributions import Distribution
from conformance.reference.initializers import Orthogonal
from conformance.reference.random_functions import drawn_by

STATEMENTS = 5
NEAR = 16 * UNIT
"""Of the largest number: how far beyond its range a number may lie, for its end is rounded, and so is the number."""
LEAST_APART = 0.25
"""The difference between two distributions that a claim must be able to see; fewer numbers decide nothing."""
Found = tuple[str, object, object]
"""Kind of a finding, what was wanted, what came."""


def initial_findings(written: Mapping[str, Any], drawn: Array, alarm: float) -> Iterator[Found]:
    """What an honest draw of the initialiser would not be. drawn: (times, *shape), a weight a sample."""
    share = alarm / STATEMENTS
    one = drawn_by(written, tuple(drawn.shape[1:]))
    distribution = one.drawn_from()
    if not np.all(np.isfinite(drawn)):
        yield "initial_special", None, int(np.sum(~np.isfinite(drawn)))
        return
    is_whole = distribution is not None and distribution.is_whole  # a few of them may well be the same
    if not is_whole and len(drawn) > 1 and drawn[0].size > 1 and np.array_equal(drawn[0], drawn[1]):
        yield "initial_repeated", None, len(drawn)
        return
    if distribution is None:
        assert isinstance(one, Orthogonal), one  # nothing else draws numbers that hang together
        yield from _orthogonal(one.gain, drawn, share)
    else:
        yield from _single_numbers(distribution, np.sort(drawn.reshape(-1)), share)


def apart(count: int, alarm: float) -> float:
    """How far shares of so many numbers may lie from the distribution's, anywhere (Massart)."""
    return math.sqrt(math.log(2.0 / alarm) / (2.0 * count))


def least(alarm: float) -> int:
    """How many numbers show a difference of LEAST_APART between two distributions."""
    return math.ceil(math.log(2.0 / alarm) / (2.0 * LEAST_APART**2))


def off(count: int, variance: float, bound: float, alarm: float) -> float:
    """How far the mean of so many numbers may lie from theirs, each within `bound` of it (Bernstein, both sides)."""
    c = math.log(2.0 / alarm)
    slack = 2.0 * bound * c / 3.0
    return (slack + math.sqrt(slack**2 + 8.0 * count * variance * c)) / (2.0 * count)


def _single_numbers(of: Distribution, numbers: Array, alarm: float) -> Iterator[Found]:
    """Statements about numbers that are drawn one by one; `numbers` are sorted."""
    count = len(numbers)
    if count < least(alarm):
        yield "too_few_draws", least(alarm), count
        return
    distances = np.abs(numbers - of.mean)
    furthest = float(np.max(distances))
    strange = outside(of, numbers)
    if np.any(strange):
        yield "initial_range", of.name, float(numbers[int(np.argmax(np.where(strange, distances, -1.0)))])
        return
    before = of.before or of.below
    inside = float(of.below(of.mean + furthest)) - float(before(of.mean - furthest))
    if inside <= 0.0 or count * math.log(inside) < math.log(alarm):
        yield "initial_reach", of.name, furthest
        return
    steps = np.arange(count + 1) / count
    gap = max(float(np.max(steps[1:] - of.below(numbers))), float(np.max(before(numbers) - steps[:-1])))
    if gap > apart(count, alarm):
        yield "initial_spread", (of.name, apart(count, alarm)), gap
        return
    is_bounded = math.isfinite(of.reach)
    within = off(count, of.variance, of.reach if is_bounded else 3.0 * of.tail, alarm)
    mean = float(np.mean(numbers))
    if abs(mean - of.mean) > within:
        yield "initial_mean", (of.mean, within), mean
        return
    if of.tail:
        return
    square = float(np.mean(distances**2))
    low, high = squares(of, count, alarm)
    if not low <= square <= high:
        yield "initial_deviation", (math.sqrt(max(low, 0.0)), math.sqrt(high)), math.sqrt(square)


def outside(of: Distribution, numbers: Array) -> Array:
    """Which numbers lie beyond the range, up to its rounding, or between whole numbers where it is of these."""
    slack = NEAR * (abs(of.mean) + of.reach) if math.isfinite(of.reach) else 0.0
    beyond = (np.abs(numbers - of.mean) > of.reach + slack) | (numbers < of.low - slack) | (numbers > of.high + slack)
    return np.asarray(beyond | ((numbers != np.round(numbers)) if of.is_whole else False))


def squares(of: Distribution, count: int, alarm: float) -> tuple[float, float]:
    """Between what the mean square of the distances of so many numbers from their mean may lie."""
    if math.isfinite(of.reach):
        bound = max(of.variance, of.reach**2 - of.variance)
        within = off(count, of.fourth - of.variance**2, bound, alarm)
        return of.variance - within, of.variance + within
    c = math.log(2.0 / alarm)
    root = 2.0 * math.sqrt(c / count)
    return of.variance * (1.0 - root), of.variance * (1.0 + root + 2.0 * c / count)


def _orthogonal(gain: float, drawn: Array, alarm: float) -> Iterator[Found]:
    """Statements about orthogonal matrices: their products with themselves, and that they point anywhere.

    Of a matrix that is turned at random each entry has the mean 0 and the variance 1 / n, n the longer of its sides.
    """
    matrices = drawn.reshape(len(drawn), -1, drawn.shape[-1])
    rows, columns = matrices.shape[1:]
    tall = matrices if rows >= columns else np.swapaxes(matrices, 1, 2)
    products = np.einsum("kij,kil->kjl", tall, tall)
    unit = gain**2 * np.eye(min(rows, columns))
    rounding = 4.0 * rows * columns * UNIT * gain**2
    worst = float(np.max(np.abs(products - unit)))
    if worst > rounding:
        yield "initial_orthogonal", (gain, rounding), worst
        return
    entries = matrices.reshape(len(drawn), -1)
    within = gain * off(len(drawn), 1.0 / max(rows, columns), 1.0, alarm / entries.shape[1])
    if within >= gain:
        yield "too_few_draws", _least_turns(max(rows, columns), entries.shape[1], alarm), len(drawn)
        return
    means = np.mean(entries, axis=0)
    if float(np.max(np.abs(means))) > within:
        yield "initial_mean", (0.0, within), float(means[int(np.argmax(np.abs(means)))])


def _least_turns(longer: int, entries: int, alarm: float) -> int:
    """How many matrices show one that is never turned."""
    count = 1
    while off(count, 1.0 / longer, 1.0, alarm / entries) >= 1.0:
        count += 1
    return count
