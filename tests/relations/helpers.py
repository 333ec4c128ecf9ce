"""A case of one layer, the reference's answer to it, and the relations that hold for it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from conformance.form import to_json
from conformance.lanes.numpy import Reference
from conformance.lanes.spec import LaneSpec
from conformance.plans.draw import plan_of
from conformance.protocol.observation import Observation, from_message
from conformance.protocol.plan import Plan
from conformance.relations.applicable import relations_of
from conformance.relations.relation import PlannedRelation
from conformance.run import LANES, Run
from tests.builders import POOLED, cases_of

CASE = """
    schema_version: 1
    topic: relations
    dims: {{batch: 3, steps: 6, features: 4}}
    source: {{kind: hand}}
    cases:
      - id: one
        question: What does it keep?
        inputs: {inputs}
        layers: {{layer: {layer}}}
        graph: {{y: {graph}}}
"""
X = "{x: {shape: [batch, steps, features]}}"


def kept(folder: Path, layer: str, graph: str = "layer(x)", inputs: str = X) -> set[str]:
    """The relations that the reference keeps for a case of one layer."""
    (case,) = cases_of(CASE.format(layer=layer, graph=f'"{graph}"', inputs=inputs), folder)
    plan = plan_of(case, with_gradients=False)
    return names_of(relations_of(plan, answer(plan)))


def names_of(asked: Iterable[PlannedRelation]) -> set[str]:
    """Each relation by itself, of those too that are asked at once."""
    return {one.relation.name for whole in asked for one in whole.members or (whole,)}


def asked_of(folder: Path, layer: str, graph: str = "layer(x)") -> tuple[Plan, Observation, list[PlannedRelation]]:
    """The plan of a case of one layer, the reference's answer, and what will be asked."""
    (case,) = cases_of(CASE.format(layer=layer, graph=f'"{graph}"', inputs=X), folder)
    plan = plan_of(case, with_gradients=False)
    reference = answer(plan)
    return plan, reference, relations_of(plan, reference)


def answer(plan: Plan) -> Observation:
    """What the reference gives for a plan."""
    found = from_message("numpy", "numpy", Reference({}).observe(plan))
    assert found.failure is None
    return found


def judged(case: Any, spec: LaneSpec) -> dict[str, Any]:
    """The record of a case that this lane and the reference ran, relations and all."""
    run = Run((spec, LANES["numpy"]), in_process=[spec.name, "numpy"], with_relations=1)
    run.announce([(case, [spec.name])])
    return to_json(run.record(case))


def judged_lane(folder: Path, spec: LaneSpec) -> dict[str, Any]:
    """What the lane did in a masked average of an embedding, `fam/topic.masked`."""
    found: dict[str, Any] = judged(cases_of(POOLED, folder)[0], spec)["lanes"][spec.name]
    return found
