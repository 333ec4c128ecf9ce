"""Gradients of the drawn cotangents, held against the reference's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from conformance.judge.budget import Allowance, distance, gradient_allowance
from conformance.judge.compare import overflows, special_kinds
from conformance.judge.undecided import ZERO
from conformance.judge.verdict import Distance, Finding
from conformance.protocol.observation import Array, Observation, Output

Kinks = Mapping[str, Array]
"""Gradient to where it stands at a kink or a tie (`conformance.oracle.sides`)."""


def gradient_findings(
    got: Observation, reference: Observation, share: float = 1.0, kinks: Kinks | None = None
) -> tuple[list[Finding], dict[str, Distance]]:
    """What differs between a lane's gradients and the reference's, and how far each lies from it.

    `share` is what the case leaves of the budget. Where `kinks` of a gradient are true every number will do.

    NaN and infinities must stand at the same places, but where float16 ends, as in values. A lane whose framework
    raised on the way back differs, and one that gives none without a word. One that says why it has none
    (`gradient_note`) has nothing to compare; the note stands in its record.
    """
    findings: list[Finding] = []
    distances: dict[str, Distance] = {}
    if not reference.gradients:
        return findings, distances
    if got.gradient_failure is not None:
        raised = Finding("gradient", "raised", got.gradient_failure.node, got=got.gradient_failure)
        return [raised], distances
    if not got.gradients and got.gradient_note:
        return findings, distances
    for name, wanted in reference.gradients.items():
        if name not in got.gradients:
            findings.append(Finding("gradient", "missing", name))
            continue
        found = got.gradients[name]
        if found.shape != wanted.shape:
            findings.append(Finding("gradient", "shape", name, 0, wanted.shape, found.shape))
            continue
        allowed = allowed_around(name, reference, share, kinks)
        unlike = special_kinds(found.values) != special_kinds(wanted.values)
        unlike &= ~overflows(found.values, allowed)
        given = found.values
        if kinks is not None and name in kinks:
            given = np.where(kinks[name], allowed.reference, given)
            unlike &= ~(kinks[name] & np.isfinite(found.values))  # a convention is a number
        if unlike.any():
            index = tuple(int(i) for i in np.argwhere(unlike)[0])
            pair = ((index, float(wanted.values[index])), (index, float(found.values[index])))
            findings.append(Finding("gradient", "special", name, 0, *pair))
            continue
        distances[name] = distance(given, allowed)
        if distances[name].over:
            findings.append(Finding("gradient", "values", name, distance=distances[name]))
    return findings, distances


def undecided_gradients(
    names: Iterable[str], reference: Observation, share: float, kinks: Kinks | None = None
) -> frozenset[str]:
    """Those gradients whose budget allows every answer: zeros and the gradient doubled would both pass.

    At a kink or a tie a step to either side gives another gradient. Which one a framework gives there is a convention:
    where `kinks` are known, one that is nothing but kinks is open, and of another what lies beside them is looked at.
    """
    return frozenset(name for name in names if _is_open(name, reference, share, kinks))


def _is_open(name: str, reference: Observation, share: float, kinks: Kinks | None) -> bool:
    beside = ~kinks[name] if kinks is not None and name in kinks else np.ones(reference.gradients[name].shape, bool)
    wanted = reference.gradients[name].values[beside]
    if not wanted.size:
        return bool(reference.gradients[name].values.size)
    if not np.isfinite(wanted).all():
        return False
    allowed = allowed_around(name, reference, share, kinks).allowed[beside]
    is_zero = float(np.max(np.abs(wanted))) <= ZERO * float(np.max(allowed))
    return not is_zero and bool(np.all(np.abs(wanted) <= allowed))


def allowed_around(name: str, reference: Observation, share: float, kinks: Kinks | None = None) -> Allowance:
    """What a lane's gradient of this name is allowed around the reference's; `share` is what the case leaves of it.

    How far the gradient jumps at its `kinks` widens nothing beside them.
    """
    wanted, moved = reference.gradients[name], reference.gradients[name].sensitivity
    if moved is not None and kinks is not None and name in kinks:
        moved = np.where(kinks[name], 0.0, moved)
    largest, overall = largest_gradients(name, reference)
    return gradient_allowance(wanted.values, moved, largest, overall, share, wanted.precision)


def largest_gradients(name: str, reference: Observation) -> tuple[float, float]:
    """The largest gradient of the same layer, and that of the whole case."""
    layer = name.partition(".")[0]
    found = {key: _largest(other) for key, other in reference.gradients.items()}
    return max(size for key, size in found.items() if key.partition(".")[0] == layer), max(found.values())


def _largest(gradient: Output) -> float:
    """The largest finite entry, by its absolute value."""
    finite = np.abs(gradient.values[np.isfinite(gradient.values)])
    return float(np.max(finite, initial=0.0))
