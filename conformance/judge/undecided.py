"""Outputs whose budget allows every answer: a lane that is within it has not been found to agree.

An output is not judged where zeros, the answer doubled and the answer to another draw would all pass. What is zero by
structure (`x - x`) is judged: its budget is one of rounding around a number that is known. Nor is it open where NaN or
infinities stand, for their places are judged. An output that is over its budget differs, whatever the budget is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

import numpy as np

from conformance.case.draws import is_random
from conformance.case.model import Case
from conformance.errors import CaseError
from conformance.judge.budget import Allowance
from conformance.judge.compare import Matched, labels
from conformance.oracle.run import Depth, answer
from conformance.plans.draw import plan_of
from conformance.protocol.observation import Array, Observation

ANOTHER = 2_003
"""What is added to a case's seed for the draw whose answer must not pass."""
ZERO = 2.0**-20
"""Of the largest error that is allowed: a result below it is zero by structure, up to the reference's own rounding."""


class OtherDraw:
    """What the reference gives for a case's other draw, made once for all lanes, and only where it is asked for."""

    def __init__(self, case: Case) -> None:
        self._case = case

    @cached_property
    def _values(self) -> dict[tuple[int, str], Array]:
        try:
            found = answer(plan_of(self._case.at_seed(self._case.seed + ANOTHER), with_gradients=False), Depth.VALUES)
        except CaseError:
            return {}
        return {
            (run, label): output.values
            for run, nodes in enumerate(found.runs)
            for name, node in nodes.items()
            for label, output in zip(labels(name, len(node.outputs), node.structure), node.outputs, strict=True)
        }

    def passes(self, item: Matched) -> bool:
        """Whether its answer is within what is allowed around this one; so where there is none of this shape."""
        other = self._values.get((item.run, item.label))
        return other is None or other.shape != item.wanted.shape or not item.allowed.exceeded(other).any()


class RandomOutputs:
    """Which outputs of a case are another with every draw: a second draw of the reference says so, for all lanes."""

    def __init__(self, case: Case, reference: Observation) -> None:
        self._case, self._reference = case, reference

    @cached_property
    def labels(self) -> frozenset[tuple[int, str]]:
        """Run and label; none in a case that draws nothing."""
        if not any(is_random(spec.type, spec.config) for spec in self._case.layers) or self._reference.failure:
            return frozenset()
        try:
            other = answer(plan_of(self._case, with_gradients=False), Depth.VALUES, draw=ANOTHER)
        except CaseError:
            return frozenset()
        return frozenset(_differing(self._reference, other))


def _differing(first: Observation, second: Observation) -> Iterator[tuple[int, str]]:
    """The outputs in which two draws of the reference differ by more than a rounding of float64."""
    for run, (mine, theirs) in enumerate(zip(first.runs, second.runs, strict=False)):
        for name in mine.keys() & theirs.keys():
            node = mine[name]
            for label, a, b in zip(
                labels(name, len(node.outputs), node.structure), node.outputs, theirs[name].outputs, strict=False
            ):
                if a.shape != b.shape or not np.allclose(a.values, b.values, rtol=1e-9, atol=1e-12, equal_nan=True):
                    yield run, label


def undecided(matched: Iterable[Matched], other: OtherDraw) -> list[Matched]:
    """Those outputs that any answer would pass."""
    return [item for item in matched if passes_anything(item.wanted.values, item.allowed) and other.passes(item)]


def passes_anything(wanted: Array, around: Allowance) -> bool:
    """Whether zeros and the answer doubled are within what is allowed; they lie equally far from the answer."""
    if wanted.dtype.kind != "f" or not wanted.size or around.tier == "exact" or not np.isfinite(wanted).all():
        return False
    if float(np.max(np.abs(wanted))) <= ZERO * float(np.max(around.allowed)):
        return False
    return not (around.exceeded(np.zeros(wanted.shape)).any() or around.exceeded(2.0 * wanted).any())
