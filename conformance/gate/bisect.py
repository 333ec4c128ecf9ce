"""The release in which an answer changed: binary search over published versions, each in its overlay or environment."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from conformance.errors import UsageError
from conformance.gate.answers import Move, first_move
from conformance.record.lane import LaneRecord


@dataclass(frozen=True, slots=True)
class Found:
    """Two neighbouring releases between which the answer changed, and what each says."""

    last: str
    first: str
    move: Move
    asked: tuple[str, ...]
    """The versions that were run, in the order of asking."""


def search(versions: Sequence[str], answer: Callable[[str], LaneRecord]) -> Found:
    """The first version whose answer is not that of the first one, by binary search.

    Where the answer changed more than once, one of the changes is found. Raises UsageError where both ends agree.
    """
    if len(versions) < 2:
        raise UsageError("there are no two versions to search between", "name two that are published")
    asked: dict[str, LaneRecord] = {}

    def ask(version: str) -> LaneRecord:
        if version not in asked:
            asked[version] = answer(version)
        return asked[version]

    good, bad = 0, len(versions) - 1
    if first_move(ask(versions[good]), ask(versions[bad])) is None:
        raise UsageError(
            f"{versions[good]} and {versions[bad]} give the same answer", "name two versions whose answers differ"
        )
    while bad - good > 1:
        middle = (good + bad) // 2
        if first_move(ask(versions[0]), ask(versions[middle])) is None:
            good = middle
        else:
            bad = middle
    move = first_move(ask(versions[good]), ask(versions[bad]))
    assert move is not None  # the ends differ from each other in every step
    return Found(versions[good], versions[bad], move, tuple(asked))


def published(package: str) -> list[str]:
    """Every final release that pip knows of, oldest first. Raises UsageError with pip's words."""
    command = [sys.executable, "-m", "pip", "index", "versions", "--disable-pip-version-check", package]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    matched = re.search(r"^Available versions: (.*)$", done.stdout, re.MULTILINE)
    if matched is None:
        words = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        raise UsageError(
            f"pip cannot list the versions of {package}: {words[:300]}", "name them: --versions 3.4.0,3.5.0"
        )
    return in_order(matched[1].split(", "))


def in_order(versions: Sequence[str]) -> list[str]:
    """Final releases, oldest first. Raises UsageError for what is not a version."""
    try:
        found = {text: Version(text) for text in versions}
    except InvalidVersion as error:
        raise UsageError(str(error), "versions as pip writes them: 3.4.0,3.5.0") from None
    return sorted((text for text, version in found.items() if not version.is_prerelease), key=found.__getitem__)


def between(versions: Sequence[str], first: str, last: str) -> list[str]:
    """The versions from one to another, both included; `3.15` as an end takes in every 3.15.x.

    Raises UsageError where there is none.
    """
    low, high = _version(first), _version(last)
    if low > high:
        raise UsageError(f"{first} is newer than {last}", f"the older end first: {last} to {first}")
    length = len(high.release)
    found = [v for v in versions if low <= Version(v) and Version(v).release[:length] <= high.release]
    if not found:
        raise UsageError(f"no version is published from {first} to {last}", f"the newest is {versions[-1]}")
    return found


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        raise UsageError(f"{text} is not a version", "versions as pip writes them: 3.4.0") from None


def newest_patches(versions: Sequence[str]) -> list[str]:
    """The last release of every minor version."""
    return list({Version(version).release[:2]: version for version in versions}.values())
