"""`conformance mutants`: which plausible mistakes the cases would find."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from conformance.cli.shared import OUTPUT, add_cases, emit
from conformance.errors import Exit

_EXAMPLES = """\
examples:
  conformance mutants cases/merge
  conformance mutants --json reports/mutants.json      the score, for pytest --mutants and for the report
"""


def add(commands: Any) -> None:
    """Adds the subcommand to the parser's."""
    parser = commands.add_parser(
        "mutants", help="run the cases against plausible mistakes, without a framework", epilog=_EXAMPLES
    )
    add_cases(parser)
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help=f"the table as markdown; {OUTPUT}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the score of every mutant and case as JSON")
    parser.set_defaults(command=run)


def run(parsed: argparse.Namespace) -> int:
    from conformance.case.load import load_file, load_folder
    from conformance.score.score import score
    from conformance.score.table import as_json, page

    cases = load_file(parsed.path) if parsed.path.is_file() else load_folder(parsed.path)
    found = score(cases, os.cpu_count() or 1)
    emit(page(found), parsed.output)
    if parsed.json is not None:
        emit(json.dumps(as_json(found), indent=1) + "\n", parsed.json)
    for problem in found.problems:
        print(problem, file=sys.stderr)
    return Exit.DISAGREE if found.problems else Exit.OK
