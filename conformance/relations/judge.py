"""Which relations a case's mathematics keeps, and whether a lane keeps them too."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from conformance.case.model import Demands
from conformance.judge.budget import allowance, distance
from conformance.judge.compare import labels
from conformance.judge.verdict import Finding, LaneVerdict, Verdict
from conformance.lanes.observation import Node, Observation
from conformance.mutants.observe import observe
from conformance.reference.base import LayerError
from conformance.relations.catalog import RELATIONS
from conformance.relations.plans import Pair, Plan, Relation

NONE = Demands()
"""Of a case that leaves how it is judged to the harness."""


@dataclass(frozen=True)
class Asked:
    """A relation that holds for a case: the plan to run, and the outputs for which the reference keeps it."""

    relation: Relation
    plan: Plan
    outputs: frozenset[tuple[int, str]]
    """Run and label."""


def relations_of(plan: Plan, reference: Observation) -> list[Asked]:
    """The relations that the reference keeps in at least one observed output of the case."""
    asked: list[Asked] = []
    if reference.failure is not None:
        return asked
    for relation in RELATIONS:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # a derived plan may divide by zero; then its relation does not hold
            try:
                derived = relation.derive(plan)
                other = None if derived is None else observe(derived, lambda layer: layer)
            except (ValueError, IndexError, LayerError):  # nothing of this case can be changed so
                continue
        if derived is None or other is None or other.failure is not None:
            continue
        kept = frozenset(place for place, pair in pairs(relation, reference, other) if _is_kept(pair, relation.near))
        if kept:
            asked.append(Asked(relation, derived, kept))
    return asked


def pairs(relation: Relation, base: Observation, other: Observation) -> Iterator[tuple[tuple[int, str], Pair]]:
    """Every output of both runs that the relation speaks of, by run and label, with the arrays that must agree."""
    for run, (first, second) in enumerate(zip(base.runs, other.runs, strict=False)):
        for name, node in first.items():
            if name not in second or len(second[name].outputs) != len(node.outputs):
                continue
            names = labels(name, len(node.outputs), node.structure)
            for label, mine, theirs in zip(names, node.outputs, second[name].outputs, strict=True):
                pair = relation.relate(mine.values, theirs.values)
                if pair is not None and pair[0].size:
                    yield (run, label), pair


def _is_kept(pair: Pair, near: float) -> bool:
    wanted, got = (np.asarray(array, dtype=float) for array in pair)
    largest = float(np.max(np.abs(wanted[np.isfinite(wanted)]), initial=0.0))
    return bool(np.allclose(got, wanted, rtol=0.0, atol=near * largest, equal_nan=True))


def broken(
    asked: Asked, base: Observation, other: Observation, reference: Observation, demands: Demands = NONE
) -> Iterator[Finding]:
    """Where a lane does not keep a relation that the reference keeps; each named for its relation."""
    relation = asked.relation
    if other.failure is not None:
        yield Finding("relations", relation.name, other.failure.node, got=other.failure, wanted=relation.statement)
        return
    moved = {place: pair[0] for place, pair in pairs(relation, _moved(reference), other)}
    exact = {place: pair[0] for place, pair in pairs(relation, reference, other)}
    found: Mapping[tuple[int, str], Pair] = dict(pairs(relation, base, other))
    for place in sorted(asked.outputs):
        run, label = place
        if place not in found:
            yield Finding("relations", relation.name, label, run, wanted=relation.statement)
            continue
        wanted, got = found[place]
        wanted = wanted.astype(np.float64) if wanted.dtype.kind == "f" else wanted
        is_known = place in moved and moved[place].dtype.kind == "f" and moved[place].shape == wanted.shape
        room = np.abs(moved[place] - exact[place]) if is_known else None
        allowed = allowance(
            wanted,
            room,
            reference.longest_sum,
            demands.tolerance,
            scale=2.0,
            share=demands.share,
            precision=_precision(reference, run, label),
        )
        nan = np.isnan(wanted.astype(float)) != np.isnan(got.astype(float))
        measured = distance(got, allowed)
        if measured.over or nan.any():
            yield Finding("relations", relation.name, label, run, wanted=relation.statement, distance=measured)


def _precision(reference: Observation, run: int, label: str) -> str:
    """The format by which a lane rounds an output: the reference says."""
    node = reference.runs[run][label.partition("[")[0]]
    return node.outputs[0].precision if node.outputs else "float32"


def _moved(reference: Observation) -> Observation:
    """The reference with every output higher by its sensitivity, to see what a relation makes of that."""

    def of(node: Node) -> Node:
        outputs = (
            output if output.sensitivity is None else replace(output, values=output.values + output.sensitivity)
            for output in node.outputs
        )
        return replace(node, outputs=tuple(outputs))

    return replace(reference, runs=tuple({name: of(node) for name, node in run.items()} for run in reference.runs))


def with_relations(verdict: LaneVerdict, findings: list[Finding]) -> LaneVerdict:
    """The verdict on a lane that agrees, with the relations that it does not keep."""
    aspects = {**verdict.aspects, "relations": "differ" if findings else "agree"}
    if not findings:
        return replace(verdict, aspects=aspects)
    return replace(verdict, verdict=Verdict.DIFFER, findings=tuple(findings), aspects=aspects)
