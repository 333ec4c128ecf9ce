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
