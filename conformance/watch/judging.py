"""The process that judges, seen from the one that stays; and a spare that has imported the libraries and waits."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from conformance.watch.wire import Pipe

LIBRARIES = (
    "autograd.numpy",
    "autograd.scipy.special",
    "execnet",
    "jinja2",
    "numpy",
    "packaging.requirements",
    "packaging.specifiers",
    "pydantic",
    "pytest",
    "threadpoolctl",
    "yaml",
)
"""What a spare imports while it waits: nothing of ours, so that no edit makes it stale."""
_BOOT = """
import importlib, sys
from multiprocessing.connection import Connection
connection = Connection(int(sys.argv[1]))
sys.path.insert(0, sys.argv[2])
for name in sys.argv[3:]:
    try:
        importlib.import_module(name)
    except Exception:
        pass
try:
    connection.recv_bytes()
except EOFError:
    sys.exit()
from conformance.watch.judge import serve
serve(connection)
"""
PACKAGE = Path(__file__).resolve().parents[1]


class Judge:
    """A process that judges. It hears no Ctrl-C: what has to end is ended by the process that stays."""

    def __init__(self, libraries: Sequence[str] = LIBRARIES) -> None:
        ours, theirs = multiprocessing.Pipe()
        self.pipe = Pipe(ours)
        self.files: frozenset[str] | None = None
        """What it has imported; None where it has not said yet."""
        self.is_going = False
        self._process = subprocess.Popen(
            [sys.executable, "-c", _BOOT, str(theirs.fileno()), str(PACKAGE.parent), *libraries],
            pass_fds=[theirs.fileno()],
            start_new_session=True,
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        self._ours = ours

    def go(self) -> None:
        """Has it import what is ours, as it stands on the disk now."""
        if not self.is_going:
            self.is_going = True
            with suppress(OSError):
                self._ours.send_bytes(b"go")

    def is_stale(self, changed: Collection[Path]) -> bool:
        """Whether it has imported one of these files, or may have; one that waits has imported none."""
        return self.is_going and (self.files is None or any(str(path) in self.files for path in changed))

    def order(self, asked: dict[str, Any]) -> None:
        """Asks for a round. Raises OSError where the process is gone."""
        self.go()
        self.pipe.send(asked)

    def ended(self) -> str:
        """How a process ended that was lost."""
        with suppress(subprocess.TimeoutExpired):
            code = self._process.wait(2)
            return f"exit code {code}" if code >= 0 else f"signal {-code}"
        return "it lives, and says nothing"

    def stop(self) -> None:
        self.pipe.close()
        self._process.kill()
        self._process.wait()
