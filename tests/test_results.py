"""Results files: whole or refused, with one message that names the file and the remedy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conformance import results
from conformance.errors import Exit, ResultsError
from conformance.form import to_json
from tests.asked import as_text, assemble, write
from tests.builders import POOLED, cases_of, fake, records_of


def whole(folder: Path) -> dict[str, Any]:
    """The results of one case in one fake lane."""
    records = records_of(cases_of(POOLED, folder), fake("always_right"))
    return assemble(
        records=records,
        lanes=[],
        started="2026-01-01T00:00:00Z",
        seconds=1.0,
        command="pytest cases",
        not_run={},
        is_complete=True,
    )


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    found = whole(tmp_path)
    write(found, tmp_path / "r.json")
    assert to_json(results.read(tmp_path / "r.json")) == found


def test_results_hold_json_only_and_no_bare_nan(tmp_path: Path) -> None:
    (record,) = records_of(cases_of(POOLED, tmp_path), fake("gives_nan"))
    text = json.dumps(record, allow_nan=False)
    assert '"NaN"' in text


def test_a_results_file_has_a_case_to_a_line(tmp_path: Path) -> None:
    found = whole(tmp_path)
    found["cases"] = [{**found["cases"][0], "id": name} for name in ("a", "b\nc")]
    lines = as_text(found).splitlines()
    assert [json.loads(line.rstrip(","))["id"] for line in lines if line.startswith('{"id":')] == ["a", "b\nc"]
    assert json.loads("\n".join(lines)) == found
    found["cases"] = []
    assert json.loads(as_text(found)) == found


def damaged(found: dict[str, Any], **changes: Any) -> str:
    return json.dumps({**found, **changes})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[: len(text) // 2], "not a whole JSON file"),
        (lambda text: "", "not a whole JSON file"),
        (lambda text: '{"cases": [1.', "not a whole JSON file"),
        (lambda text: '{"cases": [1, tru', "not a whole JSON file"),
        (lambda text: '{"cases": [-3e-', "not a whole JSON file"),
        (lambda text: "hello", "not JSON"),
        (lambda text: "[" * 100_000, "nested too deeply"),
        (lambda text: "[]", "not a results file of this harness"),
        (lambda text: damaged(json.loads(text), kind="holiday"), "not a results file of this harness"),
        (lambda text: damaged(json.loads(text), schema_version=99), "results of schema version 99, this is version 1"),
        (lambda text: damaged(json.loads(text), cases=[]), "the footer does not match the cases"),
        (lambda text: damaged(json.loads(text), footer=None), "the footer does not match the cases"),
    ],
)
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, change: Any, message: str) -> None:
    path = tmp_path / "r.json"
    path.write_text(change(json.dumps(whole(tmp_path))), encoding="utf-8")
    with pytest.raises(ResultsError) as caught:
        results.read(path)
    assert str(path) in caught.value.message
    assert message in caught.value.message
    assert caught.value.exit is Exit.BAD_INPUT


def test_a_file_that_is_not_there_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ResultsError) as caught:
        results.read(tmp_path / "none.json")
    assert str(caught.value) == (
        f"{tmp_path}/none.json: no such file\n   = help: make one with: pytest cases --results FILE"
    )


def test_a_huge_file_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "MAX_BYTES", 10)
    (tmp_path / "r.json").write_text("x" * 11)
    with pytest.raises(ResultsError, match="at most 10 are read"):
        results.read(tmp_path / "r.json")


def test_a_module_file_is_named_from_its_environment_on() -> None:
    assert results.short_path("/home/me/env/lib/python3.11/site-packages/keras/__init__.py") == (
        "site-packages/keras/__init__.py"
    )
    assert results.short_path("/home/me/src/keras/__init__.py") == "src/keras/__init__.py"


@pytest.mark.parametrize(
    ("argv", "command"),
    [
        (["/usr/bin/pytest", "cases", "-k", "a or b"], "pytest cases -k 'a or b'"),
        (["/usr/lib/python3/site-packages/pytest/__main__.py", "cases"], "pytest cases"),
    ],
)
def test_the_command_can_be_pasted(argv: list[str], command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", argv)
    assert results.command_line() == command
