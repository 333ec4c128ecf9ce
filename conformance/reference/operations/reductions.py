"""Sums, products, means, extremes, counts and quantiles over all axes, one or several; those that leave NaN out too."""

from __future__ import annotations

import math
import warnings
from typing import Any, Literal

import autograd.numpy as np
import numpy

from .base import (
    ANY,
    Array,
    Axis,
    along,
    as_float,
    ask,
    asked,
    floats,
    given,
    int32,
    integers,
    is_float,
    like,
    reduction,
    truths,
)

HOLES = given([[math.nan, 1.5, -2.0, 0.5], [3.0, math.nan, math.nan, 1.0], [-0.5, 2.5, 4.0, math.nan]])
ALL_NAN = given([[math.nan, math.nan], [1.0, 2.0]])
LEAVES_OUT = (
    ask("holes", HOLES),
    ask("holes_along", HOLES, axis=-1),
    ask("nothing_left", ALL_NAN, axis=1),
)
NO_WAY_BACK = "autograd has no way back through what leaves NaN out"
Method = Literal["linear", "lower", "higher", "midpoint", "nearest"]


@reduction()
def sum_(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """The sum; of int32 and of booleans int32."""
    return like(np.sum(x, axis=axis, keepdims=keepdims), x)


@reduction(ANY, ask("in_float", integers(1, 4, 3, 4), dtype="float32"))
def prod(x: Array, axis: Axis = None, keepdims: bool = False, dtype: str | None = None) -> Array:
    """The product."""
    x = as_float(x) if dtype == "float32" else x
    return like(np.prod(x, axis=axis, keepdims=keepdims), x)


@reduction()
def mean(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """The mean, of integers too a float; NaN of nothing."""
    return np.mean(as_float(x), axis=axis, keepdims=keepdims)


@reduction()
def var(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """The mean square distance from the mean."""
    return np.var(as_float(x), axis=axis, keepdims=keepdims)


@reduction()
def std(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """The root of the variance."""
    return np.sqrt(np.var(as_float(x), axis=axis, keepdims=keepdims))


AND_NAN = ask(
    "initial_and_nan", given([[math.nan, 1.0], [0.25, -1.0]]), axis=1, initial=0.0, no_gradients="of NaN there is none"
)


@reduction(ANY, ask("initial", floats(3, 4), axis=1, initial=0.5), AND_NAN, arithmetic="moves", takes_none=False)
def max_(x: Array, axis: Axis = None, keepdims: bool = False, initial: float | None = None) -> Array:
    """The largest; NaN where there is one; not below `initial`."""
    found = np.max(x, axis=axis, keepdims=keepdims)
    return found if initial is None else np.maximum(found, initial)


@reduction(ANY, ask("initial", floats(3, 4), axis=1, initial=-0.5), AND_NAN, arithmetic="moves", takes_none=False)
def min_(x: Array, axis: Axis = None, keepdims: bool = False, initial: float | None = None) -> Array:
    """The smallest; NaN where there is one; not above `initial`."""
    found = np.min(x, axis=axis, keepdims=keepdims)
    return found if initial is None else np.minimum(found, initial)


@reduction(arithmetic="moves", takes_none=False)
def amax(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """The largest."""
    return np.max(x, axis=axis, keepdims=keepdims)


@reduction(arithmetic="moves", takes_none=False)
def amin(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """The smallest."""
    return np.min(x, axis=axis, keepdims=keepdims)


@reduction(takes_none=False)
def ptp(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """The largest less the smallest."""
    return np.max(x, axis=axis, keepdims=keepdims) - np.min(x, axis=axis, keepdims=keepdims)


@reduction(ANY, ask("truths", truths(3, 4), axis=0), is_traced=False)
def all_(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Whether all are true; what is not 0 is true, NaN too."""
    return np.all(x, axis=axis, keepdims=keepdims)


SOME = ask("some", given([[0.0, -0.0], [0.0, -1.5], [2.0, 0.0]]), axis=-1)


@reduction(ANY, ask("truths", truths(3, 4), axis=0), SOME, is_traced=False)
def any_(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Whether one is true."""
    return np.any(x, axis=axis, keepdims=keepdims)


@asked(
    ask("all", integers(-1, 2, 3, 4)),
    ask("last", integers(-1, 2, 2, 3, 4), axis=-1),
    ask("two", integers(-1, 2, 2, 3, 4), axis=(0, 2)),
    ask("floats", given([0.0, -0.0, math.nan, 1.5])),
    ask("truths", truths(3, 4), axis=0),
    ask("empty", floats(0, 4)),
    is_traced=False,
)
def count_nonzero(x: Array, axis: Axis = None) -> Array:
    """How many are not 0, as int32."""
    return int32(np.count_nonzero(x, axis=axis))


@reduction(
    ANY, ask("large", given([[1000.0, 1000.5], [-1000.0, -1000.5], [1000.0, -1000.0]]), axis=1), takes_integers=False
)
def logsumexp(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """log(sum e^x), without overflow; -inf of nothing."""
    if np.size(x) == 0:
        return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))
    most = np.max(x, axis=axis, keepdims=True)
    most = np.where(np.isfinite(most), most, 0.0)
    found = np.log(np.sum(np.exp(x - most), axis=axis, keepdims=True)) + most
    return found if keepdims else np.squeeze(found, axis=axis)


@reduction(takes_none=False, no_gradients="which of two middle ones it is, is a convention")
def median(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """The middle one, or the mean of the two in the middle; NaN where there is one."""
    return np.median(as_float(x), axis=axis, keepdims=keepdims)


@asked(
    ask("plain", floats(3, 4)),
    ask("along", floats(2, 3, 4), axis=-1),
    ask("weights", floats(3, 4), given([1.0, 2.0, 0.5, 0.25]), axis=1),
    ask("weights_of_all", floats(3, 4), floats(3, 4)),
    ask("integers", integers(-9, 9, 3, 4), axis=0),
)
def average(x: Array, weights: Array | None = None, axis: Axis = None) -> Array:
    """sum(w x) / sum(w), the mean without weights."""
    if weights is None:
        return np.mean(as_float(x), axis=axis)
    shape = [1] * np.ndim(x)
    if np.ndim(weights) == 1 and np.ndim(x) > 1:
        shape[axis] = np.shape(weights)[0]  # type: ignore[index]  # a row of weights is along one axis
        weights = np.reshape(weights, shape) * np.ones(np.shape(x))
    return np.sum(x * weights, axis=axis) / np.sum(weights, axis=axis)


@asked(
    ask("last", floats(2, 3, 4), axes=[-1]),
    ask("two", floats(2, 3, 4), axes=[0, 1]),
    ask("keepdims", floats(2, 3, 4), axes=[1], keepdims=True),
    ask("one", floats(1, 1), axes=[0]),
    takes_integers=False,
)
def moments(x: Array, axes: tuple[int, ...], keepdims: bool = False, synchronized: bool = False) -> Array:
    """The mean and the variance, a pair."""
    return [np.mean(x, axis=axes, keepdims=keepdims), np.var(x, axis=axes, keepdims=keepdims)]


# what leaves NaN out


def _without(x: Array, value: float) -> Array:
    return np.where(np.isnan(x), value, x) if is_float(x) else x


def _counted(x: Array, axis: Axis, keepdims: bool) -> Array:
    return np.sum(np.where(np.isnan(x), 0.0, 1.0), axis=axis, keepdims=keepdims)


@reduction(ANY, *LEAVES_OUT)
def nansum(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """The sum without NaN; 0 where nothing is left."""
    return like(np.sum(_without(x, 0.0), axis=axis, keepdims=keepdims), x)


@reduction(ANY, *LEAVES_OUT)
def nanprod(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """The product without NaN; 1 where nothing is left."""
    return like(np.prod(_without(x, 1.0), axis=axis, keepdims=keepdims), x)


@reduction(ANY, *LEAVES_OUT)
def nanmean(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """The mean without NaN; NaN where nothing is left."""
    return np.sum(_without(as_float(x), 0.0), axis=axis, keepdims=keepdims) / _counted(as_float(x), axis, keepdims)


def _nanvar(x: Array, axis: Axis, keepdims: bool) -> Array:
    x = as_float(x)
    away = np.where(np.isnan(x), 0.0, _without(x, 0.0) - nanmean(x, axis, True))
    return np.sum(away**2, axis=axis, keepdims=keepdims) / _counted(x, axis, keepdims)


@reduction(ANY, *LEAVES_OUT)
def nanvar(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """The variance without NaN."""
    return _nanvar(x, axis, keepdims)


@reduction(ANY, *LEAVES_OUT)
def nanstd(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """The root of the variance without NaN."""
    return np.sqrt(_nanvar(x, axis, keepdims))


def _left(x: Array, found: Array, axis: Axis, keepdims: bool) -> Array:
    """What was found, and NaN where nothing is left."""
    if not is_float(x):
        return found
    return np.where(_counted(x, axis, keepdims) == 0, math.nan, found)


@reduction(ANY, *LEAVES_OUT, arithmetic="moves", takes_none=False)
def nanmax(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """The largest without NaN; NaN where nothing is left."""
    return _left(x, np.max(_without(x, -math.inf), axis=axis, keepdims=keepdims), axis, keepdims)


@reduction(ANY, *LEAVES_OUT, arithmetic="moves", takes_none=False)
def nanmin(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """The smallest without NaN; NaN where nothing is left."""
    return _left(x, np.min(_without(x, math.inf), axis=axis, keepdims=keepdims), axis, keepdims)


@reduction(ANY, *LEAVES_OUT, takes_none=False, no_gradients=NO_WAY_BACK)
def nanmedian(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """The median without NaN."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of nothing, which is NaN
        return numpy.nanmedian(numpy.asarray(x, dtype=float), axis=axis, keepdims=keepdims)


RANKS = {"no_gradients": "which of two neighbours it is, is a convention"}


def _ranked(x: Any, q: Any, axis: Any, method: Method, keepdims: bool, function: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # as above
        return function(numpy.asarray(x, dtype=float), q, axis=axis, method=method, keepdims=keepdims)


QUANTILES = (
    ask("half", floats(3, 5), q=0.5),
    ask("last", floats(2, 3, 5), q=0.3, axis=-1),
    ask("two_axes", floats(2, 3, 4), q=0.3, axis=(0, 2)),
    ask("keepdims", floats(3, 5), q=0.3, axis=0, keepdims=True),
    ask("lower", floats(3, 5), q=0.3, axis=1, method="lower"),
    ask("higher", floats(3, 5), q=0.3, axis=1, method="higher"),
    ask("nearest", floats(3, 5), q=0.3, axis=1, method="nearest"),
    ask("midpoint", floats(3, 5), q=0.3, axis=1, method="midpoint"),
    ask("ends", floats(3, 5), q=[0.0, 1.0], axis=1),
    ask("several", floats(3, 5), q=[0.1, 0.5, 0.9], axis=1),
    ask("integers", integers(-9, 9, 3, 5), q=0.3, axis=1),
    ask("one", floats(1, 1), q=0.3),
    ask("holes", HOLES, q=0.3, axis=1),
    ask("infinite", given([[1.0, math.inf, 2.0, 3.0], [-math.inf, 3.0, 0.5, 1.0]]), q=0.9, axis=1, method="nearest"),
)
PERCENTILES = tuple(
    ask(one.name, *one.inputs, **{**one.config, "q": [100 * q for q in one.config["q"]]})
    if isinstance(one.config["q"], list)
    else ask(one.name, *one.inputs, **{**one.config, "q": 100 * one.config["q"]})
    for one in QUANTILES
)
Ranks = float | tuple[float, ...]


@asked(*QUANTILES, **RANKS)
def quantile(x: Array, q: Ranks, axis: Axis = None, method: Method = "linear", keepdims: bool = False) -> Array:
    """The number below which a share q lies, between neighbours by `method` (Hyndman and Fan 1996, 7)."""
    return _ranked(x, q, axis, method, keepdims, numpy.quantile)


@asked(*PERCENTILES, **RANKS)
def percentile(x: Array, q: Ranks, axis: Axis = None, method: Method = "linear", keepdims: bool = False) -> Array:
    """The quantile of q / 100."""
    return _ranked(x, numpy.asarray(q) / 100.0, axis, method, keepdims, numpy.quantile)


@asked(*QUANTILES, **RANKS)
def nanquantile(x: Array, q: Ranks, axis: Axis = None, method: Method = "linear", keepdims: bool = False) -> Array:
    """The quantile without NaN."""
    return _ranked(x, q, axis, method, keepdims, numpy.nanquantile)


@asked(*PERCENTILES, **RANKS)
def nanpercentile(x: Array, q: Ranks, axis: Axis = None, method: Method = "linear", keepdims: bool = False) -> Array:
    """The percentile without NaN."""
    return _ranked(x, numpy.asarray(q) / 100.0, axis, method, keepdims, numpy.nanquantile)


# places

PLACES = (
    ask("ties", given([[2.0, 5.0, 5.0], [1.0, 1.0, 3.0]]), axis=1),
    ask("nan", given([[2.0, math.nan, 5.0], [1.0, 7.0, 3.0]]), axis=1),
)


ONE_PLACE = (ANY, ask("all", floats(3, 4)), ask("keepdims", floats(3, 4), axis=0, keepdims=True), *PLACES)


@along(*ONE_PLACE, takes_none=False, is_traced=False)
def argmax(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """Where the largest stands, the first one of ties, NaN before all; as int32."""
    return int32(np.argmax(x, axis=axis, keepdims=keepdims))


@along(*ONE_PLACE, takes_none=False, is_traced=False)
def argmin(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """Where the smallest stands, the first one of ties, NaN before all."""
    return int32(np.argmin(x, axis=axis, keepdims=keepdims))


def _place(x: Array, axis: int | None, keepdims: bool, function: Any, away: float) -> Array:
    held = numpy.asarray(x, dtype=float)
    is_there = ~numpy.isnan(held)
    found = function(numpy.where(is_there, held, away), axis=axis, keepdims=keepdims)
    is_far = numpy.all(~is_there | (held == away), axis=axis, keepdims=keepdims)  # then NaN ties with what stands there
    found = numpy.where(is_far, numpy.argmax(is_there, axis=axis, keepdims=keepdims), found)
    return int32(numpy.where(numpy.any(is_there, axis=axis, keepdims=keepdims), found, -1))


@along(
    ANY,
    ask("all", floats(3, 4)),
    ask("keepdims", floats(3, 4), axis=0, keepdims=True),
    ask("holes", HOLES, axis=1),
    ask("nothing_left", ALL_NAN, axis=1),
    ask("beside_infinity", given([[math.nan, -math.inf], [1.0, math.nan]]), axis=1),
    takes_none=False,
    is_traced=False,
)
def nanargmax(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """Where the largest stands, NaN left out; -1 where nothing is left, as Keras documents."""
    return _place(x, axis, keepdims, numpy.argmax, -math.inf)


@along(
    ANY,
    ask("all", floats(3, 4)),
    ask("keepdims", floats(3, 4), axis=0, keepdims=True),
    ask("holes", HOLES, axis=1),
    ask("nothing_left", ALL_NAN, axis=1),
    ask("beside_infinity", given([[math.nan, math.inf], [1.0, math.nan]]), axis=1),
    takes_none=False,
    is_traced=False,
)
def nanargmin(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """Where the smallest stands, NaN left out; -1 where nothing is left."""
    return _place(x, axis, keepdims, numpy.argmin, math.inf)


# running sums and products

WHOLE = (ask("all", floats(3, 4)), ask("in_float", integers(1, 4, 3, 4), axis=1, dtype="float32"))


def _running(x: Array, axis: int | None, dtype: str | None) -> tuple[Array, int]:
    x = as_float(x) if dtype == "float32" else x
    return (np.reshape(x, (-1,)), 0) if axis is None else (x, axis)


@along(ANY, *WHOLE)
def cumsum(x: Array, axis: int | None = None, dtype: str | None = None) -> Array:
    """The sums of the first 1, 2, ... along an axis; of all in a row without one."""
    x, along_axis = _running(x, axis, dtype)
    return like(np.cumsum(x, axis=along_axis), x)


def _cumulated_product(x: Array, axis: int) -> Array:
    rows = np.moveaxis(x, axis, 0)
    found = [rows[0]] if len(rows) else []
    for row in rows[1:]:
        found.append(found[-1] * row)
    return np.moveaxis(np.stack(found), 0, axis) if found else x


@along(ANY, *WHOLE)
def cumprod(x: Array, axis: int | None = None, dtype: str | None = None) -> Array:
    """The products of the first 1, 2, ... along an axis."""
    x, along_axis = _running(x, axis, dtype)
    return like(_cumulated_product(x, along_axis), x)


@along(ANY, *WHOLE, ask("holes", HOLES, axis=1))
def nancumsum(x: Array, axis: int | None = None, dtype: str | None = None) -> Array:
    """cumsum with NaN as 0."""
    return cumsum(_without(x, 0.0), axis, dtype)


@along(ANY, *WHOLE, ask("holes", HOLES, axis=1))
def nancumprod(x: Array, axis: int | None = None, dtype: str | None = None) -> Array:
    """cumprod with NaN as 1."""
    return cumprod(_without(x, 1.0), axis, dtype)


@asked(
    ask("usual", floats(2, 3, 4)),
    ask("twice", floats(3, 4), n=2),
    ask("first_axis", floats(3, 4), axis=0),
    ask("integers", integers(-9, 9, 3, 4)),
    ask("one", floats(1, 1)),
    ask("truths", truths(3, 4)),
)
def diff(a: Array, n: int = 1, axis: int = -1) -> Array:
    """Each less the one before, n times."""
    for _ in range(n):
        rows = np.moveaxis(a, axis, 0)
        a = np.moveaxis(rows[1:] != rows[:-1] if rows.dtype == bool else rows[1:] - rows[:-1], 0, axis)
    return a


@asked(
    ask("usual", floats(2, 3, 4)),
    ask("apart", floats(3, 4), dx=0.25),
    ask("first_axis", floats(3, 4), axis=0),
    ask("places", floats(3, 4), given([0.0, 0.5, 2.0, 2.25])),
    ask("integers", integers(-9, 9, 3, 4)),
)
def trapezoid(y: Array, x: Array | None = None, dx: float = 1.0, axis: int = -1) -> Array:
    """The area below straight lines between the numbers, dx or the distances of x apart."""
    rows = np.moveaxis(as_float(y), axis, -1)
    steps = dx if x is None else np.diff(x)
    return np.sum((rows[..., 1:] + rows[..., :-1]) / 2.0 * steps, axis=-1)
