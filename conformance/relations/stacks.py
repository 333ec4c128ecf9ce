"""Plans that differ in their samples only, run as one: their batches beside each other, so that a layer is called once.

A call costs a framework far more than a few samples more do. That samples have nothing to do with each other is not
taken for granted: the case's own batch stands among the others when the reference runs them, and must come out as it
does by itself. It stands in the middle: an output that hangs on the first sample or on the last would show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from math import prod
from typing import Any

import numpy as np

from conformance.lanes.observation import Node, Observation
from conformance.lanes.wire import pack, unpack

Plan = Mapping[str, Any]
Form = tuple[Any, ...]

FEW = 2_000
"""Elements of all inputs of a run, up to which a call costs more than what is computed in it."""


def form_of(plan: Plan) -> Form | None:
    """What two plans must have in common to stand beside each other: dtypes, and all lengths but the first.

    None for a plan that gains nothing or of which no more samples can be asked: its inputs are large, or have no
    samples, or not all as many.
    """
    forms: list[Any] = []
    for run in plan["runs"]:
        batches = {packed["shape"][0] if packed.get("shape") else 0 for packed in run.values()}
        elements = sum(prod(packed.get("shape", ())) for packed in run.values())
        if len(batches) != 1 or batches == {0} or elements > FEW:
            return None
        forms.append([(name, packed["dtype"], tuple(packed["shape"][1:])) for name, packed in sorted(run.items())])
    return tuple(map(tuple, forms))


def stacked(plan: Plan, plans: Sequence[Plan]) -> Plan:
    """One plan of the samples of all of these, which have one form, in their order; `plan` says all the rest."""
    runs = []
    for beside in zip(*(one["runs"] for one in plans), strict=True):
        joined = {name: np.concatenate([unpack(run[name]) for run in beside]) for name in beside[0]}
        runs.append({name: pack(array) for name, array in joined.items()})
    inputs = {
        name: {**spec, "shape": [spec["shape"][0] and runs[0][name]["shape"][0], *spec["shape"][1:]]}
        for name, spec in plan["inputs"].items()
    }
    return {**plan, "inputs": inputs, "runs": runs}


def parted(got: Observation, plans: Sequence[Plan]) -> Iterator[Observation]:
    """What belongs to each of the plans that were stacked, without masks; outputs that cannot be cut are left out."""
    bounds = []
    for run in range(len(got.runs)):
        lengths = [next(iter(one["runs"][run].values()))["shape"][0] for one in plans]
        bounds.append(list(pairwise([0, *accumulate(lengths)])))
    for index in range(len(plans)):
        cut = (
            {name: piece for name, node in run.items() if (piece := _piece(node, *places[index], places[-1][1]))}
            for run, places in zip(got.runs, bounds, strict=True)
        )
        yield replace(got, runs=tuple(cut))


def _piece(node: Node, start: int, end: int, total: int) -> Node | None:
    """The rows of a node that belong to the samples from start to end, of so many; None where rows are not samples."""
    outputs = []
    for output in node.outputs:
        if output.values.ndim == 0 or len(output.values) % total:
            return None
        rows = len(output.values) // total
        values = output.values[start * rows : end * rows]
        outputs.append(replace(output, shape=values.shape, values=values, mask=None, sensitivity=None))
    return replace(node, outputs=tuple(outputs))
