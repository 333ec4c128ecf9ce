"""Two results, or two lanes of one, laid side by side: what changed, case by case, and which side of it moved.

Cases are aligned by id and config digest. A row is one case in one pair of lanes and stands in exactly one section:

    regressions      it agreed (or was known) before, and does not any more
    answer changed   as good or as bad as before, but another answer
    fixed            it failed before and agrees now
    new, removed     the case is on one side only
    not comparable   the case was edited, or one side could not answer it
    unchanged        the same answer, whatever was said of it

One new failure and one new pass are two rows: nothing is netted out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from conformance.errors import UsageError
from conformance.gate.answers import Move, first_move
from conformance.record.case import Record
from conformance.record.lane import LaneRecord
from conformance.record.run import LaneRow, Results
from conformance.report.facts import REFERENCE
from conformance.report.findings import finding_text, verdict_text
from conformance.report.text import answer_text
from conformance.report.words import one_line

_PASSES = ("agree", "stale")
"""`stale` is an agreement that a deviation did not foresee: the deviations file is wrong, not the answer."""
_NO_ANSWER = ("unsupported", "timeout", "crash")


class Section(StrEnum):
    """Where a row stands, in the order in which a reader wants them."""

    REGRESSIONS = "regressions"
    CHANGED = "answer changed"
    FIXED = "fixed"
    NEW = "new"
    REMOVED = "removed"
    NOT_COMPARABLE = "not comparable"
    UNCHANGED = "unchanged"


MARKS: Mapping[Section, str] = {
    Section.REGRESSIONS: "!",
    Section.CHANGED: "?",
    Section.FIXED: "*",
    Section.NEW: "+",
    Section.REMOVED: "-",
    Section.NOT_COMPARABLE: "x",
    Section.UNCHANGED: "~",
}
"""One character a section, for the margin of a line."""


@dataclass(frozen=True, slots=True)
class Said:
    """One side of a row: the verdict, the answer in a few words, and the deviation that explains it, if any."""

    verdict: str
    answer: str
    known: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One case in one pair of lanes. A side is None where it does not have the case."""

    case: str
    lane: str
    section: Section
    aspect: str
    node: str
    old: Said | None
    new: Said | None
    moved: tuple[str, ...]
    """Which of `behaviour`, `case`, `reference`, `environment` differ between the sides."""
    note: str
    path: str
    line: int
    because: str = ""
    """Why the side that fails does: the reason of its deviation, else which mistake would answer like it."""

    @property
    def is_explained(self) -> bool:
        """Whether a known deviation stands behind either side."""
        return any(side is not None and side.known for side in (self.old, self.new))


@dataclass(frozen=True, slots=True)
class EnvironmentMove:
    """A package, a platform or a variable that is not the same on both sides; None where a side has none."""

    name: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class Side:
    """One side: how to call it, when it ran, how many cases it holds of how many, and why some are missing."""

    label: str
    started: str
    cases: int
    missing: int
    stopped: str
    is_full: bool


@dataclass(frozen=True, slots=True)
class Diff:
    """Two runs side by side."""

    old: Side
    new: Side
    environment: tuple[EnvironmentMove, ...]
    rows: tuple[Row, ...]

    def section(self, section: Section) -> tuple[Row, ...]:
        """The rows of one section, in the order of cases."""
        return tuple(row for row in self.rows if row.section is section)

    def counts(self) -> dict[Section, int]:
        return {section: len(self.section(section)) for section in Section}

    @property
    def moved(self) -> tuple[Row, ...]:
        """Every row whose answer or verdict is not what it was."""
        return tuple(row for row in self.rows if row.section in (Section.REGRESSIONS, Section.CHANGED, Section.FIXED))


def diff(old: Results, new: Results, lanes: Sequence[tuple[str, str]] | None = None) -> Diff:
    """The difference between two results in these pairs of lanes; in every lane that both have when left out.

    Raises UsageError for a lane that a side does not have, and where nothing can be laid side by side.
    """
    pairs = list(lanes) if lanes is not None else _shared_lanes(old, new)
    for name, results in [pair for a, b in pairs for pair in ((a, old), (b, new))]:
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
        for pair in pairs
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
    labels = []
    for name in dict.fromkeys(lanes):
        versions = _lane_row(results, name).versions
        frameworks = [f"{package} {version}" for package, version in versions.items() if package in _FRAMEWORKS]
        labels.append(f"{name} ({', '.join(frameworks)})" if frameworks else name)
    return Side(
        ", ".join(labels),
        results.started,
        len(results.cases),
        len(results.not_run),
        results.footer.stopped,
        bool(results.is_full) and bool(results.footer.complete),
    )


_FRAMEWORKS = ("keras", "tf_keras", "tensorflow", "torch", "jax", "transformers", "openvino")


def _environment(old: Results, new: Results, pairs: Sequence[tuple[str, str]]) -> Iterator[EnvironmentMove]:
    for a, b in pairs:
        mine, other = _lane_row(old, a).versions, _lane_row(new, b).versions
        prefix = "" if len(pairs) == 1 else f"{a}: " if a == b else f"{a} / {b}: "
        for package in dict.fromkeys([*mine, *other]):
            if mine.get(package) != other.get(package) and mine and other:
                yield EnvironmentMove(f"{prefix}{package}", mine.get(package), other.get(package))
    ours, theirs = old.environment, new.environment
    for name, before, after in (
        ("system", ours.system, theirs.system),
        ("machine", ours.machine, theirs.machine),
    ):
        if before != after:
            yield EnvironmentMove(name, before, after)
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
    move = first_move(mine, other, with_masks)
    moved = tuple(
        name
        for name, has_moved in (
            ("behaviour", move is not None),
            ("case", old.digest != new.digest),
            ("reference", _reference_moved(old, new)),
            ("environment", is_elsewhere),
        )
        if has_moved
    )
    section, note = _section(mine.verdict, other.verdict, move, moved)
    aspect, node, said = _words(old, new, pair, move, section)
    because = _because(mine, other, section)
    return Row(new.id, _lane_label(pair), section, aspect, node, *said, moved, note, new.path, new.line, because)


def _because(old: LaneRecord, new: LaneRecord, section: Section) -> str:
    """Why a side differs, in its own words; the new side's first, for it is the one to decide about."""
    for lane in (new, old) if section is not Section.UNCHANGED else ():
        if lane.deviation is not None:
            return lane.deviation.reason
        if lane.explanation:
            return lane.explanation
    return ""


def _lane_label(pair: tuple[str, str]) -> str:
    return pair[0] if pair[0] == pair[1] else f"{pair[0]} -> {pair[1]}"


def _section(old: str, new: str, move: Move | None, moved: Sequence[str]) -> tuple[Section, str]:
    """The section of a case that both sides have, and why it cannot be compared, if it cannot."""
    if move is None and (old == new or (old in _PASSES and new in _PASSES)):
        return Section.UNCHANGED, ""
    if "case" in moved:
        return Section.NOT_COMPARABLE, "the case was edited"
    if old in _PASSES and new in _PASSES:
        return Section.CHANGED, ""
    if new in _PASSES:
        has_failed = old != "unsupported"
        return (Section.FIXED, "") if has_failed else (Section.NOT_COMPARABLE, f"{old} before, {new} after")
    if old in (*_PASSES, "known") and new != "known":
        return Section.REGRESSIONS, "" if move is not None else "the answer did not move; what is expected of it did"
    if old in _NO_ANSWER or new in _NO_ANSWER:
        return Section.NOT_COMPARABLE, f"{old} before, {new} after"
    return (Section.CHANGED if move is not None else Section.UNCHANGED), ""


def _reference_moved(old: Record, new: Record) -> bool:
    mine, other = old.lanes.get(REFERENCE), new.lanes.get(REFERENCE)
    return mine is not None and other is not None and first_move(mine, other) is not None


def _one_sided(old: Record | None, new: Record | None, pair: tuple[str, str], sides: tuple[Results, Results]) -> Row:
    """The row of a case that only one side has: new, removed, or just not run on the other side."""
    have, lane, results = (old, pair[0], sides[1]) if old is not None else (new, pair[1], sides[0])
    assert have is not None  # one of the two is there
    not_run = {item.id: item.reason for item in results.not_run}
    is_partial = not results.is_full or not results.footer.complete
    said = _said(have, lane)
    lost = _lane_row(results, pair[1] if old is not None else pair[0])
    if lost.unavailable:
        note, section = f"{one_line(lost.name, 40)} could not start", Section.NOT_COMPARABLE
    elif have.id in not_run or is_partial:
        side = "after" if old is not None else "before"
        note = f"did not run {side}: {one_line(not_run.get(have.id) or 'a partial run', 120)}"
        section = Section.NOT_COMPARABLE
    else:
        note, section = "", Section.REMOVED if old is not None else Section.NEW
    before, after = (said, None) if old is not None else (None, said)
    label = _lane_label(pair)
    return Row(have.id, label, section, "", "", before, after, ("case",), note, have.path, have.line)


def _words(
    old: Record, new: Record, pair: tuple[str, str], move: Move | None, section: Section
) -> tuple[str, str, tuple[Said, Said]]:
    """The aspect and node that a row is about, and what each side said of it.

    The first cause of the failing side comes first, for it says why the row is where it is; then what moved.
    """
    failing = (new, pair[1]) if section is Section.REGRESSIONS else (old, pair[0])
    findings = failing[0].lanes[failing[1]].findings if section in (Section.REGRESSIONS, Section.FIXED) else []
    if findings and (move is None or findings[0].aspect != move.aspect):
        found = findings[0]
        said = (
            _said(old, pair[0], answer_text(old, pair[0], found)),
            _said(new, pair[1], answer_text(new, pair[1], found)),
        )
        if said[0].answer != said[1].answer:
            return found.aspect, found.node, said
    if move is None:
        aspect = findings[0].aspect if findings else ""
        return aspect, findings[0].node if findings else "", (_said(old, pair[0]), _said(new, pair[1]))
    return move.aspect, move.node, (_said(old, pair[0], move.old), _said(new, pair[1], move.new))


def _said(record: Record, lane: str, answer: str | None = None) -> Said:
    held = record.lanes[lane]
    deviation = held.deviation
    if answer is None:
        found = held.findings[0] if held.findings else None
        if found is not None:
            answer = finding_text(record, lane, found).removeprefix(f"{found.aspect}: ")
        else:
            answer = verdict_text(record, lane).removeprefix(f"{held.verdict}: ")
    return Said(held.verdict, answer, deviation.id if deviation else "")
