"""The folder of a campaign: what was asked, what came of it, and what was found, written the moment it is known.

    campaign.json       which lanes and versions, which layers: whoever goes on must have the same
    journal.jsonl       a line for each seed and each finding; a line that was cut off is a line that was not written
    findings/           a case file for each finding, and its script

One campaign at a time holds a folder. Killing it loses the seed that it was at and nothing that was found.
"""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from pydantic import ValidationError

from conformance.campaign.draft import Draft
from conformance.campaign.triage import Signature
from conformance.errors import ResultsError, UsageError
from conformance.form import CONFIG, Count, Number, from_json, from_text, to_json
from conformance.results import write_whole

try:
    import fcntl
except ImportError:  # pragma: no cover  # no POSIX: a second campaign is not noticed there
    fcntl = None  # type: ignore[assignment]

VERSION = 3
READS = (1, 2, 3)
"""Versions of the folder that are read, and gone on with as the newest."""
SORTS = ("trainings", "metrics", "operations")
"""What is drawn of no layer."""
ALSO = (*SORTS, "saving", "relations")
"""What a campaign can draw beside layers and graphs, and the questions that it can ask beside the reference's."""
ABOUT, JOURNAL, FINDINGS = "campaign.json", "journal.jsonl", "findings"


_NAME = re.compile(r"[a-z0-9_]{1,200}")
"""What a finding is called: it becomes the name of files."""


@dataclass(frozen=True, slots=True)
class About:
    """What a campaign is about: two of which any of it differs are two campaigns."""

    __pydantic_config__ = CONFIG

    version: int
    """Of the form of the folder."""
    lanes: Mapping[str, Mapping[str, str]]
    """Lane to its packages and their versions."""
    layers: tuple[str, ...]
    """The layers that are drawn."""
    asked: tuple[str, ...] = ()
    """The lanes as they were asked for: so that `replay` asks the same."""
    graphs: bool = True
    """Whether graphs of several calls are drawn."""
    like: str = ""
    """The digest of what drafts are made like; empty where they are drawn from the layers' schemas."""
    also: tuple[str, ...] = ()
    """What is drawn and asked beside layers and graphs, of `ALSO`."""


@dataclass(frozen=True, slots=True)
class SeedRow:
    """What came of one seed."""

    __pydantic_config__ = CONFIG

    seed: Count
    """The seed."""
    ran: Count
    """Drafts that were asked."""
    outcomes: Mapping[str, Count]
    """What came of them: `agree`, `refused by all`, `thrown away`, `not sayable`, `listed`, `finding`."""
    varied: tuple[tuple[tuple[str, Any], ...], ...]
    """What each of them varied."""
    seconds: Number
    """How long it took."""
    listed: Mapping[str, Count] = field(default_factory=dict)
    """Deviation to the drafts in which it was recognised."""
    new: Count = 0
    """Values and pairs that nobody had tried."""


@dataclass(frozen=True, slots=True)
class Dated:
    """Two releases, neighbours where one of them shows a finding and the other does not."""

    __pydantic_config__ = CONFIG

    old: str
    """The older release."""
    new: str
    """The newer."""
    old_shows: bool
    """Whether the older shows it."""
    new_shows: bool
    """Whether the newer does."""
    failure: str = ""
    """Why there is no date: a release that cannot be asked."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: what it is, the draft that shows it, and how far it was made small."""

    __pydantic_config__ = CONFIG

    signature: Signature
    """What differs."""
    draft: Draft
    """The smallest draft that shows it, so far."""
    seed: Count
    """The seed that gave the first draft."""
    name: str
    """Of its files."""
    is_reduced: bool = False
    """Whether it was made as small as it gets."""
    again: str = ""
    """What came of it with other numbers: `2 of 2`; empty where that was not asked yet."""
    words: str = ""
    """What differs, in words, with the numbers of its case."""
    same_as: str = ""
    """The listed deviation or the earlier finding that it turned out to be when it was made small; else empty."""
    dated: Dated | None = None
    """When it began or ended; null where nobody asked."""
    seen: Signature | None = None
    """What was seen of its first draft, before anybody asked why it differs; null in folders of version 1."""


@contextmanager
def saying_full(path: Path) -> Iterator[None]:
    """Turns a disk that is full into one message. Raises ResultsError."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        hint = "make room, and run the same command: it goes on"
        raise ResultsError(f"{path}: the disk is full; what was found until then is kept", hint) from None


class Folder:
    """What a folder holds. Made by `opened`."""

    def __init__(self, path: Path, about: About) -> None:
        self.path = path
        self.about = about
        self.seeds: dict[int, SeedRow] = {}
        self.findings: dict[str, Finding] = {}
        self._journal: IO[str] | None = None
        self._read()

    def _read(self) -> None:
        with suppress(FileNotFoundError):
            for line in (self.path / JOURNAL).read_text(encoding="utf-8", errors="replace").splitlines():
                try:
                    entry = json.loads(line)
                    if "seed" in entry:
                        row = from_json(SeedRow, entry["seed"])
                        self.seeds[row.seed] = row
                    elif "finding" in entry:
                        found = from_json(Finding, entry["finding"])
                        if _NAME.fullmatch(found.name):  # it becomes a path: what a campaign gives has no others
                            self.findings[found.name] = found
                except (json.JSONDecodeError, ValidationError, TypeError):
                    continue  # cut off when the campaign was killed: that seed is drawn again

    def _write(self, entry: Mapping[str, Any]) -> None:
        if self._journal is None:
            self._journal = (self.path / JOURNAL).open("a", encoding="utf-8")
            if self._journal.tell():
                self._journal.write("\n")  # ends a line that was cut off
        self._journal.write(json.dumps(to_json(entry), allow_nan=False) + "\n")
        self._journal.flush()
        os.fsync(self._journal.fileno())

    def add_seed(self, row: SeedRow) -> None:
        """Keeps what came of a seed."""
        self.seeds[row.seed] = row
        self._write({"seed": row})

    def add(self, finding: Finding) -> None:
        """Keeps a finding; one of the same name is replaced."""
        self.findings[finding.name] = finding
        self._write({"finding": finding})

    def like(self, signature: Signature) -> Finding | None:
        """The finding of this signature, if there is one."""
        return next((one for one in self.findings.values() if one.signature.is_like(signature)), None)

    @property
    def kept(self) -> list[Finding]:
        """The findings that are none of the others."""
        return [one for one in self.findings.values() if not one.same_as]

    def remove_files(self, finding: Finding) -> None:
        """Takes away the files of a finding that turned out to be another one."""
        for path in self.file(finding).parent.glob(f"{finding.name}.*"):
            path.unlink()

    def take_files(self, finding: Finding, files: Mapping[str, str]) -> None:
        """Writes the files of a finding that another machine made; no file of another finding is touched."""
        for name, text in files.items():
            if name.startswith(f"{finding.name}.") and Path(name).name == name:
                write_whole(self.file(finding).parent / name, text)

    def file(self, finding: Finding) -> Path:
        """Where the case of a finding stands."""
        return self.path / FINDINGS / f"{finding.name}.case.yaml"

    def close(self) -> None:
        if self._journal is not None:
            with suppress(OSError):  # of a full disk: what could not be written was said to be so
                self._journal.close()
            self._journal = None


def read(path: Path) -> Folder:
    """A folder as it stands, to be looked at. Raises UsageError where no campaign was, ResultsError for a bad one."""
    file = path / ABOUT
    if not file.is_file():
        raise UsageError(f"{path} is not the folder of a campaign", "make one with: conformance campaign -o FOLDER")
    try:
        about = from_text(About, file.read_bytes())
    except ValidationError as error:
        words = error.errors()[0]["msg"]
        raise ResultsError(
            f"{file}: not what a campaign of this version writes: {words}", "start a new folder"
        ) from None
    if about.version not in READS:
        raise ResultsError(f"{file}: version {about.version}; this is version {VERSION}", "start a new folder")
    return Folder(path, about)


@contextmanager
def opened(path: Path, about: About) -> Iterator[Folder]:
    """The folder of a campaign, held for as long as it runs.

    Raises UsageError for a folder that holds something else, a campaign about something else, or one that is running.
    """
    if path.exists() and not path.is_dir():
        raise UsageError(f"{path} is not a folder", "name a folder: -o campaigns/today")
    if path.is_dir() and not (path / ABOUT).exists() and any(name for name in os.listdir(path) if name != ".lock"):
        raise UsageError(f"{path} holds other files, and is not the folder of a campaign", "name a new folder")
    path.mkdir(parents=True, exist_ok=True)
    with (path / ".lock").open("w") as lock:
        _hold(lock, path)
        if (path / ABOUT).exists():
            old = read(path).about
            _refuse_another(old, about, path)
            if old.version != VERSION:
                write_whole(path / ABOUT, json.dumps(to_json(about), indent=1) + "\n")
        else:
            write_whole(path / ABOUT, json.dumps(to_json(about), indent=1) + "\n")
        folder = Folder(path, about)
        try:
            yield folder
        finally:
            folder.close()


def _hold(lock: IO[str], path: Path) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        hint = "wait for it, or name another folder with -o"
        raise UsageError(f"another campaign is running in {path}", hint) from None


def _refuse_another(old: About, new: About, path: Path) -> None:
    """Raises UsageError where a folder's campaign is about something else."""
    if old.lanes != new.lanes:
        said, now = (_lanes_text(about.lanes) for about in (old, new))
        raise UsageError(f"{path} is a campaign of {said}, not of {now}", "name another folder with -o")
    if sorted(old.asked) != sorted(new.asked):  # a replay starts the lanes as the folder names them
        said, now = (", ".join(about.asked) for about in (old, new))
        raise UsageError(f"{path} is a campaign in {said}, not in {now}", "name another folder with -o")
    if old.like != new.like:
        raise UsageError(f"{path} is a campaign of drafts like something else", "the same --like, or another folder")
    if old.also != new.also:
        said, now = (", ".join(about.also) or "nothing" for about in (old, new))
        raise UsageError(
            f"{path} is a campaign that draws also {said}, not {now}", "the same --also, or another folder"
        )
    if (old.layers, old.graphs) != (new.layers, new.graphs):
        hint = "the same --layers, or another folder"
        raise UsageError(f"{path} is a campaign over other layers or graphs", hint)


def _lanes_text(lanes: Mapping[str, Mapping[str, str]]) -> str:
    return "; ".join(
        f"{name} ({', '.join(f'{package} {version}' for package, version in sorted(versions.items()))})"
        for name, versions in lanes.items()
    )
