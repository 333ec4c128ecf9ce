"""What a case states beforehand is held against every lane: what is right agrees, what is wrong differs by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.judge.expectations import claim_findings, count_findings
from conformance.lanes.numpy import Reference
from conformance.plans.draw import plan_of
from conformance.protocol.observation import Node, from_message
from tests.builders import cases_of, fake, records_of

TEXT = """
    schema_version: 1
    topic: means by hand
    dims: {{batch: [2, 1], steps: 2, dim: 3}}
    source: {{kind: hand}}
    cases:
      - id: stated
        question: Is what is stated looked at?
        inputs:
          x: {{shape: [batch, steps, dim], fill: {{constant: 2}}}}
        layers:
          masking: {{type: Masking}}
          dense: {{type: Dense, units: 1, kernel_initializer: ones, bias_initializer: zeros}}
        graph:
          masked: masking(x)
          y: dense(masked)
          same: y + 0.0
          other: y + 1.0
          another: y + 1.0
        {more}
"""


def found(more: str, folder: Path, behaviour: str = "always_right") -> dict[str, Any]:
    (record,) = records_of(cases_of(TEXT.format(more=more), folder), fake(behaviour))
    lane: dict[str, Any] = record["lanes"][behaviour]
    return lane


RIGHT = [
    "expect: {y: {shape: [batch, steps, 1]}}",
    "expect: {y: {dtype: float32}}",
    "expect: {masked: {mask: all}}",
    "expect: {params: {dense: 4}}",
    "expect: {weights: {dense: {kernel: [dim, 1], bias: [1]}}}",
    "claims: [{same: [y, same]}, {differ: [y, other]}]",
]
WRONG = [
    ("expect: {y: {shape: [batch, steps, 2]}}", "shape", "case"),
    ("expect: {y: {dtype: float16}}", "dtype", "case"),
    ("expect: {masked: {mask: none}}", "mask", "case"),
    ("expect: {params: {dense: 5}}", "params", "case"),
    ("expect: {weights: {dense: {kernel: [steps, 1]}}}", "weights", "case"),
    ("claims: [{same: [y, other]}]", "claims", "claim"),
    ("claims: [{differ: [y, same]}]", "claims", "claim"),
    ("claims: [{differ: [y, other, another]}]", "claims", "claim"),
]


@pytest.mark.parametrize("more", RIGHT)
def test_what_is_stated_rightly_agrees(more: str, tmp_path: Path) -> None:
    assert found(more, tmp_path)["verdict"] == "agree"


@pytest.mark.parametrize(("more", "aspect", "by"), WRONG)
def test_what_is_stated_wrongly_differs_by_name(more: str, aspect: str, by: str, tmp_path: Path) -> None:
    lane = found(more, tmp_path)
    first = lane["findings"][0]
    assert (lane["verdict"], first["aspect"], first["wanted_by"]) == ("differ", aspect, by)


ONE_RUN = TEXT.replace("batch: [2, 1]", "batch: 1")


@pytest.mark.parametrize(
    ("values", "verdict"),
    [("[[[6.0], [6.0]]]", "agree"), ("[[[6.0], [6.5]]]", "differ"), ("[[[6.0], [.nan]]]", "differ")],
)
def test_stated_values_are_compared(values: str, verdict: str, tmp_path: Path) -> None:
    """2 + 2 + 2 = 6 by hand."""
    text = ONE_RUN.format(more=f"expect: {{y: {{values: {values}}}}}")
    (record,) = records_of(cases_of(text, tmp_path), fake("always_right"))
    assert record["lanes"]["always_right"]["verdict"] == verdict


@pytest.mark.parametrize(("stated", "aspect"), [("-1.0", "values"), ("-0.0", "special")])
def test_only_a_negative_zero_is_another_zero(stated: str, aspect: str, tmp_path: Path) -> None:
    """6 - 6 = 0, with the sign of a sum."""
    text = ONE_RUN.replace("y + 1.0", "y - 6.0", 1).format(more=f"expect: {{other: {{values: [[[{stated}], [0.0]]]}}}}")
    (record,) = records_of(cases_of(text, tmp_path), fake("always_right"))
    first = record["lanes"]["always_right"]["findings"][0]
    assert (first["aspect"], first["wanted_by"]) == (aspect, "case")


def test_a_weight_has_the_sizes_of_the_first_run(tmp_path: Path) -> None:
    """The kernel is (3, 2): `batch` is 2 in the first run, and 1 in the second."""
    text = TEXT.replace("units: 1", "units: 2").format(more="expect: {weights: {dense: {kernel: [dim, batch]}}}")
    (record,) = records_of(cases_of(text, tmp_path), fake("always_right"))
    assert record["lanes"]["always_right"]["verdict"] == "agree"


def test_values_of_another_shape_differ_and_are_not_broadcast(tmp_path: Path) -> None:
    text = ONE_RUN.format(more="expect: {y: {values: [[[6.0]]]}}")
    (record,) = records_of(cases_of(text, tmp_path), fake("always_right"))
    first = record["lanes"]["always_right"]["findings"][0]
    assert (first["aspect"], first["wanted_by"]) == ("shape", "case")


def test_every_run_has_its_own_sizes(tmp_path: Path) -> None:
    """`batch` is 2, then 1: a stated number fits one of them only."""
    lane = found("expect: {y: {shape: [2, steps, 1]}}", tmp_path)
    assert [(one["aspect"], one["run"]) for one in lane["findings"]] == [("shape", 1)]


@pytest.mark.parametrize(("adapter", "rows", "wanted"), [("torch", 2, []), ("torch", 1, [(2, 3)]), ("keras", 1, [])])
def test_torchs_own_weights_have_the_sizes_of_the_first_run(
    adapter: str, rows: int, wanted: list[Any], tmp_path: Path
) -> None:
    """`batch` is 2 in the first run, and 1 in the second; what is stated of torch binds nobody else."""
    (case,) = cases_of(TEXT.format(more="expect: {native_weights: {torch: {dense: {weight: [batch, dim]}}}}"), tmp_path)
    seen = from_message("numpy", "numpy", Reference({}).observe(plan_of(case)))
    got = replace(seen, adapter=adapter, native={"dense": {"weight": {"shape": [rows, 3]}}})
    assert [finding.wanted for finding in count_findings(case, got)] == wanted


@pytest.mark.parametrize(
    ("first", "second", "is_broken"),
    [(np.inf, 6.0, True), (np.inf, -np.inf, True), (np.inf, np.inf, False), (np.nan, np.inf, True), (6.0, 6.0, False)],
)
def test_an_infinity_is_the_same_as_no_number_and_no_other_infinity(
    first: float, second: float, is_broken: bool, tmp_path: Path
) -> None:
    (case,) = cases_of(TEXT.format(more="claims: [{same: [y, same]}]"), tmp_path)
    seen = from_message("numpy", "numpy", Reference({}).observe(plan_of(case)))

    def with_one(node: Node, value: float) -> Node:
        values = np.array(node.outputs[0].values)
        values.flat[0] = value
        return replace(node, outputs=(replace(node.outputs[0], values=values),))

    changed = {"y": with_one(seen.runs[0]["y"], first), "same": with_one(seen.runs[0]["same"], second)}
    got = replace(seen, runs=({**seen.runs[0], **changed}, *seen.runs[1:]))
    assert [finding.kind for finding in claim_findings(case, got, seen)] == ["same"] * is_broken
