"""Cases run on a cluster: each batch is a shard, and the whole is put together with proof that each case ran once.

A shard is run by pytest on a worker, as it is on a machine of a CI matrix, in the folder in which the command was
typed: the project stands at one path on every machine, or its cases are the suite's own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from conformance.cluster import connected
from conformance.errors import Exit, LaneUnavailable, UsageError
from conformance.gate.asking import command_of
from conformance.gate.shards import merge
from conformance.record.run import Results
from conformance.results import read, write

SHARDS_A_WORKER = 4
"""So that a worker that is done early takes some of what others have left."""
_SAID = 600
"""Characters of what pytest said last that are passed on."""


def run_on_cluster(
    where: str, lanes: Iterable[str], arguments: Sequence[str], results: Path, options: Sequence[str] = ()
) -> int:
    """Runs cases in these lanes on a cluster, writes their results, and returns the exit code of all.

    Raises as `conformance.cluster.connected`; LaneUnavailable where a shard wrote no results.
    """
    _refuse_own_workers(arguments)
    asked = {
        "folder": str(Path.cwd()),
        "lanes": list(lanes),
        "arguments": list(arguments),
        "options": list(options),
    }
    codes = []
    with connected(where) as cluster, tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        count = SHARDS_A_WORKER * cluster.workers
        shards = [
            (f"shard {number}/{count}", {**asked, "shard": number, "of": count}) for number in range(1, count + 1)
        ]
        parts, empty = [], []
        for name, gave in cluster.each(run_shard, shards):
            codes.append(int(gave["code"]))
            if gave["results"] is None and codes[-1] == Exit.NOTHING_RAN:
                empty.append(int(gave["shard"]))
                continue
            if gave["results"] is None:
                raise LaneUnavailable(f"{name} wrote no results: {gave['said']}", "run it here, without --cluster")
            path = Path(folder) / f"{gave['shard']}.json"
            path.write_text(gave["results"], encoding="utf-8")
            parts.append((name, read(path)))
            print(f"conformance: {name}: {len(parts[-1][1].cases):,} cases", file=sys.stderr, flush=True)
        if not parts:
            return Exit.NOTHING_RAN
        whole = merge([*parts, *((f"shard {number}/{count}", _nothing(parts[0][1], number)) for number in empty)])
    write(whole, results)
    print(f"conformance: {len(whole.cases):,} cases of {count} shards, each once", file=sys.stderr, flush=True)
    return code_of(codes)


def _nothing(other: Results, number: int) -> Results:
    """A shard to which no case belongs, of which pytest writes no results: as another one, without its cases.

    Whether it ought to hold some, `merge` sees: the whole says how many cases there are, and which.
    """
    assert other.shard is not None  # they were read as a shard
    lanes = tuple(replace(row, selected=0, ran=0, verdicts={}) for row in other.lanes)
    footer = replace(other.footer, complete=True, stopped="", cases=0)
    shard = replace(other.shard, index=number)
    return replace(other, shard=shard, lanes=lanes, cases=(), counts={}, not_run=(), seconds=0.0, footer=footer)


def _refuse_own_workers(arguments: Sequence[str]) -> None:
    """Raises UsageError for options that share cases out already."""
    for argument in arguments:
        if argument.startswith(("-n", "--shard")):
            raise UsageError(f"{argument} beside --cluster", "the cluster shares the cases out: leave it out")


def code_of(codes: Sequence[int]) -> int:
    """The exit code of all shards: of one that holds no cases, only where none does; else the worst."""
    return max((code for code in codes if code != Exit.NOTHING_RAN), default=Exit.NOTHING_RAN)


def run_shard(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """One shard, on a worker: its exit code, and its results as text."""
    folder = Path(wanted["folder"])
    if not folder.is_dir():
        raise UsageError(f"a worker has no folder {folder}", "the project stands at the same path on every machine")
    with tempfile.TemporaryDirectory(prefix="conformance-") as held:
        path = Path(held) / "results.json"
        options = [*wanted["options"], f"--shard={wanted['shard']}/{wanted['of']}"]
        command = command_of(wanted["lanes"], wanted["arguments"], path, options)
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder)
        text = path.read_text(encoding="utf-8") if path.exists() else None
    said = (done.stderr + done.stdout).strip()[-_SAID:]
    return {"shard": wanted["shard"], "code": done.returncode, "results": text, "said": said}
