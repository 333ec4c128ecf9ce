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
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import yaml

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
    code_accepted: int | None = None
    """The exit code with everything accepted; None where nothing was to be accepted."""
    code_altered: int | None = None
    """With one of the accepted answers altered."""


def run(old: str, new: str, folder: Path, modes: str, cases: Sequence[str] = ()) -> Measured:
    """Runs one gate, and both judgements of its answers; what it prints stands in `said.txt`."""
    folder.mkdir(parents=True, exist_ok=True)
    pair = ["--from", f"keras@{old}", "--to", f"keras@{new}", "--modes", modes]
    code, seconds, processor = _timed(
        ["gate", *pair, "-o", str(folder), "--draft-accepted", *cases], folder / "said.txt"
    )
    found = Measured(
        old,
        new,
        modes,
        code,
        round(seconds, 1),
        round(processor, 1),
        datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        _commit(),
    )
    draft, results = folder / "accepted.draft.yaml", folder / "results.json"
    entries = yaml.safe_load(draft.read_text(encoding="utf-8"))["accepted"] if draft.exists() else []
    if code in (0, 1) and entries:
        codes = []
        for name, written in (("accepted", _filled(entries)), ("altered", _altered(_filled(entries)))):
            file = folder / f"{name}.yaml"
            text = yaml.safe_dump({"schema_version": 1, "accepted": written}, sort_keys=False)
            file.write_text(text, encoding="utf-8")
            command = ["gate", *pair, "--results", str(results), "--accepted", str(file), "-o", str(folder / name)]
            codes.append(_timed(command, folder / f"said.{name}.txt")[0])
        found = Measured(**{**asdict(found), "code_accepted": codes[0], "code_altered": codes[1]})
    (folder / RUN).write_text(json.dumps(asdict(found), indent=1) + "\n", encoding="utf-8")
    return found


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


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs pairs, or writes the page of what was run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "page"))
    parser.add_argument("pairs", nargs="*", metavar="OLD:NEW", help="releases of Keras")
    parser.add_argument("--keep", type=Path, required=True, metavar="FOLDER", help="where runs are kept")
    parser.add_argument("--modes", default="eager,function", help="as of the gate")
    parser.add_argument("--case", action="append", default=[], metavar="PATH", help="only these cases")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="the page")
    parsed = parser.parse_args(arguments)
    if parsed.what == "run":
        for pair in parsed.pairs:
            old, _, new = pair.partition(":")
            folder = parsed.keep / f"{old}-{new}{'' if ',' in parsed.modes else '-' + parsed.modes}"
            if not (folder / RUN).exists():
                print(run(old, new, folder, parsed.modes, parsed.case), flush=True)
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
