"""Which mistakes the cases find: every case against every mutant of the layers that it uses, judged like a lane."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import numpy as np

from conformance.case.model import Case
from conformance.judge.case import judge_lane
from conformance.mutants.equivalent import EQUIVALENT
from conformance.mutants.layer import mutable, mutants_of, with_mistake
from conformance.oracle.run import Depth, answer
from conformance.plans.draw import plan_of
from conformance.protocol.observation import Observation
from conformance.protocol.plan import Plan
from conformance.reference.base import DoesNotApply, HookError, Mutant
from conformance.score.processes import pool

WORTH_IT = 100
"""Cases from which on it pays to start processes."""
Outcome = Literal["killed", "survived", "broken", "not applied"]


@dataclass(frozen=True, slots=True)
class Trial:
    """One mutant in one case: what came of it, in which aspect it was found, or why it could not run."""

    mutant: str
    """`Layer.mutant`."""
    outcome: Outcome
    by: str = ""


@dataclass(frozen=True, slots=True)
class CaseScore:
    """All mutants of a case's layers in that case."""

    case: str
    trials: tuple[Trial, ...]
    false_kills: tuple[str, ...] = ()
    """What the case says it kills, and does not."""

    def of(self, outcome: Outcome) -> tuple[str, ...]:
        return tuple(trial.mutant for trial in self.trials if trial.outcome == outcome)


@dataclass(frozen=True)
class Score:
    """The whole suite against all mutants."""

    cases: tuple[CaseScore, ...]
    mutants: Mapping[str, Mutant]
    """`Layer.mutant` to the mutant, for every layer of the reference."""
    equivalent: Mapping[str, str] = field(default_factory=lambda: EQUIVALENT)

    @property
    def killers(self) -> dict[str, list[str]]:
        """Every mutant and the cases that find it."""
        found: dict[str, list[str]] = {name: [] for name in self.mutants}
        for case in self.cases:
            for name in case.of("killed"):
                found[name].append(case.case)
        return found

    @property
    def survivors(self) -> tuple[str, ...]:
        """Mutants that no case finds and that nobody has argued to be equivalent."""
        return tuple(name for name, cases in self.killers.items() if not cases and name not in self.equivalent)

    @property
    def problems(self) -> list[str]:
        """Why the score is no pass, a line each: survivors, false claims of any kind, broken mutants."""
        killers = self.killers
        broken = {trial.mutant: trial.by for case in self.cases for trial in case.trials if trial.outcome == "broken"}
        return [
            *(f"{name} survives: {self.mutants[name].mistake}" for name in self.survivors),
            *(f"{c.case} says that it kills {name}; it does not" for c in self.cases for name in c.false_kills),
            *(f"{n} is listed as equivalent; {killers[n][0]} kills it" for n in self.equivalent if killers.get(n)),
            *(f"{n} is listed as equivalent; there is no such mutant" for n in self.equivalent if n not in killers),
            *(f"{name} is broken: {why}" for name, why in broken.items()),
        ]


def all_mutants() -> dict[str, Mutant]:
    """Every mutant of every layer and optimiser of the reference by `Layer.mutant`."""
    return {f"{kind}.{name}": mutant for kind, made in mutable().items() for name, mutant in mutants_of(made).items()}


def score(cases: Iterable[Case], processes: int = 1) -> Score:
    """Runs every case against every mutant of its layers, in so many processes; they find the same however many."""
    asked = tuple(cases)
    if processes == 1 or len(asked) < WORTH_IT:
        return Score(tuple(score_case(case) for case in asked), all_mutants())
    with pool(processes) as several:
        return Score(tuple(several.map(score_case, asked, chunksize=4)), all_mutants())


def score_case(case: Case) -> CaseScore:
    """One case against every mutant of the layers that it uses."""
    plan = plan_of(case, with_gradients=False)
    known = mutable()
    with np.errstate(all="ignore"):  # some cases ask for NaN
        reference = answer(plan)
        trials = tuple(
            _trial(case, plan, reference, kind, mutant)
            for kind in case.layer_types
            if kind in known
            for mutant in known[kind].mutants
        )
    killed = {trial.mutant for trial in trials if trial.outcome == "killed"}
    return CaseScore(case.id, trials, tuple(name for name in case.kills if name not in killed))


def _trial(case: Case, plan: Plan, reference: Observation, kind: str, mutant: Mutant) -> Trial:
    name = f"{kind}.{mutant.name}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a wrong formula may divide by zero; what it gives is judged
            got = answer(plan, Depth.VALUES, partial(with_mistake, kind=mutable()[kind], mutant=mutant))
    except DoesNotApply as reason:
        return Trial(name, "not applied", str(reason))
    except HookError as error:
        # where the real layer raises there is nothing for a hook to work on
        return Trial(name, "broken" if reference.failure is None else "survived", str(error))
    except Exception:
        if reference.failure is not None:
            return Trial(name, "survived")
        raise
    if reference.failure is not None:
        return Trial(name, "survived") if got.failure is not None else Trial(name, "killed", "error")
    verdict = judge_lane(case, got, reference, gives_masks=True)
    return Trial(name, "killed", verdict.cause.aspect) if verdict.cause is not None else Trial(name, "survived")
