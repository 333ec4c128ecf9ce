"""Draws the arrays of a case: numbers that depend on names alone, the same on every machine, today and in ten years.

Raw bits are SHAKE-128 (FIPS 202) of a text that names the array: case id (and seed, where it is not 0), role, name,
run. All that follows is integer arithmetic, and at the end one exact scaling by a power of two, so no release of NumPy,
no libm and no processor can change a bit. No logarithm or cosine is used: a bell shape is the sum of four uniform
numbers.

Every value lies on a dyadic grid that is coarse enough for float32 (float16 where that is the dtype), so that each lane
gets exactly the number that the float64 reference gets. No two values of one drawn array are equal: the range is cut
into cells of at least as many steps as there are values; chance chooses the cell of a value, a permutation its step.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from conformance.case import axes
from conformance.case.data import load_array
from conformance.case.model import Case, Input

Array = np.ndarray[Any, np.dtype[Any]]
Draw = str
"""How a weight is drawn, `conformance.reference.base.Draw`."""

FORMAT = "conformance draw 1"
"""Named in every draw and in every digest: another way of drawing is another number here."""

MEAN, STD = 0.25, 1.0
"""Of `normal` where the case gives none: both signs, but not centred, so that a forgotten mean shows."""
WHOLE = (-4, 5)
"""From and below, of a case that draws integers."""
MAX_ELEMENTS = 2**24
CELLS = 64
"""About how many cells a uniform draw has where there are few values; more values make fewer, larger cells."""

_DIGITS = {"float16": 11}
"""Binary digits of a float; 24, those of float32, for all others."""
_SUM_OF_FOUR = 37837
"""Standard deviation of a sum of four uniform 16-bit numbers: sqrt(4 (2^32 - 1) / 12), rounded."""


class DrawError(ValueError):
    """These numbers cannot be drawn without two of them being equal."""


def draw_inputs(case: Case, run: int) -> dict[str, Array]:
    """The input arrays of a case in one of its runs, by name, in their declared shapes and dtypes."""
    bindings = axes.bindings_of(case, run)
    return {item.name: _input(case, item, run, axes.shape(item.shape, bindings)) for item in case.inputs}


def _input(case: Case, item: Input, run: int, shape: tuple[int, ...]) -> Array:
    name = f"{case.drawn_as}|input|{item.name}|{run}"
    ((kind, given),) = item.fill.items()
    if case.draw == "integers" and kind == "normal" and not given:
        return draw_integers(name, shape, *WHOLE).astype(item.dtype)
    match kind:
        case "normal":
            return draw_normal(name, shape, given.get("mean", MEAN), given.get("std", STD), item.dtype)
        case "uniform":
            low, high = given
            return draw_uniform(name, shape, low, high, item.dtype)
        case "integers":
            return draw_integers(name, shape, *given).astype(item.dtype)
        case "arange":
            steps = np.arange(math.prod(shape), dtype=np.float64)
            array: Array = given.get("start", 0.0) + given.get("step", 1.0) * steps
            return array.reshape(shape).astype(item.dtype)
        case "constant":
            return np.full(shape, given, dtype=item.dtype)
        case "values":
            return np.array(given, dtype=item.dtype).reshape(shape)
        case "strings":
            return np.array(given, dtype=np.str_).reshape(shape)
        case "ragged":
            return _padded(given["rows"], given.get("padding", 0), shape, item.dtype)
        case "file":
            return load_array(Path(given["resolved"]), given.get("key")).astype(item.dtype)
        case "lists":
            return _rows(name, given, item.dtype)
    raise AssertionError(f"no fill is called {kind}")


def _padded(rows: list[Any], padding: float, shape: tuple[int, ...], dtype: str) -> Array:
    array = np.full(shape, padding, dtype=dtype)
    for index, row in enumerate(rows):
        if row:
            array[index, : len(row)] = np.array(row, dtype=dtype)
    return array


def _rows(name: str, given: Mapping[str, Any], dtype: str) -> Array:
    """An object array; each row is drawn by its number, so that no two values of one row are equal."""
    others = given.get("shapes", {})
    rows = np.empty(given["count"], dtype=object)
    for index in range(given["count"]):
        shape = tuple(others.get(str(index), given["shape"]))
        rows[index] = draw_normal(f"{name}|{index}", shape, MEAN, STD, dtype)
    return rows


def draw_weight(case_id: str, layer: str, name: str, shape: tuple[int, ...], draw: Draw) -> Array:
    """The values of a weight, float32: by its kind, never constant, no two equal.

    `kernel`: evenly between -a and a with a = sqrt(3 / fan_in), so that a sum over fan_in = prod(shape[:-1]) inputs of
    order one is of order one. `table`: bell-shaped, order one. `bias`: 0.05 to 0.3 away from 0. `scale` and `variance`:
    0.1 to 0.5 and 0.1 to 0.7 away from 1. `integers` are drawn like whole inputs, and may be equal.
    """
    key = f"{case_id}|weight|{layer}|{name}"
    match draw:
        case "kernel":
            bound = math.sqrt(3 / max(math.prod(shape[:-1]), 1))
            return draw_uniform(key, shape, -bound, bound)
        case "table":
            return draw_normal(key, shape)
        case "bias":
            return _away_from(key, shape, 0, 0.05, 0.3)
        case "scale":
            return _away_from(key, shape, 1, 0.1, 0.5)
        case "integers":
            return draw_integers(key, shape, *WHOLE).astype(np.float32)
        case "variance":
            return _away_from(key, shape, 1, 0.1, 0.7)
    raise ValueError(f"no weight is drawn as {draw}")


def draw_normal(
    name: str, shape: tuple[int, ...], mean: float = MEAN, std: float = STD, dtype: str = "float32"
) -> Array:
    """Bell-shaped values within 4 standard deviations of the mean, no two equal; float32 unless said otherwise.

    Raises DrawError where there are not enough floats for that.
    """
    count = math.prod(shape)
    grid, centre, deviation = _normal_grid(mean, std, dtype, count)
    bell = _bits(name, "value", 4 * count, "<u2").reshape(count, 4).sum(axis=1) - 2 * 0xFFFF
    spacing = max(deviation // 8 // max(count, 1), 1)
    width = max(count, 1) * spacing
    cells = (bell * deviation // _SUM_OF_FOUR) // width
    return _on_grid(cells * width + _places(name, count, spacing) + centre, grid, shape, dtype)


def draw_uniform(name: str, shape: tuple[int, ...], low: float, high: float, dtype: str = "float32") -> Array:
    """Values evenly between two bounds, no two equal. Raises DrawError where there are not enough floats for that."""
    grid, first, steps = _uniform_grid(low, high, dtype, math.prod(shape))
    return _on_grid(_distinct(name, math.prod(shape), steps) + first, grid, shape, dtype)


def draw_integers(name: str, shape: tuple[int, ...], low: int, high: int) -> Array:
    """Integers from low to high - 1, all equally likely; int64. The range is at most 2^31."""
    count = math.prod(shape)
    return (low + _below(_bits(name, "value", count, "<u4"), high - low)).reshape(shape)


def _away_from(name: str, shape: tuple[int, ...], centre: int, nearest: float, farthest: float) -> Array:
    """Values on both sides of a centre, at least `nearest` away from it, no two equal."""
    count, grid = math.prod(shape), 2.0**-22
    first, steps = math.ceil(nearest / grid), int((farthest - nearest) / grid)
    distance = first + _distinct(name, count, steps)
    side = 1 - 2 * _below(_bits(name, "side", count, "<u4"), 2)
    return _on_grid(int(centre / grid) + side * distance, grid, shape, "float32")


def check_normal(mean: float, std: float, dtype: str, count: int) -> None:
    """Raises DrawError where `count` different values cannot be drawn."""
    _normal_grid(mean, std, dtype, count)


def check_uniform(low: float, high: float, dtype: str, count: int) -> None:
    """Raises DrawError where `count` different values cannot be drawn."""
    _uniform_grid(low, high, dtype, count)


@lru_cache(maxsize=1024)  # thousands of inputs, of a few dtypes and sizes
def _normal_grid(mean: float, std: float, dtype: str, count: int) -> tuple[float, int, int]:
    """Grid step, and mean and standard deviation in steps."""
    if std <= 0:
        raise DrawError(f"std must be above 0, not {std:g}")
    grid = _grid(abs(mean) + 4 * std, dtype)
    deviation = int(Fraction(std) / Fraction(grid))
    if count > deviation // 2:
        where = f"in {dtype} at mean {mean:g} and std {std:g}"
        raise DrawError(f"{count} values cannot all differ: {deviation // 2} can, {where}")
    return grid, int(Fraction(mean) / Fraction(grid)), deviation


@lru_cache(maxsize=1024)
def _uniform_grid(low: float, high: float, dtype: str, count: int) -> tuple[float, int, int]:
    """Grid step, and lower bound and range in steps."""
    if high <= low:
        raise DrawError(f"the lower bound {low:g} must be below the upper bound {high:g}")
    grid = _grid(max(abs(low), abs(high)), dtype)
    first = math.ceil(Fraction(low) / Fraction(grid))
    steps = math.floor(Fraction(high) / Fraction(grid)) - first
    if count > steps:
        raise DrawError(f"{count} values cannot all differ: {steps} can, in {dtype} between {low:g} and {high:g}")
    return grid, first, steps


def _grid(largest: float, dtype: str) -> float:
    """The smallest power of two of which every number up to `largest` is few enough multiples to be exact."""
    if not 2.0**-100 <= largest <= 2.0**100:
        raise DrawError(f"values up to {largest:g} are out of the range that is drawn; 1e-30 to 1e30 is")
    _, exponent = math.frexp(largest)
    return math.ldexp(1.0, exponent - _DIGITS.get(dtype, 24))


def _distinct(name: str, count: int, steps: int) -> Array:
    """Integers from 0 to steps - 1, no two equal, in cells chosen by chance; count is at most steps."""
    spacing = max(steps // CELLS // max(count, 1), 1)
    width = max(count, 1) * spacing
    cells = steps // width
    chosen = _below(_bits(name, "value", count, "<u4"), cells)
    return (steps - cells * width) // 2 + chosen * width + _places(name, count, spacing)


def _places(name: str, count: int, spacing: int) -> Array:
    """A place within a cell for each value, all different and `spacing` steps apart."""
    order = np.empty(count, dtype=np.int64)
    order[np.argsort(_bits(name, "order", count, "<u8"), kind="stable")] = np.arange(count)
    return order * spacing + spacing // 2


def _on_grid(steps: Array, grid: float, shape: tuple[int, ...], dtype: str) -> Array:
    return (steps.astype(np.float64) * grid).reshape(shape).astype(dtype)


def _bits(name: str, role: str, count: int, word: str) -> Array:
    """Random words of the stream of this name and role: as int64, or as uint64 where a word has 64 bits."""
    words = np.dtype(word)
    stream = hashlib.shake_128(f"{FORMAT}|{name}|{role}".encode()).digest(words.itemsize * count)
    return np.frombuffer(stream, dtype=words).astype(np.uint64 if words.itemsize == 8 else np.int64)


def _below(bits: Array, bound: int) -> Array:
    """Integers from 0 to bound - 1 from 32-bit words: floor(word * bound / 2^32); bound is at most 2^31."""
    return (bits * bound) >> 32
