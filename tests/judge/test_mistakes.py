"""Which mistakes are tried on a case, and which two of them are one."""

from __future__ import annotations

from pathlib import Path

from conformance.case.model import Case
from conformance.diagnose.mistakes import (
    Mistake,
    are_one,
    derived_ones,
    forgotten_ones,
    kinds_of,
    named_ones,
    other_ones,
    rather_inside,
)
from conformance.plans.draw import plan_of
from tests.builders import cases_of

TEXT = """
    schema_version: 1
    topic: a training
    dims: {batch: 2, steps: 6, features: 3}
    source: {kind: hand}
    cases:
      - id: one
        question: What was forgotten?
        inputs:
          x: {shape: [batch, steps, features]}
          y: {shape: [batch, steps, 4]}
        layers:
          each: {type: TimeDistributed, layer: {type: Dense, units: 4, activation: relu}}
          conv: {type: Conv1D, filters: 4, kernel_size: 2, dilation_rate: 2, padding: same}
          mse: {type: MeanSquaredError}
        graph:
          loss: mse(y, each(x) + conv(x))
        training: {optimizer: {type: SGD, momentum: 0.5}, loss: loss, steps: 2}
"""


def case_of(folder: Path) -> Case:
    (case,) = cases_of(TEXT, folder)
    return case


def one(tried: list[Mistake], name: str) -> Mistake:
    (found,) = (mistake for mistake in tried if f"{mistake[0]}.{mistake[1].name}" == name)
    return found


def test_layers_wrapped_layers_and_optimisers_are_tried(tmp_path: Path) -> None:
    case = case_of(tmp_path)
    assert {"TimeDistributed", "Conv1D", "SGD"} <= {kind for kind, _ in named_ones(case)}
    derived = {f"{kind}.{mutant.name}" for kind, mutant in derived_ones(case, plan_of(case))}
    assert {"TimeDistributed.bias=twice", "Dense.kernel=absolute", "Conv1D.kernel=absent"} <= derived
    assert "SGD.momentum=1 -" in derived
    assert "SGD.bias=twice" not in derived
    others = {f"{kind}.{mutant.name}" for kind, mutant in other_ones(case)}
    assert {
        "Conv1D.padding=causal",
        "Conv1D.activation=relu",
        "TimeDistributed.mask=late",
        "SGD.nesterov=true",
    } <= others


def test_the_same_arguments_under_two_names_are_one_mistake(tmp_path: Path) -> None:
    case = case_of(tmp_path)
    plan = plan_of(case)
    named, forgotten = list(named_ones(case)), list(forgotten_ones(case))
    no_dilation, no_rate = one(named, "Conv1D.no_dilation"), one(forgotten, "Conv1D.dilation_rate=default")
    assert are_one(plan, no_rate, no_dilation)
    assert not are_one(plan, one(forgotten, "Conv1D.padding=default"), no_dilation)
    assert not are_one(plan, one(forgotten, "Conv1D.strides=default"), one(named, "Conv1D.flipped_kernel")), "weights"
    assert are_one(plan, one(forgotten, "SGD.momentum=default"), one(named, "SGD.forgets"))
    assert not are_one(plan, one(forgotten, "SGD.nesterov=default"), one(named, "SGD.forgets"))


def test_the_layer_that_computes_is_named_rather_than_its_wrapper(tmp_path: Path) -> None:
    case = case_of(tmp_path)
    assert kinds_of(case) == ["Dense", "TimeDistributed", "Conv1D", "MeanSquaredError", "SGD"]
    derived = list(derived_ones(case, plan_of(case)))
    inner, outer = one(derived, "Dense.bias=twice"), one(derived, "TimeDistributed.bias=twice")
    beside = one(derived, "Conv1D.bias=twice")
    assert rather_inside(case, [outer, inner, beside]) == [inner, beside]
    assert rather_inside(case, [outer, beside]) == [outer, beside], "what only the wrapper does is the wrapper's"
