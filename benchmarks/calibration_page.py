"""A campaign as markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.comparators import BUDGET
from benchmarks.detection import NAMES, Detection
from benchmarks.tally import OPEN, OPEN_GRADIENT, RANDOM, Tally
from conformance.judge.budget import FEWEST
from tests.faults.campaign import CONTROLS

NOTES = "## What stood behind the constants"
"""From here on the page is written by hand and stays."""


def page(tally: Tally, cases: int, detection: Detection | None = None) -> str:
    """The campaign's page, without what is written by hand."""
    bound = 3.0 / max(tally.verdicts, 1)
    lines = [
        "# Calibration: what honest lanes use of their budget",
        "",
        f"Made by `nox -s calibrate`: {cases} cases at {len(tally.seeds)} seeds in the lanes {', '.join(tally.lanes)},",
        "against the float64 reference. A lane takes part in a case where it agrees at seed 0; at every other seed all",
        "arrays are drawn anew.",
        "",
        "## False alarms",
        "",
        f"{len(tally.alarms)} in {tally.verdicts} verdicts"
        + (f": none in n bounds the rate below 3 / n at 95 %, {bound:.1e}." if not tally.alarms else "."),
        "",
        *([f"- {_alarm(one)}" for one in tally.alarms] or ["No alarm."]),
        "",
        *_not_judged(tally),
        "## Shares of the budget",
        "",
        "| | outputs | median | 90 % | 99 % | 99.9 % | largest |",
        "|---|---|---|---|---|---|---|",
        _row("values, share used", tally.values),
        _row("gradients, share used", tally.gradients),
        _row(f"rms of {FEWEST} elements or more, over its limit", tally.rms),
        _row("their mean, over its limit", tally.mean),
        "",
        f"Exact outputs: {tally.exact}, of which {tally.inexact} differ in a bit.",
        "",
        "Those that use most:",
        "",
        "| | used | case | seed | lane | output |",
        "|---|---|---|---|---|---|",
        *(
            f"| {kind} | {used} | {where['case']} | {where['seed']} | {where['lane']} | {where['label']} |"
            for kind in ("values", "gradients")
            for used, where in tally.largest[kind]
        ),
        "",
        "## Other comparators on the same forward values",
        "",
        f"{tally.comparisons} outputs on which the harness finds no difference; one called different is a false alarm.",
        "The last column is what each lets pass when every element of the reference is made 1 in 10^5 larger, which is",
        "168 roundings: more than float32 needs, but where a sum cancels so far that the budget has to allow it too.",
        "",
        "| comparator | false alarms | lets pass an error of 1e-5 |",
        "|---|---|---|",
        f"| {BUDGET} | 0 | {tally.passes[BUDGET]} |",
        *(f"| {name} | {count} | {tally.passes[name]} |" for name, count in tally.differ.items()),
        *([] if detection is None else _detection(detection)),
    ]
    return "\n".join(lines) + "\n"


def _not_judged(tally: Tally) -> list[str]:
    """What share of outputs and gradients is not judged, by reason."""
    of = {OPEN: tally.outputs, RANDOM: tally.outputs, OPEN_GRADIENT: tally.gradients_asked}
    return [
        "## Not judged",
        "",
        "| why | not judged | of | share |",
        "|---|---|---|---|",
        *(
            f"| {reason} | {count} | {of[reason]} | {count / max(of[reason], 1):.2%} |"
            for reason, count in tally.not_judged.items()
        ),
        "",
    ]


def _detection(one: Detection) -> list[str]:
    return [
        "",
        "## Faults and equivalent rewrites in live frameworks",
        "",
        f"The same comparators on {one.faults} faults (faults.md), each in up to {CONTROLS} of the cases of its",
        f"layers, and on {one.controls} rewrites that compute the same in another order (per gate, per tap, summed",
        "backwards, through einsum, ...), which must pass. Not every case of a fault's layers can show it: a mask that",
        "is lost is no mistake where there is none. A fault is found in a case where a comparator calls the answer",
        "with it different and that of the unpatched framework not. faults.md tries each in all of its cases.",
        "",
        "| comparator | faults found | of their cases | alarms on rewrites |",
        "|---|---|---|---|",
        *(
            f"| {name} | {one.found[name]} of {one.faults} | {one.seen[name]} of {one.pairs} "
            f"| {one.alarms[name]} of {one.rewritten} |"
            for name in NAMES
        ),
        "",
        *(f"- {where}" for where in one.alarmed),
    ]


def _alarm(one: dict[str, Any]) -> str:
    return f"`{one['case']}` at seed {one['seed']} in {one['lane']}: {one['cause']} (used {one['used']})"


def _row(name: str, shares: Sequence[float]) -> str:
    found = np.array([share for share in shares if np.isfinite(share)] or [0.0])
    parts = " | ".join(f"{value:.3g}" for value in np.percentile(found, [50, 90, 99, 99.9, 100]))
    return f"| {name} | {len(found)} | {parts} |"
