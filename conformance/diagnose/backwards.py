"""Why only gradients differ: the path that somebody cut off or counted twice, or a mistake that values do not show."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from conformance.case.model import Case
from conformance.diagnose.effort import WHOLE, Effort
from conformance.diagnose.formulas import LARGEST, numbers_in
from conformance.diagnose.mistakes import named_ones
from conformance.judge.gradients import gradient_findings
from conformance.mutants.backwards import gradients, leaks
from conformance.mutants.formula import Slip, slips
from conformance.mutants.layer import inside, mutable, with_mistake
from conformance.oracle.arrays import make_layers
from conformance.protocol.observation import Observation
from conformance.protocol.plan import Plan
from conformance.reference.catalog import KINDS

ALTERNATIVES = 3
"""Mistakes that are named where several would give the same gradients."""


def gradient_mistakes(
    case: Case,
    plan: Plan,
    got: Observation,
    reference: Observation,
    only: Collection[str] | None = None,
    effort: Effort = WHOLE,
) -> list[tuple[str, str]]:
    """What somebody does who gives the lane's gradients with the reference's values, and its name, the first few.

    The name is empty for a place in the graph. Where `only` says what somebody does, no other mistakes are tried.
    """
    if not reference.gradients or not got.gradients or not plan.cotangents:
        return []
    found: list[tuple[str, str]] = []
    for mistake, name, made in _tried(case, plan):
        if not effort.tries(name) or (only is not None and mistake not in only):
            continue
        wrong = _with(reference, made)
        if wrong is None or gradient_findings(got, wrong)[0] or not gradient_findings(wrong, reference)[0]:
            continue
        found.append((mistake, name))
        if len(found) == ALTERNATIVES:
            break
    return found


def _tried(case: Case, plan: Plan) -> Iterator[tuple[str, str, Any]]:
    """Mistakes on the way back of the case's layers, those that its values do not show, places, slips in formulas."""
    known = [(kind, mutant) for kind in case.layer_types if kind in KINDS for mutant in KINDS[kind].backwards]
    for kind, mutant in (*known, *((kind, one) for kind, one in named_ones(case) if one.step is None)):
        rewrite = partial(with_mistake, kind=mutable()[kind], mutant=mutant)
        yield mutant.mistake, f"{kind}.{mutant.name}", partial(_rewritten, plan, rewrite)
    for leak in leaks(plan):
        yield leak.mistake, "", partial(gradients, plan, leak=leak)
    if numbers_in(plan) <= LARGEST:
        for held in dict.fromkeys(type(one) for layer in make_layers(plan).values() for one in inside(layer)):
            for slip in slips(held):  # type: ignore[arg-type]  # mypy takes a class for its value
                yield slip.mistake, "", partial(_slipped, plan, slip)


def _slipped(plan: Plan, slip: Slip) -> Mapping[str, Any]:
    with slip.applied():
        return gradients(plan)


def _rewritten(plan: Plan, rewrite: Any) -> Mapping[str, Any]:
    return gradients(plan, {name: rewrite(layer) for name, layer in make_layers(plan).items()})


def _with(reference: Observation, made: Any) -> Observation | None:
    """The reference with these gradients in place of its own; None where the mistake cannot be made or followed."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # a wrong formula may divide by zero; what it gives is compared
            found = made()
    except Exception:  # a mistake that cannot be made here, or not differentiated, explains nothing
        return None
    held = reference.gradients
    if any(np.shape(found.get(name)) != output.shape for name, output in held.items()):
        return None
    return replace(reference, gradients={name: replace(output, values=found[name]) for name, output in held.items()})
