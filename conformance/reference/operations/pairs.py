"""Functions of two arrays that broadcast: arithmetic, comparisons, logic, bits, whole numbers."""

from __future__ import annotations

import math

import autograd.numpy as np
import numpy

from .base import ANY, POSITIVE, Array, Arrays, as_float, ask, asked, floats, given, integers, like, pairwise, truths

TRUTHS = (ask("truths", truths(3, 4), truths(3, 4)), ask("truths_broadcast", truths(2, 1, 4), truths(3, 1)))
SPECIAL = given([math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, math.nan, 2.0])
OTHER = given([1.0, math.inf, math.inf, -0.0, 0.0, math.nan, math.nan, 2.0])


def _over(x: Array, shape: tuple[int, ...]) -> Array:
    """An array broadcast, which autograd's `where` does not take back by itself."""
    return x + np.zeros(shape, dtype=x.dtype)


@pairwise()
def add(x1: Array, x2: Array) -> Array:
    """x1 + x2."""
    return x1 + x2


@pairwise()
def subtract(x1: Array, x2: Array) -> Array:
    """x1 - x2."""
    return x1 - x2


@pairwise()
def multiply(x1: Array, x2: Array) -> Array:
    """x1 x2."""
    return x1 * x2


@pairwise(ANY, POSITIVE, names=("divide", "true_divide"))
def divide(x1: Array, x2: Array) -> Array:
    """x1 / x2, in floats."""
    return as_float(x1) / as_float(x2)


@pairwise(ANY, POSITIVE, asks=(ask("by_zero", given([1.0, 0.0, -2.0]), given([0.0, 0.0, 4.0])),))
def divide_no_nan(x1: Array, x2: Array) -> Array:
    """x1 / x2, and 0 where x2 is 0."""
    is_zero = x2 == 0
    return np.where(is_zero, 0.0, as_float(x1) / np.where(is_zero, 1.0, as_float(x2)))


@pairwise(ANY, POSITIVE)
def floor_divide(x1: Array, x2: Array) -> Array:
    """The largest whole number that is not above x1 / x2; integers give integers."""
    return np.floor_divide(x1, x2)


SIGNS = (ask("signs", given([5.5, -5.5, 5.5, -5.5]), given([3.0, 3.0, -3.0, -3.0])),)


@pairwise(ANY, POSITIVE, asks=SIGNS, no_gradients="autograd has none by the divisor")
def mod(x1: Array, x2: Array) -> Array:
    """The rest of x1 / x2 with the sign of x2, as Python's %."""
    return np.mod(x1, x2)


@pairwise(ANY, POSITIVE, asks=SIGNS, no_gradients="autograd has none by the divisor")
def fmod(x1: Array, x2: Array) -> Array:
    """The rest of x1 / x2 with the sign of x1, as C's fmod."""
    return np.fmod(x1, x2)


@pairwise(
    POSITIVE,
    ANY,
    takes_integers=False,
    asks=(
        ask("integers", integers(-3, 4, 3, 4), integers(0, 4, 3, 4)),
        ask(
            "whole",
            given([-2.0, -2.0, 3.0, 0.0]),
            given([2.0, 3.0, -1.0, 0.0]),
            no_gradients="0 to the power of 0 has none",
        ),
        ask(
            "infinite",
            given([math.inf, 2.0, 0.5]),
            given([1.0, -math.inf, -math.inf]),
            no_gradients="infinities have none",
        ),
    ),
)
def power(x1: Array, x2: Array) -> Array:
    """x1^x2."""
    return np.power(x1, x2)


LARGE = given([3e38, math.inf, -3e38, 3e38]), given([math.inf, 3e38, -math.inf, 3e38])


@pairwise(asks=(ask("infinite", *LARGE, no_gradients="infinities have none"),))
def arctan2(x1: Array, x2: Array) -> Array:
    """The angle of the point (x2, x1)."""
    return np.arctan2(as_float(x1), as_float(x2))


@pairwise(asks=(ask("large", given([3e20, -6e-25]), given([4e20, 8e-25])),))
def hypot(x1: Array, x2: Array) -> Array:
    """sqrt(x1^2 + x2^2)."""
    return np.sqrt(as_float(x1) ** 2 + as_float(x2) ** 2)


@pairwise(arithmetic="moves")
def maximum(x1: Array, x2: Array) -> Array:
    """The larger one; NaN where either is."""
    return np.maximum(x1, x2)


@pairwise(arithmetic="moves")
def minimum(x1: Array, x2: Array) -> Array:
    """The smaller one; NaN where either is."""
    return np.minimum(x1, x2)


@pairwise(arithmetic="moves")
def fmax(x1: Array, x2: Array) -> Array:
    """The larger one; the other where one is NaN."""
    return np.fmax(x1, x2)


@pairwise(arithmetic="moves")
def fmin(x1: Array, x2: Array) -> Array:
    """The smaller one; the other where one is NaN."""
    return np.fmin(x1, x2)


@pairwise()
def logaddexp(x1: Array, x2: Array) -> Array:
    """log(e^x1 + e^x2)."""
    return np.logaddexp(as_float(x1), as_float(x2))


@pairwise()
def logaddexp2(x1: Array, x2: Array) -> Array:
    """log2(2^x1 + 2^x2)."""
    two = math.log(2.0)
    return np.logaddexp(as_float(x1) * two, as_float(x2) * two) / two


INFINITE = ask("infinite", given([0.0, -1.0]), given([math.inf, math.inf]), no_gradients="at 0 it has none")


@pairwise(asks=(ask("zero", given([0.0, -0.0, -1.0, 2.0]), given([0.5, 0.5, 0.5, 0.5])), INFINITE))
def heaviside(x1: Array, x2: Array) -> Array:
    """0 below 0, x2 at 0, 1 above."""
    shape = numpy.broadcast_shapes(np.shape(x1), np.shape(x2))
    first, second = _over(as_float(x1), shape), _over(as_float(x2), shape)
    return np.where(np.isnan(first), first, np.where(first < 0, 0.0, np.where(first > 0, 1.0, second)))


@asked(
    ask("usual", floats(3, 4), integers(-3, 4, 3, 4)),
    ask("broadcast", floats(2, 1, 4), integers(-3, 4, 3, 1)),
    ask("integers", integers(-5, 6, 3, 4), integers(-3, 4, 3, 4)),
)
def ldexp(x1: Array, x2: Array) -> Array:
    """x1 2^x2."""
    return as_float(x1) * 2.0 ** as_float(x2)


@asked(
    ask("usual", floats(3, 4), floats(3, 4)),
    ask("specials", given([0.0, -0.0, 1.0, math.inf, math.nan]), given([1.0, 1.0, 1.0, 0.0, 1.0])),
    ask("largest", given([3.4028234663852886e38]), given([math.inf])),
    no_gradients="it goes from number to number",
)
def nextafter(x1: Array, x2: Array) -> Array:
    """The float32 beside x1 in the direction of x2."""
    return numpy.nextafter(numpy.float32(x1), numpy.float32(x2)).astype(float)


# comparisons


@pairwise(asks=(ask("nan", SPECIAL, OTHER),), is_traced=False)
def equal(x1: Array, x2: Array) -> Array:
    """Whether they are equal; NaN is equal to nothing."""
    return np.equal(x1, x2)


@pairwise(asks=(ask("nan", SPECIAL, OTHER),), is_traced=False)
def not_equal(x1: Array, x2: Array) -> Array:
    """Whether they are not equal."""
    return np.not_equal(x1, x2)


@pairwise(is_traced=False)
def greater(x1: Array, x2: Array) -> Array:
    """x1 > x2."""
    return np.greater(x1, x2)


@pairwise(is_traced=False)
def greater_equal(x1: Array, x2: Array) -> Array:
    """x1 >= x2."""
    return np.greater_equal(x1, x2)


@pairwise(is_traced=False)
def less(x1: Array, x2: Array) -> Array:
    """x1 < x2."""
    return np.less(x1, x2)


@pairwise(is_traced=False)
def less_equal(x1: Array, x2: Array) -> Array:
    """x1 <= x2."""
    return np.less_equal(x1, x2)


NEAR = (given([1.0, 1.0, 1.24, 100.0, 0.0, math.inf]), given([1.000001, 1.1, 1.0, 100.0005, 1e-9, math.inf]))
"""Of 1.24 and 1, 0.2 of the larger one is enough and of the second is not."""


@pairwise(
    asks=(
        ask("near", *NEAR),
        ask("wide", *NEAR, rtol=0.2, atol=0.0),
        ask("nan", SPECIAL, OTHER),
        ask("equal_nan", SPECIAL, OTHER, equal_nan=True),
    ),
    is_traced=False,
)
def isclose(x1: Array, x2: Array, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Array:
    """|x1 - x2| <= atol + rtol |x2|; equal infinities are close, and NaN to NaN where it says so."""
    return numpy.isclose(x1, x2, rtol, atol, equal_nan)


@asked(
    ask("equal", given([1.0, 2.0]), given([1.0, 2.0])),
    ask("near", given([1.0, 100.0]), given([1.000001, 100.0005])),
    ask("far", *NEAR),
    ask("within_rtol", given([1.1, 105.0]), given([1.0, 100.0]), rtol=0.2, atol=0.0),
    ask("beyond_rtol", given([1.3, 105.0]), given([1.0, 100.0]), rtol=0.2, atol=0.0),
    ask("within_atol", given([0.5, 1.0]), given([0.0, 1.5]), rtol=0.0, atol=1.0),
    ask("beyond_atol", given([1.5, 1.0]), given([0.0, 1.5]), rtol=0.0, atol=1.0),
    ask("nan", given([math.nan, 1.0]), given([math.nan, 1.0])),
    ask("equal_nan", given([math.nan, 1.0]), given([math.nan, 1.0]), equal_nan=True),
    is_traced=False,
)
def allclose(x1: Array, x2: Array, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Array:
    """Whether all are close; gives one truth of shape ()."""
    return numpy.all(numpy.isclose(x1, x2, rtol, atol, equal_nan))


@pairwise(asks=TRUTHS, is_traced=False)
def logical_and(x1: Array, x2: Array) -> Array:
    """Both; what is not 0 is true, NaN too."""
    return np.logical_and(x1, x2)


@pairwise(asks=TRUTHS, is_traced=False)
def logical_or(x1: Array, x2: Array) -> Array:
    """One or both."""
    return np.logical_or(x1, x2)


@pairwise(asks=TRUTHS, is_traced=False)
def logical_xor(x1: Array, x2: Array) -> Array:
    """One and not both."""
    return np.logical_xor(x1, x2)


@asked(
    ask("truths", truths(3, 4)),
    ask("floats", given([0.0, -0.0, 1.5, math.nan])),
    ask("integers", integers(-1, 2, 3, 4)),
    is_traced=False,
)
def logical_not(x: Array) -> Array:
    """Whether it is 0."""
    return np.logical_not(x)


# bits of integers

BITS = (
    ask("integers", integers(-20, 20, 3, 4), integers(-20, 20, 3, 4)),
    ask("broadcast", integers(-20, 20, 2, 1, 4), integers(-20, 20, 3, 1)),
    ask("bytes", integers(0, 256, 3, 4, dtype="uint8"), integers(0, 256, 3, 4, dtype="uint8")),
    ask("empty", integers(0, 4, 0, 4), integers(0, 4, 0, 4)),
)
SHIFTS = (
    ask("integers", integers(-20, 20, 3, 4), integers(0, 6, 3, 4)),
    ask("broadcast", integers(-20, 20, 2, 1, 4), integers(0, 6, 3, 1)),
    ask("bytes", integers(0, 256, 3, 4, dtype="uint8"), integers(0, 8, 3, 4, dtype="uint8")),
)


@asked(*BITS)
def bitwise_and(x: Array, y: Array) -> Array:
    """Each bit in both."""
    return np.bitwise_and(x, y)


@asked(*BITS)
def bitwise_or(x: Array, y: Array) -> Array:
    """Each bit in one or both."""
    return np.bitwise_or(x, y)


@asked(*BITS)
def bitwise_xor(x: Array, y: Array) -> Array:
    """Each bit in one and not both."""
    return np.bitwise_xor(x, y)


@asked(
    ask("integers", integers(-20, 20, 3, 4)),
    ask("bytes", integers(0, 256, 3, 4, dtype="uint8")),
    names=("bitwise_not", "bitwise_invert"),
)
def bitwise_not(x: Array) -> Array:
    """Each bit turned."""
    return np.bitwise_not(x)


@asked(*SHIFTS, names=("left_shift", "bitwise_left_shift"))
def left_shift(x: Array, y: Array) -> Array:
    """The bits of x, y places up."""
    return np.left_shift(x, y)


@asked(*SHIFTS, names=("right_shift", "bitwise_right_shift"))
def right_shift(x: Array, y: Array) -> Array:
    """The bits of x, y places down; the sign stays."""
    return np.right_shift(x, y)


DIVISORS = (
    ask("integers", integers(-24, 25, 3, 4), integers(-24, 25, 3, 4)),
    ask("broadcast", integers(1, 25, 2, 1, 4), integers(1, 25, 3, 1)),
    ask("zero", given([0, 0, 12], "int32"), given([0, 8, 0], "int32")),
)


@asked(*DIVISORS)
def gcd(x1: Array, x2: Array) -> Array:
    """The greatest common divisor, never below 0."""
    return np.gcd(x1, x2)


@asked(*DIVISORS)
def lcm(x1: Array, x2: Array) -> Array:
    """The least common multiple, never below 0."""
    return np.lcm(x1, x2)


@asked(
    ask("some", given([1.0, 2.0, 5.0, 2.0]), given([2.0, 7.0])),
    ask("inverted", given([1, 2, 5, 2], "int32"), given([2, 7], "int32"), invert=True),
    ask("unique", given([[1, 2], [5, 3]], "int32"), given([2, 7], "int32"), assume_unique=True),
    ask("nan", given([math.nan, 1.0]), given([math.nan, 2.0])),
    is_traced=False,
)
def isin(x1: Array, x2: Array, assume_unique: bool = False, invert: bool = False) -> Array:
    """Whether each number of x1 stands in x2; with `invert` whether not."""
    return numpy.isin(x1, x2, assume_unique=False, invert=invert)


@asked(
    ask("usual", floats(3, 4), x_min=-0.5, x_max=0.75),
    ask("integers", integers(-9, 9, 3, 4), x_min=-2, x_max=5),
    ask("specials", given([math.nan, math.inf, -math.inf, 0.0]), x_min=-0.5, x_max=0.75),
    ask("empty", floats(0, 4), x_min=-0.5, x_max=0.75),
    ask("truths", truths(3, 4), x_min=0, x_max=1),
    arithmetic="moves",
)
def clip(x: Array, x_min: int | float, x_max: int | float) -> Array:
    """x between x_min and x_max."""
    return like(np.minimum(np.maximum(x, x_min), x_max), x)


@asked(
    ask("usual", truths(3, 4), floats(3, 4), floats(3, 4)),
    ask("broadcast", truths(3, 1), floats(2, 1, 4), floats(4)),
    ask("integers", truths(3, 4), integers(-9, 9, 3, 4), integers(-9, 9, 3, 4)),
    ask("of_integers", integers(-1, 2, 3, 4), floats(3, 4), floats(3, 4)),
    ask("specials", given([True, False], "bool"), given([math.nan, 1.0]), given([2.0, math.inf])),
    ask("integers_alone", integers(-1, 2, 3, 4), integers(-9, 9, 3, 4), integers(-9, 9, 3, 4)),
    arithmetic="moves",
)
def where(condition: Array, x1: Array, x2: Array) -> Array:
    """x1 where the condition holds, x2 elsewhere."""
    shape = numpy.broadcast_shapes(np.shape(condition), np.shape(x1), np.shape(x2))
    return np.where(condition, _over(x1, shape), _over(x2, shape))


@asked(
    ask("usual", [truths(3, 4), truths(3, 4)], [floats(3, 4), floats(3, 4)]),
    ask("default", [truths(3, 4), truths(3, 4)], [floats(3, 4), floats(3, 4)], default=2.5),
    arithmetic="moves",
)
def select(condlist: Arrays, choicelist: Arrays, default: float = 0) -> Array:
    """The choice of the first condition that holds, else the default."""
    found = np.zeros(np.shape(choicelist[0]), dtype=choicelist[0].dtype) + default
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        found = np.where(condition, choice, found)
    return found
