"""`conformance initial`: what the weights of every layer begin with, as cases made from the layers' classes."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from conformance.errors import Exit, UsageError

_DESCRIPTION = """\
Writes a case for every layer with weights: what is drawn is claimed to come from the initialiser that the layer's class
names, by range, reach, spread, mean and deviation, which an honest lane fails once in a million times; what is not
drawn is compared. docs/initial.md says more.
"""
_EXAMPLES = """\
examples:
  conformance initial -o cases/initial_weights            write the cases of all layers anew
  conformance initial -o mine --layers LSTM,Embedding     those of some layers
  conformance gate --from keras@3.3.3 --to keras cases/initial cases/initial_weights
"""


def add(commands: Any) -> None:
    """Adds the subcommand to the parser's."""
    parser = commands.add_parser(
        "initial",
        help="what the weights of every layer begin with, as cases made from the layers' classes",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
    )
    parser.add_argument("--layers", metavar="A,B", help="write these layers; without it all")
    parser.add_argument("-o", "--output", type=Path, metavar="FOLDER", help="where the case file goes")
    parser.set_defaults(command=run)


def run(parsed: argparse.Namespace) -> int:
    from conformance.cli.kinds import write_files
    from conformance.kinds.initial import MARK, texts

    usual = "cases/initial_weights"
    written = write_files(parsed.output, texts(_layers(parsed.layers)), MARK, usual, parsed.layers is None)
    print(f"{written} files in {parsed.output}")
    return Exit.OK


def _layers(text: str | None) -> tuple[str, ...] | None:
    """The layers that are named. Raises UsageError for one that has no weights."""
    from conformance.case.problems import did_you_mean
    from conformance.kinds.initial import askable

    if text is None:
        return None
    known = askable()
    named = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in named:
        if name not in known:
            hint = did_you_mean(name, known) or f"those with weights: {', '.join(known)}"
            raise UsageError(f"no layer with weights is called {name[:40]}", hint)
    return named
