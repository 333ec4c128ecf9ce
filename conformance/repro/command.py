"""`conformance repro ID --lane keras`: prints a script that gives the case's answer without this harness."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from conformance.ask.find import DEFAULT_CASES, find
from conformance.errors import Exit

_DESCRIPTION = """\
A script of plain Keras, torch or NumPy with the arrays inside, and nothing of this harness. It prints the answer and
ends with 0 where it is what the report says, with 1 where it is not. A case that raises is reproduced where the same
type of error is raised in the same phase. The exit code here is 1 where no script can be honest; the reason is printed.
"""


def register(commands: Any) -> None:
    """Adds the subcommand to the parser's."""
    repro = commands.add_parser(
        "repro",
        help="print a stand-alone script that gives a case's answer in one lane",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    repro.add_argument("id", help="the case's id, or the end of it")
    repro.add_argument("--lane", default="keras", help="whose answer it gives: keras (the default), torch or numpy")
    repro.add_argument("--results", type=Path, metavar="FILE", help="take the answer from here; else from the last run")
    repro.add_argument("-o", "--output", type=Path, metavar="FILE", help="file to write; else standard output")
    repro.add_argument("--issue", action="store_true", help="as a bug report in markdown, with the script inside")
    repro.set_defaults(command=_repro)


def _repro(parsed: argparse.Namespace) -> int:
    from conformance.repro.evidence import evidence_of
    from conformance.repro.issue import issue
    from conformance.repro.script import script
    from conformance.results import write_whole

    found = find(parsed.id, parsed.results, DEFAULT_CASES, (), is_run=False)
    text = (issue if parsed.issue else script)(evidence_of(found.results, found.record), parsed.lane)
    if parsed.output is None:
        sys.stdout.write(text)
    else:
        write_whole(parsed.output, text)
    return Exit.OK
