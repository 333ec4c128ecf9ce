"""The `conformance` command: what pytest is not for. Each subcommand reads files and prints or writes one thing."""

from __future__ import annotations

import argparse
import codecs
import io
import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from conformance import __version__
from conformance.ask import commands as ask_commands
from conformance.errors import ConformanceError, Exit
from conformance.gate import commands as gate_commands
from conformance.repro import command as repro_command
from conformance.usage import Parser

DEFAULT_RESULTS = Path("reports/results.json")

_EXAMPLES = """\
to ask
  conformance explain pooling/global_average.channels_first        one case; it is run now where no results hold it
  conformance explain --layer 'GRU(3)' --input 5,2                  a question that has no case yet, in every lane
  conformance report reports/results.json -o report.html           the HTML report again, from results alone
  conformance repro attention/heads.residual --lane torch          a script that shows it without this harness

to upgrade
  conformance gate --from keras@3.3.3 --to keras@3.15.1            which answers changed; exit code 1 if for the worse
  conformance bisect merge/mask.pooled --good 3.3.3 --bad 3.6.0    in which release the answer changed
  conformance matrix --versions 3.0..3.15 cases/merge              the answer in every version

to write cases
  conformance check cases                                          read case files and name every mistake
  conformance mutants cases/merge                                  which plausible mistakes they would find
  conformance schema case                                          the JSON Schema of case files, for editors

Cases are run by pytest: pytest cases -k conv1d --results reports/results.json

exit codes: 0 ok, 1 disagreement, 2 bad case, question or results file, or Ctrl-C, 3 internal, 4 usage or lane missing,
5 nothing ran
"""
_REPORT = """\
examples:
  conformance report                                                       of the last run, to standard output
  conformance report results.json -o report.html
  conformance report results.json --matrix reports/matrix.json -o report.html   with the answers of other versions
"""
_OUTPUT = "file to write; standard output when left out"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one subcommand and returns its exit code."""
    for stream in (sys.stdout, sys.stderr):
        _spell_out(stream)
    parser = _parser()
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given:
        parser.print_help(sys.stderr)
        return Exit.UNAVAILABLE
    try:
        parsed = parser.parse_args(given)
    except SystemExit as stop:
        return Exit.OK if stop.code in (0, None) else Exit.UNAVAILABLE
    command: Callable[[argparse.Namespace], int] = parsed.command
    try:
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
    ask_commands.register(commands)
    gate_commands.register(commands)
    repro_command.register(commands)

    report = commands.add_parser("report", help="write the HTML report of a results file", epilog=_REPORT)
    _results(report)
    report.add_argument("-o", "--output", type=Path, metavar="FILE", help=_OUTPUT)
    report.add_argument(
        "--matrix", type=Path, metavar="FILE", help="results of other versions to show on each page: see matrix"
    )
    report.add_argument(
        "--mutants", type=Path, metavar="FILE", help="score to show of each layer and case: see mutants --json"
    )
    report.add_argument(
        "--baseline", type=Path, metavar="FILE", help="results of an earlier run, to say what changed since"
    )
    report.set_defaults(command=_report)

    check = commands.add_parser("check", help="read case files and name every mistake, each at its line and column")
    _cases(check)
    check.set_defaults(command=_check)

    questions = commands.add_parser("questions", help="list which cases settle which question, as markdown")
    _cases(questions)
    questions.add_argument("-o", "--output", type=Path, metavar="FILE", help=_OUTPUT)
    questions.set_defaults(command=_questions)

    judge = commands.add_parser(
        "judge",
        help="judge a stored run again with another budget, without a framework",
        epilog="example:\n  conformance judge reports/results.json --budget-scale 0.5   what half of it would fail\n",
    )
    _results(judge)
    judge.add_argument("--budget-scale", type=float, default=1.0, metavar="S", help="times the budget; 0.5 halves it")
    judge.set_defaults(command=_judge)

    mutants = commands.add_parser("mutants", help="run the cases against plausible mistakes, without a framework")
    _cases(mutants)
    mutants.add_argument("-o", "--output", type=Path, metavar="FILE", help=f"the table as markdown; {_OUTPUT}")
    mutants.add_argument("--json", type=Path, metavar="FILE", help="the score of every mutant and case as JSON")
    mutants.set_defaults(command=_mutants)

    answers = commands.add_parser("answers", help="list what the lanes said to each question, as markdown")
    _results(answers)
    answers.add_argument("-o", "--output", type=Path, metavar="FILE", help=_OUTPUT)
    answers.set_defaults(command=_answers)

    schema = commands.add_parser("schema", help="print the JSON Schema of case files")
    schema.add_argument("kind", choices=["case"], help="of what: case files")
    schema.add_argument("-o", "--output", type=Path, metavar="FILE", help=_OUTPUT)
    schema.set_defaults(command=_schema)
    return parser


def _results(parser: argparse.ArgumentParser) -> None:
    words = f"a results file, as `pytest cases --results FILE` writes it (default: {DEFAULT_RESULTS})"
    parser.add_argument("results", type=Path, nargs="?", default=DEFAULT_RESULTS, metavar="RESULTS", help=words)


def _cases(parser: argparse.ArgumentParser) -> None:
    words = "a case file or a folder of them (default: cases)"
    parser.add_argument("path", type=Path, nargs="?", default=Path("cases"), metavar="CASES", help=words)


def _write(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(text)
    else:
        from conformance.results import write_whole

        write_whole(output, text)


def _report(parsed: argparse.Namespace) -> int:
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
        from conformance.score.scored import read_score, with_mutants

        results = with_mutants(results, read_score(parsed.mutants))
    if parsed.baseline is not None:
        from conformance.gate.baseline import with_baseline

        results = with_baseline(results, read(parsed.baseline))
    made = rendered(results)
    _write(made.text, parsed.output)
    if made.remark:
        print(f"conformance: {made.remark}", file=sys.stderr)
    return Exit.OK


def _check(parsed: argparse.Namespace) -> int:
    from conformance.case.load import load_file, load_folder

    cases = load_file(parsed.path) if parsed.path.is_file() else load_folder(parsed.path)
    print(f"{len(cases)} case{'' if len(cases) == 1 else 's'}, no mistakes")
    return Exit.OK


def _questions(parsed: argparse.Namespace) -> int:
    from conformance.case.load import load_folder
    from conformance.report.questions import questions_page

    _write(questions_page(load_folder(parsed.path)), parsed.output)
    return Exit.OK


def _judge(parsed: argparse.Namespace) -> int:
    from conformance.judge.again import judge_again, text
    from conformance.results import read

    judged = judge_again(read(parsed.results), parsed.budget_scale)
    print(text(judged))
    return Exit.DISAGREE if judged.has_failures else Exit.OK


def _mutants(parsed: argparse.Namespace) -> int:
    from conformance.case.load import load_file, load_folder
    from conformance.score.score import score
    from conformance.score.table import as_json, page

    found = score(load_file(parsed.path) if parsed.path.is_file() else load_folder(parsed.path))
    _write(page(found), parsed.output)
    if parsed.json is not None:
        _write(json.dumps(as_json(found), indent=1) + "\n", parsed.json)
    for problem in found.problems:
        print(problem, file=sys.stderr)
    return Exit.DISAGREE if found.problems else Exit.OK


def _answers(parsed: argparse.Namespace) -> int:
    from conformance.report.questions import answers_page
    from conformance.results import read

    _write(answers_page(read(parsed.results)), parsed.output)
    return Exit.OK


def _schema(parsed: argparse.Namespace) -> int:
    from conformance.case.jsonschema import render

    _write(render(), parsed.output)
    return Exit.OK
