"""What takes and puts numbers by place, sorts and counts them: indices, diagonals, segments, sorted ranks, bins."""

from __future__ import annotations

import math
from typing import Any, Literal

import autograd.numpy as np
import numpy
from autograd.extend import defvjp, primitive

from .base import (
    ANY,
    Array,
    Numbers,
    along,
    ask,
    asked,
    floats,
    given,
    int32,
    integers,
    is_float,
    like,
    truths,
)

NEVER = "no number flows back through places"
IDS = given([[2, 0], [1, 2]], "int32")


@asked(
    ask("flat", floats(3, 4), IDS),
    ask("first", floats(3, 4), IDS, axis=0),
    ask("last", floats(2, 2, 3), IDS, axis=-1),
    ask("negative", floats(3, 4), given([-1, 0], "int32"), axis=0),
    ask("integers", integers(-9, 9, 3, 4), IDS, axis=0),
    ask("none", floats(3, 4), Numbers((0,), "int32", {"integers": [0, 2]}), axis=0),
    arithmetic="moves",
)
def take(x: Array, indices: Array, axis: int | None = None) -> Array:
    """The numbers at these places along an axis, of all in a row without one; from the end below 0."""
    if axis is None:
        return np.reshape(x, (-1,))[indices]
    return x[(slice(None),) * (axis % np.ndim(x)) + (indices,)]


@asked(
    ask("first", floats(3, 2), given([[2, 0]], "int32"), axis=0),
    ask("last", floats(1, 2, 3), given([[[2, 0], [1, 1]]], "int32"), axis=-1),
    ask("flat", floats(2, 3), given([5, 0, 2], "int32")),
    ask("integers", integers(-9, 9, 2, 3), given([[2], [1]], "int32"), axis=1),
    arithmetic="moves",
    no_gradients="autograd has no way back through it",
)
def take_along_axis(x: Array, indices: Array, axis: int | None = None) -> Array:
    """In each row the numbers at its own places."""
    if axis is None:
        return numpy.reshape(x, (-1,))[indices]
    return numpy.take_along_axis(x, indices, axis)


@asked(
    ask("usual", floats(3, 4), start_indices=[1, 0], shape=[2, 3]),
    ask("whole", floats(3, 4), start_indices=[0, 0], shape=[3, 4]),
    ask("integers", integers(-9, 9, 3, 4), start_indices=[0, 2], shape=[1, 2]),
    arithmetic="moves",
    takes_none=False,
)
def slice_(inputs: Array, start_indices: tuple[int, ...], shape: tuple[int, ...]) -> Array:
    """So many numbers from a place on, along each axis."""
    return inputs[tuple(slice(first, first + length) for first, length in zip(start_indices, shape, strict=True))]


@asked(
    ask("usual", floats(3, 4), floats(2, 2), start_indices=[1, 1]),
    ask("corner", floats(3, 4), floats(1, 1), start_indices=[0, 0]),
    ask("integers", integers(-9, 9, 3, 4), integers(20, 30, 1, 4), start_indices=[2, 0]),
    arithmetic="moves",
)
def slice_update(inputs: Array, updates: Array, start_indices: tuple[int, ...]) -> Array:
    """Other numbers from a place on."""
    sizes = zip(start_indices, np.shape(updates), np.shape(inputs), strict=True)
    widths = [(first, whole - first - length) for first, length, whole in sizes]
    is_new = numpy.pad(numpy.ones(np.shape(updates), dtype=bool), widths)
    return np.where(is_new, np.pad(updates, widths, "constant"), inputs)


@asked(
    ask("usual", given([[1], [3], [1]], "int32"), floats(3), shape=[5]),
    ask("rows", given([[2], [0]], "int32"), floats(2, 3), shape=[4, 3]),
    ask("cells", given([[0, 1], [2, 0]], "int32"), floats(2), shape=[3, 2]),
    ask("integers", given([[1], [1]], "int32"), given([3, 4], "int32"), shape=[3]),
    no_gradients="autograd has no way back through it",
)
def scatter(indices: Array, values: Array, shape: tuple[int, ...]) -> Array:
    """Zeros with the values at these places; those at one place are summed."""
    found = numpy.zeros(shape, dtype=values.dtype)
    numpy.add.at(found, tuple(numpy.moveaxis(indices, -1, 0)), values)
    return found


CELLS = given([[1], [3]], "int32")


@asked(
    ask("usual", floats(5), CELLS, floats(2)),
    ask("rows", floats(4, 3), given([[2], [0]], "int32"), floats(2, 3)),
    ask("cells", floats(3, 2), given([[0, 1], [2, 0]], "int32"), floats(2)),
    *(
        ask(word, floats(5), given([[1], [3], [1]], "int32"), floats(3), reduction=word)
        for word in ("add", "max", "min", "mul")
    ),
    no_gradients="autograd has no way back through it",
)
def scatter_update(
    inputs: Array, indices: Array, updates: Array, reduction: Literal["add", "max", "min", "mul"] | None = None
) -> Array:
    """The inputs with others at these places, or added to, multiplied or compared with what stands there."""
    found = numpy.array(inputs)
    where = tuple(numpy.moveaxis(indices, -1, 0))
    if reduction is None:
        found[where] = updates
    else:
        by = {"add": numpy.add, "max": numpy.maximum, "min": numpy.minimum, "mul": numpy.multiply}
        by[reduction].at(found, where, updates)
    return found


# segments

SEGMENTS = given([0, 0, 2, 1, 2], "int32")
GROUPS = (
    ask("usual", floats(5), SEGMENTS),
    ask("rows", floats(5, 3), SEGMENTS),
    ask("more", floats(5), SEGMENTS, num_segments=4),
    ask("sorted", floats(5), given([0, 0, 1, 2, 2], "int32"), sorted=True),
    ask("integers", integers(-9, 9, 5), SEGMENTS),
)


def _segments(data: Array, ids: Array, count: int | None, start: Any, function: Any) -> Array:
    count = int(numpy.max(ids, initial=-1)) + 1 if count is None else count
    if not is_float(data):
        start = {-math.inf: numpy.iinfo(data.dtype).min, math.inf: numpy.iinfo(data.dtype).max}.get(start, start)
    rows = []
    for segment in range(count):
        held = [data[place] for place in range(len(ids)) if ids[place] == segment]
        first = np.full(np.shape(data)[1:], start, dtype=data.dtype)
        for row in held:
            first = function(first, row)
        rows.append(first)
    return np.stack(rows) if rows else np.zeros((0, *np.shape(data)[1:]), dtype=data.dtype)


@asked(*GROUPS)
def segment_sum(data: Array, segment_ids: Array, num_segments: int | None = None, sorted: bool = False) -> Array:
    """The sum of the rows of each segment, 0 of none; ids outside are left out."""
    return _segments(data, segment_ids, num_segments, 0, np.add)


@asked(*GROUPS)
def segment_prod(data: Array, segment_ids: Array, num_segments: int | None = None, sorted: bool = False) -> Array:
    """The product of the rows of each segment, 1 of none."""
    return _segments(data, segment_ids, num_segments, 1, np.multiply)


@asked(*GROUPS, arithmetic="moves")
def segment_max(data: Array, segment_ids: Array, num_segments: int | None = None, sorted: bool = False) -> Array:
    """The largest of each segment, -inf (the least integer) of none."""
    return _segments(data, segment_ids, num_segments, -math.inf, np.maximum)


@asked(*GROUPS, arithmetic="moves")
def segment_min(data: Array, segment_ids: Array, num_segments: int | None = None, sorted: bool = False) -> Array:
    """The smallest of each segment, inf (the largest integer) of none."""
    return _segments(data, segment_ids, num_segments, math.inf, np.minimum)


# diagonals

OFF = (ask("above", floats(3, 4), k=1), ask("below", floats(3, 4), k=-1), ask("stack", floats(2, 3, 3)))


@asked(
    ask("matrix", floats(3, 4)),
    *OFF[:2],
    ask("row", floats(3)),
    ask("row_above", floats(3), k=1),
    ask("row_below", floats(3), k=-2),
    ask("integers", integers(-9, 9, 3)),
    arithmetic="moves",
)
def diag(x: Array, k: int = 0) -> Array:
    """A matrix with the row on its k-th diagonal; of a matrix that diagonal."""
    if np.ndim(x) == 1:
        size = len(x) + abs(k)
        at = numpy.eye(size, k=k)
        rows, columns = numpy.nonzero(at)
        place = numpy.full((size, size), len(x))  # a zero behind the row, which no NaN of the row reaches
        place[rows, columns] = numpy.arange(len(x))
        return np.concatenate([x, numpy.zeros(1, dtype=x.dtype)])[place]
    return _diagonal(x, k, 0, 1)


@asked(
    ask("row", floats(3)),
    ask("matrix", floats(2, 2)),
    ask("above", floats(3), k=1),
    ask("below", floats(3), k=-1),
    arithmetic="moves",
)
def diagflat(x: Array, k: int = 0) -> Array:
    """A matrix with all numbers on its k-th diagonal."""
    return diag(np.reshape(x, (-1,)), k)


def _diagonal(x: Array, offset: int, axis1: int, axis2: int) -> Array:
    moved = np.moveaxis(x, (axis1, axis2), (-2, -1))
    rows, columns = np.shape(moved)[-2:]
    places = [(row, row + offset) for row in range(rows) if 0 <= row + offset < columns]
    if not places:
        return moved[..., 0][..., :0]
    return np.stack([moved[..., row, column] for row, column in places], axis=-1)


DIAGONALS = (
    ask("usual", floats(3, 4)),
    ask("above", floats(3, 4), offset=1),
    ask("below", floats(3, 4), offset=-1),
    ask("stack", floats(2, 3, 4)),
    ask("other_axes", floats(2, 3, 4), axis1=1, axis2=2),
    ask("from_the_end", floats(2, 3, 4), offset=1, axis1=-2, axis2=-1),
    ask("integers", integers(-9, 9, 3, 4)),
)


@asked(*DIAGONALS, arithmetic="moves")
def diagonal(x: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """The numbers whose places on two axes are `offset` apart, along a last axis."""
    return _diagonal(x, offset, axis1, axis2)


@asked(*DIAGONALS)
def trace(x: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """The sum of a diagonal."""
    found = np.sum(_diagonal(x, offset, axis1, axis2), axis=-1)
    return found if is_float(x) else numpy.asarray(found).astype(x.dtype)


@asked(ask("usual", floats(3, 4)), *OFF, ask("integers", integers(-9, 9, 3, 4)), arithmetic="moves")
def tril(x: Array, k: int = 0) -> Array:
    """The numbers on and below the k-th diagonal, 0 above."""
    rows, columns = np.shape(x)[-2:]
    return np.where(numpy.tri(rows, columns, k, dtype=bool), x, x.dtype.type(0))


@asked(ask("usual", floats(3, 4)), *OFF, ask("integers", integers(-9, 9, 3, 4)), arithmetic="moves")
def triu(x: Array, k: int = 0) -> Array:
    """The numbers on and above the k-th diagonal, 0 below."""
    rows, columns = np.shape(x)[-2:]
    return np.where(numpy.tri(rows, columns, k - 1, dtype=bool), x.dtype.type(0), x)


# sorting and counting

TIES = ask("ties", given([[2.0, 1.0, 2.0, 1.0], [3.0, 3.0, 3.0, 0.0]]))
NAN = ask("nan", given([[2.0, math.nan, -1.0, math.inf], [3.0, -math.inf, math.nan, 0.0]]))


@primitive  # type: ignore[untyped-decorator]  # autograd ships no types
def _sorted(x: Any, axis: int) -> Any:
    return numpy.sort(x, axis=axis)


def _unsorted(ans: Any, x: Any, axis: int) -> Any:
    order = numpy.argsort(numpy.argsort(x, axis=axis, kind="stable"), axis=axis, kind="stable")
    return lambda g: numpy.take_along_axis(g, order, axis)


defvjp(_sorted, _unsorted, None)


@along(ANY, TIES, NAN, arithmetic="moves")
def sort(x: Array, axis: int = -1) -> Array:
    """From the smallest to the largest, NaN last."""
    return _sorted(x, axis)


@along(ANY, TIES, NAN, arithmetic="moves", is_traced=False)
def argsort(x: Array, axis: int | None = -1) -> Array:
    """The places from the smallest to the largest, the first of ties first; as int32."""
    return int32(np.argsort(x, axis=axis, kind="stable"))


CHOSEN = {"_made": "CALL", "_there": "ops.take_along_axis(x, _made)"}


@asked(
    ask("the_one", floats(7), graph={**CHOSEN, "result": "_there[2]"}, kth=2),
    ask("below", floats(7), graph={**CHOSEN, "result": "max(_there[:2])"}, kth=2),
    ask("above", floats(7), graph={**CHOSEN, "result": "min(_there[3:])"}, kth=2),
    ask("all_of_them", floats(7), graph={"_made": "CALL", "result": "ops.sort(_made)"}, kth=2),
    ask("integers", integers(-50, 50, 7), graph={**CHOSEN, "result": "_there[4]"}, kth=4),
    ask("first_axis", floats(7, 3), graph={"_made": "CALL", "result": "_made[2]"}, kth=2, axis=0),
    no_gradients=NEVER,
    arithmetic="moves",
    takes_specials=False,
)
def argpartition(x: Array, kth: int, axis: int = -1) -> Array:
    """Places by which the k-th smallest stands at its own place, smaller ones before it and larger ones behind.

    Their order is free: asked by the number in the k-th place, by the largest before and the smallest behind it.
    """
    return int32(numpy.argsort(numpy.asarray(x), axis=axis, kind="stable"))


@asked(
    ask("usual", floats(3, 5), k=2),
    ask("all", floats(3, 5), k=5),
    ask("one", floats(3, 5), k=1),
    ask("ties", given([[2.0, 1.0, 2.0, 1.0], [3.0, 3.0, 3.0, 0.0]]), k=3),
    ask("integers", integers(-50, 50, 3, 5), k=2),
    no_gradients="autograd has no way back through sorted places",
    arithmetic="moves",
)
def top_k(x: Array, k: int, sorted: bool = True) -> Array:
    """The k largest along the last axis from the largest on, and their places, the first of ties first: a pair.

    NaN is larger than all, as it is the last one where numbers are sorted.
    """
    held = numpy.asarray(x).astype(float)
    order = numpy.lexsort((-held, ~numpy.isnan(held)), axis=-1)[..., :k]
    return [numpy.take_along_axis(numpy.asarray(x), order, -1), int32(order)]


@asked(
    ask("usual", given([1, 0, 2], "int32"), floats(3, 4), k=2),
    ask("all", given([1, 0, 2], "int32"), floats(3, 4), k=4),
    ask("outside", given([7, 0, -1], "int32"), floats(3, 4), k=4),
    ask("ties", given([0, 1, 2], "int32"), given([[1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [2.0, 1.0, 1.0]]), k=1),
    no_gradients=NEVER,
    takes_integers=False,
    takes_specials=False,  # Keras does not say where NaN stands
)
def in_top_k(targets: Array, predictions: Array, k: int) -> Array:
    """Whether fewer than k predictions of a row are above that of its target; none outside the classes."""
    rows = range(len(targets))
    inside = [0 <= targets[row] < np.shape(predictions)[1] for row in rows]
    return numpy.array(
        [inside[row] and numpy.sum(predictions[row] > predictions[row, targets[row]]) < k for row in rows], dtype=bool
    )


EDGES = given([-1.0, 0.0, 0.5, 2.0])


@asked(
    ask("left", EDGES, given([[-2.0, -1.0, 0.25], [0.5, 2.0, 3.0]])),
    ask("right", EDGES, given([[-2.0, -1.0, 0.25], [0.5, 2.0, 3.0]]), side="right"),
    ask("integers", given([1, 3, 3, 7], "int32"), given([0, 3, 8], "int32")),
    ask("nan", EDGES, given([math.nan, math.inf, -math.inf, 0.0])),
    no_gradients=NEVER,
)
def searchsorted(sorted_sequence: Array, values: Array, side: Literal["left", "right"] = "left") -> Array:
    """How many of a sorted row lie below each value (`right`: not above), as int32."""
    return int32(numpy.searchsorted(sorted_sequence, values, side))


@asked(
    ask("usual", given([[-2.0, -1.0, 0.25], [0.5, 2.0, 3.0]]), EDGES),
    ask("integers", given([0, 3, 8], "int32"), given([1.0, 3.0, 7.0])),
    ask("integers_alone", given([0, 3, 8], "int32"), given([1, 3, 7], "int32")),
    no_gradients=NEVER,
)
def digitize(x: Array, bins: Array) -> Array:
    """How many edges are not above each number, as int32."""
    return int32(numpy.digitize(x, bins))


@asked(
    ask("usual", given([0, 2, 2, 5], "int32")),
    ask("longer", given([0, 2, 2, 5], "int32"), minlength=9),
    ask("shorter", given([0, 2, 2, 5], "int32"), minlength=2),
    ask("weights", given([0, 2, 2, 5], "int32"), floats(4)),
    ask("rows", given([[0, 2, 2], [1, 1, 0]], "int32")),
    no_gradients=NEVER,
)
def bincount(x: Array, weights: Array | None = None, minlength: int = 0, sparse: bool = False) -> Array:
    """How often each of 0, 1, ... stands in a row, as int32, or the sum of weights there, in their dtype."""
    if np.ndim(x) == 2:
        length = max(int(numpy.max(x)) + 1, minlength)
        return int32([numpy.bincount(row, minlength=length) for row in x])
    if weights is not None:
        return like(numpy.bincount(x, weights, minlength), weights)
    return int32(numpy.bincount(x, minlength=minlength))


@asked(
    ask("usual", given([0.1, 0.4, 0.6, 2.0, -1.0, 2.0])),
    ask("bins", given([0.1, 0.4, 0.6, 2.0, -1.0, 2.0]), bins=3),
    ask("range", given([0.1, 0.4, 0.6, 2.0, -1.0, 2.0]), bins=4, range=[0.0, 1.0]),
    ask("one_number", given([1.5, 1.5]), bins=2),
    ask("integers", given([1, 2, 2, 7], "int32"), bins=4),
    ask("nan", given([0.1, math.nan, 0.6, 0.65]), bins=4, range=[0.0, 1.0]),
    no_gradients=NEVER,
)
def histogram(x: Array, bins: int = 10, range: tuple[float, float] | None = None) -> Array:
    """How many fall into each of equal bins, the last one closed, as int32, and the edges: a pair."""
    counts, edges = numpy.histogram(numpy.asarray(x), bins, range)
    return [int32(counts), edges]


@asked(
    ask("usual", given([3, 1, 3, 2], "int32")),
    ask("matrix", given([[3, 1], [3, 2]], "int32")),
    no_gradients=NEVER,
    arithmetic="moves",
)
def unique(x: Array) -> Array:
    """The numbers that there are, in order, each once; asked of integers, which no rounding parts."""
    return numpy.unique(x)


@asked(ask("usual", given([[0.0, 1.5], [2.0, 0.0]])), ask("truths", truths(3, 4)), no_gradients=NEVER)
def nonzero(x: Array) -> Array:
    """The places of what is not 0, an int32 row for each axis: a list."""
    return [int32(row) for row in numpy.nonzero(x)]


@asked(
    ask("usual", given([5, 0, 11], "int32"), shape=[3, 4]),
    ask("three_axes", given([5, 0, 23], "int32"), shape=[2, 3, 4]),
    ask("matrix", given([[5, 0], [1, 2]], "int32"), shape=[3, 4]),
)
def unravel_index(indices: Array, shape: tuple[int, ...]) -> Array:
    """The places on each axis of places in a row: a list."""
    return [int32(row) for row in numpy.unravel_index(indices, shape)]


@asked(
    ask("usual", given([2, 0, 1], "int32"), num_classes=4),
    ask("outside", given([5, -1, 1], "int32"), num_classes=4),
    ask("first", given([[2, 0], [1, 1]], "int32"), num_classes=3, axis=0),
    ask("middle", given([[2, 0], [1, 1]], "int32"), num_classes=3, axis=1),
    ask("matrix", given([[2, 0], [1, 1]], "int32"), num_classes=3),
    ask("dtype", given([2, 0, 1], "int32"), num_classes=4, dtype="int32"),
)
def one_hot(x: Array, num_classes: int, axis: int = -1, dtype: str | None = None, sparse: bool = False) -> Array:
    """1 at the place of each id along a new axis, zeros alone outside."""
    found = (numpy.asarray(x)[..., None] == numpy.arange(num_classes)).astype(dtype or float)
    return numpy.moveaxis(found, -1, axis)


@asked(
    ask("usual", given([[2, 0], [1, 1]], "int32"), num_classes=4),
    ask("row", given([2, 0, 2], "int32"), num_classes=4),
    ask("outside", given([[5, 0], [-1, 1]], "int32"), num_classes=4),
    ask("dtype", given([[2, 0], [1, 1]], "int32"), num_classes=4, dtype="int32"),
)
def multi_hot(inputs: Array, num_classes: int, axis: int = -1, dtype: str | None = None, sparse: bool = False) -> Array:
    """1 at the place of each id of a row."""
    return numpy.max((inputs[..., None] == numpy.arange(num_classes)).astype(dtype or float), axis=-2)
