"""What gradients and relations cost over a forward-only run, in processor seconds, which other work does not change.

    python -m benchmarks.cost [--every 8]

The same cases three times, each in lanes of their own: forward only; with gradients; with gradients and relations. They
take turns, a few cases at a time, so that whatever else the machine does slows down all three. Counted is what the
controller and every lane computed once all frameworks were imported.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from conformance.case.load import load_folder
from conformance.case.model import Case
from conformance.run import Run, lane_specs

LANES = ("keras", "torch")
ENDS_A_PROCESS = "pooling/max1d.too_long_open_overlapping"
"""Its lane is started again and imports its framework again, which is not what is measured."""
TURN = 16
"""Cases that one way runs before the next has its turn."""
WAYS = ("forward only", "with gradients", "with gradients and relations")


def spent_by(pid: int) -> float:
    """Processor seconds of a process so far, from /proc (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def lane_processes() -> set[int]:
    """The processes that this one has started."""
    found = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text(encoding="utf-8")
    return {int(pid) for pid in found.split()}


class Measured:
    """A run of the cases in one way, in lanes of its own, and what it has cost so far."""

    def __init__(self, cases: Sequence[Case], way: str) -> None:
        self.way = way
        self.controller = 0.0
        self._cases = [replace(case, no_gradients=way) for case in cases] if way == WAYS[0] else list(cases)
        others = lane_processes()
        self.run = Run(lane_specs(LANES), with_relations=int(way == WAYS[2]))
        self.run.announce([(case, LANES) for case in self._cases])
        self.run.start()
        self.run.identities()
        self._before = {pid: spent_by(pid) for pid in lane_processes() - others}

    def go_on(self, start: int, end: int) -> None:
        """Runs these cases."""
        before = time.process_time()
        for case in self._cases[start:end]:
            self.run.record(case)
        self.controller += time.process_time() - before

    @property
    def lanes(self) -> float:
        """Processor seconds of all lanes since they had imported what they need."""
        return sum(spent_by(pid) - seconds for pid, seconds in self._before.items())


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=8, help="every n-th case only")
    every = parser.parse_args(arguments).every
    known = [case for case in load_folder(Path("cases")) if not case.lanes and case.id != ENDS_A_PROCESS]
    cases = [replace(case, time_limit=3600.0) for case in known][::every]
    every_way = [Measured(cases, way) for way in WAYS]
    try:
        for start in range(0, len(cases), TURN):
            for measured in every_way:
                measured.go_on(start, start + TURN)
        base = every_way[0].controller + every_way[0].lanes
        for one in every_way:
            ratio = (one.controller + one.lanes) / base
            seconds = f"{one.controller:.1f} s + lanes {one.lanes:.1f} s"
            print(f"{one.way}: {len(cases)} cases, {seconds}, {ratio:.2f} times forward only")
    finally:
        for one in every_way:
            one.run.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
