"""The score against mutants goes into results where they are asked to hold it, and is shown where it stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conformance import cli
from conformance.errors import ResultsError
from conformance.record.scored import read_score
from conformance.report.pack import inflated
from tests.builders import POOLED, cases_of
from tests.gate.builders import results_of
from tests.mutants.asked import read, with_mutants, write
from tests.report.test_html import Reading

POOL = "GlobalAveragePooling1D"


@pytest.fixture
def score(tmp_path: Path) -> Path:
    cases_of(POOLED, tmp_path)
    path = tmp_path / "mutants.json"
    cli.main(["mutants", str(tmp_path), "--json", str(path), "-o", str(tmp_path / "mutants.md")])
    return path


@pytest.fixture
def results() -> dict[str, Any]:
    return results_of("always_right", text=POOLED)


def test_every_layer_and_every_case_has_its_score(score: Path, results: dict[str, Any]) -> None:
    found = with_mutants(results, read_score(score))
    assert found["mutants"][POOL]["of"] == 6
    assert 0 < found["mutants"][POOL]["killed"] <= 6
    assert found["mutants"]["Conv1D"]["killed"] == 0, "no case here uses it"
    (record,) = found["cases"]
    assert f"{POOL}.ignores_mask" in record["mutants"]["killed"]
    assert not set(record["mutants"]["killed"]) & set(record["mutants"]["survived"])
    assert "mutants" not in results


def test_a_case_that_was_not_scored_stays_as_it_is(score: Path, results: dict[str, Any]) -> None:
    (record,) = results["cases"]
    other = {**results, "cases": [{**record, "id": "fam/topic.another"}]}
    assert "mutants" not in with_mutants(other, read_score(score))["cases"][0]


@pytest.mark.parametrize("text", ["{}", "[]", "nothing", '{"kind": "conformance-results", "schema_version": 1}'])
def test_what_is_no_score_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "score.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ResultsError, match=r"score\.json: "):
        read_score(path)
    with pytest.raises(ResultsError, match="no such file"):
        read_score(tmp_path / "none.json")


def test_the_report_shows_it(score: Path, results: dict[str, Any], tmp_path: Path) -> None:
    stored = tmp_path / "results.json"
    write(results, stored)
    pages = []
    for name, more in (("plain.html", []), ("scored.html", ["--mutants", str(score)])):
        assert cli.main(["report", str(stored), "-o", str(tmp_path / name), *more]) == 0
        pages.append((tmp_path / name).read_text(encoding="utf-8"))
    plain, scored = (json.dumps(inflated(json.loads(Reading(page).inside["script"][0])["parts"][0])) for page in pages)
    assert "mistakes from the real layers" not in plain
    assert "mistakes from the real layers" in scored
    killed = with_mutants(results, read_score(score))["mutants"][POOL]["killed"]
    assert f"<td>{killed} of 6</td>" in pages[1]


def test_results_with_a_score_fit_the_schema(score: Path, results: dict[str, Any], tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((Path(__file__).parents[2] / "schemas" / "results-v1.schema.json").read_text())
    path = tmp_path / "whole.json"
    write(with_mutants(results, read_score(score)), path)
    jsonschema.validate(read(path), schema)
