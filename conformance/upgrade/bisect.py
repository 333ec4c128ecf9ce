"""The release in which a model of one's own began to answer otherwise, by binary search over releases."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance.errors import UsageError
from conformance.gate.rows import Row
from conformance.lanes.declare import parse
from conformance.upgrade.models import Subject, started

Compare = Callable[[str, str], tuple[Row, ...]]
"""What of a model moved between two releases; empty where nothing did."""


@dataclass(frozen=True, slots=True)
class Changed:
    """Two neighbouring releases between which a model's answer changed."""

    last: str
    first: str
    rows: tuple[Row, ...]
    asked: tuple[str, ...]
    """The releases that were asked, besides the oldest."""


def search(versions: Sequence[str], compared: Compare) -> Changed:
    """The first release whose answer is not that of the oldest, by binary search.

    Where it changed more than once, one of the changes is found. Raises UsageError where both ends agree.
    """
    if len(versions) < 2:
        raise UsageError("there are no two versions to search between", "name two that are published")
    oldest, known = versions[0], {}

    def moved(version: str) -> tuple[Row, ...]:
        if version not in known:
            known[version] = compared(oldest, version)
        return known[version]

    good, bad = 0, len(versions) - 1
    if not moved(versions[bad]):
        raise UsageError(f"{oldest} and {versions[bad]} give the same answer", "name two versions whose answers differ")
    while bad - good > 1:
        middle = (good + bad) // 2
        if moved(versions[middle]):
            bad = middle
        else:
            good = middle
    last, first = versions[good], versions[bad]
    rows = moved(first) if good == 0 else compared(last, first)
    return Changed(last, first, rows, tuple(known))


def in_releases(subject: Subject, package: str, step: str, rounding: bool, time_limit: float = 600.0) -> Compare:
    """Compares a model in two releases of a package, each in processes of its own."""

    def compared(old: str, new: str) -> tuple[Row, ...]:
        specs = (parse(f"{package}@{old}"), parse(f"{package}@{new}"))
        with started(*specs, time_limit) as upgrade:
            rows = upgrade.compared(subject, step, rounding).rows
        moved = tuple(row for row in rows if row.is_open)
        said = f"{len(moved)} moved" if moved else "the same answer"
        print(f"{package} {new}: {said} from {old}", file=sys.stderr, flush=True)
        return moved

    return compared


def one_subject(model: str, inputs: Sequence[Path], allowed: Sequence[str]) -> Subject:
    """The model that is searched for. Raises CompareError for what is none."""
    from conformance.upgrade.models import subjects_of

    return subjects_of([model], inputs, allowed)[0]
