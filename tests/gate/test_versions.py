"""What other versions said, beside the cases of other results, and as a page shows it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conformance.cli import main
from conformance.report.pack import inflated
from tests.gate.asked import case_text, with_versions, write
from tests.gate.builders import CASE, OTHER, TWO, results_of
from tests.gate.test_matrix import several
from tests.report.test_html import Reading

BEHAVIOURS = {
    "keras@3.3.2": "no_mask",
    "keras@3.3.3": "no_mask",
    "keras@3.4.0": "always_right",
    "keras@3.6.0": "always_right",
}


@pytest.fixture
def asked() -> dict[str, Any]:
    """A matrix of four versions, the first two of which lose a mask."""
    return several(BEHAVIOURS)


@pytest.fixture
def results() -> dict[str, Any]:
    """A run of one lane over the same cases."""
    return results_of(lane="keras", text=TWO)


def test_neighbours_of_one_answer_are_one_row(asked: dict[str, Any], results: dict[str, Any]) -> None:
    first, second = with_versions(results, asked)["cases"]
    assert first["versions"] == {
        "note": "2 answers in 4 versions; one letter is one answer, the same but for rounding.",
        "rows": [
            {
                "lanes": "keras 3.3.2 to 3.3.3",
                "letter": "A",
                "verdict": "differ",
                "answer": "mask of embedded none",
                "is_change": False,
            },
            {
                "lanes": "keras 3.4.0 to 3.6.0",
                "letter": "B",
                "verdict": "agree",
                "answer": "mask of embedded 11000 11100",
                "is_change": True,
            },
        ],
    }
    assert second["versions"]["note"] == "The same answer in all 4 versions, but for rounding."
    assert [row["lanes"] for row in second["versions"]["rows"]] == ["keras 3.3.2 to 3.6.0"]


def test_lanes_of_other_packages_keep_their_names(asked: dict[str, Any], results: dict[str, Any]) -> None:
    for record in asked["cases"]:
        record["lanes"] = {"tf_keras": record["lanes"]["keras@3.3.2"], **record["lanes"]}
    row = next(row for row in asked["lanes"] if row["name"] == "keras@3.3.2")
    asked["lanes"].insert(0, {**row, "name": "tf_keras", "versions": {"tf_keras": "2.21.0"}})
    first = with_versions(results, asked)["cases"][0]
    assert first["versions"]["rows"][0]["lanes"] == "tf_keras 2.21.0 and keras 3.3.2 to 3.3.3"


def test_a_case_that_was_edited_since_says_so(asked: dict[str, Any], results: dict[str, Any]) -> None:
    asked["cases"][0]["digest"] = "another"
    first = with_versions(results, asked)["cases"][0]
    assert first["versions"]["rows"] == []
    assert first["versions"]["note"].startswith("The case was edited after these versions were asked")
    assert "run the matrix again" in case_text(first, results["lanes"])


def test_a_case_that_was_not_asked_stays_as_it_is(asked: dict[str, Any], results: dict[str, Any]) -> None:
    asked["cases"] = asked["cases"][:1]
    whole = with_versions(results, asked)
    assert whole["cases"][1] == results["cases"][1]
    assert "Other versions" not in case_text(whole["cases"][1], results["lanes"])
    assert "versions" not in results["cases"][0]


def test_the_page_has_a_section_of_them(asked: dict[str, Any], results: dict[str, Any]) -> None:
    shown = case_text(with_versions(results, asked)["cases"][0], results["lanes"])
    assert "Other versions\n  the same case in other versions; ▸ where the answer is another than before:\n" in shown
    lines = [line.split() for line in shown.splitlines() if "▸ B" in line]
    assert lines == [["keras", "3.4.0", "to", "3.6.0", "▸", "B", "agree", "mask", "of", "embedded", "11000", "11100"]]


def test_report_and_explain_take_a_matrix(
    tmp_path: Path, asked: dict[str, Any], results: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    write(results, tmp_path / "r.json")
    write(asked, tmp_path / "m.json")
    given = ["--matrix", str(tmp_path / "m.json")]
    assert main(["explain", CASE, "--results", str(tmp_path / "r.json"), *given]) == 0
    assert "Other versions" in capsys.readouterr().out
    assert main(["report", str(tmp_path / "r.json"), *given]) == 0
    page = capsys.readouterr().out
    assert OTHER in page
    (part,) = json.loads(Reading(page).inside["script"][0])["parts"]
    assert "keras 3.4.0 to 3.6.0" in json.dumps(inflated(part))


def test_a_matrix_that_is_no_results_file_is_bad_input(
    tmp_path: Path, results: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    write(results, tmp_path / "r.json")
    assert main(["report", str(tmp_path / "r.json"), "--matrix", str(tmp_path / "none.json")]) == 2
    assert "none.json: no such file" in capsys.readouterr().err
