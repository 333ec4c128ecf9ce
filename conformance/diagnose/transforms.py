"""Simple changes of an array that may stand between two answers: other axes, another order, another scale.

They are tried to explain a difference, never to make it go away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations

import numpy as np

from conformance.protocol.observation import Array

MAX_RANK = 5
"""Arrays of more axes are not transposed: there are too many ways."""
MAX_SLICES, MAX_DISTANCES = 16, 10**7
"""Axes that are longer are not put into another order, for nobody would read it, nor arrays that take long."""


@dataclass(frozen=True, slots=True)
class Transform:
    """A change and its words, which complete "the answer is the reference's ..."."""

    words: str
    apply: Callable[[Array], Array]


def transforms(got: Array, reference: Array) -> Iterator[Transform]:
    """Changes that could turn the reference's array into the one that a lane gave, the simplest first."""
    if got.shape == reference.shape:
        if not got.any() and reference.any():  # of one number, too, where no other scale can be told
            yield Transform("times 0", lambda x: 0.0 * x)
        yield from _scales(got, reference)
        yield from _orders(reference)
        yield from _functions()
        yield from _blocks(reference)
        yield from _reordered_slices(got, reference)
    yield from _axes(got, reference)


def _scales(got: Array, reference: Array) -> Iterator[Transform]:
    if reference.size < 2 or not (np.isfinite(got).all() and np.isfinite(reference).all()):
        return
    square = float(np.sum(reference * reference))
    ratio = float(np.sum(got * reference)) / square if square else 1.0
    offset = float(np.mean(got - reference))
    exact = _near_fraction(ratio)
    if _number(exact) != "1":
        yield Transform(f"times {_number(exact)}", lambda x: x * exact)
    if offset != 0.0:
        yield Transform(f"plus {_number(_near_fraction(offset))}", lambda x: x + _near_fraction(offset))


def _near_fraction(number: float) -> float:
    """A simple fraction where the number is one, up to what float32 can tell."""
    simple = Fraction(number).limit_denominator(64)
    return float(simple) if simple and abs(float(simple) / number - 1.0) < 1e-6 else number


def _number(number: float) -> str:
    simple = Fraction(number).limit_denominator(64)
    is_fraction = float(simple) == number and simple.denominator not in (1, 2, 4, 5, 8, 10)
    return str(simple) if is_fraction else f"{number:.6g}"


def _orders(reference: Array) -> Iterator[Transform]:
    for axis, length in enumerate(reference.shape):
        if length > 1:
            yield Transform(f"flipped along axis {axis}", lambda x, a=axis: np.flip(x, a))  # type: ignore[misc]  # bound
    for axis, length in enumerate(reference.shape):
        for by in (1, -1):
            if length > 2:
                words = f"moved by {by} along axis {axis}, round the end"
                yield Transform(words, lambda x, a=axis, n=by: np.roll(x, n, a))  # type: ignore[misc]  # bound
                words = f"moved by {by} along axis {axis}, with zeros coming in"
                yield Transform(words, lambda x, a=axis, n=by: _shifted(x, a, n))  # type: ignore[misc]  # bound


def _reordered_slices(got: Array, reference: Array) -> Iterator[Transform]:
    """Samples, steps or channels in another order: every slice beside the one of the reference that is nearest."""
    if not (np.isfinite(got).all() and np.isfinite(reference).all()):
        return
    for axis, length in enumerate(reference.shape):
        if 2 < length <= MAX_SLICES and length * got.size <= MAX_DISTANCES:
            mine, theirs = (np.moveaxis(x, axis, 0).reshape(length, 1, -1) for x in (got, reference))
            order = np.argmin(np.max(np.abs(mine - np.swapaxes(theirs, 0, 1)), axis=-1), axis=1)
            if sorted(order) == list(range(length)) and (np.diff(order) != 1).any():
                words = f"with axis {axis} in the order ({', '.join(map(str, order))})"
                yield Transform(words, lambda x, a=axis, o=order: np.take(x, o, a))  # type: ignore[misc]  # bound


def _blocks(reference: Array) -> Iterator[Transform]:
    """Gates, heads or directions side by side on the last axis, in another order."""
    if reference.ndim == 0:
        return
    for count in (2, 3, 4):
        if reference.shape[-1] % count == 0 and reference.shape[-1] >= count:
            for order in permutations(range(count)):
                if order != tuple(range(count)):
                    words = f"with the {count} blocks of its last axis in the order {order}"
                    yield Transform(words, lambda x, n=count, o=order: _reordered(x, n, o))  # type: ignore[misc]  # bound


def _reordered(x: Array, count: int, order: tuple[int, ...]) -> Array:
    parts = np.split(x, count, axis=-1)
    return np.concatenate([parts[index] for index in order], axis=-1)


def _shifted(x: Array, axis: int, by: int) -> Array:
    moved = np.roll(x, by, axis)
    place = [slice(None)] * x.ndim
    place[axis] = slice(0, 1) if by > 0 else slice(-1, None)
    moved[tuple(place)] = 0.0
    return moved


def _functions() -> Iterator[Transform]:
    yield Transform("without its sign", np.abs)
    yield Transform("after relu", lambda x: np.maximum(x, 0.0))
    yield Transform("after tanh", np.tanh)
    yield Transform("after sigmoid", lambda x: 1.0 / (1.0 + np.exp(-x)))
    yield Transform("before tanh", np.arctanh)
    yield Transform("before sigmoid", lambda x: np.log(x / (1.0 - x)))
    yield Transform("squared", np.square)
    yield Transform("under the root", np.sqrt)
    yield Transform("after exp", np.exp)
    yield Transform("after log", np.log)
    yield Transform("rounded down", np.floor)
    yield Transform("cut to whole numbers", np.trunc)


def _axes(got: Array, reference: Array) -> Iterator[Transform]:
    if 2 <= reference.ndim <= MAX_RANK:
        for order in permutations(range(reference.ndim)):
            if order != tuple(range(reference.ndim)) and tuple(reference.shape[axis] for axis in order) == got.shape:
                words = f"with its axes in the order {order}"
                yield Transform(words, lambda x, o=order: np.transpose(x, o))  # type: ignore[misc]  # bound
    for axis in range(got.ndim):
        if (1, got.shape[:axis] + got.shape[axis + 1 :]) == (got.shape[axis], reference.shape):
            words = f"with one axis more, of length 1, as axis {axis}"
            yield Transform(words, lambda x, a=axis: np.expand_dims(x, a))  # type: ignore[misc]  # bound
    if got.size == reference.size and got.shape != reference.shape:
        yield Transform(f"reshaped to {got.shape}", lambda x: np.reshape(x, got.shape))
    if got.ndim == reference.ndim:
        shorter = [a for a in range(got.ndim) if got.shape[a] < reference.shape[a]]
        if len(shorter) == 1 and sum(g != r for g, r in zip(got.shape, reference.shape, strict=True)) == 1:
            (axis,) = shorter
            missing = reference.shape[axis] - got.shape[axis]
            for start in range(missing + 1):
                words = f"without {start} at the start and {missing - start} at the end of axis {axis}"
                yield Transform(words, lambda x, a=axis, s=start: _cut(x, a, s, x.shape[a] - missing))  # type: ignore[misc]  # bound
    for axis in range(reference.ndim):
        if got.shape == (*reference.shape[:axis], *reference.shape[axis + 1 :]):
            for name, function in (("mean", np.mean), ("sum", np.sum), ("maximum", np.max)):
                yield Transform(f"as the {name} over axis {axis}", lambda x, f=function, a=axis: f(x, axis=a))  # type: ignore[misc]  # bound
            for index, words in ((0, "first"), (-1, "last")):
                yield Transform(f"at the {words} of axis {axis}", lambda x, a=axis, i=index: np.take(x, i, a))  # type: ignore[misc]  # bound


def _cut(x: Array, axis: int, start: int, length: int) -> Array:
    place = [slice(None)] * x.ndim
    place[axis] = slice(start, start + length)
    return x[tuple(place)]
