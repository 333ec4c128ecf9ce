"""The far end of a lane: a process that imports one framework and answers plans until it is told to stop.

Runs on Python 3.10 and later with NumPy and the lane's framework only. What the framework writes to stdout and stderr
goes to a file; each observation carries its part of it.
"""

from __future__ import annotations

import atexit
import faulthandler
import importlib
import os
import sys
import sysconfig
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from typing import Any

from conformance import imports
from conformance.lanes.garbage import settle
from conformance.protocol.plan import Plan
from conformance.protocol.wire import MAX_TEXT, bounded, plain

ADAPTERS = {
    "keras": "conformance.lanes.keras_start",
    "torch": "conformance.lanes.torch.lane",
    "numpy": "conformance.lanes.numpy",
    "transformers": "conformance.lanes.torch.transformers_bert",
}
"""Adapter name to the module whose `start(options)` gives it."""

FRAMEWORKS = {
    "keras": ("keras",),
    "torch": ("torch",),
    "numpy": ("numpy", "autograd.numpy", "autograd.scipy.special"),
    "transformers": ("torch", "transformers"),
}
"""Adapter name to what a spare process imports before it is told to go on: frameworks, and nothing of ours."""

NAMES = "names"
"""What is sent in place of a plan to ask which public names the framework has."""

MODULES = "modules"
"""What is sent in place of a plan to ask which files the process has imported, but those of installed packages."""

GO = "go"
"""What a spare process waits for."""


class Chatter:
    """The file that stands in for stdout and stderr, read piece by piece.

    The near end names it, to read what a lost process wrote; on another machine there is no use in a name.
    """

    def __init__(self, path: str) -> None:
        # both stay open as long as the process lives
        self.file: Any = open(path, "ab+", buffering=0) if path else tempfile.TemporaryFile("ab+", 0)  # noqa: SIM115
        os.dup2(self.file.fileno(), 1)
        os.dup2(self.file.fileno(), 2)
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115  # as above
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115  # as above
        faulthandler.enable(open(2, "w", closefd=False))  # noqa: SIM115  # as above
        self.seen = 0

    def since_last(self) -> str:
        """What was written since the last call, bounded."""
        sys.stdout.flush()
        sys.stderr.flush()
        end = os.fstat(self.file.fileno()).st_size
        start = max(self.seen, end - 4 * MAX_TEXT)
        text = os.pread(self.file.fileno(), end - start, start).decode("utf-8", "replace")
        self.seen = end
        return bounded(text)


def start_adapter(module: str, options: dict[str, Any]) -> Any:
    """Sets the environment, then imports the adapter and its framework.

    Overlays go onto `sys.path` before the import: an environment variable would come too late, for the interpreter
    runs already.
    """
    surround(options)
    if "imports" in options:
        imports.allow(options["imports"])
    if imports.allowed().covers(f"{module}.start"):
        return imports.imported(f"{module}.start")(options)
    return importlib.import_module(ADAPTERS.get(module, module)).start(options)


def surround(options: dict[str, Any]) -> None:
    """The variables and the path that a framework is imported with."""
    os.environ.update(options.get("environment", {}))
    sys.path[:0] = [overlay for overlay in options.get("overlays", []) if overlay not in sys.path]


def import_framework(adapter: str, options: dict[str, Any]) -> None:
    """Imports what an adapter will need and what is not ours: the slow part of a start, which no edit makes stale.

    What cannot be imported is told when the adapter itself is started.
    """
    surround(options)
    if adapter == "keras":
        os.environ["KERAS_BACKEND"] = options.get("backend", "tensorflow")
    package = options.get("package")
    for name in (package,) if package else FRAMEWORKS.get(adapter, ()):
        with suppress(Exception):
            importlib.import_module(name)


def imported_files() -> list[str]:
    """The source files of this process's modules, without those of Python and of installed packages."""
    installed = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    ours = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    files = {getattr(module, "__file__", None) or "" for module in list(sys.modules.values())}
    own = (
        file
        for file in map(os.path.abspath, filter(os.path.isabs, files))  # torch calls some modules after no file
        if file.startswith(ours + os.sep) or not any(file.startswith(f"{folder}{os.sep}") for folder in installed)
    )
    return sorted(filter(os.path.isfile, own))


def serve(channel: Any) -> None:
    """Speaks the lane protocol: `hello` once, then `begin` and `done` for every plan, until None comes.

    An adapter that has `public_names` answers to `NAMES` too. A process that is asked to wait imports the framework,
    says `warm`, and goes on when it is told to.
    """
    request = channel.receive()
    chatter = Chatter(request["chatter"])
    if request.get("waits"):
        import_framework(request["adapter"], request["options"])
        settle()  # while nobody waits
        channel.send(("warm",))
        if channel.receive() != GO:
            return
    options = {**request["options"], "begun": time.time(), "is_edited": request.get("is_edited", False)}
    try:
        adapter = start_adapter(request["adapter"], options)
    except Exception as error:
        channel.send(("failed", type(error).__name__, bounded(str(error)), chatter.since_last()))
        return
    settle()
    identity = adapter.identity
    channel.send(
        (
            "hello",
            plain(replace(identity, chatter=chatter.since_last()).to_wire()),
        )
    )
    read = getattr(adapter, "from_wire", Plan.from_wire)  # a far end of a comparison is asked other things than plans
    while (message := channel.receive()) is not None:
        if message == NAMES:
            channel.send(("names", sendable(adapter.public_names())))
            continue
        if message == MODULES:
            channel.send(("modules", imported_files()))
            continue
        plan = read(message)
        channel.send(("begin", plan.id))
        started = time.perf_counter()
        observation = adapter.observe(plan)
        observation["policy"] = identity.policy
        observation["seconds"] = time.perf_counter() - started
        observation["chatter"] = chatter.since_last()
        channel.send(("done", plan.id, sendable(observation)))


def leave() -> None:
    """Ends the process. What a library registered for its end is done; what Python would take apart first is not.

    That takes a framework a tenth of a second, for which whoever asked waits.
    """
    atexit._run_exitfuncs()
    os._exit(0)


def sendable(value: Any) -> Any:
    """Built-in types, with the bytes of arrays left as they are."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, dict):
        return {str(key): sendable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [sendable(item) for item in value]
    return bounded(plain(value)) if isinstance(value, str) else plain(value)
