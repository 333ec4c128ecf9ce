"""What a gate writes and which exit code follows; whole runs with fake lanes, and its parts on results of fakes."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from conformance.errors import Exit, UsageError
from conformance.gate.bisect import between, in_order, newest_patches
from conformance.gate.gate import ANNOTATIONS, exit_code, github_annotations, junit, write_all
from tests.builders import POOLED
from tests.gate.asked import diff, search, took
from tests.gate.builders import CASE, OTHER, results_of
from tests.typed import as_record


@pytest.mark.parametrize(
    ("old", "new", "fail_on", "code"),
    [
        ("always_right", "always_right", "regressions", Exit.OK),
        ("always_right", "no_mask", "regressions", Exit.DISAGREE),
        ("no_mask", "always_right", "regressions", Exit.OK),
        ("no_mask", "always_right", "changes", Exit.DISAGREE),
        ("no_mask", "inverted_mask", "regressions", Exit.OK),
        ("no_mask", "inverted_mask", "changes", Exit.DISAGREE),
        ("always_right", "no_mask", "nothing", Exit.OK),
    ],
)
def test_exit_codes(old: str, new: str, fail_on: str, code: Exit) -> None:
    found = diff(results_of(old), results_of(new))
    assert exit_code(found, fail_on=fail_on) is code


def test_a_wrong_deviations_file_fails_a_gate_without_regressions() -> None:
    found = diff(results_of(), results_of())
    assert exit_code(found, ["stale deviation lost-mask"]) is Exit.DISAGREE


def test_junit_has_a_case_a_row_and_a_failure_a_regression() -> None:
    found = diff(results_of("no_mask", only=CASE), results_of("no_mask", only=OTHER))
    suite = ElementTree.fromstring(junit(found))
    assert suite.attrib["tests"] == "2"
    assert suite.attrib["failures"] == "1"
    failed = [case.attrib["name"] for case in suite if case.find("failure") is not None]
    assert failed == ["fam/topic.other [lane]"]
    message = next(case.find("failure") for case in suite if case.find("failure") is not None)
    assert message is not None
    assert message.attrib["message"] == "mask of embedded: 11000 11100 (agree) -> none (differ)"


def many(number: int) -> str:
    case = POOLED[POOLED.index("      - id: masked") :]
    return POOLED + "".join(case.replace("id: masked", f"id: more{index}") for index in range(number - 1))


def test_annotations_stand_at_the_case_and_are_bounded() -> None:
    cases = many(12)
    found = diff(results_of(text=cases), results_of("no_mask", text=cases))
    lines = github_annotations(found)
    assert len(lines) == ANNOTATIONS + 1
    assert lines[0].startswith("::error file=")
    assert ",line=6,title=fam/topic.masked [lane]::mask of embedded: 11000 11100 (agree) -> none (differ)" in lines[0]
    assert lines[-1] == "::error::… and 3 more: 12 regressions; 0 of 12 compared answers unchanged"


def test_an_annotation_cannot_be_broken_out_of() -> None:
    found = diff(results_of(), results_of("raises"))
    row = found.rows[0]
    hostile = type(row)(**{**{name: getattr(row, name) for name in row.__slots__}, "path": "a,b:c\n::error::x"})
    (line,) = github_annotations(type(found)(found.old, found.new, (), (hostile,)))
    assert line.startswith("::error file=a%2Cb%3Ac%0A%3A%3Aerror%3A%3Ax,line=6,")


def test_github_gets_a_summary_and_annotations_by_its_variables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = diff(results_of(), results_of("no_mask"))
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    variables = {"GITHUB_STEP_SUMMARY": str(summary), "GITHUB_ACTIONS": "true"}
    write_all(found, ["stale deviation x"], tmp_path / "out", variables)
    assert summary.read_text().startswith("before\n**2 regressions")
    assert summary.read_text().endswith("- stale deviation x\n")
    assert capsys.readouterr().out.count("::error file=") == 2
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["gate.html", "gate.json", "gate.xml"]


def test_the_time_of_a_gate_is_a_multiple_of_one_side() -> None:
    results = results_of()
    for record, seconds in zip(results["cases"], (3.0, 1.0), strict=True):
        record["lanes"]["lane"]["seconds"] = seconds
    assert took(10.0, results, "lane") == "took 10 s, 2.5 times the 4.0 s that lane alone computed for"
    assert took(10.0, results, "absent") == "took 10 s"


def test_without_github_nothing_of_it_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_all(diff(results_of(), results_of("no_mask")), [], tmp_path / "out", {})
    assert capsys.readouterr().out == ""


VERSIONS = [f"3.{minor}.0" for minor in range(16)]


@pytest.mark.parametrize("changed_in", range(1, 16))
def test_bisect_finds_the_release_wherever_it_is(changed_in: int) -> None:
    right, wrong = (as_record(results_of(name)["cases"][0]["lanes"]["lane"]) for name in ("always_right", "no_mask"))
    found = search(VERSIONS, lambda version: wrong if int(version.split(".")[1]) >= changed_in else right)
    assert (found.last, found.first) == (f"3.{changed_in - 1}.0", f"3.{changed_in}.0")
    assert (found.move.aspect, found.move.old, found.move.new) == ("mask", "11000 11100", "none")
    assert len(found.asked) <= 6


def test_bisect_refuses_two_ends_that_agree() -> None:
    right = as_record(results_of()["cases"][0]["lanes"]["lane"])
    with pytest.raises(UsageError, match=r"3\.0\.0 and 3\.15\.0 give the same answer"):
        search(VERSIONS, lambda version: right)


def test_versions_are_put_in_order_and_cut_to_a_range() -> None:
    versions = in_order(["3.10.0", "3.9.1", "3.9.2", "4.0.0rc1", "3.2.0"])
    assert versions == ["3.2.0", "3.9.1", "3.9.2", "3.10.0"]
    assert between(versions, "3.3", "3.9") == ["3.9.1", "3.9.2"]
    assert newest_patches(versions) == ["3.2.0", "3.9.2", "3.10.0"]
    with pytest.raises(UsageError, match=r"no version is published from 5 to 6"):
        between(versions, "5", "6")
