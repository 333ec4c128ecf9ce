"""Versions that are asked for are looked up before anything is built or run."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from conformance.errors import UsageError
from conformance.gate import releases
from conformance.gate.periods import out_of_period
from conformance.lanes.declare import parse

LISTED = "keras (3.15.1)\nAvailable versions: 3.15.1, 3.9.2, 3.9.1, 3.3.3\n"


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> list[str]:
    """What pip is asked for; it lists four releases of whatever it is asked, and nothing is built yet."""
    asked: list[str] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        asked.append(command[-1])
        return subprocess.CompletedProcess(command, 0, LISTED, "")

    monkeypatch.setenv("CONFORMANCE_CACHE", str(tmp_path))
    monkeypatch.setattr(subprocess, "run", run)
    return asked


def test_a_release_that_is_not_published_is_named_with_its_neighbours(index: list[str]) -> None:
    with pytest.raises(UsageError, match=r"there is no keras 3\.9\.9") as caught:
        releases.look_up([parse("keras@3.9.9"), parse("keras@3.3.3")])
    assert caught.value.hint == "of 3.9 there are 3.9.1, 3.9.2"
    assert index == ["keras"]


def test_a_release_far_from_all_others_is_answered_with_the_newest(index: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        releases.look_up([parse("keras@9.9.9")])
    assert caught.value.hint == "the newest is 3.15.1"


@pytest.mark.parametrize("text", ["keras", "torch", "keras,python=/usr/bin/python3", "keras@3.3.3", "keras@3.9"])
def test_what_exists_or_is_not_pinned_is_let_through(text: str, index: list[str]) -> None:
    if text == "keras@3.9":
        with pytest.raises(UsageError):
            releases.look_up([parse(text)])
    else:
        releases.look_up([parse(text)])


def test_where_pip_cannot_say_building_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("CONFORMANCE_CACHE", str(tmp_path))
    failed = subprocess.CompletedProcess([], 1, "", "ERROR: no index\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    releases.look_up([parse("keras@9.9.9")])


@pytest.mark.parametrize(
    ("versions", "words"),
    [
        ({"keras": "3.6.0", "tensorflow": "2.17.1"}, ""),
        ({"keras": "3.6.0"}, ""),
        ({"keras": "4.0.0", "tensorflow": "2.21.0"}, ""),
        (
            {"keras": "3.3.3", "tensorflow": "2.15.1"},
            "tensorflow 2.15.1 is older than keras 3.3.3, which",
        ),
    ],
)
def test_a_tensorflow_of_another_time_is_told(versions: dict[str, str], words: str) -> None:
    assert out_of_period(versions).startswith(words)
    assert bool(out_of_period(versions)) == bool(words)
