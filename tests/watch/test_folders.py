"""What changes on the disk arrives once, however it was saved; a folder that is gone is waited for."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.watch.folders import Folders


class Watched:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.said: list[str] = []
        self.folders = Folders([root], self.said.append)
        self.folders.start()
        self.settle()

    def settle(self) -> None:
        """Until a first change is seen: the system says nowhere when it has begun to look."""
        probe = self.root / "probe.txt"
        for number in range(200):
            probe.write_text(str(number))
            if self.folders.next(0.05):
                break
        while self.folders.next(0.3):
            pass

    def changed(self, seconds: float = 30.0) -> set[str]:
        end = time.monotonic() + seconds
        found: set[Path] = set()
        while time.monotonic() < end and not found:
            found |= self.folders.next(0.1)
        return {path.name for path in found}


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    root = tmp_path / "cases"
    root.mkdir()
    made = Watched(root)
    yield made
    made.folders.stop()


def test_a_file_that_is_saved_is_given(watched: Watched) -> None:
    (watched.root / "a.case.yaml").write_text("1")
    assert watched.changed() == {"a.case.yaml"}
    assert not watched.folders.is_pending


def test_one_that_is_saved_by_renaming_is_too_and_what_editors_leave_is_not(watched: Watched) -> None:
    (watched.root / "a.case.yaml~").write_text("1")
    (watched.root / "__pycache__").mkdir()
    (watched.root / "__pycache__" / "a.pyc").write_text("1")
    (watched.root / ".part").write_text("2")
    os.replace(watched.root / ".part", watched.root / "a.case.yaml")
    assert watched.changed() - {".part"} == {"a.case.yaml"}


def test_a_folder_that_is_gone_is_said_once_and_all_of_it_may_have_changed_when_it_is_back(watched: Watched) -> None:
    shutil.rmtree(watched.root)
    for _ in range(600):
        watched.folders.next(0.05)
        if watched.said:
            break
    time.sleep(0.2)
    assert watched.said == [f"{watched.root} is gone: waiting until it is there again"]
    watched.root.mkdir()
    assert "cases" in watched.changed()
    (watched.root / "b.case.yaml").write_text("1")
    assert "b.case.yaml" in watched.changed() | watched.changed(1)
    assert len(watched.said) == 1


def test_a_single_file_is_watched_too(watched: Watched, tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.write_text("1")
    watched.folders.also([own], since=time.time() + 60)
    watched.folders.also([own], since=0.0)  # watched already
    assert not watched.folders.is_pending
    for number in range(60):  # it is looked at from the next look on
        (tmp_path / "new.py").write_text(str(number))
        os.replace(tmp_path / "new.py", own)
        if "own.py" in watched.changed(0.5):
            return
    raise AssertionError("nothing was seen")


def test_what_was_saved_before_it_was_watched_has_changed(watched: Watched, tmp_path: Path) -> None:
    """A process may have read it before."""
    (tmp_path / "deviations").mkdir()
    (tmp_path / "deviations" / "known.yaml").write_text("1")
    (tmp_path / "own.py").write_text("1")
    watched.folders.also([tmp_path / "deviations", tmp_path / "own.py", tmp_path / "none"], since=time.time() - 60)
    assert watched.changed() == {"known.yaml", "own.py"}
