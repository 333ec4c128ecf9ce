"""A record as plain text: the verdict in one line, a failure for the terminal, the whole page for a chat.

Everything is a pure function of the record. The words of findings come from `conformance.report.words`.
"""

from __future__ import annotations

import itertools
import math
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from conformance.record.case import Record
from conformance.record.lane import LaneRecord
from conformance.record.parts import FindingRecord, GradientRecord, NodeRecord
from conformance.report.blocks import (
    GLYPHS,
    Block,
    Chips,
    Code,
    Command,
    Fold,
    Link,
    Paragraph,
    Pictures,
    Table,
)
from conformance.report.facts import REFERENCE, Lanes, axes_of, element, flat, lane_names, node, rule_of, steps_by_run
from conformance.report.findings import attribution, because, verdict_text
from conformance.report.page import page_of
from conformance.report.words import (
    bias_text,
    convention_text,
    decimal,
    direct_text,
    element_text,
    failure_text,
    index_text,
    inequality,
    inequality_terms,
    mask_text,
    named_shape,
    noun_of,
    one_line,
    place,
    rerun_command,
    shape_text,
    shapes_text,
    single,
    used_text,
    without_start_up,
)

WIDTH = 118
MAX_LINES = 25
"""Lines of a failure in the terminal, a small array not counted; whoever wants more opens the page."""
SIDE_BY_SIDE = 16
"""Elements of an array that stand side by side, a column a lane."""
_LABEL = 10
_MAX_STEPS = 6
_MAX_LANES = 6
_ANSWER = 72
"""Characters of what a lane gave or raised, where lanes stand below each other."""


def headline(record: Record, lane: str) -> str:
    """The verdict on a lane in one line, beginning with the aspect or the verdict and naming the lane."""
    return verdict_text(record, lane)


def lane_failure(record: Record, lane: str) -> str:
    """A lane's failure in at most 25 lines of plain text, a small array apart: verdict, evidence, how to rerun."""
    found = record.lanes[lane]
    finding = found.findings[0] if found.findings else None
    before = [
        headline(record, lane),
        "",
        *_block("question", _wrapped(record.question, 2)),
        *_block("case", [place(record)]),
    ]
    after = [*_block("so", _sentences(attribution(record))), *_block("again", [rerun_command(record, lane)])]
    middle: list[str] = []
    if finding is not None:
        middle += _block("answers", _answers(record, finding))
        middle += _block("held to", _wrapped(unspoken(record), 2) if unspoken(record) else [])
        middle += _block("elements", side_by_side(record, finding))
        middle += _block("allowed", _allowed(record, finding))
        middle += _block("also", _also(found))
        middle += _block("because", _wrapped(because(record, lane), 3) if because(record, lane) else [])
    raised = found.failure or found.gradient_failure
    message = "" if raised is None else raised.message
    if message and one_line(message) not in before[0]:
        middle += _block("message", _wrapped(message, 4))
    longest = MAX_LINES + (0 if finding is None else len(side_by_side(record, finding)))
    room = longest - len(before) - len(middle) - len(after)
    steps = _block("steps", _step_lines(record, lane, min(_MAX_STEPS, room)))
    chatter = _block("printed", _last_line(found.chatter)) if len(steps) < room else []
    return "\n".join([*before, *middle, *steps, *chatter, *after][:longest])


def _block(label: str, lines: list[str]) -> list[str]:
    """Lines under a label in the left margin; nothing where there are none."""
    margin = " " * (_LABEL + 2)
    return [(f"  {label:<{_LABEL}}" if index == 0 else margin) + line for index, line in enumerate(lines)]


def _wrapped(text: str, limit: int, width: int = WIDTH - _LABEL) -> list[str]:
    """A field's text in at most so many lines."""
    lines = textwrap.wrap(one_line(text, limit * width), width) or [""]
    return lines if len(lines) <= limit else [*lines[: limit - 1], f"{lines[limit - 1][: width - 1]}…"]


def _sentences(text: str) -> list[str]:
    return [text] if text else []


def _last_line(chatter: str) -> list[str]:
    lines = without_start_up(chatter[-2_000:]).splitlines()
    return [one_line(lines[-1], WIDTH)] if lines else []


def unspoken(record: Record) -> str:
    """That no reference spoke, and what lanes are held to; empty where one did."""
    held = record.lanes.get(REFERENCE)
    return held.reason if held is not None and held.verdict == "not judged" else ""


def _answers(record: Record, finding: FindingRecord) -> list[str]:
    """What every lane gave for the aspect that differs, what was expected on top."""
    rows = [("expected", words, "by the case") for words in _stated(record, finding)]
    names = lane_names(record)
    rows += [
        (one_line(name, 24), answer_text(record, name, finding), record.lanes[name].verdict)
        for name in names[:_MAX_LANES]
    ]
    name_width, answer_width = (max(len(row[column]) for row in rows) for column in (0, 1))
    lines = [f"{name:<{name_width}}  {answer:<{answer_width}}  {verdict}" for name, answer, verdict in rows]
    left_out = len(names) - _MAX_LANES
    return [*lines, f"and {left_out} more lanes"] if left_out > 0 else lines


def side_by_side(record: Record, finding: FindingRecord) -> list[str]:
    """The elements of a small array, a column a lane, and how far apart they lie in relation to the reference's."""
    if finding.aspect not in ("values", "special"):
        return []
    held = {name: node(record, name, finding.node, finding.run) for name in lane_names(record)[:_MAX_LANES]}
    arrays = {name: found for name, found in held.items() if found is not None and found.values is not None}
    shapes = {found.shape for found in arrays.values()}
    if len(arrays) < 2 or len(shapes) != 1 or not 1 < math.prod(next(iter(shapes))) <= SIDE_BY_SIDE:
        return []
    (shape,) = shapes
    columns = {one_line(name, 24): [element_text(v, a.dtype) for v in flat(a.values)] for name, a in arrays.items()}
    places = [index_text(index) for index in itertools.product(*map(range, shape))]
    wanted = flat(arrays[REFERENCE].values) if REFERENCE in arrays else None
    if wanted is not None:
        others = [flat(found.values) for name, found in arrays.items() if name != REFERENCE]
        columns["off by"] = [_relative(w, [other[i] for other in others]) for i, w in enumerate(wanted)]
    rows = [["", *columns], *([place, *cells] for place, *cells in zip(places, *columns.values(), strict=True))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _relative(wanted: Any, given: Sequence[Any]) -> str:
    """The largest error of any lane in relation to the reference's element: `2.1e-08`; empty where all are the same."""
    try:
        errors = [abs(float(value) - float(wanted)) for value in given]
    except (TypeError, ValueError):
        return ""
    largest = max(errors)
    if largest == 0 or not math.isfinite(largest):
        return "" if largest == 0 else decimal(largest)
    return f"{decimal(largest / abs(float(wanted)), 2)} rel." if float(wanted) else f"{decimal(largest, 2)} abs."


def _stated(record: Record, finding: FindingRecord) -> list[str]:
    if finding.wanted_by != "case":
        return []
    wanted = finding.wanted
    match finding.aspect, finding.kind:
        case "shape", "shape":
            return [named_shape(axes_of(record, finding.node, wanted, finding.run), wanted)]
        case (("shape" | "weights"), _):
            return [shape_text(wanted)] if isinstance(wanted, tuple) else []
        case "mask", _:
            return [mask_text(wanted)]
        case "dtype" | "params", _:
            return [one_line(wanted, 60)]
        case "special", _:
            return [f"{single(wanted[1])} at {index_text(wanted[0])}"]
        case "values", _ if finding.distance is not None and finding.distance.worst is not None:
            worst = finding.distance.worst
            return [f"{single(worst.reference)} at {index_text(worst.index)}"]
    return []


def answer_text(record: Record, lane: str, finding: FindingRecord) -> str:
    """What a lane gave for the aspect and node of a finding, in a few words."""
    held, label, run = record.lanes[lane], finding.node, finding.run
    if held.verdict in ("unsupported", "timeout", "crash"):
        return one_line(held.reason, _ANSWER)
    if held.failure is not None:
        return one_line(failure_text(held.failure), _ANSWER)
    if finding.aspect == "params":
        return str(held.params.get(label, "does not count"))
    if finding.aspect == "weights":
        layer, _, key = label.partition(".")
        shape = held.weights.get(layer, {}).get(key)
        own = held.native.get(layer, {}).get(key)
        return shape_text(shape) if shape is not None else shape_text(own.shape) if own is not None else "does not say"
    if finding.aspect == "gradient":
        return _gradient_answer(record, lane, label)
    if finding.aspect == "methods":
        return _method_answer(held, finding)
    found = node(record, lane, label, run)
    if found is None:
        if len(finding.between) > 1:
            return _several(record, lane, finding.between, run)
        return "does not have it" if label else "gave an answer"
    return _node_answer(record, lane, finding, found)


def _method_answer(held: LaneRecord, finding: FindingRecord) -> str:
    """What a lane's layer said of this node when the method of the finding was asked directly."""
    method = finding.kind.removesuffix("_raised").removesuffix("_count")
    said = (held.methods or {}).get(finding.node.partition("[")[0], {}).get(method)
    if said is None:
        return "is not asked"
    return one_line(direct_text(said), _ANSWER)


def _gradient_answer(record: Record, lane: str, label: str) -> str:
    """A lane's gradient of this name, what it raised instead of any, or why it gives none."""
    held = record.lanes[lane]
    given = held.gradients
    if held.gradient_failure is not None:
        return one_line(failure_text(held.gradient_failure), _ANSWER)
    if label in given:
        return gradient_text(record, given[label])
    if given:
        return f"gives {len(given)}"
    return "has them" if lane == REFERENCE else one_line(held.gradient_note or "has none", _ANSWER)


def gradient_text(record: Record, gradient: GradientRecord) -> str:
    """A gradient's shape, and how much of the budget its error used."""
    if gradient.convention is not None and not gradient.distance.over:
        return (
            f"{shape_text(gradient.shape)}, at a kink or a tie, where it takes {convention_text(gradient.convention)}"
        )
    if gradient.not_judged is not None and not gradient.distance.over:
        return f"{shape_text(gradient.shape)}, not judged: its budget allows every answer"
    return f"{shape_text(gradient.shape)}, {used_text(gradient.distance.used)}"


def _several(record: Record, lane: str, labels: Sequence[str], run: int) -> str:
    """The nodes of a claim: their shapes."""
    found = [node(record, lane, name, run) for name in labels]
    return " and ".join(shape_text(item.shape) if item is not None else "none" for item in found)


def _node_answer(record: Record, lane: str, finding: FindingRecord, found: NodeRecord) -> str:
    match finding.aspect:
        case "shape" if finding.kind == "symbolic":
            return f"{shape_text(found.symbolic)} symbolic, {shape_text(found.shape)} with numbers"
        case "dtype":
            return one_line(found.dtype, 40)
        case "mask":
            return mask_text(found.mask)
        case "values" | "special":
            return _value_answer(record, lane, finding, found)
        case _:
            return shape_text(found.shape)


def _value_answer(record: Record, lane: str, finding: FindingRecord, found: NodeRecord) -> str:
    worst = None if finding.distance is None else finding.distance.worst
    index = finding.got[0] if finding.aspect == "special" else None if worst is None else worst.index
    value = None if index is None else element(found.values, index)  # where nothing is judged there is no worst one
    if value is None and lane == REFERENCE and finding.wanted_by == "reference":
        value = finding.wanted[1] if finding.aspect == "special" else worst.reference if worst else None
    words = shape_text(found.shape) if value is None else element_text(value, found.dtype)
    if value is not None and index:
        words += f" at {index_text(index)}"
    if found.distance is not None:
        words += f", {used_text(found.distance.used, noun_of(record))}"
    return words


def _allowed(record: Record, finding: FindingRecord) -> list[str]:
    """The worst element's inequality, and where its right-hand side comes from."""
    found = finding.distance
    worst = None if found is None else found.worst
    if found is None or worst is None:
        return []
    if finding.kind == "bias":
        return [bias_text(found), f"each: {inequality(worst)} at {index_text(worst.index)}"]
    return [
        f"{inequality(worst)} at {index_text(worst.index)}; {used_text(found.used, noun_of(record))}",
        inequality_terms(record, worst),
    ]


def _also(found: LaneRecord) -> list[str]:
    """The other nodes in which the same aspect differs."""
    first = found.findings[0]
    others = {item.node for item in found.findings[1:] if item.node != first.node}
    names = [name for name in dict.fromkeys(item.node for item in found.findings) if name in others]
    if not names:
        return []
    left_out = found.findings_left_out + max(len(names) - 6, 0)
    shown = ", ".join(one_line(name, 40) for name in names[:6])
    return [f"{one_line(first.aspect, 40)} of {shown}" + (f" and {left_out} more" if left_out else "")]


def _step_lines(record: Record, lane: str, limit: int) -> list[str]:
    """A lane's calls up to the one that failed; the last ones where there is no room for all."""
    rows = list(step_rows(record, lane))
    if len(rows) < 1 or limit < 2:
        return []
    shown = rows if len(rows) <= limit else rows[-(limit - 1) :]
    lines = [] if len(shown) == len(rows) else [f"({len(rows) - len(shown)} earlier calls)"]
    width = max(len(row[0]) for row in shown)
    return lines + [one_line(f"{call:<{width}}", 60).ljust(width) + f"  {what}" for call, what in shown]


def step_rows(record: Record, lane: str, run: int = 0) -> Iterator[tuple[str, str]]:
    """The calls of one run: `pooled = pool` and `(2, 11, 7) -> (2, 7)   rule with its numbers`, then what failed.

    Of a lane that raised before it made a call, the reference's calls.
    """
    shown = lane if record.lanes[lane].steps or REFERENCE not in record.lanes else REFERENCE
    chunks = steps_by_run(record, shown)
    steps = chunks[run] if run < len(chunks) else chunks[-1]
    for index, step in enumerate(steps):
        shapes = f"{', '.join(shapes_text(shape) for shape in step.inputs)} -> {shapes_text(step.outputs)}"
        rule = step.rule or rule_of(record, run, index, step)
        yield (
            f"{one_line(step.node, 30)} = {one_line(step.callee, 30)}",
            shapes + (f"   {one_line(rule, 200)}" if rule else ""),
        )
    failure = record.lanes[lane].failure
    if failure is not None:
        yield (
            f"{one_line(failure.node, 30) or 'the case'}",
            f"raised {one_line(failure.type, 60)} in {failure.phase}",
        )


def case_text(record: Record, lanes: Lanes) -> str:
    """The whole page of a case as text, for a terminal or a chat; `lanes` are the lane rows of the results."""
    page = page_of(record, lanes)
    lines = [f"{GLYPHS.get(page.outcome, '?')} {page.outcome.upper()}  {page.id}", page.about]
    for section in page.sections:
        lines += ["", section.title]
        for block in section.blocks:
            lines += [f"  {line}".rstrip() for line in _block_lines(block)]
    return "\n".join(lines)


def _block_lines(block: Block) -> list[str]:
    match block:
        case Paragraph(text):
            return [line for part in text.split("\n") for line in textwrap.wrap(part, WIDTH - 2) or [""]]
        case Chips(items):
            return _filled([f"{GLYPHS.get(state, '?')} {words}" for words, state in items])
        case Code(text):
            return [f"  {line}" for line in text.split("\n")]
        case Command(text):
            return [f"$ {text}"]
        case Fold():
            return []  # the command that prints it stands below
        case Link(address):
            return [address]
        case Table():
            return _table_lines(block)
        case Pictures():
            return _picture_lines(block)


def _picture_lines(block: Pictures) -> list[str]:
    """Where the lane differs, in letters; each picture in words."""
    words = [f"{panel.words[:1].upper()}{panel.words[1:]}." for panel in block.panels]
    drawn = [f"  {line}" for line in [*block.lines, ". allowed, 1 to 6: over, in sixths of the largest error"]]
    return [f"{block.caption}:", *(drawn if block.lines else []), *words]


def _filled(items: Sequence[str]) -> list[str]:
    """Items side by side, none cut in two."""
    lines = [""]
    for item in items:
        if lines[-1] and len(lines[-1]) + len(item) + 3 > WIDTH:
            lines.append("")
        lines[-1] += f"   {item}" if lines[-1] else item
    return lines


def _table_lines(table: Table) -> list[str]:
    """A table with its columns in line; a cell that differs has its sign before it."""
    rows = [
        [f"{GLYPHS['differ']} {cell.text}" if cell.mark == "differ" else cell.text for cell in row]
        for row in table.rows
    ]
    columns = range(len(table.head))
    widths = [max(len(line[column]) for line in [table.head, *rows]) for column in columns]
    numbers = [all(row[column].mark in ("number", "differ") for row in table.rows) for column in columns]
    lines = []
    for line in [table.head, *rows]:
        cells = [
            text.rjust(width) if is_number else text.ljust(width)
            for text, width, is_number in zip(line, widths, numbers, strict=True)
        ]
        lines.append("  " + "  ".join(cells).rstrip())
    return [f"{table.caption}:", *lines]
