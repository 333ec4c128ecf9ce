"""What moves numbers about: shapes, axes, joining, splitting, turning, repeating, padding."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping
from typing import Any, Literal

import autograd.numpy as np
import numpy

from .base import Array, Arrays, Axis, ask, asked, floats, given, integers, plain, truths

MOVES: Mapping[str, Any] = {"arithmetic": "moves"}
CUBE = floats(2, 3, 4)


@asked(
    ask("usual", CUBE, newshape=[6, 4]),
    ask("open", CUBE, newshape=[-1, 2]),
    ask("flat", CUBE, newshape=[-1]),
    ask("number", floats(1, 1), newshape=[]),
    ask("integers", integers(-9, 9, 2, 6), newshape=[3, 4]),
    ask("empty", floats(0, 4), newshape=[2, 0]),
    **MOVES,
)
def reshape(x: Array, newshape: tuple[int, ...]) -> Array:
    """The numbers in another shape, in the same order; -1 is what is left."""
    return np.reshape(x, newshape)


@asked(ask("usual", CUBE), ask("integers", integers(-9, 9, 2, 3)), ask("empty", floats(0, 4)), **MOVES)
def ravel(x: Array) -> Array:
    """The numbers in a row."""
    return np.reshape(x, (-1,))


@asked(ask("all", CUBE), ask("order", CUBE, axes=[2, 0, 1]), ask("from_the_end", CUBE, axes=[-1, -3, -2]), **MOVES)
def transpose(x: Array, axes: tuple[int, ...] | None = None) -> Array:
    """The axes in another order, turned round without one."""
    return np.transpose(x, axes if axes is None else [axis % np.ndim(x) for axis in axes])


@asked(
    ask("usual", CUBE, axis1=0, axis2=2),
    ask("from_the_end", CUBE, axis1=-1, axis2=-2),
    ask("same", CUBE, axis1=1, axis2=1),
    **MOVES,
)
def swapaxes(x: Array, axis1: int, axis2: int) -> Array:
    """Two axes change places."""
    return np.swapaxes(x, axis1, axis2)


@asked(
    ask("usual", CUBE, source=0, destination=-1),
    ask("back", CUBE, source=-1, destination=0),
    ask("two", CUBE, source=[0, 1], destination=[-1, -2]),
    **MOVES,
)
def moveaxis(x: Array, source: int | tuple[int, ...], destination: int | tuple[int, ...]) -> Array:
    """Axes go to other places, the others keep their order."""
    return np.moveaxis(x, source, destination)


@asked(
    ask("first", CUBE, axis=0),
    ask("last", CUBE, axis=-1),
    ask("two", CUBE, axis=[0, -1]),
    ask("middle", CUBE, axis=-2),
    **MOVES,
)
def expand_dims(x: Array, axis: int | tuple[int, ...]) -> Array:
    """A new axis of length 1, or several, counted in the result."""
    return np.expand_dims(x, axis)


@asked(
    ask("all", floats(1, 3, 1, 4)),
    ask("first", floats(1, 3, 1, 4), axis=0),
    ask("from_the_end", floats(1, 3, 1, 4), axis=-4),
    ask("two", floats(1, 3, 1, 4), axis=[0, 2]),
    ask("nothing", floats(3, 4)),
    **MOVES,
)
def squeeze(x: Array, axis: Axis = None) -> Array:
    """Without its axes of length 1, or without these."""
    return np.squeeze(x, axis=axis)


@asked(
    ask("usual", floats(3, 1), shape=[3, 4]),
    ask("more_axes", floats(4), shape=[2, 3, 4]),
    ask("number", given(1.5), shape=[2, 3]),
    ask("integers", integers(-9, 9, 1, 4), shape=[3, 4]),
    ask("to_none", floats(1, 4), shape=[0, 4]),
    **MOVES,
)
def broadcast_to(x: Array, shape: tuple[int, ...]) -> Array:
    """The numbers again and again along axes of length 1 and along new ones in front."""
    return x + np.zeros(shape, dtype=x.dtype)


def _turned(x: Array, axes: tuple[int, ...]) -> Array:
    places = {axis % np.ndim(x) for axis in axes}
    return x[tuple(slice(None, None, -1 if axis in places else None) for axis in range(np.ndim(x)))]


@asked(
    ask("all", CUBE),
    ask("first", CUBE, axis=0),
    ask("last", CUBE, axis=-1),
    ask("two", CUBE, axis=[0, -1]),
    ask("integers", integers(-9, 9, 2, 3), axis=1),
    **MOVES,
)
def flip(x: Array, axis: Axis = None) -> Array:
    """Back to front along these axes, along all without one."""
    axes = range(np.ndim(x)) if axis is None else (axis,) if isinstance(axis, int) else axis
    return _turned(x, tuple(axes))


@asked(ask("usual", CUBE), ask("integers", integers(-9, 9, 2, 3)), **MOVES)
def fliplr(x: Array) -> Array:
    """Back to front along the second axis."""
    return _turned(x, (1,))


@asked(ask("usual", CUBE), ask("integers", integers(-9, 9, 2, 3)), **MOVES)
def flipud(x: Array) -> Array:
    """Back to front along the first axis."""
    return _turned(x, (0,))


@asked(
    ask("once", floats(2, 3)),
    ask("twice", floats(2, 3), k=2),
    ask("back", floats(2, 3), k=-1),
    ask("five_times", floats(2, 3), k=5),
    ask("other_axes", CUBE, axes=[1, 2]),
    ask("from_the_end", CUBE, axes=[-1, 0]),
    **MOVES,
)
def rot90(array: Array, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Array:
    """A quarter turn from the first of two axes to the second, k times."""
    first, second = (axis % np.ndim(array) for axis in axes)
    for _ in range(k % 4):
        array = np.swapaxes(_turned(array, (second,)), first, second)
    return array


@asked(
    ask("all", floats(3, 4), shift=2),
    ask("axis", floats(2, 3, 4), shift=1, axis=-1),
    ask("back", floats(3, 4), shift=-1, axis=0),
    ask("further", floats(3, 4), shift=7, axis=1),
    ask("two", floats(3, 4), shift=[1, -2], axis=[0, 1]),
    ask("integers", integers(-9, 9, 3, 4), shift=1, axis=1),
    **MOVES,
)
def roll(x: Array, shift: int | tuple[int, ...], axis: Axis = None) -> Array:
    """Each number `shift` places on, those at the end to the start."""
    if axis is None:
        return np.reshape(roll(np.reshape(x, (-1,)), shift, 0), np.shape(x))
    pairs = ((shift, axis),) if isinstance(axis, int) else tuple(zip(shift, axis, strict=True))  # type: ignore[arg-type]
    for steps, place in pairs:
        length = np.shape(x)[place]
        x = x[(slice(None),) * (place % np.ndim(x)) + ((numpy.arange(length) - steps) % length,)]
    return x


@asked(
    ask("first", [floats(2, 3), floats(4, 3)]),
    ask("last", [floats(2, 3, 4), floats(2, 3, 1)], axis=-1),
    ask("one", [floats(2, 3)]),
    ask("empty", [floats(0, 3), floats(2, 3)]),
    ask("integers", [integers(-9, 9, 2, 3), integers(-9, 9, 1, 3)]),
    ask("mixed", [integers(-9, 9, 2, 3), floats(1, 3)]),
    **MOVES,
)
def concatenate(xs: Arrays, axis: int = 0) -> Array:
    """Arrays one behind the other along an axis."""
    return np.concatenate(xs, axis=axis)


@asked(
    ask("first", [floats(2, 3), floats(2, 3)]),
    ask("last", [floats(2, 3), floats(2, 3)], axis=-1),
    ask("middle", [floats(2, 3), floats(2, 3), floats(2, 3)], axis=1),
    ask("numbers", [given(1.5), given(2.5)]),
    ask("integers", [integers(-9, 9, 2), integers(-9, 9, 2)]),
    **MOVES,
)
def stack(x: Arrays, axis: int = 0) -> Array:
    """Arrays of one shape along a new axis."""
    return np.stack(x, axis=axis)


ROWS = (ask("rows", [floats(3), floats(3)]), ask("matrices", [floats(2, 3), floats(2, 3)]))


@asked(*ROWS, ask("other_lengths", [floats(2, 3), floats(2, 1)]), ask("cubes", [CUBE, CUBE]), **MOVES)
def hstack(xs: Arrays) -> Array:
    """Along the second axis; rows behind each other."""
    return np.concatenate(xs, axis=0 if np.ndim(xs[0]) == 1 else 1)


@asked(*ROWS, ask("other_lengths", [floats(2, 3), floats(1, 3)]), ask("cubes", [CUBE, CUBE]), **MOVES)
def vstack(xs: Arrays) -> Array:
    """Along the first axis; rows as matrices of one row."""
    return np.concatenate([np.reshape(x, (1, -1)) if np.ndim(x) < 2 else x for x in xs], axis=0)


@asked(*ROWS, ask("cubes", [CUBE, CUBE]), **MOVES)
def dstack(xs: Arrays) -> Array:
    """Along the third axis; rows as (1, n, 1), matrices as (m, n, 1)."""
    shaped = [np.reshape(x, (1, -1, 1)) if np.ndim(x) < 2 else x[..., None] if np.ndim(x) == 2 else x for x in xs]
    return np.concatenate(shaped, axis=2)


@asked(
    ask("flat", floats(2, 3), floats(2, 2)),
    ask("axis", floats(2, 3, 4), floats(2, 3, 2), axis=-1),
    ask("integers", integers(-9, 9, 3), integers(-9, 9, 2)),
    **MOVES,
)
def append(x1: Array, x2: Array, axis: int | None = None) -> Array:
    """x2 behind x1, both in a row without an axis."""
    if axis is None:
        return np.concatenate([np.reshape(x1, (-1,)), np.reshape(x2, (-1,))])
    return np.concatenate([x1, x2], axis=axis)


def _cut(x: Array, parts: int | tuple[int, ...], axis: int, may_differ: bool = False) -> list[Array]:
    length = np.shape(x)[axis]
    if isinstance(parts, int):
        if length % parts and not may_differ:
            raise ValueError(f"{length} steps are not cut in {parts} equal parts")
        sizes = [length // parts + (index < length % parts) for index in range(parts)]
        places = list(numpy.cumsum(sizes)[:-1])
    else:
        places = list(parts)
    edges = [0, *places, length]
    index = (slice(None),) * (axis % np.ndim(x))
    return [x[(*index, slice(first, last))] for first, last in itertools.pairwise(edges)]


@asked(
    ask("equal", floats(6, 2), indices_or_sections=3),
    ask("places", floats(6, 2), indices_or_sections=[1, 4]),
    ask("last", floats(2, 3, 6), indices_or_sections=2, axis=-1),
    ask("uneven", floats(5, 2), indices_or_sections=2),
    ask("one", floats(5, 2), indices_or_sections=1),
    ask("empty_part", floats(5, 2), indices_or_sections=[2, 2]),
    ask("integers", integers(-9, 9, 6), indices_or_sections=3),
    **MOVES,
)
def split(x: Array, indices_or_sections: int | tuple[int, ...], axis: int = 0) -> Array:
    """Equal parts, or those between places, a list."""
    return _cut(x, indices_or_sections, axis)


@asked(
    ask("uneven", floats(5, 2), indices_or_sections=3),
    ask("last", floats(2, 3, 7), indices_or_sections=2, axis=-1),
    ask("more_parts", floats(2, 3), indices_or_sections=3),
    **MOVES,
)
def array_split(x: Array, indices_or_sections: int | tuple[int, ...], axis: int = 0) -> Array:
    """Parts that are equal but for one step, the longer ones first."""
    return _cut(x, indices_or_sections, axis, may_differ=True)


@asked(
    ask("matrix", floats(2, 6), indices_or_sections=3), ask("places", floats(2, 6), indices_or_sections=[1, 4]), **MOVES
)
def hsplit(x: Array, indices_or_sections: int | tuple[int, ...]) -> Array:
    """Parts along the second axis, of a row along its only one."""
    return _cut(x, indices_or_sections, 0 if np.ndim(x) == 1 else 1)


@asked(
    ask("matrix", floats(6, 2), indices_or_sections=3), ask("places", floats(6, 2), indices_or_sections=[1, 4]), **MOVES
)
def vsplit(x: Array, indices_or_sections: int | tuple[int, ...]) -> Array:
    """Parts along the first axis."""
    return _cut(x, indices_or_sections, 0)


@asked(
    ask("cube", floats(2, 1, 6), indices_or_sections=3),
    ask("places", floats(2, 1, 6), indices_or_sections=[1, 4]),
    **MOVES,
)
def dsplit(x: Array, indices_or_sections: int | tuple[int, ...]) -> Array:
    """Parts along the third axis."""
    return _cut(x, indices_or_sections, 2)


@asked(
    ask("first", floats(3, 2)),
    ask("last", floats(2, 2, 3), axis=-1),
    ask("said", floats(3, 2), num=3),
    **MOVES,
    takes_none=False,
)
def unstack(x: Array, num: int | None = None, axis: int = 0) -> Array:
    """What stands along an axis, a list."""
    return [row for row in np.moveaxis(x, axis, 0)]  # noqa: C416  # autograd's arrays are no lists


@asked(
    ask("flat", floats(2, 3), repeats=2),
    ask("axis", floats(2, 3), repeats=2, axis=1),
    ask("from_the_end", floats(2, 3), repeats=3, axis=-2),
    ask("each", floats(2, 3), repeats=[1, 2, 0], axis=1),
    ask("integers", integers(-9, 9, 3), repeats=2),
    **MOVES,
)
def repeat(x: Array, repeats: int | tuple[int, ...], axis: int | None = None) -> Array:
    """Each number several times in a row."""
    flat, place = (np.reshape(x, (-1,)), 0) if axis is None else (x, axis)
    counts = (repeats,) * np.shape(flat)[place] if isinstance(repeats, int) else repeats
    picked = [index for index, count in enumerate(counts) for _ in range(count)]
    return flat[(slice(None),) * (place % np.ndim(flat)) + (numpy.array(picked, dtype=int),)]


@asked(
    ask("number", floats(2, 3), repeats=2),
    ask("each", floats(2, 3), repeats=[2, 1]),
    ask("fewer", floats(2, 3), repeats=[2]),
    ask("more", floats(3), repeats=[2, 2]),
    ask("integers", integers(-9, 9, 3), repeats=[2]),
    **MOVES,
)
def tile(x: Array, repeats: int | tuple[int, ...]) -> Array:
    """The whole array several times along each axis."""
    counts = (repeats,) if isinstance(repeats, int) else tuple(repeats)
    rank = max(len(counts), np.ndim(x))
    x = np.reshape(x, (1,) * (rank - np.ndim(x)) + np.shape(x))
    for axis, count in enumerate((1,) * (rank - len(counts)) + counts):
        x = np.concatenate([x] * count, axis=axis)
    return x


@asked(
    ask("usual", floats(3, 4), pad_width=[[1, 2], [0, 1]]),
    ask("value", floats(3, 4), pad_width=[[1, 2], [0, 1]], constant_values=2.5),
    ask("number", floats(3, 4), pad_width=1),
    ask("reflect", floats(3, 4), pad_width=[[1, 2], [3, 1]], mode="reflect"),
    ask("symmetric", floats(3, 4), pad_width=[[1, 2], [3, 1]], mode="symmetric"),
    ask("integers", integers(-9, 9, 3, 4), pad_width=[[1, 0], [0, 2]]),
    ask("empty", floats(0, 4), pad_width=[[1, 0], [0, 0]]),
    no_gradients="autograd has none of NumPy's other modes",
    **MOVES,
)
def pad(
    x: Array,
    pad_width: int | tuple[tuple[int, int], ...],
    mode: Literal["constant", "reflect", "symmetric"] = "constant",
    constant_values: float | None = None,
) -> Array:
    """Numbers around: one value, or those inside mirrored without (reflect) or with the edge (symmetric)."""
    if mode == "constant":
        return np.pad(x, pad_width, "constant", constant_values=constant_values or 0)
    return np.pad(x, pad_width, mode)


@asked(
    ask("usual", floats(2, 3), pattern="a b -> b a"),
    ask("other_order", floats(2, 3, 4), pattern="a b c -> c (a b)"),
    ask("apart", floats(4, 3), pattern="(a b) c -> a c b", a=2),
    **MOVES,
)
def rearrange(tensor: Array, pattern: str, a: int | None = None) -> Array:
    """Axes by name, in brackets those that are one (Rogozhnikov 2022, einops)."""
    left, right = (re.findall(r"\([^)]*\)|\w+", side) for side in pattern.split("->"))
    sizes: dict[str, int] = {} if a is None else {"a": a}
    for group, length in zip(left, np.shape(tensor), strict=True):
        names = group.strip("()").split()
        rest = [name for name in names if name not in sizes]
        known = int(numpy.prod([sizes[name] for name in names if name in sizes]))
        sizes |= dict.fromkeys(rest, length // known)
    names = [name for group in left for name in group.strip("()").split()]
    apart = np.reshape(tensor, [sizes[name] for name in names])
    order = [name for group in right for name in group.strip("()").split()]
    turned = np.transpose(apart, [names.index(name) for name in order])
    shape = [int(numpy.prod([sizes[name] for name in group.strip("()").split()])) for group in right]
    return np.reshape(turned, shape)


@asked(
    ask("rows", floats(3), floats(4)),
    ask("ij", floats(3), floats(4), indexing="ij"),
    ask("integers", integers(-9, 9, 2), integers(-9, 9, 3)),
    ask("one", floats(1), floats(4)),
    **MOVES,
)
def meshgrid(x: Array, y: Array, indexing: Literal["xy", "ij"] = "xy") -> Array:
    """Each row laid along an axis of its own, a list; xy changes the first two axes."""
    first, second = np.reshape(x, (1, -1)), np.reshape(y, (-1, 1))
    if indexing == "ij":
        first, second = np.reshape(x, (-1, 1)), np.reshape(y, (1, -1))
    shape = numpy.broadcast_shapes(np.shape(first), np.shape(second))
    return [first + np.zeros(shape, dtype=x.dtype), second + np.zeros(shape, dtype=y.dtype)]


@asked(
    ask("to_integers", given([1.7, -1.7, 2.0]), dtype="int32"),
    ask("to_floats", integers(-9, 9, 3), dtype="float32"),
    ask("to_truths", given([0.0, -0.0, 0.5, 2.0]), dtype="bool"),
    ask("of_truths", truths(3, 4), dtype="float32"),
    ask("to_bytes", integers(0, 256, 3, 4), dtype="uint8"),
    ask("specials", given([math.nan, math.inf, -math.inf, 1.5]), dtype="float32"),
    ask("nan_to_truths", given([math.nan, 0.0]), dtype="bool"),
    arithmetic="rounds",
    is_traced=False,
)
def cast(x: Array, dtype: str) -> Array:
    """The numbers in another dtype; floats lose their fraction."""
    return _as(x, dtype)


def _as(x: Array, dtype: str) -> Array:
    return x * 1.0 if dtype.startswith("float") else numpy.asarray(x).astype(dtype)


@asked(
    ask("usual", floats(3, 4)),
    ask("integers", integers(-9, 9, 3, 4)),
    ask("to_floats", integers(-9, 9, 3), dtype="float32"),
    ask("to_integers", given([1.7, -1.7]), dtype="int32"),
    ask("truths", truths(3, 4)),
)
def array(x: Array, dtype: str | None = None) -> Array:
    """The same numbers, in another dtype where one is given."""
    return x if dtype is None else _as(x if dtype.startswith("float") else plain(x), dtype)


@asked(
    ask("bits", given([1.0, -2.0, 0.5, 0.0]), dtype="int32"),
    ask("floats", given([1065353216, -1073741824, 0], "int32"), dtype="float32"),
    ask("bytes", given([1, 256, -1], "int32"), dtype="uint8"),
    ask("wider", given([[1, 0, 0, 0], [0, 1, 0, 0]], "uint8"), dtype="int32"),
    no_gradients="bits have none",
    takes_specials=False,
)
def view(x: Array, dtype: str | None = None) -> Array:
    """The same bits read as another dtype; the last axis is as much longer or shorter (IEEE 754, little end first)."""
    held = numpy.asarray(x)
    held = held.astype(numpy.float32) if held.dtype == float else held
    found = held if dtype is None else held.view(dtype)
    return found.astype(float) if found.dtype == numpy.float32 else found


@asked(
    ask("to_bytes", given([300.0, -5.0, 17.9]), dtype="uint8"),
    ask("of_integers", given([300, -5, 17], "int32"), dtype="uint8"),
    ask("to_floats", integers(-9, 9, 3), dtype="float32"),
    ask("to_small", given([300, -300, 17], "int32"), dtype="int8"),
    is_traced=False,
)
def saturate_cast(x: Array, dtype: str) -> Array:
    """The numbers in another dtype; those beyond its ends become its ends."""
    if dtype.startswith("float"):
        return x * 1.0
    limits = numpy.iinfo(dtype)
    return numpy.clip(numpy.asarray(x), limits.min, limits.max).astype(dtype)
