"""`conformance answers`: what the lanes said to each question."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from conformance.cli.shared import OUTPUT, add_results, emit
from conformance.errors import Exit

_EXAMPLES = """\
example:
  conformance answers reports/results.json -o answers.md
"""


def add(commands: Any) -> None:
    """Adds the subcommand to the parser's."""
    parser = commands.add_parser(
        "answers", help="list what the lanes said to each question, as markdown", epilog=_EXAMPLES
    )
    add_results(parser)
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help=OUTPUT)
    parser.set_defaults(command=run)


def run(parsed: argparse.Namespace) -> int:
    from conformance.report.questions import answers_page
    from conformance.results import read

    emit(answers_page(read(parsed.results)), parsed.output)
    return Exit.OK
