"""One function runs the reference: as deep as it is asked for, with layers put in place of others, never raising."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.oracle.run import MISTAKEN, Depth, answer, message
from conformance.plans.draw import plan_of
from conformance.protocol.observation import REFERENCE
from conformance.protocol.plan import Plan, PlannedNode
from conformance.reference.base import HookError
from tests.builders import cases_of

TEXT = """
    schema_version: 1
    topic: sums
    source: {kind: hand}
    cases:
      - id: trained
        question: How deep?
        dims: {batch: 2, features: 4}
        inputs: {x: {shape: [batch, features]}}
        layers: {dense: {type: Dense, units: 3}}
        graph: {y: dense(x), loss: mean(y)}
        training: {optimizer: {type: SGD}, loss: loss, steps: 2}
"""


def planned(folder: Path) -> Plan:
    return plan_of(cases_of(TEXT, folder)[0], policies=("mixed_bfloat16",))


def test_each_depth_holds_what_those_before_it_hold(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    values, moved, whole = (answer(plan, depth) for depth in Depth)
    for found in (values, moved, whole):
        assert found.failure is None
        assert list(found.runs[0]) == ["y", "loss", "dense.kernel@1", "dense.bias@1", "dense.kernel@2", "dense.bias@2"]
        for name, node in found.runs[0].items():
            assert np.array_equal(node.outputs[0].values, whole.runs[0][name].outputs[0].values)
    assert values.runs[0]["y"].outputs[0].sensitivity is None
    for name in plan.observed:  # trained weights are moved by factors that the way back has drawn on before
        first, second = (found.runs[0][name].outputs[0].sensitivity for found in (moved, whole))
        assert np.array_equal(first, second), name
    assert (values.gradients, moved.gradients, values.policies, moved.policies) == ({}, {}, {}, {})
    assert set(whole.gradients) == {"input x", "dense.kernel", "dense.bias"}
    assert set(whole.policies) == {"mixed_bfloat16"}


def test_layers_and_optimisers_are_put_through_the_rewrite(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    seen: list[str] = []

    def rewrite(one: Any) -> Any:
        seen.append(type(one).__name__)
        return one

    found = answer(plan, Depth.VALUES, rewrite)
    assert seen == ["Dense", "SGD"]
    assert (found.lane, answer(plan, Depth.VALUES).lane) == (MISTAKEN, REFERENCE)


def test_what_a_rewrite_raises_is_no_answer(tmp_path: Path) -> None:
    def broken(one: Any) -> Any:
        raise HookError("output of wrong: KeyError")

    with pytest.raises(HookError, match="KeyError"):
        answer(planned(tmp_path), Depth.VALUES, broken)


def test_what_was_reached_before_a_failure_is_kept(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    graph = (*plan.graph, PlannedNode("wrong", "y @ y"))
    found = message(replace(plan, graph=graph, observed=(*plan.observed, "wrong"), trainings=()))
    assert (found["failure"]["phase"], found["failure"]["node"]) == ("call", "wrong")
    assert list(found["runs"][0]) == ["y", "loss"]


def test_a_constructor_that_refuses_fails_while_it_is_built(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    layers = {"dense": replace(plan.layers["dense"], type="Dropout", config={"rate": 1.5})}
    found = message(replace(plan, layers=layers))
    assert found["failure"]["phase"] == "build"
    assert found["runs"] == []


WEIGHTS = """
    schema_version: 1
    topic: what a lane works out by itself
    source: {kind: hand}
    cases:
      - id: waves
        question: What may the imaginary part of the highest frequency be?
        inputs: {x: {shape: [1, 8, 1]}}
        layers: {imag: {type: STFTSpectrogram, mode: imag, frame_length: 8, window: null}}
        graph: {y: imag(x)}
      - id: kept
        question: Is what a kernel is divided by exact?
        inputs: {x: {shape: [1, 1], fill: {values: [[3]]}}}
        layers: {norm: {type: SpectralNormalization, layer: {type: Dense, units: 1, use_bias: false}}}
        graph: {y: "norm(x, training=True)", after: norm(x)}
        no_gradients: not asked
      - id: far
        question: What may gradients of large logits be?
        inputs:
          labels: {shape: [1, 1], dtype: int32, fill: {values: [[1]]}}
          logits: {shape: [1, 12, 3], fill: {uniform: [-30, 30]}}
        layers: {ctc: {type: CTC}}
        graph: {loss: "ctc(labels, logits)"}
"""


def deep(folder: Path, name: str) -> Any:
    case = next(case for case in cases_of(WEIGHTS, folder) if case.id.endswith(name))
    return answer(plan_of(case), Depth.EVERYTHING)


def test_a_sine_moves_by_its_angle_though_it_is_zero(tmp_path: Path) -> None:
    """sin(pi n) is 0; in float32 the angle pi n is off by up to n 2e-7."""
    found = deep(tmp_path, "waves").runs[0]["y"].outputs[0]
    assert np.abs(found.values[0, 0, 4]) < 1e-12
    assert 1e-8 < found.sensitivity[0, 0, 4] < 1e-5


def test_a_weight_that_a_call_in_training_left_is_not_exact(tmp_path: Path) -> None:
    assert deep(tmp_path, "kept").exact == frozenset()


def test_logarithms_as_large_as_the_loss_are_rounded(tmp_path: Path) -> None:
    """A logarithm of size 100 that is rounded moves a probability by 100 roundings, 6e-6 of it."""
    found = deep(tmp_path, "far")
    assert abs(float(found.runs[0]["loss"].outputs[0].values)) > 30
    assert found.gradients["input logits"].sensitivity.max() > 5e-7
