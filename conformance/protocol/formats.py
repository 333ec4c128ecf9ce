"""Floating-point formats and dtype policies: how far each rounds, and which dtype a policy gives to what.

A format of p significant bits rounds to nearest with a relative error of at most u = 2^-p: 2^-53, 2^-24, 2^-11 and 2^-8
(bfloat16 keeps 8 bits, 7 of them stored; IEEE 754-2019, 3.3, and the definition of u in Higham 2002, 2.1). Whole
numbers up to 2^p are numbers of the format. Runs in lane processes: NumPy and the standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy


@dataclass(frozen=True)
class Format:
    """One floating-point format."""

    name: str
    digits: int
    """Significant bits, the hidden one counted."""
    smallest: int
    """The smallest positive number is 2^smallest."""
    largest: float

    @property
    def unit(self) -> float:
        """The relative error of one rounding."""
        return 2.0**-self.digits

    @property
    def whole_below(self) -> float:
        """All whole numbers up to here are numbers of this format."""
        return 2.0**self.digits

    @property
    def tiny(self) -> float:
        """The absolute error of one rounding next to zero; 0 where float64 cannot show it beside anything else."""
        return 2.0 ** (self.smallest - 1) if self.smallest > -100 else 0.0

    @property
    def flushed(self) -> float:
        """The absolute error of any result next to zero: below its smallest normal number processors may take 0.

        Frameworks compute the 16 bits of float16 in float32, where those are normal numbers: half a step there.
        """
        return self.tiny or 2.0 ** (self.smallest + self.digits - 1)

    @property
    def overflows_at(self) -> float:
        """From here on, rounding to nearest gives an infinity: half a step beyond the largest number."""
        return self.largest * (1.0 + self.unit / (2.0 - 2.0 * self.unit))


FORMATS: Mapping[str, Format] = {
    one.name: one
    for one in (
        Format("float64", 53, -1074, float(numpy.finfo(numpy.float64).max)),
        Format("float32", 24, -149, float(numpy.finfo(numpy.float32).max)),
        Format("float16", 11, -24, 65504.0),
        Format("bfloat16", 8, -133, (2.0 - 2.0**-7) * 2.0**127),
    )
}


@dataclass(frozen=True)
class Policy:
    """What a dtype policy gives: `compute` to what layers make of floats, `given` to inputs, losses and weights.

    Keras: "a mixed policy computes in 16 bits and keeps variables in float32; a layer casts its inputs to its compute
    dtype", so that this is the dtype of its outputs; a loss computes in `floatx`, float32 unless it is set. The lane
    of float64 sets `floatx` as well. torch has no policies: there, inputs, weights and the default dtype are set.
    """

    name: str
    compute: Format
    given: Format

    @property
    def coarsest(self) -> Format:
        return coarser(self.compute, self.given)


def _policy(name: str, compute: str, given: str) -> Policy:
    return Policy(name, FORMATS[compute], FORMATS[given])


POLICIES: Mapping[str, Policy] = {
    one.name: one
    for one in (
        _policy("float32", "float32", "float32"),
        _policy("float64", "float64", "float64"),
        _policy("mixed_bfloat16", "bfloat16", "float32"),
        _policy("mixed_float16", "float16", "float32"),
        _policy("bfloat16", "bfloat16", "bfloat16"),
        _policy("float16", "float16", "float16"),
    )
}


def coarser(a: Format, b: Format) -> Format:
    """The one that rounds more."""
    return a if a.digits <= b.digits else b


def promoted(a: Format | None, b: Format | None) -> Format | None:
    """The dtype of an operation on both; None stands for what is no float."""
    if a is None or b is None:
        return a or b
    return a if a.digits >= b.digits else b


def rounded(array: Any, format: Format) -> Any:
    """The nearest numbers of a format, ties to even, as float64; what is too large becomes infinite."""
    values = numpy.asarray(array, dtype=numpy.float64)
    if format.name in ("float64", "float32", "float16"):
        with numpy.errstate(over="ignore"):
            return values.astype(format.name).astype(numpy.float64)
    mantissa, exponent = numpy.frexp(values)
    with numpy.errstate(invalid="ignore", over="ignore"):
        near = numpy.ldexp(numpy.rint(numpy.ldexp(mantissa, format.digits)), exponent - format.digits)
        overflows = numpy.isfinite(values) & (numpy.abs(near) > format.largest)
    return numpy.where(overflows, numpy.copysign(numpy.inf, values), near)
