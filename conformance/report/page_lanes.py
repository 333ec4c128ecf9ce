"""What the lanes gave: one node lane by lane with its axes as columns, and every node in a row of its own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from conformance.protocol.counterparts import is_torchs
from conformance.record.case import ExpectedNodeRecord, Record
from conformance.record.parts import NodeRecord
from conformance.report.answer import meaning_of, titles
from conformance.report.blocks import GLYPHS, Block, Cell, Paragraph, Table
from conformance.report.facts import (
    REFERENCE,
    Lanes,
    axes_of,
    expected_node,
    is_failure,
    key_label,
    key_run,
    lane_names,
    node,
    node_labels,
    run_count,
    varying_sizes,
)
from conformance.report.words import (
    bound_shape,
    dims_text,
    mask_text,
    noun_of,
    one_line,
    raised_text,
    shape_text,
    share_text,
    used_text,
)


def lane_blocks(record: Record, lanes: Lanes) -> list[Block]:
    """One row a lane for the node that the case is about, its axes as columns; what was expected on top."""
    named = titles(record, lanes)
    label, run = key_label(record), key_run(record)
    wanted = _wanted_shape(record, label, run)
    axes = axes_of(record, label, wanted, run) if wanted is not None else []
    heads = [one_line(axis, 60) or f"axis {index}" for index, axis in enumerate(axes)]
    rank = max([len(heads), *(len(found.shape) for name in named if (found := node(record, name, label, run)))])
    heads += [f"axis {index}" for index in range(len(heads), rank)]
    rows = [_expected_row(record, label, wanted, rank)] if _states(record, label) else []
    carrying = {row.name for row in lanes if not row.gives_masks}
    for name in lane_names(record):
        row = _lane_row(record, name, named[name], label, run, wanted, rank)
        rows.append(tuple(map(_carried, row)) if name in carrying else row)
    sizes = varying_sizes(record, run)
    caption = f"the node {one_line(label, 60)}, lane by lane" if label else "lane by lane"
    if sizes:
        caption += f", at {dims_text(sizes)}"
    head = ("lane", "version", "verdict", *heads, "dtype", "mask", noun_of(record))
    has_reasons = any(len(row[-1].text) > 40 for row in rows)
    return [Table(caption, head, tuple(rows), "ruled" if has_reasons else ""), *_meanings(record, lanes)]


def _meanings(record: Record, lanes: Lanes) -> list[Block]:
    """What the lanes of torch's compute; of a question in torch's words they run what is written."""
    if any(map(is_torchs, record.layers)):
        return []
    said = [(row.name, meaning_of(row)) for row in lanes if row.name in record.lanes]
    return [Paragraph(f"Lane {one_line(name, 40)}: {words}.", "note") for name, words in said if words]


def _carried(cell: Cell) -> Cell:
    """The mask of a lane that has none of its own: the harness carries it along, and nobody judges it."""
    return Cell(f"{cell.text}, carried", "muted") if cell.text.endswith(" true") else cell


def _states(record: Record, label: str) -> bool:
    return expected_node(record, label) != ExpectedNodeRecord()


def _wanted_shape(record: Record, label: str, run: int) -> Sequence[int] | None:
    """The shape that a node should have: as the case says, else the reference's, else that of any lane."""
    for name in record.lanes:
        for found in record.lanes[name].findings:
            if (found.kind, found.node, found.run, found.wanted_by) == ("shape", label, run, "case"):
                wanted: Sequence[int] = found.wanted
                return wanted
    given = (node(record, name, label, run) for name in lane_names(record))
    return next((found.shape for found in given if found is not None), None)


def _expected_row(record: Record, label: str, wanted: Sequence[int] | None, rank: int) -> tuple[Cell, ...]:
    stated = record.expects.nodes[label]
    shape = [str(length) for length in wanted] if wanted is not None and stated.shape is not None else []
    mask = stated.mask
    mask_words = "" if mask is None else mask if isinstance(mask, str) else "as written"
    return (
        Cell("expected"),
        Cell("by the case", "muted"),
        Cell(""),
        *(Cell(shape[index] if index < len(shape) else "", "number") for index in range(rank)),
        Cell(one_line(stated.dtype or "", 40)),
        Cell(one_line(mask_words, 40)),
        Cell("values as written" if stated.values is not None else "", "muted"),
    )


def _lane_row(
    record: Record, name: str, title: str, label: str, run: int, wanted: Sequence[int] | None, rank: int
) -> tuple[Cell, ...]:
    held, found = record.lanes[name], node(record, name, label, run)
    differing = {item.aspect: item for item in held.findings if (item.node, item.run) == (label, run)}
    verdict = Cell(one_line(held.verdict, 20), "differ" if is_failure(held.verdict) else "agree")
    if held.verdict in ("unsupported", "known"):
        verdict = Cell(f"{GLYPHS[held.verdict]} {held.verdict}", "muted")
    start = (Cell(one_line(name, 40)), Cell("" if title == name else title, "muted"), verdict)
    if found is None:
        why = raised_text(held.failure) if held.failure else one_line(held.reason, 160) or "did not give it"
        return (*start, *(Cell("") for _ in range(rank)), Cell(""), Cell(""), Cell(why, "muted"))
    return (
        *start,
        *(_axis_cell(found.shape, wanted or [], index) for index in range(rank)),
        Cell(one_line(found.dtype, 40), "differ" if "dtype" in differing else ""),
        Cell(mask_text(found.mask), "differ" if "mask" in differing else ""),
        _used_cell(record, name, found, differing),
    )


def _axis_cell(shape: Sequence[int], wanted: Sequence[int], index: int) -> Cell:
    """The length of an axis; `7, not 11` where another was wanted."""
    have = str(shape[index]) if index < len(shape) else "none"
    want = str(wanted[index]) if index < len(wanted) else "none"
    return Cell(have, "number") if have == want else Cell(f"{have}, not {want}", "differ")


def _used_cell(record: Record, name: str, found: NodeRecord, differing: Mapping[Any, Any]) -> Cell:
    if name == REFERENCE:
        return Cell("the reference", "muted")
    if found.distance is None:
        return Cell("not compared", "muted")
    if found.not_judged == "random":
        return Cell("not compared: it is random", "muted")
    if found.not_judged is not None:
        return Cell("not judged: its budget allows every answer", "muted")
    return Cell(share_text(found.distance.used), "differ" if {"values", "special"} & differing.keys() else "number")


_TIERS = {"exact": "the last bit", "budget": "the budget", "tolerance": "the case's tolerance"}
_NODE_HEAD = ("shape", "symbolic", "dtype", "mask", "judged by", "lanes")
_OPTIONAL = ("at", "symbolic")
"""Columns that are left out where they have nothing to say."""


def node_blocks(record: Record) -> list[Block]:
    """Every node in every run: its shape with named axes, and the lanes that see it otherwise."""
    labels, runs = node_labels(record), run_count(record)
    if len(labels) * runs < 2:
        return []
    rows = [_node_row(record, label, run) for label in labels for run in range(runs)]
    head = ("node", "at", *_NODE_HEAD)
    kept = [
        column for column, name in enumerate(head) if name not in _OPTIONAL or any(row[column].text for row in rows)
    ]
    cells = tuple(tuple(row[column] for column in kept) for row in rows)
    caption = "every node in every run" if 1 in kept else "every node"
    return [Table(caption, tuple(head[column] for column in kept), cells)]


def _node_row(record: Record, label: str, run: int) -> tuple[Cell, ...]:
    given = {name: found for name in lane_names(record) if (found := node(record, name, label, run)) is not None}
    sizes = dims_text(varying_sizes(record, run))
    if not given:
        return (
            Cell(one_line(label, 60)),
            Cell(sizes),
            *(Cell("") for _ in range(5)),
            Cell("no lane got here", "muted"),
        )
    found = next(iter(given.values()))
    symbolic = next((item.symbolic for item in given.values() if item.symbolic is not None), None)
    return (
        Cell(one_line(label, 60)),
        Cell(sizes),
        Cell(bound_shape(axes_of(record, label, found.shape, run), found.shape)),
        Cell("" if symbolic is None else shape_text(symbolic)),
        Cell(one_line(found.dtype, 40)),
        Cell(mask_text(found.mask)),
        Cell(_TIERS.get(found.tier, "")),
        _lanes_cell(record, label, run, given),
    )


def _lanes_cell(record: Record, label: str, run: int, given: Mapping[str, NodeRecord]) -> Cell:
    """Who differs at a node, and in what; else how much of the budget the lanes used."""
    differing = [
        f"{one_line(name, 40)} {found.aspect}"
        for name, held in record.lanes.items()
        for found in held.findings
        if (found.node, found.run) == (label, run)
    ]
    if differing:
        return Cell(", ".join(dict.fromkeys(differing)), "differ")
    judged = [found for found in given.values() if found.distance is not None and found.not_judged is None]
    used = [found.distance.used for found in judged if found.distance is not None]
    is_open = not judged and any(found.not_judged is not None for found in given.values())
    numbers = [share for share in used if not math.isnan(share)]
    words = used_text(max(numbers), noun_of(record)) if numbers else "not judged" if is_open else ""
    missing = [one_line(name, 40) for name in record.lanes if name not in given]
    return Cell("; ".join(filter(None, [words, f"not in {', '.join(missing)}" if missing else ""])))
