"""The `conformance` command: what pytest is not for. Each subcommand reads files and prints or writes one thing."""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from conformance import __version__
from conformance.ask import commands as ask_commands
from conformance.errors import ConformanceError, Exit
from conformance.gate import commands as gate_commands

DEFAULT_RESULTS = Path("reports/results.json")

_EXAMPLES = """\
examples:
  conformance report reports/results.json -o report.html     make the HTML report again
  conformance explain pooling/global_average.channels_first  one case as text, for a terminal or a chat
  conformance explain --layer 'GRU(3)' --input 5,2            a question that has no case yet, in every lane
  conformance check cases                                     read case files and name every mistake
  conformance questions cases -o docs/questions.md            which cases settle which question
  conformance answers -o docs/answers.md                      what the lanes said to each of them
  conformance schema case                                     the JSON Schema of case files, for editors

Cases are run by pytest: pytest cases -k conv1d --results reports/results.json

exit codes: 0 ok, 1 disagreement, 2 bad case or results file, 3 internal, 4 usage or lane missing, 5 nothing ran
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one subcommand and returns its exit code."""
    parser = _parser()
    try:
        parsed = parser.parse_args(arguments)
    except SystemExit as stop:
        return Exit.OK if stop.code in (0, None) else Exit.UNAVAILABLE
    command: Callable[[argparse.Namespace], int] = parsed.command
    try:
        return command(parsed)
    except ConformanceError as error:
        print(error if error.exit is Exit.BAD_INPUT else f"conformance: {error}", file=sys.stderr)
        return error.exit
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # Python flushes it when it exits
        return Exit.OK
    except OSError as error:
        print(f"conformance: {error.filename or 'output'}: {error.strerror}", file=sys.stderr)
        return Exit.UNAVAILABLE
    except Exception:
        traceback.print_exc()
        print("conformance: this is our mistake, not yours; please report it with the lines above", file=sys.stderr)
        return Exit.INTERNAL


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="conformance",
        description="Explain, report and check what the lanes said.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"conformance {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")
    ask_commands.register(commands)
    gate_commands.register(commands)

    report = commands.add_parser("report", help="write the HTML report of a results file")
    report.add_argument("results", type=Path, nargs="?", default=DEFAULT_RESULTS)
    report.add_argument("-o", "--output", type=Path, help="file to write; standard output when left out")
    report.add_argument(
        "--matrix", type=Path, metavar="FILE", help="results of other versions to show on each page: see matrix"
    )
    report.set_defaults(command=_report)

    check = commands.add_parser("check", help="read case files and name every mistake")
    check.add_argument("path", type=Path, nargs="?", default=Path("cases"))
    check.set_defaults(command=_check)

    questions = commands.add_parser("questions", help="list which cases settle which question, as markdown")
    questions.add_argument("path", type=Path, nargs="?", default=Path("cases"))
    questions.add_argument("-o", "--output", type=Path)
    questions.set_defaults(command=_questions)

    judge = commands.add_parser("judge", help="judge a stored run again with another budget, without a framework")
    judge.add_argument("results", type=Path, nargs="?", default=DEFAULT_RESULTS)
    judge.add_argument("--budget-scale", type=float, default=1.0, metavar="S", help="how much wider the budget is")
    judge.set_defaults(command=_judge)

    mutants = commands.add_parser("mutants", help="run the cases against plausible mistakes, without a framework")
    mutants.add_argument("path", type=Path, nargs="?", default=Path("cases"))
    mutants.add_argument("-o", "--output", type=Path, help="the table as markdown; standard output when left out")
    mutants.add_argument("--json", type=Path, metavar="FILE", help="the score of every mutant and case as JSON")
    mutants.set_defaults(command=_mutants)

    answers = commands.add_parser("answers", help="list what the lanes said to each question, as markdown")
    answers.add_argument("results", type=Path, nargs="?", default=DEFAULT_RESULTS)
    answers.add_argument("-o", "--output", type=Path)
    answers.set_defaults(command=_answers)

    schema = commands.add_parser("schema", help="print the JSON Schema of case files")
    schema.add_argument("kind", choices=["case"])
    schema.add_argument("-o", "--output", type=Path)
    schema.set_defaults(command=_schema)
    return parser


def _write(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(text)
    else:
        from conformance.results import write_whole

        write_whole(output, text)


def _report(parsed: argparse.Namespace) -> int:
    from conformance.journal import recover
    from conformance.report.html import render
    from conformance.results import read

    killed = recover(parsed.results.parent)
    for path, words in killed:
        print(f"{path}: {words}", file=sys.stderr)
    has_ended = parsed.results.exists() or not killed
    results = read(parsed.results if has_ended else killed[-1][0])
    if parsed.matrix is not None:
        from conformance.gate.versions import with_versions

        results = with_versions(results, read(parsed.matrix))
    _write(render(results), parsed.output)
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
    from conformance.mutants.score import score
    from conformance.mutants.table import as_json, page

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
