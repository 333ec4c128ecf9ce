"""`conformance judge`: a stored run judged again, without a framework."""

from __future__ import annotations

import argparse
from typing import Any

from conformance.cli.shared import add_results
from conformance.errors import Exit

_EXAMPLES = """\
example:
  conformance judge reports/results.json --budget-scale 0.5   what half of it would fail
"""


def add(commands: Any) -> None:
    """Adds the subcommand to the parser's."""
    parser = commands.add_parser(
        "judge", help="judge a stored run again with another budget, without a framework", epilog=_EXAMPLES
    )
    add_results(parser)
    parser.add_argument("--budget-scale", type=float, default=1.0, metavar="S", help="times the budget; 0.5 halves it")
    parser.set_defaults(command=run)


def run(parsed: argparse.Namespace) -> int:
    from conformance.record.again import judge_again, text
    from conformance.results import read

    judged = judge_again(read(parsed.results).cases, parsed.budget_scale)
    print(text(judged))
    return Exit.DISAGREE if judged.has_failures else Exit.OK
