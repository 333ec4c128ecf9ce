"""Whether a lane keeps the relations that hold for a case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from conformance.case.model import Demands
from conformance.judge.budget import allowance, distance
from conformance.judge.compare import unlike
from conformance.judge.verdict import Finding, LaneVerdict, Verdict
from conformance.protocol.observation import Node, Observation
from conformance.relations.relation import Pair, PlannedRelation, pairs

NONE = Demands()
"""Of a case that leaves how it is judged to the harness."""


def broken(
    asked: PlannedRelation, base: Observation, other: Observation, reference: Observation, demands: Demands = NONE
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
        measured = distance(got, allowed)
        if measured.over or unlike(wanted, got, allowed).any():
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
