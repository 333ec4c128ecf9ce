"""Whole gates between releases of Keras, over all cases, eagerly and traced: what moved, and what it took.

    python -m benchmarks.gates run --keep GATES 3.6.0:3.7.0 3.7.0:3.8.0      minutes each; what was run is kept
    python -m benchmarks.gates page --keep GATES -o docs/evidence/gates.md

Each pair is asked by the command that a user gives. Then the same answers are judged as somebody does who accepted what
moved, and once more with one accepted answer altered. Processor time is that of all processes: what else the machine
did shows in it less than in seconds.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import yaml

from conformance.errors import ConformanceError, UsageError
from conformance.results import read as read_results

RUN = "measured.json"
"""What was measured of a pair, in its folder."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One gate as it was run."""

    old: str
    new: str
    modes: str
    code: int
    """The exit code."""
    seconds: float
    processor: float
    """Seconds of all its processes."""
    date: str
    commit: str
    code_accepted: int | None
    """The exit code with everything accepted; None where nothing was to be accepted."""
    code_altered: int | None
    """With one of the accepted answers altered."""
    cases: int
    rows: Mapping[str, int]
    """Section to how many rows stand there, as `gate.json` counts them."""
    alone: float
    """Seconds that the new side computed for, asked eagerly."""


def run(old: str, new: str, folder: Path, modes: str, cases: Sequence[str] = ()) -> Measured:
    """Runs one gate, and both judgements of its answers; what it prints stands in `said.txt`."""
    folder.mkdir(parents=True, exist_ok=True)
    pair = ["--from", f"keras@{old}", "--to", f"keras@{new}", "--modes", modes]
    command = ["gate", *pair, "-o", str(folder), "--draft-accepted", *cases]
    code, seconds, processor = _timed(command, folder / "said.txt")
    codes: list[int | None] = [None, None]
    draft = folder / "accepted.draft.yaml"
    entries = yaml.safe_load(draft.read_text(encoding="utf-8"))["accepted"] if draft.exists() else []
    if code in (0, 1) and entries:
        codes = [
            _judged_again([*pair, "--results", str(folder / "results.json")], written, folder / name)
            for name, written in (("accepted", _filled(entries)), ("altered", _altered(_filled(entries))))
        ]
    told = {
        "old": old,
        "new": new,
        "modes": modes,
        "code": code,
        "seconds": round(seconds, 1),
        "processor": round(processor, 1),
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        "commit": _commit(),
        "code_accepted": codes[0],
        "code_altered": codes[1],
    }
    (folder / RUN).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return read(folder)


def _judged_again(asked: Sequence[str], entries: Sequence[Mapping[str, Any]], folder: Path) -> int:
    """The exit code of a gate over the same answers, with these accepted."""
    folder.mkdir(exist_ok=True)
    file = folder / "accepted.yaml"
    text = yaml.safe_dump({"schema_version": 1, "accepted": list(entries)}, sort_keys=False)
    file.write_text(text, encoding="utf-8")
    return _timed(["gate", *asked, "--accepted", str(file), "-o", str(folder)], folder / "said.txt")[0]


def read(folder: Path) -> Measured:
    """What was measured of a gate, and what it found. Raises UsageError for a folder that holds none."""
    try:
        told = json.loads((folder / RUN).read_text(encoding="utf-8"))
        gate = json.loads((folder / "gate.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        hint = "python -m benchmarks.gates run 3.6.0:3.7.0 --keep GATES"
        raise UsageError(f"{folder} holds no gate that was measured: no {Path(error.filename).name}", hint) from None
    new = f"keras@{told['new']}"
    held = read_results(folder / "results.json")
    alone = sum(record.lanes[new].seconds for record in held.cases if new in record.lanes)
    rows = {section: count for section, count in gate["counts"].items() if count}
    return Measured(**told, cases=gate["new"]["cases"], rows=rows, alone=round(float(alone), 1))


def _timed(command: Sequence[str], output: Path) -> tuple[int, float, float]:
    """The exit code of a command of conformance, its seconds, and those of all its processes together."""
    before, clock = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    with open(output, "w", encoding="utf-8") as file:
        code = subprocess.run(
            [sys.executable, "-m", "conformance", *command], check=False, stdout=file, stderr=subprocess.STDOUT
        ).returncode
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    return code, time.monotonic() - clock, spent


def _filled(entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The drafted entries as somebody fills them in."""
    return [{**entry, "who": "benchmarks.gates", "why": "Taken as it was measured."} for entry in entries]


def _altered(entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The entries with another answer in the first: what was accepted is then not what came."""
    first, *others = entries
    moved, *rest = first["outputs"]
    other = moved["new"] + 1.0 if isinstance(moved["new"], float) else f"not {moved['new']}"
    return [{**first, "outputs": [{**moved, "new": other}, *rest]}, *others]


def _commit() -> str:
    told = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return told.stdout.strip() or "no commit"


SECTIONS = ("wrong now", "refuses now", "another answer", "right now", "answers now", "not comparable")
"""The columns of the page, with `not reproducible` and `unchanged` behind them."""


HEAD = """# Whole gates

Every case in two releases of Keras, eagerly and traced, by `conformance gate --from keras@OLD --to keras@NEW`. A row is
a case; where it moved otherwise when traced, a second. Made by `python -m benchmarks.gates`, which runs each pair once,
then judges the same answers with everything that moved accepted, and once more with one accepted answer altered. Do not
edit.
"""
COST = """
What it took. `alone` is what the new side alone computed for, asked eagerly; `times` is how often that went into the
gate's seconds, beside whatever else the machine did; `of processors` is the sum over all processes. `of eager` is how
often that of a gate of the same cases goes into it that asked eagerly alone, where one was measured.
"""


def page(found: Sequence[Measured]) -> str:
    """What moved, the exit codes and what it took, as two tables in markdown."""
    columns = (*SECTIONS, "not reproducible", "unchanged")
    rows: list[tuple[str, ...]] = [("gate", "asked", "cases", *columns, "exit code", "accepted", "one altered")]
    named = ("seconds", "alone", "times", "of processors", "of eager")
    costs: list[tuple[str, ...]] = [("gate", "asked", "date", "commit", *named)]
    eager = {(one.old, one.new, one.cases): one.processor for one in found if one.modes == "eager"}
    for one in found:
        start = (f"{one.old} to {one.new}", "eagerly and traced" if "," in one.modes else "eagerly")
        numbers = (str(one.rows.get(name, 0)) for name in columns)
        codes = ("" if code is None else str(code) for code in (one.code, one.code_accepted, one.code_altered))
        rows.append((*start, f"{one.cases:,}", *numbers, *codes))
        times = f"{one.seconds / one.alone:.1f}" if one.alone else ""
        alone = eager.get((one.old, one.new, one.cases)) if one.modes != "eager" else None
        ratio = f"{one.processor / alone:.2f}" if alone else ""
        spent = (f"{one.seconds:.0f}", f"{one.alone:.0f}", times, f"{one.processor:.0f}", ratio)
        costs.append((*start, one.date, one.commit, *spent))
    return "\n".join([HEAD, *_table(rows), COST, *_table(costs)]) + "\n"


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    head, *others = [f"| {' | '.join(row)} |" for row in rows]
    return [head, "|---" * len(rows[0]) + "|", *others]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs pairs, or writes the page of what was run; exit code 2 for a folder that holds no gate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "page"))
    parser.add_argument("pairs", nargs="*", metavar="OLD:NEW", help="releases of Keras")
    parser.add_argument("--keep", type=Path, required=True, metavar="FOLDER", help="where runs are kept")
    parser.add_argument("--modes", default="eager,function", help="as of the gate")
    parser.add_argument("--case", action="append", default=[], metavar="PATH", help="only these cases")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="the page")
    parsed = parser.parse_args(arguments)
    try:
        if parsed.what == "run":
            for pair in parsed.pairs:
                old, _, new = pair.partition(":")
                folder = parsed.keep / f"{old}-{new}{'' if ',' in parsed.modes else '-' + parsed.modes}"
                if not (folder / RUN).exists():
                    print(run(old, new, folder, parsed.modes, parsed.case), flush=True)
            return 0
        folders = sorted(file.parent for file in parsed.keep.glob(f"*/{RUN}"))
        text = page([read(folder) for folder in folders])
    except ConformanceError as error:
        print(f"gates: {error}", file=sys.stderr)
        return 2
    if parsed.output is None:
        print(text, end="")
    else:
        parsed.output.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
