"""What gradients add to values in finding the mutants of the layers: counted over every case, without a framework.

    python -m benchmarks.gradient_mutants [--every 1] [-o docs/evidence/gradient_mutants.md]

Every mutant that a case does not tell from the real layer by what it gives (`conformance mutants`) is differentiated
there too, and its gradients are judged as those of a lane.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from conformance.case.load import load_folder
from conformance.case.model import Case
from conformance.judge.gradients import gradient_findings
from conformance.mutants.backwards import gradients
from conformance.mutants.layer import mutable, mutants_of, with_mistake
from conformance.oracle.arrays import make_layers
from conformance.oracle.run import answer
from conformance.plans.draw import plan_of
from conformance.protocol.observation import Output
from conformance.protocol.plan import Plan
from conformance.score.score import score_case

SHOWN = 40
"""Mutants in the page's table."""


@dataclass
class Count:
    """Trials, and what values and gradients find of them."""

    trials: int = 0
    by_values: int = 0
    differentiated: int = 0
    """Trials that values do not decide and in which both have gradients."""
    by_gradients: int = 0
    mutants: Counter[str] = field(default_factory=Counter)
    """Mutant to the cases in which only gradients find it."""
    killed: set[str] = field(default_factory=set)
    """Mutants that values find somewhere."""
    skipped: int = 0
    """Cases that are not differentiated, or whose reference raises."""

    @property
    def only_gradients(self) -> list[str]:
        """Mutants that no case finds by values."""
        return [name for name in self.mutants if name not in self.killed]


def counted(cases: Sequence[Case]) -> Count:
    """Every mutant of every case."""
    count = Count()
    for case in cases:
        _count(case, count)
    return count


def _count(case: Case, count: Count) -> None:
    plan = plan_of(case)
    score = score_case(case)
    count.trials += len(score.trials)
    count.by_values += len(score.of("killed"))
    count.killed |= set(score.of("killed"))
    survived = score.of("survived")
    if not survived or not plan.cotangents:
        count.skipped += not plan.cotangents
        return
    reference = answer(replace(plan, trainings=()))
    for name in survived:
        found = gradients_of(plan, name)
        if found is None or not reference.gradients:
            continue
        count.differentiated += 1
        wrong, _ = gradient_findings(replace(reference, lane="mutant", gradients=found), reference, case.budget_scale)
        if wrong:
            count.by_gradients += 1
            count.mutants[name] += 1


def gradients_of(plan: Plan, name: str) -> Mapping[str, Output] | None:
    """The gradients of a plan's first run with a mutant in it; None where it cannot be made or differentiated."""
    kind, _, mutant = name.partition(".")
    layer = mutable()[kind]
    rewrite = partial(with_mistake, kind=layer, mutant=mutants_of(layer)[mutant])
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # a wrong formula may divide by zero; what it gives is judged
        try:
            found = gradients(plan, {key: rewrite(one) for key, one in make_layers(plan).items()})
        except Exception:  # what cannot be made here, or not differentiated, finds nothing
            return None
    return {name: Output(array.shape, str(array.dtype), array, None) for name, array in found.items()} or None


def page(count: Count, cases: int) -> str:
    """The counts as markdown."""
    only = count.only_gradients
    lines = [
        "# Mutants: what gradients add",
        "",
        f"Every mutant of every layer in {cases} cases: {count.trials} trials. Values, masks, shapes and expectations",
        f"decide {count.by_values} of them. Of the rest {count.differentiated} were differentiated, and",
        f"{count.by_gradients} have another gradient; {count.skipped} cases have none.",
        "Made by `python -m benchmarks.gradient_mutants`.",
        "",
        f"Mutants that only gradients find in all of these cases: {', '.join(only) or 'none'}. Over the whole suite",
        "values find every mutant (mutants.md).",
        "",
        "A gradient sees what a value hides where a number is saturated, multiplied by zero or not chosen. These are",
        "found by gradients in cases that do not find them by values:",
        "",
        "| mutant | cases in which only gradients find it |",
        "|---|---|",
        *(f"| {name} | {number} |" for name, number in count.mutants.most_common(SHOWN)),
    ]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, help="every n-th case only")
    parser.add_argument("-o", "--output", type=Path)
    parsed = parser.parse_args(arguments)
    cases = load_folder(Path("cases"))[:: parsed.every]
    text = page(counted(cases), len(cases))
    if parsed.output is None:
        sys.stdout.write(text)
    else:
        parsed.output.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
