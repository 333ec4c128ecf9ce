"""`conformance watch`: cases judged again whenever what answers them changes."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path
from typing import Any

from conformance.cli.shared import DEFAULT_CASES
from conformance.errors import Exit, UsageError

_DESCRIPTION = """\
Judges cases, and judges them again whenever a case, its data, a deviation, a port or a reference is saved. The lanes
stay up; a process that has imported what changed is replaced by one that waits with its framework imported. Ctrl-C
ends it.
"""

_EXAMPLES = """\
examples:
  conformance watch cases/normalization                        one family, while its cases are written
  conformance watch -k 'GRU and mask'                          one layer, while its port is written
  conformance watch cases/recurrent -k gru --lane 'torch[native]'
  conformance watch -k gru -- --relations                      what stands after -- goes to pytest
"""


def add(commands: Any) -> None:
    """Adds the subcommand to the parser's."""
    parser = commands.add_parser(
        "watch", help="judge cases again at every change, lanes kept up", description=_DESCRIPTION, epilog=_EXAMPLES
    )
    words = f"case files or folders of them (default: {DEFAULT_CASES})"
    parser.add_argument("arguments", type=str, nargs="*", metavar="PATH", help=words)
    parser.add_argument("-k", metavar="WORDS", help="only cases that these words fit, as pytest's -k")
    parser.add_argument("-m", metavar="MARKS", help="only cases with these marks, as pytest's -m")
    parser.add_argument("--lanes", metavar="A,B", help="lanes to run (the NumPy reference always runs)")
    parser.add_argument("--lane", action="append", default=[], metavar="SPEC", help="a lane from anywhere: keras@3.3.3")
    parser.set_defaults(command=run)


REFUSED = {
    "-n": "its lanes are kept by one process",
    "--numprocesses": "its lanes are kept by one process",
    "--in-process": "a lane in the judging process could not be replaced",
}
"""Options of pytest that a watch cannot take, and why."""


def run(parsed: argparse.Namespace) -> int:
    paths, options = asked(parsed)
    if importlib.util.find_spec("watchfiles") is None:
        raise UsageError("watching needs the package watchfiles", "pip install -c constraints.txt watchfiles")
    from conformance.watch.main import begin

    begin(paths, options)
    return Exit.INTERNAL  # that process is another one now


def asked(parsed: argparse.Namespace) -> tuple[list[Path], list[str]]:
    """What is watched, and the options for pytest. Raises UsageError."""
    place = next((i for i, word in enumerate(parsed.arguments) if word.startswith("-")), len(parsed.arguments))
    paths = [Path(word) for word in parsed.arguments[:place]] or [DEFAULT_CASES]
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path}: no such file or folder", f"case files stand in {DEFAULT_CASES}")
    further = parsed.arguments[place:]
    for word in further:
        name = "-n" if word.startswith("-n") else word.partition("=")[0]  # -n2 is -n 2
        if name in REFUSED:
            raise UsageError(f"a watch cannot take {name}: {REFUSED[name]}", "leave it out")
    options = [text for name in ("k", "m") if (words := getattr(parsed, name)) for text in (f"-{name}", words)]
    options += [f"--lanes={parsed.lanes}"] if parsed.lanes else []
    return paths, [*options, *(f"--lane={spec}" for spec in parsed.lane), *further]
