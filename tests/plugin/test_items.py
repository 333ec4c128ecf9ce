"""Cases as pytest items: names, selection, order, skips."""

from __future__ import annotations

import fnmatch

import pytest

from tests.builders import POOLED
from tests.plugin.conftest import Project

SECOND = POOLED.replace("id: masked", "id: again").replace("fam", "fam")


def names(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if line.startswith("cases/")]


def test_one_item_a_case_and_lane(mixed: Project) -> None:
    result = mixed.run("--collect-only", "-q")
    assert names(result) == [
        "cases/fam/topic.case.yaml::fam/topic.masked[always_right]",
        "cases/fam/topic.case.yaml::fam/topic.masked[always_wrong]",
        "cases/fam/topic.case.yaml::fam/topic.masked[numpy]",
    ]


def test_a_case_is_selected_by_file_and_id_with_or_without_its_lane(mixed: Project) -> None:
    every = mixed.pytester.runpytest_subprocess("cases/fam/topic.case.yaml::fam/topic.masked", "--collect-only", "-q")
    one = mixed.pytester.runpytest_subprocess(
        "cases/fam/topic.case.yaml::fam/topic.masked[always_right]", "--collect-only", "-q"
    )
    assert (len(names(every)), len(names(one))) == (3, 1)


@pytest.mark.parametrize(
    ("arguments", "number"),
    [
        (["-k", "masked"], 3),
        (["-k", "topic and numpy"], 1),
        (["-k", "Embedding"], 3),
        (["-k", "lstm"], 0),
        (["-m", "layer(name='Embedding')"], 3),
        (["-m", "layer(name='Embed')"], 0),
        (["-m", "lane(name='numpy')"], 1),
        (["--lanes", "always_wrong"], 2),
    ],
)
def test_selection_works_as_a_pytest_user_expects(mixed: Project, arguments: list[str], number: int) -> None:
    assert len(names(mixed.run("--collect-only", "-q", *arguments))) == number


def test_an_item_stands_at_the_true_line_of_its_case(mixed: Project) -> None:
    path = mixed.write(POOLED)
    line = path.read_text().splitlines().index("  - id: masked") + 1
    result = mixed.run("-rf", "--junitxml=junit.xml", "-o", "junit_family=xunit1")
    assert f'line="{line - 1}"' in (mixed.pytester.path / "junit.xml").read_text()
    assert result.ret == 1


def test_a_wrong_lane_fails_and_the_right_ones_pass(mixed: Project) -> None:
    result = mixed.run("-v")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*masked?always_wrong? FAILED*"])


def test_a_failure_is_short_and_its_first_line_is_the_verdict(mixed: Project) -> None:
    result = mixed.run()
    lines = result.outlines
    start = next(i for i, line in enumerate(lines) if line.startswith("_____") and "always_wrong" in line)
    end = next(i for i, line in enumerate(lines) if line.startswith("lane always_right"))
    assert lines[start + 1].startswith("values of embedded: always_wrong")
    assert end - start <= 26


def test_a_case_for_other_lanes_is_an_item_that_is_skipped(mixed: Project) -> None:
    mixed.write(POOLED + "        lanes: [numpy]\n")
    result = mixed.run("-rs")
    result.assert_outcomes(passed=1, skipped=2)
    result.stdout.fnmatch_lines(["SKIPPED*the case is for numpy only*"])


def test_stopping_at_the_first_failure_and_running_the_last_failed_again(mixed: Project) -> None:
    mixed.write(SECOND, "second")
    mixed.run("-x").assert_outcomes(passed=1, failed=1)
    first = mixed.pytester.runpytest_subprocess("cases")
    again = mixed.pytester.runpytest_subprocess("cases", "--lf")
    first.assert_outcomes(passed=4, failed=2)
    again.assert_outcomes(failed=2)


def test_collecting_imports_no_framework(right: Project) -> None:
    right.pytester.path.joinpath("cases", "conftest.py").write_text(
        "import sys\n"
        "def pytest_collection_finish(session):\n"
        "    heavy = {'tensorflow', 'torch', 'keras', 'jinja2'} & set(sys.modules)\n"
        "    print('HEAVY', sorted(heavy))\n"
    )
    result = right.run("--collect-only", "-q", "-s")
    result.stdout.fnmatch_lines(["*HEAVY []*"])


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["-m", "layer(name='Embeding')"], "-m: there is no layer 'Embeding': did you mean Embedding?"),
        (["-m", "lane(name='numpi')"], "-m: there is no lane 'numpi': did you mean numpy?"),
        (["-k", "maskd"], "-k maskd: did you mean masked?"),
    ],
)
def test_what_selects_nothing_gets_the_nearest_that_exists(mixed: Project, arguments: list[str], hint: str) -> None:
    result = mixed.run(*arguments)
    assert result.ret in (4, 5)
    assert any(fnmatch.fnmatch(line, hint.replace("[", "[[]")) for line in [*result.outlines, *result.errlines])


def test_an_id_that_no_case_has_gets_the_nearest(mixed: Project) -> None:
    result = mixed.pytester.runpytest_subprocess("cases/fam/topic.case.yaml::fam/topic.maskd")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*there is no case fam/topic.maskd: did you mean fam/topic.masked?*"])


def test_a_case_that_fails_in_two_lanes_is_told_once_with_both(pytester: pytest.Pytester) -> None:
    project = Project(pytester, "always_wrong", "no_mask", "also_wrong")
    conftest = pytester.path / "conftest.py"
    twin = 'replace(fake("always_wrong"), name="also_wrong")'
    extra = f'\nfrom dataclasses import replace\nknown.LANES["also_wrong"] = {twin}\n'
    conftest.write_text(conftest.read_text() + extra)
    project.write(POOLED)
    result = project.run()
    result.assert_outcomes(passed=1, failed=3)
    lines = result.outlines
    assert sum("told with all lanes at fam/topic.masked[always_wrong]" in line for line in lines) == 1
    assert sum(line.strip().startswith("question") for line in lines) == 2


@pytest.mark.parametrize("workers", [[], ["-n", "1"]])
def test_the_short_summary_has_the_first_line_of_a_failure_alone_in_ci_too(
    mixed: Project, monkeypatch: pytest.MonkeyPatch, workers: list[str]
) -> None:
    monkeypatch.setenv("CI", "true")
    mixed.write(POOLED.replace("mask_zero: true", "mask_zeros: true"), "bad")
    result = mixed.run(*workers)
    text = result.stdout.str()
    summary = text.partition("short test summary info")[2].partition("\n")[2].splitlines()
    failed = [line for line in summary if line.startswith("FAILED")]
    assert len(failed) == 2
    assert "values of embedded: always_wrong has" in failed[-1] + failed[0]
    assert "unknown argument mask_zeros" in failed[-1] + failed[0]
    assert not any("question" in line or line.strip().startswith("=") for line in summary[: len(failed)])
    assert text.count("  question ") == 1
