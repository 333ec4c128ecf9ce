"""A case's page: which facts, in which order. No markup; the words of findings come from `words`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from conformance.record.case import Record
from conformance.record.parts import DeviationRecord, GradientRecord, PairRecord
from conformance.report.advice import advice
from conformance.report.answer import answer, is_refused, versions_text
from conformance.report.blocks import Block, Cell, Chips, Code, Command, Link, Page, Paragraph, Section, Table
from conformance.report.changes import change_blocks
from conformance.report.facts import (
    REFERENCE,
    Lanes,
    answer_facts,
    differs,
    is_failure,
    key_lane,
    key_run,
    lane_names,
)
from conformance.report.findings import because, finding_text, verdict_text
from conformance.report.page_diagrams import gate_blocks, mask_flow_blocks, window_blocks
from conformance.report.page_lanes import lane_blocks, node_blocks
from conformance.report.page_repro import repro_blocks
from conformance.report.page_training import TRAINING, training_blocks
from conformance.report.page_values import mask_blocks, value_blocks, worst_blocks
from conformance.report.page_versions import version_blocks
from conformance.report.trace import trace_table
from conformance.report.words import (
    decimal,
    failure_text,
    is_address,
    joined,
    noun_of,
    one_line,
    place,
    raised_text,
    rerun_command,
    safe,
    shape_text,
    share_text,
    without_start_up,
)


def page_of(record: Record, lanes: Lanes, is_lean: bool = False, started: str = "") -> Page:
    """The page of a case, in the order in which an argument is settled: question, answer, evidence, own check.

    A lean page leaves out arrays, gradients and the YAML. `started` is when the run
    was made: from then on the days are counted that a deviation has left.
    """
    lane, run = key_lane(record), key_run(record)
    sections = [
        Section("Question", (Paragraph(safe(record.question, 4_000), "question"),)),
        Section("Answer", tuple(_answer_blocks(record, lanes, started))),
        Section("Changed", tuple(change_blocks(record))),
        Section("Aspects", (_aspects(record),)),
        Section("Lanes", (*lane_blocks(record, lanes), *_model_notes(record))),
        Section("Other versions", tuple(version_blocks(record))),
        Section("Training", tuple(training_blocks(record))),
        Section("Nodes", tuple(node_blocks(record))),
        Section("Steps", (*trace_table(record, lane, run), *window_blocks(record, run))),
        Section("Masks", tuple(mask_flow_blocks(record, run))),
        Section("Agreement", tuple(_agreement(record, is_lean))),
        Section("Gradients", () if is_lean else tuple(_gradient_blocks(record))),
        Section("Values", () if is_lean else (*value_blocks(record), *mask_blocks(record, lanes))),
        Section("Also differs", tuple(_further_blocks(record))),
        Section("Errors", tuple(_error_blocks(record))),
        Section("Weights", (*_weight_blocks(record), *gate_blocks(record))),
        Section("Source", tuple(_source_blocks(record))),
        Section("Check it yourself", tuple(repro_blocks(record, lanes))),
        Section("Case file", tuple(_file_blocks(record, is_lean))),
    ]
    return Page(
        id=safe(record.id, 400),
        outcome=one_line(record.outcome, 20),
        place=place(record),
        about=_about(record),
        answer=answer(record, lanes),
        command=rerun_command(record),
        question=safe(record.question, 4_000),
        sections=tuple(section for section in sections if section.blocks),
    )


def _about(record: Record) -> str:
    parts = [", ".join(one_line(layer, 60) for layer in record.layers)]
    if record.questions:
        parts.append("question " + ", ".join(str(row) for row in record.questions))
    if record.tags:
        parts.append("tags " + ", ".join(one_line(tag, 40) for tag in record.tags))
    return "; ".join(part for part in parts if part)


def _answer_blocks(record: Record, lanes: Lanes, started: str) -> list[Block]:
    """The answer and who gives it; the remark; then what differs, whether it is known, and why; then what to do."""
    said = answer(record, lanes)
    who = versions_text(record, lanes, any(aspect == "mask" for _, aspect in answer_facts(record)))
    blocks: list[Block] = [Paragraph(said, "answer")]
    if record.outcome in ("agree", "known") and who and who not in said:
        blocks.append(Paragraph(f"So say {who}.", "who"))
    if record.remark:
        blocks.append(Paragraph(safe(record.remark, 4_000), "remark"))
    differing = [name for name in lane_names(record) if differs(record.lanes[name].verdict)]
    is_said = is_refused(record) or (len(differing) == 1 and is_failure(record.outcome))
    for name in [] if is_said else differing:
        findings = record.lanes[name].findings
        words = finding_text(record, name, findings[0]) if findings else verdict_text(record, name)
        blocks.append(Paragraph(words, "cause"))
    for name, held in record.lanes.items():
        if held.deviation:
            blocks += _deviation(name, held.deviation, started)
        if why := because(record, name):
            blocks.append(Paragraph(safe(why, 2_000), "because"))
    if todo := advice(record, lanes):
        blocks.append(Paragraph(todo, "todo"))
    return blocks


def _deviation(lane: str, deviation: DeviationRecord, started: str) -> list[Block]:
    """What is known of a listed deviation, and until when."""
    kind, reason = one_line(deviation.kind, 40), safe(deviation.reason, 2_000).strip()
    owner = one_line(deviation.owner, 80)
    expires = one_line(deviation.expires, 20) + _days_left(deviation.expires, started)
    link = safe(deviation.link, 1_000)
    words = [
        f"{one_line(lane, 40)}: known deviation {one_line(deviation.id, 80)} ({kind}): {reason}",
        f"To be looked at again by {expires} ({owner}); listed in {one_line(deviation.position)}",
    ]
    return [Paragraph("\n".join(words), "remark"), *([Link(link)] if is_address(link) else [])]


def _days_left(expires: Any, started: str) -> str:
    """How many days a deviation had left when the run was made; nothing where one of the two is no date."""
    try:
        days = (date.fromisoformat(str(expires)) - date.fromisoformat(started[:10])).days
    except ValueError:
        return ""
    count = f"{abs(days):,} day{'' if abs(days) == 1 else 's'}"
    return f", {count} after this run" if days >= 0 else f", {count} before this run: it has expired"


def _aspects(record: Record) -> Chips:
    """Every aspect with its state over all lanes, the lanes that differ named, the first cause first to differ.

    What stands after the first cause was not reached, whatever other lanes make of it: it would only repeat the cause.
    """
    strips = {name: held.aspects for name, held in record.lanes.items() if held.aspects}
    names = list(dict.fromkeys(aspect for strip in strips.values() for aspect in strip))
    decided = {name for name, strip in strips.items() if "differ" in strip.values()}
    items = []
    unreached: list[str] = []
    for aspect in names:
        states = {name: strip.get(aspect, "-") for name, strip in strips.items()}
        differing = [name for name, state in states.items() if state == "differ"]
        if not differing and any(states[name] == "-" and _is_decided(strips[name], aspect) for name in decided):
            unreached.append(one_line(aspect, 40))
            continue
        state = "differ" if differing else "agree" if "agree" in states.values() else "-"
        silent = [name for name, given in states.items() if given == "-" and state == "agree" and name not in decided]
        words = one_line(aspect, 40)
        if differing:
            words += f": {joined([one_line(name, 40) for name in differing])} "
            words += "differs" if len(differing) == 1 else "differ"
        elif silent:
            words += f" (not {', '.join(one_line(name, 40) for name in silent)})"
        items.append((words, state))
    if unreached:
        items.append((f"not reached: {', '.join(unreached)}", "-"))
    lost = [
        (f"{one_line(name, 40)}: {held.verdict}", str(held.verdict))
        for name, held in record.lanes.items()
        if held.verdict in ("timeout", "crash", "unsupported", "not judged")
    ]
    return Chips(tuple(items + lost))


def _is_decided(strip: Mapping[str, str], aspect: str) -> bool:
    """Whether an earlier aspect of a lane's strip differs."""
    before = list(strip)[: list(strip).index(aspect)] if aspect in strip else []
    return any(strip[name] == "differ" for name in before)


def _agreement(record: Record, is_lean: bool) -> list[Block]:
    """Every pair of lanes: whether they agree, how far apart they are; then the worst element's inequality."""
    names = lane_names(record)
    if len(names) < 2:
        return []
    pairs = {frozenset((pair.first, pair.second)): pair for pair in record.pairs}
    rows = []
    for index, name in enumerate(names[1:], start=1):
        cells = [_pair_cell(pairs.get(frozenset((name, other)))) for other in names[:index]]
        rows.append((Cell(one_line(name, 40)), *cells, *(Cell("") for _ in range(len(names) - 1 - index))))
    head = ("", *(one_line(name, 40) for name in names[:-1]))
    caption = f"largest difference of every two lanes, and its share of the {noun_of(record)}"
    return [Table(caption, head, tuple(rows)), *([] if is_lean else worst_blocks(record))]


def _pair_cell(pair: PairRecord | None) -> Cell:
    if pair is None or (pair.finding is None and pair.used is None):
        return Cell("not compared", "muted")
    if pair.finding is not None and pair.finding.aspect != "values":
        return Cell(f"differ in {one_line(pair.finding.aspect, 40)}", "differ")
    words = f"{decimal(pair.largest, 2)}, {share_text(pair.used)}"
    if pair.finding is not None:
        return Cell(f"{words}; {pair.over:,} of {pair.count:,} over", "differ")
    if pair.count == 0 and not pair.used:
        return Cell("both raised", "agree")
    return Cell(f"{words}; none over" if pair.used else words, "agree")


def _model_notes(record: Record) -> list[Block]:
    """Why a functional model was not asked beside the eager calls, or what it leaves out."""
    notes = {one_line(found.model_note, 300): name for name, found in record.lanes.items() if found.model_note}
    return [Paragraph(f"functional model of {one_line(name, 40)}: {note}", "note") for note, name in notes.items()]


def _gradient_blocks(record: Record) -> list[Block]:
    """Every gradient with the share of its budget in each lane, or why there is none, and who raised."""
    held = {name: found.gradients for name, found in record.lanes.items() if name != REFERENCE}
    names = list(dict.fromkeys(name for gradients in held.values() for name in gradients))
    notes = dict.fromkeys(found.gradient_note for found in record.lanes.values())
    blocks: list[Block] = [Paragraph(f"Not judged: {one_line(note)}", "note") for note in notes if note]
    blocks += [
        Paragraph(f"{one_line(name, 40)} {failure_text(found.gradient_failure)}", "cause")
        for name, found in record.lanes.items()
        if found.gradient_failure is not None
    ]
    if not names:
        return blocks
    lanes = [name for name, gradients in held.items() if gradients]
    rows = [
        (
            Cell(one_line(name, 60)),
            Cell(shape_text(next(held[lane][name].shape for lane in lanes if name in held[lane]))),
            *(_gradient_cell(held[lane].get(name)) for lane in lanes),
        )
        for name in names
    ]
    head = ("of", "shape", *(one_line(lane, 40) for lane in lanes))
    caption = "gradients of a random weighting of the outputs, and the share of the budget that each lane used"
    return [Table(caption, head, tuple(rows)), *blocks]


def _gradient_cell(gradient: GradientRecord | None) -> Cell:
    if gradient is None:
        return Cell("none", "muted")
    if gradient.convention is not None and not gradient.distance.over:
        return Cell(f"at a kink: {gradient.convention}", "muted")
    if gradient.not_judged is not None and not gradient.distance.over:
        return Cell("not judged", "muted")
    return Cell(share_text(gradient.distance.used), "differ" if gradient.distance.over else "number")


def _error_blocks(record: Record) -> list[Block]:
    """What lanes raised in their own words, and what failing lanes printed."""
    blocks: list[Block] = []
    for name in lane_names(record):
        held = record.lanes[name]
        for failure in (held.failure, held.gradient_failure):
            if failure is not None:
                blocks.append(Paragraph(f"{one_line(name, 40)} raised {raised_text(failure)}:"))
                blocks.append(Code(safe(failure.message, 4_000)))
        printed = without_start_up(held.chatter)
        if is_failure(held.verdict) and printed:
            blocks.append(Paragraph(f"{one_line(name, 40)} printed:"))
            blocks.append(Code(safe(printed, 4_000)))
    return blocks


def _further_blocks(record: Record) -> list[Block]:
    """What differs beside the first finding of each lane."""
    blocks: list[Block] = []
    for name in lane_names(record):
        held = record.lanes[name]
        if len(held.findings) > 1:
            rest = [finding_text(record, name, found) for found in held.findings[1:]]
            more = f"\nand {held.findings_left_out} more" if held.findings_left_out else ""
            blocks.append(Paragraph(f"{one_line(name, 40)} differs in the same aspect elsewhere:"))
            blocks.append(Code("\n".join(rest) + more))
    return blocks


def _weight_blocks(record: Record) -> list[Block]:
    """The weights in Keras' layout, and where each lane's own weights come from; optimisers are told with training."""
    blocks: list[Block] = []
    held = next((found for found in record.lanes.values() if any(found.weights.values())), None)
    if held is not None:
        rows: list[tuple[Cell, ...]] = [
            (Cell(one_line(layer, 40)), Cell(one_line(key, 60)), Cell(shape_text(shape)))
            for layer, weights in held.weights.items()
            for key, shape in weights.items()
        ]
        counts = ", ".join(f"{one_line(layer, 40)} {count}" for layer, count in held.params.items() if count)
        caption = "weights in Keras' layout" + (f"; parameters: {counts}" if counts else "")
        blocks.append(Table(caption, ("layer", "weight", "shape"), tuple(rows)))
    for name, found in record.lanes.items():
        rows = [
            (
                Cell(one_line(layer, 40)),
                Cell(one_line(key, 60)),
                Cell(shape_text(own.shape)),
                Cell(one_line(own.made_of)),
            )
            for layer, weights in found.native.items()
            if not layer.startswith(TRAINING)
            for key, own in weights.items()
        ]
        if rows:
            caption = f"the same numbers as {one_line(name, 40)} holds them"
            blocks.append(Table(caption, ("layer", "weight", "shape", "made from Keras'"), tuple(rows), "ruled"))
    return blocks


def _source_blocks(record: Record) -> list[Block]:
    source = record.source
    words = {
        "docs": "documentation",
        "paper": "a paper",
        "hand": "calculated by hand",
        "observed": "observed behaviour",
        "question": "a question of users",
    }.get(source.kind, one_line(source.kind, 40))
    reference, note = safe(source.reference, 1_000), safe(source.note, 2_000)
    addresses = [reference] if is_address(reference) else []
    parts = [words, *([] if addresses else [reference]), note]
    blocks: list[Block] = [Paragraph("; ".join(part for part in parts if part)), *map(Link, addresses)]
    if record.tolerance:
        tolerance = record.tolerance
        numbers = f"rtol {decimal(tolerance.rtol)}, atol {decimal(tolerance.atol)}"
        blocks.append(Paragraph(f"Tolerance of its own: {numbers}; {safe(tolerance.reason, 1_000)}"))
    if record.budget_scale != 1.0:
        blocks.append(Paragraph(f"Judged by {decimal(record.budget_scale)} of the derived budget."))
    if record.exact:
        names = ", ".join(one_line(name, 80) for name in record.exact)
        blocks.append(Paragraph(f"To the last bit, by the case's own wish: {names}"))
    if record.kills:
        blocks.append(Paragraph(f"Tells from the real layer: {', '.join(one_line(name, 80) for name in record.kills)}"))
    if (score := record.mutants) is not None and (of := len(score.killed) + len(score.survived)):
        blocks.append(Paragraph(f"Measured: it tells {len(score.killed)} of {of} mistakes from the real layers."))
    return blocks


def _file_blocks(record: Record, is_lean: bool) -> list[Block]:
    blocks: list[Block] = []
    if record.matrix:
        bindings = ", ".join(f"{one_line(name, 40)} = {one_line(value, 80)}" for name, value in record.matrix.items())
        blocks.append(Paragraph(f"This variant: {bindings}"))
    if not is_lean:
        blocks.append(Code(safe(record.text).rstrip()))
    return [*blocks, Command(rerun_command(record))]
