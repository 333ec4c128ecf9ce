"""Scripts of lanes that gave no answer: a process that was lost, weights of other shapes; every check has its twin."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from conformance.judge.verdict import Verdict
from conformance.record.parts import FailureRecord, OtherWeightRecord
from conformance.repro.endings import shape_lines, signal_lines
from conformance.repro.errors import NotScriptable
from conformance.repro.evidence import Evidence
from conformance.repro.issue import issue
from conformance.repro.names import Names
from conformance.repro.parts import Body
from conformance.repro.script import script
from tests.report import factory
from tests.repro.asked import signal_of, with_lanes
from tests.repro.scripts import alone
from tests.repro.test_numpy import evidence
from tests.repro.test_training import KINK


def body(*call: str) -> Body:
    """A lane's part of a script that imports nothing."""
    build = ("class Made:", "    weights = [np.zeros((7, 4)), np.zeros(3)]", "", "", "norm = Made")
    return Body((), (), build, (*call, "def graph(x):", "    return {}", ""), "%s", "value", "", Names())


@pytest.mark.parametrize(
    ("call", "code", "words"),
    [
        ("os.kill(os.getpid(), signal.SIGFPE)", 0, "ended with SIGFPE\nreproduced"),
        ("os.kill(os.getpid(), signal.SIGTERM)", 1, "ended with SIGTERM\nNOT REPRODUCED: the report says: SIGFPE"),
        ("pass", 1, "ended with exit code 0\nNOT REPRODUCED"),
        ("raise ValueError", 1, "ended with exit code 1\nNOT REPRODUCED"),
    ],
)
def test_a_lost_process_is_lost_again_in_a_child(tmp_path: Path, call: str, code: int, words: str) -> None:
    head = ["import os, signal, subprocess, sys", "import numpy as np", "inputs = {'x': 1}"]
    ended = alone("\n".join([*head, *signal_lines(body(call), "SIGFPE", ["inputs"])]), tmp_path)
    assert ended.code == code, ended.output
    assert words in ended.output


@pytest.mark.parametrize(("ended", "signal"), [({"signal": "SIGFPE"}, "SIGFPE"), ({"signal": "SIGKILL"}, ""), ({}, "")])
def test_only_a_signal_of_its_own_is_waited_for(ended: dict[str, str], signal: str) -> None:
    assert signal_of({**factory.lane(verdict="crash", reason="the lane's process died"), **ended}) == signal


def test_a_report_of_a_lost_process_has_a_script_and_says_how_it_ended(tmp_path: Path) -> None:
    given = evidence(KINK, tmp_path)
    lost = replace(
        given.record.lanes["numpy"],
        verdict=Verdict.CRASH,
        reason="the lane's process died (SIGFPE)",
        signal="SIGFPE",
        runs=(),
        failure=None,
        findings=(),
    )
    text = issue(with_lanes(given, {"numpy": lost}), "numpy")
    assert "## Got\n\nThe lane's process died (SIGFPE).\n" in text
    assert "# The report says: this lane's process is ended by SIGFPE.\n" in text
    killed = replace(lost, reason="the lane's process died (SIGKILL; out of memory?)", signal="SIGKILL")
    with pytest.raises(NotScriptable, match="did not survive the case, nor would the script"):
        script(with_lanes(given, {"numpy": killed}), "numpy")


def shaped(given: Evidence, message: str, got: tuple[int, ...] | None) -> str:
    weight = OtherWeightRecord("norm", "kernel", got, (2, 1))
    lines = shape_lines(given, body(), FailureRecord("weights", "WeightMismatch", message, "norm", weight=weight))
    return "\n".join(["import sys", "import numpy as np", *lines]).replace("weight.name", "None")


def test_a_weight_of_another_shape_is_shown_by_its_shape(tmp_path: Path) -> None:
    text = KINK.replace("dense: {", "norm: {").replace("dense(x)", "norm(x)")
    given = evidence(text, tmp_path)
    said = "norm.kernel has shape (7, 4) in Keras, (2, 1) in the reference"
    ended = alone(shaped(given, said, (7, 4)), tmp_path)
    assert ended.code == 0, ended.output
    assert "the reference expects: [('kernel', (2, 1)), ('bias', (1,))]" in ended.output
    ended = alone(shaped(given, said, (4, 7)), tmp_path)
    assert (ended.code, "NOT REPRODUCED" in ended.output) == (1, True), ended.output
    with pytest.raises(NotScriptable, match="the weights are not those of the reference: norm has no weight kernel"):
        shaped(given, "norm has no weight kernel; Keras holds bias", None)
