"""`conformance merge`: the shards of one run, put together."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from conformance.cli.shared import DEFAULT_RESULTS
from conformance.errors import Exit

_EXAMPLES = """\
example:
  pytest cases --shard 1/2 --results shard-1.json      on one machine, 2/2 on another
  conformance merge shard-*.json -o results.json
"""


def add(commands: Any) -> None:
    """Adds the subcommand to the parser's."""
    parser = commands.add_parser(
        "merge", help="put the shards of a run together, with proof that every case ran once", epilog=_EXAMPLES
    )
    parser.add_argument("shards", type=Path, nargs="+", metavar="FILE", help="the results of each shard")
    parser.add_argument("-o", "--output", type=Path, default=DEFAULT_RESULTS, metavar="FILE", help="the whole")
    parser.set_defaults(command=run)


def run(parsed: argparse.Namespace) -> int:
    from conformance.gate.shards import merge
    from conformance.journal import recover
    from conformance.report.facts import is_failure
    from conformance.results import read, write

    for folder in dict.fromkeys(path.parent for path in parsed.shards):
        for killed, words in recover(folder):
            print(f"{killed}: {words}", file=sys.stderr)
    whole = merge([(str(path), read(path)) for path in parsed.shards])
    write(whole, parsed.output)
    print(f"{len(whole.cases)} cases of {len(parsed.shards)} shards, each once: {parsed.output}")
    is_failing = any(is_failure(outcome) for outcome in whole.counts) or not whole.footer.complete
    return Exit.DISAGREE if is_failing else Exit.OK
