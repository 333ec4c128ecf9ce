"""What the whole report says before any case's page: verdict, lanes, failures by cause, questions, layers, index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TypeVar

from conformance.errors import ResultsError
from conformance.record.case import Record
from conformance.record.run import LaneRow, Results
from conformance.report.answer import execution_of, lane_title, meaning_of
from conformance.report.blocks import GLYPHS, Cell, Page, Section, Table
from conformance.report.changes import Changes, changes_of
from conformance.report.facts import Lanes, is_failure
from conformance.report.frame import Filter, Grid, Head, Index
from conformance.report.grid import Slowest, filter_of, grid_of, slowest_of
from conformance.report.index import HEAD, parts_of, row_of
from conformance.report.overviews import SEVERITY, Group, Overview, deviations_of, groups_of, layers_of, questions_of
from conformance.report.page import page_of
from conformance.report.rosetta import sections_of
from conformance.report.words import decimal, joined, one_line, safe

T = TypeVar("T")
MOST_DRAWN = 300
"""Failing pages that are written out; those beyond are drawn on demand."""


class Detail(IntEnum):
    """How much a report holds; each leaves out more than the one before, to keep the file small."""

    FULL = 0
    LEAN = 1
    """Without arrays and YAML of passing cases."""
    SPARE = 2
    """Without those of failing cases too."""
    BARE = 3
    """Without pages of passing cases: what the index says of them is all."""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that the templates show, in plain text."""

    head: Head
    filter: Filter
    grid: Grid
    lanes: Table
    changes: Changes | None
    groups: tuple[Group, ...]
    questions: tuple[Overview, ...]
    layers: tuple[Overview, ...]
    deviations: tuple[Overview, ...]
    index: Index
    slowest: Slowest
    not_run: tuple[tuple[str, str], ...]
    drawn: tuple[Page, ...]
    on_demand: tuple[Page, ...]
    environment: Table
    rosetta: tuple[Section, ...]
    """What torch calls each part of Keras; empty for a run without torch."""


def report_of(results: Results, detail: Detail = Detail.FULL) -> Report:
    """The view of a results file; the same for the same results."""
    lanes = results.lanes
    records = sorted(results.cases, key=lambda record: _severity(record.outcome))
    failing = [record for record in records if is_failure(record.outcome)]
    drawn = {record.id for record in failing[:MOST_DRAWN]}
    paged = failing if detail is Detail.BARE else records
    pages = [_page(record, lanes, _is_lean(record, detail), results.started) for record in paged]
    outcome, headline = _headline(results, failing)
    found = Report(
        head=Head(
            title=f"{_word(outcome)}: {headline} - {_versions(lanes)}",
            state=outcome,
            sign=GLYPHS.get(outcome, "!"),
            headline=headline,
            sentences=tuple(_sentences(results, detail, len(failing))),
        ),
        filter=filter_of(records),
        grid=grid_of(records, lanes),
        lanes=_lanes_table(lanes),
        changes=changes_of(results),
        groups=tuple(groups_of(failing)),
        questions=tuple(questions_of(records)),
        layers=tuple(layers_of(results, records)),
        deviations=tuple(deviations_of(records)),
        index=Index(HEAD, tuple(parts_of([row_of(record, lanes, record.id in drawn) for record in records]))),
        slowest=slowest_of(records, lanes),
        not_run=tuple((safe(item.id, 400), one_line(item.reason)) for item in results.not_run),
        drawn=tuple(page for page, record in zip(pages, paged, strict=True) if record.id in drawn),
        on_demand=tuple(page for page, record in zip(pages, paged, strict=True) if record.id not in drawn),
        environment=_environment(results),
        rosetta=sections_of(results),
    )
    return replace(found, head=replace(found.head, contents=tuple(_contents(found))))


def _contents(report: Report) -> Iterable[tuple[str, str]]:
    """The sections that a reader may jump to."""
    for name, key, is_there in (
        ("Since the baseline", "changes", report.changes),
        ("Failures by cause", "failures", report.groups),
        ("Known deviations", "deviation", report.deviations),
        ("Cases", "index", True),
        ("Slowest", "slowest", report.slowest.rows),
        ("Lanes", "lanes", True),
        ("Questions", "question", report.questions),
        ("Layers", "layer", report.layers),
        ("Keras and torch", "rosetta", report.rosetta),
        ("How this was made", "made", True),
    ):
        if is_there:
            yield name, f"{key}-title"


def _page(record: Record, lanes: Lanes, is_lean: bool, started: str) -> Page:
    """The page of a case. Raises ResultsError for findings that are not what their kind says: no schema holds those."""
    try:
        return page_of(record, lanes, is_lean, started)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        said = f"{type(error).__name__}: {one_line(str(error))}"
        raise ResultsError(
            f"case {one_line(record.id)}: what the results hold of it cannot be shown: {said}",
            "run the case again; if this very run wrote the results, report it as our mistake",
        ) from error


def _is_lean(record: Record, detail: Detail) -> bool:
    return detail >= (Detail.SPARE if is_failure(record.outcome) else Detail.LEAN)


def _severity(outcome: str) -> int:
    return SEVERITY.index(outcome) if outcome in SEVERITY else 0


def _word(outcome: str) -> str:
    return {"agree": "PASS", "differ": "FAIL", "incomplete": "INCOMPLETE"}.get(outcome, "NOTHING COMPARED")


def _headline(results: Results, failing: Sequence[Record]) -> tuple[str, str]:
    """The state of the whole run, and its verdict with the denominator."""
    total = len(results.cases)
    agreeing = sum(record.outcome == "agree" for record in results.cases)
    lost = [lane for lane in results.lanes if lane.unavailable]
    if lost:
        names = joined([one_line(lane.name, 40) for lane in lost])
        words = f"{names} could not start and ran 0 of {_count(max(lane.selected for lane in lost), 'case')}"
        return "incomplete", words + (f"; {len(failing):,} of {total:,} fail in other lanes" if failing else "")
    if not results.footer.complete:
        selected = total + len(results.not_run)
        words = f"only {total:,} of {_count(selected, 'selected case')} have a result"
        return "incomplete", words + (f", and {len(failing)} of them fail" if failing else "")
    broken = [item for item in results.deviations if item.state in ("stale", "unmatched")]
    if broken and not failing:
        return "differ", f"{_count(len(broken), 'listed deviation')} no longer hold{'s' if len(broken) == 1 else ''}"
    if failing:
        return "differ", f"{len(failing):,} of {_count(total, 'case')} {'fails' if len(failing) == 1 else 'fail'}"
    if not agreeing:
        return "unsupported", f"none of {_count(total, 'case')} was compared" if total else "no case ran"
    if agreeing == total:
        return "agree", f"all {total:,} cases agree" if total > 1 else "the one case agrees"
    return "agree", f"{agreeing:,} of {_count(total, 'case')} agree, none fails"


def _count(number_of: int, noun: str) -> str:
    return f"{number_of:,} {noun}" + ("" if number_of == 1 else "s")


def _open_outputs(record: Record) -> int:
    """How many outputs and gradients of a case's lanes are not judged."""
    outputs = (held.not_judged for lane in record.lanes.values() for run in lane.runs for held in run.values())
    gradients = (held.not_judged for lane in record.lanes.values() for held in lane.gradients.values())
    return sum(why is not None for why in (*outputs, *gradients))


def _sentences(results: Results, detail: Detail, failing: int) -> Iterable[str]:
    """What a reader must know beside the verdict: why it is incomplete, every count, and what is left out."""
    lost = [lane for lane in results.lanes if lane.unavailable]
    for lane in lost:
        why = lane.unavailable
        assert why is not None
        hint = f" What to do: {one_line(why.hint)}." if why.hint else ""
        said = f"The lane {one_line(lane.name, 40)} ran 0 of {_count(lane.selected, 'case')}"
        yield f"{said}, which is no verdict on them: {one_line(why.message)}.{hint}"
    if not results.footer.complete and (results.not_run or not lost):
        stopped = one_line(results.footer.stopped) or "no reason was written down"
        yield f"The run did not reach its end ({stopped}). What is missing is not known to agree."
    total = len(results.cases)
    counts = {str(verdict): count for verdict, count in results.counts.items()}
    if total:
        words = [f"{counts[name]:,} {name}" for name in reversed(SEVERITY) if counts.get(name)]
        words += [f"{count:,} {one_line(name, 20)}" for name, count in counts.items() if name not in SEVERITY]
        yield f"Of {_count(total, 'case')}: {', '.join(words)}."
    if open_ones := sum(_open_outputs(record) for record in results.cases):
        yield f"Of outputs and gradients of lanes {open_ones:,} are not judged: what is allowed there is every answer."
    for lane in results.lanes:
        if lane.selected and not lane.ran and lane not in lost:
            yield f"The lane {one_line(lane.name, 40)} ran none of {_count(lane.selected, 'case')}."
    shard = results.shard
    if shard:
        yield f"This is part {shard.index} of {shard.count} of a run of {_count(shard.cases, 'case')}."
    elif not results.is_full:
        yield "This run was asked for a part of the project's cases."
    deviations = results.deviations
    if deviations:
        states = Counter(one_line(item.state, 20) for item in deviations)
        words = [f"{count} {state}" for state, count in states.items()]
        named = [
            f"{one_line(item.id, 80)} {'has expired' if item.is_expired else 'is ' + one_line(item.state, 20)}"
            for item in deviations
            if item.is_expired or item.state in ("stale", "unmatched")
        ]
        yield f"Of {_count(len(deviations), 'listed deviation')}: {', '.join(words)}." + "".join(
            f" {text[:1].upper()}{text[1:]}." for text in named
        )
    if detail is not Detail.FULL:
        yield f"{_LEFT_OUT[detail]}, to keep this file small; conformance explain ID prints them."
    if failing > MOST_DRAWN:
        yield f"{failing - MOST_DRAWN:,} failing pages are drawn on demand; what the index says of them is written out."


_LEFT_OUT = {
    Detail.LEAN: "Arrays, gradients and YAML of passing cases are left out",
    Detail.SPARE: "Arrays, heat maps, gradients and YAML are left out, of failing cases too",
    Detail.BARE: "Pages of passing cases are left out, and arrays, heat maps, gradients and YAML of failing ones",
}


def _versions(lanes: Sequence[LaneRow]) -> str:
    titles = [lane_title(lane) for lane in lanes if lane.role != "reference" and lane.selected]
    return joined(list(dict.fromkeys(titles))) if titles else "the NumPy reference alone"


def _lanes_table(lanes: Sequence[LaneRow]) -> Table:
    """A row a lane: what it proved to be, and how many of its cases it ran."""
    head: tuple[str, ...] = ("lane", "ran", "verdicts", "versions", "what it is", "masks", "role", "module files")
    rows = tuple(_lane_row(lane) for lane in lanes)
    if not any(map(meaning_of, lanes)):
        head, rows = _without(head, 4), tuple(_without(row, 4) for row in rows)
    return Table("what each lane proved to be, and how many of its cases it ran", head, rows, "wide lanes")


def _without(row: tuple[T, ...], column: int) -> tuple[T, ...]:
    return (*row[:column], *row[column + 1 :])


def _lane_row(lane: LaneRow) -> tuple[Cell, ...]:
    named = [f"{one_line(name, 40)} {one_line(version, 40)}" for name, version in lane.versions.items()]
    versions = ", ".join([*named, *execution_of(lane)])
    missing = "did not start" if lane.selected else "was not needed"
    has_run = lane.ran or not lane.selected
    meant = max(lane.selected, lane.ran)  # the reference also runs cases that are about other lanes alone
    return (
        Cell(one_line(lane.name, 40)),
        Cell(f"{lane.ran:,} of {meant:,}", "" if has_run else "differ"),
        Cell(", ".join(f"{count:,} {one_line(name, 20)}" for name, count in lane.verdicts.items())),
        Cell(versions or missing),
        Cell(meaning_of(lane)),
        Cell("its own" if lane.gives_masks else "not judged"),
        Cell("reference" if lane.role == "reference" else "subject"),
        Cell(", ".join(one_line(path, 120) for path in lane.files.values()), "muted"),
    )


def _environment(results: Results) -> Table:
    """When, where and how the run was made: enough for a printed page to be evidence."""
    known = results.environment
    rows = [
        ("started", results.started),
        ("took", f"{decimal(results.seconds, 3)} s"),
        ("command", results.command),
        ("made by", f"{results.harness.name} {results.harness.version}"),
        ("interpreter", f"{known.implementation} {known.python}"),
        ("machine", f"{known.system} {known.machine}, {known.cpus} processors"),
        ("packages", ", ".join(f"{name} {version}" for name, version in known.packages.items())),
        ("variables", ", ".join(f"{name}={value}" for name, value in known.variables.items())),
    ]
    cells = tuple((Cell(name), Cell(one_line(text, 1_000).strip())) for name, text in rows if str(text).strip())
    return Table("run, versions and variables", ("what", "value"), cells, "wide")
