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
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from conformance.campaign.asking import Asker
from conformance.campaign.campaign import Campaign
from conformance.campaign.folder import VERSION, About, opened
from conformance.campaign.space import drawable
from conformance.campaign.triage import NEW, OLD, moved
from conformance.campaign.written import lines_below
from conformance.lanes.spec import LaneSpec
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


def found(asker: Asker, fault: Fault, file: Path, seconds: float) -> dict[str, object]:
    """What a campaign makes of one fault."""
    kinds = [kind for kind in drawable() if kind in fault.layers]
    file.write_text(fault.name, encoding="utf-8")
    until = time.monotonic() + seconds
    ran, started = 0, time.monotonic()
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        about = About(VERSION, {}, tuple(kinds))
        with opened(Path(folder) / "c", about) as held:
            campaign = Campaign(held, asker, kinds, lambda _: "", lambda _: None)
            for seed in range(10_000):
                row, new = campaign.seed(seed)
                ran += row.ran
                if new or time.monotonic() >= until:
                    break
            seconds_taken = time.monotonic() - started
            campaign.finish(time.monotonic() + seconds)
            kept = held.kept
            text = held.file(kept[0]).read_text(encoding="utf-8") if kept else ""
            lines = lines_below(kept[0]) if kept else 0
    file.write_text("", encoding="utf-8")
    return {
        "found": bool(kept),
        "drafts": ran,
        "seconds": round(seconds_taken, 1),
        "signature": str(kept[0].signature) if kept else "",
        "lines": lines,
        "case": text,
    }


def run(chosen: Sequence[tuple[str, Fault]], seconds: float, keep: Path) -> dict[str, dict[str, object]]:
    """What came of each fault, by framework and name."""
    rows: dict[str, dict[str, object]] = json.loads(keep.read_text(encoding="utf-8")) if keep.exists() else {}
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        file = Path(folder) / "fault"
        for framework in FRAMEWORKS:
            rest = [fault for name, fault in chosen if name == framework and f"{framework} {fault.name}" not in rows]
            if not rest:
                continue
            file.write_text("", encoding="utf-8")
            asker = Asker(lanes_of(framework, file), explains=False, tell=moved)
            try:
                asker.identities()
                for fault in rest:
                    row = rows[f"{framework} {fault.name}"] = found(asker, fault, file, seconds)
                    keep.write_text(json.dumps(rows, indent=1), encoding="utf-8")
                    print(framework, fault.name, row["found"], row["drafts"], row["signature"], flush=True)
            finally:
                asker.stop()
    return rows


def page(rows: dict[str, dict[str, object]], count: int, seed: int, seconds: float) -> str:
    """The outcomes as markdown."""
    hit = [name for name, row in rows.items() if row["found"]]
    lines = [
        "# Faults in live frameworks: what drawn cases find",
        "",
        f"{count} faults, drawn by the seed {seed}; a campaign of {seconds:g} s over the layers of each, between the",
        "framework as it is and with the fault. Made by `python -m tests.faults.power`.",
        "",
        f"- found: {len(hit)} of {len(rows)}",
        f"- in at most twelve lines: {sum(0 < int(str(rows[name]['lines'])) <= 12 for name in hit)} of {len(hit)}",
        "",
        "| fault | found as | drafts |",
        "|---|---|---|",
        *(f"| {name} | {row['signature'] or 'not found'} | {row['drafts']} |" for name, row in rows.items()),
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--for", dest="seconds", type=float, default=60.0)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path)
    parsed = parser.parse_args()
    rows = run(drawn(parsed.count, parsed.seed), parsed.seconds, parsed.keep)
    text = page(rows, parsed.count, parsed.seed, parsed.seconds)
    if parsed.output is None:
        sys.stdout.write(text)
    else:
        parsed.output.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
