"""`conformance deviations`: known differences drafted, listed and pruned."""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path
from typing import Any

from conformance.cli.shared import emit
from conformance.errors import Exit, UsageError

_EXAMPLES = """\
examples:
  conformance deviations draft reports/results.json      what failed, as entries for a person to complete
  conformance deviations list --expiring-in 30
  conformance deviations prune reports/results.json      removes what a full run found stale
"""


def add(commands: Any) -> None:
    """Adds the subcommand to the parser's."""
    parser = commands.add_parser("deviations", help="draft, list or prune known deviations", epilog=_EXAMPLES)
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
    if not results.is_full or not results.footer.complete:
        raise UsageError(
            f"{parsed.results} is of a partial run, which cannot know what is stale", "run all cases: pytest cases"
        )
    deviations = load_folder(parsed.deviations)
    stale = [item.id for item in results.deviations if item.state in ("stale", "unmatched")]
    files = {deviation.position.path: Path(deviation.position.path) for deviation in deviations}
    for file, text in prune(deviations, stale, files).items():
        write_whole(file, text)
    gone = [deviation.id for deviation in deviations if deviation.id in stale]
    print(f"removed {len(gone)} of {len(deviations)} deviations" + (f": {', '.join(gone)}" if gone else ""))
    return Exit.OK


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.timezone.utc).date()
