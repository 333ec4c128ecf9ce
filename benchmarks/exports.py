"""Which layers survive an export: small cases for each layer of the suite, in keras[export=FORMAT].

    python -m benchmarks.exports onnx
    python -m benchmarks.exports litert --each 4 --results reports/litert

First one case for each layer is asked, then another one for those that gave no answer, and so on. A layer is exported
where a case about it got an answer, right or wrong; a wrong one is counted and named. What raises when it is traced or
run gave none. The exit code is 1 below the share that is asked for.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
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
A_LAYER = 3
"""Cases for each, at most, where no other number is asked for."""
ANSWERS = ("agree", "not judged", "known", "stale", "differ")
"""Verdicts on numbers that came back; `error`, `unsupported`, `crash` and `timeout` are of none."""
WORDS = 240
"""Characters of a reason."""
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


def exported(results: Results, lane: str, asked: dict[str, Case]) -> Iterator[Exported]:
    """What the lane gave for the case about each layer; nothing of a case that the results do not hold."""
    records = {record.id: record for record in results.cases}
    for kind, case in sorted(asked.items()):
        record = records.get(case.id)
        if record is None or lane not in record.lanes:
            continue
        found = record.lanes[lane]
        raised = found.failure.message if found.failure is not None else ""
        words = re.sub(r"\x1b\[\d+m", "", found.reason or raised)  # Keras prints in bold
        yield Exported(kind, found.verdict, " ".join(words.split())[:WORDS])


def main(arguments: Sequence[str] | None = None) -> int:
    """Asks, prints the share and what is not exported; exit code 1 below SHARE."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("format", choices=EXPORTS)
    parser.add_argument("--results", type=Path, help="folder for the results of each round, or where they are: --read")
    parser.add_argument("--each", type=int, default=A_LAYER, metavar="N", help="cases for each layer, at most")
    parser.add_argument("--read", action="store_true", help="ask nothing: count what stands in the results")
    parsed = parser.parse_args(arguments)
    cases = chosen(load_folder(CASES), parsed.each)
    folder = parsed.results or Path("reports") / f"export-{parsed.format}"
    found: dict[str, Exported] = {}
    for place in range(parsed.each):
        silent = [kind for kind in cases if kind not in found or found[kind].verdict not in ANSWERS]
        asked = {kind: cases[kind][place] for kind in silent if len(cases[kind]) > place}
        path = folder / f"round-{place + 1}.json"
        if not asked or (parsed.read and not path.exists()):
            break
        if not parsed.read:
            _ask(asked.values(), parsed.format, path)
        for one in exported(read(path), f"keras-export-{parsed.format}", asked):
            if one.kind not in found or one.verdict in ANSWERS:
                found[one.kind] = one
    return _told(list(found.values()), parsed.format)


def _ask(cases: Iterable[Case], format: str, path: Path) -> None:
    items = dict.fromkeys(f"{case.position.path}::{case.id}" for case in cases)
    lane = ["--lane", f"keras[export={format}]", "--results", str(path)]
    subprocess.run([sys.executable, "-m", "pytest", "-qq", "--tb=no", *items, *lane], check=False)


def _told(found: Sequence[Exported], format: str) -> int:
    silent = [one for one in found if one.verdict not in ANSWERS]
    for one in silent:
        print(f"{one.kind}: {one.verdict}: {one.why}")
    otherwise = sorted(one.kind for one in found if one.verdict == "differ")
    print(f"answered otherwise: {', '.join(otherwise) or 'nothing'}")
    count = len(found) - len(silent)
    share = count / max(len(found), 1)
    print(f"{count} of {len(found)} layers ({share:.0%}) are exported to {format}; {SHARE:.0%} are asked for")
    return int(share < SHARE)


if __name__ == "__main__":
    sys.exit(main())
