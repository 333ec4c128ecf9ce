"""What the functional model beside every eager run costs, and what invariants do: `python -m benchmarks.beside`.

Two fresh processes answer every Nth case in the Keras lane, one with the functional model and one without, each case
once as in a run, with what Keras and TensorFlow make at a first call. Processor time is compared: other work on the
machine does not count in it. Invariants are timed as a part of judging. Exit code 1 where one takes more than `--limit`
times what it took without; the whole run, with its other lanes, then takes less than that.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from unittest.mock import patch

from conformance.case.load import load_folder
from conformance.case.model import Case
from conformance.errors import CaseError
from conformance.judge import case as judging
from conformance.lanes.worker import start_adapter
from conformance.oracle.run import answer
from conformance.plans.draw import plan_of
from conformance.protocol.plan import Plan

LIMIT = 1.3
"""How many times the time without may be taken with what is asked beside."""
LOST = ("crash", "too_long", "largest_of_all")
"""Parts of the ids of cases that may end the process."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor seconds for the same cases, without something and with it."""

    what: str
    cases: int
    without: float
    with_it: float

    @property
    def ratio(self) -> float:
        return self.with_it / self.without

    def __str__(self) -> str:
        return (
            f"{self.what}: {self.cases} cases, {self.without:.1f} s without, {self.with_it:.1f} s with, "
            f"{self.ratio:.2f} times"
        )


def plans(cases: Sequence[Case]) -> Iterator[Plan]:
    """The plans that can be made, of cases that end no process."""
    for case in cases:
        if any(word in case.id for word in LOST):
            continue
        try:
            yield plan_of(case)
        except CaseError:
            continue


def seconds_of_lane(every: int, with_model: bool) -> tuple[int, float]:
    """How many cases, and the processor seconds of this process for them in the Keras lane."""
    lane = start_adapter("keras", {"environment": {"TF_CPP_MIN_LOG_LEVEL": "2", "OMP_NUM_THREADS": "1"}})
    asked = list(plans(load_folder("cases")[::every]))
    begun = time.process_time()
    for plan in asked:
        lane.observe(replace(plan, with_model=with_model))
    return len(asked), time.process_time() - begun


def cost_of_models(every: int) -> Cost:
    """Each in a process of its own."""
    found = {}
    for with_model in (False, True):
        command = [sys.executable, "-m", "benchmarks.beside", "--every", str(every), "--lane", str(int(with_model))]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
        found[with_model] = told.split()
    return Cost("functional model", int(found[True][0]), float(found[False][1]), float(found[True][1]))


def cost_of_invariants(every: int) -> Cost:
    """Judging the reference as a lane, with its invariants and without."""
    spent = {True: 0.0, False: 0.0}
    cases = load_folder("cases")[::every]
    by_id = {case.id: case for case in cases}
    count = 0
    for plan in plans(cases):
        reference = answer(plan)
        got = replace(reference, lane="keras", adapter="keras")
        for is_asked in (False, True):
            begun = time.process_time()
            if is_asked:
                judging.judge_case(by_id[plan.id], {"numpy": reference, "keras": got}, {})
            else:
                with patch.object(judging, "invariant_findings", lambda *_: ([], 0)):
                    judging.judge_case(by_id[plan.id], {"numpy": reference, "keras": got}, {})
            spent[is_asked] += time.process_time() - begun
        count += 1
    return Cost("invariants", count, spent[False], spent[True])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=5, metavar="N", help="take every Nth case (default: 5)")
    parser.add_argument("--limit", type=float, default=LIMIT, metavar="RATIO", help=f"default: {LIMIT}")
    parser.add_argument("--lane", type=int, choices=(0, 1), help=argparse.SUPPRESS)
    parsed = parser.parse_args()
    if parsed.lane is not None:
        print(*seconds_of_lane(parsed.every, bool(parsed.lane)))
        return 0
    costs = [cost_of_invariants(parsed.every), cost_of_models(parsed.every)]
    print(*costs, sep="\n")
    return int(any(cost.ratio > parsed.limit for cost in costs))


if __name__ == "__main__":
    raise SystemExit(main())
