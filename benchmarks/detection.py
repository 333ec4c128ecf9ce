"""Faults in live frameworks, and rewrites that are none, seen by this harness and by other comparators.

Every fault is put into the cases that `tests.faults.campaign` would try, at the draws of the gate; every rewrite into
as many, at every seed. All comparators look at the same answers. One that calls the unpatched framework different in a
case sees nothing there: what it says of the fault it says of rounding.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.comparators import BUDGET, COMPARATORS, SUITE, who_differ
from conformance.case.model import Case
from conformance.judge.case import judge_lane
from tests.faults.campaign import CONTROLS, Campaign, controls_of
from tests.faults.lane import known_faults
from tests.faults.patching import Fault

NAMES = (SUITE, BUDGET, *COMPARATORS)


@dataclass
class Detection:
    """What each comparator found."""

    faults: int = 0
    found: dict[str, int] = field(default_factory=lambda: dict.fromkeys(NAMES, 0))
    """Faults that it sees in at least one of their cases."""
    pairs: int = 0
    """A fault in a case."""
    seen: dict[str, int] = field(default_factory=lambda: dict.fromkeys(NAMES, 0))
    """Of those, which it sees: it calls the faulty answer different, and not that of the unpatched framework."""
    controls: int = 0
    rewritten: int = 0
    """A rewrite in a case at a seed."""
    alarms: dict[str, int] = field(default_factory=lambda: dict.fromkeys(NAMES, 0))
    """Of those, which it calls different."""
    alarmed: list[str] = field(default_factory=list)
    """Where this suite does."""

    @property
    def has_alarms(self) -> bool:
        return bool(self.alarmed)


def detection_of(cases: Sequence[Case], seeds: int, keep: Path | None) -> Detection:
    """All faults at seed 0 and all rewrites at every seed; kept and read again like the counts of a seed."""
    path = keep / "detection.json" if keep else None
    if path is not None and path.exists():
        return Detection(**json.loads(path.read_text(encoding="utf-8")))
    total = Detection()
    for framework in ("keras", "torch"):
        run = Campaign(framework, cases)
        controls = {fault.name for fault in controls_of(framework)}
        run.start()
        try:
            for name, fault in known_faults(framework).items():
                fitting = list(islice(run.candidates(fault), CONTROLS))
                if name in controls:
                    _rewritten(total, run, fault, fitting, seeds)
                else:
                    _broken(total, run, fault, fitting)
        finally:
            run.stop()
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(dataclasses.asdict(total)), encoding="utf-8")
    return total


def _seen(run: Campaign, case: Case, fault: Fault | None) -> set[str]:
    reference = run.honest(case)[1]
    got: Any = replace(run.answer(case, fault), lane=run.framework)
    verdict = judge_lane(case, got, reference, run.masks[run.framework])
    return who_differ(case, got, reference) | ({SUITE} if verdict.verdict.is_failure else set())


def _broken(total: Detection, run: Campaign, fault: Fault, cases: Sequence[Case]) -> None:
    ever: set[str] = set()
    total.faults += 1
    for case in cases:
        total.pairs += 1
        seen = _seen(run, case, fault) - _seen(run, case, None)
        ever |= seen
        for name in seen:
            total.seen[name] += 1
    for name in ever:
        total.found[name] += 1


def _rewritten(total: Detection, run: Campaign, fault: Fault, cases: Sequence[Case], seeds: int) -> None:
    total.controls += 1
    for case in (case.at_seed(seed) for seed in range(seeds) for case in cases):
        total.rewritten += 1
        seen = _seen(run, case, fault)
        for name in seen:
            total.alarms[name] += 1
        if SUITE in seen:
            total.alarmed.append(f"{fault.name} in {case.id} at seed {case.seed}")
