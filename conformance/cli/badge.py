"""`conformance badge`: what a run found, as a badge for a page."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from conformance.cli.shared import OUTPUT, add_results, emit
from conformance.errors import Exit

_EXAMPLES = """\
examples:
  conformance badge reports/results.json -o badge.svg
  conformance badge reports/results.json -o badge.json          for an endpoint badge of shields
"""


def add(commands: Any) -> None:
    """Adds the subcommand to the parser's."""
    parser = commands.add_parser("badge", help="a badge of a run: SVG, or JSON for shields", epilog=_EXAMPLES)
    add_results(parser)
    parser.add_argument("--label", default="conformance", help="the words on its left (default: conformance)")
    parser.add_argument("--format", choices=["svg", "json"], help="svg (the default); -o FILE.json says it too")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help=OUTPUT)
    parser.set_defaults(command=run)


def run(parsed: argparse.Namespace) -> int:
    from conformance.report.badge import endpoint, svg
    from conformance.results import read

    is_json = parsed.format == "json" or (
        parsed.format is None and parsed.output is not None and parsed.output.suffix == ".json"
    )
    emit((endpoint if is_json else svg)(read(parsed.results), parsed.label), parsed.output)
    return Exit.OK
