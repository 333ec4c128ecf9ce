"""What a gate writes and which exit code follows; whole runs with fake lanes, and its parts on results of fakes."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from conformance.cli.bisect import ends_of, versions_of
from conformance.errors import Exit, UsageError
from conformance.gate.bisect import Found, search
from conformance.gate.gate import exit_code
from conformance.gate.releases import between, in_order, newest_patches
from conformance.gate.written import ANNOTATIONS, github_annotations, junit, write_all
from conformance.record.lane import LaneRecord
from tests.builders import POOLED
from tests.gate.asked import diff, took
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
    words = "wrong mask of embedded: 11000 11100 -> none (agree -> differ)"
    assert message.attrib["message"].startswith(words)


def many(number: int) -> str:
    case = POOLED[POOLED.index("      - id: masked") :]
    return POOLED + "".join(case.replace("id: masked", f"id: more{index}") for index in range(number - 1))


def test_annotations_stand_at_the_case_and_are_bounded() -> None:
    cases = many(12)
    found = diff(results_of(text=cases), results_of("no_mask", text=cases))
    lines = github_annotations(found)
    assert len(lines) == ANNOTATIONS + 1
    assert lines[0].startswith("::error file=")
    assert (
        ",line=6,title=fam/topic.masked [lane]::wrong mask of embedded: 11000 11100 -> none (agree -> differ)"
        in lines[0]
    )
    assert lines[-1] == "::error::… and 3 more: 12 wrong now; 0 of 12 compared answers unchanged"


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
    assert summary.read_text().startswith("before\n**2 wrong now")
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


def answers(*behaviours: str) -> list[LaneRecord]:
    """What a lane of each behaviour answers to one case."""
    return [as_record(results_of(name)).cases[0].lanes["lane"] for name in behaviours]


def searched(changed_in: int, before: str, after: str) -> Found:
    old, new = answers(before, after)
    return search(VERSIONS, lambda version: new if int(version.split(".")[1]) >= changed_in else old)


@pytest.mark.parametrize("changed_in", [1, 2, 7, 8, 14, 15])
def test_bisect_finds_the_release_wherever_it_is(changed_in: int) -> None:
    found = searched(changed_in, "always_right", "no_mask")
    assert (found.last, found.first) == (f"3.{changed_in - 1}.0", f"3.{changed_in}.0")
    assert [(move.what, move.old, move.new) for move in found.moves] == [("mask of embedded", "11000 11100", "none")]
    assert (found.was_right, found.is_right) == (True, False)
    assert len(found.asked) <= 6


def test_bisect_finds_a_repair_as_well() -> None:
    found = searched(5, "no_mask", "always_right")
    assert (found.first, found.was_right, found.is_right) == ("3.5.0", False, True)


def test_bisect_refuses_two_ends_that_agree() -> None:
    (right,) = answers("always_right")
    with pytest.raises(UsageError, match=r"3\.0\.0 and 3\.15\.0 give the same answer"):
        search(VERSIONS, lambda version: right)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (("3.3.3", "3.6.0"), ("keras", ["3.3.3", "3.6.0"], "")),
        (("3.10.0", "3.9.0"), ("keras", ["3.9.0", "3.10.0"], "")),
        (("tf_keras@2.15", "tf_keras@2.21"), ("tf_keras", ["2.15", "2.21"], "")),
        (("keras@./mine", "3.6.0"), ("keras", ["3.6.0"], "./mine")),
    ],
)
def test_the_ends_of_a_bisection_stand_in_either_order(given: tuple[str, str], found: object) -> None:
    assert ends_of("keras", given) == found


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("./a", "./b"), "both ends are checkouts"),
        (("3.6.0", "3.6"), "both ends are 3.6"),
        (("3.6.0", "newest"), "newest is not a version"),
    ],
)
def test_ends_that_are_none_are_named(given: tuple[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ends_of("keras", given)


@pytest.mark.parametrize(
    ("says", "one", "other", "searched"),
    [
        ('__version__ = "3.7.0"', "3.5.0", "MINE", ["3.5.0", "3.6.0", "3.7.0", "MINE"]),
        ('__version__ = "3.7.0"', "MINE", "3.9.0", ["MINE", "3.8.0", "3.9.0"]),
        ('__version__ = "3.10.0.dev1"', "3.8.0", "MINE", ["3.8.0", "3.9.0", "MINE"]),
        ("", "3.8.0", "MINE", ["3.8.0", "3.9.0", "MINE"]),
    ],
)
def test_a_checkout_stands_where_its_number_is(
    says: str, one: str, other: str, searched: list[str], tmp_path: Path
) -> None:
    (tmp_path / "keras" / "src").mkdir(parents=True)
    (tmp_path / "keras" / "src" / "version.py").write_text(f"# the version\n{says}\n")
    ends = [f"keras@{tmp_path}" if end == "MINE" else end for end in (one, other)]
    parsed = Namespace(package="keras", one=ends[0], other=ends[1], versions="3.5.0,3.6.0,3.7.0,3.8.0,3.9.0")
    package, versions = versions_of(parsed)
    assert (package, versions) == ("keras", [str(tmp_path) if name == "MINE" else name for name in searched])


def test_versions_are_put_in_order_and_cut_to_a_range() -> None:
    versions = in_order(["3.10.0", "3.9.1", "3.9.2", "4.0.0rc1", "3.2.0"])
    assert versions == ["3.2.0", "3.9.1", "3.9.2", "3.10.0"]
    assert between(versions, "3.3", "3.9") == ["3.9.1", "3.9.2"]
    assert newest_patches(versions) == ["3.2.0", "3.9.2", "3.10.0"]
    with pytest.raises(UsageError, match=r"no version is published from 5 to 6"):
        between(versions, "5", "6")
