"""What a campaign counts, seed by seed: kept as JSON, so that a campaign can be interrupted and put together again."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.comparators import BUDGET, COMPARATORS, floats_of
from conformance.case.model import Case
from conformance.judge.budget import FEWEST, MEAN_LIMIT, RMS_LIMIT
from conformance.judge.verdict import Distance, LaneVerdict, Verdict
from conformance.protocol.observation import Observation

LARGEST = 5
"""Outputs that are named for using most of their budget."""


OPEN, RANDOM, OPEN_GRADIENT = "the budget allows every answer", "drawn at random", "gradient: it allows every answer"
REASONS = (OPEN, RANDOM, OPEN_GRADIENT)
"""Why an output or a gradient is not judged."""


@dataclass
class Tally:
    """One seed of a campaign, or several added up."""

    seeds: list[int] = field(default_factory=list)
    lanes: list[str] = field(default_factory=list)
    agrees: list[list[str]] = field(default_factory=list)
    """Case and lane that agree at seed 0: these take part."""
    verdicts: int = 0
    alarms: list[dict[str, Any]] = field(default_factory=list)
    """Case, seed, lane and the first cause."""
    values: list[float] = field(default_factory=list)
    """Shares of the budget that outputs used."""
    gradients: list[float] = field(default_factory=list)
    rms: list[float] = field(default_factory=list)
    """Root mean squares over their limits."""
    mean: list[float] = field(default_factory=list)
    exact: int = 0
    inexact: int = 0
    """Exact outputs that differ in a bit."""
    largest: dict[str, list[list[Any]]] = field(default_factory=lambda: {"values": [], "gradients": []})
    comparisons: int = 0
    differ: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COMPARATORS, 0))
    """Outputs that each comparator calls different, of those on which the harness finds no difference."""
    passes: dict[str, int] = field(default_factory=lambda: dict.fromkeys([*COMPARATORS, BUDGET], 0))
    """Outputs with an error of 1 in 10^5, in all elements, that each lets pass."""
    outputs: int = 0
    """Outputs of floats of lanes that agree, or in which nothing is judged."""
    gradients_asked: int = 0
    not_judged: dict[str, int] = field(default_factory=lambda: dict.fromkeys(REASONS, 0))
    """Of those, how many are not judged, by reason."""

    def add(self, case: Case, lane: str, found: LaneVerdict, got: Observation, reference: Observation) -> None:
        """Counts one lane's answer to a case in which it takes part."""
        where = {"case": case.id, "seed": case.seed, "lane": lane}
        self.count_not_judged(found)
        if found.verdict is Verdict.NOT_JUDGED:
            return
        self.verdicts += 1
        if found.verdict is not Verdict.AGREE:
            cause = found.cause
            words = f"{cause.aspect} of {cause.node}" if cause else found.reason
            used = cause.distance.used if cause and cause.distance else found.used
            self.alarms.append(where | {"cause": words, "used": _rounded(used)})
            return
        for item in floats_of(case, got, reference):
            distance = found.distances[item.run].get(item.label) if item.run < len(found.distances) else None
            place = (item.run, item.label)
            if distance is None or place in found.random or place in found.undecided:
                continue
            if item.allowed.tier == "exact":
                self.exact += 1
                self.inexact += distance.used > 0
            else:
                self._use("values", distance, {**where, "label": item.label})
                self._together(distance, item.allowed.terms)
            if item.allowed.tier != "tolerance":
                self._compare(item.got.values, item.wanted.values, item.allowed.allowed)
        for label, distance in found.gradients.items():
            self._use("gradients", distance, {**where, "label": label})

    def count_not_judged(self, found: LaneVerdict) -> None:
        """Every output of floats and every gradient, with the reason why it is not judged, where there is one."""
        floats = [(one.run, one.label) for one in found.matched if one.got.values.dtype.kind == "f"]
        self.outputs += len(floats)
        self.gradients_asked += len(found.gradients)
        random = [place for place in floats if place in found.random]
        self.not_judged[RANDOM] += len(random)
        self.not_judged[OPEN] += sum(place in found.undecided for place in floats) - sum(
            place in found.undecided for place in random
        )
        self.not_judged[OPEN_GRADIENT] += len(found.undecided_gradients)

    def _use(self, kind: str, distance: Distance, where: dict[str, Any]) -> None:
        used = _rounded(distance.used)
        getattr(self, kind).append(used)
        self.largest[kind] = sorted([*self.largest[kind], [used, where]], key=lambda row: -row[0])[:LARGEST]

    def _together(self, distance: Distance, terms: int) -> None:
        if distance.count >= FEWEST and terms:
            self.rms.append(_rounded(distance.rms / (RMS_LIMIT + float(np.sqrt(terms)) / 4)))
            self.mean.append(_rounded(abs(distance.mean) / (MEAN_LIMIT + float(np.sqrt(terms)) / 8)))

    def _compare(self, mine: Any, wanted: Any, allowed: Any) -> None:
        self.comparisons += 1
        for name, agree in COMPARATORS.items():
            self.differ[name] += not agree(mine, wanted)
        if not np.any(np.isfinite(wanted) & (wanted != 0)):
            return
        wrong = wanted * (1.0 + 1e-5)
        with np.errstate(invalid="ignore"):
            self.passes[BUDGET] += not np.any(np.abs(wrong - wanted) > allowed)
        for name, agree in COMPARATORS.items():
            self.passes[name] += agree(wrong.astype(np.float32), wanted)


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def summed(tallies: Iterable[Tally]) -> Tally:
    """All seeds of a campaign as one."""
    total = Tally()
    for one in tallies:
        for name in ("seeds", "agrees", "alarms", "values", "gradients", "rms", "mean"):
            getattr(total, name).extend(getattr(one, name))
        for name in ("verdicts", "exact", "inexact", "comparisons", "outputs", "gradients_asked"):
            setattr(total, name, getattr(total, name) + getattr(one, name))
        pairs = (total.differ, one.differ), (total.passes, one.passes), (total.not_judged, one.not_judged)
        for counts, more in pairs:
            for name, count in more.items():
                counts[name] += count
        for kind, rows in one.largest.items():
            total.largest[kind] = sorted([*total.largest[kind], *rows], key=lambda row: -row[0])[:LARGEST]
        total.lanes = list(dict.fromkeys([*total.lanes, *one.lanes]))
    return total


def written(tally: Tally, path: Path) -> None:
    """Keeps one seed's counts in a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(dataclasses.asdict(tally)), encoding="utf-8")


def read(path: Path) -> Tally:
    return Tally(**json.loads(path.read_text(encoding="utf-8")))
