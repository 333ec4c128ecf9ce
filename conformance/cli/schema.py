"""`conformance schema`: the JSON Schema of case files, for editors, and of results files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from conformance.cli.shared import OUTPUT, emit
from conformance.errors import Exit

_EXAMPLES = """\
examples:
  conformance schema case -o schemas/case-v1.schema.json
  conformance schema results -o schemas/results-v1.schema.json
  conformance schema gate -o schemas/gate-v2.schema.json
"""


def add(commands: Any) -> None:
    """Adds the subcommand to the parser's."""
    parser = commands.add_parser("schema", help="print the JSON Schema of our files", epilog=_EXAMPLES)
    parser.add_argument(
        "kind", choices=["case", "results", "gate"], help="of what: case or results files, or gate.json"
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help=OUTPUT)
    parser.set_defaults(command=run)


def run(parsed: argparse.Namespace) -> int:
    if parsed.kind == "case":
        from conformance.case.jsonschema import render
    elif parsed.kind == "gate":
        from conformance.gate.schema import render
    else:
        from conformance.record.schema import render

    emit(render(), parsed.output)
    return Exit.OK
