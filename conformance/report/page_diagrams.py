"""What of a case is drawn: windows over padded axes, masks from node to node, gates and where torch has them.

All of it is read from the record: what the reference said of its calls, and what lanes gave. A layer that says where
its windows stand, or what its gates are, has its diagram by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from conformance.mapping import mapped_from
from conformance.record.case import Record
from conformance.record.parts import MaskRecord, StepRecord
from conformance.report.blocks import Block, Panel, Pictures
from conformance.report.diagram_gates import gate_panel
from conformance.report.diagram_masks import Flow, mask_panel
from conformance.report.diagram_windows import Window, window_panel
from conformance.report.facts import REFERENCE, axis_names, flat_shapes, node, node_labels, steps_by_run
from conformance.report.words import one_line

PANELS = 4
"""Diagrams of windows on one page."""
NODES = 10
"""Nodes in a diagram of masks."""


def window_blocks(record: Record, run: int) -> list[Block]:
    """Which steps each window of each call reads, axis by axis; the same windows once."""
    panels: dict[tuple[str, Window], Panel] = {}
    for step in _steps(record, run):
        for axis, window in _windows(record, step, run):
            panels.setdefault((axis, window), window_panel(window, axis))
    shown = tuple(panels.values())[:PANELS]
    reads = "which steps each output reads; what stands on padding is hollow"
    writes = "which steps of the output each step of the input writes; what is cut off is hollow"
    caption = "; ".join(
        words for words, is_meant in ((reads, False), (writes, True)) if any(w.writes is is_meant for _, w in panels)
    )
    return [Pictures(caption, shown, ())] if shown else []


def _steps(record: Record, run: int) -> Sequence[StepRecord]:
    """The reference's calls of one run."""
    if REFERENCE not in record.lanes:
        return ()
    chunks = steps_by_run(record, REFERENCE)
    return chunks[run] if run < len(chunks) else ()


def _windows(record: Record, step: StepRecord, run: int) -> Iterator[tuple[str, Window]]:
    """The name of each axis that windows slide over, and where they stand."""
    shapes = [flat_shapes(shape) for shape in step.inputs]
    shape = shapes[0][0] if shapes and shapes[0] else []
    windows = step.windows or ()
    lengths = [window.count if window.writes else window.length for window in windows]
    first = 1 if list(shape[1 : 1 + len(lengths)]) == lengths else 2
    names = axis_names(record, shape, run)
    for place, found in enumerate(windows, start=first):
        name = names[place] if place < len(names) else ""
        yield (
            one_line(name, 30) or f"axis {place}",
            Window(
                found.length,
                found.size,
                found.stride,
                found.dilation,
                found.left,
                found.right,
                found.count,
                bool(found.writes),
            ),
        )


def mask_flow_blocks(record: Record, run: int) -> list[Block]:
    """The mask of each node that carries one or that a layer made, and those of lanes that have another."""
    made_by = {step.node: one_line(step.callee, 30) for step in _steps(record, run)}
    flows: list[Flow] = []
    for label in node_labels(record):
        found = node(record, REFERENCE, label, run)
        if found is None:
            continue
        name = one_line(label, 40)
        others = [Flow(f"{name} in {one_line(lane, 30)}", "", rows) for lane, rows in _others(record, label, run)]
        flow = Flow(name, made_by.get(label, ""), _rows(found.mask))
        flows += [flow, *others] if flow.made_by or flow.mask is not None or others else []
    masked = [place for place, flow in enumerate(flows) if flow.mask]
    if not masked or any(flow.mask == () for flow in flows):
        return []
    shown = flows[masked[0] : masked[0] + NODES]
    caption = "the mask on its way: a filled cell is a real step, a hollow one is left out"
    return [Pictures(caption, (mask_panel(shown, "masks"),), ())]


def _rows(mask: MaskRecord | None) -> tuple[tuple[bool, ...], ...] | None:
    """A mask as rows; None for none, and no rows where it was too large to keep, or has not one or two axes."""
    if mask is None:
        return None
    values = mask.values
    if values is None or len(mask.shape) not in (1, 2):
        return ()
    rows = values if len(mask.shape) == 2 else [values]
    return tuple(tuple(bool(entry) for entry in row) for row in rows)


def _others(record: Record, label: str, run: int) -> Iterator[tuple[str, tuple[tuple[bool, ...], ...] | None]]:
    """The lanes that were found to have another mask there."""
    for lane, held in record.lanes.items():
        if lane != REFERENCE and any(
            (found.aspect, found.node, found.run) == ("mask", label, run) for found in held.findings
        ):
            found = node(record, lane, label, run)
            if found is not None:
                yield lane, _rows(found.mask)


def gate_blocks(record: Record) -> list[Block]:
    """Where the blocks of each recurrent kernel go in a lane that has weights of its own; the same move once."""
    gates = {step.callee: step.gates for step in _steps(record, 0) if step.gates is not None}
    panels: dict[tuple[tuple[str, ...], tuple[int, ...]], Panel] = {}
    for lane, held in record.lanes.items():
        for layer, weights in held.native.items():
            blocks = tuple(gates.get(layer, ()))
            for name, weight in weights.items():
                made = mapped_from(weight.source or "", weight.steps or ())
                if not blocks or "kernel" not in made.source or (weight.shape and weight.shape[0] % len(blocks)):
                    continue
                order = made.order or tuple(range(len(blocks)))
                ours, theirs = one_line(made.source, 40), f"{one_line(lane, 30)}: {one_line(name, 40)}"
                panels.setdefault((blocks, order), gate_panel(blocks, order, ours, theirs))
    caption = (
        "the blocks of the kernel, gate by gate, and where they stand in the lane's own weight; the other weights alike"
    )
    return [Pictures(caption, tuple(panels.values()), ())] if panels else []
