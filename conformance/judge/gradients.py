"""Gradients of the drawn cotangents, held against the reference's own."""

from __future__ import annotations

import numpy as np

from conformance.judge.budget import distance, gradient_allowance
from conformance.judge.verdict import Distance, Finding
from conformance.lanes.observation import Observation


def gradient_findings(got: Observation, reference: Observation) -> tuple[list[Finding], dict[str, Distance]]:
    """What differs between a lane's gradients and the reference's, and how far each lies from it.

    A lane that could not differentiate (`gradient_note`) has nothing to compare; the note stands in its record.
    """
    findings: list[Finding] = []
    distances: dict[str, Distance] = {}
    if not got.gradients or not reference.gradients:
        return findings, distances
    overall = max(float(np.max(np.abs(other.values), initial=0.0)) for other in reference.gradients.values())
    for name, wanted in reference.gradients.items():
        if name not in got.gradients:
            findings.append(Finding("gradient", "missing", name))
            continue
        found = got.gradients[name]
        if found.shape != wanted.shape:
            findings.append(Finding("gradient", "shape", name, 0, wanted.shape, found.shape))
            continue
        largest = max(
            float(np.max(np.abs(other.values), initial=0.0))
            for key, other in reference.gradients.items()
            if key.partition(".")[0] == name.partition(".")[0]
        )
        if not np.all(np.isfinite(found.values)):
            index = tuple(int(i) for i in np.argwhere(~np.isfinite(found.values))[0])
            pair = ((index, float(wanted.values[index])), (index, float(found.values[index])))
            findings.append(Finding("gradient", "special", name, 0, *pair))
            continue
        allowed = gradient_allowance(wanted.values, wanted.sensitivity, largest, overall)
        distances[name] = distance(found.values, allowed)
        if distances[name].over:
            findings.append(Finding("gradient", "values", name, distance=distances[name]))
    return findings, distances
