"""Plans that differ in their samples only, run as one: their batches beside each other, so that a layer is called once.

A call costs a framework far more than a few samples more do. That samples have nothing to do with each other is not
taken for granted: the case's own batch stands among the others when the reference runs them, and must come out as it
does by itself. It stands in the middle: an output that hangs on the first sample or on the last would show.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import numpy as np

from conformance.protocol.observation import Node, Observation, Output
from conformance.protocol.plan import Plan


def form_of(plan: Plan) -> Any:
    """What two plans must have in common to stand beside each other: dtypes, and all lengths but that of the batch.

    None for a plan of which no more samples can be asked: its inputs have none, or not all as many.
    """
    forms: list[Any] = []
    for run in plan.runs:
        axes = {name: plan.inputs[name].batch_axis for name in run}
        if not run or any(array.dtype == object or array.ndim <= axes[name] for name, array in run.items()):
            return None
        if len({array.shape[axes[name]] for name, array in run.items()}) > 1:
            return None
        rest = {name: (*array.shape[: axes[name]], *array.shape[axes[name] + 1 :]) for name, array in run.items()}
        forms.append([(name, str(array.dtype), rest[name]) for name, array in sorted(run.items())])
    return forms


def parted(got: Observation, plans: Sequence[Plan], plan: Plan, base: Observation) -> Iterator[Observation]:
    """What belongs to each of the plans that were stacked, without masks; outputs that cannot be cut are left out.

    `base` is what came out of `plan`: an output has its samples where it is longer than there.
    """
    ends = [[0, *accumulate(_samples(one, run) for one in plans)] for run in range(len(got.runs))]
    for index in range(len(plans)):
        cut = []
        for run, nodes in enumerate(got.runs):
            start, end = ends[run][index : index + 2]
            rows = Rows(start, end, ends[run][-1], _samples(plan, run))
            pieces = {name: _piece(node, base.runs[run].get(name), rows) for name, node in nodes.items()}
            cut.append({name: piece for name, piece in pieces.items() if piece is not None})
        yield replace(got, runs=tuple(cut))


@dataclass(frozen=True)
class Rows:
    """The samples of one plan among all that are stacked, and how many the case's own plan has."""

    start: int
    end: int
    total: int
    own: int


def _samples(plan: Plan, run: int) -> int:
    name, array = next(iter(plan.runs[run].items()))
    return int(array.shape[plan.inputs[name].batch_axis])


def _piece(node: Node, base: Node | None, rows: Rows) -> Node | None:
    """A node's part for some samples; None where its length is not theirs."""
    if base is None or len(base.outputs) != len(node.outputs):
        return None
    cut = [_cut(output, known.shape, rows) for output, known in zip(node.outputs, base.outputs, strict=True)]
    found = tuple(output for output in cut if output is not None)
    return replace(node, outputs=found) if len(found) == len(cut) else None


def _cut(output: Output, base: tuple[int, ...], rows: Rows) -> Output | None:
    if len(output.shape) != len(base):
        return None
    longer = [axis for axis in range(len(base)) if output.shape[axis] != base[axis]]
    if len(longer) != 1 or output.shape[longer[0]] * rows.own != base[longer[0]] * rows.total:
        return None
    each, rest = divmod(base[longer[0]], rows.own)
    if rest:
        return None
    values = np.take(output.values, range(rows.start * each, rows.end * each), longer[0])
    return replace(output, shape=values.shape, values=values, mask=None, sensitivity=None)
