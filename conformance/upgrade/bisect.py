"""The release in which a model of one's own began to answer otherwise, by binary search over releases."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance.gate.bisect import neighbours
from conformance.gate.rows import Row
from conformance.lanes.declare import parse
from conformance.upgrade.models import Subject, started, subjects_of

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
    known: dict[str, tuple[Row, ...]] = {}

    def moved(version: str) -> tuple[Row, ...]:
        if version not in known:
            known[version] = compared(versions[0], version)
        return known[version]

    last, first = neighbours(versions, lambda version: bool(moved(version)))
    rows = moved(first) if last == versions[0] else compared(last, first)
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
    return subjects_of([model], inputs, allowed)[0]
