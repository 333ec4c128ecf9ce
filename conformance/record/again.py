"""Judges a stored run again with a wider or a narrower budget: from results.json alone, no case and no framework runs.

Every output's record keeps how much of its budget it used, and its errors in roundings; a budget scaled by s is used
1 / s times as much. Exact outputs are allowed nothing at any scale, and what differs in another way differs still.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from conformance.errors import UsageError
from conformance.judge.budget import is_biased
from conformance.judge.verdict import Distance, Verdict
from conformance.record.case import Record
from conformance.record.lane import LaneRecord
from conformance.record.parts import DistanceRecord

_BY_SIZE = ("values", "gradient", "weights")
"""Aspects whose findings are a matter of how much is allowed."""


@dataclass(frozen=True, slots=True)
class Changed:
    """One lane of one case whose verdict is another one now."""

    case: str
    lane: str
    was: str
    now: str
    where: str
    """The node or gradient that uses most."""
    used: float
    """Its share of the scaled budget."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A stored run under a scaled budget."""

    scale: float
    changes: tuple[Changed, ...]
    verdicts: Mapping[str, int]
    """Verdict to the number of lanes of cases that have it now."""

    @property
    def has_failures(self) -> bool:
        return any(Verdict(verdict).is_failure for verdict in self.verdicts)


def judge_again(records: Sequence[Record], scale: float) -> Judged:
    """Every lane of every case of a run under a budget `scale` times as wide. Raises UsageError where it is none."""
    if not 0 < scale < math.inf:
        raise UsageError(f"a budget cannot be scaled by {scale:g}", "give a number above 0, as --budget-scale 0.5")
    changes = []
    verdicts: dict[str, int] = {}
    for record in records:
        terms = max(found.longest_sum for found in record.lanes.values())  # only the reference counts them
        for lane, found in record.lanes.items():
            now, where, used = _verdict(found, scale, record.budget_scale, terms)
            verdicts[now] = verdicts.get(now, 0) + 1
            if now != found.verdict:
                changes.append(Changed(record.id, lane, found.verdict, now, where, used))
    return Judged(scale, tuple(changes), dict(sorted(verdicts.items())))


def _verdict(found: LaneRecord, scale: float, share: float, terms: int) -> tuple[str, str, float]:
    """The verdict on one lane, where it uses most of the scaled budget, and how much of it."""
    verdict = found.verdict
    aspects = {finding.aspect for finding in found.findings}
    is_by_size = verdict == Verdict.AGREE or (verdict == Verdict.DIFFER and aspects <= set(_BY_SIZE))
    measured = list(_measured(found, scale, share, terms))
    if not is_by_size or not measured or any(finding.distance is None for finding in found.findings):
        return verdict, "", 0.0
    where, used, is_over = max(measured, key=lambda item: (item[2], item[1]))
    stated = any(finding.wanted_by != "reference" for finding in found.findings)
    if stated:
        return verdict, where, used
    return str(Verdict.DIFFER if is_over else Verdict.AGREE), where, used


def _measured(found: LaneRecord, scale: float, share: float, longest_sum: int) -> Iterator[tuple[str, float, bool]]:
    """Every output and gradient: its name, its share of the scaled budget, and whether that is too much."""
    for run in found.runs:
        for label, node in run.items():
            if node.distance is not None:
                distance = _distance(node.distance, scale)
                terms = longest_sum if node.tier == "budget" else 0
                yield label, distance.used, distance.used > 1.0 or is_biased(distance, terms, share)
    for name, gradient in found.gradients.items():
        used = _distance(gradient.distance, scale).used
        yield name, used, used > 1.0


def _distance(stored: DistanceRecord, scale: float) -> Distance:
    """A stored distance in units of the scaled budget."""
    return Distance(
        used=float(stored.used) / scale,
        over=0,
        count=stored.count,
        largest=float(stored.largest),
        rms=float(stored.rms) / scale,
        mean=float(stored.mean) / scale,
    )


def text(judged: Judged) -> str:
    """The outcome for a terminal: what changes, and the count of verdicts."""
    lines = [
        f"{one.case} [{one.lane}]: {one.was} -> {one.now} ({one.where} uses {one.used:.2f} of the budget)"
        for one in judged.changes
    ]
    counts = ", ".join(f"{count} {verdict}" for verdict, count in judged.verdicts.items())
    return "\n".join([*lines, f"budget times {judged.scale:g}: {len(judged.changes)} verdicts change; {counts}"])
