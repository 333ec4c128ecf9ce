"""The verbs of the upgrade gate, registered with the `conformance` command. Each reads files and prints or writes."""

from __future__ import annotations

import argparse
import datetime
import sys
from pathlib import Path
from typing import Any

from conformance.errors import Exit, UsageError
from conformance.gate.matrix_commands import emit, register_matrix

_FORMATS = ("text", "markdown", "json", "html")
_FAIL_ON = ("regressions", "changes", "nothing")
_FAIL_ON_HELP = "exit code 1 for regressions (the default), for any answer that moved and is not known, or never"

_DIFF = """\
examples:
  conformance diff old.json new.json
  conformance diff old.json new.json --format markdown --fail-on changes
  conformance diff results.json --lane keras@3.3.3 --lane keras        two lanes of one run, the older first

Exit code 1 where something got worse; see --fail-on.
"""
_GATE = """\
examples:
  conformance gate --from keras@3.3.3 --to keras@3.15.1
  conformance gate --from old=keras@2.15.0,tensorflow==2.15.1 --to keras cases/merge
  conformance gate --from keras@3.6.0 --to keras -- -k gru             what stands after -- goes to pytest

Writes gate.html, gate.json, gate.xml and results.json to the folder of --output. docs/gate.md says how lanes are named.
"""
_BISECT = """\
examples:
  conformance bisect merge/mask.pooled --good 3.3.3 --bad 3.6.0
  conformance bisect merge/mask.pooled --good 3.3.3 --bad 3.6.0 --versions 3.3.3,3.4.0,3.5.0,3.6.0    asks no index
"""


def register(commands: Any) -> None:
    """Adds the gate's subcommands to the parser's."""
    diff = commands.add_parser(
        "diff",
        help="what changed between two results, or two lanes of one, case by case",
        epilog=_DIFF,
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
    _register_gate(commands)
    _register_deviations(commands)
    merge = commands.add_parser("merge", help="put the shards of a run together, with proof that every case ran once")
    merge.add_argument("shards", type=Path, nargs="+", metavar="FILE", help="the results of each shard")
    merge.add_argument(
        "-o", "--output", type=Path, default=Path("reports/results.json"), metavar="FILE", help="the whole"
    )
    merge.set_defaults(command=_merge)


def _register_gate(commands: Any) -> None:
    gate = commands.add_parser(
        "gate",
        help="run two versions beside the reference and say what changed between them",
        epilog=_GATE,
    )
    gate.add_argument("--from", dest="old", required=True, metavar="SPEC", help="the version that is in use")
    gate.add_argument("--to", dest="new", required=True, metavar="SPEC", help="the version to upgrade to")
    gate.add_argument(
        "-o", "--output", type=Path, default=Path("reports/gate"), metavar="FOLDER", help="where to write"
    )
    gate.add_argument("--enforce-expiry", action="store_true", help="fail for deviations that have expired")
    gate.add_argument("--fail-on", choices=_FAIL_ON, default="regressions", help=_FAIL_ON_HELP)
    gate.add_argument("arguments", nargs="*", metavar="ARGUMENT", help="for pytest: case files and options")
    gate.set_defaults(command=_gate)

    bisect = commands.add_parser("bisect", help="the release in which the answer to a case changed", epilog=_BISECT)
    bisect.add_argument("case", help="the case's id, or the end of it")
    bisect.add_argument("--package", default="keras", help="keras (the default), or tf_keras")
    bisect.add_argument("--good", required=True, metavar="VERSION", help="the older end")
    bisect.add_argument("--bad", required=True, metavar="VERSION", help="the newer end")
    bisect.add_argument("--versions", metavar="A,B,...", help="search these; those that pip knows when left out")
    bisect.add_argument("--cases", type=Path, default=Path("cases"), metavar="FOLDER", help="where case files stand")
    bisect.set_defaults(command=_bisect)
    register_matrix(commands)


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
        help=_FAIL_ON_HELP,
    )


def _diff(parsed: argparse.Namespace) -> int:
    from conformance.gate.diff import diff
    from conformance.gate.gate import exit_code
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
    return exit_code(found, fail_on=parsed.fail_on)


def _gate(parsed: argparse.Namespace) -> int:
    from conformance.gate.gate import Asked, gate

    return gate(
        Asked(parsed.old, parsed.new, tuple(parsed.arguments), parsed.output, parsed.fail_on, parsed.enforce_expiry)
    )


def _bisect(parsed: argparse.Namespace) -> int:
    from conformance.ask.find import one_of
    from conformance.case.load import load_folder
    from conformance.gate.bisect import answer_in, between, in_order, published, search

    cases = {case.id: case for case in load_folder(parsed.cases)}
    parsed.case = one_of(parsed.case, list(cases), str(parsed.cases))
    given = parsed.versions
    versions = in_order(given.split(",")) if given else published(parsed.package)
    versions = between(versions, parsed.good, parsed.bad)

    def answer(version: str) -> Any:
        found = answer_in(cases[parsed.case], parsed.package, version)
        print(f"{parsed.package} {version}: {found['verdict']}", file=sys.stderr, flush=True)
        return found

    found = search(versions, answer)
    move = found.move
    what = f"{move.aspect} of {move.node}" if move.node else move.aspect
    print(f"{parsed.case}: the answer changed in {parsed.package} {found.first}")
    print(f"  {what}: {move.old} ({found.last}) -> {move.new} ({found.first})")
    print(f"  asked {len(found.asked)} of {len(versions)} releases from {versions[0]} to {versions[-1]}")
    return Exit.OK


def _merge(parsed: argparse.Namespace) -> int:
    from conformance.gate.shards import merge
    from conformance.journal import recover
    from conformance.report.facts import is_failure
    from conformance.results import read, write

    for folder in dict.fromkeys(path.parent for path in parsed.shards):
        for killed, words in recover(folder):
            print(f"{killed}: {words}", file=sys.stderr)
    whole = merge([(str(path), read(path)) for path in parsed.shards])
    write(whole, parsed.output)
    print(f"{len(whole['cases'])} cases of {len(parsed.shards)} shards, each once: {parsed.output}")
    is_failing = any(is_failure(outcome) for outcome in whole["counts"]) or not whole["footer"]["complete"]
    return Exit.DISAGREE if is_failing else Exit.OK


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
