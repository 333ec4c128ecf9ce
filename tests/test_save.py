"""`conformance save`: which files are written, by whom, and what is said where none can be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.case.load import load_folder
from conformance.cli import live, main
from conformance.lanes import process
from conformance.lanes.in_process import InProcessLane
from conformance.lanes.spec import LaneSpec
from conformance.run import LANES
from tests.builders import cases_of

LANE = "keras@3.6.0"
TEXT = """
    schema_version: 1
    topic: files
    dims: {batch: 2}
    source: {kind: hand}
    cases:
      - id: one
        question: q
        inputs: {x: {shape: [batch, 3]}}
        layers: {dense: {type: Dense, units: 2}}
        graph: {predicted: dense(x)}
        saved: {as: h5, in: keras@3.6.0, kept: 0.5}
      - id: other
        question: q
        inputs: {x: {shape: [batch, 3]}}
        layers: {dense: {type: Dense, units: 2}}
        graph: {predicted: dense(x)}
        saved: {as: weights, in: keras@3.6.0}
      - id: own
        question: Is it the same where each lane writes its own?
        inputs: {x: {shape: [batch, 3]}}
        layers: {dense: {type: Dense, units: 2}}
        graph: {predicted: dense(x)}
        saved: {as: h5}
"""
ONE, OTHER = "fam/saved/topic.one-keras@3.6.0.h5", "fam/saved/topic.other-keras@3.6.0.weights.h5"
Command = Callable[..., int]


@pytest.fixture
def save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Calls the command over the three cases, with a lane of this behaviour in the place of Keras 3.6.0."""

    def command(*words: str, behaviour: str = "writes") -> int:
        monkeypatch.setattr(live, "LANES", {**LANES, LANE: LaneSpec(LANE, "tests.fakes", {"behaviour": behaviour})})
        return main(["save", *words, "--cases", str(tmp_path)])

    monkeypatch.setattr(process, "ProcessLane", InProcessLane)
    cases_of(TEXT, tmp_path)
    return command


def test_files_that_are_missing_are_written_and_no_others(
    save: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "fam" / "saved").mkdir()
    (tmp_path / OTHER).write_bytes(b"the file of before")
    assert save() == 0
    assert (tmp_path / ONE).read_bytes() == b"fam/topic.one as h5, 1 of it, after 0 bytes"
    assert (tmp_path / OTHER).read_bytes() == b"the file of before"
    assert sorted(path.name for path in (tmp_path / "fam" / "saved").iterdir()) == [Path(ONE).name, Path(OTHER).name]
    assert capsys.readouterr().err == f"{tmp_path / ONE} (43 bytes), by {LANE}\n"
    assert all(case.saved is None or not case.saved.written_in or case.saved.sha256 for case in load_folder(tmp_path))
    assert save() == 0
    assert capsys.readouterr().out == "every file is there\n"


def test_the_file_of_a_case_that_is_named_is_written_anew(save: Command, tmp_path: Path) -> None:
    (tmp_path / "fam" / "saved").mkdir()
    (tmp_path / OTHER).write_bytes(b"the file of before")
    assert save("topic.other") == 0
    assert (tmp_path / OTHER).read_bytes() == b"fam/topic.other as weights, 1 of it, after 0 bytes"
    assert not (tmp_path / ONE).exists()


MISTAKES = {
    "an id with a typo": (["topic.oen"], "writes", 4, "no case is called topic.oen in"),
    "an id that is nearly one": (["fam/topic.otter"], "writes", 4, "did you mean fam/topic.other?"),
    "a case whose file each lane writes": (["topic.own"], "writes", 4, "no case is called topic.own in"),
    "an empty id": ([" "], "writes", 4, "which case? an empty id is none"),
    "a lane that writes nothing": (["topic.one"], "always_right", 4, "fam/topic.one: keras@3.6.0 wrote no file"),
    "a lane that raises": (["topic.one"], "raises", 4, "keras@3.6.0 wrote no file: this lane always raises"),
    "a lane that cannot start": (["topic.one"], "cannot_start", 4, "No module named 'imaginary'"),
    "a file that is too large": (["topic.one"], "writes_at_length", 4, "1048577 bytes; 1048576 are allowed"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_a_message_and_leaves_no_file(
    name: str, save: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words, behaviour, code, message = MISTAKES[name]
    assert save(*words, behaviour=behaviour) == code
    printed = capsys.readouterr()
    assert message in printed.err
    assert "Traceback" not in printed.err
    assert printed.out == ""
    assert not list(tmp_path.rglob("*.h5"))


def test_cases_of_which_none_has_a_file_of_another_lane(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases_of(TEXT.replace(", in: keras@3.6.0", ""), tmp_path)
    assert main(["save", "--cases", str(tmp_path)]) == 4
    assert "has a file that another lane wrote" in capsys.readouterr().err
    assert main(["save", "--cases", str(tmp_path / "none")]) == 4
    assert "Traceback" not in capsys.readouterr().err
