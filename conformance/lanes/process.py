"""The near end of a lane: starts its process, keeps a few plans ahead of it, and turns its end into verdict data.

A crash or a case over its time limit costs that case only: the process is started again and gets the plans that it had
not begun. Nobody waits for that start before an answer of it is wanted. Anything in flight is an `Observation` in the
end, never an exception.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import execnet

from conformance.errors import LaneUnavailable
from conformance.lanes.endings import exit_words, last_line, signal_of
from conformance.lanes.environments import prepared
from conformance.lanes.gateway import opened
from conformance.lanes.spec import LaneSpec, proved
from conformance.lanes.worker import GO, MODULES, NAMES, sendable
from conformance.protocol.adapter import Identity
from conformance.protocol.observation import Observation, from_message
from conformance.protocol.plan import Plan
from conformance.protocol.wire import MAX_TEXT, bounded

COMPILING = 5.0
"""Times the time limit of a case, for lanes that compile it first: XLA took a minute over five bidirectional layers."""
START_LIMIT = 300.0
"""Seconds that a framework may take to import: generous, for a cold disk; a start that fails says so at once."""
MAX_DEATHS = 5
"""A lane that is lost so often without one answer in between is given up: what is left would only take longer."""

SHORT = 0.01
"""Seconds for what should have come already: where it has, it is taken, however late somebody asks."""
STEP = 0.05
"""Seconds between two looks at whether an answer is still wanted, where that may change."""

_NEEDS = {
    "keras": "tensorflow keras",
    "torch": "torch",
    "numpy": "numpy autograd",
    "transformers": "transformers torch",
}
"""What has to be installed for an adapter."""


class Abandoned(Exception):
    """The answer of a case that was waited for is not wanted any more; the lane may still be working on it."""


class ProcessLane:
    """A lane in a process of its own."""

    is_edited = False
    """Whether its sources are being edited: then the process imports all that it may need as it starts, so that it can
    say what it holds, and keeps no bytecode, by which a lane otherwise starts 0.2 to 0.3 s sooner."""

    def __init__(self, spec: LaneSpec) -> None:
        self.spec = spec
        self._asked = spec
        self._folder = tempfile.TemporaryDirectory(prefix="conformance-")
        self._pending: dict[str, Plan] = {}
        self._done: dict[str, Observation] = {}
        self._begun: str | None = None
        self._begun_at = 0.0
        self._deaths = 0
        self._given_up = ""
        self._is_starting = False
        """Whether the process has not said yet who it is; it gets no plan before."""
        self._identity: Identity | None = None
        self._refused: LaneUnavailable | None = None
        """Why it cannot be started at all; `identity` raises it."""
        self._heard_at = 0.0
        self._group: execnet.Group | None = None
        self._channel: Any = None

    @property
    def _chatter_file(self) -> Path:
        return Path(self._folder.name) / "chatter.txt"

    def start(self, waits: bool = False) -> None:
        """Starts the process and its imports, and returns at once; what has to be installed first is waited for.

        One that `waits` imports its framework and nothing of ours until `go`.
        """
        try:
            self.spec = prepared_spec(self.spec)
        except LaneUnavailable as error:
            self._refused = error
            return
        self._chatter_file.write_bytes(b"")
        self._group = execnet.Group()
        try:
            self._channel = opened(self.spec, self._group, keeps_bytecode=not self.is_edited)
        except LaneUnavailable as error:
            self._refused = error
            return
        self._channel.send(
            {
                "adapter": self.spec.adapter,
                "options": sendable(dict(self.spec.options)),
                "chatter": "" if self.spec.host else str(self._chatter_file),
                "waits": waits,
                "is_edited": self.is_edited,
            }
        )
        self._is_starting, self._heard_at = True, time.monotonic()

    def go(self) -> None:
        """Tells a process that waits to import what is ours, as it stands on the disk now."""
        if self._channel is not None:
            with suppress(OSError):  # it died while it waited: that is noticed when it is asked who it is
                self._channel.send(GO)

    def identity(self) -> Identity:
        """Waits until the framework is imported. Raises LaneUnavailable with what to install.

        Of a process that was started again it is what the lost one said, until this one has said it too.
        """
        if self._identity is None:
            self._wait_until_up()
        assert self._identity is not None  # else LaneUnavailable was raised
        return self._identity

    def _wait_until_up(self) -> None:
        """Waits until the process has said who it is. Raises LaneUnavailable where it cannot be started at all."""
        if self._channel is None and self._refused is None and not self._given_up:
            self.start()
        while self._is_starting:
            self._take_greeting()
        if self._refused is not None:
            raise self._refused

    def _take_greeting(self, step: float | None = None) -> bool:
        """What a process says while it starts, or that it does not; False where `step` seconds brought nothing."""
        limit = max(self._heard_at + START_LIMIT - time.monotonic(), SHORT)
        try:
            message = self._channel.receive(limit if step is None else min(limit, step))
            if message == ("warm",):
                return True
            if message[0] == "failed":
                raise self._unavailable(f"{message[1]}: {message[2]}")
            self._identity = proved(self.spec, Identity.from_wire(message[1]))
        except EOFError:
            words = exit_words(self._exit_code())
            self._does_not_start(self._unavailable(f"its process died while starting{words}{self._last_words()}"))
        except self._channel.TimeoutError:
            if step is not None and step < limit:
                return False
            self._does_not_start(self._unavailable(f"it did not start within {START_LIMIT:.0f} s{self._last_words()}"))
        except self._channel.RemoteError as error:
            self._does_not_start(self._unavailable(last_line(str(error))))
        except LaneUnavailable as error:
            self._does_not_start(error)
        self._is_starting = False
        for plan in () if self._given_up else self._pending.values():
            self._post(plan)
        return True

    def _does_not_start(self, error: LaneUnavailable) -> None:
        if self._identity is None:
            self._refused = error
        else:
            self._given_up = f"the lane could not be started again: {error.message}"

    def _unavailable(self, why: str) -> LaneUnavailable:
        return LaneUnavailable(f"lane {self.spec.name} cannot start: {why}", hint_for(self._asked))

    def _last_words(self) -> str:
        """What the process wrote last, for one that died without a word on its channel."""
        chatter = self._chatter_file.read_bytes()[-MAX_TEXT:].decode("utf-8", "replace")
        fatal = [line for line in chatter.splitlines() if line.startswith("Fatal Python error")]
        said = fatal[-1] if fatal else last_line(chatter)
        return f"; its last words: {bounded(said, 300)}" if said else ""

    def modules(self) -> frozenset[str]:
        """The files that the process has imported, but those of installed packages; asked while no plan is in flight.

        Raises LaneUnavailable where it does not say.
        """
        self._wait_until_up()
        try:
            self._channel.send(MODULES)
            message = self._channel.receive(START_LIMIT)
        except (EOFError, OSError, self._channel.TimeoutError, self._channel.RemoteError) as error:
            raise LaneUnavailable(f"lane {self.spec.name} does not say what it imported: {error}") from None
        return frozenset(message[1])

    def public_names(self) -> list[dict[str, Any]]:
        """The public names of the lane's framework, asked before any plan is sent. Raises LaneUnavailable."""
        self._wait_until_up()
        try:
            self._channel.send(NAMES)
            message = self._channel.receive(START_LIMIT)
        except (EOFError, OSError, self._channel.TimeoutError, self._channel.RemoteError) as error:
            why = last_line(str(error)) or type(error).__name__
            raise LaneUnavailable(
                f"lane {self.spec.name} does not say which names it has: {why}", "lanes of Keras 3 do"
            ) from None
        return cast("list[dict[str, Any]]", message[1])

    def send(self, plan: Plan) -> None:
        """Queues a plan; the lane works on queued plans in order without being waited for."""
        self.identity()
        self._pending[plan.id] = plan
        if self._given_up:
            self._write_off(plan.id, "crash", self._given_up, "")
        elif not self._is_starting:
            self._post(plan)

    def _post(self, plan: Plan) -> None:
        self._heard_at = time.monotonic()
        with suppress(OSError):  # it died meanwhile: what is pending is sent again when that is noticed
            self._channel.send(plan.to_wire())

    def wait(self, case_id: str, is_off: Callable[[], bool] | None = None) -> Observation:
        """The observation of a case that was sent, however the process fared over it.

        `is_off` is asked several times a second; where it says yes, Abandoned is raised and the answer not waited for.
        Raises LookupError for a case that was not sent: nothing would ever come.
        """
        if case_id not in self._pending and case_id not in self._done:
            raise LookupError(f"lane {self.spec.name} was never sent {case_id}")
        while case_id not in self._done:
            if is_off is not None and is_off():
                raise Abandoned(case_id)
            self.take(None if is_off is None else STEP)
        return self._done.pop(case_id)

    @property
    def is_up(self) -> bool:
        """Whether the process is there, has said who it is, and answers."""
        return self._channel is not None and not self._is_starting and not self._given_up and self._refused is None

    @property
    def is_starting(self) -> bool:
        """Whether the process has not said yet who it is."""
        return self._is_starting

    @property
    def load(self) -> int:
        """How many plans were sent and not answered."""
        return len(self._pending)

    def has(self, case_id: str) -> bool:
        """Whether the answer is there: `wait` would not wait."""
        return case_id in self._done

    def take_all(self) -> None:
        """Takes what has come meanwhile, and waits for nothing."""
        while self._channel is not None and not self._given_up and self.take(0.0):
            pass

    def take_back(self) -> list[Plan]:
        """The plans that no process has or had in hand, where this one is not there: another may take them."""
        if self.is_up:
            return []
        plans, self._pending = list(self._pending.values()), {}
        return plans

    def is_free_within(self, seconds: float) -> bool:
        """Lets go of all that was sent and is not wanted any more; whether the lane had done it in time."""
        end = time.monotonic() + seconds
        while self._pending and time.monotonic() < end:
            self.take(STEP)
        self._done.clear()
        return not self._pending

    def take(self, step: float | None = None) -> bool:
        """Takes one message, or notices a timeout or a death; waits for `step` seconds at most, where that is given.

        False where nothing came in that time.
        """
        if self._is_starting:
            return self._take_greeting(step)
        if self._given_up:
            return self._write_all_off()
        if self._begun is not None:
            limit = max(self._begun_at + self._time_limit(self._begun) - time.monotonic(), SHORT)
        else:
            limit = max(self._heard_at + START_LIMIT - time.monotonic(), SHORT)
        try:
            message = self._channel.receive(limit if step is None else min(limit, step))
        except self._channel.TimeoutError:
            if step is not None and step < limit:
                return False
            seconds = self._time_limit(self._begun) if self._begun else START_LIMIT
            self._lost("timeout", f"no answer within {seconds:g} s")
            return True
        except EOFError:
            code = self._exit_code()
            self._lost("crash", f"the lane's process died{exit_words(code)}", signal_of(code))
            return True
        except self._channel.RemoteError as error:
            self._lost("crash", f"the lane's worker raised: {bounded(str(error), 4_000)}")
            return True
        self._heard_at = time.monotonic()
        kind, case_id, *rest = message
        if kind == "begin":
            self._begun, self._begun_at = case_id, time.monotonic()
        else:
            self._begun = None
            self._deaths = 0
            del self._pending[case_id]
            self._done[case_id] = self._understood(case_id, rest[0])
        return True

    def _understood(self, case_id: str, message: dict[str, Any]) -> Observation:
        """The observation of an answer; a far end with other answers has a near end that reads them."""
        return from_message(self.spec.name, self.spec.adapter, message)

    def _time_limit(self, case_id: str) -> float:
        """Seconds for a case; a lane that compiles each of them gets more."""
        mode = str(self.spec.options.get("mode", ""))
        return self._pending[case_id].time_limit * (COMPILING if mode.startswith(("xla", "compile")) else 1.0)

    def _lost(self, ended: Any, detail: str, signal: str = "") -> None:
        """Writes the case in hand off, and goes on with the rest in a new process."""
        chatter = self._chatter_file.read_bytes()[-4 * MAX_TEXT :].decode("utf-8", "replace")
        self._end_process()
        self._deaths += 1
        if self._begun is not None:
            self._write_off(self._begun, ended, detail, chatter, signal)
            self._begun = None
        if self._deaths >= MAX_DEATHS:
            self._given_up = f"given up after {MAX_DEATHS} losses in a row; the last: {detail}"
        else:
            self._start_again()

    def _start_again(self) -> None:
        """A new process; when it has said who it is, it gets the plans that the lost one had not begun."""
        self.start()
        if self._refused is not None:
            self._does_not_start(self._refused)
            self._refused = None

    def _write_all_off(self) -> bool:
        """Gives up what is pending; False where nothing was."""
        pending = list(self._pending)
        for case_id in pending:
            self._write_off(case_id, "crash", self._given_up, "")
        return bool(pending)

    def _write_off(self, case_id: str, ended: Any, detail: str, chatter: str, signal: str = "") -> None:
        del self._pending[case_id]
        self._done[case_id] = Observation(
            self.spec.name, self.spec.adapter, ended=ended, detail=detail, chatter=bounded(chatter), signal=signal
        )

    def expect(self, cases: int) -> None:
        """Nothing to prepare: it is one process, however many cases there are."""

    def forgive(self) -> None:
        """Forgets losses: a campaign takes a crash apart, and what it asks may crash many times in a row."""
        self._deaths = 0
        if self._given_up:
            self._write_all_off()
            self._given_up = ""
            self._start_again()

    def _exit_code(self) -> int | None:
        """How the process ended, as far as the system tells: below 0 for a signal."""
        if self._group is None or not len(self._group):
            return None
        popen = self._group[0]._io.popen  # type: ignore[attr-defined]  # execnet offers the exit status nowhere else
        try:
            return int(popen.wait(timeout=2))
        except Exception:  # it closed its end but lives on; it is killed next
            return None

    def _end_process(self) -> None:
        if self._group is not None:
            self._group.terminate(timeout=0.2)
        self._group, self._channel, self._is_starting = None, None, False

    def stop(self) -> None:
        """Ends the process; what it has not answered is lost, so stop last."""
        if self.is_up and not self._pending:
            with suppress(OSError):  # it is gone already
                self._channel.send(None)
            self._exit_code()
        self._end_process()
        self._folder.cleanup()


def hint_for(spec: LaneSpec) -> str:
    """What to do about a lane whose framework does not import."""
    if spec.environment or spec.overlay:
        return f"other versions may go together better than {', '.join((*spec.environment, *spec.overlay))}"
    if spec.adapter not in _NEEDS:
        return f"check the adapter {spec.adapter}"
    if spec.host or spec.interpreter != sys.executable:
        where = f"on {spec.host}: " if spec.host else ""
        return f"{where}{spec.interpreter} -m pip install {_NEEDS[spec.adapter]}"
    return f"pip install -c constraints.txt {_NEEDS[spec.adapter]}"


def prepared_spec(spec: LaneSpec) -> LaneSpec:
    if not (spec.overlay or spec.environment):
        return spec
    return prepared(spec)
