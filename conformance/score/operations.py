"""Which mistakes in the functions of `keras.ops` their cases find: each mistake until a case finds it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from conformance.case.load import SUFFIX, load_file
from conformance.case.model import Case
from conformance.judge.case import judge_lane
from conformance.mutants.operation import Kind, Mistake, by_rules
from conformance.mutants.operation_formulas import slips_of
from conformance.mutants.operation_probes import is_mistake
from conformance.mutants.operation_traps import traps_of
from conformance.oracle.run import Depth, answer
from conformance.plans.draw import plan_of
from conformance.protocol.observation import Observation
from conformance.protocol.plan import Plan
from conformance.reference.operations.base import table
from conformance.score.processes import pool


@dataclass(frozen=True, slots=True)
class Tried:
    """One mistake: the case that finds it and by which aspect, or nothing."""

    operation: str
    name: str
    kind: Kind
    mistake: str
    case: str = ""
    aspect: str = ""

    @property
    def id(self) -> str:
        return f"{self.operation}.{self.name}"

    @property
    def told(self) -> tuple[str, str]:
        """Operation and mistake in words: what an argument for equivalence is kept under."""
        return self.operation, self.mistake


@dataclass(frozen=True)
class _Asked:
    """A case with its plan and the right answer."""

    case: Case
    plan: Plan
    reference: Observation


def mistakes_of(name: str) -> tuple[Mistake, ...]:
    """Every mistake in an operation: by rules, by what is known of it, by slips in its lines.

    What says that an argument is got wrong is one even where no question writes the argument: that would be the gap.
    """
    entry = table()[name]
    made = (*by_rules(entry), *traps_of(entry), *slips_of(entry))
    return tuple(one for one in made if one.kind in ("argument", "axis", "trap") or is_mistake(one))


def score_operation(name: str, folder: Path) -> tuple[Tried, ...]:
    """Every mistake in one operation against its cases in a folder."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a wrong formula may divide by zero; what it gives is judged
        asked = [_asked(case) for case in load_file(folder / f"{name}{SUFFIX}")]
        return tuple(_tried(mistake, asked) for mistake in mistakes_of(name))


def score(names: Sequence[str], folder: Path, processes: int = 1) -> tuple[Tried, ...]:
    """Every mistake in these operations, in so many processes; they find the same however many."""
    if processes == 1 or len(names) == 1:
        return tuple(one for name in names for one in score_operation(name, folder))
    with pool(processes) as several:
        found = several.map(score_operation, names, [folder] * len(names))
        return tuple(one for group in found for one in group)


def _asked(case: Case) -> _Asked:
    plan = plan_of(case, with_gradients=False)
    return _Asked(case, plan, answer(plan))


def _tried(mistake: Mistake, asked: Sequence[_Asked]) -> Tried:
    told = (mistake.entry.name, mistake.name, mistake.kind, mistake.mistake)
    for one in asked:
        aspect = _found(mistake, one)
        if aspect:
            return Tried(*told, one.case.id, aspect)
    return Tried(*told)


def _found(mistake: Mistake, asked: _Asked) -> str:
    """The aspect in which a case finds a mistake; empty where it finds none."""
    with mistake.applied():
        got = answer(asked.plan, Depth.VALUES, mistake.rewrite)
    if asked.reference.failure is not None:
        return "" if got.failure is not None else "error"
    verdict = judge_lane(asked.case, got, asked.reference, gives_masks=True)
    return "" if verdict.cause is None else verdict.cause.aspect
