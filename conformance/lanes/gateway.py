"""How a lane's process is reached: an interpreter here, or one on another machine over ssh.

Another machine needs Python, NumPy and the lane's framework and nothing of ours: the worker's source is sent along and
unpacked into a folder that goes when the lane ends. Asking for a password would wait for ever beside other lanes, so
that ssh is told not to.
"""

from __future__ import annotations

import io
import re
import shlex
import signal
import subprocess
import sys
import threading
import traceback
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, cast

import execnet

from conformance.errors import LaneUnavailable

if TYPE_CHECKING:
    from conformance.lanes.spec import LaneSpec

GREETING_LIMIT = 60.0
"""Seconds that an interpreter may take to say that it is there: it has imported nothing yet."""
CONNECT_LIMIT = 30
"""Seconds that ssh may take to reach a host."""
_QUIETLY = f"-oBatchMode=yes -oConnectTimeout={CONNECT_LIMIT} "
SHIPPED = (
    "__init__.py",
    "api.py",
    "errors.py",
    "counterpart.py",
    "imports.py",
    "mapping.py",
    "version.py",
    "case/*.py",
    "protocol/*.py",
    "oracle/*.py",
    "lanes/**/*.py",
    "reference/**/*.py",
)
"""What a worker may import of this package, as patterns below it."""
HOST = re.compile(r"(?P<host>(?:[A-Za-z0-9_][A-Za-z0-9_.-]*@)?[A-Za-z0-9_][A-Za-z0-9_.-]*)(?::(?P<port>\d{1,5}))?")
"""`[user@]host[:port]`; nothing that ssh could take for an option."""

_PACKAGE = Path(__file__).resolve().parents[1]
_CHECKED = """
import sys
if sys.version_info < (3, 10):
    raise RuntimeError("it is Python %d.%d; lanes need 3.10 or later" % sys.version_info[:2])
"""
_HERE = f"""{_CHECKED}
sys.path.insert(0, channel.receive())
from conformance.lanes.worker import leave, serve
serve(channel)
leave()
"""
_ELSEWHERE = f"""{_CHECKED}
import io, shutil, tempfile, zipfile
folder = tempfile.mkdtemp(prefix="conformance-")
try:
    zipfile.ZipFile(io.BytesIO(channel.receive())).extractall(folder)
    sys.path.insert(0, folder)
    from conformance.lanes.worker import serve
    serve(channel)
finally:
    shutil.rmtree(folder, ignore_errors=True)
"""


def opened(spec: LaneSpec, group: execnet.Group, keeps_bytecode: bool = True) -> Any:
    """A channel to a new process of the lane, its worker about to start. Raises LaneUnavailable.

    A process here that does not keep bytecode writes none of what it compiles beside its source: Python takes such a
    file for current where its source was saved again within the same second and has kept its size.
    """
    try:
        gateway = _greeted(spec, group, keeps_bytecode)
        channel = gateway.remote_exec(_ELSEWHERE if spec.host else _HERE)
        channel.send(source() if spec.host else str(_PACKAGE.parent))
    except (execnet.HostNotFound, OSError, EOFError, AssertionError) as error:
        with suppress(Exception):
            group.terminate(timeout=0.2)
        _end_stranger(error)
        raise _refused(spec, error) from None
    return channel


def _greeted(spec: LaneSpec, group: execnet.Group, keeps_bytecode: bool) -> Any:
    """The process, once it has answered. Raises LaneUnavailable where it does not in time, and ends it."""
    made: list[Any] = []

    def make() -> None:
        try:
            with _deaf_to_interrupts():
                made.append(group.makegateway(_address(spec, keeps_bytecode)))
        except Exception as error:
            made.append(error)

    maker = threading.Thread(target=make, name=f"start of lane {spec.name}", daemon=True)
    maker.start()
    maker.join(GREETING_LIMIT)
    if not made:
        _end_process_of(sys._current_frames().get(cast("int", maker.ident)))
        where = f"{spec.interpreter} on {spec.host}" if spec.host else spec.interpreter
        why = f"lane {spec.name}: {where} did not answer within {GREETING_LIMIT:g} s"
        raise LaneUnavailable(why, "is it a Python? name an interpreter that starts")
    if isinstance(made[0], Exception):
        raise made[0]
    return made[0]


def _end_process_of(frame: FrameType | None) -> None:
    """Ends the process that a call waits for; execnet has it in its frames alone."""
    while frame is not None:
        process = getattr(frame.f_locals.get("io"), "popen", None)
        if isinstance(process, subprocess.Popen):
            process.kill()
            return
        frame = frame.f_back


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """What is started here does not hear Ctrl-C: a terminal sends it to all, and we end lanes ourselves, in order.

    A Python that it reaches while it starts prints pages about its own inside into the user's terminal.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_stranger(error: Exception) -> None:
    """Ends and waits for a process that was started and never greeted; execnet has it in the error's frames alone."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        process = getattr(frame.f_locals.get("io"), "popen", None)
        if isinstance(process, subprocess.Popen):
            process.kill()
            with suppress(OSError), process:  # closes its pipes, of which one may be broken, and waits
                return


def _refused(spec: LaneSpec, error: Exception) -> LaneUnavailable:
    """Why a process cannot be had: what is no Python says something else than execnet expects, or nothing."""
    if spec.host and (words := _unreachable(spec)):
        hint = f"this must work without a password: ssh {_ssh(spec.host, '')} {spec.interpreter} --version"
        return LaneUnavailable(f"lane {spec.name}: {spec.host} cannot be reached: {words}", hint)
    is_started = getattr(error, "errno", None) is None or isinstance(error, BrokenPipeError)
    why = "is not a Python" if is_started else f"cannot be started: {error}"
    where = f"{spec.interpreter} on {spec.host}" if spec.host else spec.interpreter
    return LaneUnavailable(f"lane {spec.name}: {where} {why}", "name an interpreter that exists")


def _unreachable(spec: LaneSpec) -> str:
    """What ssh says of a host that it does not reach; empty where it reaches it."""
    command = ["ssh", *_ssh(spec.host, _QUIETLY).split(), "true"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=2 * CONNECT_LIMIT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    lines = done.stderr.strip().splitlines() or ["ssh gives no reason"]
    return lines[-1][:300] if done.returncode == 255 else ""


def _address(spec: LaneSpec, keeps_bytecode: bool) -> str:
    """The process in execnet's words."""
    python = shlex.quote(spec.interpreter)
    if spec.host:
        return f"ssh={_ssh(spec.host, _QUIETLY)}//python={python}"
    return f"popen//python={python}" + ("" if keeps_bytecode else "//dont_write_bytecode")


def _ssh(host: str, options: str) -> str:
    matched = HOST.fullmatch(host)
    assert matched is not None  # checked where the lane was declared
    return options + (f"-p {matched['port']} " if matched["port"] else "") + matched["host"]


@cache
def source() -> bytes:
    """The worker's side of this package as a zip file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for pattern in SHIPPED:
            for path in sorted(_PACKAGE.glob(pattern)):
                archive.write(path, path.relative_to(_PACKAGE.parent))
    return buffer.getvalue()
