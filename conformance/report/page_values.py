"""The numbers of a page: the worst element with its inequality, arrays and masks of few elements as grids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from conformance.record.case import Record
from conformance.record.parts import ElementRecord, MaskRecord, NodeRecord
from conformance.report.answer import nested_text
from conformance.report.blocks import Block, Cell, Paragraph, Table
from conformance.report.facts import (
    REFERENCE,
    Lanes,
    answer_facts,
    differs,
    element,
    expected_node,
    is_failure,
    key_finding,
    key_label,
    key_run,
    lane_names,
    node,
    node_labels,
)
from conformance.report.pictures import picture_blocks
from conformance.report.words import (
    bias_text,
    decimal,
    element_text,
    index_text,
    inequality,
    inequality_terms,
    mask_differences,
    noun_of,
    one_line,
    shape_text,
    share_text,
    single,
)

MOST_ARRAYS = 4
"""Arrays that a page shows of a case whose answer speaks of several."""
WIDE = 24
"""Columns that a grid may have; a longer last axis is told in rows."""


def worst_blocks(record: Record) -> list[Block]:
    """The worst element of every lane that is over, with every term filled in, and the ten worst of several."""
    blocks: list[Block] = []
    for name in lane_names(record):
        for found in record.lanes[name].findings:
            distance = found.distance
            worst = None if distance is None else distance.worst
            if distance is None or worst is None:
                continue
            if found.kind == "bias":
                words = f"{one_line(name, 40)}, all of {one_line(found.node, 60)}: {bias_text(distance)}"
                blocks.append(Paragraph(words, "inequality"))
            where = f"{one_line(name, 40)}, {one_line(found.node, 60)} at {index_text(worst.index)}"
            blocks.append(Paragraph(f"{where}: {inequality(worst)} = {inequality_terms(record, worst)}", "inequality"))
            given = node(record, name, found.node, found.run)
            if given is not None and len(given.worst) > 1:
                wanted = "the case" if found.wanted_by == "case" else "reference"
                blocks.append(_worst_table(record, name, found.node, given.worst, wanted))
            break
    return blocks or ([] if is_failure(record.outcome) else _closest(record))


def _worst_table(record: Record, lane: str, label: str, rows: Sequence[ElementRecord], wanted: str) -> Table:
    cells = tuple(
        (
            Cell(index_text(row.index)),
            Cell(single(row.got), "number"),
            Cell(single(row.reference), "number"),
            Cell(decimal(row.error), "number"),
            Cell(decimal(row.allowed), "number"),
            Cell(share_text(row.used), "number"),
        )
        for row in rows
    )
    head = ("at", one_line(lane, 40), wanted, "error", "allowed", f"of the {noun_of(record)}")
    return Table(f"the worst elements of {one_line(label, 60)} in {one_line(lane, 40)}", head, cells)


def _closest(record: Record) -> list[Block]:
    """Where all lanes agree: the element that used most of the budget."""
    found = [
        (float(given.distance.used), name, label, run, given.distance.worst)
        for name in lane_names(record)
        for run, nodes in enumerate(record.lanes[name].runs)
        for label, given in nodes.items()
        if given.distance is not None
        and given.distance.worst is not None
        and isinstance(given.distance.used, int | float)
    ]
    largest = max(found, key=lambda item: item[0], default=None)
    if largest is None or largest[0] == 0 or largest[0] > 1:
        return []
    _, name, label, _, worst = largest
    where = f"Closest to the limit: {one_line(name, 40)}, {one_line(label, 60)} at {index_text(worst.index)}"
    return [Paragraph(f"{where}: {inequality(worst)} = {inequality_terms(record, worst)}", "inequality")]


def value_blocks(record: Record) -> list[Block]:
    """The arrays that the case is about: those that the answer speaks of, or the one that differs."""
    run = key_run(record)
    finding = key_finding(record)
    others = [label for label, aspect in answer_facts(record) if aspect == "values" and finding is None]
    claimed = finding.between if finding is not None else ()
    labels = list(dict.fromkeys([*claimed, *([] if claimed else [key_label(record)]), *others]))[:MOST_ARRAYS]
    blocks = [block for label in labels for block in _label_blocks(record, label, run)]
    return [*blocks, *_drawn(record)]


def _label_blocks(record: Record, label: str, run: int) -> list[Block]:
    """One array: the reference's, and beside it those of lanes that differ, where they are seen to be others.

    A summary where it is too large for a table.
    """
    given = {name: found for name in lane_names(record) if (found := node(record, name, label, run)) is not None}
    differing = [name for name in given if differs(record.lanes[name].verdict)]
    shown = [name for name in given if name == REFERENCE or name in differing] or list(given)[:1]
    blocks: list[Block] = []
    stated = expected_node(record, label).values
    if given and stated is not None and any(_contradicts(record, name, label, run) for name in given):
        blocks += grids(f"{one_line(label, 60)} as the case states it", stated, _shape(stated), "", set())
    tables: dict[Any, tuple[str, set[tuple[int, ...]], list[str]]] = {}
    for name in shown:
        found = given[name]
        if found.values is None:
            continue
        over = {tuple(row.index) for row in found.worst} | _special_places(record, name, label, run)
        shown_as = (nested_text(found.values), tuple(found.shape), found.dtype, frozenset(over))
        tables.setdefault(shown_as, (name, over, []))[2].append(one_line(name, 40))
    for first, over, names in tables.values():
        found = given[first]
        caption = f"{one_line(label, 60)} {shape_text(found.shape)} in {', '.join(names)}"
        blocks += grids(caption, found.values, found.shape, found.dtype, over)
    if not blocks and given:
        blocks.append(_summary(label, given))
    return blocks


def _contradicts(record: Record, lane: str, label: str, run: int) -> bool:
    """Whether a lane gave other numbers than those that the case states."""
    return any(
        (found.node, found.run, found.wanted_by) == (label, run, "case") and found.aspect in ("values", "special")
        for found in record.lanes[lane].findings
    )


def _special_places(record: Record, lane: str, label: str, run: int) -> set[tuple[int, ...]]:
    """Where a lane has NaN or an infinity and should not, or the other way round."""
    findings = record.lanes[lane].findings
    found = (item for item in findings if (item.kind, item.node, item.run) == ("special", label, run))
    return {tuple(item.got[0]) for item in found if item.aspect in ("values", "special")}


def _shape(nested: Any) -> list[int]:
    """The shape of nested lists of which each is as long as its neighbours."""
    return [len(nested), *_shape(nested[0])] if isinstance(nested, tuple) and nested else [0] if nested == () else []


def _drawn(record: Record) -> list[Block]:
    """The arrays that are too large for a table, of the lanes that differ: a block of numbers and heat maps."""
    blocks: list[Block] = []
    for name in lane_names(record):
        held = record.lanes[name]
        if differs(held.verdict) and held.picture:
            found = held.findings[0]
            worst = found.distance.worst if found.distance is not None and found.aspect != "special" else None
            place = found.got[0] if found.kind == "special" else worst.index if worst else None
            blocks += picture_blocks(held.picture, name, place)
    return blocks


def _summary(label: str, given: Mapping[str, NodeRecord]) -> Table:
    rows = []
    for name, found in given.items():
        summary = found.summary
        numbers = [summary.min, summary.mean, summary.max]
        texts = ["none" if value is None else decimal(value, 6) for value in numbers]
        counts = [str(summary.nan), str(summary.inf)]
        rows.append((Cell(one_line(name, 40)), *(Cell(text, "number") for text in [*texts, *counts])))
    return Table(
        f"{one_line(label, 60)} in five numbers", ("lane", "min", "mean", "max", "NaN", "infinite"), tuple(rows)
    )


def grids(caption: str, values: Any, shape: Sequence[int], dtype: str, over: set[tuple[int, ...]]) -> Iterator[Block]:
    """An array as a table: a row for each leading index, a column for each place on the last axis."""
    if not shape or 0 in shape:
        text = element_text(values, dtype) if not shape else "no elements"
        yield Table(caption, ("",), ((Cell(text, "differ" if () in over else "number"),),), "grid")
        return
    columns = shape[-1]
    if columns > WIDE:
        indices = list(product(*(range(length) for length in shape)))
        rows = [(Cell(index_text(index)), _grid_cell(values, index, dtype, over)) for index in indices]
        yield Table(caption, ("at", "value"), tuple(rows), "grid")
        return
    lines: list[tuple[Cell, ...]] = []
    for leading in product(*(range(length) for length in shape[:-1])):
        cells = [_grid_cell(values, (*leading, column), dtype, over) for column in range(columns)]
        label = index_text(leading)[:-1] + (", :]" if leading else ":]")
        lines.append((Cell(label), *cells))
    yield Table(caption, ("", *(str(column) for column in range(columns))), tuple(lines), "grid")


def _grid_cell(values: Any, index: tuple[int, ...], dtype: str, over: set[tuple[int, ...]]) -> Cell:
    value = element(values, index)
    text = decimal(value, 6) if isinstance(value, float) else element_text(value, dtype)
    return Cell(text, "differ" if index in over else "number")


def mask_blocks(record: Record, lanes: Lanes) -> list[Block]:
    """Masks as grids of 0 and 1: every distinct one of the node that the case is about, with the lanes that have it.

    A lane without masks of its own is left out where another has one: what it carries along is the reference's.
    """
    carrying = {row.name for row in lanes if not row.gives_masks}
    names = [name for name in lane_names(record) if name not in carrying] or lane_names(record)
    label, run = key_label(record), key_run(record)
    asked = [other for other, aspect in answer_facts(record) if aspect == "mask"]
    labels = list(dict.fromkeys([label, *asked, *node_labels(record)]))
    for shown in labels:
        holders: dict[str, tuple[MaskRecord, list[str]]] = {}
        for name in names:
            found = node(record, name, shown, run)
            if found is not None and found.mask is not None and found.mask.values is not None:
                holders.setdefault(str(found.mask), (found.mask, []))[1].append(one_line(name, 40))
        if holders:
            return [block for mask, who in holders.values() for block in _mask_grid(shown, mask, who, holders)]
    return []


def _mask_grid(label: str, mask: MaskRecord, names: Sequence[str], holders: Mapping[str, Any]) -> Iterator[Block]:
    first = next(iter(holders.values()))[0]
    differing: set[tuple[int, ...]] = set()
    if mask is not first and mask_differences(mask, first) is not None:
        indices = product(*(range(length) for length in mask.shape))
        differing = {index for index in indices if element(mask.values, index) != element(first.values, index)}
    yield from grids(f"mask of {one_line(label, 60)} in {', '.join(names)}", mask.values, mask.shape, "bool", differing)
