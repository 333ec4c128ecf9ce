"""Releases of a package: what is published, what lies between two of them, and whether one that is asked for exists."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import InvalidVersion, Version

from conformance.errors import UsageError
from conformance.lanes.environments import is_built
from conformance.lanes.spec import LaneSpec

_PATIENCE = 60
"""Seconds that pip has to list versions."""


def published(package: str) -> list[str]:
    """Every final release that pip knows of, oldest first. Raises UsageError with pip's words."""
    command = [sys.executable, "-m", "pip", "index", "versions", "--disable-pip-version-check", package]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_PATIENCE)
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
    low, high = version_of(first), version_of(last)
    if low > high:
        raise UsageError(f"{first} is newer than {last}", f"the older end first: {last} to {first}")
    length = len(high.release)
    found = [v for v in versions if low <= Version(v) and Version(v).release[:length] <= high.release]
    if not found:
        raise UsageError(f"no version is published from {first} to {last}", f"the newest is {versions[-1]}")
    return found


def version_of(text: str) -> Version:
    """The version that a text means. Raises UsageError."""
    try:
        return Version(text)
    except InvalidVersion:
        raise UsageError(f"{text} is not a version", "versions as pip writes them: 3.4.0") from None


def newest_patches(versions: Sequence[str]) -> list[str]:
    """The last release of every minor version."""
    return list({Version(version).release[:2]: version for version in versions}.values())


def version_of_checkout(folder: Path) -> Version | None:
    """What a checkout of Keras says that it is, in the file where Keras writes it; None where it does not say."""
    for file in (folder / "keras" / "src" / "version.py", folder / "keras" / "__init__.py"):
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        if matched := re.search(r"""^__version__ = ["']([^"'\n]{1,60})["']""", text, re.MULTILINE):
            try:
                return Version(matched[1])
            except InvalidVersion:
                return None
    return None


def look_up(specs: Iterable[LaneSpec]) -> None:
    """Raises UsageError for a release that a lane pins and that is not published, before anything is built.

    What is built already exists. Where pip cannot list a package, building it says what is wrong.
    """
    pins = {
        (requirement.name, version)
        for spec in specs
        if not is_built(spec)
        for requirement in map(Requirement, (*spec.overlay, *spec.environment))
        if (version := _pinned(requirement)) is not None
    }
    packages = sorted({name for name, _ in pins})
    with ThreadPoolExecutor(max(len(packages), 1)) as pool:
        known = dict(zip(packages, pool.map(_published_or_none, packages), strict=True))
    for name, version in sorted(pins, key=str):
        versions = known[name]
        if versions and version not in map(Version, versions):
            near = [text for text in versions if Version(text).release[:2] == version.release[:2]]
            hint = f"of {'.'.join(map(str, version.release[:2]))} there are {', '.join(near)}" if near else ""
            raise UsageError(f"there is no {name} {version}", hint or f"the newest is {versions[-1]}")


def _pinned(requirement: Requirement) -> Version | None:
    """The final release that a requirement pins; None for a range, a pre-release and a local build."""
    clauses = list(requirement.specifier)
    if requirement.url or len(clauses) != 1 or clauses[0].operator != "==" or "*" in clauses[0].version:
        return None
    version = Version(clauses[0].version)
    return None if version.is_prerelease or version.local else version


def _published_or_none(package: str) -> list[str] | None:
    try:
        return published(package)
    except UsageError:
        return None
