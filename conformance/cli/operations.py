"""`conformance operations`: cases about the functions of `keras.ops`, made from one table of their references."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from conformance.errors import Exit, UsageError

_DESCRIPTION = """\
Writes a case file for every function of keras.ops that has a reference: several shapes, broadcasting, axes from both
ends and out of range, integers, arrays of no and of one element, NaN and infinities, and the questions of its own. All
of it is made from the signatures in conformance/reference/operations/; what is expected is what the reference gives.
"""
_EXAMPLES = """\
examples:
  conformance operations -o operations                   write all files anew; files of operations that are gone go
  conformance operations -o mine --names softmax,sort    those of some operations
  pytest operations -k softmax --lane keras              run some of them
  pytest operations --shard 1/16                         the same sample every time
"""


def add(commands: Any) -> None:
    """Adds the subcommand to the parser's."""
    parser = commands.add_parser(
        "operations",
        help="cases about the functions of keras.ops, made from one table of their references",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
    )
    parser.add_argument("--names", metavar="A,B", help="write these operations; without it all")
    parser.add_argument("-o", "--output", type=Path, metavar="FOLDER", help="where the case files go")
    parser.set_defaults(command=run)


def run(parsed: argparse.Namespace) -> int:
    from conformance.cli.kinds import write_files
    from conformance.kinds.operations import MARK, texts

    written = write_files(parsed.output, texts(named(parsed.names)), MARK, "operations", parsed.names is None)
    print(f"{written} files in {parsed.output}")
    return Exit.OK


def named(text: str | None) -> tuple[str, ...] | None:
    """The operations that are named. Raises UsageError for one that has no reference."""
    from conformance.case.problems import did_you_mean
    from conformance.reference.operations.base import PREFIX, table

    if text is None:
        return None
    named = tuple(dict.fromkeys(name.strip().removeprefix(PREFIX) for name in text.split(",")))
    for name in named:
        if name not in table():
            hint = did_you_mean(name, table()) or "conformance coverage lists what there is"
            raise UsageError(f"no operation with a reference is called {name[:40]}", hint)
    return named
