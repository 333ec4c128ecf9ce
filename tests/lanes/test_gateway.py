"""What is no Python, or never answers, is said to be that, in time; nothing of it stays."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.errors import LaneUnavailable
from conformance.lanes import gateway
from conformance.lanes.process import ProcessLane
from conformance.watch.lanes import RelayedLane
from tests.builders import fake


def program(folder: Path, text: str) -> str:
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def test_an_interpreter_that_never_answers_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "GREETING_LIMIT", 0.5)
    silent = program(tmp_path, f"echo $$ > {tmp_path}/pid\nexec sleep 600")
    lane = ProcessLane(replace(fake("always_right"), interpreter=silent))
    started = time.monotonic()
    with pytest.raises(LaneUnavailable, match=r"always_right: .*/python did not answer within 0\.5 s") as raised:
        lane.identity()
    assert "is it a Python?" in (raised.value.hint or "")
    assert time.monotonic() - started < 10.0
    number = (tmp_path / "pid").read_text().strip()
    deadline = time.monotonic() + 10.0
    while is_running(number) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(number), "it was ended"
    lane.stop()


def is_running(number: str) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{number}/status").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("text", ["echo no Python", "exit 3"])
def test_what_is_no_python_is_said_to_be_none(text: str, tmp_path: Path) -> None:
    lane = ProcessLane(replace(fake("always_right"), interpreter=program(tmp_path, text)))
    with pytest.raises(LaneUnavailable, match="is not a Python"):
        lane.identity()
    lane.stop()


def test_a_lane_keeps_what_it_compiles_unless_its_sources_are_being_edited() -> None:
    spec = fake("always_right")
    assert "dont_write_bytecode" not in gateway._address(spec, keeps_bytecode=True)
    assert "dont_write_bytecode" in gateway._address(spec, keeps_bytecode=False)
    assert not ProcessLane.is_edited
    assert RelayedLane.is_edited


def test_an_idle_process_leaves_by_itself_when_its_lane_is_stopped() -> None:
    lane = ProcessLane(fake("always_right"))
    lane.identity()
    assert lane._group is not None
    process: Any = lane._group[0]._io  # execnet offers the exit status nowhere else
    lane.stop()
    assert process.popen.returncode == 0, "it was not killed"


def test_what_a_library_registered_for_the_end_is_done_before_a_process_leaves() -> None:
    told = (
        "import atexit; from conformance.lanes.worker import leave; atexit.register(print, 'done', flush=True); leave()"
    )
    run = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (0, "done\n")
