"""`conformance diff`: what changed between two results, or two lanes of one."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from conformance.cli.shared import FAIL_ON, FAIL_ON_HELP, emit
from conformance.errors import UsageError

_FORMATS = ("text", "markdown", "json", "html")
_EXAMPLES = """\
examples:
  conformance diff old.json new.json
  conformance diff old.json new.json --format markdown --fail-on changes
  conformance diff results.json --lane keras@3.3.3 --lane keras        two lanes of one run, the older first

Exit code 1 where something got worse; see --fail-on.
"""


def add(commands: Any) -> None:
    """Adds the subcommand to the parser's."""
    parser = commands.add_parser(
        "diff",
        help="what changed between two results, or two lanes of one, case by case",
        epilog=_EXAMPLES,
    )
    parser.add_argument("old", type=Path, help="results of the older side")
    parser.add_argument("new", type=Path, nargs="?", help="results of the newer side; OLD itself when left out")
    parser.add_argument(
        "--lane",
        action="append",
        default=[],
        metavar="NAME",
        help="the lane to compare; give it twice to compare two different ones, the older first",
    )
    parser.add_argument("--format", choices=_FORMATS, default="text")
    parser.add_argument("-o", "--output", type=Path, help="file to write; standard output when left out")
    parser.add_argument(
        "--fail-on",
        choices=FAIL_ON,
        default="regressions",
        help=FAIL_ON_HELP,
    )
    parser.set_defaults(command=run)


def run(parsed: argparse.Namespace) -> int:
    from conformance.gate.diff import diff
    from conformance.gate.gate import exit_code
    from conformance.gate.page import html
    from conformance.gate.render import FORMATS
    from conformance.results import read

    if len(parsed.lane) > 2:
        raise UsageError(f"{len(parsed.lane)} lanes are named; a diff has two sides", "give --lane once or twice")
    if parsed.new is None and len(parsed.lane) != 2:
        raise UsageError("one results file has one side", "name a second file, or two lanes: --lane A --lane B")
    old = read(parsed.old)
    new = old if parsed.new is None else read(parsed.new)
    lanes = [(parsed.lane[0], parsed.lane[-1])] if parsed.lane else None
    found = diff(old, new, lanes)
    emit(html(found, new) if parsed.format == "html" else FORMATS[parsed.format](found), parsed.output)
    return exit_code(found, fail_on=parsed.fail_on)
