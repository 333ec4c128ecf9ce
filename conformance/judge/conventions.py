"""Which of several defensible gradients a lane takes at a kink or a tie: named, and judged where a case asks.

left, right   the gradient as if every number lay a little lower, or higher, later ones further: of two numbers that
tie for a maximum the first, or the last, gets all
zero          none
one           both at once: a gradient of 1 at both ends of a clip, all of it to each of the numbers that tie
shared        the mean of both
mixed         none of these at all kinks
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

import numpy as np

from conformance.case.model import Case
from conformance.errors import CaseError
from conformance.judge.verdict import Finding
from conformance.oracle.sides import APART, NO_SIDES, Sides, sides_of
from conformance.plans.draw import plan_of
from conformance.protocol.observation import Array, Observation

MIXED = "mixed"
STEEP = 1e-3
"""A sensitivity of so much of the largest gradient is a kink's, or makes it worth looking."""


class Kinks:
    """The two sides of a case's gradients, made once for all lanes and only where a kink is likely."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._likely: dict[str, bool] = {}

    @cached_property
    def _found(self) -> Sides:
        try:
            return sides_of(plan_of(self._case))
        except CaseError:
            return NO_SIDES

    def sides(self, reference: Observation, differs: bool) -> Sides:
        """The sides, where the reference's gradients jump, an input is exactly 0, a lane differs, or the case asks."""
        if not reference.gradients:
            return NO_SIDES
        is_asked = bool(self._case.expect.convention)
        return self._found if is_asked or differs or self._are_likely(reference) else NO_SIDES

    def _are_likely(self, reference: Observation) -> bool:
        """Whether they are, worked out once for each policy that the reference stands for."""
        if reference.policy not in self._likely:
            self._likely[reference.policy] = are_likely(self._case, reference)
        return self._likely[reference.policy]


def are_likely(case: Case, reference: Observation) -> bool:
    """Whether a gradient of the reference jumps where its inputs move, or cannot be seen to: 0 moves by nothing."""
    for name, gradient in reference.gradients.items():
        if gradient.sensitivity is None or not gradient.values.size:
            continue
        largest = float(np.max(np.abs(gradient.values[np.isfinite(gradient.values)]), initial=0.0))
        if float(np.max(gradient.sensitivity, initial=0.0)) > STEEP * largest:
            return True
        if name.startswith("input ") and _holds_zero(case, name.removeprefix("input ")):
            return True
    return False


def _holds_zero(case: Case, name: str) -> bool:
    """Whether numbers were written into an input, among them 0 as one of its kinks may be."""
    (fill,) = (item.fill for item in case.inputs if item.name == name)
    return "values" in fill or fill.get("constant") == 0


def conventions(got: Observation, sides: Sides) -> dict[str, str]:
    """Gradient to the convention that a lane takes at its kinks; one for all of them where one holds for all."""
    at = {
        name: where
        for name, where in sides.kinks.items()
        if where.any() and name in got.gradients and got.gradients[name].shape == where.shape
    }
    words = {name: list(_words(got.gradients[name].values[where], name, where, sides)) for name, where in at.items()}
    common = [word for word in next(iter(words.values()), ()) if all(word in found for found in words.values())]
    return {name: (common or found or [MIXED])[0] for name, found in words.items()}


def _words(found: Array, name: str, where: Array, sides: Sides) -> Iterator[str]:
    """Every convention that gives these numbers, the plainest first."""
    left, right = sides.left[name][where], sides.right[name][where]
    near = 4 * APART * np.maximum(np.abs(left), np.abs(right))
    candidates = {
        "left": left,
        "right": right,
        "zero": np.zeros(left.shape),
        "one": left + right,
        "shared": (left + right) / 2,
    }
    for word, wanted in candidates.items():
        if np.all(np.abs(found.astype(float) - wanted) <= near):
            yield word


def convention_findings(case: Case, got: Observation, taken: Mapping[str, str]) -> Iterator[Finding]:
    """Where a lane takes another convention than the case states, or the case stands at no kink at all."""
    stated = case.expect.convention
    wanted = stated.get("") or stated.get(got.lane) or stated.get(got.adapter)
    if wanted is None or not got.gradients:
        return
    if not taken:
        yield Finding("gradient", "no_kink", wanted=wanted, wanted_by="case")
    for name, word in taken.items():
        if word != wanted:
            yield Finding("gradient", "convention", name, wanted=wanted, got=word, wanted_by="case")
