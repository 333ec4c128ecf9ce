from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from conformance.record.schema import render as rendered_schema
from tests.builders import POOLED, cases_of, fake, records_of
from tests.report.asked import assemble, lane_row
from tests.report.factory import agreeing, answered, lane, odd, results, wrong_shape

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "schemas" / "results-v1.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def messages(found: Any) -> Any:
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in VALIDATOR.iter_errors(found)]


def test_the_committed_schema_is_made_from_the_types_of_records() -> None:
    committed = (ROOT / "schemas" / "results-v1.schema.json").read_text(encoding="utf-8")
    assert committed == rendered_schema(), "run: conformance schema results -o schemas/results-v1.schema.json"


def test_the_schema_is_one_and_describes_every_field() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert list(undescribed(SCHEMA, "")) == []


def undescribed(schema: Any, place: Any) -> Iterator[Any]:
    """Fields without a description, wherever they stand."""
    if isinstance(schema, list):
        for item in schema:
            yield from undescribed(item, place)
    elif isinstance(schema, dict):
        for name, field in schema.get("properties", {}).items():
            if not field.get("description"):
                yield f"{place}/{name}"
        for name, item in schema.items():
            yield from undescribed(item, f"{place}/{name}")


def test_a_field_without_a_description_is_found() -> None:
    assert list(undescribed({"properties": {"bare": {"type": "string"}}}, "")) == ["/bare"]


@pytest.mark.parametrize(
    "behaviours",
    [("always_right",), ("always_wrong", "wrong_shape", "no_mask", "gives_nan"), ("raises", "wrong_dtype")],
    ids=lambda names: "-".join(names),
)
def test_results_of_a_run_are_valid(behaviours: Any, tmp_path: Any) -> None:
    specs = [fake(name) for name in behaviours]
    records = records_of(cases_of(POOLED, tmp_path), *specs)
    rows = [lane_row(spec, None, len(records), records) for spec in specs]
    found = assemble(
        records=records,
        lanes=rows,
        started="2026-11-21T22:00:00Z",
        seconds=1.0,
        command="pytest cases",
        not_run={"fam/topic.other": "interrupted"},
        is_complete=False,
        stopped="interrupted",
    )
    assert messages(json.loads(json.dumps(found, allow_nan=False))) == []


def test_hand_made_results_are_valid_so_that_tests_of_the_report_stand_on_the_same_format() -> None:
    lost = odd("keras", lane(verdict="timeout", reason="no answer within 60 s"), id="pooling/other.lost")
    deviation = {"id": "D", "kind": "bug", "reason": "r", "link": "", "owner": "o", "expires": "2027-05-01"}
    known = {**answered("torch"), "verdict": "known", "deviation": {**deviation, "position": "deviations/a.yaml:1:1"}}
    assert messages(results(agreeing(), wrong_shape(id="pooling/other.shape"), lost, odd("torch", known))) == []


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda found: found.pop("footer"), "'footer' is a required property"),
        (lambda found: found.update(surprise=1), "Additional properties are not allowed ('surprise' was unexpected)"),
        (lambda found: found.update(schema_version=2), "1 was expected"),
        (lambda found: found["cases"][0].pop("digest"), "'digest' is a required property"),
        (lambda found: found["cases"][0].update(outcome="fine"), "'fine' is not one of"),
        (lambda found: found["cases"][0]["lanes"]["torch"].update(used="nan"), "'nan' is not valid"),
    ],
)
def test_what_does_not_fit_is_refused(spoil: Any, message: Any) -> None:
    found = copy.deepcopy(results(agreeing()))
    spoil(found)
    assert any(message in text for text in messages(found))
