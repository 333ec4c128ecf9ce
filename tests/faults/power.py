"""How many faults in live frameworks a campaign finds: the power of drawn cases, with a denominator.

    python -m tests.faults.power --count 60 --seed 1 --for 60 --keep FILE [-o PAGE]

The faults are drawn by the seed from all that the project has, without controls. Each gets a campaign over its own
layers between the framework as it is and the framework with the fault, until the first finding or for so many seconds.
What came of each is kept as it comes: a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, TypeAlias

from conformance.campaign.asking import Asker
from conformance.campaign.campaign import Campaign
from conformance.campaign.folder import VERSION, About, Finding, Folder, opened
from conformance.campaign.space import drawable
from conformance.campaign.triage import NEW, OLD, moved
from conformance.campaign.written import LONGEST, lines_below
from conformance.form import from_json, to_json
from conformance.lanes.spec import LaneSpec
from conformance.results import write_whole
from conformance.run import LANES
from tests.faults.campaign import controls_of
from tests.faults.lane import SETS, held_out_faults, known_faults
from tests.faults.patching import Fault

FRAMEWORKS = ("keras", "torch")


def drawn(count: int, seed: int) -> list[tuple[str, Fault]]:
    """So many faults, each with its framework: of those whose layers can be drawn."""
    known = set(drawable())
    every: list[tuple[str, Fault]] = []
    for framework in FRAMEWORKS:
        controls = {fault.name for fault in controls_of(framework)}
        named = known_faults(framework)
        for name in SETS:
            named |= held_out_faults(framework, name)
        every += [(framework, fault) for name, fault in sorted(named.items()) if name not in controls]
    fitting = [(framework, fault) for framework, fault in every if known & set(fault.layers)]
    return random.Random(seed).sample(fitting, min(count, len(fitting)))


def lanes_of(framework: str, file: Path) -> tuple[LaneSpec, ...]:
    """The framework as it is, and with the fault that the file names."""
    options = {**LANES[framework].options, "framework": framework}
    faulty = LaneSpec(NEW, "tests.faults.lane", {**options, "fault_file": str(file)})
    return replace(LANES[framework], name=OLD), faulty, LANES["numpy"]


Row: TypeAlias = dict[str, Any]
"""What came of one fault, as it is kept."""


def found(asker: Asker, fault: Fault, seconds: float) -> Row:
    """What a campaign makes of one fault: the first finding, or none in so many seconds."""
    until = time.monotonic() + seconds
    ran, started = 0, time.monotonic()
    with campaign_over(asker, fault) as campaign:
        for seed in range(10_000):
            row, _ = campaign.seed(seed)
            ran += row.ran
            if differences(campaign.folder) or time.monotonic() >= until:
                break
        took = round(time.monotonic() - started, 1)
        kept = differences(campaign.folder)
        signature = str(kept[0].signature) if kept else ""
        return {
            "found": bool(kept),
            "drafts": ran,
            "seconds": took,
            "signature": signature,
            "finding": to_json(kept[0]) if kept else None,
            "commit": commit(),
        }


def differences(folder: Folder) -> list[Finding]:
    """What moved between the framework and the faulty one: that our own code could not go on finds no fault."""
    return [one for one in folder.kept if one.signature.lane in (OLD, NEW)]


def small(asker: Asker, fault: Fault, row: Row, seconds: float) -> Row:
    """The same, with the case of its finding as small as it gets in so many seconds."""
    with campaign_over(asker, fault) as campaign:
        finding = from_json(Finding, row["finding"])
        campaign.folder.add(finding)
        campaign.finish(time.monotonic() + seconds)
        finding = campaign.folder.findings[finding.name]
        text = campaign.folder.file(finding).read_text(encoding="utf-8")
    return {**row, "signature": str(finding.signature), "lines": lines_below(finding), "case": text}


@contextmanager
def campaign_over(asker: Asker, fault: Fault) -> Iterator[Campaign]:
    """A campaign over the layers of a fault, in a folder that is thrown away."""
    kinds = tuple(kind for kind in drawable() if kind in fault.layers)
    about = About(VERSION, {}, kinds)
    with tempfile.TemporaryDirectory(prefix="conformance-") as path, opened(Path(path) / "c", about) as folder:
        yield Campaign(folder, asker, kinds, lambda _: (), lambda _: None)


def run(chosen: Sequence[tuple[str, Fault]], seconds: float, keep: Path) -> dict[str, Row]:
    """What came of each fault, by framework and name: all are looked for first, then cases are made small."""
    rows: dict[str, Row] = json.loads(keep.read_text(encoding="utf-8")) if keep.exists() else {}

    def is_open(framework: str, fault: Fault, is_small: bool) -> bool:
        row = rows.get(f"{framework} {fault.name}")
        return row is None if not is_small else row is not None and row["found"] and "case" not in row

    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        file = Path(folder) / "fault"
        for is_small, framework in product((False, True), FRAMEWORKS):
            rest = [fault for name, fault in chosen if name == framework and is_open(name, fault, is_small)]
            if not rest:
                continue
            file.write_text("", encoding="utf-8")
            asker = Asker(lanes_of(framework, file), explains=False, tell=moved)
            try:
                asker.identities()
                for fault in rest:
                    name = f"{framework} {fault.name}"
                    file.write_text(fault.name, encoding="utf-8")
                    rows[name] = row = (
                        small(asker, fault, rows[name], seconds) if is_small else found(asker, fault, seconds)
                    )
                    write_whole(keep, json.dumps(rows, indent=1) + "\n")
                    print(name, row["found"], row["drafts"], row["signature"], row.get("lines", ""), flush=True)
            finally:
                asker.stop()
    return rows


def commit() -> str:
    """The commit that is run, for the page."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "no commit"


def page(rows: dict[str, Row], seed: int, seconds: float) -> str:
    """The outcomes as markdown."""
    hit = [name for name, row in rows.items() if row["found"]]
    short = [name for name in hit if 0 < rows[name].get("lines", 0) <= LONGEST]
    commits = ", ".join(sorted({row["commit"] for row in rows.values()}))
    options = f"--count {len(rows)} --seed {seed} --for {seconds:g}"
    said = [
        "# Faults in live frameworks: what drawn cases find",
        "",
        f"{len(rows)} faults, drawn by the seed {seed} from all of the project, and planted in Keras or in torch.",
        f"Each gets a campaign of {seconds:g} s over its layers, between the framework as it is and with the fault,",
        f"until the first finding: `python -m tests.faults.power {options} --keep FILE -o PAGE`, commit {commits}.",
        "",
        f"- found: {len(hit)} of {len(rows)} ({len(hit) / max(len(rows), 1):.0%})",
        f"- in at most {LONGEST} lines of YAML below `cases:`: {len(short)} of {len(hit)}",
        "",
        "| fault | found as | drafts | seconds | lines |",
        "|---|---|---|---|---|",
        *(_line(name, row) for name, row in sorted(rows.items())),
    ]
    return "\n".join(said) + "\n"


def _line(name: str, row: Row) -> str:
    found = row["signature"] or "not found"
    return f"| {name} | {found} | {row['drafts']} | {row['seconds']} | {row.get('lines', '')} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--for", dest="seconds", type=float, default=60.0)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path)
    parsed = parser.parse_args()
    rows = run(drawn(parsed.count, parsed.seed), parsed.seconds, parsed.keep)
    text = page(rows, parsed.seed, parsed.seconds)
    if parsed.output is None:
        sys.stdout.write(text)
    else:
        parsed.output.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
