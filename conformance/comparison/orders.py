"""Orders of axes between two frameworks: how an array of the model is laid out in the port.

An order turns the model's array into the port's layout: its axes are permuted, its steps cut to what a packed sequence
holds, its axes merged or split where the port has the features of all heads in one. It never touches single numbers.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.comparison.values import Array, Held
from conformance.lanes.compare_far import laid_out

SAMPLE = 1 << 17
"""Elements that an order is chosen by, about: of larger arrays some rows, columns and channels are left out."""
CLOSE = 1e-2
"""Relative distance up to which two arrays count as the same for pairing; judging is stricter by far."""
_MOST_AXES = 5


@dataclass(frozen=True, slots=True)
class Order:
    """The model's axes as the port has them: `axes` of the model, cut to `steps`, in the port's `shape`."""

    axes: tuple[int, ...]
    shape: tuple[int, ...]
    steps: int | None = None
    rows: int | None = None
    """1 where the port has one row for a batch of equal ones."""

    def of(self, array: Array) -> Array:
        """The array in the port's layout."""
        laid: Array = laid_out(array, self.as_message())
        return laid

    def as_message(self) -> dict[str, Any]:
        return {"axes": list(self.axes), "shape": list(self.shape), "steps": self.steps, "rows": self.rows}

    @property
    def is_plain(self) -> bool:
        """Whether nothing is moved or merged."""
        return self.axes == tuple(range(len(self.axes))) and len(self.shape) == len(self.axes) and self.steps is None

    def is_permutation_of(self, shape: Sequence[int]) -> bool:
        """Whether axes of an array of this shape change places, and nothing else happens."""
        return self.rows is None and tuple(shape[axis] for axis in self.axes) == self.shape

    def words(self, given: Sequence[int]) -> str:
        """The order in words: `(batch, rows, columns, channels) as (0, 3, 1, 2)`; empty where nothing moves."""
        said = []
        if self.axes != tuple(range(len(self.axes))):
            said.append(f"axes {', '.join(map(str, self.axes))}")
        if self.steps is not None and self.steps != given[1]:
            said.append(f"the first {self.steps} steps")
        if self.rows is not None:
            said.append("one row for all")
        if len(self.shape) != len(given):
            said.append(f"{'x'.join(map(str, given))} as {'x'.join(map(str, self.shape))}")
        return "; ".join(said)


def orders(shape: Sequence[int], wanted: Sequence[int], is_packed: bool = False) -> Iterator[Order]:
    """Every order that turns one shape into another, the plain one first."""
    if len(shape) > _MOST_AXES:
        return
    steps = wanted[1] if is_packed and len(shape) > 1 and len(wanted) > 1 and wanted[1] < shape[1] else None
    for axes in itertools.permutations(range(len(shape))):
        moved = [shape[axis] for axis in axes]
        if steps is not None:
            if axes[:2] != (0, 1):
                continue
            moved[1] = steps
        if _is_regrouped(moved, wanted):
            yield Order(axes, tuple(wanted), steps)


@functools.lru_cache(maxsize=1024)
def _every(shape: tuple[int, ...], wanted: tuple[int, ...], is_packed: bool) -> tuple[Order, ...]:
    """All of them: most arrays of a model have one of a few shapes."""
    return tuple(orders(shape, wanted, is_packed))


def _is_regrouped(shape: Sequence[int], wanted: Sequence[int]) -> bool:
    """Whether one shape is the other with neighbouring axes merged, or one split."""
    if list(shape) == list(wanted):
        return True
    one, other = _ends(shape), _ends(wanted)
    return (one[-1:] == other[-1:]) and (set(one) <= set(other) or set(other) <= set(one))


def _ends(shape: Sequence[int]) -> list[int]:
    found: list[int] = []
    product = 1
    for length in shape:
        product *= length
        if product > 1 or not found:
            found.append(product)
    return found


def valid_in(held: Held, order: Order, shape: Sequence[int], lengths: Sequence[int] | None) -> Array | None:
    """Which elements of the port's array are real steps, by the model's mask and a packed sequence; None where all."""
    valid: Array | None = None
    if held.mask is not None and order.axes == tuple(range(len(order.axes))):
        mask = np.asarray(held.mask.load())
        if order.steps is not None:
            mask = mask[:, : order.steps]
        if order.rows is not None:
            mask = mask[: order.rows]
        if mask.shape == tuple(shape[: mask.ndim]):
            valid = mask
    if lengths is not None and len(shape) > 1:
        real = np.arange(shape[1])[None, :] < np.asarray(lengths)[:, None]
        valid = real if valid is None or valid.ndim != 2 else valid & real
    if valid is None or valid.all():
        return None
    return valid.reshape(valid.shape + (1,) * (len(shape) - valid.ndim))


def misfit(one: Array, other: Array, valid: Array | None = None) -> float:
    """The largest distance of two arrays of a shape over the largest number of the first; integers and floats."""
    one, other = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if one.size == 0:
        return 0.0
    with np.errstate(invalid="ignore"):
        distance = np.abs(one - other)
        size = np.abs(one)
    if valid is not None:
        distance, size = distance[np.broadcast_to(valid, one.shape)], size[np.broadcast_to(valid, one.shape)]
    if distance.size == 0:
        return 0.0
    is_same_special = ~np.isfinite(distance)
    distance = np.where(is_same_special, 0.0, distance)
    largest = float(np.max(np.where(np.isfinite(size), size, 0.0), initial=0.0))
    return float(np.max(distance)) / largest if largest else float(np.max(distance))


def _strides(shape: Sequence[int]) -> tuple[slice, ...]:
    """Every nth place of the longest axes, until about SAMPLE elements are left."""
    steps = [1] * len(shape)
    left = [float(length) for length in shape]
    while np.prod(left) > SAMPLE:
        longest = left.index(max(left))
        steps[longest] += 1
        left[longest] = shape[longest] / steps[longest]
    return tuple(slice(None, None, step) for step in steps)


def _is_one_row(one: Array, other: Array) -> bool:
    """Whether the port has a row for all of the batch, and the model the same row every time."""
    return bool(other.ndim and one.shape[1:] == other.shape[1:] and other.shape[0] == 1 and np.all(one == one[:1]))


def best_order(model: Held, port: Held, usual: tuple[int, ...] | None = None) -> tuple[Order, float] | None:
    """The order under which two arrays are the same, and how far apart they still are; None where none fits.

    Where they are the same under none, nothing can be read from them: then it is the `usual` order of such arrays.
    """
    found: tuple[Order, float] | None = None
    by_axes: dict[tuple[int, ...], tuple[Order, float]] = {}
    one, other = model.array.load(), port.array.load()
    is_packed = port.lengths is not None
    every = _every(model.array.shape, port.array.shape, is_packed)
    if not every and _is_one_row(one, other):
        every = (Order(tuple(range(one.ndim)), other.shape, None, 1),)
    for order in every:
        if one.size > SAMPLE and order.is_permutation_of(one.shape):
            cut = _strides(one.shape)
            far = misfit(one[cut].transpose(order.axes), other[tuple(cut[axis] for axis in order.axes)])
        else:
            far = misfit(order.of(one), other, valid_in(model, order, port.array.shape, port.lengths))
        by_axes[order.axes] = (order, far)
        if found is None or far < 0.99 * found[1]:
            found = (order, far)
    if found is None or found[1] < CLOSE:
        return found
    rank = len(model.array.shape)
    for axes in (usual, tuple(range(rank)), channels_first(rank)):
        if axes is not None and axes in by_axes:
            return by_axes[axes]
    return found


def channels_first(rank: int) -> tuple[int, ...]:
    """Keras' (batch, ..., channels) as torch's (batch, channels, ...)."""
    return (0, rank - 1, *range(1, rank - 1)) if rank > 2 else tuple(range(rank))
