"""Known deviations held against records: which differences they excuse, and which of them have gone stale.

Strict both ways: a difference with another signature is not excused, and a deviation that no longer happens fails. Pure
functions of records: a run applies them case by case, and a gate to results that were written before.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from conformance.gate.deviations import Deviation
from conformance.gate.signature import matches
from conformance.judge.verdict import MODEL, RELATIONS, CaseVerdict, LaneVerdict, Verdict
from conformance.record.case import Record
from conformance.record.lane import LaneRecord
from conformance.record.parts import DeviationRecord
from conformance.report.facts import is_failure


@dataclass(frozen=True, slots=True)
class LaneFacts:
    """What a deviation may ask of a lane: its adapter, the versions that it proved to have, and how it executes."""

    adapter: str
    versions: Mapping[str, str]
    mode: str = "eager"
    policy: str = "float32"
    settings: tuple[str, ...] = ()
    """Environment variables that it was asked for with, as `NAME=VALUE`."""

    def has(self, deviation: Deviation, lane: str) -> bool:
        """Whether a deviation is about this lane."""
        return deviation.holds(lane, self.adapter, self.versions, self.mode, self.policy, self.settings)


class State(StrEnum):
    """How a deviation stands after a run."""

    ACTIVE = "active"
    """It happened where it is listed."""
    STALE = "stale"
    """A case that it lists agrees now, or none in its folder shows it."""
    UNMATCHED = "unmatched"
    """It lists a case that does not exist."""
    UNUSED = "unused"
    """No lane of the run is one that it is about, or none of its cases ran."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A deviation after a run: its state, whether it has expired, and what to do where something is to be done."""

    deviation: Deviation
    state: State
    is_expired: bool
    problem: str = ""

    @property
    def fails(self) -> bool:
        """Whether the run fails for it, expiry apart."""
        return self.state in (State.STALE, State.UNMATCHED)


def excused(record: Record, deviations: Sequence[Deviation], lanes: Mapping[str, LaneFacts]) -> Record:
    """The record with known differences as `known`, and what a deviation foresaw in vain as `stale`.

    A lane that is excused, or stale, has the key `deviation`; one that differs otherwise than its deviation says has
    `other_deviation`, the id of that.
    """
    about = [deviation for deviation in deviations if deviation.covers(record.id)]
    if not about:
        return record
    held = {name: _lane(record, name, about, lanes.get(name)) for name in record.lanes}
    verdicts = {name: LaneVerdict(name, lane.verdict) for name, lane in held.items()}
    return replace(record, lanes=held, outcome=CaseVerdict(record.id, verdicts).outcome)


def _lane(record: Record, name: str, about: Sequence[Deviation], facts: LaneFacts | None) -> LaneRecord:
    lane = record.lanes[name]
    if facts is None or lane.verdict in ("unsupported", "known", "stale"):
        return lane
    listed = [deviation for deviation in about if facts.has(deviation, name)]
    if is_failure(lane.verdict):
        for deviation in listed:
            if any(matches(shown.aspect, shown.signature, record, name) for shown in deviation.observed):
                return replace(lane, verdict=Verdict.KNOWN, deviation=deviation_record(deviation))
        return replace(lane, other_deviation=listed[0].id) if listed else lane
    for deviation in listed:
        if not _is_judged(deviation.aspect, lane):
            continue
        if record.id in deviation.exact and deviation.claims(name, facts.mode, facts.policy, facts.settings):
            return replace(lane, verdict=Verdict.STALE, deviation=deviation_record(deviation))
    return lane


def deviation_record(deviation: Deviation) -> DeviationRecord:
    """What a record keeps of a deviation."""
    return DeviationRecord(
        id=deviation.id,
        kind=deviation.kind,
        reason=_reason(deviation),
        link=deviation.link,
        owner=deviation.owner,
        expires=deviation.expires.isoformat(),
        position=str(deviation.position),
    )


def _reason(deviation: Deviation) -> str:
    """The reason, with the release in which it began where that is known."""
    if not deviation.began:
        return deviation.reason
    package, sign, version = re.split("(==|<=)", deviation.began)
    words = f"began in {package} {version}" if sign == "==" else f"there at least since {package} {version}"
    return f"{deviation.reason.rstrip('.')} ({words})."


def standings(
    deviations: Sequence[Deviation],
    records: Sequence[Record],
    lanes: Mapping[str, LaneFacts],
    known_cases: Collection[str] | None,
    today: datetime.date,
) -> list[Standing]:
    """How every deviation stands after a run.

    `known_cases` are the ids of a full run, to find those that do not exist; None for a partial run, which cannot know.
    """
    by_id: dict[str, list[tuple[str, str]]] = {}
    for record in records:
        for name, lane in record.lanes.items():
            if (entry := lane.deviation) is not None:
                by_id.setdefault(entry.id, []).append((record.id, f"{name} {lane.verdict}"))
    return [
        _standing(deviation, by_id.get(deviation.id, []), records, lanes, known_cases, today)
        for deviation in deviations
    ]


def _standing(
    deviation: Deviation,
    seen: Sequence[tuple[str, str]],
    records: Sequence[Record],
    lanes: Mapping[str, LaneFacts],
    known_cases: Collection[str] | None,
    today: datetime.date,
) -> Standing:
    is_expired = deviation.expires < today
    unmatched = [] if known_cases is None else list(_unmatched(deviation, known_cases))
    if unmatched:
        words = f"no case is called {', '.join(unmatched)}"
        return Standing(deviation, State.UNMATCHED, is_expired, words)
    stale = [case for case, what in seen if what.endswith(" stale")]
    if stale:
        words = f"{', '.join(dict.fromkeys(stale))} agrees now: remove it, or run `conformance deviations prune`"
        return Standing(deviation, State.STALE, is_expired, words)
    if seen:
        return Standing(deviation, State.ACTIVE, is_expired)
    concerned = [name for name, facts in lanes.items() if facts.has(deviation, name)]
    is_about_folder_only = not deviation.exact
    covered = [record for record in records if deviation.covers(record.id)]
    ran = bool(covered) and all(
        any(_is_judged(deviation.aspect, lane) for lane in record.lanes.values()) for record in covered
    )
    if known_cases is not None and concerned and ran and is_about_folder_only:
        return Standing(deviation, State.STALE, is_expired, f"no case of {', '.join(deviation.cases)} shows it")
    return Standing(deviation, State.UNUSED, is_expired)


def _is_judged(aspect: str, lane: LaneRecord) -> bool:
    """Whether a lane could have shown this aspect: relations, models and gradients are not asked for in every case."""
    if aspect == "gradient":
        return not lane.gradient_note
    return aspect not in (MODEL, RELATIONS) or lane.aspects.get(aspect, "-") != "-"


def _unmatched(deviation: Deviation, known_cases: Collection[str]) -> Iterator[str]:
    for name in deviation.cases:
        is_there = (
            any(case.startswith(name[:-1]) for case in known_cases) if name.endswith("/*") else name in known_cases
        )
        if not is_there:
            yield name


def messages(standings: Sequence[Standing], enforce_expiry: bool) -> list[tuple[str, bool]]:
    """What a run has to say of its deviations, a line each, and whether the line fails the run."""
    lines = []
    for standing in standings:
        deviation = standing.deviation
        if standing.fails:
            lines.append((f"{deviation.position}: {standing.state} deviation {deviation.id}: {standing.problem}", True))
        if standing.is_expired:
            words = f"{deviation.position}: deviation {deviation.id} expired on {deviation.expires}"
            lines.append((f"{words}; {deviation.owner} should look at it again", enforce_expiry))
    return lines
