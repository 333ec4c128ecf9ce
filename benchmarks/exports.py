"""Which layers survive an export: one or two small cases for each layer of the suite, in keras[export=FORMAT].

    python -m benchmarks.exports onnx
    python -m benchmarks.exports litert --results reports/litert.json

A layer is exported where a case about it got an answer, right or wrong; a wrong one is counted and named. The exit code
is 1 below the share that is asked for.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance.case.load import load_folder
from conformance.case.model import Case
from conformance.lanes.options import EXPORTS
from conformance.record.run import Results
from conformance.reference.catalog import LAYERS
from conformance.results import read

CASES = Path(__file__).parent.parent / "cases"
SHARE = 0.8
"""Of the layers."""
A_LAYER = 2
"""Cases for each, where no other number is asked for."""
FOLDERS = ("loss", "metric", "initializer", "schedule", "training", "torch", "porting", "encoder", "preprocessing")
"""What is no layer of a model, or is asked in another way: a model is exported as it predicts."""


def chosen(cases: Sequence[Case], count: int = A_LAYER) -> dict[str, list[Case]]:
    """The smallest cases about each layer, by its class: those with the fewest layers and nodes.

    Those that train no layer come first, for a model is exported to predict.
    """
    found: dict[str, list[Case]] = {}
    for case in sorted(cases, key=lambda case: (_trains(case), len(case.layers), len(case.graph), case.id)):
        is_plain = not case.lanes and not case.trainings and not case.models and not case.expect.errors
        if not is_plain or case.id.partition("/")[0] in FOLDERS:
            continue
        for kind in {layer.type for layer in case.layers if layer.type in LAYERS}:
            held = found.setdefault(kind, [])
            if len(held) < count:
                held.append(case)
    return found


def _trains(case: Case) -> bool:
    return any("training=True" in node.expression for node in case.graph)


@dataclass(frozen=True, slots=True)
class Exported:
    """What became of one layer."""

    kind: str
    verdict: str
    why: str = ""


def exported(results: Results, lane: str, asked: dict[str, list[Case]]) -> Iterator[Exported]:
    """One for each layer: `agree` where a case about it does, else the best that any of its cases gave."""
    records = {record.id: record for record in results.cases}
    order = ("agree", "not judged", "known", "differ", "error", "unsupported")
    for kind, cases in sorted(asked.items()):
        ran = [records[case.id].lanes[lane] for case in cases if case.id in records and lane in records[case.id].lanes]
        if not ran:
            continue
        best = min(ran, key=lambda each: order.index(each.verdict) if each.verdict in order else len(order))
        yield Exported(kind, best.verdict, best.reason)


def main(arguments: Sequence[str] | None = None) -> int:
    """Asks, prints the share and what is not exported; exit code 1 below SHARE."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("format", choices=EXPORTS)
    parser.add_argument("--results", type=Path, help="where the results go, or where they are with --read")
    parser.add_argument("--each", type=int, default=A_LAYER, metavar="N", help="cases for each layer")
    parser.add_argument("--read", action="store_true", help="ask nothing: count what stands in the results")
    parsed = parser.parse_args(arguments)
    asked = chosen(load_folder(CASES), parsed.each)
    path = parsed.results or Path("reports") / f"export-{parsed.format}.json"
    if not parsed.read:
        items = dict.fromkeys(f"{case.position.path}::{case.id}" for cases in asked.values() for case in cases)
        lane = ["--lane", f"keras[export={parsed.format}]", "--results", str(path)]
        subprocess.run([sys.executable, "-m", "pytest", "-qq", "--tb=no", *items, *lane], check=False)
    found = list(exported(read(path), f"keras-export-{parsed.format}", asked))
    refused = [one for one in found if one.verdict == "unsupported"]
    lost = [one for one in found if one.verdict in ("crash", "timeout")]
    for one in (*refused, *lost):
        print(f"{one.kind}: {one.verdict}: {one.why}")
    others = [one.kind for one in found if one.verdict in ("differ", "error")]
    print(f"answered otherwise or with an error: {', '.join(others) or 'none'}")
    count = len(found) - len(refused) - len(lost)
    share = count / max(len(found), 1)
    print(f"{count} of {len(found)} layers ({share:.0%}) are exported to {parsed.format}; {SHARE:.0%} are asked for")
    return int(share < SHARE)


if __name__ == "__main__":
    sys.exit(main())
