"""Runs every script that the project's cases have, and writes how they ended.

    python -m tests.repro.all [--results reports/results.json] [-o docs/repro.md] [-k TEXT]

Exit code 1 where a script does not reproduce what the report says.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from conformance.repro.errors import NotScriptable
from conformance.repro.evidence import evidence_of
from conformance.repro.script import script
from conformance.results import read, write_whole
from tests.repro.scripts import together

LANES = ("keras", "torch", "numpy")
HEAD = """\
# Reproduction scripts

`conformance repro ID --lane keras` prints a script of plain Keras, `--lane torch` one of plain torch, `--lane numpy`
one of plain NumPy: the arrays inside, no import of ours. It prints every named answer with shape, dtype, mask and
values, and ends with 0 where they are what the report says, with 1 where they are not. A case that raises is reproduced
where the same type of error is raised in the same phase. `--issue` wraps the script as a bug report in markdown.

What a script holds its answer against: the reference's values, within the largest error that the report allows on that
output, where the lane agrees; the lane's own values, as the report has them, where it differs, with what the reference
expects printed beside them. Outputs of more than 1,024 elements are compared at places at equal distances; large arrays
that differ, which the report does not keep whole, by their worst elements, range and mean; masks of more than 64
entries by shape and number of true entries. An answer that is given where an error is due is compared by shape and
dtype: its values may be memory that nobody wrote to. Arrays of up to 64 elements are written in numbers, up to 2,048 as
base64 of their little-endian bytes, larger ones by the formula that draws them, which then stands in the script.

The script of Keras is written from the case: layers as a user constructs them, the graph as functional calls. Those of
torch and NumPy carry the source of our ports and of our reference, pruned to what the case needs, with plain NumPy in
the place of autograd: they are what was judged, not a second version of it.

A case that trains has its training in the script, as a function `train` below the graph, and prints all weights after
each step. In Keras that is an optimizer of `keras.optimizers` and TensorFlow's tape (torch's graph, on that backend);
in torch `torch.optim`, set so that Keras' numbers come out, with the convention in a comment, or the step written out
where no argument does that, or torch's optimizer as it is where the case asks for that; in NumPy the step in a few
lines, and gradients by central differences of fourth order in float64, which are right to ten digits and need no
autograd.

Where a gradient is what differs, scripts of all lanes print gradients: of the sum of all outputs, each times an array
that is in the script. The report keeps the worst element of one that differs, and the script of that lane looks at it.
Where a layer of Keras makes weights of another shape, the script prints the shapes. Where a case ends the process, the
script runs it in a child and prints the signal. Relations between several runs have no scripts, nor have trainings of
Keras on JAX.

This page is written by `nox -s repro`, which runs every script.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the scripts of all cases of a results file; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=Path("reports/results.json"))
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("-k", dest="only", default="", metavar="TEXT", help="only cases with this in their id")
    parsed = parser.parse_args(arguments)
    results = read(parsed.results)
    scripts, refused = written(results, parsed.only)
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


def written(results: Mapping[str, Any], only: str) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, str]]]:
    """By lane and case: the scripts, and why there is none."""
    scripts: dict[str, dict[str, str]] = {lane: {} for lane in LANES}
    refused: dict[str, dict[str, str]] = {lane: {} for lane in LANES}
    for record in results["cases"]:
        if only not in record["id"]:
            continue
        evidence = evidence_of(results, record)
        for lane in LANES:
            if lane in record["lanes"]:
                try:
                    scripts[lane][record["id"]] = script(evidence, lane)
                except NotScriptable as reason:
                    refused[lane][record["id"]] = str(reason)
    return scripts, refused


def page(results: Mapping[str, Any], scripts: Any, refused: Any, failed: Any) -> str:
    """The page in markdown: a row a family, then what has no script and why, then what does not reproduce."""
    lines = [HEAD, "## How they ended", "", _versions(results), "", f"| family | cases | {' | '.join(LANES)} |"]
    lines.append("|---|---:|" + "---:|" * len(LANES))
    families = dict.fromkeys(record["id"].partition("/")[0] for record in results["cases"])
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


def _row(results: Mapping[str, Any], family: str, scripts: Any, failed: Any) -> str:
    def within(names: Any) -> int:
        return sum(name.startswith(f"{family}/") or not family for name in names)

    cases = within(record["id"] for record in results["cases"])
    counts = Counter({lane: within(scripts[lane]) for lane in LANES})
    cells = [f"{counts[lane] - within(failed[lane])} of {counts[lane]}" for lane in LANES]
    return f"| {family or '**all**'} | {cases} | {' | '.join(cells)} |"


def _versions(results: Mapping[str, Any]) -> str:
    packages = results["environment"]["packages"]
    shown = [f"{name} {packages[name]}" for name in ("keras", "tensorflow", "torch", "numpy") if name in packages]
    return ", ".join(shown) + "."


def _cell(text: str) -> str:
    line = " ".join(text.split())
    return (line if len(line) < 200 else line[:197] + "...").replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
