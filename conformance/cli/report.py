"""`conformance report`: the HTML report of a results file, again."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from conformance.cli.shared import OUTPUT, add_results, emit
from conformance.errors import Exit

_EXAMPLES = """\
examples:
  conformance report                                                       of the last run, to standard output
  conformance report results.json -o report.html
  conformance report results.json --matrix reports/matrix.json -o report.html   with the answers of other versions
"""


def add(commands: Any) -> None:
    """Adds the subcommand to the parser's."""
    parser = commands.add_parser("report", help="write the HTML report of a results file", epilog=_EXAMPLES)
    add_results(parser)
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help=OUTPUT)
    parser.add_argument(
        "--matrix", type=Path, metavar="FILE", help="results of other versions to show on each page: see matrix"
    )
    parser.add_argument(
        "--mutants", type=Path, metavar="FILE", help="score to show of each layer and case: see mutants --json"
    )
    parser.add_argument(
        "--baseline", type=Path, metavar="FILE", help="results of an earlier run, to say what changed since"
    )
    parser.set_defaults(command=run)


def run(parsed: argparse.Namespace) -> int:
    from conformance.journal import recover
    from conformance.report.html import rendered
    from conformance.results import read

    killed = recover(parsed.results.parent)
    for path, words in killed:
        print(f"{path}: {words}", file=sys.stderr)
    has_ended = parsed.results.exists() or not killed
    results = read(parsed.results if has_ended else killed[-1][0])
    if parsed.matrix is not None:
        from conformance.gate.versions import with_versions

        results = with_versions(results, read(parsed.matrix))
    if parsed.mutants is not None:
        from conformance.record.scored import read_score, with_mutants

        results = with_mutants(results, read_score(parsed.mutants))
    if parsed.baseline is not None:
        from conformance.gate.baseline import with_baseline

        results = with_baseline(results, read(parsed.baseline))
    made = rendered(results)
    emit(made.text, parsed.output)
    if made.remark:
        print(f"conformance: {made.remark}", file=sys.stderr)
    return Exit.OK
