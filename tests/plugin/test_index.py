"""Collecting reads the files of what is selected, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.pytest_plugin import holds_cases
from tests.builders import POOLED, cases_of
from tests.plugin.conftest import UNUSED, Project

COUNTS = """
import conformance.case.load as load
real = load.load_parts
def load_parts(path, display=None):
    print("READS", path.name)
    return real(path, display)
load.load_parts = load_parts
"""
KEEPS = [option for option in UNUSED if option != "--no-cache"]


@pytest.fixture
def project(mixed: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    mixed.write(POOLED, "other")
    mixed.write(POOLED, "third")
    conftest = mixed.pytester.path / "conftest.py"
    conftest.write_text(conftest.read_text() + COUNTS)
    monkeypatch.setenv("CONFORMANCE_CACHE", str(mixed.pytester.path / "kept"))
    return mixed


def run(project: Project, *arguments: str) -> pytest.RunResult:
    return project.pytester.runpytest_subprocess(*KEEPS, "-s", "-q", *arguments)


def reads(result: pytest.RunResult) -> list[str]:
    return sorted(line.split()[-1] for line in result.outlines if "READS" in line)


EVERY = ["other.case.yaml", "third.case.yaml", "topic.case.yaml"]


def test_what_is_not_selected_is_not_read_again(project: Project) -> None:
    assert reads(run(project, "cases", "--collect-only")) == EVERY
    assert reads(run(project, "cases", "--collect-only")) == []
    one = run(project, "cases", "-k", "other and numpy")
    assert reads(one) == ["other.case.yaml"]
    one.assert_outcomes(passed=1, deselected=8)
    assert reads(run(project, "cases", "-m", "layer(name='Conv1D')")) == []
    assert reads(run(project, "cases/fam/topic.case.yaml::fam/topic.masked[numpy]")) == ["topic.case.yaml"]
    project.write(POOLED + "\n# changed\n", "other")
    assert reads(run(project, "cases", "--collect-only")) == ["other.case.yaml"]


def test_without_what_was_kept_everything_is_read(project: Project) -> None:
    run(project, "cases", "--collect-only")
    assert reads(run(project, "cases", "--collect-only", "--no-cache")) == EVERY


def test_a_file_with_a_mistake_is_told_every_time(project: Project) -> None:
    project.write(POOLED.replace("mask_zero: true", "mask_zeros: true"), "other")
    for _ in range(2):
        result = run(project, "cases", "-k", "other")
        assert result.ret == 2
        result.stdout.fnmatch_lines(["*unknown argument mask_zeros*"])


def test_a_damaged_list_is_a_line_and_the_run_is_right(project: Project) -> None:
    run(project, "cases", "--collect-only")
    kept = sorted((project.pytester.path / "kept" / "collected").iterdir())
    kept[0].write_text("not a list")
    result = run(project, "cases", "-k", "numpy")
    result.assert_outcomes(passed=3, deselected=6)
    result.stdout.fnmatch_lines(["the lists of 1 case file were damaged, and made again"])
    assert "damaged" not in run(project, "cases", "-k", "numpy").stdout.str()


FED = """
    schema_version: 1
    topic: data beside it
    source: {kind: hand}
    cases:
      - id: fed
        question: What is fed?
        inputs: {x: {shape: [2, 2], fill: {file: {path: x.json}}}}
        layers: {relu: {type: ReLU}}
        graph: {y: relu(x)}
"""


def test_data_that_have_gone_since_are_that_case_s_mistake(project: Project) -> None:
    data = project.write(FED, "other").parent / "x.json"
    data.write_text("[[1.0, 2.0], [1.0, 2.0]]")
    assert run(project, "cases", "-k", "fed and numpy").ret == 0
    data.unlink()
    result = run(project, "cases", "-k", "numpy")
    assert result.ret == 2
    result.assert_outcomes(passed=2, failed=1, deselected=6)
    result.stdout.fnmatch_lines(["*the data file cannot be read*"])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["cases"], True),
        (["cases/fam"], True),
        (["cases/fam/topic.case.yaml::fam/topic.masked"], True),
        (["tests", "cases"], True),
        (["tests"], False),
        (["nowhere"], False),
        ([], False),
    ],
)
def test_a_lane_starts_early_only_where_cases_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], expected: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    cases_of(POOLED, tmp_path / "cases")
    (tmp_path / "tests" / "deep").mkdir(parents=True)
    assert holds_cases(arguments) is expected
