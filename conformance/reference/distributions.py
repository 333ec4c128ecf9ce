"""The distributions that weights are drawn from, as far as a judge needs to know them: range, moments, and shares.

Sources: Johnson, Kotz and Balakrishnan, "Continuous univariate distributions", 1994: chapter 13 for the normal
distribution that is cut off, chapter 26 for the uniform one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

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
    """One number's distribution, symmetric about its mean."""

    name: str
    """In a report's words, with its numbers."""
    mean: float
    reach: float
    """How far from the mean a number may lie; infinite for a normal distribution."""
    variance: float
    fourth: float
    """The mean of the fourth power of the distance from the mean."""
    below: Callable[[Array], Array]
    """The share of numbers below each."""


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
