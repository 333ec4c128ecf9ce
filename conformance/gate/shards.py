"""Shards: the cases split over machines by their ids alone, and put together again with proof that each ran once.

Which shard a case belongs to depends on nothing but its id and the number of shards, so that every machine of a CI
matrix or a cluster finds its own part without a coordinator.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from conformance.errors import ResultsError, UsageError
from conformance.judge.verdict import Verdict
from conformance.record.run import FooterRecord, LaneRow, Results, ShardRecord, StandingRecord

Named = Sequence[tuple[str, Results]]
"""Results, each with the name of its file."""

_STATES = ("stale", "unmatched", "active", "unused")
"""Of a deviation in several shards the first of these that any of them says holds for all."""


def parse(text: str) -> tuple[int, int]:
    """`2/5` as (2, 5). Raises UsageError."""
    matched = re.fullmatch(r"(\d{1,4})/(\d{1,4})", text)
    if matched is None or not 1 <= int(matched[1]) <= int(matched[2]):
        raise UsageError(f"--shard {text} is not one of so many", "as in --shard 2/5: the second of five")
    return int(matched[1]), int(matched[2])


def shard_of(case: str, count: int) -> int:
    """The shard, from 1, to which a case belongs."""
    return int.from_bytes(hashlib.sha256(case.encode()).digest()[:8], "big") % count + 1


def describe(index: int, count: int, cases: Iterable[str], is_full: bool) -> ShardRecord:
    """What results say of their shard: which of how many, and of which whole.

    `cases` are the ids of the whole; `is_full`: the whole is every case of the project.
    """
    every = sorted(set(cases))
    digest = hashlib.sha256("\n".join(every).encode()).hexdigest()[:16]
    return ShardRecord(index=index, count=count, cases=len(every), digest=digest, is_full=is_full)


def merge(shards: Named) -> Results:
    """All shards of one run as one results file.

    Raises ResultsError, naming the file, unless every shard is there once, all are of the same whole, and every case
    of it stands in exactly one of them.
    """
    _check_whole(shards)
    _check_lanes(shards)
    ordered = sorted(shards, key=lambda item: _part(item[1]).index)
    parts = [results for _, results in ordered]
    first = parts[0]
    not_run = tuple(item for part in parts for item in part.not_run)
    records = tuple(sorted((record for part in parts for record in part.cases), key=lambda record: record.id))
    return replace(
        first,
        started=min(part.started for part in parts),
        seconds=round(sum(part.seconds for part in parts), 3),
        command=f"conformance merge of {len(parts)} shards: {first.command}",
        lanes=tuple(_lane([_named(part, row.name) for part in parts]) for row in first.lanes),
        is_full=_part(first).is_full,
        counts=dict(sorted(Counter(record.outcome for record in records).items())),
        deviations=_deviations(parts),
        shard=None,
        catalog={kind: row for part in parts for kind, row in part.catalog.items()},
        cases=records,
        not_run=not_run,
        footer=FooterRecord(
            complete=not not_run and all(part.footer.complete for part in parts),
            stopped="; ".join(part.footer.stopped for part in parts if part.footer.stopped),
            cases=len(records),
        ),
    )


def _part(results: Results) -> ShardRecord:
    """Which part results are; they were found to be one."""
    assert results.shard is not None
    return results.shard


def _check_whole(shards: Named) -> None:
    for name, results in shards:
        if results.shard is None:
            raise ResultsError(f"{name}: not a shard", "shards are written by runs with --shard K/N")
    name, first = shards[0]
    count, digest = _part(first).count, _part(first).digest
    seen: dict[int, str] = {}
    for other, results in shards:
        shard = _part(results)
        is_drawn_alike = results.seed == first.seed
        if (shard.count, shard.digest) != (count, digest) or not is_drawn_alike:
            hint = "run all shards with the same cases, the same N and the same options"
            raise ResultsError(f"{other} and {name} are shards of different runs", hint)
        if shard.index in seen:
            raise ResultsError(f"{other} and {seen[shard.index]} are both shard {shard.index}/{count}")
        seen[shard.index] = other
    missing = [f"{index}/{count}" for index in range(1, count + 1) if index not in seen]
    if missing:
        raise ResultsError(f"shard {', '.join(missing)} is missing", "merge all shards of a run at once")
    _check_once(shards)


def _check_once(shards: Named) -> None:
    """Every case of the whole in exactly one shard, and in the one that it belongs to."""
    places: dict[str, str] = {}
    for name, results in shards:
        shard = _part(results)
        for case in [record.id for record in results.cases] + [item.id for item in results.not_run]:
            if case in places:
                raise ResultsError(f"{case} stands in {places[case]} and in {name}; a case runs once")
            if shard_of(case, shard.count) != shard.index:
                raise ResultsError(f"{name}: {case} does not belong to shard {shard.index}/{shard.count}")
            places[case] = name
    whole = _part(shards[0][1])
    if describe(1, 1, places, True).digest != whole.digest:
        raise ResultsError(f"the shards hold {len(places)} of {whole.cases} cases", "run the shards again")


def _check_lanes(shards: Named) -> None:
    name, first = shards[0]
    mine = {row.name: row.versions for row in first.lanes}
    for other, results in shards[1:]:
        theirs = {row.name: row.versions for row in results.lanes}
        if mine.keys() != theirs.keys():
            raise ResultsError(f"{name} has lanes {', '.join(mine)}; {other} has {', '.join(theirs)}")
        for lane, versions in mine.items():
            if versions and theirs[lane] and versions != theirs[lane]:
                words = " and ".join(
                    ", ".join(f"{package} {version}" for package, version in found.items())
                    for found in (versions, theirs[lane])
                )
                raise ResultsError(f"lane {lane} is not the same in {name} and {other}: {words}")


def _named(results: Results, name: str) -> LaneRow:
    return next(row for row in results.lanes if row.name == name)


def _lane(rows: Sequence[LaneRow]) -> LaneRow:
    verdicts: Counter[Verdict] = Counter()
    for row in rows:
        verdicts.update(row.verdicts)
    proved = next((row for row in rows if row.versions), rows[0])
    return replace(
        proved,
        selected=sum(row.selected for row in rows),
        ran=sum(row.ran for row in rows),
        unavailable=next((row.unavailable for row in rows if row.unavailable), None),
        verdicts=dict(sorted(verdicts.items())),
    )


def _deviations(parts: Sequence[Results]) -> tuple[StandingRecord, ...]:
    by_id: dict[str, list[StandingRecord]] = {}
    for part in parts:
        for item in part.deviations:
            by_id.setdefault(item.id, []).append(item)
    return tuple(
        replace(items[0], state=min((item.state for item in items), key=_STATES.index)) for items in by_id.values()
    )
