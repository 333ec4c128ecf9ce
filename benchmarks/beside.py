"""What the functional model beside every eager run costs: `python -m benchmarks.beside [--every N] [--limit RATIO]`.

The Keras lane answers every Nth case twice, with its functional model and without, each first in turn, so that
a busy machine slows both alike. Processor time of the lane's process is what is compared. Exit code 1 above the limit.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from conformance.case.load import load_folder
from conformance.case.model import Case
from conformance.errors import CaseError
from conformance.lanes.worker import start_adapter
from conformance.plans.draw import plan_of
from conformance.protocol.plan import Plan

LIMIT = 1.3
"""How many times the time without the model the time with it may be."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor seconds of the same cases."""

    cases: int
    models: int
    """Cases that have one."""
    without: float
    with_model: float

    @property
    def ratio(self) -> float:
        return self.with_model / self.without

    def __str__(self) -> str:
        return (
            f"{self.cases} cases, {self.models} with a functional model: {self.without:.1f} s without, "
            f"{self.with_model:.1f} s with it, {self.ratio:.2f} times"
        )


def plans(cases: Sequence[Case]) -> Iterator[Plan]:
    """The plans that can be made."""
    for case in cases:
        try:
            yield plan_of(case)
        except CaseError:
            continue


def measured(every: int) -> Cost:
    """The cost over every Nth case of `cases/`; cases that end a process are left out."""
    lane = start_adapter("keras", {"environment": {"TF_CPP_MIN_LOG_LEVEL": "2", "OMP_NUM_THREADS": "1"}})
    spent = {True: 0.0, False: 0.0}
    count = models = 0
    for index, plan in enumerate(plans(load_folder("cases")[::every])):
        if "crash" in plan.id or "too_long" in plan.id or "largest_of_all" in plan.id:
            continue
        lane.observe(plan)  # what Keras and TensorFlow make once is nobody's cost
        for with_model in (True, False) if index % 2 else (False, True):
            begun = time.process_time()
            found = lane.observe(replace(plan, with_model=with_model))
            spent[with_model] += time.process_time() - begun
            models += bool(found["functional"] and not found["functional"]["note"])
        count += 1
    return Cost(count, models, spent[False], spent[True])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=5, metavar="N", help="take every Nth case (default: 5)")
    parser.add_argument("--limit", type=float, default=LIMIT, metavar="RATIO", help=f"default: {LIMIT}")
    parsed = parser.parse_args()
    found = measured(parsed.every)
    print(found)
    return int(found.ratio > parsed.limit)


if __name__ == "__main__":
    raise SystemExit(main())
