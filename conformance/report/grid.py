"""The first screen below the verdict: families of layers by lanes, words of the filter to click, the slowest cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.record.case import Record
from conformance.report.blocks import case_href
from conformance.report.facts import Lanes, is_failure
from conformance.report.frame import Chip, Family, Filter, Grid, Mark, Word, slug
from conformance.report.overviews import SEVERITY
from conformance.report.words import one_line, safe

SLOWEST = 10
"""Cases that are told as the slowest."""

WORDS = (
    Word("conv1d", "stands in id, question, answer or layers"),
    Word('"per sentence"', "a phrase"),
    Word("-recurrent", "not this; before any word"),
    Word("status:known", "the case's verdict"),
    Word("family:conv1d", "the first word of the id"),
    Word("lane:torch", "the lane does not agree"),
    Word("lane:torch=known", "the lane's verdict, other than agree"),
    Word("aspect:mask", "what a lane differs in"),
    Word("layer:Conv1D", "the layer is used"),
    Word("question:5", "helps to settle the question"),
    Word("tag:mask", "the case's tag"),
    Word("deviation:NAME", "shows the listed deviation"),
    Word("is:different", "lanes differ, expected or not"),
    Word("is:failing", "the case fails"),
    Word("is:changed", "the answer is not that of the baseline"),
)


def family_of(case_id: str) -> str:
    """The first part of an id."""
    return one_line(case_id, 60).partition("/")[0]


def grid_of(records: Sequence[Record], lanes: Lanes) -> Grid:
    """How many cases of each family have which verdict in each lane."""
    names = [lane.name for lane in lanes if lane.selected]
    counts: dict[str, dict[str, Counter[str]]] = {}
    for record in records:
        family = counts.setdefault(family_of(record.id), {name: Counter() for name in names})
        for name, held in record.lanes.items():
            if name in family:
                family[name][one_line(held.verdict, 20)] += 1
    return Grid(
        tuple(one_line(name, 40) for name in names),
        tuple(
            Family(family, tuple(tuple(_marks(family, name, counts[family][name])) for name in names))
            for family in sorted(counts)
        ),
    )


def _marks(family: str, lane: str, counts: Mapping[str, int]) -> Iterable[Mark]:
    shown = one_line(lane, 40)
    for state in sorted(counts, key=_severity):
        rest = f"-lane:{shown}" if state == "agree" else f"lane:{shown}={slug(state)}"
        yield Mark(state, counts[state], f"family:{family} {rest}")


def _severity(state: str) -> int:
    return SEVERITY.index(state) if state in SEVERITY else 0


def filter_of(records: Sequence[Record]) -> Filter:
    """The filter of a report, with chips for what its cases show: verdicts, what differs in which aspect and lane."""
    outcomes = Counter(one_line(record.outcome, 20) for record in records)
    chips = [Chip(name, f"status:{slug(name)}", outcomes[name], name) for name in sorted(outcomes, key=_severity)]
    failing = sum(is_failure(record.outcome) for record in records)
    different = sum(any(pair.finding is not None for pair in record.pairs) for record in records)
    changed = sum(bool(record.changed) for record in records)
    chips += [
        Chip(text, query, count)
        for text, query, count in (
            ("failing", "is:failing", failing),
            ("lanes differ", "is:different", different),
            ("changed", "is:changed", changed),
        )
        if 0 < count < len(records)
    ]
    lanes = Counter(
        one_line(name, 40) for record in records for name, held in record.lanes.items() if held.verdict != "agree"
    )
    aspects = Counter(
        aspect
        for record in records
        for aspect in dict.fromkeys(
            one_line(aspect, 40)
            for held in record.lanes.values()
            for aspect, state in held.aspects.items()
            if state == "differ"
        )
    )
    chips += [Chip(f"{name} does not agree", f"lane:{name}", count) for name, count in lanes.most_common(6)]
    chips += [Chip(f"differs in {name}", f"aspect:{name}", count) for name, count in aspects.most_common(6)]
    return Filter("conv1d -causal layer:LSTM status:differ", WORDS, tuple(chips))


@dataclass(frozen=True, slots=True)
class SlowCase:
    """A case and the seconds that each lane took for it."""

    id: str
    href: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Slowest:
    """The cases that took longest, slowest first."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[SlowCase, ...]


def slowest_of(records: Sequence[Record], lanes: Lanes) -> Slowest:
    """The slowest cases by the seconds of all lanes together; none where nothing was measured."""
    names = [lane.name for lane in lanes if lane.selected]
    took = [(sum(_seconds(record, name) for name in names), record) for record in records]
    total = sum(seconds for seconds, _ in took)
    slow = sorted(took, key=lambda item: -item[0])[:SLOWEST] if total else []
    share = 100 * sum(seconds for seconds, _ in slow) / total if total else 0
    of_each = ", ".join(f"{one_line(name, 40)} {_time(sum(_seconds(r, name) for r in records))}" for name in names)
    return Slowest(
        f"seconds in each lane; these take {share:.0f} % of all: {of_each}",
        ("case", *(one_line(name, 40) for name in names), "together"),
        tuple(_slow_case(record, names, seconds) for seconds, record in slow if seconds),
    )


def _slow_case(record: Record, names: Sequence[Any], seconds: float) -> SlowCase:
    name = safe(record.id, 400)
    cells = tuple(_time(_seconds(record, lane)) if lane in record.lanes else "" for lane in names)
    return SlowCase(name, case_href(name), (*cells, _time(seconds)))


def _seconds(record: Record, lane: str) -> float:
    held = record.lanes.get(lane)
    return 0.0 if held is None else held.seconds


def _time(seconds: float) -> str:
    return f"{seconds:,.0f} s" if seconds >= 100 else f"{seconds:.2g} s" if seconds >= 1 else f"{1000 * seconds:.0f} ms"
