"""`conformance check`: every mistake in case files, without running anything."""

from __future__ import annotations

import argparse
from typing import Any

from conformance.cli.shared import add_cases
from conformance.errors import Exit

_EXAMPLES = """\
examples:
  conformance check                          every case file below cases
  conformance check cases/merge/mask.case.yaml
"""


def add(commands: Any) -> None:
    """Adds the subcommand to the parser's."""
    parser = commands.add_parser(
        "check", help="read case files and name every mistake, each at its line and column", epilog=_EXAMPLES
    )
    add_cases(parser)
    parser.set_defaults(command=run)


def run(parsed: argparse.Namespace) -> int:
    from conformance.case.load import load_file, load_folder

    cases = load_file(parsed.path) if parsed.path.is_file() else load_folder(parsed.path)
    print(f"{len(cases)} case{'' if len(cases) == 1 else 's'}, no mistakes")
    return Exit.OK
