"""What gradients and relations cost over a forward-only run, in processor seconds, which other work does not change.

    python -m benchmarks.cost [--every 8]

The same cases three times, each in fresh lanes: forward only; with gradients; with gradients and relations. Counted is
what the controller and every lane computed once all frameworks were imported.
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
WAYS = ("forward only", "with gradients", "with gradients and relations")


def spent_by(pid: int) -> float:
    """Processor seconds of a process so far, from /proc (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def lane_processes() -> list[int]:
    """The processes that this one has started."""
    found = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text(encoding="utf-8")
    return [int(pid) for pid in found.split()]


def cost(cases: Sequence[Case], way: str) -> tuple[float, float]:
    """Processor seconds of the controller and of all lanes together."""
    if way == WAYS[0]:
        cases = [replace(case, no_gradients=way) for case in cases]
    run = Run(lane_specs(LANES), with_relations=way == WAYS[2])
    try:
        run.announce([(case, LANES) for case in cases])
        run.start()
        run.identities()
        before = {pid: spent_by(pid) for pid in lane_processes()}
        mine = time.process_time()
        for case in cases:
            run.record(case)
        lanes = sum(spent_by(pid) - seconds for pid, seconds in before.items())
        return time.process_time() - mine, lanes
    finally:
        run.stop()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=8, help="every n-th case only")
    every = parser.parse_args(arguments).every
    measured = [case for case in load_folder(Path("cases")) if not case.lanes and case.id != ENDS_A_PROCESS]
    cases = [replace(case, time_limit=3600.0) for case in measured][::every]
    base = 0.0
    for way in WAYS:
        controller, lanes = cost(cases, way)
        base = base or controller + lanes
        ratio = (controller + lanes) / base
        print(f"{way}: {len(cases)} cases, {controller:.1f} s + lanes {lanes:.1f} s, {ratio:.2f} times forward only")
    return 0


if __name__ == "__main__":
    sys.exit(main())
