"""Scripts of a lane that raised on the way back: they must raise again, of that type, and no sooner."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from conformance.judge.verdict import Verdict
from conformance.record.parts import FailureRecord, FindingRecord
from conformance.repro.evidence import Evidence
from conformance.repro.issue import issue
from conformance.repro.script import script
from tests.builders import POOLED
from tests.repro.asked import with_lanes
from tests.repro.scripts import alone
from tests.repro.test_numpy import evidence

RAISED = FailureRecord("backward", "RuntimeError", "modified by an inplace operation", "")


def raising(folder: Path) -> Evidence:
    """The evidence, had the reference raised on the way back."""
    given = evidence(POOLED, folder)
    finding = FindingRecord("gradient", "raised", "", 0, None, RAISED, "reference", None)
    own = given.record.lanes["numpy"]
    held = replace(own, verdict=Verdict.DIFFER, findings=(finding,), gradient_failure=RAISED)
    return with_lanes(given, {"numpy": held})


@pytest.mark.parametrize(
    ("added", "code", "words"),
    [
        ("raise RuntimeError('modified')", 0, "raised in phase backward: RuntimeError: modified\nreproduced\n"),
        ("raise TypeError('modified')", 1, "raised in phase backward: TypeError: modified\nNOT REPRODUCED"),
        ("pass", 1, "nothing was raised\nNOT REPRODUCED: the report says: raised RuntimeError in phase backward"),
    ],
)
def test_it_must_raise_again_when_gradients_are_asked_for(added: str, code: int, words: str, tmp_path: Path) -> None:
    text = script(raising(tmp_path), "numpy")
    assert text.count("def gradients():\n") == 1
    ended = alone(text.replace("def gradients():\n", f"def gradients():\n        {added}\n"), tmp_path)
    assert ended.code == code, ended.output
    assert words in ended.output


def test_the_same_error_on_the_way_forwards_is_another(tmp_path: Path) -> None:
    text = script(raising(tmp_path), "numpy")
    assert text.count("def graph(ids):\n") == 1
    early = text.replace("def graph(ids):\n", "def graph(ids):\n        raise RuntimeError('modified')\n")
    ended = alone(early, tmp_path)
    assert (ended.code, "raised in phase call: RuntimeError: modified\nNOT REPRODUCED" in ended.output) == (1, True)


def test_the_scripts_of_other_lanes_say_nothing_of_gradients(tmp_path: Path) -> None:
    given = raising(tmp_path)
    held = given.record.lanes["numpy"]
    right = replace(held, verdict=Verdict.AGREE, findings=(), gradient_failure=None)
    assert "gradient" not in script(with_lanes(given, {"numpy": right, "other": held}), "numpy")


def test_a_bug_report_says_what_was_raised(tmp_path: Path) -> None:
    text = issue(raising(tmp_path), "numpy")
    assert "gradient: numpy gave values, and raised RuntimeError in the backward pass" in text
    assert "```\nmodified by an inplace operation\n```" in text
