"""The shape trace: a lane's calls with the names of axes beside their numbers, up to the call that failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from conformance.record.case import Record
from conformance.record.parts import StepRecord
from conformance.report.blocks import Block, Cell, Table
from conformance.report.facts import (
    REFERENCE,
    axes_of,
    axis_names,
    flat_shapes,
    is_shape,
    node,
    reference_step,
    rule_of,
    steps_by_run,
)
from conformance.report.words import bound_shape, dims_text, one_line, raised_text, shape_text


def trace_table(record: Record, lane: str, run: int) -> list[Block]:
    """One row a call: node, layer, what went in and came out, the symbolic shape, the rule with its numbers.

    Of a lane that raised before it made a call, the reference's calls are shown, and then what it raised; where the
    reference refuses, those of the first lane that answers.
    """
    if lane not in record.lanes:
        return []
    failure = record.lanes[lane].failure
    shown = lane if record.lanes[lane].steps or REFERENCE not in record.lanes else REFERENCE
    if not record.lanes[shown].steps and record.lanes[shown].failure is not None:
        answering = (name for name, held in record.lanes.items() if held.steps and held.failure is None)
        shown = next(answering, shown)
    chunks = steps_by_run(record, shown)
    index = run if run < len(chunks) else len(chunks) - 1
    rows = [
        (
            Cell(one_line(step.node, 60)),
            Cell(one_line(step.callee, 60)),
            Cell(
                ", ".join(named_shapes(record, shape, run, _from(record, shape, run, before)) for shape in step.inputs)
            ),
            _output_cell(record, run, position, step),
            Cell(_symbolic(record, shown, step, run)),
            Cell(one_line(step.rule or rule_of(record, run, position, step), 400)),
        )
        for position, step in enumerate(chunks[index])
        for before in [[earlier.node for earlier in chunks[index][:position]]]
    ]
    if failure is not None:
        where = one_line(failure.node, 60) or "the case"
        raised = Cell(f"{one_line(lane, 40)} raised {raised_text(failure)}", "differ")
        rows.append((Cell(where), Cell(""), Cell(""), raised, Cell(""), Cell("")))
    if not rows:
        return []
    sizes = dims_text(record.dims[run]) if run < len(record.dims) else ""
    caption = f"calls of {one_line(shown, 40)}" + (f" at {sizes}" if sizes else "")
    head = ("node", "layer", "in", "out", "symbolic", "rule")
    kept = [column for column in range(len(head)) if column < 4 or any(row[column].text for row in rows)]
    cells = tuple(tuple(row[column] for column in kept) for row in rows)
    return [Table(caption, tuple(head[column] for column in kept), cells, "ruled")]


def _output_cell(record: Record, run: int, position: int, step: StepRecord) -> Cell:
    """What came out of a call; marked where the reference's same call on the same shapes gives another shape."""
    said = named_shapes(record, step.outputs, run, step.node)
    same = reference_step(record, run, position, step)
    return Cell(said, "" if same is None or same.outputs == step.outputs else "differ")


def _from(record: Record, shape: Any, run: int, nodes: Sequence[str]) -> str:
    """The last of these nodes that has a shape: where an array of that shape came from, as far as one can see."""
    for label in reversed(nodes):
        found = node(record, REFERENCE, label, run)
        if found is not None and list(found.shape) == list(shape):
            return label
    return ""


def named_shapes(record: Record, nested: Any, run: int, label: str = "") -> str:
    """One shape as `(batch 2, steps 11, 7)`, or a list of them in brackets; `label` is the node whose shape it is."""
    if isinstance(nested, tuple) and nested and all(isinstance(item, tuple) for item in nested):
        return f"[{', '.join(named_shapes(record, item, run) for item in nested)}]"
    names = axes_of(record, label, nested, run) if label else axis_names(record, nested, run)
    return bound_shape(names, nested)


def _symbolic(record: Record, lane: str, step: StepRecord, run: int) -> str:
    """The shape that was promised before there were numbers, from this lane or from any that says."""
    count = len(flat_shapes(step.outputs))
    labels = [step.node] if is_shape(step.outputs) else [f"{step.node}[{index}]" for index in range(count)]
    for name in [lane, *record.lanes]:
        given = [node(record, name, label, run) for label in labels]
        promised = [found.symbolic for found in given if found is not None and found.symbolic is not None]
        if promised and len(promised) == len(labels):
            texts = [shape_text(shape) for shape in promised]
            return texts[0] if is_shape(step.outputs) else f"[{', '.join(texts)}]"
    return ""
