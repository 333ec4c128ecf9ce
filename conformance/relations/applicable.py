"""Which relations the mathematics of a case keeps: the reference is asked, in as few runs as a lane will be."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from conformance.oracle.run import Depth, answer
from conformance.plans.derive import stacked
from conformance.protocol.observation import Observation
from conformance.protocol.plan import Plan
from conformance.reference.base import LayerError, make
from conformance.relations.catalog import RELATIONS
from conformance.relations.relation import Pair, PlannedRelation, Relation, composed, pairs, same
from conformance.relations.stacks import form_of, parted

UNCHANGED = Relation("unchanged", "", lambda plan: plan, same)
"""Of a batch that comes out beside others as it does by itself."""


def relations_of(plan: Plan, reference: Observation) -> list[PlannedRelation]:
    """The relations that the reference keeps in at least one observed output of the case.

    Those that change layers are one question where the reference keeps them at once: its `members` are each of them.
    """
    if reference.failure is not None:
        return []
    derived = [(relation, found) for relation in RELATIONS if (found := _derived(relation, plan)) is not None]
    own = [(relation, other) for relation, other in derived if other.layers is plan.layers]
    beside = _beside(plan, reference, own)
    as_it_is = replace(reference, runs=tuple({name: run[name] for name in plan.observed} for run in reference.runs))
    every: list[PlannedRelation] = []
    for relation, other in own:
        is_changed = other.runs is not plan.runs
        kept = _asked(reference, relation, other, beside.get(relation.name) if is_changed else as_it_is)
        if kept is not None:
            is_beside = relation.name in beside if is_changed else bool(beside)
            every.append(replace(kept, is_beside=is_beside))
    return every + _changed(plan, reference, [one for one in derived if one[1].layers is not plan.layers])


def _changed(plan: Plan, reference: Observation, derived: Sequence[tuple[Relation, Plan]]) -> list[PlannedRelation]:
    """Those that change layers: all as one where the reference keeps all of them at once, in every output.

    Nobody has looked then which of them it keeps alone. Else as one those that it keeps, where it keeps these at once.
    """
    whole = _at_once(plan, reference, [relation for relation, _ in derived])
    if whole is not None and len(whole.outputs) == _count(plan, reference):
        members = (PlannedRelation(relation, other, whole.outputs) for relation, other in derived)
        return [replace(whole, members=tuple(members))]
    kept = [found for one in derived if (found := _asked(reference, *one)) is not None]
    if len(kept) == len(derived):
        return kept
    whole = _at_once(plan, reference, [one.relation for one in kept])
    if whole is None or not frozenset.union(*(one.outputs for one in kept)) <= whole.outputs:
        return kept
    return [replace(whole, members=tuple(kept))]


def _at_once(plan: Plan, reference: Observation, relations: Sequence[Relation]) -> PlannedRelation | None:
    if len(relations) < 2:
        return None
    relation = composed(relations)
    derived = _derived(relation, plan)
    return None if derived is None else _asked(reference, relation, derived)


def is_kept_alone(asked: PlannedRelation, reference: Observation) -> bool:
    """Whether the reference keeps the relation in these outputs when its plan is run by itself."""
    alone = _asked(reference, asked.relation, asked.plan)
    return alone is not None and asked.outputs <= alone.outputs


def _derived(relation: Relation, plan: Plan) -> Plan | None:
    with _quiet():
        try:
            return relation.derive(plan)
        except (ValueError, IndexError, LayerError):  # nothing of this case can be changed so
            return None


def _asked(
    reference: Observation, relation: Relation, plan: Plan, answer: Observation | None = None
) -> PlannedRelation | None:
    """The relation with the outputs in which the reference keeps it; its plan is run where no answer is there yet."""
    other = _answer(plan) if answer is None else answer
    if other is None:
        return None
    kept = frozenset(place for place, pair in pairs(relation, reference, other) if _is_kept(pair, relation.near))
    return PlannedRelation(relation, plan, kept) if kept else None


def _answer(plan: Plan) -> Observation | None:
    """What the reference gives for a plan; None where it raises."""
    with _quiet():
        try:
            found = answer(plan, Depth.VALUES)
        except (ValueError, IndexError, LayerError):
            return None
    return None if found.failure is not None or not _has_its_weights(plan, found) else found


def _has_its_weights(plan: Plan, found: Observation) -> bool:
    """Whether every layer would be built with the weights that it has; of another length, some are other layers."""
    first = {step.callee: step.inputs for step in reversed(found.steps)}
    for name, shapes in first.items():
        held = plan.layers[name]
        built = make(held.type, held.config).weights(*shapes) if held.weights else {}
        if any(tuple(weight.shape) != held.weights[key].shape for key, weight in built.items() if key in held.weights):
            return False
    return True


def _beside(plan: Plan, reference: Observation, own: Sequence[tuple[Relation, Plan]]) -> dict[str, Observation]:
    """Relation name to what the reference gives for its plan, of those that it may run as one batch; see `stacks`."""
    form = None if plan.has_memory else form_of(plan)
    members = [
        (relation.name, one)
        for relation, one in own
        if form is not None and not relation.is_alone and one.runs is not plan.runs and form_of(one) == form
    ]
    if len(members) < 2:
        return {}
    half = len(members) // 2
    plans = [one for _, one in members]
    plans.insert(half, plan)
    whole = _answer(stacked(members[0][1], plans))
    if whole is None:
        return {}
    parts = list(parted(whole, plans, plan, reference))
    is_free = _is_same(plan, reference, parts.pop(half))
    return dict(zip([name for name, _ in members], parts, strict=True)) if is_free else {}


def _is_same(plan: Plan, reference: Observation, other: Observation) -> bool:
    """Whether every observed output is there and is the same, but for the rounding of float64."""
    found = [pair for _, pair in pairs(UNCHANGED, reference, other)]
    return len(found) == _count(plan, reference) and all(_is_kept(pair, UNCHANGED.near) for pair in found)


def _count(plan: Plan, reference: Observation) -> int:
    """How many outputs the observed nodes have in all runs."""
    return sum(len(run[name].outputs) for run in reference.runs for name in plan.observed)


@contextmanager
def _quiet() -> Iterator[None]:
    """A derived plan may divide by zero; then its relation does not hold, and nobody needs to be told."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def _is_kept(pair: Pair, near: float) -> bool:
    wanted, got = (np.asarray(array, dtype=float) for array in pair)
    largest = float(np.max(np.abs(wanted[np.isfinite(wanted)]), initial=0.0))
    return bool(np.allclose(got, wanted, rtol=0.0, atol=near * largest, equal_nan=True))
