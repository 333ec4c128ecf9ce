"""The distributions that numbers are drawn from, as far as a judge needs to know them: range, moments, and shares.

Sources: Johnson, Kotz and Balakrishnan, "Continuous univariate distributions", 1994: chapter 13 for the normal
distribution that is cut off, 17 for gamma, 25 for beta, 26 for the uniform one; Johnson, Kemp and Kotz, "Univariate
discrete distributions", 2005, chapter 3 for the binomial one. Shares of gamma, beta and binomial numbers are SciPy's
incomplete functions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy

from .base import Array

_TWO = 2.0
"""Deviations at which Keras cuts a normal distribution off."""


def _share_below(z: Array) -> Array:
    """The share of a standard normal distribution below z."""
    return 0.5 * (1.0 + numpy.vectorize(math.erf, otypes=[float])(numpy.asarray(z, float) / math.sqrt(2.0)))


INSIDE = math.erf(_TWO / math.sqrt(2.0))
"""The share of a standard normal distribution between -2 and 2."""
_HEIGHT = math.exp(-(_TWO**2) / 2.0) / math.sqrt(2.0 * math.pi)
_SQUARE = 1.0 - 2.0 * _TWO * _HEIGHT / INSIDE
"""The mean square of what is between -2 and 2; the fourth power follows from it by parts."""
_FOURTH = 3.0 * _SQUARE - 2.0 * _TWO**3 * _HEIGHT / INSIDE


@dataclass(frozen=True, slots=True)
class Distribution:
    """One number's distribution."""

    name: str
    """In a report's words, with its numbers."""
    mean: float
    reach: float
    """How far from the mean a number may lie; infinite for a normal distribution."""
    variance: float
    fourth: float
    """The mean of the fourth power of the distance from the mean."""
    below: Callable[[Array], Array]
    """The share of numbers below each, and at it."""
    before: Callable[[Array], Array] | None = None
    """The share of numbers below each and not at it; of whole numbers alone, for of others it is the same."""
    low: float = -math.inf
    high: float = math.inf
    """The ends, where the mean is not in the middle."""
    tail: float = 0.0
    """Of a range without an end: the scale c of its tail, s^2 variance / (2 - 2 c s) bounds the logarithm of
    its moments (Boucheron, Lugosi and Massart 2013, section 2.4); 0 for a normal distribution."""

    @property
    def is_whole(self) -> bool:
        """Whether it is of whole numbers."""
        return self.before is not None


def uniform(low: float, high: float) -> Distribution:
    """Evenly from low to high."""
    half = (high - low) / 2.0
    return Distribution(
        f"evenly within {low:.6g} and {high:.6g}",
        (low + high) / 2.0,
        half,
        half**2 / 3.0,
        half**4 / 5.0,
        lambda x: numpy.clip((numpy.asarray(x, float) - low) / (high - low), 0.0, 1.0),
    )


def normal(mean: float, deviation: float) -> Distribution:
    """Normally about the mean."""
    return Distribution(
        f"normally about {mean:.6g} with a deviation of {deviation:.6g}",
        mean,
        math.inf,
        deviation**2,
        3.0 * deviation**4,
        lambda x: _share_below((numpy.asarray(x, float) - mean) / deviation),
    )


def cut_off(mean: float, deviation: float) -> Distribution:
    """Normally, and none beyond two deviations; `deviation` is that before it is cut off."""

    def below(x: Array) -> Array:
        z = numpy.clip((numpy.asarray(x, float) - mean) / deviation, -_TWO, _TWO)
        return (_share_below(z) - (1.0 - INSIDE) / 2.0) / INSIDE

    return Distribution(
        f"normally about {mean:.6g}, cut off at two deviations of {deviation:.6g}",
        mean,
        _TWO * deviation,
        _SQUARE * deviation**2,
        _FOURTH * deviation**4,
        below,
    )


def gamma(alpha: float) -> Distribution:
    """By a gamma distribution of shape alpha and scale 1; its tail is that of scale 1."""
    return Distribution(
        f"by a gamma distribution of {alpha:.6g}",
        alpha,
        math.inf,
        alpha,
        3.0 * alpha**2 + 6.0 * alpha,
        lambda x: _special().gammainc(alpha, numpy.maximum(numpy.asarray(x, float), 0.0)),
        low=0.0,
        tail=1.0,
    )


def beta(a: float, b: float) -> Distribution:
    """By a beta distribution of shapes a and b, from 0 to 1."""
    total, mean = a + b, a / (a + b)
    variance = mean * (1.0 - mean) / (total + 1.0)
    excess = 6.0 * ((a - b) ** 2 * (total + 1.0) - a * b * (total + 2.0))
    return Distribution(
        f"by a beta distribution of {a:.6g} and {b:.6g}",
        mean,
        max(mean, 1.0 - mean),
        variance,
        variance**2 * (3.0 + excess / (a * b * (total + 2.0) * (total + 3.0))),
        lambda x: _special().betainc(a, b, numpy.clip(numpy.asarray(x, float), 0.0, 1.0)),
        low=0.0,
        high=1.0,
    )


_ROUNDED = 1e-6
"""How far from a whole number a place may lie that a sum of others gave."""


def binomial(counts: int, probability: float) -> Distribution:
    """How many of so many trials succeed, each with this probability."""
    mean, variance = counts * probability, counts * probability * (1.0 - probability)

    def up_to(k: Array) -> Array:
        inside = numpy.clip(k, 0, counts)
        return numpy.where(k < 0, 0.0, _special().bdtr(inside, counts, probability))

    return Distribution(
        f"by a binomial distribution of {counts} trials at {probability:.6g}",
        mean,
        max(mean, counts - mean),
        variance,
        variance * (1.0 + 3.0 * (counts - 2.0) * probability * (1.0 - probability)),
        lambda x: up_to(numpy.floor(numpy.asarray(x, float) + _ROUNDED)),
        lambda x: up_to(numpy.ceil(numpy.asarray(x, float) - _ROUNDED) - 1.0),
        low=0.0,
        high=float(counts),
    )


def whole(low: int, high: int) -> Distribution:
    """Every whole number from low to high - 1 equally often."""
    count = high - low
    square = (count**2 - 1.0) / 12.0

    def up_to(k: Array) -> Array:
        return numpy.clip((k - low + 1.0) / count, 0.0, 1.0)

    return Distribution(
        f"on each whole number from {low} to {high - 1} alike",
        (low + high - 1) / 2.0,
        (count - 1) / 2.0,
        square,
        square * (3.0 * count**2 - 7.0) / 20.0,
        lambda x: up_to(numpy.floor(numpy.asarray(x, float) + _ROUNDED)),
        lambda x: up_to(numpy.ceil(numpy.asarray(x, float) - _ROUNDED) - 1.0),
    )


def _special() -> Any:
    """SciPy's special functions; they are loaded when a share is asked for."""
    import scipy.special  # type: ignore[import-untyped]  # SciPy has no types of its own

    return scipy.special
