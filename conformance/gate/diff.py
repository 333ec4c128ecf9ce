"""Two results, or two lanes of one, laid side by side: what changed, and what that does to a model that relied on it.

Cases are aligned by id and config digest. A row is one case in one pair of lanes and stands in exactly one section:

    wrong now          right before, and not any more; whether a deviation explains it makes no difference here
    refuses now        an answer before, an error now, or no answer at all
    another answer     moved between two right answers, or between two wrong ones
    right now          wrong before
    answers now        an error before, an answer now
    new, removed       the case is on one side only
    not comparable     the case was edited, or one side could not be asked
    not reproducible   a side gives another answer each time that it is asked
    unchanged          the same answer but for rounding, whatever was said of it

One new failure and one new pass are two rows: nothing is netted out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from conformance.errors import UsageError
from conformance.gate.answers import Move, is_right, moves
from conformance.gate.held import holds_others
from conformance.gate.periods import out_of_period
from conformance.gate.rows import Diff, EnvironmentMove, Row, Said, Section, Side
from conformance.judge.verdict import Verdict
from conformance.record.case import Record
from conformance.record.lane import LaneRecord
from conformance.record.run import LaneRow, Results
from conformance.report.facts import REFERENCE
from conformance.report.findings import finding_text, verdict_text
from conformance.report.words import one_line

_LOST = (Verdict.UNSUPPORTED, Verdict.TIMEOUT, Verdict.CRASH)


def diff(
    old: Results,
    new: Results,
    lanes: Sequence[tuple[str, str]] | None = None,
    twins: Sequence[tuple[str, str]] = (),
) -> Diff:
    """The difference between two results in these pairs of lanes; in every lane that both have when left out.

    `twins` are pairs of the same lanes otherwise executed: what they say is told once where it is the same.

    Raises UsageError for a lane that a side does not have, and where nothing can be laid side by side.
    """
    pairs = list(lanes) if lanes is not None else _shared_lanes(old, new)
    for name, results in [pair for a, b in (*pairs, *twins) for pair in ((a, old), (b, new))]:
        _lane_row(results, name)
    before = {record.id: record for record in old.cases}
    after = {record.id: record for record in new.cases}
    if not before.keys() & after.keys():
        raise UsageError(
            "the two results have no case in common: they are of different suites", "compare runs of the same cases"
        )
    environment = tuple(_environment(old, new, pairs))
    rows = [
        row
        for case in dict.fromkeys([*before, *after])
        for pair in (*pairs, *twins)
        if (row := _row(before.get(case), after.get(case), pair, (old, new), bool(environment))) is not None
    ]
    sides = _side(old, [a for a, _ in pairs]), _side(new, [b for _, b in pairs])
    return Diff(sides[0], sides[1], environment, tuple(rows))


def _shared_lanes(old: Results, new: Results) -> list[tuple[str, str]]:
    theirs = [row.name for row in new.lanes]
    shared = [row.name for row in old.lanes if row.name in theirs]
    subjects = [name for name in shared if name != REFERENCE]
    if not subjects:
        names = [
            ", ".join(row.name for row in results.lanes if row.name != REFERENCE) or "none" for results in (old, new)
        ]
        raise UsageError(
            f"the two results share no lane beside the reference: {names[0]} before, {names[1]} after",
            "name a lane of each: --lane A --lane B",
        )
    return [(name, name) for name in subjects]


def _lane_row(results: Results, name: str) -> LaneRow:
    for row in results.lanes:
        if row.name == name:
            return row
    raise UsageError(f"there is no lane {name}", f"lanes: {', '.join(row.name for row in results.lanes)}")


def _side(results: Results, lanes: Sequence[str]) -> Side:
    labels, remarks = [], []
    for name in dict.fromkeys(lanes):
        versions = _lane_row(results, name).versions
        remarks.append(out_of_period(versions))
        frameworks = [f"{package} {version}" for package, version in versions.items() if package in _FRAMEWORKS]
        labels.append(f"{name} ({', '.join(frameworks)})" if frameworks else name)
    return Side(
        ", ".join(labels),
        results.started,
        len(results.cases),
        len(results.not_run),
        results.footer.stopped,
        results.is_full and results.footer.complete,
        "; ".join(dict.fromkeys(filter(None, remarks))),
    )


_FRAMEWORKS = ("keras", "tf_keras", "tensorflow", "torch", "jax", "transformers", "openvino")


def _environment(old: Results, new: Results, pairs: Sequence[tuple[str, str]]) -> Iterator[EnvironmentMove]:
    for a, b in pairs:
        mine, other = _lane_row(old, a).versions, _lane_row(new, b).versions
        prefix = "" if len(pairs) == 1 else f"{a}: " if a == b else f"{a} / {b}: "
        for package in dict.fromkeys([*mine, *other]):
            if mine.get(package) != other.get(package) and mine and other:
                yield EnvironmentMove(f"{prefix}{package}", mine.get(package), other.get(package))
        before, after = _lane_row(old, a).settings, _lane_row(new, b).settings
        for name in sorted({*before, *after}):
            if before.get(name) != after.get(name):
                yield EnvironmentMove(f"{prefix}{name}", before.get(name), after.get(name))
    ours, theirs = old.environment, new.environment
    for name in ("system", "machine"):
        here, there = getattr(ours, name), getattr(theirs, name)
        if here != there:
            yield EnvironmentMove(name, here, there)
    mine, other = ours.variables, theirs.variables
    for name in sorted({*mine, *other}):
        if mine.get(name) != other.get(name):
            yield EnvironmentMove(name, mine.get(name), other.get(name))
    if old.harness.version != new.harness.version:
        yield EnvironmentMove("conformance", old.harness.version, new.harness.version)


def _row(
    old: Record | None, new: Record | None, pair: tuple[str, str], sides: tuple[Results, Results], is_elsewhere: bool
) -> Row | None:
    """The row of one case; None where neither side ran it in this pair of lanes."""
    mine = old.lanes.get(pair[0]) if old is not None else None
    other = new.lanes.get(pair[1]) if new is not None else None
    if mine is None and other is None:
        return None
    if old is None or mine is None or new is None or other is None:
        return _one_sided(old if mine is not None else None, new if other is not None else None, pair, sides)
    with_masks = all(_lane_row(side, lane).gives_masks for side, lane in zip(sides, pair, strict=True))
    every = moves(mine, other, with_masks)
    moved = tuple(
        name
        for name, has_moved in (
            ("behaviour", bool(every)),
            ("case", old.digest != new.digest),
            ("reference", _reference_moved(old, new)),
            ("environment", is_elsewhere),
        )
        if has_moved
    )
    if "case" in moved and (every or is_right(mine) != is_right(other)):
        section, note = Section.NOT_COMPARABLE, "the case was edited"
    else:
        section, note = _section(mine, other, every, (old, new), pair)
    said = (
        _said(old, pair[0], every[0].old_answer if every else None),
        _said(new, pair[1], every[0].new_answer if every else None),
    )
    because = _because(mine, other) if section is not Section.UNCHANGED else ""
    unasked = tuple(name for name in ("gradient", "methods", "model") if _is_unasked(name, mine, other))
    row = Row(new.id, label_of(pair), section, *said, every, moved, note, new.path, new.line, because)
    return replace(row, unasked=unasked)


def _is_unasked(aspect: str, old: LaneRecord, new: LaneRecord) -> bool:
    """Whether a side has no part in an aspect: a traced lane makes no model, and is asked for few gradients."""
    if aspect == "gradient":
        return bool(old.gradient_note or new.gradient_note)
    if aspect == "methods":
        return old.methods is None or new.methods is None
    return "-" in (old.aspects.get(aspect, "-"), new.aspects.get(aspect, "-"))


def _because(old: LaneRecord, new: LaneRecord) -> str:
    """Why a side differs, in its own words; the new side's first, for it is the one to decide about."""
    for lane in (new, old):
        if lane.deviation is not None:
            return lane.deviation.reason
        if lane.explanation:
            return lane.explanation
    return ""


def label_of(pair: tuple[str, str]) -> str:
    return pair[0] if pair[0] == pair[1] else f"{pair[0]} -> {pair[1]}"


def _has_answer(lane: LaneRecord) -> bool:
    """Whether a lane gave one; weights that are others than the reference's are one, though no values follow."""
    return lane.verdict not in _LOST and (lane.failure is None or holds_others(lane))


def _section(
    old: LaneRecord, new: LaneRecord, every: Sequence[Move], records: tuple[Record, Record], pair: tuple[str, str]
) -> tuple[Section, str]:
    """The section of a case that both sides have, and what is to be known of it."""
    if not every and (is_right(old) == is_right(new) or new.verdict is old.verdict):
        return Section.UNCHANGED, ""
    if Verdict.NOT_JUDGED in (old.verdict, new.verdict):
        return Section.NOT_COMPARABLE, "what is allowed is every answer: nothing is judged"
    if old.verdict is Verdict.UNSUPPORTED:
        on_both = " on both sides" if new.verdict is Verdict.UNSUPPORTED else " before"
        return Section.NOT_COMPARABLE, f"could not be asked{on_both}: {one_line(old.reason, 120)}"
    if new.verdict is Verdict.UNSUPPORTED and not _has_answer(old):
        return Section.NOT_COMPARABLE, f"cannot be asked now: {one_line(new.reason, 120)}"
    if _has_answer(old) and not _has_answer(new):
        return Section.REFUSES, "the error is what the case expects" if is_right(new) else ""
    if is_right(old) and not is_right(new):
        return Section.WRONG, _why_wrong(records[1], pair[1], every)
    if _has_answer(new) and not _has_answer(old):
        return Section.ANSWERS, "" if is_right(new) else "the answer is not the expected one"
    if is_right(new) and not is_right(old):
        return Section.RIGHT, "" if every else "the answer moved by no more than rounding; what is said of it did"
    if not is_right(new) and any(_became_wrong(move, records, pair) for move in every):
        return Section.WRONG, "it was wrong before in another way"
    return Section.ANOTHER, ""


def _why_wrong(record: Record, lane: str, every: Sequence[Move]) -> str:
    """What the new side is found to be wrong in, where that is none of the outputs that moved: a claim, say."""
    if not every:
        return "the answer moved by no more than rounding; what is said of it did"
    findings = record.lanes[lane].findings
    if not findings or any(
        (move.aspect, move.node) == (found.aspect, found.node) for move in every for found in findings
    ):
        return ""
    return finding_text(record, lane, findings[0])


def _became_wrong(move: Move, records: tuple[Record, Record], pair: tuple[str, str]) -> bool:
    """Whether an output agreed with the reference before, and does not now, in a case that failed on both sides."""
    return _agrees(move, records[0], pair[0]) is True and _agrees(move, records[1], pair[1]) is False


def _agrees(move: Move, record: Record, lane: str) -> bool | None:
    """Whether a lane's output is the reference's in the aspect that moved; None where the record does not say."""
    held, reference = record.lanes[lane], record.lanes.get(REFERENCE)
    if reference is None or move.run >= min(len(held.runs), len(reference.runs)):
        return None
    mine, wanted = held.runs[move.run].get(move.node), reference.runs[move.run].get(move.node)
    if mine is None or wanted is None:
        return None
    match move.aspect:
        case "shape":
            return mine.shape == wanted.shape
        case "dtype":
            return mine.dtype == wanted.dtype
        case "mask":
            return mine.mask == wanted.mask
        case "special" | "values":
            return None if mine.distance is None else mine.distance.used <= 1
        case _:
            return None


def _reference_moved(old: Record, new: Record) -> bool:
    mine, other = old.lanes.get(REFERENCE), new.lanes.get(REFERENCE)
    return mine is not None and other is not None and bool(moves(mine, other))


def _one_sided(old: Record | None, new: Record | None, pair: tuple[str, str], sides: tuple[Results, Results]) -> Row:
    """The row of a case that only one side has: new, removed, or just not run on the other side."""
    have, lane, results = (old, pair[0], sides[1]) if old is not None else (new, pair[1], sides[0])
    assert have is not None  # one of the two is there
    not_run = {item.id: item.reason for item in results.not_run}
    is_partial = not results.is_full or not results.footer.complete
    said = _said(have, lane)
    lost = _lane_row(results, pair[1] if old is not None else pair[0])
    if lost.unavailable is not None:
        note, section = f"{one_line(lost.name, 40)} could not start", Section.NOT_COMPARABLE
    elif have.id in not_run or is_partial:
        side = "after" if old is not None else "before"
        note = f"did not run {side}: {one_line(not_run.get(have.id) or 'a partial run', 120)}"
        section = Section.NOT_COMPARABLE
    else:
        note, section = "", Section.REMOVED if old is not None else Section.NEW
    before, after = (said, None) if old is not None else (None, said)
    label = label_of(pair)
    return Row(have.id, label, section, before, after, (), ("case",), note, have.path, have.line)


def _said(record: Record, lane: str, answer: str | None = None) -> Said:
    held = record.lanes[lane]
    if answer is None:
        if held.findings:
            found = held.findings[0]
            answer = finding_text(record, lane, found).removeprefix(f"{found.aspect}: ")
        else:
            answer = verdict_text(record, lane).removeprefix(f"{held.verdict}: ")
    return Said(str(held.verdict), answer, held.deviation.id if held.deviation is not None else "")
