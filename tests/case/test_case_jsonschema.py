"""The schema for editors: current, described, and of one mind with the loader."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from conformance.case.jsonschema import render, schema
from conformance.case.yaml import parse
from tests.case.casefile import layers_of_tests, text_with

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "schemas" / "case-v1.schema.json"
FILES = sorted((ROOT / "cases").rglob("*.case.yaml"))


def test_the_committed_schema_is_current() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == render(), (
        "run: conformance schema case -o schemas/case-v1.schema.json"
    )


def test_it_is_a_draft_7_schema() -> None:
    Draft7Validator.check_schema(schema())
    assert schema()["$schema"] == "http://json-schema.org/draft-07/schema#"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT / "cases").as_posix())
def test_committed_cases_are_valid(file: Path) -> None:
    value = parse(file.read_text(encoding="utf-8"), file.name).root.plain()
    validator = Draft7Validator(json.loads(COMMITTED.read_text(encoding="utf-8")))
    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)] == []
    first = file.read_text(encoding="utf-8").partition("\n")[0]
    assert first == "# yaml-language-server: $schema=../../schemas/case-v1.schema.json"


def properties(made: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property anywhere in a schema, but for those of conditions."""
    if isinstance(made, dict):
        for key, value in made.items():
            if key == "properties":
                for name, inner in value.items():
                    yield f"{path}/{name}", inner
            if key != "if":
                yield from properties(value, f"{path}/{key}")
    elif isinstance(made, list):
        for index, value in enumerate(made):
            yield from properties(value, f"{path}[{index}]")


def test_every_field_is_described() -> None:
    found = list(properties(schema()))
    assert len(found) > 200
    assert [path for path, made in found if not made.get("description", "").strip(" .")] == []


def errors(text: str) -> list[str]:
    with layers_of_tests():
        made = schema()
    return [
        f"{error.json_path}: {error.message}"
        for error in Draft7Validator(made).iter_errors(parse(text, "f").root.plain())
    ]


GOOD = {
    "plain": {},
    "variables": {
        "layers": "    layers: {dense: {type: $t, units: $n, use_bias: $b, activation: $a}}",
        "inputs": "    inputs: {x: {shape: [$n], dtype: $t, fill: {integers: $f}}}",
        "expect": "    expect: {y: {values: $v}, params: {dense: $n}, error: {phase: $p}}",
    },
    "arithmetic": {"layers": "    layers: {dense: {type: Dense, units: 2 * dim}}"},
    "layers inside": {"layers": "    layers: {dense: {type: Wrapper, layer: {type: Dense, units: 1}}}"},
    "numbers": {"expect": "    expect: {y: {values: [[1, nan], [-inf, true]], mask: all}}"},
    "outputs": {"expect": '    expect: {"y[1]": {shape: [null]}}'.replace("null", "1")},
}
BAD = {
    "unknown key": (
        {"new": "    lane: [keras]"},
        ["$.cases[0]: Additional properties are not allowed ('lane' was unexpected)"],
    ),
    "unknown argument": (
        {"layers": "    layers: {dense: {type: Dense, units: 1, unit: 3}}"},
        ["$.cases[0].layers.dense: Additional properties are not allowed ('unit' was unexpected)"],
    ),
    "unknown argument inside": (
        {"layers": "    layers: {dense: {type: Wrapper, layer: {type: Dense, unit: 3, units: 1}}}"},
        ["$.cases[0].layers.dense.layer: Additional properties are not allowed ('unit' was unexpected)"],
    ),
    "missing argument": (
        {"layers": "    layers: {dense: {type: Dense}}"},
        ["$.cases[0].layers.dense: 'units' is a required property"],
    ),
    "too small": (
        {"layers": "    layers: {dense: {type: Dense, units: 0}}"},
        ["$.cases[0].layers.dense.units: 0 is less than the minimum of 1"],
    ),
    "two fills": (
        {"inputs": "    inputs: {x: {shape: [1], fill: {constant: 1, values: [1]}}}"},
        ["$.cases[0].inputs.x.fill: {'constant': 1, 'values': [1]} has too many properties"],
    ),
    "a variable in the head": (
        {"dims": "dims: {batch: $n}"},
        ["$.dims.batch: '$n' is not valid under any of the given schemas"],
    ),
    "a word for a number": (
        {"expect": "    expect: {y: {values: [NaN]}}"},
        [r"$.cases[0].expect.y.values[0]: 'NaN' does not match '^(nan|[+-]?inf|\\$[A-Za-z_][A-Za-z0-9_]*)$'"],
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_an_editor_accepts(name: str) -> None:
    assert errors(text_with(**GOOD[name])) == []


@pytest.mark.parametrize("name", BAD)
def test_what_an_editor_says(name: str) -> None:
    lines, expected = BAD[name]
    assert errors(text_with(**lines)) == expected
