"""`conformance bisect`: the release in which the answer to a case changed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from conformance.cli.shared import DEFAULT_CASES
from conformance.errors import Exit
from conformance.usage import one_of

_EXAMPLES = """\
examples:
  conformance bisect merge/mask.pooled --good 3.3.3 --bad 3.6.0
  conformance bisect merge/mask.pooled --good 3.3.3 --bad 3.6.0 --versions 3.3.3,3.4.0,3.5.0,3.6.0    asks no index
"""


def add(commands: Any) -> None:
    """Adds the subcommand to the parser's."""
    parser = commands.add_parser("bisect", help="the release in which the answer to a case changed", epilog=_EXAMPLES)
    parser.add_argument("case", help="the case's id, or the end of it")
    parser.add_argument("--package", default="keras", help="keras (the default), or tf_keras")
    parser.add_argument("--good", required=True, metavar="VERSION", help="the older end")
    parser.add_argument("--bad", required=True, metavar="VERSION", help="the newer end")
    parser.add_argument("--versions", metavar="A,B,...", help="search these; those that pip knows when left out")
    parser.add_argument("--cases", type=Path, default=DEFAULT_CASES, metavar="FOLDER", help="where case files stand")
    parser.set_defaults(command=run)


def run(parsed: argparse.Namespace) -> int:
    from conformance.case.load import load_folder
    from conformance.cli.live import answer_in
    from conformance.gate.bisect import between, in_order, published, search

    cases = {case.id: case for case in load_folder(parsed.cases)}
    parsed.case = one_of(parsed.case, list(cases), str(parsed.cases))
    given = parsed.versions
    versions = in_order(given.split(",")) if given else published(parsed.package)
    versions = between(versions, parsed.good, parsed.bad)

    def answer(version: str) -> Any:
        found = answer_in(cases[parsed.case], parsed.package, version)
        print(f"{parsed.package} {version}: {found.verdict}", file=sys.stderr, flush=True)
        return found

    found = search(versions, answer)
    move = found.move
    what = f"{move.aspect} of {move.node}" if move.node else move.aspect
    print(f"{parsed.case}: the answer changed in {parsed.package} {found.first}")
    print(f"  {what}: {move.old} ({found.last}) -> {move.new} ({found.first})")
    print(f"  asked {len(found.asked)} of {len(versions)} releases from {versions[0]} to {versions[-1]}")
    return Exit.OK
