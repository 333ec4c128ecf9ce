"""A draw of a case as a lane and the reference answered it, the answers of mistakes there, and another draw.

A cause is said only if it holds on another draw too: of other inputs and weights, and of other lengths where the case
has lengths by name. What is true by chance of a length, as a mean that is the sum times 35, is not true there.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from conformance.case.model import Case
from conformance.case.sizes import at_other_sizes
from conformance.diagnose.divergence import differs
from conformance.diagnose.feeding import AskLane, answered
from conformance.errors import CaseError
from conformance.judge.compare import matched_outputs, structure_findings
from conformance.judge.precision import reference_under
from conformance.mutants.layer import mutable, with_mistake
from conformance.oracle.run import Depth, answer
from conformance.plans.draw import plan_of
from conformance.protocol.observation import Observation
from conformance.protocol.plan import Plan
from conformance.reference.base import DoesNotApply, HookError, Mutant

AGAIN = 1_009
"""What is added to a case's seed for the draw on which its explanation is tried."""
LONGER = 1
"""By how much axes are longer there."""


class Mistaken:
    """The answers of a plan's mutants, made when they are first asked for and shared by all lanes."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._made: dict[tuple[str, Mutant, Depth], Observation | None] = {}

    def answers(self, depth: Depth, kind: str, mutant: Mutant) -> Observation | None:
        """None where the mistake cannot be made here."""
        key = (kind, mutant, depth)
        if key not in self._made:
            try:
                with warnings.catch_warnings(), np.errstate(all="ignore"):
                    warnings.simplefilter("ignore")  # a wrong formula may divide by zero; what it gives is compared
                    rewrite = partial(with_mistake, kind=mutable()[kind], mutant=mutant)
                    found = answer(self.plan, depth, rewrite)
                self._made[key] = found
            except (DoesNotApply, HookError, ArithmeticError, LookupError, TypeError, ValueError):
                self._made[key] = None  # an argument that nobody would give may break a layer: it explains nothing
        return self._made[key]


@dataclass(frozen=True, slots=True)
class Seen:
    """One draw of a case as a lane and the reference answered it."""

    case: Case
    got: Observation
    reference: Observation
    gives_masks: bool
    wrong: Mistaken

    @property
    def plan(self) -> Plan:
        return self.wrong.plan

    def agrees(self, wanted: Observation, gives_masks: bool) -> bool:
        """Whether the lane answers as this observation does."""
        return agrees(self.case, self.got, wanted, gives_masks)

    def confirms(self, wanted: Observation) -> bool:
        """Whether every element of the lane's answer lies within the budget of this one; masks are left aside.

        Errors are not looked at together here: elements whose sums cancel alike share one rounding, and a mistake that
        gave another draw's answer was called false for it.
        """
        under = reference_under(wanted, self.got.policy, self.reference)
        return agrees(self.case, self.got, under, False, are_alone=True)


class Again:
    """The case with other numbers, drawn when the first lane is to be asked again: a cause has to hold there too."""

    def __init__(self, case: Case, plan: Plan, seeds: int = AGAIN, longer: int = LONGER) -> None:
        self.case, self.plan, self._seeds, self._longer = case, plan, seeds, longer

    @cached_property
    def longer(self) -> tuple[Case, Mistaken, Observation] | None:
        """Another draw at other sizes, and the reference's answer; None where the case has no other sizes."""
        return next(self._made(at_other_sizes(self._redrawn, self._longer)), None)

    @cached_property
    def drawn(self) -> tuple[Case, Mistaken, Observation] | None:
        """Another draw at the case's own sizes; None where all numbers are written down in the case."""
        return next(self._made([self._redrawn]), None)

    @property
    def _redrawn(self) -> Case:
        return self.case.at_seed(self.case.seed + self._seeds)

    def _made(self, cases: Iterable[Case]) -> Iterator[tuple[Case, Mistaken, Observation]]:
        for case in cases:
            try:
                other = plan_of(case, policies=self.plan.policies)
            except CaseError:
                continue
            if _numbers(other) == _numbers(self.plan):
                continue
            fresh = replace(other, id=f"{self.plan.id}|{case.seed} another draw")
            found = answered(fresh, Depth.EVERYTHING)
            if found is not None:
                yield case, Mistaken(fresh), found

    def seen(self, seen: Seen, ask: AskLane | None) -> Seen | None:
        """What a lane answers there; None where it cannot be asked, or gives nothing.

        Other sizes come first. They say nothing of a lane that raises there and not here, or the other way round.
        """
        return None if ask is None else self.asked(seen, ask, self.longer) or self.asked(seen, ask, self.drawn)

    def asked(self, seen: Seen, ask: AskLane, drawn: tuple[Case, Mistaken, Observation] | None) -> Seen | None:
        """What a lane answers to one draw."""
        if drawn is None:
            return None
        case, wrong, reference = drawn
        (got,) = ask([wrong.plan])
        if (
            got.ended != "finished"
            or got.unsupported is not None
            or (got.failure is None) != (seen.got.failure is None)
        ):
            return None
        return Seen(case, got, reference_under(reference, got.policy), seen.gives_masks, wrong)


def _numbers(plan: Plan) -> list[bytes]:
    held = [value for run in plan.runs for value in run.values()]
    held += [value for layer in plan.layers.values() for value in layer.weights.values()]
    return [row.tobytes() for value in held for row in (value if value.dtype == object else [value])]


def agrees(
    case: Case,
    got: Observation,
    wanted: Observation,
    gives_masks: bool,
    slack: float = 1.0,
    *,
    are_alone: bool = False,
    budget_of: Observation | None = None,
) -> bool:
    """Whether two observations agree in structure and in every output, values within `slack` budgets.

    `are_alone` leaves out the look at all errors of an output together. What is allowed is what the wanted observation
    allows itself, or another one, `budget_of`.
    """
    if structure_findings(got, wanted, "mutant"):
        return False
    every = matched_outputs(got, wanted, budget_of or wanted, case.demands, slack)
    if are_alone:
        every = (replace(item, allowed=replace(item.allowed, terms=0)) for item in every)
    return not any(differs(item, gives_masks) for item in every)
