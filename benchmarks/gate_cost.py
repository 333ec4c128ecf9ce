"""What a gate pays for asking traced beside eagerly: the processor time of a gate over that of one that asks eagerly.

    python -m benchmarks.gates run 3.6.0:3.7.0 --keep GATES
    python -m benchmarks.gates run 3.6.0:3.7.0 --keep GATES --modes eager
    python -m benchmarks.gate_cost GATES/3.6.0-3.7.0 GATES/3.6.0-3.7.0-eager

Processor time is that of all processes of the command, the reference and the judging too, so that what else the machine
did falls out of the ratio but for its caches. The exit code is 1 above LIMIT.

Why it is above: 3.7.0 to 3.8.0 took 1.75 times the processor time of the eager gate on 2026-11-30. Of a traced lane's
time, by cProfile over one case in twelve, 63 % went into making graphs, three quarters of that within the calls of
Keras' layers, and 21 % into running them for the first time; steps of training took 9 % of both together, the graphs
of gradients, of one case in 25, as much. If a traced lane did nothing but make its graphs, and its layers were built
and its results judged for nothing, the ratio would still be about 1.47.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.gates import Measured, read
from conformance.errors import ConformanceError, UsageError

LIMIT = 1.5
"""How often a gate may compute as long as one that asks eagerly alone."""


def ratio(both: Measured, eager: Measured) -> float:
    """The one over the other. Raises UsageError for gates that are not of the same versions, cases and these modes."""
    if (both.old, both.new, both.cases) != (eager.old, eager.new, eager.cases):
        raise UsageError("the two gates are not of the same versions and cases", "measure one pair in both ways")
    if (both.modes, eager.modes) != ("eager,function", "eager"):
        raise UsageError(f"modes {both.modes} and {eager.modes}", "the first asks traced too, the second eagerly alone")
    return both.processor / eager.processor


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the ratio; exit code 1 above the limit, 2 for folders that do not say it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("both", type=Path, help="the folder of a gate that asked eagerly and traced")
    parser.add_argument("eager", type=Path, help="that of one that asked eagerly alone")
    parsed = parser.parse_args(arguments)
    try:
        both, eager = read(parsed.both), read(parsed.eager)
        found = ratio(both, eager)
    except ConformanceError as error:
        print(f"gate_cost: {error}", file=sys.stderr)
        return 2
    words = f"{both.processor:g} s over {eager.processor:g} s, {both.cases} cases"
    print(f"{found:.2f} times a gate that asks eagerly alone ({words}); the limit is {LIMIT:g}")
    return 1 if found > LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
