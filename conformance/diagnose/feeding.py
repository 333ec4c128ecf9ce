"""Plans in which the reference's own activations stand in place of a lane's, so that one fault does not hide the next.

All that is computed from a node which is given so (`conformance.plans.derive`) starts from what is right: a lane that
still differs behind it has a fault of its own there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from conformance.case.model import Case
from conformance.diagnose.divergence import Divergence, differs, divergences, observed_sources, wrong_nodes
from conformance.judge.compare import matched_outputs
from conformance.oracle.run import Depth, answer
from conformance.plans.derive import fed, only_node
from conformance.protocol.observation import Observation
from conformance.protocol.plan import Plan

AskLane = Callable[[Sequence[Plan]], list[Observation]]
"""From plans to what one lane answers to them, in their order."""

MOST_ROUNDS = 8
"""Faults one behind the other that are looked for."""


def isolate_node(case: Case, plan: Plan, reference: Observation, node: str) -> Plan:
    """The plan of one node, computed from what the reference has in everything that it is computed from."""
    sources = [source for source in observed_sources(case)[node] if source in plan.observed]
    return replace(only_node(fed(plan, reference, sources), node), id=f"{plan.id}|{node} alone")


def is_reproduced(case: Case, plan: Plan, reference: Observation) -> bool:
    """Whether the reference itself gives on this plan what it gave before: not so where a call has a memory."""
    found = answered(plan)
    if found is None:
        return False
    every = list(matched_outputs(found, reference, reference, case.demands, 1.0))
    return bool(every) and not any(differs(item, gives_masks=True) for item in every)


def answered(plan: Plan, depth: Depth = Depth.VALUES) -> Observation | None:
    """What the reference gives on a plan, its floats as if they were a lane's; None where it raises."""
    try:
        found = answer(plan, depth)
    except Exception:  # a layer that cannot be made or called so: the plan asks for nothing
        return None
    return None if found.failure is not None else found


def starts_behind(
    case: Case, plan: Plan, got: Observation, reference: Observation, gives_masks: bool, ask: AskLane
) -> tuple[Divergence, ...]:
    """The starts that come to light when the reference's activations are given in place of the wrong nodes.

    In rounds: every node at which a difference starts is given, and the lane is asked again, until it agrees in all
    that follows.
    """
    starts = list(divergences(case, got, reference, gives_masks))
    wrong = wrong_nodes(case, got, reference, gives_masks)
    first = len(starts)
    for _ in range(MOST_ROUNDS):
        known = {start.node for start in starts}
        if wrong <= known or not known <= set(reference.runs[0]):
            break
        derived = fed(plan, reference, known)
        if not is_reproduced(case, derived, reference):
            break
        (found,) = ask([derived])
        if found.ended != "finished" or found.failure is not None or found.unsupported is not None:
            break
        more = divergences(case, found, reference, gives_masks, known)
        if not more:
            break
        starts += [replace(start, is_fed=True) for start in more]
        wrong = known | wrong_nodes(case, found, reference, gives_masks, known)
    return tuple(starts[first:])
