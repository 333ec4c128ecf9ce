"""Functions of each number by itself: rounding, powers, logarithms, angles, signs, and what a number is."""

from __future__ import annotations

import math
from typing import Any

import autograd.numpy as np
import numpy
from autograd.extend import defvjp, primitive

from conformance.reference import activations as of_layers

from .base import ANY, POSITIVE, WITHIN_ONE, Array, Domain, as_float, ask, between, elementwise, floats, given, like

ABOVE_ONE = Domain(1.25, 4.0)
HALVES = given([-2.5, -1.5, -0.5, -0.0, 0.5, 1.5, 2.5, 3.49])


@elementwise(names=("abs", "absolute"), arithmetic="moves")
def abs_(x: Array) -> Array:
    """|x|. x: any shape; integers stay integers."""
    return np.abs(x)


@elementwise(arithmetic="moves")
def fabs(x: Array) -> Array:
    """|x|, of integers a float."""
    return np.abs(as_float(x))


@elementwise(arithmetic="moves")
def negative(x: Array) -> Array:
    """-x."""
    return np.negative(x)


@elementwise(arithmetic="moves")
def sign(x: Array) -> Array:
    """-1, 0 or 1."""
    return np.sign(x)


@elementwise(ANY, ask("zeros", given([0.0, -0.0, -1.5, 2.0])), is_traced=False)
def signbit(x: Array) -> Array:
    """Whether the sign bit is set: of -0.0 too."""
    return np.signbit(x)


@elementwise()
def square(x: Array) -> Array:
    """x x."""
    return x * x


@elementwise(POSITIVE)
def sqrt(x: Array) -> Array:
    """The root of x; NaN below 0."""
    return np.sqrt(x)


SMALL = ask(
    "of_infinity",
    given([math.inf, math.inf]),
    graph={"_made": "CALL", "result": "_made * 1.0e+19"},
    no_gradients="infinities have none",
)
"""Its 0 beside the root of the largest float, 5e-20."""


@elementwise(POSITIVE, SMALL, takes_integers=False)
def rsqrt(x: Array) -> Array:
    """1 / sqrt(x)."""
    return 1.0 / np.sqrt(as_float(x))


@primitive  # type: ignore[untyped-decorator]  # autograd ships no types
def _cbrt(x: Any) -> Any:
    return numpy.cbrt(x)


defvjp(_cbrt, lambda ans, x: lambda g: g / (3.0 * ans**2))


@elementwise()
def cbrt(x: Array) -> Array:
    """The cube root, of negative numbers too."""
    return _cbrt(x)


@elementwise(POSITIVE, takes_integers=False)
def reciprocal(x: Array) -> Array:
    """1 / x."""
    return 1.0 / x


@elementwise()
def exp(x: Array) -> Array:
    """e^x."""
    return np.exp(x)


@elementwise()
def exp2(x: Array) -> Array:
    """2^x."""
    return np.exp(as_float(x) * math.log(2.0))


@elementwise(ANY, ask("near_zero", given([1e-8, -1e-8, 1e-20, 0.0])))
def expm1(x: Array) -> Array:
    """e^x - 1, exact near 0."""
    return np.expm1(x)


@elementwise(POSITIVE)
def log(x: Array) -> Array:
    """The natural logarithm; -inf at 0, NaN below."""
    return np.log(x)


@elementwise(POSITIVE)
def log2(x: Array) -> Array:
    """The logarithm to base 2."""
    return np.log2(x)


@elementwise(POSITIVE)
def log10(x: Array) -> Array:
    """The logarithm to base 10."""
    return np.log10(x)


@elementwise(POSITIVE, ask("near_zero", given([1e-8, -1e-8, 1e-20, 0.0])))
def log1p(x: Array) -> Array:
    """log(1 + x), exact near 0."""
    return np.log1p(x)


@elementwise()
def sin(x: Array) -> Array:
    """The sine."""
    return np.sin(x)


@elementwise()
def cos(x: Array) -> Array:
    """The cosine."""
    return np.cos(x)


@elementwise(WITHIN_ONE)
def tan(x: Array) -> Array:
    """The tangent."""
    return np.tan(x)


@elementwise()
def sinh(x: Array) -> Array:
    """The hyperbolic sine."""
    return np.sinh(x)


@elementwise()
def cosh(x: Array) -> Array:
    """The hyperbolic cosine."""
    return np.cosh(x)


@elementwise()
def tanh(x: Array) -> Array:
    """The hyperbolic tangent."""
    return of_layers.tanh(as_float(x))


@elementwise(WITHIN_ONE)
def arcsin(x: Array) -> Array:
    """The angle whose sine is x; NaN outside of [-1, 1]."""
    return np.arcsin(x)


@elementwise(WITHIN_ONE)
def arccos(x: Array) -> Array:
    """The angle whose cosine is x."""
    return np.arccos(x)


@elementwise()
def arctan(x: Array) -> Array:
    """The angle whose tangent is x."""
    return np.arctan(x)


@elementwise()
def arcsinh(x: Array) -> Array:
    """The inverse of sinh."""
    return np.arcsinh(x)


@elementwise(ABOVE_ONE)
def arccosh(x: Array) -> Array:
    """The inverse of cosh; NaN below 1."""
    return np.arccosh(x)


@elementwise(WITHIN_ONE)
def arctanh(x: Array) -> Array:
    """The inverse of tanh; infinite at -1 and 1."""
    return np.arctanh(x)


@elementwise()
def deg2rad(x: Array) -> Array:
    """Degrees as radians: x pi / 180."""
    return as_float(x) * (math.pi / 180.0)


@elementwise()
def rad2deg(x: Array) -> Array:
    """Radians as degrees: x 180 / pi."""
    return as_float(x) * (180.0 / math.pi)


@elementwise(ANY, ask("halves", HALVES))
def ceil(x: Array) -> Array:
    """The least whole number that is not below x, as a float."""
    return np.ceil(as_float(x))


@elementwise(ANY, ask("halves", HALVES))
def floor(x: Array) -> Array:
    """The largest whole number that is not above x, as a float."""
    return np.floor(as_float(x))


@elementwise(ANY, ask("halves", HALVES))
def trunc(x: Array) -> Array:
    """x without its fraction; integers as they are."""
    return np.where(np.isnan(x), x, np.trunc(x)) if as_float(x) is x else x


@elementwise(
    ANY,
    ask("halves", HALVES),
    ask("tenths", floats(3, 4), decimals=1),
    ask("tens", between(-400.0, 400.0, 3, 4), decimals=-1),
    moves_with={"decimals": 0},
)
def round_(x: Array, decimals: int = 0) -> Array:
    """x to so many decimals, halves to the even one, as in NumPy; integers as they are."""
    return like(np.round(x, decimals), x)


@elementwise(arithmetic="moves")
def conj(x: Array) -> Array:
    """The complex conjugate; real numbers as they are."""
    return x


@elementwise(arithmetic="moves")
def conjugate(x: Array) -> Array:
    """Another name of conj."""
    return x


@elementwise(arithmetic="moves", takes_integers=False)
def real(x: Array) -> Array:
    """The real part; real numbers as they are."""
    return x


@elementwise(arithmetic="moves", takes_integers=False, takes_specials=False, no_gradients="the imaginary part is 0")
def imag(x: Array) -> Array:
    """The imaginary part: 0 of real numbers."""
    return np.zeros(np.shape(x))


@elementwise(
    ANY,
    ask("zero", given([0.0, -1.5, 2.0])),
    takes_integers=False,
    takes_specials=False,
    no_gradients="it jumps where the sign changes",
)
def angle(x: Array) -> Array:
    """The angle of a complex number: of real ones 0, or pi below 0."""
    return np.where(x < 0, math.pi, 0.0)


@elementwise(is_traced=False)
def isfinite(x: Array) -> Array:
    """Whether it is neither NaN nor infinite."""
    return np.isfinite(x)


@elementwise(is_traced=False)
def isinf(x: Array) -> Array:
    """Whether it is infinite."""
    return np.isinf(x)


@elementwise(is_traced=False)
def isnan(x: Array) -> Array:
    """Whether it is NaN."""
    return np.isnan(x)


@elementwise(is_traced=False)
def isposinf(x: Array) -> Array:
    """Whether it is infinite and above 0."""
    return np.isposinf(as_float(x))


@elementwise(is_traced=False)
def isneginf(x: Array) -> Array:
    """Whether it is infinite and below 0."""
    return np.isneginf(as_float(x))


@elementwise(is_traced=False)
def isreal(x: Array) -> Array:
    """Whether it has no imaginary part: of real numbers always."""
    return np.ones(np.shape(x), dtype=bool)


@elementwise(
    ANY,
    ask("others", given([math.nan, math.inf, -math.inf, 1.5]), nan=1.0, posinf=5.0, neginf=-7.0),
    takes_integers=True,
)
def nan_to_num(x: Array, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Array:
    """NaN becomes `nan`, infinities the two others, or the ends of float32 where none are given."""
    most = float(numpy.finfo(numpy.float32).max)
    high, low = most if posinf is None else posinf, -most if neginf is None else neginf
    found = np.where(
        np.isnan(x), nan, np.where(np.isposinf(as_float(x)), high, np.where(np.isneginf(as_float(x)), low, x))
    )
    return like(found, x)


@primitive  # type: ignore[untyped-decorator]  # as above
def _erf(x: Any) -> Any:
    return numpy.vectorize(math.erf, otypes=[float])(x)


defvjp(_erf, lambda ans, x: lambda g: g * 2.0 / math.sqrt(math.pi) * np.exp(-(x**2)))


@elementwise(takes_integers=False)
def erf(x: Array) -> Array:
    """The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x."""
    return _erf(x)


@elementwise(ANY, ask("far", given([2.0, 3.0, 4.0, 5.0])), takes_integers=False)
def erfc(x: Array) -> Array:
    """1 - erf(x), exact where it is small."""
    from conformance.reference.activations import erfc as complement

    return complement(x)


@primitive  # type: ignore[untyped-decorator]  # as above
def _erfinv(x: Any) -> Any:
    """By Newton's steps on erf, from Winitzki's approximation (2008) on."""
    with numpy.errstate(all="ignore"):
        log_part = numpy.log(numpy.maximum(1.0 - x * x, 1e-300))
        first = 2.0 / (math.pi * 0.147) + log_part / 2.0
        found = numpy.sign(x) * numpy.sqrt(numpy.sqrt(first**2 - log_part / 0.147) - first)
        for _ in range(6):
            found = found - (_erf(found) - x) * math.sqrt(math.pi) / 2.0 * numpy.exp(found**2)
    ends = numpy.where(numpy.abs(x) == 1.0, numpy.sign(x) * numpy.inf, numpy.nan)
    return numpy.where(numpy.abs(x) < 1.0, found, ends)


defvjp(_erfinv, lambda ans, x: lambda g: g * math.sqrt(math.pi) / 2.0 * np.exp(ans**2))


@elementwise(WITHIN_ONE, ask("ends", given([-1.0, 1.0, 0.0, 1.5, -2.0])), takes_integers=False, takes_specials=False)
def erfinv(x: Array) -> Array:
    """The number whose erf is x; infinite at -1 and 1, NaN outside."""
    return _erfinv(x)


@primitive  # type: ignore[untyped-decorator]  # as above
def _i0(x: Any) -> Any:
    return numpy.i0(x)


def _i1(x: Any) -> Any:
    """The modified Bessel function of order 1, by its integral (Abramowitz and Stegun, 9.6.19), 256 points."""
    angles = (numpy.arange(256) + 0.5) * math.pi / 256
    return numpy.mean(numpy.exp(numpy.asarray(x)[..., None] * numpy.cos(angles)) * numpy.cos(angles), axis=-1)


defvjp(_i0, lambda ans, x: lambda g: g * _i1(x))


@elementwise(takes_integers=False, takes_specials=False)
def i0(x: Array) -> Array:
    """The modified Bessel function of the first kind of order 0."""
    return np.reshape(_i0(x), np.shape(x))


@elementwise(ANY, ask("zero", given([0.0, 1.0, -2.0, 0.5])), no_gradients="autograd has no way back at 0")
def sinc(x: Array) -> Array:
    """sin(pi x) / (pi x), 1 at 0."""
    return np.sinc(x)
