"""The verbs of the upgrade gate, registered with the `conformance` command. Each reads files and prints or writes."""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path
from typing import Any

from conformance.errors import Exit, UsageError

_FORMATS = ("text", "markdown", "json", "html")
_FAIL_ON = ("regressions", "changes", "nothing")


def register(commands: Any) -> None:
    """Adds the gate's subcommands to the parser's."""
    diff = commands.add_parser(
        "diff",
        help="what changed between two results, or two lanes of one, case by case",
        description="Exit code 1 where something got worse; see --fail-on.",
    )
    diff.add_argument("old", type=Path, help="results of the older side")
    diff.add_argument("new", type=Path, nargs="?", help="results of the newer side; OLD itself when left out")
    diff.add_argument(
        "--lane",
        action="append",
        default=[],
        metavar="NAME",
        help="the lane to compare; give it twice to compare two different ones, the older first",
    )
    _output_options(diff)
    diff.set_defaults(command=_diff)
    _register_deviations(commands)


def _register_deviations(commands: Any) -> None:
    parser = commands.add_parser("deviations", help="draft, list or prune known deviations")
    verbs = parser.add_subparsers(required=True, metavar="verb")
    draft = verbs.add_parser("draft", help="write what failed in a run as deviations, for a person to complete")
    draft.add_argument("results", type=Path)
    draft.add_argument("-o", "--output", type=Path, help="file to write; standard output when left out")
    draft.set_defaults(command=_draft)
    listing = verbs.add_parser("list", help="one line a deviation, those that expire first on top")
    listing.add_argument("--deviations", type=Path, default=Path("deviations"), metavar="FOLDER")
    listing.add_argument("--expiring-in", type=int, metavar="DAYS", help="only those that expire in so many days")
    listing.set_defaults(command=_list)
    prune = verbs.add_parser("prune", help="remove deviations that a full run found stale")
    prune.add_argument("results", type=Path, help="results of a full run")
    prune.add_argument("--deviations", type=Path, default=Path("deviations"), metavar="FOLDER")
    prune.set_defaults(command=_prune)


def _output_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=_FORMATS, default="text")
    parser.add_argument("-o", "--output", type=Path, help="file to write; standard output when left out")
    parser.add_argument(
        "--fail-on",
        choices=_FAIL_ON,
        default="regressions",
        help="exit code 1 for regressions (the default), for any answer that moved and is not known, or never",
    )


def exit_code(found: Any, fail_on: str) -> Exit:
    """What a diff means for the process: by default only what got worse fails."""
    from conformance.gate.diff import Section

    if fail_on == "regressions" and found.section(Section.REGRESSIONS):
        return Exit.DISAGREE
    if fail_on == "changes" and any(not row.is_explained for row in found.moved):
        return Exit.DISAGREE
    return Exit.OK


def _diff(parsed: argparse.Namespace) -> int:
    from conformance.gate.diff import diff
    from conformance.gate.render import FORMATS
    from conformance.results import read

    if len(parsed.lane) > 2:
        raise UsageError(f"{len(parsed.lane)} lanes are named; a diff has two sides", "give --lane once or twice")
    if parsed.new is None and len(parsed.lane) != 2:
        raise UsageError("one results file has one side", "name a second file, or two lanes: --lane A --lane B")
    old = read(parsed.old)
    new = old if parsed.new is None else read(parsed.new)
    lanes = [(parsed.lane[0], parsed.lane[-1])] if parsed.lane else None
    found = diff(old, new, lanes)
    emit(FORMATS[parsed.format](found), parsed.output)
    return exit_code(found, parsed.fail_on)


def emit(text: str, output: Path | None) -> None:
    """Prints a text, or writes it whole to a file."""
    if output is None:
        print(text, end="")
        return
    from conformance.results import write_whole

    write_whole(output, text)


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.timezone.utc).date()


def _draft(parsed: argparse.Namespace) -> int:
    from conformance.gate.draft import draft
    from conformance.results import read

    emit(draft(read(parsed.results), _today()), parsed.output)
    return Exit.OK


def _list(parsed: argparse.Namespace) -> int:
    from conformance.gate.deviations import load_folder
    from conformance.gate.draft import listing

    print(listing(load_folder(parsed.deviations), _today(), parsed.expiring_in), end="")
    return Exit.OK


def _prune(parsed: argparse.Namespace) -> int:
    from conformance.gate.deviations import load_folder
    from conformance.gate.draft import prune
    from conformance.results import read, write_whole

    results = read(parsed.results)
    if not results.get("is_full", False) or not results["footer"]["complete"]:
        raise UsageError(
            f"{parsed.results} is of a partial run, which cannot know what is stale", "run all cases: pytest cases"
        )
    deviations = load_folder(parsed.deviations)
    stale = [item["id"] for item in results["deviations"] if item["state"] in ("stale", "unmatched")]
    files = {deviation.position.path: Path(deviation.position.path) for deviation in deviations}
    for file, text in prune(deviations, stale, files).items():
        write_whole(file, text)
    gone = [deviation.id for deviation in deviations if deviation.id in stale]
    print(f"removed {len(gone)} of {len(deviations)} deviations" + (f": {', '.join(gone)}" if gone else ""))
    return Exit.OK
