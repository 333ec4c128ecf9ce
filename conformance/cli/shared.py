"""What several subcommands take and do alike: arguments in the same words, a text that is printed or written."""

from __future__ import annotations

import argparse
from pathlib import Path

DEFAULT_RESULTS = Path("reports/results.json")
DEFAULT_CASES = Path("cases")
FAIL_ON = ("regressions", "changes", "nothing")
FAIL_ON_HELP = "exit code 1 for what is worse and nobody accepted (the default), for any answer that moved, or never"
CLUSTER_HELP = "run on Dask: local:4 for four workers here, or the address of a scheduler that you started"
OUTPUT = "file to write; standard output when left out"


def add_results(parser: argparse.ArgumentParser) -> None:
    """Adds the results file that a command reads; that of the last run when left out."""
    words = f"a results file, as `pytest cases --results FILE` writes it (default: {DEFAULT_RESULTS})"
    parser.add_argument("results", type=Path, nargs="?", default=DEFAULT_RESULTS, metavar="RESULTS", help=words)


def add_cases(parser: argparse.ArgumentParser) -> None:
    """Adds the case files that a command reads; all of them when left out."""
    words = f"a case file or a folder of them (default: {DEFAULT_CASES})"
    parser.add_argument("path", type=Path, nargs="?", default=DEFAULT_CASES, metavar="CASES", help=words)


def emit(text: str, output: Path | None) -> None:
    """Prints a text, or writes it whole to a file."""
    if output is None:
        print(text, end="")
        return
    from conformance.results import write_whole

    write_whole(output, text)
