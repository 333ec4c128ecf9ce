"""The `conformance` command: what pytest is not for.

Each subcommand is a module of this package, listed once in `COMMANDS`; it reads files and prints or writes one thing.
"""

from __future__ import annotations

import argparse
import codecs
import io
import os
import re
import shlex
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from conformance import imports, suite
from conformance.cli import (
    answers,
    badge,
    bisect,
    campaign,
    check,
    compare,
    completion,
    coverage,
    deviations,
    diff,
    explain,
    gate,
    initial,
    judge,
    kinds,
    matrix,
    merge,
    mutants,
    operations,
    questions,
    report,
    repro,
    save,
    schema,
    watch,
)
from conformance.errors import ConformanceError, Exit, UsageError
from conformance.lanes import garbage
from conformance.usage import Parser
from conformance.version import __version__

COMMANDS = (
    explain,
    watch,
    compare,
    diff,
    gate,
    bisect,
    matrix,
    deviations,
    merge,
    repro,
    report,
    check,
    questions,
    judge,
    save,
    kinds,
    initial,
    operations,
    mutants,
    campaign,
    answers,
    coverage,
    schema,
    badge,
    completion,
)
"""The subcommands, in the order of `--help`. Each is a module that declares itself: `add` and `run`."""

_EXAMPLES = """\
to ask
  conformance explain pooling/global_average.channels_first        one case; it is run now where no results hold it
  conformance explain --layer 'GRU(3)' --input 5,2                  a question that has no case yet, in every lane
  conformance report reports/results.json -o report.html           the HTML report again, from results alone
  conformance repro attention/heads.residual --lane torch          a script that shows it without this harness

to port
  conformance watch -k gru                                         judged again whenever a case or a port is saved
  conformance compare clf.keras port.py:build --inputs batch.npz    where a port differs from your model, and why

to upgrade
  conformance gate --from keras@3.3.3 --to keras@3.15.1            which answers changed; exit code 1 if for the worse
  conformance gate --model clf.keras --inputs batch.npz --from keras@3.3.3 --to keras@3.15.1    your own model
  conformance bisect merge/mask.pooled --good 3.3.3 --bad 3.6.0    in which release the answer changed
  conformance matrix --versions 3.0..3.15 cases/merge              the answer in every version

to write cases
  conformance check cases                                          read case files and name every mistake
  conformance mutants cases/merge                                  which plausible mistakes they would find
  conformance campaign --for 10m -o campaigns/today                what differs in cases that nobody wrote
  conformance coverage                                             which names of Keras a case can say, and why not
  conformance schema case                                          the JSON Schema of case files, for editors

@suite stands for the cases that come with this program, @suite/merge for a family of them:
  conformance gate --from keras@3.3.3 --to keras@3.15.1 @suite/merge          in a project without cases of its own
  pytest --suite=merge                                                        the same cases, run by pytest

Cases are run by pytest: pytest cases -k conv1d --results reports/results.json

exit codes: 0 ok, 1 disagreement, 2 bad case, question or results file, or Ctrl-C, 3 internal, 4 usage or lane missing,
5 nothing ran
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one subcommand and returns its exit code."""
    garbage.leave_out_at_exit()
    for stream in (sys.stdout, sys.stderr):
        _spell_out(stream)
    parser = _parser()
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given:
        parser.print_help(sys.stderr)
        return Exit.UNAVAILABLE
    given, for_pytest = _parted(suite.expanded(given))
    try:
        parsed = parser.parse_args(given)
        if for_pytest and not hasattr(parsed, "arguments"):
            parser.error(f"nothing here goes to pytest: -- {shlex.join(for_pytest)}")
    except SystemExit as stop:
        return Exit.OK if stop.code in (0, None) else Exit.UNAVAILABLE
    if for_pytest:
        parsed.arguments = [*parsed.arguments, *for_pytest]
    command: Callable[[argparse.Namespace], int] = parsed.command
    try:
        _allow(Path("pyproject.toml"))
        return command(parsed)
    except ConformanceError as error:
        print(error if error.exit is Exit.BAD_INPUT else f"conformance: {error}", file=sys.stderr)
        return error.exit
    except KeyboardInterrupt:
        print("conformance: interrupted", file=sys.stderr)
        return Exit.BAD_INPUT
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # Python flushes it when it exits
        return Exit.OK
    except OSError as error:
        print(f"conformance: {_place(error)}: {error.strerror}", file=sys.stderr)
        return Exit.UNAVAILABLE
    except Exception:
        traceback.print_exc()
        print("conformance: this is our mistake, not yours; please report it with the lines above", file=sys.stderr)
        return Exit.INTERNAL


def _allow(project: Path) -> None:
    """Lets cases name what the project allows. Raises UsageError."""
    try:
        imports.of_project(project)
    except imports.NotAllowed as error:
        raise UsageError(str(error), error.hint) from None


def _parted(given: list[str]) -> tuple[list[str], list[str]]:
    """What stands before the first `--`, and what stands after it, for argparse loses the place of the latter."""
    place = given.index("--") if "--" in given else len(given)
    return given[:place], given[place + 1 :]


_SPELT = {"✓": "+", "✗": "x", "·": "-", "–": "-", "—": "-", "…": "...", "≈": "~", "▸": ">", "⚑": "#", "×": "x"}
"""Signs that say something, for terminals that cannot show them; words stand beside each."""


def _spell_out(stream: Any) -> None:
    """Has a stream that cannot hold a sign take another for it, rather than end the program."""

    def spelt(error: UnicodeError) -> tuple[str, int]:
        assert isinstance(error, UnicodeEncodeError)
        rest = error.object[error.start : error.end]
        return "".join(_SPELT.get(c, c.encode("ascii", "backslashreplace").decode()) for c in rest), error.end

    if isinstance(stream, io.TextIOWrapper) and "utf" not in stream.encoding.lower():
        codecs.register_error("conformance.spelt", spelt)
        stream.reconfigure(errors="conformance.spelt")


def _place(error: OSError) -> str:
    """The file that could not be had; of one that is written beside its place first, the place."""
    if not isinstance(error.filename, str):
        return "output"
    folder, name = os.path.split(error.filename)
    matched = re.fullmatch(r"\.(.+)\.\d+\.part", name)
    return f"{os.path.join(folder, matched[1])} cannot be written" if matched else error.filename


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="conformance", description="Explain, report and check what the lanes said.", epilog=_EXAMPLES)
    parser.add_argument("--version", action="version", version=f"conformance {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")
    for command in COMMANDS:
        command.add(commands)
    return parser
