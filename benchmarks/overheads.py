"""What the harness costs, as ratios measured in one run on one machine; see docs/evidence/performance.md for figures.

    python benchmarks/overheads.py [--repeat 3]

Every figure is a median of whole-process times. Ratios are printed because single times say more about the machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
ONE_CASE = "conv1d/filters"
COLLECTED = 5_000

FILE = """\
schema_version: 1
topic: many cases to collect
dims: {batch: 2, steps: 7, dim: 3}
source: {kind: hand}
cases:
"""
CASE = """\
  - id: case%d
    question: How long does it take to collect this?
    inputs:
      x: {shape: [batch, steps, dim]}
    layers:
      conv: {type: Conv1D, filters: 5, kernel_size: 2, padding: same}
      pool: {type: GlobalAveragePooling1D}
    graph:
      seen: conv(x)
      pooled: pool(seen)
    expect:
      seen: {shape: [batch, steps, 5]}
"""


def seconds(*command: str, repeat: int) -> float:
    """The median time of a process; its output is thrown away, its exit code must be 0 or 1."""
    times = []
    for _ in range(repeat):
        started = time.perf_counter()
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
        times.append(time.perf_counter() - started)
        if done.returncode not in (0, 1):
            raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout.decode()[-2000:]}")
    return statistics.median(times)


def python(code: str, repeat: int) -> float:
    return seconds(sys.executable, "-c", code, repeat=repeat)


def pytest(*arguments: str, repeat: int) -> float:
    return seconds(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments, repeat=repeat)


def one_case(repeat: int) -> None:
    bare = python("import tensorflow", repeat)
    one = pytest("cases", "-k", ONE_CASE, repeat=repeat)
    print(f"pytest -k {ONE_CASE}: {one:.2f} s; import tensorflow: {bare:.2f} s; ratio {one / bare:.2f}")


def collection(repeat: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        per_file = 500
        for number in range(COLLECTED // per_file):
            path = Path(folder) / "cases" / "fam" / f"topic{number}.case.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(FILE + "".join(CASE % index for index in range(per_file)), encoding="utf-8")
        load = f"from conformance.case.load import load_folder; print(len(load_folder({folder!r} + '/cases')))"
        reading = python(load, repeat)
        collecting = pytest(f"{folder}/cases", "--collect-only", "-q", "--lanes", "numpy", repeat=repeat)
    numpy = python("import numpy", repeat)
    print(
        f"{COLLECTED} cases: read in {reading:.2f} s, collected by pytest in {collecting:.2f} s; "
        f"import numpy: {numpy:.2f} s; ratios {reading / numpy:.1f} and {collecting / numpy:.1f}"
    )


def whole_suite(*arguments: str) -> dict[str, float]:
    """One run of every case: wall time, and what each lane spent computing."""
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.json"
        wall = pytest("cases", "--results", str(results), *arguments, repeat=1)
        found = json.loads(results.read_text(encoding="utf-8"))
    lanes: dict[str, float] = {}
    for record in found["cases"]:
        for name, lane in record["lanes"].items():
            lanes[name] = lanes.get(name, 0.0) + lane["seconds"]
    return {"wall": wall, "cases": len(found["cases"]), **lanes}


def suite() -> None:
    for arguments in (("-n", "0"), ("-n", "2")):
        found = whole_suite(*arguments)
        lanes = {name: value for name, value in found.items() if name not in ("wall", "cases")}
        slowest = max(lanes.values())
        spent = ", ".join(f"{name} {value:.1f} s" for name, value in lanes.items())
        print(
            f"pytest cases {' '.join(arguments)}: {found['cases']:.0f} cases in {found['wall']:.1f} s, "
            f"{found['cases'] / found['wall']:.1f} a second; lanes computed {spent}; "
            f"wall over all lanes' compute {found['wall'] / sum(lanes.values()):.2f}, over the slowest lane's "
            f"{found['wall'] / slowest:.2f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3, help="runs of which the median is taken")
    repeat = parser.parse_args().repeat
    one_case(repeat)
    collection(repeat)
    suite()


if __name__ == "__main__":
    main()
