"""Scripts of the reference, run as their readers run them: they need no framework. Every check has its twin."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.errors import UsageError
from conformance.repro.errors import NotScriptable
from conformance.repro.evidence import Evidence
from conformance.repro.issue import issue
from conformance.repro.script import script
from tests.builders import POOLED, cases_of, fake, records_of
from tests.repro.asked import evidence_of
from tests.repro.scripts import alone

ROW = {"name": "numpy", "adapter": "numpy", "role": "reference", "versions": {"numpy": "2"}, "gives_masks": True}
FAILS = """
    schema_version: 1
    topic: an id without a row
    source: {kind: hand}
    cases:
      - id: outside
        question: What of an id that no row has?
        inputs: {ids: {shape: [1, 2], dtype: int32, fill: {values: [[0, 9]]}}}
        layers: {embed: {type: Embedding, input_dim: 7, output_dim: 2}}
        graph: {y: embed(ids)}
        expect: {error: {phase: call}}
"""


def evidence(text: str, folder: Path, *lanes: str, rows: tuple[dict[str, Any], ...] = (ROW,)) -> Evidence:
    """What a script of the only case of a text is made from, after a run of it."""
    (record,) = records_of(cases_of(text, folder), *(fake(lane) for lane in lanes))
    return evidence_of(rows, record)


def test_a_script_of_the_reference_reproduces(tmp_path: Path) -> None:
    ended = alone(script(evidence(POOLED, tmp_path), "numpy"), tmp_path)
    assert ended.code == 0, ended.output
    assert ended.output.endswith("reproduced\n")
    assert "pooled: shape (2, 3), dtype float64, mask none" in ended.output
    assert "embedded: shape (2, 5, 3), dtype float64, mask [[1, 1, 0, 0, 0], [1, 1, 1, 0, 0]]" in ended.output


@pytest.mark.parametrize(
    ("said", "instead", "words"),
    [
        (r'("shape": )\(2, 3\)', r"\1(2, 4)", "shape (2, 4)"),
        (r'("shape": \(2, 3\),\s*"dtype": )"float64"', r'\1"float32"', "dtype float32"),
        (r'("mask": )None', r"\1np.array([True])", "mask [ True]"),
        (r'(True, True, )False, False', r"\1True, False", "mask"),
        (r'("values": np.array\(\[\[)(-?\d)', r"\g<1>9\2", "where this gives"),
        (r"(\[\[1, 2, )0, 0, 0\]", r"\g<1>3, 0, 0]", "where this gives"),
    ],
)  # fmt: skip
def test_a_script_that_gives_something_else_ends_with_1(tmp_path: Path, said: str, instead: str, words: str) -> None:
    text = script(evidence(POOLED, tmp_path), "numpy")
    head, mark, rest = text.partition("# what the report says")
    pooled = rest.index('"pooled": {') if "shape" in said or "None" in said or "values" in said else 0
    changed = re.sub(said, instead, rest[pooled:], count=1)
    tampered = head + mark + rest[:pooled] + changed
    if changed == rest[pooled:]:
        tampered = re.sub(said, instead, text, count=1)
    assert tampered != text
    ended = alone(tampered, tmp_path)
    assert ended.code == 1, ended.output
    assert "NOT AS REPORTED" in ended.output
    assert words in ended.output
    assert ended.output.endswith("NOT REPRODUCED: see above\n")


def test_an_error_is_reproduced_by_its_type_and_phase(tmp_path: Path) -> None:
    text = script(evidence(FAILS, tmp_path), "numpy")
    ended = alone(text, tmp_path)
    assert ended.code == 0, ended.output
    assert "raised in phase call: LayerError: id 9 has no row" in ended.output
    for said, instead in (('"LayerError")', '"ValueError")'), ('("call", ', '("build", ')):
        ended = alone(text.replace(said, instead, 1), tmp_path)
        assert ended.code == 1
        assert "NOT REPRODUCED" in ended.output
    ended = alone(text.replace("[0, 9]", "[0, 6]"), tmp_path)
    assert ended.code == 1
    assert ended.output.startswith("nothing was raised")


HOSTILE = "\"\"\" ''' {braces} %s \\ back\nimport os; os.abort() \u202e \u2028 #"


def test_hostile_words_stay_words(tmp_path: Path) -> None:
    given = evidence(POOLED, tmp_path)
    hostile = replace(given.record, question=HOSTILE, id=HOSTILE)
    text = script(Evidence(given.case, given.plan, hostile, given.reference, given.lanes), "numpy")
    calls = [node.func.attr for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)
             and isinstance(node.func, ast.Attribute)]  # fmt: skip
    assert "abort" not in calls
    assert alone(text, tmp_path).code == 0


def test_a_script_imports_nothing_of_ours(tmp_path: Path) -> None:
    tree = ast.parse(script(evidence(POOLED, tmp_path), "numpy"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported == {"base64", "sys", "textwrap", "dataclasses", "numpy"} - {"base64"}


def test_the_same_evidence_gives_the_same_bytes(tmp_path: Path) -> None:
    given = evidence(POOLED, tmp_path)
    assert script(given, "numpy") == script(evidence(POOLED, tmp_path), "numpy")


def test_a_case_that_has_changed_is_refused(tmp_path: Path) -> None:
    (record,) = records_of(cases_of(POOLED, tmp_path))
    cases_of(POOLED.replace("4, 5, 0, 0", "4, 4, 0, 0"), tmp_path)
    with pytest.raises(UsageError, match=r"has changed in .* since it was run"):
        evidence_of([ROW], record)


@pytest.mark.parametrize(
    ("lane", "row", "reason"),
    [
        ("numpy", {"policy": "mixed_float16"}, "this lane runs with policy mixed_float16"),
        ("numpy", {"mode": "xla"}, "this lane runs with mode xla"),
        ("numpy", {"adapter": "other"}, "there are scripts for Keras, torch and NumPy, not for other"),
        ("crashes", {"name": "crashes"}, "did not run this case"),
    ],
)
def test_where_no_script_is_honest_the_reason_is_said(tmp_path: Path, lane: str, row: Any, reason: str) -> None:
    with pytest.raises(NotScriptable, match=reason):
        script(evidence(POOLED, tmp_path, rows=({**ROW, **row},)), lane)


def test_an_issue_says_what_is_expected_and_how_to_see_it(tmp_path: Path) -> None:
    text = issue(evidence(POOLED, tmp_path), "numpy")
    assert text.startswith("# Embedding, GlobalAveragePooling1D: ")
    for part in ("## Versions", "- numpy 2", "## Expected", "a calculation by hand", "## Got", "## To reproduce"):
        assert part in text
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert code
    assert alone(code[1], tmp_path).code == 0


def test_a_fence_is_longer_than_any_in_the_script(tmp_path: Path) -> None:
    given = evidence(POOLED, tmp_path)
    hostile = replace(given.record, question="```\n# <script>")
    text = issue(Evidence(given.case, given.plan, hostile, given.reference, given.lanes), "numpy")
    assert "````python\n" in text
    assert r"\# \<script\>" in text


def test_a_node_that_is_called_like_a_mask_is_computed(tmp_path: Path) -> None:
    """Only the masks that stand beside values may go where nobody reads them; `_masked` moves the layer's state."""
    case = """
        schema_version: 1
        topic: moving statistics
        source: {kind: hand}
        cases:
          - id: moved
            question: Does it move?
            inputs: {x: {shape: [4, 1], fill: {values: [[1], [3], [5], [7]]}}}
            layers:
              norm: {type: BatchNormalization, momentum: 0.75, moving_mean_initializer: zeros}
            graph:
              _masked: norm(x, training=True)
              after_mask: norm.moving_mean
            no_gradients: remembered numbers
    """
    text = script(evidence(case, tmp_path), "numpy")
    assert "_masked = norm(x, training=True)" in text
    ended = alone(text, tmp_path)
    assert ended.code == 0, ended.output
    assert "after_mask: shape (1,), dtype float64, mask none\n    [1.]\n" in ended.output
