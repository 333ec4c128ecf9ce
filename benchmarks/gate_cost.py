"""What a gate pays for asking traced beside eagerly: how long all lanes of a run computed, over the eager ones alone.

    pytest cases --shard 1/12 --modes eager,function --lane keras --results both.json
    python -m benchmarks.gate_cost both.json

Seconds are those of the lanes themselves, each in a process of one thread, so that how many ran beside each other and
what else the machine did fall out of the ratio. The exit code is 1 above LIMIT.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from conformance.errors import ConformanceError, UsageError
from conformance.record.run import Results
from conformance.report.facts import REFERENCE
from conformance.results import read

LIMIT = 1.5
"""How often a gate may compute as long as one that asks eagerly alone."""
TWIN = "+function"
"""How the name of a lane ends that asks traced what another asks eagerly."""


def ratio(results: Results) -> float:
    """All lanes over the eager ones. Raises UsageError for a run that did not ask in both ways."""
    names = [row.name for row in results.lanes if row.name != REFERENCE and row.ran]
    pairs = [name for name in names if f"{name}{TWIN}" in names]
    if not pairs:
        raise UsageError("no lane was asked both eagerly and traced", "pytest --modes eager,function --lane keras")
    eager = sum(_seconds(results, name) for name in pairs)
    traced = sum(_seconds(results, f"{name}{TWIN}") for name in pairs)
    return (eager + traced) / eager


def _seconds(results: Results, lane: str) -> float:
    return sum(record.lanes[lane].seconds for record in results.cases if lane in record.lanes)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the ratio; exit code 1 above the limit, 2 for a file that does not say it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="results of a run in both ways")
    try:
        results = read(parser.parse_args(arguments).results)
        found = ratio(results)
    except ConformanceError as error:
        print(f"gate_cost: {error}", file=sys.stderr)
        return 2
    print(f"{found:.2f} times the eager lanes, over {len(results.cases)} cases; the limit is {LIMIT:g}")
    return 1 if found > LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
