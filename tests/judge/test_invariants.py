"""What holds whatever the rounding: kept by the reference, and broken by each small thing that breaks it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.case.model import Case
from conformance.errors import CaseError
from conformance.gate.signature import matches, observed_of
from conformance.judge.case import judge_case
from conformance.judge.invariants import asked_of, hidden_inputs, invariant_findings
from conformance.oracle.run import answer
from conformance.plans.draw import plan_of
from conformance.protocol.observation import Observation
from conformance.record.build import case_record
from conformance.reference.base import LAYERS
from conformance.reference.invariants import NAMES
from conformance.report.findings import verdict_text
from tests.builders import cases_of

FILE = """
    schema_version: 1
    topic: what holds whatever the rounding
    dims: {batch: 2, steps: 5, dim: 4}
    source: {kind: hand}
    cases:
      - id: one
        question: Does it hold?
        inputs:
          x: {shape: [batch, steps, dim]}
          z: {shape: [batch, steps, dim]}
          m:
            dtype: bool
            fill: {values: [[true, true, false, false, true], [true, false, true, true, false]]}
        layers: {layer: {LAYER}}
        graph: {_others: "[x, z, m]", y: "CALL"}
"""
CASES = {
    "shares": ("type: Softmax", "layer(x)"),
    "shares_of_a_plane": ("type: Softmax, axis: [1, 2]", "layer(x)"),
    "activation": ("type: Dense, units: 3, activation: softmax", "layer(x)"),
    "sigmoid": ("type: Activation, activation: sigmoid", "layer(x)"),
    "scores": ("type: MultiHeadAttention, num_heads: 2, key_dim: 3", "layer(x, z, return_attention_scores=True)[1]"),
    "scores_of_one": ("type: Attention", "layer([x, z], return_attention_scores=True)[1]"),
    "attended": ("type: Attention", "layer([x, z], mask=[m, m], use_causal_mask=True)"),
    "maximum": ("type: MaxPooling1D, pool_size: 2, padding: same", "layer(x)"),
    "maximum_first": ("type: MaxPooling1D, pool_size: 3, strides: 1, data_format: channels_first", "layer(x)"),
    "largest": ("type: GlobalMaxPooling1D, keepdims: true", "layer(x)"),
    "adaptive": ("type: AdaptiveMaxPooling1D, output_size: 3", "layer(x)"),
    "of_two": ("type: Maximum", "layer([x, z])"),
    "mean": ("type: AveragePooling1D, pool_size: 2, padding: same", "layer(x)"),
    "adaptive_mean": ("type: AdaptiveAveragePooling1D, output_size: 2, data_format: channels_first", "layer(x)"),
    "masked_mean": ("type: GlobalAveragePooling1D", "layer(x, mask=m)"),
    "mean_of_two": ("type: Average", "layer([x, z])"),
    "unit": ("type: UnitNormalization", "layer(x)"),
}
Change = Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]


def case_with(folder: Path, layer: str, call: str, more: str = "") -> Case:
    (case,) = cases_of(FILE.replace("LAYER", layer).replace("CALL", call) + more, folder)
    return case


def first(value: float) -> Change:
    """The output with another number at its first place."""

    def change(y: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        y = y.copy()
        y.flat[0] = value
        return y

    return change


def broken(case: Case, change: Change) -> list[str]:
    """Names of the invariants that a lane breaks whose `y` is the reference's, changed."""
    reference = answer(plan_of(case))
    found, asked = invariant_findings(case, changed(reference, change), reference)
    assert asked
    return [finding.kind for finding in found]


def changed(reference: Observation, change: Change) -> Observation:
    node = reference.runs[0]["y"]
    output = replace(node.outputs[0], values=change(node.outputs[0].values), sensitivity=None)
    return replace(reference, lane="keras", adapter="keras", runs=({"y": replace(node, outputs=(output,))},))


@pytest.mark.parametrize("name", CASES)
def test_the_reference_keeps_it_rounded_to_float32(name: str, tmp_path: Path) -> None:
    case = case_with(tmp_path, *CASES[name])
    assert broken(case, lambda y: y.astype("float32").astype(float)) == []


@pytest.mark.parametrize(
    ("name", "change", "invariant"),
    [
        ("shares", lambda y: y * 1.00001, "shares_sum_to_1"),
        ("shares", lambda y: np.zeros_like(y), "shares_sum_to_1"),
        ("shares_of_a_plane", lambda y: y + 1e-5, "shares_sum_to_1"),
        ("activation", lambda y: y * 0.9999, "shares_sum_to_1"),
        ("sigmoid", first(1.00001), "within_0_and_1"),
        ("sigmoid", first(-0.00001), "within_0_and_1"),
        ("scores", lambda y: y * 0.9999, "shares_sum_to_1"),
        ("scores_of_one", lambda y: np.swapaxes(y, -1, -2), "shares_sum_to_1"),
        ("attended", first(50.0), "mean_within"),
        ("maximum", lambda y: y + 1e-7, "one_of_its_window"),
        ("maximum_first", first(0.12345), "one_of_its_window"),
        ("largest", first(9.0), "one_of_its_window"),
        ("adaptive", lambda y: y[:, ::-1], "one_of_its_window"),
        ("of_two", first(9.0), "one_of_its_window"),
        ("mean", first(50.0), "mean_within"),
        ("adaptive_mean", first(-50.0), "mean_within"),
        ("masked_mean", first(50.0), "mean_within"),
        ("mean_of_two", lambda y: 2 * y, "mean_within"),
        ("unit", lambda y: y * 1.0001, "norm_is_1"),
    ],
)
def test_what_breaks_it_is_found(name: str, change: Change, invariant: str, tmp_path: Path) -> None:
    assert invariant in broken(case_with(tmp_path, *CASES[name]), change)


def test_a_masked_place_has_no_share_and_a_slice_of_nothing_has_none_at_all(tmp_path: Path) -> None:
    hidden = """
        schema_version: 1
        topic: a softmax with a mask
        source: {kind: hand}
        cases:
          - id: one
            question: Does it hold?
            inputs:
              x: {shape: [2, 3]}
              m: {shape: [2, 3], dtype: bool, fill: {values: [[true, false, true], [false, false, false]]}}
            layers: {layer: {type: Softmax}}
            graph: {y: "layer(x, mask=m)"}
    """
    (masked,) = cases_of(hidden, tmp_path)
    assert broken(masked, lambda y: y) == []

    def leaking(y: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        y = y.copy()
        y[0] = [y[0, 0] - 0.25, 0.25, y[0, 2]]
        return y

    assert broken(masked, leaking) == ["masked_place_is_0"]
    assert broken(masked, lambda y: y * [[0.5], [1.0]]) == ["shares_sum_to_1"]


def test_what_a_mask_hides_has_no_gradient(tmp_path: Path) -> None:
    (case,) = cases_of(
        FILE.replace("LAYER", "type: GlobalAveragePooling1D")
        .replace("CALL", "layer(x, mask=m)")
        .replace("[x, z, m]", "z"),
        tmp_path,
    )
    assert list(hidden_inputs(case)) == [("x", "m")]
    reference = answer(plan_of(case))
    assert invariant_findings(case, reference, reference)[0] == []
    gradient = reference.gradients["input x"]
    leaks = gradient.values.copy()
    leaks[0, 2, 0] = 1e-30
    got = replace(
        reference, lane="keras", gradients={**reference.gradients, "input x": replace(gradient, values=leaks)}
    )
    (found,) = invariant_findings(case, got, reference)[0]
    assert (found.kind, found.node) == ("masked_place_has_no_influence", "input x")
    twice = case_with(tmp_path, "type: GlobalAveragePooling1D", "layer(x, mask=m) + mean(x, axis=1)")
    assert list(hidden_inputs(twice)) == []


def test_a_mask_that_hides_nothing_asks_nothing(tmp_path: Path) -> None:
    asked = []
    for entry in ("false", "true"):
        (case,) = cases_of(
            FILE.replace("LAYER", "type: Activation, activation: tanh")
            .replace("CALL", "layer(x, mask=m)")
            .replace("[x, z, m]", "z")
            .replace("true, true, false, false, true", "true, true, true, true, true")
            .replace("true, false, true, true, false", f"true, true, true, true, {entry}"),
            tmp_path,
        )
        reference = answer(plan_of(case))
        hidden = replace(reference.gradients["input x"], values=reference.gradients["input x"].values.copy())
        if entry == "false":
            hidden.values[1, 4] = 0.0
        reference = replace(reference, gradients={"input x": hidden})
        asked.append(invariant_findings(case, reference, reference))
    assert asked == [([], 1), ([], 0)]


def test_a_dropped_share_in_training_is_not_held_to_its_sum(tmp_path: Path) -> None:
    layer, call = "type: Attention, dropout: 0.5", "layer([x, z], return_attention_scores=True, training=True)[1]"
    case = case_with(tmp_path, layer, call)
    reference = answer(plan_of(case))
    assert invariant_findings(case, reference, reference) == ([], 0)


def test_the_verdict_says_it_in_words_and_a_deviation_knows_it(tmp_path: Path) -> None:
    """What a case tolerates of values does not excuse a share that is lost."""
    wide = '        tolerance: {rtol: 0.01, atol: 0.0, reason: "a wide one"}\n'
    case = case_with(tmp_path, "type: Softmax", "layer(x)", wide)
    reference = answer(plan_of(case))
    got = changed(reference, lambda y: (y * (1 + 2.0**-10)).astype("float32"))
    got = replace(got, gradients={}, gradient_note="none")
    observations = {"numpy": reference, "keras": got}
    verdict = judge_case(case, observations, {})
    record = case_record(case, verdict, observations)
    assert verdict.lanes["numpy"].aspects["invariants"] == "agree"
    assert (verdict.lanes["keras"].aspects["values"], verdict.lanes["keras"].aspects["invariants"]) == (
        "agree",
        "differ",
    )
    words = "invariant shares_sum_to_1 of y: keras does not keep that the shares sum to 1; it is off by 0.00097"
    assert verdict_text(record, "keras").startswith(words)
    assert observed_of(record, "keras") == {"node": "y", "invariant": "shares_sum_to_1"}
    assert matches("invariants", {"invariant": "shares_sum_to_1"}, record, "keras")
    assert not matches("invariants", {"invariant": "norm_is_1"}, record, "keras")


def test_one_is_switched_off_with_a_reason_and_no_other_way(tmp_path: Path) -> None:
    layer, call = CASES["shares"]
    off = case_with(tmp_path, layer, call, '        no_invariants: {shares_sum_to_1: "a case about lost shares"}\n')
    assert off.no_invariants == {"shares_sum_to_1": "a case about lost shares"}
    reference = answer(plan_of(off))
    assert invariant_findings(off, changed(reference, lambda y: 2 * y), reference) == ([], 0)
    assert off.digest != case_with(tmp_path, layer, call).digest
    for written, message in (
        ('{shares_sum_to_1: ""}', "shares_sum_to_1 is empty"),
        ("{shares_sum_to_1: null}", "shares_sum_to_1"),
        ('{shares_sum_to_2: "why"}', "shares_sum_to_1"),
        ("[shares_sum_to_1]", "no_invariants"),
    ):
        with pytest.raises(CaseError, match=message):
            case_with(tmp_path, layer, call, f"        no_invariants: {written}\n")


def test_every_invariant_of_a_class_has_a_name_by_which_cases_know_it() -> None:
    for kind in LAYERS.values():
        assert {one.name for one in kind.invariants} <= set(NAMES)


def test_nothing_is_asked_of_a_call_inside_another_or_of_a_hidden_node(tmp_path: Path) -> None:
    assert asked_of(case_with(tmp_path, "type: Softmax", "layer(x) + 1")) == ()
    (hidden,) = cases_of(
        FILE.replace("LAYER", "type: Softmax").replace('y: "CALL"', '_y: "layer(x)", more: "_y + 1"'), tmp_path
    )
    assert asked_of(hidden) == ()
