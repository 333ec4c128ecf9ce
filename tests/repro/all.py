"""Runs every script that the project's cases have, and writes how they ended.

    python -m tests.repro.all [--results reports/results.json] [-o docs/evidence/repro.md] [-k TEXT] [--every N]

Exit code 1 where a script does not reproduce what the report says.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from conformance.record.run import Results
from conformance.repro.errors import NotScriptable
from conformance.repro.evidence import evidence_of
from conformance.repro.script import script
from conformance.results import read, write_whole
from tests.repro.scripts import together

LANES = ("keras", "torch", "numpy")
HEAD = """\
# Reproduction scripts: how they ended

Made by `nox -s repro`, which runs the script of every case in every lane ([../repro.md](../repro.md)); do not edit.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the scripts of all cases of a results file; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=Path("reports/results.json"))
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("-k", dest="only", default="", metavar="TEXT", help="only cases with this in their id")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="a sample: every Nth case")
    parsed = parser.parse_args(arguments)
    results = read(parsed.results)
    scripts, refused = written(replace(results, cases=results.cases[:: parsed.every]), parsed.only)
    failed: dict[str, dict[str, str]] = {}
    for lane in LANES:
        with tempfile.TemporaryDirectory() as folder:
            ended = together(scripts[lane], Path(folder))
        failed[lane] = {name: one.output for name, one in ended.items() if one.code}
        good = len(ended) - len(failed[lane])
        print(f"{lane}: {good} of {len(ended)} scripts reproduce; {len(refused[lane])} cases have none")
        for name, output in failed[lane].items():
            print(f"\n{lane} {name}\n{output[-1500:]}", file=sys.stderr)
    if parsed.output is not None:
        write_whole(parsed.output, page(results, scripts, refused, failed))
    return 1 if any(failed.values()) else 0


def written(results: Results, only: str) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, str]]]:
    """By lane and case: the scripts, and why there is none."""
    scripts: dict[str, dict[str, str]] = {lane: {} for lane in LANES}
    refused: dict[str, dict[str, str]] = {lane: {} for lane in LANES}
    for record in results.cases:
        if only not in record.id:
            continue
        evidence = evidence_of(results, record)
        for lane in LANES:
            if lane in record.lanes:
                try:
                    scripts[lane][record.id] = script(evidence, lane)
                except NotScriptable as reason:
                    refused[lane][record.id] = str(reason)
    return scripts, refused


def page(results: Results, scripts: Any, refused: Any, failed: Any) -> str:
    """The page in markdown: a row a family, then what has no script and why, then what does not reproduce."""
    lines = [HEAD, _versions(results), "", f"| family | cases | {' | '.join(LANES)} |"]
    lines.append("|---|---:|" + "---:|" * len(LANES))
    families = dict.fromkeys(record.id.partition("/")[0] for record in results.cases)
    for family in [*sorted(families), ""]:
        lines.append(_row(results, family, scripts, failed))
    sizes = sorted(len(text.encode()) for lane in LANES for text in scripts[lane].values())
    lines += ["", "A cell counts scripts that reproduce, of those that there are."]
    lines.append(f"Half of the scripts have at most {sizes[len(sizes) // 2]:,} bytes, the longest {sizes[-1]:,}.")
    lines += ["", "## Without a script", "", *(_refusals(refused) or ["None."])]
    wrong = [f"- `{name}`, {lane}" for lane in LANES for name in failed[lane]]
    lines += ["", "## That do not reproduce", "", *(wrong or ["None."])]
    return "\n".join(lines) + "\n"


def _refusals(refused: Mapping[str, Mapping[str, str]]) -> list[str]:
    """A row a reason: how many cases of each lane, and the first of them by name."""
    reasons = dict.fromkeys(_cell(why) for lane in LANES for why in refused[lane].values())
    rows = [f"| why | {' | '.join(LANES)} | cases |", "|---|" + "---:|" * 3 + "---|"] if reasons else []
    for reason in reasons:
        names = {lane: [name for name, why in refused[lane].items() if _cell(why) == reason] for lane in LANES}
        every = list(dict.fromkeys(name for lane in LANES for name in names[lane]))
        shown = ", ".join(f"`{name}`" for name in every[:3]) + (f" and {len(every) - 3} more" if len(every) > 3 else "")
        rows.append(f"| {reason} | {' | '.join(str(len(names[lane])) for lane in LANES)} | {shown} |")
    return rows


def _row(results: Results, family: str, scripts: Any, failed: Any) -> str:
    def within(names: Any) -> int:
        return sum(name.startswith(f"{family}/") or not family for name in names)

    cases = within(record.id for record in results.cases)
    counts = Counter({lane: within(scripts[lane]) for lane in LANES})
    cells = [f"{counts[lane] - within(failed[lane])} of {counts[lane]}" for lane in LANES]
    return f"| {family or '**all**'} | {cases} | {' | '.join(cells)} |"


def _versions(results: Results) -> str:
    packages = results.environment.packages
    shown = [f"{name} {packages[name]}" for name in ("keras", "tensorflow", "torch", "numpy") if name in packages]
    return ", ".join(shown) + "."


def _cell(text: str) -> str:
    line = " ".join(text.split())
    return (line if len(line) < 200 else line[:197] + "...").replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
