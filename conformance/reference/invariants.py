"""What holds of a layer's output whatever the rounding: shares sum to 1, a maximum is one of its window.

An invariant is a trait: a class lists those of its layer. It is checked on one call as one lane made it, inputs and
output in that lane's own numbers, and is allowed no more than the roundings of the call itself: no error that came in,
and no cancellation on the way, excuses a share that is lost.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = Any
OF_A_QUOTIENT = 8
"""Roundings beside those of a sum: of exponential and division, with room for poor libraries."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One output of one call."""

    output: Array
    """float64."""
    inputs: Sequence[Any] | None = None
    """The arrays that went in, float64; None where nobody observed one of them. A list of inputs is spread."""
    masks: Sequence[Any] = ()
    """The mask of each input; None for none."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Constants of the call: `training`, `use_causal_mask`, ..."""
    index: int | None = None
    """Which output, where the call gives a list."""
    unit: float = 2.0**-24
    """The relative error of one rounding of the output's format."""
    tiny: float = 0.0
    """The absolute error of one rounding next to zero."""
    is_cast: bool = False
    """Whether the output has another dtype than the inputs: what only moves is rounded once then."""

    @property
    def is_training(self) -> bool:
        return bool(self.arguments.get("training"))


@dataclass(frozen=True, slots=True)
class Checked:
    """How far each part of an output is from keeping an invariant, and how far rounding may carry it."""

    error: Array
    allowed: Array


@dataclass(frozen=True, slots=True)
class Invariant:
    """A statement about one call: `statement` completes "it holds that ..."."""

    name: str
    statement: str
    check: Callable[[Any, Seen], Checked | None]
    """Layer and call to the errors; None where it does not apply, or where nobody observed what it needs."""


def finite(error: Array, values: Array) -> Array:
    """The error where the values are finite; NaN and infinities are an aspect of their own."""
    return np.where(np.isfinite(values), error, 0.0)


def _axes(axis: Any, rank: int) -> tuple[int, ...]:
    return tuple(one % rank for one in ((axis,) if isinstance(axis, int) else axis))


def sums_to_one(y: Array, axes: tuple[int, ...], seen: Seen, is_zero_allowed: Any = False) -> Checked:
    """Shares along some axes. `is_zero_allowed`: where exact zeros are no loss, for nothing was to be shared."""
    count = math.prod(y.shape[axis] for axis in axes)
    total = np.sum(y, axis=axes)
    error = np.where(is_zero_allowed & np.all(y == 0, axis=axes), 0.0, np.abs(total - 1.0))
    return Checked(finite(error, total), np.full(np.shape(total), (count + OF_A_QUOTIENT) * seen.unit))


def _shares_of_softmax(layer: Any, seen: Seen) -> Checked | None:
    axes = _axes(layer.axis, seen.output.ndim)
    return sums_to_one(seen.output, axes, seen, _nothing_kept(seen, axes))


def _kept(seen: Seen) -> Any:
    """Where the mask of a softmax is true; None without one."""
    mask = seen.masks[0] if seen.masks else None
    if mask is None:
        return None
    kept = mask if mask.dtype == bool else mask > 0.5
    return np.broadcast_to(kept, seen.output.shape)


def _nothing_kept(seen: Seen, axes: tuple[int, ...]) -> Any:
    kept = _kept(seen)
    return seen.inputs is None if kept is None else ~np.any(kept, axis=axes)


def _hidden_of_softmax(layer: Any, seen: Seen) -> Checked | None:
    kept = _kept(seen)
    if kept is None:
        return None
    return Checked(finite(np.where(kept, 0.0, np.abs(seen.output)), seen.output), np.zeros(seen.output.shape))


def _shares_of_activation(layer: Any, seen: Seen) -> Checked | None:
    if layer.activation != "softmax" or not seen.output.ndim:
        return None
    return sums_to_one(seen.output, (seen.output.ndim - 1,), seen)


def _within_one(layer: Any, seen: Seen) -> Checked | None:
    if layer.activation not in ("sigmoid", "hard_sigmoid", "softmax"):
        return None
    return within(seen.output, 0.0, 1.0, 4 * seen.unit)


def within(y: Array, low: Any, high: Any, allowed: Any) -> Checked:
    """No element below `low` or above `high`."""
    error = np.maximum(np.maximum(low - y, y - high), 0.0)
    return Checked(finite(error, y), np.broadcast_to(allowed, y.shape))


def _members(layer: Any, seen: Seen) -> Any:
    """For each element of the output the numbers that it was made of, along a last axis, NaN in place of none."""
    if seen.inputs is None or any(one.dtype.kind not in "fiub" for one in seen.inputs):
        return None
    found = layer.made_of(seen)
    return None if found is None or found.shape[:-1] != seen.output.shape else found


def _one_of(layer: Any, seen: Seen) -> Checked | None:
    members = _members(layer, seen)
    if members is None:
        return None
    distance = np.abs(seen.output[..., None] - members)
    nothing = np.all(np.isnan(distance), axis=-1)
    error = np.min(np.where(np.isnan(distance), np.inf, distance), axis=-1, initial=np.inf)
    allowed = (seen.unit if seen.is_cast else 0.0) * np.abs(seen.output) + (seen.tiny if seen.is_cast else 0.0)
    return Checked(finite(np.where(nothing, 0.0, error), seen.output), allowed)


def _lies_within(layer: Any, seen: Seen) -> Checked | None:
    members = _members(layer, seen)
    if members is None:
        return None
    is_there = ~np.isnan(members)
    low = np.min(np.where(is_there, members, np.inf), axis=-1, initial=np.inf)
    high = np.max(np.where(is_there, members, -np.inf), axis=-1, initial=-np.inf)
    largest = np.max(np.where(is_there, np.abs(members), 0.0), axis=-1, initial=0.0)
    is_known = np.any(is_there, axis=-1) & np.isfinite(low) & np.isfinite(high)
    roundings = members.shape[-1] + OF_A_QUOTIENT
    room = np.where(is_known, roundings * (seen.unit * np.where(is_known, largest, 0.0) + seen.tiny), np.inf)
    return within(seen.output, np.where(is_known, low, -np.inf), np.where(is_known, high, np.inf), room)


def _norm(layer: Any, seen: Seen) -> Checked | None:
    axes = _axes(layer.axis, seen.output.ndim)
    count = math.prod(seen.output.shape[axis] for axis in axes)
    norm = np.sqrt(np.sum(seen.output**2, axis=axes))
    given = seen.output if seen.inputs is None else seen.inputs[0]
    is_zero = np.sum(given**2, axis=axes) < 1e-23  # divided by 1e-12, not by its norm
    error = np.where(is_zero, np.maximum(norm - 1.0, 0.0), np.abs(norm - 1.0))
    return Checked(finite(error, norm), np.full(np.shape(norm), (count + OF_A_QUOTIENT) * seen.unit))


SHARES = Invariant("shares_sum_to_1", "the shares sum to 1", _shares_of_softmax)
HIDDEN = Invariant("masked_place_is_0", "a masked place has no share", _hidden_of_softmax)
OF_ACTIVATION = (
    Invariant("shares_sum_to_1", "the shares sum to 1", _shares_of_activation),
    Invariant("within_0_and_1", "every number lies between 0 and 1", _within_one),
)
"""Of layers that end with their argument `activation`."""
ONE_OF = (Invariant("one_of_its_window", "the result is one of the numbers that it is taken from", _one_of),)
"""Of layers that pick: the class says from what, by `made_of`."""
MEAN = (Invariant("mean_within", "a mean lies between the smallest and the largest of its numbers", _lies_within),)
"""Of layers that average, likewise."""
UNIT_NORM = (Invariant("norm_is_1", "each vector has norm 1", _norm),)


def weighted(shares_at: int, axes: Callable[[Any, Seen], tuple[int, ...]]) -> Invariant:
    """Of attention: the scores, the output at this place of the list, sum to 1 where there is something to look at."""

    def check(layer: Any, seen: Seen) -> Checked | None:
        if seen.index != shares_at or (layer.dropout and seen.is_training):
            return None
        return sums_to_one(seen.output, axes(layer, seen), seen, is_zero_allowed=True)

    return Invariant("shares_sum_to_1", "the shares of what a query looks at sum to 1", check)


ALL: tuple[Invariant, ...] = (SHARES, HIDDEN, *OF_ACTIVATION, *ONE_OF, *MEAN, *UNIT_NORM)
MASKED_GRADIENT = "masked_place_has_no_influence"
"""Not of one layer: the gradient by an input, where its mask hides it, is 0."""
NAMES: tuple[str, ...] = tuple(dict.fromkeys((*(one.name for one in ALL), MASKED_GRADIENT)))
"""Every name by which a case may speak of one."""
