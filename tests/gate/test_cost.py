"""What asking traced beside eagerly costs, as a ratio of two gates that were measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import gates
from benchmarks.gate_cost import main
from benchmarks.gates import RUN
from conformance import results
from tests.gate.builders import results_of
from tests.typed import as_record

BOTH = {
    "old": "3.6.0",
    "new": "3.7.0",
    "modes": "eager,function",
    "code": 1,
    "seconds": 60.0,
    "processor": 140.0,
    "date": "2026-11-30",
    "commit": "abc1234",
    "code_accepted": 0,
    "code_altered": 1,
}
EAGER = {**BOTH, "modes": "eager", "processor": 100.0}


def kept(folder: Path, measured: dict[str, object], cases: int = 2) -> str:
    """A folder as `benchmarks.gates run` leaves it."""
    folder.mkdir()
    (folder / RUN).write_text(json.dumps(measured))
    told = {"new": {"cases": cases}, "counts": {"wrong now": 1, "refuses now": 0, "unchanged": cases - 1}}
    (folder / "gate.json").write_text(json.dumps(told))
    whole = results_of(lane="keras@3.7.0")
    for record in whole["cases"]:
        record["lanes"]["keras@3.7.0"]["seconds"] = 15.0
    results.write(as_record(whole), folder / "results.json")
    return str(folder)


@pytest.mark.parametrize(("spent", "code", "words"), [(140.0, 0, "1.40 times"), (400.0, 1, "4.00 times")])
def test_the_ratio_is_of_all_processes(
    spent: float, code: int, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = kept(tmp_path / "both", {**BOTH, "processor": spent}), kept(tmp_path / "eager", EAGER)
    assert main(folders) == code
    assert capsys.readouterr().out.startswith(f"{words} a gate that asks eagerly alone")


@pytest.mark.parametrize(
    ("eager", "cases", "words"),
    [
        (EAGER, 44, "not of the same versions and cases"),
        ({**EAGER, "new": "3.8.0"}, 2, "not of the same versions and cases"),
        (BOTH, 2, "modes eager,function and eager,function"),
    ],
)
def test_gates_that_cannot_be_compared(
    eager: dict[str, object], cases: int, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([kept(tmp_path / "both", BOTH), kept(tmp_path / "eager", eager, cases)]) == 2
    assert words in capsys.readouterr().err


def test_a_folder_without_a_measurement_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), str(tmp_path)]) == 2
    assert "holds no gate that was measured: no measured.json" in capsys.readouterr().err


def test_the_page_says_what_moved_and_what_it_took(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept(tmp_path / "3.6.0-3.7.0", BOTH)
    assert gates.main(["page", "--keep", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "| 3.6.0 to 3.7.0 | eagerly and traced | 2 | 1 | 0 | 0 | 0 | 0 | 0 | 0 | 1 | 1 | 0 | 1 |" in said
    assert "| 3.6.0 to 3.7.0 | eagerly and traced | 2026-11-30 | abc1234 | 60 | 30 | 2.0 | 140 |  |" in said


def test_the_page_says_how_much_tracing_adds_where_the_same_was_asked_eagerly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept(tmp_path / "3.6.0-3.7.0", BOTH)
    kept(tmp_path / "3.6.0-3.7.0-eager", EAGER)
    assert gates.main(["page", "--keep", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "| 3.6.0 to 3.7.0 | eagerly and traced | 2026-11-30 | abc1234 | 60 | 30 | 2.0 | 140 | 1.40 |" in said
    assert "| 3.6.0 to 3.7.0 | eagerly | 2026-11-30 | abc1234 | 60 | 30 | 2.0 | 100 |  |" in said


def test_an_altered_acceptance_is_of_another_answer() -> None:
    entry = {"case": "a/b.c", "outputs": [{"aspect": "values", "old": 1.0, "new": 2.0}], "who": "x", "why": "y"}
    (altered,) = gates._altered([entry])
    assert altered["outputs"][0]["new"] == 3.0
    (altered,) = gates._altered([{**entry, "outputs": [{"aspect": "mask", "old": "none", "new": "11000"}]}])
    assert altered["outputs"][0]["new"] == "not 11000"
