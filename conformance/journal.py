"""What a run has measured so far, written case by case beside its results, so that a killed run loses nothing of it.

A journal is a file of JSON lines: a header, what the lanes proved to be, and a record a case. Its writer holds its lock
and removes it when the results are written. A journal that nobody holds is of a run that was killed: `recover` makes
results of it, which say what did not run.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pydantic import ValidationError

from conformance.form import from_json, to_json
from conformance.record.case import Record
from conformance.record.run import EnvironmentRecord, Results, ShardRecord, UnavailableRecord
from conformance.results import assemble, lane_row, write

try:
    import fcntl
except ImportError:  # there are no such locks on Windows, and so no journals
    fcntl = None  # type: ignore[assignment]

SUFFIX = ".journal"
KILLED = "the run was killed"
"""Why cases are missing from the results of a journal."""


class Journal:
    """The journal of a running run. A disk that refuses it costs the journal, never the run."""

    def __init__(self, results: Path, header: Mapping[str, Any]) -> None:
        self.path = results.with_name(f"{results.name}.{os.getpid()}{SUFFIX}")
        self.problem = ""
        self._file: Any = None
        if fcntl is None or (results.exists() and not results.is_file()):  # nothing is kept beside a pipe or a device
            return
        part = self.path.with_suffix(".part")
        try:
            results.parent.mkdir(parents=True, exist_ok=True)
            self._file = part.open("w", encoding="utf-8")
            fcntl.flock(self._file, fcntl.LOCK_EX)
            part.rename(self.path)  # under its name it is locked from the first moment
        except OSError as error:
            self._refused(error)
            part.unlink(missing_ok=True)
        self.add(header=header)

    def add(self, **entry: Any) -> None:
        """Appends one line and hands it to the system, which keeps it when this process is killed."""
        if self._file is None:
            return
        try:
            self._file.write(json.dumps(to_json(entry), allow_nan=False, ensure_ascii=False) + "\n")
            self._file.flush()
        except OSError as error:
            self._refused(error)

    def _refused(self, error: OSError) -> None:
        self.problem = f"{self.path}: {error.strerror}; if this run is killed now, what comes after this is lost"
        with suppress(OSError):
            if self._file is not None:
                self._file.close()
        self._file = None

    def done(self) -> None:
        """Removes it: the results hold all of it."""
        self.path.unlink(missing_ok=True)
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
        self._file = None


def recover(folder: Path) -> list[tuple[Path, str]]:
    """Makes results of every journal in a folder whose run is dead; each file with what it holds, in words."""
    found = []
    for path in sorted(folder.glob(f"*{SUFFIX}")) if fcntl is not None else ():
        with suppress(OSError), path.open(encoding="utf-8", errors="replace") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # a run that is alive holds it: its journal is left alone
            try:
                results = _results(file)
            except (
                LookupError,
                TypeError,
                AttributeError,
                ValidationError,
            ):  # of another version, or no journal: not ours to delete
                continue
            if results is not None:
                target = _free(path)
                write(results, target)
                ran = len(results.cases)
                found.append((target, f"{ran} of {ran + len(results.not_run)} cases of a run that was killed"))
            path.unlink()
    return found


def _free(journal: Path) -> Path:
    """`results.killed.json` beside `results.json.4711.journal`, or `results.killed-2.json` where that is taken."""
    stem = re.sub(r"(\.json)?\.\d+$", "", journal.name.removesuffix(SUFFIX)).lstrip(".")
    for number in range(1, 10_000):
        target = journal.with_name(f"{stem}.killed{'' if number == 1 else f'-{number}'}.json")
        if not target.exists():
            return target
    raise FileExistsError(journal)


def _entries(lines: Any) -> Iterator[dict[str, Any]]:
    """The whole lines; the last one may have been cut off."""
    for line in lines:
        with suppress(json.JSONDecodeError):
            yield json.loads(line)


def _results(lines: Any) -> Results | None:
    """The results of a journal; None where the run was killed before it measured anything."""
    header: dict[str, Any] = {}
    identities: dict[str, Any] = {}
    unavailable: dict[str, Any] = {}
    records: dict[str, Record] = {}
    seconds = 0.0
    for entry in _entries(lines):
        header = entry.get("header", header)
        identities |= entry.get("identities", {})
        unavailable |= entry.get("unavailable", {})
        seconds = entry.get("seconds", seconds)
        if "record" in entry:
            record = from_json(Record, entry["record"])
            records.setdefault(record.id, record)
    if not header or not records:
        return None
    selected = header["selected"]
    kept = [records[case] for case in selected if case in records]
    rows = [
        lane_row(
            SimpleNamespace(**{"options": {}, **lane}),
            SimpleNamespace(**identities[lane["name"]]) if lane["name"] in identities else None,
            sum(lane["name"] in lanes for lanes in selected.values()),
            kept,
            UnavailableRecord(**unavailable[lane["name"]]) if lane["name"] in unavailable else None,
        )
        for lane in header["lanes"]
    ]
    missing = [case for case in selected if case not in records]
    return assemble(
        records=kept,
        lanes=rows,
        seconds=seconds,
        not_run=dict.fromkeys(missing, KILLED),
        is_complete=False,
        stopped=KILLED,
        **_about_run(header["run"]),
    )


def _about_run(run: Mapping[str, Any]) -> dict[str, Any]:
    """What a header says of a run as a whole, typed."""
    kinds: dict[str, type[Any]] = {"shard": ShardRecord, "known_environment": EnvironmentRecord}
    typed = {name: from_json(kind, run[name]) for name, kind in kinds.items() if run.get(name) is not None}
    return {**run, **typed}
