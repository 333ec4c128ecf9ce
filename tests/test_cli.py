"""The command: what each verb prints, and which exit code a mistake gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance import results
from conformance.cli import main
from tests.builders import POOLED, cases_of
from tests.test_results import whole


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "r.json"
    results.write(whole(tmp_path), path)
    return path


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "conformance explain pooling/" in capsys.readouterr().out


def test_an_unknown_verb_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explode"]) == 4
    assert "invalid choice: 'explode'" in capsys.readouterr().err


def test_report_is_the_same_bytes_for_the_same_results(file: Path, tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        assert main(["report", str(file), "-o", str(tmp_path / name)]) == 0
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert (tmp_path / "a.html").read_text().startswith("<!DOCTYPE html>")


def test_report_of_half_a_file_is_bad_input(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(file.read_text()[:1000])
    assert main(["report", str(file)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "it looks cut off" in captured.err
    assert "Traceback" not in captured.err


def test_explain_prints_the_page_of_one_case(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "fam/topic.masked", "--results", str(file)]) == 0
    printed = capsys.readouterr().out
    assert "Are padded steps left out?" in printed
    assert "always_right" in printed


def test_explain_takes_the_end_of_an_id(file: Path) -> None:
    assert main(["explain", "masked", "--results", str(file)]) == 0


def test_explain_of_an_unknown_id_names_near_ones(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "topic.mask", "--results", str(file)]) == 4
    assert "did you mean fam/topic.masked?" in capsys.readouterr().err


def test_check_counts_cases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases_of(POOLED, tmp_path)
    assert main(["check", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "1 case, no mistakes\n"


def test_check_names_every_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases_of(POOLED, tmp_path)
    path = tmp_path / "fam" / "topic.case.yaml"
    path.write_text(path.read_text().replace("mask_zero: true", "mask_zer: true").replace("pool(emb", "pol(emb"))
    assert main(["check", str(tmp_path)]) == 2
    printed = capsys.readouterr().err
    assert "did you mean" in printed
    assert printed.count(": error: ") >= 2


def test_questions_maps_rows_to_cases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases_of(POOLED.replace("question: Are", "questions: [6]\n        question: Are"), tmp_path)
    assert main(["questions", str(tmp_path)]) == 0
    assert "| 6 | a masked mean | `fam/topic.masked` |" in capsys.readouterr().out


def test_an_output_that_cannot_be_written_says_so(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(file), "-o", "/proc/none/r.html"]) == 4
    assert "Traceback" not in capsys.readouterr().err


def test_answers_gives_a_sentence_a_case(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = whole(tmp_path)
    found["cases"][0]["questions"] = [6]
    found["cases"][0]["question"] = "Are padded steps | left out?"
    results.write(found, tmp_path / "r.json")
    assert main(["answers", str(tmp_path / "r.json")]) == 0
    printed = capsys.readouterr().out
    assert "## 6. a masked mean" in printed
    assert "- **Are padded steps \\| left out?** " in printed
    assert "(`fam/topic.masked`)" in printed
