"""What others call equal: the tolerances of NumPy, torch and Keras, put to the same arrays as this harness's budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from conformance.case.model import Case
from conformance.diagnose.divergence import differs
from conformance.judge.compare import Matched, matched_outputs, structure_findings
from conformance.protocol.observation import Observation

Agree = Callable[[Any, Any], bool]


def _close(rtol: float, atol: float) -> Agree:
    return lambda got, ref: bool(np.allclose(got, ref, rtol=rtol, atol=atol, equal_nan=True))


COMPARATORS: Mapping[str, Agree] = {
    "np.allclose (rtol 1e-5, atol 1e-8)": _close(1e-5, 1e-8),
    "torch.testing.assert_close (1.3e-6, 1e-5)": _close(1.3e-6, 1e-5),
    "Keras' assertAllClose (1e-6, 1e-6)": _close(1e-6, 1e-6),
    "Keras' numerical_test (1e-7, 1e-3)": _close(1e-7, 1e-3),
}
BUDGET = "this budget"
"""The harness on the same forward values and nothing else: no masks, no gradients, no expectations."""
SUITE = "this suite"
"""The whole verdict."""


def floats_of(case: Case, got: Observation, reference: Observation) -> list[Matched]:
    """Every float output that both have in the same shape."""
    every = matched_outputs(got, reference, reference, case.demands, 1.0)
    return [one for one in every if one.wanted.values.dtype.kind == "f" and one.got.shape == one.wanted.shape]


def who_differ(case: Case, got: Observation, reference: Observation) -> set[str]:
    """The comparators that call any output of a case different; another structure or shape is seen by all."""
    if got.failure is not None or got.ended != "finished" or structure_findings(got, reference, "reference"):
        return {*COMPARATORS, BUDGET}
    every = list(matched_outputs(got, reference, reference, case.demands, 1.0))
    if any(one.got.shape != one.wanted.shape for one in every):
        return {*COMPARATORS, BUDGET}
    values = [one for one in every if one.wanted.values.dtype != object]
    found = {
        name
        for name, agree in COMPARATORS.items()
        if not all(agree(one.got.values, one.wanted.values) for one in values)
    }
    return found | ({BUDGET} if any(differs(one, gives_masks=False) for one in values) else set())
