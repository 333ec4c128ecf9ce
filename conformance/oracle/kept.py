"""What the reference gave for a plan, kept between runs: nine tenths of its time go into runs that nothing changed.

An answer is found by a digest of everything that it depends on: the plan, the source of the reference and of what runs
it, the versions of NumPy and autograd, the processor. So a changed formula, or a changed case, is never answered from
what was kept before. What is damaged, or was written by somebody else, is made again; two runs at once disturb nobody.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy

from conformance.imports import is_own
from conformance.protocol.plan import Plan

FORMAT = 1
"""Counts up when the form of a kept answer changes."""
LIMIT = 512 * 2**20
"""Bytes that are kept; of more, those go first that were not asked for longest."""
SOURCES = (
    "errors.py",
    "counterpart.py",
    "imports.py",
    "mapping.py",
    "case/*.py",
    "protocol/*.py",
    "oracle/*.py",
    "reference/**/*.py",
)
"""What an answer is computed by, as patterns below the package."""
CLOCK_STEP = 0.1
"""Seconds by which the clock of a file system may be behind, and more."""
PACKAGE = Path(__file__).resolve().parents[1]
_SUFFIX = ".answer"
_CHECK = hashlib.sha256().digest_size
_LENGTH = 8
"""Bytes that hold the length of the part in words."""
_NOT_ASKED = ("id", "time_limit", "remade")
"""What a plan says that changes nothing of the reference's answer."""


class KeptAnswers:
    """The reference's answers in a folder; those that are not there are computed, and kept."""

    def __init__(self, folder: Path, limit: int = LIMIT, package: Path = PACKAGE, begun: float | None = None) -> None:
        """`begun` is when this process began to import the reference, in seconds since 1970; now when left out."""
        self._folder = folder
        self._begun = time.time() if begun is None else begun
        self._sources = [path for pattern in SOURCES for path in package.glob(pattern)]
        self._here = surroundings(package)
        with suppress(OSError):  # then nothing is kept, and everything is computed
            folder.mkdir(parents=True, exist_ok=True)
            trim(folder, limit)

    def message(self, plan: Plan) -> dict[str, Any]:
        """What `conformance.oracle.run.message` gives for a plan.

        A failure is not kept: it may be the machine's, which has no memory left, and it was quick. Nothing is kept or
        found where a source was saved after the import of this process began: what it runs may be older than what
        stands on the disk, from which the digest is made.
        """
        layers = ({"type": layer.type, **layer.config} for layer in plan.layers.values())
        if not self.is_settled() or any(is_own(kind) for layer in layers for kind in types_in(layer)):
            return computed(plan)  # the user's own formulas are no part of the digest
        path = self._folder / f"{self.digest(plan)}{_SUFFIX}"
        kept = read(path)
        if kept is not None:
            return kept
        answer = computed(plan)
        if answer["failure"] is None:
            with suppress(OSError):
                write(path, answer)
        return answer

    def is_settled(self) -> bool:
        """Whether every source is as old as when this process began to import it, or older."""
        try:
            return all(os.stat(path).st_mtime < self._begun - CLOCK_STEP for path in self._sources)
        except OSError:  # one is gone
            return False

    def digest(self, plan: Plan) -> str:
        """What an answer to a plan is kept under."""
        asked = {key: value for key, value in plan.to_wire().items() if key not in _NOT_ASKED}
        found = hashlib.sha256(self._here.encode())
        for part in _parts(asked):
            found.update(part)
        return found.hexdigest()


def computed(plan: Plan) -> dict[str, Any]:
    """What the reference gives for a plan. It is imported when something has to be computed, and not before."""
    from conformance.oracle.run import message

    return message(plan)


def types_in(config: Any) -> Iterator[str]:
    """The types of a layer and of those inside it."""
    if isinstance(config, Mapping):
        if isinstance(config.get("type"), str):
            yield config["type"]
        for value in config.values():
            yield from types_in(value)
    elif isinstance(config, list | tuple):
        for value in config:
            yield from types_in(value)


def _parts(value: Any) -> Iterator[bytes]:
    """Nested built-in values as bytes, so that no two of them give the same."""
    if isinstance(value, dict):
        yield b"{%d" % len(value)
        for key, item in value.items():
            yield from _parts(key)
            yield from _parts(item)
    elif isinstance(value, list | tuple):
        yield b"[%d" % len(value)
        for item in value:
            yield from _parts(item)
    else:
        raw = value if isinstance(value, bytes) else repr(value).encode()
        yield b"%s%d:" % (type(value).__name__.encode(), len(raw))
        yield raw


def surroundings(package: Path = PACKAGE) -> str:
    """A digest of what answers depend on beside the plan: source, versions and processor."""
    found = hashlib.sha256()
    for pattern in SOURCES:
        for path in sorted(package.glob(pattern)):
            found.update(f"{path.relative_to(package)}\0".encode())
            found.update(hashlib.sha256(path.read_bytes()).digest())
    versions = (FORMAT, sys.version, numpy.__version__, metadata.version("autograd"), platform.machine(), _processor())
    found.update(repr(versions).encode())
    return found.hexdigest()


def _processor() -> str:
    """Its name and what it can do: NumPy chooses its loops by that."""
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        told = [line for line in lines if line.startswith(("model name", "flags", "Features", "CPU part"))]
        return "\n".join(dict.fromkeys(told))
    return platform.processor()


def write(path: Path, answer: Mapping[str, Any]) -> None:
    """Keeps an answer: a checksum, the length of its words, its words as JSON, its arrays' bytes.

    It is moved to its place when it is whole. Raises OSError where nothing can be written.
    """
    arrays: list[bytes] = []

    def without_bytes(value: Any) -> Any:
        if isinstance(value, bytes):
            arrays.append(value)
            return {"bytes": len(value)}
        if isinstance(value, dict):
            return {key: without_bytes(item) for key, item in value.items()}
        return [without_bytes(item) for item in value] if isinstance(value, list | tuple) else value

    words = json.dumps(without_bytes(answer)).encode()
    whole = b"".join([len(words).to_bytes(_LENGTH, "big"), words, *arrays])
    number, name = tempfile.mkstemp(prefix=".part-", dir=path.parent)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(hashlib.sha256(whole).digest() + whole)
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


def read(path: Path) -> dict[str, Any] | None:
    """A kept answer; None where there is none, or none that is whole."""
    try:
        raw = path.read_bytes()
        os.utime(path)  # asked for just now: others go first
    except OSError:
        return None
    check, whole = raw[:_CHECK], raw[_CHECK:]
    if hashlib.sha256(whole).digest() != check:
        return None
    end = _LENGTH + int.from_bytes(whole[:_LENGTH], "big")
    place = end

    def with_bytes(value: Any) -> Any:
        nonlocal place
        if isinstance(value, dict):
            if value.keys() == {"bytes"}:
                place += value["bytes"]
                return whole[place - value["bytes"] : place]
            return {key: with_bytes(item) for key, item in value.items()}
        return [with_bytes(item) for item in value] if isinstance(value, list) else value

    found: dict[str, Any] = with_bytes(json.loads(whole[_LENGTH:end]))
    return found


def trim(folder: Path, limit: int) -> None:
    """Lets go of what was not asked for longest, until a quarter of the limit is free again.

    Raises OSError for a folder that cannot be read; a file that another run took away meanwhile is none of ours.
    """
    held = []
    for entry in os.scandir(folder):
        with suppress(OSError):
            if entry.is_file(follow_symlinks=False) and entry.name.endswith(_SUFFIX):
                held.append((entry.stat().st_mtime, entry.stat().st_size, entry.path))
    size = sum(one for _, one, _ in held)
    if size <= limit:
        return
    for _, one, path in sorted(held):
        if size <= limit * 3 // 4:
            return
        with suppress(OSError):
            os.unlink(path)
            size -= one
