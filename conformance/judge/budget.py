"""How far a float32 result may lie from the float64 reference: derived from the data, never tuned.

    allowed_i = C (S_i + u |ref_i|) + 4 u max|ref|,    C = 8 + sqrt(n),    u = 2^-24

S_i is the root mean square change of the reference when inputs and weights move by a relative u (one float32 rounding),
n the length of the longest sum. The terms are the backward error of a sum of n terms (Higham and Mary 2019: sqrt(n) u
with high probability) carried to the output, the rounding of the result itself, and a floor for results that cancel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from conformance.case.model import Tolerance
from conformance.judge.verdict import Distance, Worst
from conformance.lanes.observation import Array

GRADIENT_CONSTANT = 64.0
"""C for gradients: a backward pass sums over the batch and reuses rounded activations; at 32 one honest gradient in
1,500 stood over, at 64 none."""
UNIT = 2.0**-24
"""The relative error of one rounding to float32."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one output is allowed, elementwise, with the terms it came from."""

    reference: Array
    allowed: Array
    sensitivity: Array
    constant: float
    floor: float


def allowance(
    reference: Array,
    sensitivity: Array | None,
    longest_sum: int,
    tolerance: Tolerance | None = None,
    scale: float = 1.0,
) -> Allowance:
    """The allowed error around a reference array, of the same shape; integers and booleans are allowed none.

    A case's own tolerance replaces the budget. `scale` is 2 between two float32 lanes: each has its own error.
    """
    reference = np.asarray(reference)
    zeros = np.zeros(reference.shape)
    if reference.dtype.kind != "f":
        return Allowance(reference, zeros, zeros, 0.0, 0.0)
    finite = np.where(np.isfinite(reference), np.abs(reference), 0.0)
    if tolerance is not None:
        allowed = scale * (tolerance.atol + tolerance.rtol * finite)
        return Allowance(reference, allowed, zeros, scale * tolerance.rtol, scale * tolerance.atol)
    moved = zeros if sensitivity is None else np.where(np.isfinite(sensitivity), sensitivity, 0.0)
    constant = scale * (8.0 + math.sqrt(longest_sum))
    floor = scale * 4.0 * UNIT * float(finite.max(initial=0.0))
    return Allowance(reference, constant * (moved + UNIT * finite) + floor, moved, constant, floor)


def gradient_allowance(reference: Array, sensitivity: Array | None, largest: float) -> Allowance:
    """The allowed error around a gradient. `largest` is the largest gradient of the same layer: a gradient that is zero
    by structure (an attention's key bias) is a difference of numbers of that size."""
    finite = np.where(np.isfinite(reference), np.abs(reference), 0.0)
    moved = np.zeros(reference.shape) if sensitivity is None else sensitivity
    floor = 4.0 * UNIT * largest
    return Allowance(reference, GRADIENT_CONSTANT * (moved + UNIT * finite) + floor, moved, GRADIENT_CONSTANT, floor)


def distance(got: Array, allowed: Allowance) -> Distance:
    """How far an array of the reference's shape lies from it, over the elements that are finite in both."""
    reference = np.asarray(allowed.reference, dtype=np.float64)
    values = np.asarray(got, dtype=np.float64)
    if values.size == 0:
        return Distance(0.0, 0, 0, 0.0)
    both = np.isfinite(reference) & np.isfinite(values)
    with np.errstate(invalid="ignore"):
        error = np.where(both, np.abs(values - reference), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        used = np.where(error == 0.0, 0.0, error / allowed.allowed)
    position = int(np.argmax(used))
    index = tuple(int(i) for i in np.unravel_index(position, used.shape))
    worst = Worst(
        index=index,
        got=float(values[index]),
        reference=float(reference[index]),
        allowed=float(allowed.allowed[index]),
        constant=allowed.constant,
        sensitivity=float(allowed.sensitivity[index]),
        floor=allowed.floor,
    )
    return Distance(float(used[index]), int(np.sum(used > 1.0)), int(values.size), float(error.max()), worst)
