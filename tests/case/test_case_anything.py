"""Whatever stands in a case file, the answer is cases or a CaseError: never a traceback, never silence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.case.arrays import draw_inputs
from conformance.case.load import load_file
from conformance.case.schema import CASE, EXPECT, EXPECTED_NODE, FILE, FILL, INPUT
from conformance.errors import CaseError
from tests.case.casefile import LINES, layers_of_tests, text_with

WORDS = [
    *CASE.fields,
    *FILL.fields,
    *EXPECT.fields,
    *EXPECTED_NODE.fields,
    *INPUT.fields,
    *("a", "x", "y", "m", "batch", "steps", "dim", "k", "$k", "dense", "Dense", "Window", "Wrapper", "type", "layer"),
    *("units", "size", "same", "differ", "Dense.no_bias", "keras", "torch", "none", "all", "nan", "inf", "count"),
    *("rows", "path", "steps - 1", "steps / 2", "ceil(steps / 2)", "dense(x)", "y + m(x)", "x[0]", "dense.kernel"),
    *("y[0]", "{y.shape}", "int32", "bool", "", " ", "(2, 3)", "None", "../x.npy", "0", "-1"),
]
SCALARS = st.one_of(
    st.sampled_from(WORDS),
    st.integers(-3, 40),
    st.sampled_from([2**31, 2**70, 0.5, 1e-5, 1e300, True, False, None]),
    st.text(max_size=5),
)
HEAD = ("schema_version", "topic", "dims", "cases")
"""Keys that stand before the cases."""
KEYS = st.sampled_from(WORDS) | st.text(max_size=3)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)


@pytest.fixture(autouse=True, scope="module")
def _only_layers_of_tests() -> Iterator[None]:
    with layers_of_tests():
        yield


def written(value: Any) -> str:
    """A value as YAML in one line."""
    return json.dumps(value, ensure_ascii=False)


def answer(folder: Path, text: str) -> list[str]:
    """What is said of a file; its arrays are drawn where it has no mistakes."""
    file = folder / "fam" / "topic.case.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    try:
        cases = load_file(file, "topic")
    except CaseError as error:
        return [str(problem) for problem in error.problems]
    for case in cases:
        for run in range(len(case.sizes)):
            draw_inputs(case, run)
    return []


FUZZED = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZED
@given(st.dictionaries(st.sampled_from([*CASE.fields, *FILE.fields]), VALUES, min_size=1, max_size=3))
def test_any_values_under_any_keys(tmp_path: Path, values: dict[str, Any]) -> None:
    lines = {key: f"{'' if key in HEAD else '    '}{key}: {written(value)}" for key, value in values.items()}
    if "id" in values:
        lines["id"] = f"  - id: {written(values['id'])}"
    answer(tmp_path, text_with(**lines))


@FUZZED
@given(st.dictionaries(st.sampled_from([*CASE.fields]), VALUES, min_size=1, max_size=3))
def test_any_values_in_several_variants(tmp_path: Path, values: dict[str, Any]) -> None:
    lines = {key: f"    {key}: {written(value)}" for key, value in values.items() if key not in ("id", "dims")}
    answer(tmp_path, text_with(**{"matrix": "    matrix: {k: [1, 2], m: [same, $k]}", **lines}))


@FUZZED
@given(st.sampled_from(list(LINES)), st.text(max_size=30))
def test_any_text_on_any_line(tmp_path: Path, key: str, text: str) -> None:
    answer(tmp_path, text_with(**{key: LINES[key][: len(LINES[key]) // 2] + text}))


@FUZZED
@given(VALUES)
def test_any_value_for_a_file(tmp_path: Path, value: Any) -> None:
    assert answer(tmp_path, written(value))


@FUZZED
@given(VALUES)
def test_an_unknown_key_is_never_passed_over(tmp_path: Path, value: Any) -> None:
    assert answer(tmp_path, text_with(unknown=f"    unknown: {written(value)}"))


@FUZZED
@given(st.dictionaries(st.sampled_from(["inputs", "layers", "graph", "expect"]), VALUES, min_size=1))
def test_the_same_mistakes_twice(tmp_path: Path, values: dict[str, Any]) -> None:
    text = text_with(**{key: f"    {key}: {written(value)}" for key, value in values.items()})
    assert answer(tmp_path, text) == answer(tmp_path, text)
