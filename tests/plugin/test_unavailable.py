"""Lanes that cannot start, in whole runs: the others' results are kept, and nothing passes for what did not run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.plugin.asked import render
from tests.plugin.conftest import Project
from tests.plugin.test_runs import many, results

WORKERS = pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
IMAGINARY = "lane cannot_start cannot start: ImportError: No module named 'imaginary'"


def rows(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in found["lanes"]}


@WORKERS
def test_the_other_lanes_keep_their_results_and_one_message_stands_first(
    pytester: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    project = Project(pytester, "cannot_start", "always_right", "always_wrong")
    project.write(many(4))
    result = project.run("--results", "r.json", "--junitxml=r.xml", *workers)
    assert result.ret == 4
    found = results(project)
    assert len(found["cases"]) == 4
    assert found["not_run"] == []
    assert found["footer"] == {"complete": False, "stopped": IMAGINARY, "cases": 4}
    lanes = rows(found)
    lost = lanes["cannot_start"]
    assert (lost["ran"], lost["selected"], lost["verdicts"], lost["versions"]) == (0, 4, {}, {})
    assert lost["unavailable"] == {"message": IMAGINARY, "hint": "check the adapter tests.fakes"}
    assert lanes["always_right"]["verdicts"] == {"agree": 4}
    assert lanes["always_wrong"]["verdicts"] == {"differ": 4}
    assert lanes["always_right"]["unavailable"] is None
    assert all("cannot_start" not in record["lanes"] for record in found["cases"])
    counts = ElementTree.parse(pytester.path / "r.xml").getroot()[0].attrib
    assert (counts["errors"], counts["failures"], counts["skipped"]) == ("4", "4", "0")
    result.stdout.fnmatch_lines(["*4 failed, 8 passed, 4 not run in*"])
    text = result.stdout.str()
    assert text.count(IMAGINARY) == 1
    summary = text[text.index("lane cannot_start: ") :].splitlines()
    assert summary[:2] == [
        f"lane cannot_start: ran 0 of 4 cases: {IMAGINARY}",
        "   = help: check the adapter tests.fakes",
    ]
    assert summary[2].startswith("lane always_right: fake 1.0")


def test_a_lane_that_starts_is_not_called_lost(right: Project) -> None:
    result = right.run("--results", "r.json")
    assert result.ret == 0
    assert "not run" not in result.stdout.str()
    assert [row["unavailable"] for row in results(right)["lanes"]] == [None, None]


def test_a_worker_that_dies_at_import_says_how(pytester: pytest.Pytester) -> None:
    project = Project(pytester, "dies_at_import", "always_right")
    project.write(many(2))
    assert project.run("--results", "r.json").ret == 4
    found = rows(results(project))
    assert found["dies_at_import"]["unavailable"]["message"] == (
        "lane dies_at_import cannot start: its process died while starting (SIGABRT); "
        "its last words: Fatal Python error: Aborted"
    )
    assert found["always_right"]["verdicts"] == {"agree": 2}


def no_python(folder: Path) -> Path:
    """A program that is there, can be started, and is no Python."""
    path = folder / "no_python"
    path.write_text("#!/bin/sh\nexit 0\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("lane", "message", "hint"),
    [
        ("x=numpy,python=/no/such/python", "/no/such/python cannot be started", "name an interpreter that exists"),
        ("x=numpy,python=NO_PYTHON", "no_python is not a Python", "name an interpreter that exists"),
        ("x=numpy,python=BARE", "ModuleNotFoundError: No module named 'numpy'", "-m pip install numpy autograd"),
        (f"x=numpy@1.0,python={sys.executable}", "asked for numpy==1.0, numpy", "name an interpreter or a version"),
    ],
    ids=["no_interpreter", "no_python", "nothing_installed", "another_version"],
)
def test_what_cannot_start_costs_its_own_cases_only(
    right: Project, tmp_path: Path, lane: str, message: str, hint: str
) -> None:
    lane = lane.replace("NO_PYTHON", str(no_python(tmp_path)))
    if "BARE" in lane:
        lane = lane.replace("BARE", str(bare(tmp_path / "bare")))
    result = right.run("--lanes", "always_right", "--lane", lane, "--results", "r.json")
    assert result.ret == 4
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    found = rows(results(right))
    assert message in found["x"]["unavailable"]["message"]
    assert hint in found["x"]["unavailable"]["hint"]
    assert (found["x"]["ran"], found["x"]["selected"]) == (0, 1)
    assert found["always_right"]["verdicts"] == {"agree": 1}


def bare(folder: Path) -> Path:
    """An interpreter of its own with nothing installed."""
    import venv

    venv.create(folder, symlinks=True, with_pip=False)
    return folder / "bin" / "python"


def test_without_the_reference_nothing_is_judged(pytester: pytest.Pytester) -> None:
    project = Project(pytester, "always_right")
    project.write(many(3))
    conftest = pytester.path / "conftest.py"
    lost = 'known.LaneSpec("numpy", "tests.fakes", {"behaviour": "cannot_start"})}'
    conftest.write_text(conftest.read_text().replace('known.LANES["numpy"]}', lost))
    result = project.run("--results", "r.json")
    assert result.ret == 4
    result.stdout.fnmatch_lines(["*6 not run in*"])
    found = results(project)
    assert found["cases"] == []
    assert [item["reason"] for item in found["not_run"]] == [IMAGINARY.replace("cannot_start", "numpy", 1)] * 3


def test_the_report_says_first_which_lane_ran_nothing(pytester: pytest.Pytester) -> None:
    project = Project(pytester, "cannot_start", "always_right")
    project.write(many(2))
    project.run("--results", "r.json", "--report", "r.html")
    page = (pytester.path / "r.html").read_text()
    assert "<title>INCOMPLETE: cannot_start could not start and ran 0 of 2 cases" in page
    assert "The lane cannot_start ran 0 of 2 cases, which is no verdict on them: lane cannot_start cannot start" in page
    found = results(project)
    for row in found["lanes"]:
        row["unavailable"] = None
    found["footer"].update(complete=True, stopped="")
    assert "could not start" not in render(found)
