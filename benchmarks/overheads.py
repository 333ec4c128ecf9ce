"""What the harness costs: every figure that has an aim, measured in one run.

    python -m benchmarks.overheads [--repeat 3] [--every 4] [--part one,reading,suite,lane,watch]
    python -m benchmarks.overheads -o docs/evidence/performance.md
    python -m benchmarks.overheads --part suite --keep reports/overheads.json -o docs/evidence/performance.md

Run it on a machine that does nothing else. Ratios are printed because single times say more about the machine. What is
kept between runs goes to a folder of its own, so that `cold` is cold; exit code 1 where an aim is missed. With `--keep`
each part is written down when it is measured, and the page is made of all parts that the file holds: it may be run in
parts, and one part again.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.notes import with_notes

ROOT = Path(__file__).parents[1]
ONE_CASE = "conv1d/filters.sentence"
COLLECTED = 5_000
CORES = 2
"""On which the aims are."""

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


@dataclass(frozen=True)
class Spent:
    """Seconds of a process and all that it started and waited for."""

    wall: float
    processor: float


NOTES = "## What stands behind the numbers"
"""From here on the page is written by hand and stays."""


@dataclass(frozen=True)
class Figure:
    """One line of what is measured."""

    what: str
    value: float
    at_most: float | None
    more: str

    @property
    def is_missed(self) -> bool:
        return self.at_most is not None and self.value > self.at_most

    @property
    def aim(self) -> str:
        return "" if self.at_most is None else f"at most {self.at_most:g}{', **missed**' if self.is_missed else ''}"

    @property
    def line(self) -> str:
        aim = "" if self.at_most is None else f"; aim at most {self.at_most:g}{', MISSED' if self.is_missed else ''}"
        return f"{self.what}: {self.value:.2f}{aim}{f' ({self.more})' if self.more else ''}"


class Aims:
    """Prints each figure beside what it should be."""

    def __init__(self) -> None:
        self.figures: list[Figure] = []

    def say(self, what: str, value: float, at_most: float | None = None, more: str = "") -> None:
        self.figures.append(Figure(what, value, at_most, more))
        print(self.figures[-1].line, flush=True)


@dataclass(frozen=True)
class Part:
    """What one part measured, and when and where."""

    figures: tuple[Figure, ...]
    made: str
    """The date, and what the machine was and did."""


class Measured:
    """All parts that were measured, kept in a file where one is named."""

    def __init__(self, kept: Path | None) -> None:
        self._kept = kept
        self.parts: dict[str, Part] = {}
        for name, part in json.loads(kept.read_text(encoding="utf-8")).items() if kept and kept.exists() else ():
            self.parts[name] = Part(tuple(Figure(**figure) for figure in part["figures"]), part["made"])

    def add(self, name: str, part: Part) -> None:
        """Puts a part in the place of what was measured of it before."""
        self.parts[name] = part
        if self._kept is not None:
            held = {name: asdict(part) for name, part in self.parts.items()}
            self._kept.parent.mkdir(parents=True, exist_ok=True)
            self._kept.write_text(json.dumps(held, indent=1) + "\n", encoding="utf-8")

    def missed(self, names: Sequence[str]) -> list[str]:
        """Of these parts."""
        return [one.what for name in names for one in self.parts[name].figures if one.is_missed]

    def page(self) -> str:
        """The figures as markdown."""
        parts = [self.parts[name] for name in PARTS if name in self.parts]
        rows = [f"| {one.what} | {one.value:.2f} | {one.aim} | {one.more} |" for part in parts for one in part.figures]
        made = "; ".join(dict.fromkeys(part.made for part in parts))
        return (
            f"# What it costs\n\nMade by `python -m benchmarks.overheads -o docs/evidence/performance.md` on {made}"
            f".\nRatios say more than seconds, which are of one machine.\n\n"
            "| what | measured | aim | how |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"
        )


def spent(*command: str, kept_in: Path, folder: Path = ROOT) -> Spent:
    """One run of a command; its output is thrown away, its exit code must be 0 or 1."""
    environment = {
        **os.environ,
        "CONFORMANCE_CACHE": str(kept_in),
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "",  # modules are compiled once, as on everybody's machine
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        disagrees = (1,) if "pytest" in command else ()  # a case that differs is measured all the same
        if process.returncode not in (0, *disagrees):
            output.seek(0)
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{output.read().decode()[-2000:]}")
    return Spent(wall, usage.ru_utime + usage.ru_stime)


def median(repeat: int, *command: str, kept_in: Path) -> Spent:
    """The median of several runs, each figure by itself."""
    runs = [spent(*command, kept_in=kept_in) for _ in range(repeat)]
    return Spent(statistics.median(run.wall for run in runs), statistics.median(run.processor for run in runs))


def python(code: str) -> tuple[str, ...]:
    return sys.executable, "-c", code


def pytest(*arguments: str) -> tuple[str, ...]:
    return sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments


def one(aims: Aims, kept_in: Path, repeat: int, every: int) -> None:
    """`pytest -k <one case>` over what nobody can do without."""
    bare = median(repeat, *python("import tensorflow"), kept_in=kept_in)
    spent(*pytest("cases", "-k", ONE_CASE), kept_in=kept_in)
    warm = median(repeat, *pytest("cases", "-k", ONE_CASE), kept_in=kept_in)
    aims.say(f"pytest -k {ONE_CASE} over import tensorflow", warm.wall / bare.wall, 1.3, _over(warm, bare))


def _over(these: Spent, those: Spent) -> str:
    return f"{these.wall:.2f} s over {those.wall:.2f} s; processor {these.processor:.2f} s over {those.processor:.2f} s"


def reading(aims: Aims, kept_in: Path, repeat: int, every: int) -> None:
    """5,000 cases: read, collected for the first time, and again."""
    with tempfile.TemporaryDirectory() as folder:
        per_file = 500
        for number in range(COLLECTED // per_file):
            path = Path(folder) / "cases" / "fam" / f"topic{number}.case.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(FILE + "".join(CASE % index for index in range(per_file)), encoding="utf-8")
        load = f"from conformance.case.load import load_folder; print(len(load_folder({folder!r} + '/cases')))"
        numpy = median(repeat, *python("import numpy"), kept_in=kept_in)
        read = median(repeat, *python(load), kept_in=kept_in)
        collect = pytest(f"{folder}/cases", "--collect-only", "-q", "--lanes", "numpy")
        first = spent(*collect, kept_in=kept_in)
        again = median(repeat, *collect, kept_in=kept_in)
        few = median(repeat, *collect, "-k", "topic3.case7", kept_in=kept_in)
        start = median(repeat, *pytest("tests/test_house.py", "--collect-only"), kept_in=kept_in)
    aims.say(f"{COLLECTED} cases read, seconds", read.wall, 2.0, f"{read.wall / numpy.wall:.0f} times import numpy")
    aims.say("collected by pytest the first time, seconds", first.wall, None, f"pytest alone {start.wall:.2f} s")
    aims.say("collected again, seconds", again.wall, None, f"{first.wall / again.wall:.1f} times as fast")
    aims.say("one of them selected by -k, seconds", few.wall)


def suite(aims: Aims, kept_in: Path, repeat: int, every: int) -> None:
    """Every case, cold and warm."""
    cores = min(CORES, os.cpu_count() or CORES)
    with tempfile.TemporaryDirectory() as empty:
        of_reference = []
        for name in ("cold", "warm"):
            results = Path(empty) / f"{name}.json"
            run = spent(*pytest("cases", "--results", str(results)), kept_in=Path(empty) / "kept")
            lanes, number = _computed(results)
            of_reference.append(lanes["numpy"])
            words = ", ".join(f"{lane} {seconds:.1f} s" for lane, seconds in lanes.items())
            more = f"{number} cases in {run.wall:.1f} s, {number / run.wall:.1f} a second; lanes took {words}; "
            more += f"processor {run.processor:.1f} s"
            aims.say(
                f"suite, {name}: wall over processor time / {cores}", run.wall / (run.processor / cores), 1.15, more
            )
        aims.say("the reference's seconds, warm over cold", of_reference[1] / of_reference[0], 0.1)
        if (os.cpu_count() or 1) >= 4:
            two = spent(*pytest("cases", "-n", "2"), kept_in=Path(empty) / "kept")
            aims.say("suite, warm: wall with -n 2 over one process", two.wall / run.wall, 0.9)


def _computed(results: Path) -> tuple[dict[str, float], int]:
    """Seconds that each lane computed for, and the number of cases."""
    found = json.loads(results.read_text(encoding="utf-8"))
    lanes: dict[str, float] = {}
    for record in found["cases"]:
        for name, lane in record["lanes"].items():
            lanes[name] = lanes.get(name, 0.0) + lane["seconds"]
    return lanes, len(found["cases"])


def lane(aims: Aims, kept_in: Path, repeat: int, every: int) -> None:
    """The Keras lane over the same Keras calls without it."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.bare", "--every", str(every)], cwd=ROOT, capture_output=True, text=True
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("Keras lane over bare script: ")]
    if not lines:
        raise SystemExit(f"benchmarks.bare ended with {done.returncode}:\n{done.stderr[-2000:]}")
    words = lines[0].removeprefix("Keras lane over bare script: ")
    aims.say("Keras lane over bare script", float(words.split(": ")[1].split()[0]), 1.2, words)


class Watching:
    """`conformance watch` over a copy of the package, its lines with when they were read."""

    def __init__(self, folder: Path, kept_in: Path, *arguments: str) -> None:
        environment = {**os.environ, "PYTHONPATH": str(folder), "CONFORMANCE_CACHE": str(kept_in)}
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "conformance", "watch", *arguments],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        )
        self.lines: list[tuple[float, str]] = []
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append((time.perf_counter(), line))

    def until(self, text: str, since: int = 0, seconds: float = 120.0) -> float:
        """When a line with this text was read."""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            for when, line in self.lines[since:]:
                if text in line:
                    return when
            time.sleep(0.002)
        raise SystemExit(f"no {text!r} in\n" + "".join(line for _, line in self.lines))

    def judged(self, name: str, change: Callable[[str], str], text: str) -> float:
        """Seconds from a saved file to the verdict with this text."""
        path = self.folder / name
        new = change(path.read_text(encoding="utf-8"))
        since, started = len(self.lines), time.perf_counter()
        path.write_text(new, encoding="utf-8")
        return self.until(text, since) - started


def watch(aims: Aims, kept_in: Path, repeat: int, every: int) -> None:
    """A saved case, a changed port and a changed formula, until the verdict stands there."""
    cases, port, formula = "cases/pooling/global_average.case.yaml", "conformance/lanes/torch/pooling.py", "np.mean(x"
    reference = "conformance/reference/global_pooling.py"
    case = "pooling/global_average.channels_last"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("conformance", "cases/pooling", "deviations"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        for part in ("pyproject.toml", "conftest.py"):
            shutil.copyfile(ROOT / part, folder / part)
        shutil.copytree(ROOT / "schemas", folder / "schemas")
        watching = Watching(folder, kept_in, "cases/pooling", "-k", case, "--lanes", "keras,torch")
        try:
            watching.until(" in ")
            saved, ported, formulated = [], [], []
            for _ in range(repeat):
                time.sleep(12)  # until the spares wait
                saved.append(
                    watching.judged(cases, lambda text: text.replace("question: ", "question: Now, ", 1), f"✓ {case}")
                )
                ported.append(watching.judged(port, lambda text: text.replace(".mean(", ".sum("), f"✗ {case}"))
                time.sleep(12)
                ported.append(watching.judged(port, lambda text: text.replace(".sum(", ".mean("), f"✓ {case}"))
                time.sleep(12)
                formulated.append(
                    watching.judged(reference, lambda text: text.replace(formula, "np.max(x"), f"✗ {case}")
                )
                time.sleep(12)
                formulated.append(
                    watching.judged(reference, lambda text: text.replace("np.max(x", formula), f"✓ {case}")
                )
        finally:
            watching.process.send_signal(signal.SIGINT)
            watching.process.wait(30)
    aims.say("watch: seconds from a saved case to its verdict", statistics.median(saved), 0.5)
    aims.say("watch: seconds from a changed port to the verdict", statistics.median(ported), 1.0)
    aims.say("watch: seconds from a changed formula to the verdict", statistics.median(formulated))


PARTS: dict[str, Any] = {part.__name__: part for part in (one, reading, suite, lane, watch)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3, help="runs of which the median is taken")
    parser.add_argument("--every", type=int, default=4, metavar="N", help="of the Keras lane: one case in N")
    parser.add_argument("--part", default=",".join(PARTS), metavar="A,B", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="add to what this file holds of other parts")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="the page, whose notes stay")
    asked = parser.parse_args()
    names = asked.part.split(",")
    if unknown := [name for name in names if name not in PARTS]:
        parser.error(f"there is no part {unknown[0]}: {', '.join(PARTS)}")
    measured = Measured(asked.keep)
    load = os.getloadavg()[0]
    machine = f"{os.cpu_count()} cores, load {load:.1f}{'' if load < 0.5 else ' of other work'}"
    print(machine, flush=True)
    with tempfile.TemporaryDirectory() as kept_in:
        for name in names:
            aims = Aims()
            PARTS[name](aims, Path(kept_in), asked.repeat, asked.every)
            measured.add(name, Part(tuple(aims.figures), f"{datetime.now(UTC).date()}: {machine}"))
    if asked.output is not None:
        asked.output.write_text(with_notes(measured.page(), asked.output, NOTES), encoding="utf-8")
    missed = measured.missed(names)
    sys.exit(f"missed: {'; '.join(missed)}" if missed else 0)


if __name__ == "__main__":
    main()
