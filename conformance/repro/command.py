"""`conformance repro ID --lane keras`: prints a script that gives the case's answer without this harness."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from conformance.errors import Exit, UsageError


def register(commands: Any) -> None:
    """Adds the subcommand to the parser's."""
    repro = commands.add_parser(
        "repro",
        help="print a stand-alone script that gives a case's answer",
        description="A script of plain Keras, torch or NumPy with the arrays inside. It ends with 0 where it gives "
        "what the report says, with 1 where it does not.",
    )
    repro.add_argument("id", help="the case's id, or the end of it")
    repro.add_argument("--lane", default="keras", help="whose answer it gives: keras (the default), torch or numpy")
    repro.add_argument("--results", type=Path, default=Path("reports/results.json"))
    repro.add_argument("-o", "--output", type=Path, help="file to write; standard output when left out")
    repro.add_argument("--issue", action="store_true", help="as a bug report in markdown, the script inside")
    repro.set_defaults(command=_repro)


def _repro(parsed: argparse.Namespace) -> int:
    from conformance.repro.evidence import evidence_of
    from conformance.repro.script import script
    from conformance.results import read, write_whole

    results = read(parsed.results)
    record = record_of(results, parsed.id, str(parsed.results))
    evidence = evidence_of(results, record)
    text = script(evidence, parsed.lane)
    if parsed.output is None:
        sys.stdout.write(text)
    else:
        write_whole(parsed.output, text)
    return Exit.OK


def record_of(results: Any, wanted: str, place: str) -> Any:
    """The record of this id, or of the one id that ends so. Raises UsageError."""
    found = [record for record in results["cases"] if record["id"] == wanted]
    found = found or [record for record in results["cases"] if record["id"].endswith(wanted)]
    if len(found) != 1:
        near = [record["id"] for record in results["cases"] if wanted.lower() in record["id"].lower()][:8]
        hint = f"did you mean {', '.join(near)}?" if near else f"{place} holds {len(results['cases'])} cases"
        raise UsageError(f"{len(found) or 'no'} cases are called {wanted} in {place}", hint)
    return found[0]
