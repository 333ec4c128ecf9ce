"""How far a float32 result may lie from the float64 reference: derived from the data, never tuned.

    allowed_i = C (S_i + u |ref_i|) + 8 u max|ref|,    C = 8 + g sqrt(n) / 2,    g = max(2, sqrt(2 ln N)),    u = 2^-24

S_i is the root mean square change of the reference when inputs, weights and the result of every operation move by a
relative u (one float32 rounding), n the length of the longest sum, N the number of elements. The terms are the backward
error of a sum of n terms (Higham and Mary 2019: sqrt(n) u with high probability) carried to the output, the rounding of
the result itself, and a floor for results that cancel and for functions that are evaluated to an absolute error.

Two limits beside it look at a whole output (`bias`): the root mean square and the mean of its errors, over that of
S_i + u |ref_i|. A systematic error that stays below every element's limit shows there.
docs/evidence/calibration.md has the measurements behind every constant here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from conformance.case.model import Tolerance
from conformance.judge.verdict import Distance, Worst
from conformance.protocol.formats import FORMATS, Format, rounded
from conformance.protocol.observation import Array

GRADIENT_CONSTANT = 64.0
"""C for gradients: a backward pass sums over the batch and reuses rounded activations; at 32 one honest gradient in
1,500 stood over, at 64 none."""
DRAWS = 8
"""Perturbed runs behind each sensitivity; see `conformance.oracle.rounding`."""
JUMP = 2.0**14
"""Units of an output's largest number, a thousandth of it in float32. Where rounding moves half of what it moves by
more, either the whole is lost to cancellation, and then every element moves, or values jump: an element that no draw
moves is not lost. This takes room from such elements only, and gives none to any.
"""
PRIOR_DRAWS = 4
"""How many draws the tensor's median counts for."""
GRADIENT_FLOOR = 64.0
"""Units of the largest gradient: a gradient sums over paths and positions that may cancel, each with its own rounding.
At 16 units 2 of 11,800 honest gradients stood over, by a quarter, while S was of moved inputs and weights alone
(docs/evidence/calibration.md)."""
FLOAT32 = FORMATS["float32"]
UNIT = FLOAT32.unit
"""The relative error of one rounding to float32."""

FLOOR = 8.0
"""Units of the largest element that every element is allowed; torch's gelu, through erf, used 4.2 of it."""
FEWEST = 30
"""Elements from which on the errors of an output are looked at together; of fewer, one alone decides."""
RMS_LIMIT, MEAN_LIMIT = 4.0, 2.0
"""Roundings that the errors of an output may have in the root mean square and in the mean; more for long sums."""

Tier = Literal["exact", "budget", "tolerance"]
"""How strictly an output is judged: to the last bit, by its budget, or by the tolerance that the case states."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one output is allowed, elementwise, with the terms it came from."""

    reference: Array
    allowed: Array
    sensitivity: Array
    constant: float
    floor: float
    tier: Tier = "budget"
    terms: int = 0
    """Terms of the longest sum, where the errors are looked at together too; 0 where they are not."""
    share: float = 1.0
    """Of the limits on all errors together."""
    format: Format = FLOAT32
    """What the lane rounds to on the way here."""

    def exceeded(self, got: Array) -> Array:
        """Where an array of the reference's shape lies farther from it than is allowed; NaN beside NaN does not."""
        with np.errstate(invalid="ignore"):
            near = np.abs(got - self.reference) <= self.allowed
        exceeded: Array = ~near & ~(np.isnan(got) & np.isnan(self.reference))
        return exceeded


def allowance(
    reference: Array,
    sensitivity: Array | None,
    longest_sum: int,
    tolerance: Tolerance | None = None,
    scale: float = 1.0,
    is_exact: bool = False,
    share: float = 1.0,
    precision: str = FLOAT32.name,
) -> Allowance:
    """The allowed error around a reference array, of the same shape; integers and booleans are allowed none.

    `is_exact` says that float32 must give these numbers as exactly as it can hold them: then nothing is allowed. A
    case's own tolerance replaces the budget, and `share` is what it leaves of the derived one. `scale` is 2 between two
    float32 lanes: each has its own error. `precision` is the coarsest format on the way here: its unit takes the place
    of float32's, a stated tolerance is not narrower than its budget, and where it is float64, the reference's own
    format, both have their error.
    """
    reference = np.asarray(reference)
    format = FORMATS[precision]
    zeros = np.zeros(reference.shape)
    if reference.dtype.kind != "f":
        return Allowance(reference, zeros, zeros, 0.0, 0.0, "exact")
    if is_exact and tolerance is None:
        return Allowance(rounded(reference, format), zeros, zeros, 0.0, 0.0, "exact", format=format)
    finite = np.where(np.isfinite(reference), np.abs(reference), 0.0)
    if tolerance is not None:
        allowed = scale * (tolerance.atol + tolerance.rtol * finite)
        if format.digits < FLOAT32.digits:
            derived = allowance(reference, sensitivity, longest_sum, None, scale, precision=precision)
            allowed = np.maximum(allowed, derived.allowed)
        return Allowance(
            reference, allowed, zeros, scale * tolerance.rtol, scale * tolerance.atol, "tolerance", format=format
        )
    largest = float(finite.max(initial=0.0))
    moved = zeros if sensitivity is None else moderated(sensitivity, JUMP * format.unit * largest)
    sides = 2.0 * scale if format.digits > FLOAT32.digits else scale
    constant, floor = sides_of(longest_sum, reference.size, largest, sides * share, format)
    allowed = constant * (moved + format.unit * finite + format.flushed) + floor
    terms = longest_sum if sides == 1.0 else 0
    return Allowance(reference, allowed, moved, constant, floor, "budget", terms, share, format)


def sides_of(
    longest_sum: int, count: int, largest: float, sides: float, format: Format = FLOAT32
) -> tuple[float, float]:
    """What every number's own roundings are multiplied by in its budget, and what is added to that.

    `largest` is the largest finite magnitude of the output, `count` how many numbers it has, `sides` how many results
    with an error of their own are compared, times the share of the budget that is left.
    """
    constant = sides * (8.0 + growth(longest_sum, count))
    return constant, sides * (FLOOR * format.unit * largest + FLOOR * format.flushed)


def growth(terms: int, count: int) -> float:
    """Roundings that a sum of so many terms may make of one, in the worst of so many elements.

    Partial sums of one term after the other grow like a random walk, and so does what they are rounded by: the standard
    deviation is at most sqrt(n) / 2. The largest of N such errors lies near sqrt(2 ln N) of them; two are always
    granted. Without N, one element of 54,400 behind four convolutions of up to 1,600 terms stood over by a sixth.
    """
    return max(2.0, math.sqrt(2.0 * math.log(max(count, 1)))) * math.sqrt(terms) / 2.0


def moderated(sensitivity: Array, jump: float = math.inf) -> Array:
    """Sensitivities drawn towards the tensor's median, as far as their own noise asks for.

    Each is a root mean square of 8 draws: in a tensor of 50,000 elements some come out at a fifth of what they are, and
    would raise false alarms there. The estimate is the moderated variance of Smyth (2004),
    (d s_i^2 + d0 s0^2) / (d + d0) with d = 8, d0 = 4; s0 is the median of what is not zero, so that one element at a
    jump moves no other. Where that is a `jump` or more, what none of the 8 draws moves stays: where bins are counted,
    the only elements that move are those at a jump, and they would allow all others as much.
    """
    finite = np.where(np.isfinite(sensitivity), sensitivity, 0.0)
    largest = float(np.max(finite, initial=0.0))
    if largest == 0.0:
        return finite
    squares = (finite / largest) ** 2  # that of 1e200 itself is no number any more
    prior = float(np.median(squares[squares > 0]))
    drawn = (DRAWS * squares + PRIOR_DRAWS * prior) / (DRAWS + PRIOR_DRAWS)
    return largest * np.sqrt(np.where((squares > 0) | (largest * math.sqrt(prior) < jump), drawn, 0.0))


def gradient_allowance(
    reference: Array,
    sensitivity: Array | None,
    largest: float,
    overall: float,
    share: float = 1.0,
    precision: str = FLOAT32.name,
) -> Allowance:
    """The allowed error around a gradient; `share` is what the case leaves of it, `precision` as for values.

    `largest` is the largest gradient of the same layer, `overall` of the whole case. A layer whose gradients are all
    zero by structure (a scale that is divided away again) has only rounding there, of numbers as large as the others.
    """
    finite = np.where(np.isfinite(reference), np.abs(reference), 0.0)
    moved = np.zeros(reference.shape) if sensitivity is None else moderated(sensitivity)
    format = FORMATS[precision]
    unit = format.unit
    is_zero_by_structure = largest < unit * overall
    sides = 2.0 * share if format.digits > FLOAT32.digits else share
    floor = sides * (GRADIENT_CONSTANT * unit * overall if is_zero_by_structure else GRADIENT_FLOOR * unit * largest)
    constant = sides * GRADIENT_CONSTANT
    allowed = constant * (moved + unit * finite + format.flushed) + floor
    return Allowance(reference, allowed, moved, constant, floor, format=format)


def distance(got: Array, allowed: Allowance) -> Distance:
    """How far an array of the reference's shape lies from it, over the elements that are finite in both."""
    reference = np.asarray(allowed.reference, dtype=np.float64)
    values = np.asarray(got, dtype=np.float64)
    if values.size == 0:
        return Distance(0.0, 0, 0, 0.0)
    both = np.isfinite(reference) & np.isfinite(values)
    with np.errstate(invalid="ignore", over="ignore"):
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
    rms, mean = _over_the_tensor(values, allowed, both)
    return Distance(float(used[index]), int(np.sum(used > 1.0)), int(values.size), float(error.max()), worst, rms, mean)


def is_biased(distance: Distance, terms: int, share: float = 1.0) -> bool:
    """Whether the errors of an output are too large together, though each may be small enough.

    `share` is what the case leaves of the limits.

    A sum taken one term after the other rounds partial sums that grow like a random walk: sqrt(n) / 2 roundings. Half
    of that is granted; honest lanes need less.
    """
    grown = math.sqrt(terms) / 4.0
    return (
        terms > 0
        and distance.count >= FEWEST
        and (distance.rms > share * (RMS_LIMIT + grown) or abs(distance.mean) > share * (MEAN_LIMIT + grown / 2.0))
    )


def _over_the_tensor(values: Array, allowed: Allowance, both: Array) -> tuple[float, float]:
    """Root mean square and mean of the signed error in roundings, over the elements that are finite in both."""
    reference = np.asarray(allowed.reference, dtype=np.float64)
    if reference.dtype.kind != "f" or not both.any() or allowed.format.digits > FLOAT32.digits:
        return 0.0, 0.0  # beside float64 the reference's own errors are as large
    rounding = (allowed.sensitivity + allowed.format.unit * np.abs(reference) + allowed.format.flushed)[both]
    with np.errstate(over="ignore"):
        error = values[both] - reference[both]  # infinities of both would leave NaN behind
    unit = _root_mean_square(rounding)
    if unit == 0.0:
        return 0.0, 0.0
    return _root_mean_square(error) / unit, float(np.mean(error / unit))


def _root_mean_square(values: Array) -> float:
    """By way of the largest of them, as in `moderated`."""
    largest = float(np.max(np.abs(values)))
    if largest == 0.0 or np.isinf(largest):
        return largest
    return largest * float(np.sqrt(np.mean((values / largest) ** 2)))
