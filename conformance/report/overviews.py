"""Cases under one head: failures by cause, questions, known deviations, layers with what the cases exercise of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from conformance.record.case import Record
from conformance.record.lane import LaneRecord
from conformance.record.parts import FailureRecord
from conformance.record.run import Results
from conformance.report.blocks import case_href
from conformance.report.facts import is_failure, key_finding
from conformance.report.findings import verdict_text
from conformance.report.frame import filter_href
from conformance.report.words import essence, joined, one_line, raised_text, safe

SEVERITY = ("crash", "timeout", "error", "differ", "stale", "known", "not judged", "unsupported", "agree")
"""Outcomes, worst first: the order of the index."""
LINKS = 6
"""Links to cases in one row of an overview."""
NAMED = 5
"""Arguments of a layer that are named where no case exercises them."""


@dataclass(frozen=True, slots=True)
class Link:
    text: str
    href: str
    outcome: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Cases that fail for one cause."""

    title: str
    cases: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """A row of an overview: a question or a layer, how its cases fared, and the worst of them."""

    name: str
    href: str
    about: str
    counts: str
    cases: tuple[Link, ...]
    left_out: int
    options: str = ""
    """Of a layer: how many of its arguments the cases exercise, and which none does."""
    mutants: str = ""
    """Of a layer: how many of the plausible mistakes in it the cases tell from the real one."""


def groups_of(failing: Sequence[Record]) -> Iterable[Group]:
    """Failing cases by cause, the largest group first."""
    found: dict[str, list[Link]] = {}
    for record in failing:
        lane = next(name for name in _by_blame(record) if is_failure(record.lanes[name].verdict))
        name = safe(record.id, 400)
        link = Link(name, case_href(name), record.outcome, verdict_text(record, lane))
        found.setdefault(cause(record), []).append(link)
    for title, links in sorted(found.items(), key=lambda item: (-len(item[1]), item[0])):
        yield Group(title, tuple(links))


def _by_blame(record: Record) -> list[str]:
    """The lanes of a record, those with the key finding first."""
    found = key_finding(record)
    return sorted(record.lanes, key=lambda name: found is None or found not in record.lanes[name].findings)


def mistake(held: LaneRecord) -> str:
    """The mistake that explains a lane's answer, without the nodes where it stands; empty where there is none."""
    said = held.cause
    if said is None or not said.mistakes:
        return ""
    every = dict.fromkeys(f"{one.does} ({_shown(one.name)})" if one.name else one.does for one in said.mistakes)
    verb = "raises" if said.kind == "error" else "answers"
    return one_line(f"{verb} as one who {(', and' if said.kind == 'parts' else ', or').join(_parted(every))}", 200)


def _parted(mistakes: Iterable[str]) -> list[str]:
    first, *others = mistakes
    return [first, *(f" as one who {other}" for other in others)]


def _shown(name: str) -> str:
    """A mistake's name, without the argument that its words say already."""
    return name.partition(".")[0] if "=" in name else name


def cause(record: Record) -> str:
    """A name for why a case fails, the same for cases that fail alike.

    The mistake that explains every lane that fails; else lanes, aspect, family, and the message in its essence.
    """
    lanes = [name for name, held in record.lanes.items() if is_failure(held.verdict)]
    mistakes = {name: mistake(record.lanes[name]) for name in lanes}
    if mistakes and all(mistakes.values()):
        return "; ".join(f"{one_line(name, 40)} {said}" for name, said in mistakes.items())
    who = joined([one_line(name, 40) for name in lanes])
    family = one_line(record.id.partition("/")[0], 60)
    found = key_finding(record)
    if found is None:
        verdicts = joined(sorted({one_line(record.lanes[name].verdict, 20) for name in lanes}))
        return f"{verdicts} of {who} in {family}"
    if (found.aspect == "error" or found.kind == "raised") and isinstance(found.got, FailureRecord):
        message = re.sub(r"\d+", "N", one_line(essence(found.got.message), 120))
        return f"{who}: {raised_text(replace(found.got, node=''))} in {family}: {message}"
    kind = "" if found.kind == found.aspect else f" ({one_line(found.kind, 40).replace('_', ' ')})"
    verb = "differs" if len(lanes) == 1 else "differ"
    return f"{who} {verb} in {one_line(found.aspect, 40)}{kind} in {family}"


def _overview(name: str, about: str, query: str, records: Sequence[Record]) -> Overview:
    counts = {outcome: sum(record.outcome == outcome for record in records) for outcome in SEVERITY}
    words = [f"{count} {outcome}" for outcome, count in counts.items() if count]
    links = [Link(safe(r.id, 400), case_href(safe(r.id, 400)), r.outcome) for r in records]
    return Overview(name, filter_href(query), about, ", ".join(words), tuple(links[:LINKS]), max(len(links) - LINKS, 0))


def questions_of(records: Sequence[Record]) -> Iterable[Overview]:
    """A row for each numbered question of users that any case helps to settle."""
    for row in sorted({row for record in records for row in record.questions}):
        settling = [record for record in records if row in record.questions]
        topics = "; ".join(dict.fromkeys(one_line(record.topic, 120) for record in settling))
        yield _overview(str(row), topics, f"question:{row}", settling)


def deviations_of(records: Sequence[Record]) -> Iterable[Overview]:
    """A row for each listed deviation that a case shows, or has outlived."""
    found: dict[str, tuple[str, list[Record]]] = {}
    for record in records:
        for held in record.lanes.values():
            if held.deviation:
                item = held.deviation
                name, about = one_line(item.id, 80), f"{one_line(item.kind, 40)}: {one_line(item.reason, 300)}"
                cases = found.setdefault(name, (about, []))[1]
                if record not in cases[-1:]:
                    cases.append(record)
    for name, (about, cases) in sorted(found.items()):
        yield _overview(name, about, f"deviation:{name}", cases)


def layers_of(results: Results, records: Sequence[Record]) -> Iterable[Overview]:
    """A row for each layer type: its cases, what they exercise of its arguments, which mistakes in it they find."""
    by_layer: dict[str, list[Record]] = {}
    for record in records:
        for layer in dict.fromkeys([*record.layers, *record.options]):
            by_layer.setdefault(layer, []).append(record)
    catalog = results.catalog
    for layer in sorted(by_layer):
        name = one_line(layer, 60)
        row = _overview(name, "", f"layer:{name}", by_layer[layer])
        if layer in catalog:
            options = _options_text(catalog[layer].options, layer, by_layer[layer])
            row = replace(row, options=options, mutants=_mutants_text(catalog[layer].mutants, layer, records))
        if (score := (results.mutants or {}).get(layer)) is not None:
            row = replace(row, mutants=f"{score.killed} of {score.of}")
        yield row


def _options_text(existing: Sequence[str], layer: str, records: Sequence[Record]) -> str:
    used = {name for record in records for name in record.options.get(layer, ())}
    left = [one_line(name, 60) for name in existing if name not in used]
    if not existing:
        return "it has none"
    words = f"{len(existing) - len(left)} of {len(existing)}"
    if not left:
        return words
    more = f" and {len(left) - NAMED} more" if len(left) > NAMED else ""
    return f"{words}; not {', '.join(left[:NAMED])}{more}"


def _mutants_text(existing: Sequence[str], layer: str, records: Sequence[Record]) -> str:
    """What the cases say in `kills:`, where no score was given that says which they kill in truth."""
    killed = {name for record in records for name in record.kills}
    found = sum(f"{layer}.{name}" in killed for name in existing)
    return f"{found} of {len(existing)} by name" if existing else ""
