"""The reference as a lane under a dtype policy has to answer: its dtypes there, its exact nodes, its sensitivities.

Judging goes on as for float32, with another reference: every output says by which format it was rounded, and the
budget takes its unit from there. docs/modes.md derives what that makes of each term.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.protocol.formats import FORMATS, POLICIES, Format, coarser
from conformance.protocol.names import USUAL as USUAL
from conformance.protocol.observation import Array, Node, Observation, Output
from conformance.protocol.wire import unpack


def reference_under(reference: Observation, policy: str, like: Observation | None = None) -> Observation:
    """The reference under a policy. `like` is the observation that knows the policy, where the reference does not.

    Without sensitivities of its own format (float64, which the reference itself rounds by, or a mistaken reference)
    those of float32 are scaled by the ratio of the units.
    """
    facts = (like or reference).policies.get(policy)
    if policy == USUAL or facts is None:
        return reference
    exact = frozenset(facts["exact"])
    sensitivities = facts["sensitivity"] if like is None else []
    coarsest = POLICIES[policy].coarsest
    runs = tuple(
        {
            name: _node(node, facts["precisions"].get(name), _moves(sensitivities, run, name), name in exact, coarsest)
            for name, node in nodes.items()
        }
        for run, nodes in enumerate(reference.runs)
    )
    gradients = {
        name: _gradient(output, facts["gradients"].get(name), coarsest) for name, output in reference.gradients.items()
    }
    return replace(reference, runs=runs, gradients=gradients, exact=exact, policy=policy)


def _moves(sensitivities: Sequence[Mapping[str, Any]], run: int, name: str) -> list[Any]:
    return list(sensitivities[run].get(name, ())) if run < len(sensitivities) else []


def _node(node: Node, precision: Sequence[str] | None, moves: list[Any], is_exact: bool, format: Format) -> Node:
    if precision is None:
        return node
    dtype, coarsest = precision[0], FORMATS[precision[1]]
    outputs = []
    for index, output in enumerate(node.outputs):
        if output.values.dtype.kind != "f":
            outputs.append(output)
            continue
        own = unpack(moves[index]) if index < len(moves) and coarsest is format else None
        moved = own if own is not None else scaled(output.sensitivity, coarsest)
        outputs.append(replace(output, dtype=dtype, sensitivity=moved, precision=coarsest.name))
    return replace(node, outputs=tuple(outputs))


def _gradient(output: Output, moved: Any, format: Format) -> Output:
    own = scaled(output.sensitivity, format) if moved is None else unpack(moved)
    return replace(output, sensitivity=own, precision=format.name)


def scaled(sensitivity: Array | None, format: Format) -> Array | None:
    """The sensitivity to another format's roundings, as far as it is linear."""
    return None if sensitivity is None else np.asarray(sensitivity * (format.unit / FORMATS[USUAL].unit))


def coarser_policy(a: str, b: str) -> str:
    """Of two policies the one that rounds more."""
    return a if coarser(POLICIES[a].coarsest, POLICIES[b].coarsest) is POLICIES[a].coarsest else b
