"""`conformance questions`: which cases settle which question."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from conformance.cli.shared import OUTPUT, add_cases, emit
from conformance.errors import Exit

_EXAMPLES = """\
example:
  conformance questions -o docs/questions.md
"""


def add(commands: Any) -> None:
    """Adds the subcommand to the parser's."""
    parser = commands.add_parser(
        "questions", help="list which cases settle which question, as markdown", epilog=_EXAMPLES
    )
    add_cases(parser)
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help=OUTPUT)
    parser.set_defaults(command=run)


def run(parsed: argparse.Namespace) -> int:
    from conformance.case.load import load_folder
    from conformance.report.questions import questions_page

    emit(questions_page(load_folder(parsed.path)), parsed.output)
    return Exit.OK
