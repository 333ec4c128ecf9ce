"""The process that stays: it holds the lanes, knows what each process has imported, and orders round after round."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from conformance.lanes.process import Abandoned
from conformance.lanes.worker import imported_files
from conformance.watch.folders import Folders
from conformance.watch.judging import PACKAGE, Judge
from conformance.watch.lanes import KeptLanes

SUFFIXES = (".case.yaml",)
DATA = (".json", ".npy")
IDLE = 0.3
"""Seconds without a change after which the next spare is started."""
COMMAND = "import sys; sys.path.insert(0, sys.argv[1]); from conformance.watch.main import main; main()"


class Watch:
    """Rounds over paths, with options for pytest."""

    def __init__(
        self,
        paths: Sequence[Path],
        options: Sequence[str],
        say: Callable[[str], None],
        lanes: KeptLanes | None = None,
        judge: Callable[[], Any] = Judge,
        own: Iterable[str] | None = None,
    ) -> None:
        """`own` are the files that this process has imported."""
        self._paths = [path.absolute() for path in paths]
        self._options = list(options)
        self._say = say
        self.lanes = KeptLanes() if lanes is None else lanes
        self._make_judge = judge
        self._judge: Any = judge()
        self._spare: Any = None
        self._own = frozenset(map(Path, imported_files() if own is None else own))
        self.folders = Folders([*self._paths, PACKAGE], say)
        self._deviations: set[Path] = set()
        self._imported: set[str] = set()
        """What any process ever imported: one that cannot be imported now is waited for."""
        self._known: dict[str, str] = {}
        self._verdicts: dict[str, Any] = {}
        self._generation = 0
        self._since = time.time()
        """When what runs now can first have been imported."""
        self._forgets = False
        self._is_whole_done = False
        self._is_broken = False

    def run(self) -> None:
        """Rounds until Ctrl-C."""
        self.folders.start()
        self.round(self._paths)
        while True:
            changed = self.folders.next(IDLE)
            if changed:
                self.take(changed)
            else:
                self.start_a_spare()

    def take(self, changed: Collection[Path]) -> None:
        """Sees to what changed: replaces what is stale, then judges what is concerned, then what was left over."""
        changed = {path for path in changed if "__pycache__" not in path.parts}
        code = {path for path in changed if self.is_code(path)}
        cases = sorted(path for path in changed - code if path.name.endswith(SUFFIXES) and self._is_ours(path))
        others = {path for path in changed - code if self.is_other(path)}
        if not (code or cases or others):
            return
        self._say(f"{time.strftime('%H:%M:%S')}  {shown(code or [*cases, *others])}")
        if code and not self._renew(code):
            return
        if code or others:
            self._is_whole_done = False
        if cases and not code and not others:
            self.round([path for path in cases if path.exists()])
        if not self._is_whole_done and not self.folders.is_pending and not (cases and self._is_broken):
            self.round(self._paths)

    def is_code(self, path: Path) -> bool:
        """Whether a process may run it, or read it when it starts."""
        if path.is_relative_to(PACKAGE):
            return path.suffix == ".py" or (path.is_file() and not path.name.startswith("."))
        return path.suffix == ".py" and str(path) in self._imported

    def is_other(self, path: Path) -> bool:
        """Whether it is a deviation, a case's data, or a folder that is there again."""
        is_deviation = any(path == folder or path.parent == folder for folder in self._deviations)
        return is_deviation or path in self._paths or (self._is_ours(path) and path.suffix in DATA)

    def _is_ours(self, path: Path) -> bool:
        return any(path.is_relative_to(root) for root in self._paths)

    def _renew(self, code: Collection[Path]) -> bool:
        """Replaces every process that has imported what changed; False where that has to wait for another change."""
        for path in code:
            forget_compiled(path)
        self._generation += 1
        self._since = time.time()
        if self._own & set(code):
            return self._begin_anew()
        data = [path for path in code if path.suffix != ".py"]
        if data:
            self.lanes.replace_all()
        else:
            self.lanes.refresh(code)
        if data or self._is_broken or self._judge.is_stale(code):
            self._judge.stop()
            self._judge, self._spare = self._spare or self._make_judge(), None
        self._judge.go()
        self._forgets = True
        return True

    def _begin_anew(self) -> bool:
        """Becomes a new process, if what it would import can be imported."""
        words = [sys.executable, "-c", COMMAND.removesuffix("; main()"), str(PACKAGE.parent)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["it does not start"]
            self._say(f"  the watch itself cannot be started again: {lines[-1]}")
            self.lanes.replace_all()
            return False
        self._say("  what the watch itself runs has changed: it begins anew")
        self.stop()
        begin(self._paths, self._options)
        return False

    def round(self, paths: Sequence[Path]) -> None:
        """Judges the cases of these paths that have changed since they were judged."""
        present = [path for path in paths if path.exists()]
        if not present:
            return
        self.lanes.settle()
        order = {
            "paths": [str(path) for path in present],
            "options": self._options,
            "generation": self._generation,
            "known": self._known,
            "verdicts": self._verdicts,
            "forgets": self._forgets,
        }
        self._forgets = False
        answer = self._served(order)
        self._is_broken = answer is None
        if answer is None:
            return
        self._known.update(answer["judged"])
        self._verdicts.update(answer["verdicts"])
        self._judge.files = frozenset(answer["files"])
        self._deviations = set(map(Path, answer["deviations"]))
        if list(paths) == self._paths:
            self._is_whole_done = not answer["is_outdated"]
        if not answer["is_outdated"]:
            self.lanes.learn()
            self._imported |= self.lanes.files() | self._judge.files
            self.folders.also([*self._deviations, *self._outside()], self._since)

    def _served(self, order: dict[str, Any]) -> dict[str, Any] | None:
        """What the judge made of an order, its requests to lanes answered meanwhile; None where it was lost."""
        judge = self._judge
        try:
            judge.order(order)
            while True:
                if not judge.pipe.has_message(1.0):
                    continue
                kind, *rest = request = judge.pipe.receive()
                if kind == "judged":
                    return dict(rest[0])
                if kind == "broken":
                    self._say(f"  {rest[0]}")
                    return None
                try:
                    reply = self.lanes.answer(request, lambda: self.folders.is_pending)
                except Abandoned:
                    reply = ("off",)
                if reply is not None:
                    judge.pipe.send(*reply)
        except (EOFError, OSError):
            self._say(f"  the process that judges ended ({judge.ended()}); another one takes its place")
            judge.stop()
            self._judge, self._spare = self._spare or self._make_judge(), None
            return None

    def _outside(self) -> Iterable[Path]:
        """Files that a process has imported from elsewhere: somebody's own layers, a conftest."""
        return [
            path for path in map(Path, self._imported) if not path.is_relative_to(PACKAGE) and not self._is_ours(path)
        ]

    def start_a_spare(self) -> None:
        """Starts one process that waits, where one is missing."""
        if self._spare is None:
            self._spare = self._make_judge()
        elif (held := self.lanes.without_spare()) is not None:
            held.start_spare()

    def stop(self) -> None:
        self.folders.stop()
        self._judge.stop()
        if self._spare is not None:
            self._spare.stop()
        self.lanes.stop()


def forget_compiled(path: Path) -> None:
    """Removes what Python compiled a file to: it tells two versions apart by their second and their size alone."""
    if path.suffix == ".py":
        with suppress(OSError, NotImplementedError):
            os.unlink(importlib.util.cache_from_source(str(path)))


def shown(paths: Iterable[Path]) -> str:
    """Files as people write them, the first few."""
    here = Path.cwd()
    names = [str(path.relative_to(here) if path.is_relative_to(here) else path) for path in paths]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(sorted(names)[:3]) + more


def begin(paths: Sequence[Path], options: Sequence[str]) -> None:
    """Becomes the process that watches: it has imported what lanes are started with, and nothing else of ours."""
    asked = json.dumps({"paths": [str(path) for path in paths], "options": list(options)})
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-c", COMMAND, str(PACKAGE.parent), asked])


def main() -> None:
    """Watches until Ctrl-C."""
    asked = json.loads(sys.argv[2])

    def say(text: str) -> None:
        print(text, flush=True)

    def ended(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, ended)
    paths = [Path(name) for name in asked["paths"]]
    say(f"watching {shown(paths)}; Ctrl-C ends it")
    watch = Watch(paths, asked["options"], say)
    try:
        watch.run()
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        say("\nthe watch has ended")
    finally:
        watch.stop()
