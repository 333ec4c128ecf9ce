"""Plans in which the reference's own activations stand in place of a lane's, so that one fault does not hide the next.

A node is given by inputs that hold what the reference has there, masks included; all that is computed from it then
starts from what is right. A lane that still differs behind it has a fault of its own there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.case.expressions import GIVEN, parse
from conformance.case.model import Case
from conformance.diagnose.divergence import Divergence, differs, divergences, observed_sources, wrong_nodes
from conformance.judge.compare import matched_outputs
from conformance.mutants.observe import observe
from conformance.protocol.observation import Array, Observation
from conformance.protocol.wire import pack

Plan = Mapping[str, Any]
Ask = Callable[[Sequence[Plan]], list[Observation]]
"""From plans to what one lane answers to them, in their order."""

MOST_ROUNDS = 8
"""Faults one behind the other that are looked for."""


def fed(plan: Plan, reference: Observation, given: Iterable[str]) -> Plan:
    """The plan in which these observed nodes are what the reference has there, instead of being computed."""
    known = set(given)
    inputs, graph = dict(plan["inputs"]), []
    runs = [dict(run) for run in plan["runs"]]

    def hold(name: str, arrays: Sequence[Array]) -> str:
        shapes = [array.shape for array in arrays]
        shape = [int(n) if all(other[axis] == n for other in shapes) else None for axis, n in enumerate(shapes[0])]
        inputs[name] = {"shape": shape, "dtype": str(arrays[0].dtype)}
        for run, array in zip(runs, arrays, strict=True):
            run[name] = pack(array)
        return name

    for node, expression in plan["graph"]:
        if node not in known:
            graph.append([node, expression])
            continue
        parts = []
        for place, first in enumerate(reference.runs[0][node].outputs):
            outputs = [run[node].outputs[place] for run in reference.runs]
            part = hold(f"{node}__{place}", [np.asarray(one.values).astype(one.dtype) for one in outputs])
            if first.mask is not None:
                part = f"{GIVEN}({part}, {hold(f'{node}__{place}_mask', [np.asarray(one.mask) for one in outputs])})"
            parts.append(part)
        graph.append([node, parts[0] if reference.runs[0][node].structure is None else f"[{', '.join(parts)}]"])
    return {
        **plan,
        "id": f"{plan['id']}|fed {' '.join(sorted(known))}",
        "inputs": inputs,
        "runs": runs,
        "graph": graph,
        "observed": [node for node in plan["observed"] if node not in known],
        "cotangents": {},
        "trainings": [],
    }


def alone(case: Case, plan: Plan, reference: Observation, node: str) -> Plan:
    """The plan of one node, computed from what the reference has in everything that it is computed from."""
    sources = [source for source in observed_sources(case)[node] if source in plan["observed"]]
    whole = fed(plan, reference, sources)
    texts = dict(whole["graph"])
    needed: set[str] = set()
    waiting = [node]
    while waiting:
        name = waiting.pop()
        needed.add(name)
        waiting += [used for used in parse(texts[name]).names() if used in texts and used not in needed]
    called = {callee for name in needed for callee in parse(texts[name]).callees()}
    read = {layer for name in needed for layer, _ in parse(texts[name]).layers_with_weights()}
    used = {name for text in needed for name in parse(texts[text]).names()}
    return {
        **whole,
        "id": f"{plan['id']}|{node} alone",
        "graph": [[name, text] for name, text in whole["graph"] if name in needed],
        "observed": [node],
        "layers": {name: spec for name, spec in whole["layers"].items() if name in called | read},
        "inputs": {name: spec for name, spec in whole["inputs"].items() if name in used},
        "runs": [{name: array for name, array in run.items() if name in used} for run in whole["runs"]],
    }


def is_reproduced(case: Case, plan: Plan, reference: Observation) -> bool:
    """Whether the reference itself gives on this plan what it gave before: not so where a call has a memory."""
    found = answered(plan)
    if found is None:
        return False
    every = list(matched_outputs(found, reference, reference, case.demands, 1.0))
    return bool(every) and not any(differs(item, gives_masks=True) for item in every)


def answered(plan: Plan, with_sensitivity: bool = False) -> Observation | None:
    """What the reference gives on a plan, its floats as if they were a lane's; None where it raises."""
    try:
        found = observe(plan, lambda layer: layer, with_sensitivity)
    except Exception:  # a layer that cannot be made or called so: the plan asks for nothing
        return None
    return None if found.failure is not None else found


def further(
    case: Case, plan: Plan, got: Observation, reference: Observation, gives_masks: bool, ask: Ask
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
