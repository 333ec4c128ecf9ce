"""A lane's process that cannot be had: nothing of it is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from conformance.errors import LaneUnavailable
from conformance.lanes.process import ProcessLane
from conformance.lanes.spec import LaneSpec

SILENT = "exit 0"
CLOSED = "exec <&-; echo hello; exec sleep 600"
TALKS = "echo hello; exec cat >/dev/null"
"""Reads all that it is given for as long as anybody holds its pipe, and says something else than a Python."""


def program(folder: Path, text: str) -> Path:
    """A program that is no Python and writes down its process id."""
    path = folder / "program"
    path.write_text(f"#!/bin/sh\necho $$ > {folder}/pid\n{text}\n")
    path.chmod(0o755)
    return path


def is_there(pid: int) -> bool:
    """Whether a process is alive, or ended and not waited for."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("text", [SILENT, CLOSED, TALKS], ids=["silent", "closed", "talks"])
def test_no_process_of_a_refused_interpreter_is_left(tmp_path: Path, text: str) -> None:
    path = program(tmp_path, text)
    lane = ProcessLane(LaneSpec("x", "numpy", interpreter=str(path)))
    try:
        with pytest.raises(LaneUnavailable, match=f"lane x: {path} is not a Python") as caught:
            lane.identity()
        assert not is_there(int((tmp_path / "pid").read_text()))
    finally:
        lane.stop()
    assert caught.value.hint == "name an interpreter that exists"


def test_a_process_that_nobody_waited_for_is_seen(tmp_path: Path) -> None:
    """The negative twin of `is_there`: an ended process stays until it is waited for."""
    with subprocess.Popen([program(tmp_path, SILENT)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read() == b""
        assert is_there(process.pid)
        process.wait()
        assert not is_there(process.pid)


def test_an_interpreter_that_is_not_there_leaves_nothing(tmp_path: Path) -> None:
    lane = ProcessLane(LaneSpec("x", "numpy", interpreter=str(tmp_path / "none")))
    with pytest.raises(LaneUnavailable, match="none cannot be started"):
        lane.identity()
    lane.stop()


def test_a_lane_does_not_hear_the_terminals_interrupt_and_says_nothing_of_its_own(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The process that starts lanes ends them; one that is interrupted while it starts would print its frames."""
    lane = ProcessLane(LaneSpec("n", "numpy"))
    try:
        lane.start()
        group = lane._group
        assert group is not None
        process: subprocess.Popen[bytes] = group[0]._io.popen  # type: ignore[attr-defined]  # execnet's types leave it out
        os.kill(process.pid, signal.SIGINT)
        assert "numpy" in lane.identity().versions
    finally:
        lane.stop()
    assert capfd.readouterr().err == ""


def test_the_process_that_starts_lanes_hears_it_still() -> None:
    lane = ProcessLane(LaneSpec("n", "numpy"))
    try:
        lane.start()
        assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    finally:
        lane.stop()
