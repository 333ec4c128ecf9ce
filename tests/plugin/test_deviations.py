"""Known deviations in whole runs: what pytest shows of them, and which exit code follows."""

from __future__ import annotations

import json
from textwrap import dedent

import pytest

from tests.builders import POOLED
from tests.plugin.conftest import Project

KNOWN = """
    schema_version: 1
    deviations:
      - id: lost-mask
        cases: [CASE]
        lanes: [no_mask]
        aspect: mask
        observed: {node: embedded, got: none}
        kind: by design
        reason: this lane loses masks
        owner: alice
        added: 2026-11-21
        expires: 2099-01-01
"""
CASE = "fam/topic.masked"


def project(pytester: pytest.Pytester, behaviour: str = "no_mask", case: str = CASE, known: str = KNOWN) -> Project:
    made = Project(pytester, behaviour)
    made.write(POOLED)
    folder = pytester.path / "deviations"
    folder.mkdir()
    text = known.replace("CASE", case).replace("[no_mask]", f"[{behaviour}]")
    (folder / "known.yaml").write_text(dedent(text).lstrip("\n"), encoding="utf-8")
    return made


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_what_is_known_is_an_expected_failure_and_exit_code_0(
    pytester: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    result = project(pytester).run("-rx", "--results=r.json", *workers)
    assert result.ret == 0
    result.assert_outcomes(passed=1, xfailed=1)
    result.stdout.fnmatch_lines(["*lost-mask, by design: this lane loses masks*"])
    written = json.loads((pytester.path / "r.json").read_text())
    assert written["is_full"] is True
    assert written["counts"] == {"known": 1}
    assert written["deviations"] == [{"id": "lost-mask", "kind": "by design", "state": "active", "is_expired": False}]


@pytest.mark.parametrize("options", [(), ("--explain-known",)])
def test_what_is_known_is_explained_on_demand(pytester: pytest.Pytester, options: tuple[str, ...]) -> None:
    project(pytester).run("--results=r.json", *options)
    (record,) = json.loads((pytester.path / "r.json").read_text())["cases"]
    held = record["lanes"]["no_mask"]
    assert held["verdict"] == "known"
    assert ("Embedding.no_mask" in held["explanation"]) is bool(options)


def test_an_expected_failure_is_told_in_words_not_as_a_traceback(pytester: pytest.Pytester) -> None:
    result = project(pytester).run("-rx", "--xfail-tb")
    result.stdout.fnmatch_lines(["lost-mask, by design: this lane loses masks*"])
    assert "items.py" not in result.stdout.str()


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_what_no_longer_happens_is_stale_and_fails(pytester: pytest.Pytester, workers: tuple[str, ...]) -> None:
    result = project(pytester, "always_right").run(*workers)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["*deviations/known.yaml:3:5: stale deviation lost-mask: fam/topic.masked agrees now: remove it, or run *"]
    )


def test_another_difference_is_not_excused(pytester: pytest.Pytester) -> None:
    assert project(pytester, "wrong_shape").run().ret == 1


@pytest.mark.parametrize(("arguments", "code"), [((), 1), (("-k", "masked or nothing_else"), 0)])
def test_a_case_that_does_not_exist_fails_full_runs_only(
    pytester: pytest.Pytester, arguments: tuple[str, ...], code: int
) -> None:
    made = project(pytester, "always_right", case="fam/topic.gone")
    made.write(POOLED.replace("id: masked", "id: left_out"), name="other")
    result = made.run(*arguments)
    assert result.ret == code
    has_line = "unmatched deviation lost-mask: no case is called fam/topic.gone" in result.stdout.str()
    assert has_line is (code == 1)


@pytest.mark.parametrize(("arguments", "code"), [((), 0), (("--enforce-expiry",), 1)])
def test_what_has_expired_warns_and_fails_on_demand(
    pytester: pytest.Pytester, arguments: tuple[str, ...], code: int
) -> None:
    result = project(pytester, known=KNOWN.replace("2099-01-01", "2020-01-01")).run(*arguments)
    assert result.ret == code
    result.stdout.fnmatch_lines(["*deviation lost-mask expired on 2020-01-01; alice should look at it again"])


def test_a_bad_file_is_exit_code_2_with_its_place(pytester: pytest.Pytester) -> None:
    result = project(pytester, known=KNOWN.replace("2099-01-01", "some day")).run()
    assert result.ret == 2
    assert "deviations/known.yaml:12:14: error: 'some day' is not a date" in result.stdout.str() + result.stderr.str()


def test_a_folder_that_is_not_there_is_exit_code_4(pytester: pytest.Pytester) -> None:
    assert project(pytester).run("--deviations=nowhere").ret == 4
