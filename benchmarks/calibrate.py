"""How far honest lanes lie from the reference, over many draws, and what other comparators make of the same arrays.

    python benchmarks/calibrate.py --seeds 20 --every 4 [-o docs/calibration.md]

A case with seed s is the case under another id, so all of its arrays are drawn anew; stated values stay. A lane's
verdict at a seed is a false alarm where it agrees at seed 0, the draw of the gate. Comparators are given float32 lanes
and the float64 reference, forward values only, and only outputs that the harness finds to agree.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from conformance.case.load import load_folder
from conformance.case.model import Case
from conformance.judge.budget import FEWEST, MEAN_LIMIT, RMS_LIMIT, allowance
from conformance.judge.case import judge_case
from conformance.judge.verdict import LaneVerdict, Verdict
from conformance.lanes.observation import Observation
from conformance.run import Run, lane_specs

LANES = ("keras", "torch")

COMPARATORS: dict[str, Callable[[Any, Any], bool]] = {
    "np.allclose (rtol 1e-5, atol 1e-8)": lambda got, ref: bool(np.allclose(got, ref, equal_nan=True)),
    "torch.testing.assert_close (1.3e-6, 1e-5)": lambda got, ref: _close(got, ref, 1.3e-6, 1e-5),
    "Keras' assertAllClose (1e-6, 1e-6)": lambda got, ref: _close(got, ref, 1e-6, 1e-6),
    "Keras' numerical_test (1e-7, 1e-3)": lambda got, ref: _close(got, ref, 1e-7, 1e-3),
}


def _close(got: Any, ref: Any, rtol: float, atol: float) -> bool:
    return bool(np.allclose(got, ref, rtol=rtol, atol=atol, equal_nan=True))


@dataclass
class Sample:
    """One float output, or one gradient, of one lane at one seed."""

    case: str
    lane: str
    label: str
    used: float
    rms: float
    mean: float
    count: int
    terms: int
    is_exact: bool = False


@dataclass
class Tally:
    """Everything that is counted over a campaign."""

    values: list[Sample] = field(default_factory=list)
    gradients: list[Sample] = field(default_factory=list)
    verdicts: int = 0
    alarms: list[tuple[str, str, str]] = field(default_factory=list)
    """Case at its seed, lane, and the first cause."""
    comparisons: int = 0
    others: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COMPARATORS, 0))
    """Outputs that each comparator calls different."""
    misses: dict[str, int] = field(default_factory=lambda: dict.fromkeys([*COMPARATORS, "budget"], 0))
    """Outputs with an error of 1 in 10^5, in all elements, that each lets pass."""


def at_seed(case: Case, seed: int) -> Case:
    """The case with all of its arrays drawn anew; seed 0 is the case itself."""
    return replace(case, id=f"{case.id}~{seed}") if seed else case


Seen = tuple[int, Case, dict[str, Observation], dict[str, LaneVerdict]]


def observed(cases: Sequence[Case], seeds: int) -> Iterator[Seen]:
    """Every case at every seed: what the lanes gave, and the verdicts on them."""
    run = Run(lane_specs(LANES))
    try:
        for seed in range(seeds):
            drawn = [at_seed(case, seed) for case in cases]
            run.announce([(case, LANES) for case in drawn])
            for case in drawn:
                seen = run.observations(case)
                masks = {name: identity.gives_masks for name, identity in run.identities().items()}
                yield seed, case, seen, dict(judge_case(case, seen, masks).lanes)
    finally:
        run.stop()


def tallied(cases: Sequence[Case], seeds: int) -> Tally:
    """Counts a campaign; lanes that do not agree at seed 0 are left out, for they have something to say."""
    tally = Tally()
    agrees: set[tuple[str, str]] = set()
    for seed, case, seen, verdicts in observed(cases, seeds):
        name = case.id.partition("~")[0]
        for lane in LANES:
            found = verdicts[lane]
            if seed == 0 and found.verdict is Verdict.AGREE:
                agrees.add((name, lane))
            if (name, lane) not in agrees:
                continue
            tally.verdicts += 1
            if found.verdict is not Verdict.AGREE:
                cause = found.cause
                where = f"{cause.aspect} of {cause.node}" if cause else found.reason
                tally.alarms.append((case.id, lane, where))
            _measure(tally, case, lane, found, seen)
    return tally


def _measure(tally: Tally, case: Case, lane: str, found: LaneVerdict, seen: dict[str, Observation]) -> None:
    reference, got = seen["numpy"], seen[lane]
    terms = reference.longest_sum if case.tolerance is None else 0
    for run, distances in enumerate(found.distances):
        for label, d in distances.items():
            node, _, index = label.partition("[")
            place = int(index.rstrip("]") or 0)
            wanted = reference.runs[run][node].outputs[place]
            if wanted.values.dtype.kind != "f":
                continue
            is_exact = node in reference.exact
            tally.values.append(Sample(case.id, lane, label, d.used, d.rms, d.mean, d.count, terms, is_exact))
            mine = got.runs[run][node].outputs[place].values
            if mine.shape == wanted.shape and found.verdict is Verdict.AGREE and case.tolerance is None:
                _compare(tally, mine, wanted, reference.longest_sum, is_exact)
    for label, d in found.gradients.items():
        tally.gradients.append(Sample(case.id, lane, label, d.used, d.rms, d.mean, d.count, 0))


def _compare(tally: Tally, mine: Any, wanted: Any, terms: int, is_exact: bool) -> None:
    tally.comparisons += 1
    wrong = wanted.values * (1.0 + 1e-5)
    allowed = allowance(wanted.values, wanted.sensitivity, terms, is_exact=is_exact).allowed
    with np.errstate(invalid="ignore"):
        is_seen = bool(np.any(np.abs(wrong - wanted.values) > allowed))
    if not np.any(np.isfinite(wanted.values) & (wanted.values != 0)):
        is_seen = True
    else:
        for name, agree in COMPARATORS.items():
            tally.misses[name] += agree(wrong.astype(np.float32), wanted.values)
    tally.misses["budget"] += not is_seen
    for name, agree in COMPARATORS.items():
        tally.others[name] += not agree(mine, wanted.values)


def page(tally: Tally, cases: int, seeds: int) -> str:
    """The campaign as markdown."""
    judged = [one for one in tally.values if not one.is_exact]
    exact = [one for one in tally.values if one.is_exact]
    many = [one for one in judged if one.count >= FEWEST and one.terms]
    bound = 3.0 / max(tally.verdicts, 1)
    lines = [
        "# Calibration: what honest lanes use of their budget",
        "",
        f"Made by `python benchmarks/calibrate.py`: {cases} cases at {seeds} seeds in the lanes {' and '.join(LANES)},",
        "against the float64 reference. A lane takes part in a case where it agrees at seed 0; at every other seed all",
        "arrays are drawn anew.",
        "",
        "## False alarms",
        "",
        f"{len(tally.alarms)} in {tally.verdicts} verdicts. None in n bounds the rate below 3 / n: {bound:.1e}.",
        "",
        *([f"- `{case}` in {lane}: {where}" for case, lane, where in tally.alarms] or ["No alarm."]),
        "",
        "## Shares of the budget",
        "",
        "| | outputs | median | 90 % | 99 % | 99.9 % | largest |",
        "|---|---|---|---|---|---|---|",
        _row("values, share used", [one.used for one in judged]),
        _row("gradients, share used", [one.used for one in tally.gradients]),
        _row(f"rms of {FEWEST} elements or more, over its limit", [_share(one.rms, RMS_LIMIT, one, 4) for one in many]),
        _row("their mean, over its limit", [_share(abs(one.mean), MEAN_LIMIT, one, 8) for one in many]),
        "",
        f"Exact outputs: {len(exact)}, of which {sum(one.used > 0 for one in exact)} differ in a bit.",
        "",
        "## Other comparators on the same forward values",
        "",
        f"{tally.comparisons} outputs on which the harness finds no difference; one called different is a false alarm.",
        "The last column is what each lets pass when every element of the reference is made 1 in 10^5 larger, which is",
        "168 roundings: more than float32 needs, but where a sum cancels so far that the budget has to allow it too.",
        "",
        "| comparator | false alarms | lets pass an error of 1e-5 |",
        "|---|---|---|",
        f"| this budget | 0 | {tally.misses['budget']} |",
        *(f"| {name} | {count} | {tally.misses[name]} |" for name, count in tally.others.items()),
    ]
    return "\n".join(lines) + "\n"


def _share(found: float, limit: float, one: Sample, by: int) -> float:
    return found / (limit + float(np.sqrt(one.terms)) / by)


def _row(name: str, shares: Sequence[float]) -> str:
    found = np.array([share for share in shares if np.isfinite(share)] or [0.0])
    parts = " | ".join(f"{value:.3g}" for value in np.percentile(found, [50, 90, 99, 99.9, 100]))
    return f"| {name} | {len(found)} | {parts} |"


NOTES = "\n## What stood behind the constants\n"
"""From here on the page is written by hand and stays."""


def _notes(path: Path) -> str:
    _, found, notes = (path.read_text(encoding="utf-8") if path.exists() else "").partition(NOTES)
    return found + notes


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a campaign and writes its page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--every", type=int, default=1, help="every n-th case only")
    parser.add_argument("-o", "--output", type=Path)
    parsed = parser.parse_args(arguments)
    cases = [case for case in load_folder(Path("cases")) if not case.lanes][:: parsed.every]
    text = page(tallied(cases, parsed.seeds), len(cases), parsed.seeds)
    if parsed.output is None:
        sys.stdout.write(text)
    else:
        parsed.output.write_text(text + _notes(parsed.output), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
