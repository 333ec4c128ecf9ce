"""Training on a case's page: each weight after each step, lane by lane, and what each lane's optimiser is."""

from __future__ import annotations

from typing import Any

from conformance.case.reports import FIT, is_report
from conformance.record.case import Record
from conformance.report.answer import nested_text
from conformance.report.blocks import Block, Cell, Paragraph, Table
from conformance.report.facts import REFERENCE, flat, lane_names, node, node_labels
from conformance.report.words import one_line, shape_text, share_text

TRAINING = "training "
"""How the names of trainings begin among what a lane holds of its own."""
FEW = 4
"""Numbers of a weight that a cell shows; of larger ones the first stands for all."""


def training_blocks(record: Record) -> list[Block]:
    """A row a weight and step, or a report and epoch: its first number in every lane, with the share of the budget."""
    labels = [label for label in node_labels(record) if "@" in label]
    reports = [label for label in labels if is_report(label)]
    weights = [label for label in labels if not is_report(label)]
    found: list[Block] = []
    if reports:
        found.append(_table(record, reports, "what is reported of each epoch", "report", "epoch"))
    if weights:
        after = "epoch" if any(label.startswith(f"{FIT}.") for label in reports) else "step"
        found.append(_table(record, weights, f"weights after each {after} of training", "weight", f"after {after}"))
    return [*found, *_optimizers(record)] if labels else []


def _table(record: Record, labels: list[str], caption: str, what: str, when: str) -> Table:
    lanes = [name for name in lane_names(record) if any(node(record, name, label) for label in labels)]
    rows = []
    for label in sorted(labels, key=_order):
        weight, _, step = label.partition("@")
        given = [node(record, name, label) for name in lanes]
        shape = next(found.shape for found in given if found is not None)
        cells = [_cell(record, name, label) for name in lanes]
        rows.append((Cell(one_line(weight, 60)), Cell(step, "number"), Cell(shape_text(shape)), *cells))
    head = (what, when, "shape", *(one_line(name, 40) for name in lanes))
    return Table(caption, head, tuple(rows), "ruled")


def _order(label: str) -> tuple[str, int]:
    weight, _, step = label.partition("@")
    return weight, int(step)


def _cell(record: Record, lane: str, label: str) -> Cell:
    found = node(record, lane, label)
    if found is None:
        return Cell("did not give it", "muted")
    words = _numbers(found.values)
    distance = found.distance
    if lane == REFERENCE or distance is None:
        return Cell(words)
    is_over = any(item.node == label for item in record.lanes[lane].findings)
    return Cell(f"{words}; {share_text(distance.used)}", "differ" if is_over else "")


def _numbers(values: Any) -> str:
    """The numbers where they are few, else the first of them."""
    if values is None:
        return "not kept"
    every = flat(values)
    return nested_text(values) if len(every) <= FEW else f"{nested_text(every[0])}, ..."


def _optimizers(record: Record) -> list[Block]:
    """What each lane's own optimiser is, where it is not Keras'."""
    return [
        Paragraph(
            f"{one_line(title, 40).capitalize()} in {one_line(lane, 40)} is by {one_line(name, 60)}: "
            f"{one_line(own.made_of, 200)}.",
            "note",
        )
        for lane, held in record.lanes.items()
        for title, optimizers in held.native.items()
        if title.startswith(TRAINING)
        for name, own in optimizers.items()
    ]
