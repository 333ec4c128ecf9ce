"""The page of ten numbers: read out of the pages of evidence, so that each stands in one place.

    python -m benchmarks.numbers [-o docs/evidence/README.md]

A number is never typed here: it is what a page says that a measurement wrote. tests/test_docs.py holds the page to it.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

EVIDENCE = Path(__file__).parents[1] / "docs" / "evidence"
NUMBER = r"([\d.,e+-]*\d)"


@dataclass(frozen=True, slots=True)
class Number:
    """One line of the page, and where its figures stand."""

    words: str
    """What is said, with `{}` for each figure in turn."""
    page: str
    pattern: str
    """What the page says, with a group for each figure."""
    made_by: str


NUMBERS = (
    Number(
        "{} of {} plausible mistakes in a layer are noticed by one of {} cases",
        "mutants.md",
        f"^{NUMBER} of {NUMBER} mutants killed by {NUMBER} cases",
        "nox -s mutants",
    ),
    Number(
        "{} of {} small changes to the source of reference and judge are noticed; the others change nothing",
        "source_mutants.md",
        f"^- found: {NUMBER} of {NUMBER};",
        "nox -s source_mutants",
    ),
    Number(
        "{} of {} faults put into live Keras and torch are found",
        "faults.md",
        f"^- found: {NUMBER} of {NUMBER} faults",
        "nox -s faults",
    ),
    Number(
        "{} of those {} are named by the explanation; mutants were written beside them",
        "faults.md",
        f"^- named by the explanation: {NUMBER} of {NUMBER}",
        "nox -s faults",
    ),
    Number(
        "Of {} faults that nobody had in mind {} were found at the first try, and {} of them named",
        "faults.md",
        rf"^\| \[held_out\]\S* \| {NUMBER} \| {NUMBER} \| {NUMBER} \|",
        "python -m tests.faults.campaign --held-out held_out",
    ),
    Number(
        "{} false alarms in {} verdicts on honest lanes, all data drawn anew each time",
        "calibration.md",
        f"^{NUMBER} in {NUMBER} verdicts",
        "nox -s calibrate",
    ),
    Number(
        "Half of all outputs use at most {} of their rounding budget; the largest used {}",
        "calibration.md",
        rf"^\| values, share used \| \S+ \| {NUMBER} \| .* \| {NUMBER} \|$",
        "nox -s calibrate",
    ),
    Number(
        "{} scripts of plain Keras, {} of plain torch and {} of plain NumPy give what the report says",
        "repro.md",
        r"^\| \*\*all\*\* \| \d+ \| (\S+ of \S+) \| (\S+ of \S+) \| (\S+ of \S+) \|",
        "nox -s repro",
    ),
    Number(
        "In the newest Keras on TensorFlow {} cases agree; {} of {} differences are listed with their reason",
        "findings.md",
        rf"^\| `keras` \|[^|]*\|[^|]*\|[^|]*\| {NUMBER} \|.* {NUMBER} of {NUMBER} \|$",
        "nox -s findings",
    ),
    Number(
        "All {} cases in every lane take {} s on two cores, {} s where the reference's answers are kept",
        "performance.md",
        rf"^\| suite, cold.* \| {NUMBER} cases in {NUMBER} s,.*\n\| suite, warm.* cases in {NUMBER} s,",
        "python -m benchmarks.overheads",
    ),
)

HEAD = """\
# Evidence

What this project knows of itself, as it was measured. Users need none of it; whoever wants to know how far to trust a
verdict begins here. Made by `python -m benchmarks.numbers -o docs/evidence/README.md` from the pages it names; do not
edit.

## Ten numbers

| what | measured by | all of it |
|---|---|---|
"""
REST = """
Each number is of the run that its page describes. The suite grows between runs, so that the numbers of cases on two
pages may differ by those added meanwhile; `conformance check cases` says how many there are now.

## Also here

| page | what |
|---|---|
| [gradient_mutants.md](gradient_mutants.md) | what gradients see of mistakes that values do not |
| [faults_held_out.md](faults_held_out.md) | faults that were written down before anybody looked |
| [faults_held_out_again.md](faults_held_out_again.md) | a second set of them |
| [faults_held_out_third.md](faults_held_out_third.md) | a third |
| [drafts.md](drafts.md) | 20,800 drafts over Keras 3.15.1 and torch 2.13: what came of each finding |
| [power.md](power.md) | how many planted faults a campaign finds, of 60 that a seed drew |
| [between.md](between.md) | answers that moved between releases and that no written case showed, each by a script |
| [shrunk.md](shrunk.md) | what campaigns leave of what they find: cases of at most twelve lines |
| [modes.md](modes.md) | graph, XLA, `predict` and other dtype policies, measured |
| [gates.md](gates.md) | whole gates between releases of Keras: what moved, the exit codes, and what it took |
| [matrix.md](matrix.md) | which version of Keras gives which answer to telling cases |
| [exports.md](exports.md) | which layers give an answer after export to ONNX and to LiteRT |
| [hand-checks.md](hand-checks.md) | three pages of the report held against a calculation on paper |
"""


def page(folder: Path = EVIDENCE) -> str:
    """The page as markdown. Raises ValueError where a page of evidence does not say its number any more."""
    rows = [f"| {sentence(one, folder)} | `{one.made_by}` | [{one.page}]({one.page}) |" for one in NUMBERS]
    return HEAD + "\n".join(rows) + "\n" + REST


def sentence(one: Number, folder: Path = EVIDENCE) -> str:
    """The words of a number with its figures."""
    found = re.search(one.pattern, (folder / one.page).read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise ValueError(f"docs/evidence/{one.page} does not say any more: {one.words}")
    return one.words.format(*(grouped(figure) for figure in found.groups()))


def grouped(figure: str) -> str:
    """`41340` as `41,340`; anything else as it is."""
    return f"{int(figure):,}" if figure.isdigit() else figure


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or print the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path)
    output = parser.parse_args(arguments).output
    if output is None:
        print(page(), end="")
    else:
        output.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
