"""What a port does to an array on its way into a module: the axes, the order, the size, a function in between.

Each change is made to the model's own array; one that gives the port's, in two batches, is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from conformance.comparison.known import FUNCTIONS, REFUSALS, Chain, link_of, run
from conformance.comparison.look import Arrival, Looking
from conformance.comparison.values import Array

NEAR = 1e-5
"""Relative distance of a float32 array from what a formula gives, at most."""
SCALES: Mapping[str, tuple[float, float]] = {
    "divides by 255": (1 / 255, 0.0),
    "multiplies by 255": (255.0, 0.0),
    "divides by 127.5 and subtracts 1": (1 / 127.5, -1.0),
}
"""What pictures are prepared by, as a factor and a summand."""


RESHAPED = "gives its numbers another shape, by view or reshape, where the axes have to be permuted"


def changed(own: Array) -> Iterator[tuple[str, Array]]:
    """An array of the model's after each plain change, in the model's layout, with the words for it."""
    if own.ndim > 2:
        rank = own.ndim
        first = own.reshape(own.shape[0], own.shape[-1], *own.shape[1:-1])
        yield RESHAPED, first.transpose(0, *range(2, rank), 1)
    for axis in range(1, own.ndim):  # named as the port has it, channels first
        yield f"turns axis {1 if axis == own.ndim - 1 else axis + 1} round before it", np.flip(own, axis)
    for words, (factor, summand) in SCALES.items():
        yield f"{words} before it", (own * factor + summand).astype(own.dtype)


def changes_of(got: Array, wanted: Array, own: Array) -> Iterator[str]:
    """Plain changes of the whole array that give the port's, in words that are the same for the same change.

    `wanted` is the model's array in the port's layout, `own` in the model's.
    """
    if own.ndim > 2 and own.size == got.size and np.array_equal(own.reshape(got.shape), got):
        yield RESHAPED
        return
    if got.shape != wanted.shape:
        return
    for axis in range(1, wanted.ndim):
        if np.array_equal(np.flip(wanted, axis), got):
            yield f"turns axis {axis} round before it"
            return
    ratio = _ratio(got, wanted)
    if ratio is not None:
        yield f"multiplies by {ratio:.5g} before it"
        return
    for words, (factor, summand) in SCALES.items():
        if _is_near(got, factor * wanted.astype(np.float64) + summand):
            yield f"{words} before it"
            return


def functions_of(looking: Looking, place: Arrival) -> Iterator[str]:
    """Functions that give the port's array where they are put upon the model's: layers of the model, then any other."""
    own, order = np.asarray(place.slot.model.array.load()), place.slot.order
    got = np.asarray(place.got.array.load())
    if got.shape != order.shape or own.dtype.kind != "f":
        return
    told = False
    here = "the end" if place.pair is None else place.pair.model.path
    for call in looking.runs.calls:
        layer = looking.model.layers[call.path]
        if layer.weights or not layer.is_leaf or len(call.inputs) != 1 or call.inputs[0].array.shape != own.shape:
            continue
        made = link_of(call, layer, {})
        if made is None:
            continue
        link, fresh = made
        try:
            value = run(Chain((link,), dict.fromkeys(fresh, (own, None))), is_moved=False).value
        except REFUSALS:  # a layer that does not take this array was not put upon it
            continue
        if value.shape == own.shape and not _is_near(value, own) and _is_near(got, order.of(value)):
            told = True
            yield f"puts {call.path} before {here}, where the model has it elsewhere"
    if told:
        return
    for name, function in FUNCTIONS.items():
        try:
            value = np.asarray(function(own.astype(np.float64)))
        except REFUSALS:
            continue
        if value.shape == own.shape and not _is_near(value, own) and _is_near(got, order.of(value)):
            yield f"applies {name} before {here}, which the model does not"


def _ratio(got: Array, wanted: Array) -> float | None:
    """The factor between two arrays, where it is one."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = got.astype(np.float64) / wanted
    ratio = ratio[np.isfinite(ratio)]
    if ratio.size < 2 or np.ptp(ratio) > NEAR * abs(float(np.median(ratio))):
        return None
    return float(np.median(ratio))


def _is_near(got: Array, value: Array) -> bool:
    size = float(np.max(np.abs(value), initial=0.0))
    with np.errstate(invalid="ignore"):
        return bool(np.all(np.abs(got - value) <= NEAR * size))
