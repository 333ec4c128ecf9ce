"""`conformance kinds`: one matrix of cases, every kind of input and call, made from what each layer says of itself."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from conformance.errors import Exit, UsageError

_DESCRIPTION = """\
Writes a case file for every layer and loss: integers and booleans, batches of none, one and three, open lengths,
numbers at both ends of the range, masks of floats, of one row and with NaN beneath, weights and labels of every rank,
`training=` through every wrapper. All of it is made from the layers' own classes; what is expected is what the
reference gives.
"""
_EXAMPLES = """\
examples:
  conformance kinds -o kinds                     write all files anew; files of layers that are gone are removed
  conformance kinds -o mine --layers GRU,LSTM    those of some layers
  pytest kinds -k "gru and batch"                run some of them
  pytest kinds --shard 1/16                      the same sample every time, as CI runs it
"""


def add(commands: Any) -> None:
    """Adds the subcommand to the parser's."""
    parser = commands.add_parser(
        "kinds",
        help="one matrix of cases: every kind of input and call, made from the layers' classes",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
    )
    parser.add_argument("--layers", metavar="A,B", help="write these layers and losses; without it all")
    parser.add_argument("-o", "--output", type=Path, metavar="FOLDER", help="where the case files go")
    parser.set_defaults(command=run)


def run(parsed: argparse.Namespace) -> int:
    from conformance.kinds.matrix import texts
    from conformance.kinds.model import MARK

    written = write_files(parsed.output, texts(_layers(parsed.layers)), MARK, "kinds", parsed.layers is None)
    print(f"{written} files in {parsed.output}")
    return Exit.OK


def write_files(output: Path | None, texts: Iterable[tuple[str, str]], mark: str, usual: str, is_whole: bool) -> int:
    """Writes case files into a folder of their own, and removes those that are gone where all are written.

    Gives how many were written. Raises UsageError without a folder, and for one with a file that lacks the mark.
    """
    from conformance.case.load import SUFFIX
    from conformance.results import write_whole

    if output is None:
        raise UsageError("where to?", f"name a folder: -o {usual}")
    there = sorted(output.glob(f"*{SUFFIX}"))
    if foreign := next(
        (file for file in there if mark not in file.read_text(encoding="utf-8", errors="replace")), None
    ):
        raise UsageError(f"{foreign} was not written by this command", f"name a folder of its own: -o {usual}")
    written = set()
    for name, text in texts:
        write_whole(output / name, text)
        written.add(name)
    for file in there if is_whole else ():
        if file.name not in written:
            file.unlink()
    return len(written)


def _layers(text: str | None) -> tuple[str, ...] | None:
    """The layers that are named. Raises UsageError for one that has no cells."""
    from conformance.case.elsewhere import own_name
    from conformance.case.problems import did_you_mean
    from conformance.kinds.matrix import askable

    if text is None:
        return None
    known = askable()
    named = tuple(dict.fromkeys(own_name("layer", name.strip()) for name in text.split(",")))
    for name in named:
        if name not in known:
            hint = did_you_mean(name, known) or "conformance coverage lists what there is"
            raise UsageError(f"no layer with kinds of input is called {name[:40]}", hint)
    return named
