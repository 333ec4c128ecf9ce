"""Cases run by pytest in a process of its own, for a command that reads the results."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from conformance import suite
from conformance.errors import Exit
from conformance.journal import recover


def run_cases(lanes: Iterable[str], arguments: Sequence[str], results: Path, options: Sequence[str] = ()) -> int:
    """Runs cases in these lanes by pytest and returns its exit code.

    pytest says on stderr how far it is and what could not run, and nothing of verdicts: the command that reads the
    results does.
    """
    command = command_of(lanes, arguments, results, options)
    return subprocess.run(command, check=False, stdout=sys.stderr).returncode


def command_of(lanes: Iterable[str], arguments: Sequence[str], results: Path, options: Sequence[str]) -> list[str]:
    """The command by which pytest runs cases in these lanes and writes their results."""
    given = list(arguments)
    if not any(Path(argument.partition("::")[0]).exists() for argument in given):
        given.insert(0, "cases")
    command = [sys.executable, "-m", "pytest", "-qq", "--tb=short", "-rN", "--progress", f"--results={results}"]
    if any(suite.is_in(Path(argument.partition("::")[0])) for argument in given if not argument.startswith("-")):
        command.append("--rootdir=.")  # the suite's cases may stand anywhere; the project is here
    return [*command, *options, *given, *(part for lane in lanes for part in ("--lane", lane))]


def without_results(folder: Path, code: int) -> int:
    """The exit code of a run that wrote no results; what a killed one had measured is kept and named."""
    for path, words in recover(folder):
        print(f"conformance: {path}: {words}", file=sys.stderr)
    if code < 0:
        print(f"conformance: pytest was ended by {signal.Signals(-code).name}", file=sys.stderr)
        return Exit.INTERNAL
    return code if code not in (Exit.OK, Exit.DISAGREE) else Exit.INTERNAL
