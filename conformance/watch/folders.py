"""What changes on the disk, in batches: an editor that saves by renaming changes a file once.

A folder that disappears is said once, and waited for; when it is back, all in it may have changed.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from watchfiles import DefaultFilter, watch

STEP_MS = 20
"""Milliseconds without another change that end a batch."""
DEBOUNCE_MS = 200
"""Milliseconds that a batch may last."""
CLOCK_STEP = 0.1
"""Seconds by which the clock of a file system may be behind, and more."""
LOOK_MS = 500
"""Milliseconds between two looks at whether what is watched is still the same folder."""


class Folders:
    """Watches files and folders in a thread of its own; `next` gives what changed."""

    def __init__(self, roots: Iterable[Path], say: Callable[[str], None]) -> None:
        self._roots = frozenset(roots)
        self._say = say
        self._changes: queue.Queue[frozenset[Path]] = queue.Queue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="folders", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def also(self, roots: Iterable[Path], since: float) -> None:
        """Watches these too; a change is seen within a look. What was saved after `since` has changed already."""
        new = frozenset(roots) - self._roots
        saved = frozenset(path for root in new for path in _files(root) if _saved(path) > since - CLOCK_STEP)
        self._roots |= new
        if saved:
            self._changes.put(saved)

    @property
    def is_pending(self) -> bool:
        """Whether something has changed that `next` has not given yet."""
        return not self._changes.empty()

    def next(self, seconds: float) -> frozenset[Path]:
        """What changed, all batches that wait; empty where nothing does within so many seconds."""
        try:
            changed = self._changes.get(timeout=seconds)
            while True:
                try:
                    changed |= self._changes.get_nowait()
                except queue.Empty:
                    return changed
        except queue.Empty:
            return frozenset()

    def _watch(self) -> None:
        held: dict[Path, tuple[int, int]] | None = None
        missing: set[Path] = set()
        while not self._stop.is_set():
            roots = self._roots
            now = {root: seen for root in roots if (seen := _state(root)) is not None}
            for root in sorted(set(held or {}) - set(now) - missing):
                self._say(f"{_shown(root)} is gone: waiting until it is there again")
            back = missing & set(now)
            if held is not None and (
                other := {root for root in now if root in held and held[root] != now[root]} | back
            ):
                self._changes.put(frozenset(other))
            missing = set(roots - set(now))
            held = {**(held or {}), **now}
            if not now:
                time.sleep(LOOK_MS / 1000)
                continue
            self._watch_present(now)

    def _watch_present(self, present: dict[Path, tuple[int, int]]) -> None:
        """Puts changes into the queue until a root is another one than it was, or more are to be watched."""
        roots = self._roots
        try:
            for batch in watch(
                *present,
                watch_filter=DefaultFilter(),
                debounce=DEBOUNCE_MS,
                step=STEP_MS,
                stop_event=self._stop,
                rust_timeout=LOOK_MS,
                yield_on_timeout=True,
                raise_interrupt=False,
            ):
                if changed := frozenset(Path(name) for _, name in batch):
                    self._changes.put(changed)
                is_other = any(_state(root) != seen for root, seen in present.items())
                is_back = any(root not in present and root.exists() for root in roots)
                if is_other or is_back or self._roots != roots:
                    return
        except (OSError, RuntimeError):  # a root went while it was looked at
            time.sleep(LOOK_MS / 1000)


def _files(root: Path) -> list[Path]:
    """A file, or the files of a folder."""
    return [path for path in root.iterdir() if path.is_file()] if root.is_dir() else [root]


def _saved(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _state(root: Path) -> tuple[int, int] | None:
    """What tells one file or folder from another of its name: of a file its time too; None where there is none."""
    try:
        found = os.stat(root)
    except OSError:
        return None
    return found.st_ino, 0 if root.is_dir() else found.st_mtime_ns


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
