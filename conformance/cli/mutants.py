"""`conformance mutants`: which plausible mistakes the cases would find."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from conformance.cli.shared import OUTPUT, add_cases, emit
from conformance.errors import Exit, UsageError

_EXAMPLES = """\
examples:
  conformance mutants cases/merge
  conformance mutants --json reports/mutants.json      the score, for pytest --mutants and for the report
  conformance mutants --operations                     functions of keras.ops against their generated cases
  conformance mutants --operations --names sum,argmax  some of them
  conformance mutants --operations --shard 1/32        the same sample every time
"""


def add(commands: Any) -> None:
    """Adds the subcommand to the parser's."""
    parser = commands.add_parser(
        "mutants", help="run the cases against plausible mistakes, without a framework", epilog=_EXAMPLES
    )
    add_cases(parser)
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help=f"the table as markdown; {OUTPUT}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the score of every mutant and case as JSON")
    parser.add_argument("--operations", action="store_true", help="mistakes in functions of keras.ops instead")
    parser.add_argument("--names", metavar="A,B", help="of operations these; without it all")
    parser.add_argument("--shard", metavar="K/N", help="of operations a part, the same one every time")
    parser.set_defaults(command=run)


def run(parsed: argparse.Namespace) -> int:
    if parsed.operations:
        return _operations(parsed)
    if parsed.names is not None or parsed.shard is not None:
        raise UsageError("--names and --shard choose among operations", "add --operations")
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


def _operations(parsed: argparse.Namespace) -> int:
    from conformance.cli.operations import named
    from conformance.gate.shards import parse, shard_of
    from conformance.kinds.operations import FAMILY
    from conformance.reference.operations.base import table
    from conformance.score.operations import score
    from conformance.score.operations_page import page, problems

    names = sorted(named(parsed.names) or table())
    if parsed.shard is not None:
        number, count = parse(parsed.shard)
        names = [name for name in names if shard_of(name, count) == number]
    tried = score(names, Path(FAMILY), os.cpu_count() or 1)
    found = problems(tried)
    if parsed.output is not None:
        emit(page(tried), parsed.output)
    else:
        print(f"{sum(bool(one.case) for one in tried)} of {len(tried)} mistakes in {len(names)} operations are found")
    for problem in found:
        print(problem, file=sys.stderr)
    return Exit.DISAGREE if found else Exit.OK
