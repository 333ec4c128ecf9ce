"""One bad thing costs one thing: a case that cannot be read, planned or drawn fails at its own place, all else runs."""

from __future__ import annotations

import json

import pytest

from tests.plugin.conftest import Project

FINE = """
    schema_version: 1
    topic: A case that is in order
    dims: {batch: 2, features: 5}
    cases:
      - id: fine
        question: Does this one keep its own verdict?
        inputs: {x: {shape: [batch, features]}}
        layers: {d: {type: Dense, units: 3}}
        graph: {y: d(x)}
"""
TOO_LARGE = FINE.replace("id: fine", "id: too_large").replace("units: 3", "units: 1000000000")
UNKNOWN = FINE.replace("id: fine", "id: unknown").replace("{type: Dense, units: 3}", "{type: Dens, units: 3}")
BESIDE = FINE + UNKNOWN.partition("cases:\n")[2]
"""A case in order and one that is not, in one file."""


@pytest.fixture
def poisoned(pytester: pytest.Pytester) -> Project:
    project = Project(pytester, "always_right")
    project.write(FINE, "first")
    project.write(TOO_LARGE, "second")
    project.write(BESIDE, "third")
    project.write("- [", "fourth")
    return project


def test_every_other_case_runs_and_each_mistake_is_told_at_its_place(poisoned: Project) -> None:
    found = poisoned.run("--results", "results.json", "-rf")
    assert found.ret == 2
    found.stdout.fnmatch_lines_random(
        [
            "*cases/fam/third.case.yaml:*: error: *Dens*",
            "*cases/fam/fourth.case.yaml:*: error: *",
            "*FAILED cases/fam/second.case.yaml::fam/second.too_large[[]always_right[]]*",
            "*FAILED cases/fam/third.case.yaml::fam/third.unknown*",
        ]
    )
    results = json.loads((poisoned.pytester.path / "results.json").read_text())
    assert [record["id"] for record in results["cases"]] == ["fam/first.fine", "fam/third.fine"]
    assert {record["outcome"] for record in results["cases"]} == {"agree"}
    reasons = {item["id"]: item["reason"] for item in results["not_run"]}
    assert sorted(reasons) == ["fam/second.too_large", "fam/third.unknown", "fourth.case.yaml"]
    assert "third.case.yaml:13:" in reasons["fam/third.unknown"]
    assert results["footer"] == {"complete": False, "stopped": "3 of the cases cannot be asked", "cases": 2}


def test_two_workers_say_the_same(poisoned: Project) -> None:
    found = poisoned.run("--results", "results.json", "-n", "2")
    assert found.ret == 2
    results = json.loads((poisoned.pytester.path / "results.json").read_text())
    assert sorted(record["id"] for record in results["cases"]) == ["fam/first.fine", "fam/third.fine"]
    assert len(results["not_run"]) == 3


def test_a_bad_case_that_is_not_selected_costs_nothing(poisoned: Project) -> None:
    assert poisoned.run("-k", "fine").ret == 0


def test_what_no_lane_is_asked_about_is_told_once_for_all_lanes(pytester: pytest.Pytester) -> None:
    project = Project(pytester, "always_right", "always_wrong")
    project.write(TOO_LARGE, "second")
    found = project.run("-rN")
    assert found.ret == 2
    assert sum("ask the same of smaller layers" in line for line in found.outlines) == 1
    assert sum("told at fam/second.too_large[always_right]" in line for line in found.outlines) == 2
