"""What was kept from an earlier run saves time and changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.plugin.conftest import UNUSED, Project

PLUGINS = tuple(option for option in UNUSED if option != "--no-cache")


def lanes_in(path: Path) -> dict[str, Any]:
    """The lanes of the only case, without what is measured."""
    (record,) = json.loads(path.read_text(encoding="utf-8"))["cases"]
    return {name: {**held, "seconds": 0} for name, held in record["lanes"].items()}


def test_a_second_run_is_answered_from_the_first(
    mixed: Project, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("CONFORMANCE_CACHE", str(cache))
    found = []
    for name, options in (("first", ()), ("second", ()), ("without", ("--no-cache",))):
        path = mixed.pytester.path / f"{name}.json"
        mixed.pytester.runpytest_subprocess(*PLUGINS, "cases", f"--results={path}", *options)
        found.append(lanes_in(path))
        assert len(list((cache / "answers").iterdir())) == 1
    assert found[0] == found[1] == found[2]


def test_without_a_cache_nothing_is_kept(
    right: Project, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("CONFORMANCE_CACHE", str(cache))
    assert right.run().ret == 0
    assert list(cache.iterdir()) == []
