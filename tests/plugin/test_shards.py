"""Shards in whole runs: each takes its part, and the merge is the run that was not split."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conformance.cli import main
from tests.builders import POOLED
from tests.plugin.conftest import Project


@pytest.fixture
def seven(pytester: pytest.Pytester) -> Project:
    project = Project(pytester, "no_mask")
    case = POOLED[POOLED.index("      - id: masked") :]
    project.write(POOLED + "".join(case.replace("id: masked", f"id: more{index}") for index in range(6)))
    return project


def told(path: Path) -> dict[str, Any]:
    """A results file without what differs from run to run."""
    found = json.loads(path.read_text())
    for key in ("started", "seconds", "command", "shard"):
        found.pop(key, None)
    for record in found["cases"]:
        for lane in record["lanes"].values():
            lane["seconds"] = 0
    found["cases"].sort(key=lambda record: record["id"])
    return found


def test_two_shards_merged_are_the_whole_run(seven: Project, capsys: pytest.CaptureFixture[str]) -> None:
    folder = seven.pytester.path
    assert seven.run("--results=whole.json").ret == 1
    parts = [str(folder / f"part{index}.json") for index in (1, 2)]
    for workers in ((), ("-n", "2")):
        for index, part in enumerate(parts, 1):
            seven.run(f"--shard={index}/2", f"--results={part}", *workers)
        assert main(["merge", *parts, "-o", str(folder / "merged.json")]) == 1
        assert "7 cases of 2 shards, each once" in capsys.readouterr().out
        assert told(folder / "merged.json") == told(folder / "whole.json"), workers


def test_a_shard_that_is_none_is_exit_code_4(seven: Project) -> None:
    assert seven.run("--shard=3/2").ret == 4
