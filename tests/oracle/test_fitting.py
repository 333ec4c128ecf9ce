"""What `fit` and `evaluate` report in the reference, against numbers worked out on paper; every mistake moves one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.mutants.layer import mutable, mutants_of, with_mistake
from conformance.oracle.run import Depth, answer
from conformance.plans.draw import plan_of
from conformance.protocol.plan import Plan
from tests.builders import cases_of

TEXT = """
    schema_version: 1
    topic: batches
    dims: {batch: 3}
    source: {kind: hand}
    cases:
      - id: a
        question: q
        inputs:
          x: {shape: [batch, 1], fill: {values: [[1], [2], [3]]}}
          y: {shape: [batch, 1], fill: {values: [[0], [1], [0]]}}
          w: {shape: [batch], fill: {values: [1, 2, 4]}}
        layers:
          dense:
            {type: Dense, units: 1, use_bias: false, kernel_initializer: ones, kernel_regularizer: {type: L2, l2: 0.5}}
          second: {type: Dense, units: 1, use_bias: false, kernel_initializer: ones}
          squared: {type: MeanSquaredError}
          absolute: {type: MeanAbsoluteError}
          plain: {type: metrics.MeanSquaredError}
          weighted: {type: metrics.MeanSquaredError}
        graph: {one: dense(x), other: second(x)}
        training:
          through: evaluate
          loss: {one: squared, other: absolute}
          loss_weights: {one: 0.5, other: 3}
          y: {one: y, other: y}
          sample_weight: {one: w, other: w}
          metrics: {one: [plain]}
          weighted_metrics: {one: [weighted]}
          batch_size: 2
"""
FIT = """
    schema_version: 1
    topic: batches
    dims: {batch: 3}
    source: {kind: hand}
    cases:
      - id: a
        question: q
        inputs:
          x: {shape: [batch, 1], fill: {values: [[1], [2], [3]]}}
          y: {shape: [batch, 1], fill: {values: [[0], [1], [0]]}}
        layers:
          dense: {type: Dense, units: 1, use_bias: false, kernel_initializer: ones}
          squared: {type: MeanSquaredError}
        graph: {one: dense(x)}
        training:
          through: fit
          optimizer: {type: SGD, learning_rate: 0.1}
          loss: {one: squared}
          y: {one: y}
          batch_size: 2
"""
# squares of the errors 1, 1, 3: 1, 1, 9, weighted 1, 2, 36; magnitudes weighted 1, 2, 12
SAID = {
    "evaluate.one_loss@1": 39 / 3,
    "evaluate.other_loss@1": 15 / 3,
    "evaluate.loss@1": 0.5 * 39 / 3 + 3 * 15 / 3 + 0.5,
    "evaluate.plain@1": 11 / 3,
    "evaluate.weighted@1": 39 / 7,
}


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    (case,) = cases_of(TEXT, tmp_path)
    return plan_of(case, with_gradients=False)


def reported(plan: Plan, rewrite: Any = None) -> dict[str, float]:
    (run,) = answer(plan, Depth.VALUES, rewrite).runs
    return {label: float(run[label].outputs[0].values) for label in run if label.startswith("evaluate.")}


def test_every_report_is_what_paper_says(plan: Plan) -> None:
    assert reported(plan) == pytest.approx(SAID, rel=1e-12)


@pytest.mark.parametrize(
    "name", sorted(set(mutants_of(mutable()["evaluate"])) - {"ignores_mask", "metrics_ignore_mask"})
)
def test_every_mistake_moves_a_report(name: str, plan: Plan) -> None:
    kind = mutable()["evaluate"]
    wrong = reported(plan, lambda held: with_mistake(held, kind, mutants_of(kind)[name]))
    assert any(abs(wrong[label] - wanted) > 1e-3 for label, wanted in SAID.items())


def test_a_plan_with_a_fit_travels_unchanged(plan: Plan) -> None:
    assert Plan.from_wire(plan.to_wire()).fits == plan.fits


def test_a_step_of_fit_is_the_optimisers_by_the_batch(tmp_path: Path) -> None:
    # w = 1: the first batch has the gradient (1 * 1 + 1 * 2) 2 / 2 = 3, so that a rate of 0.1 makes w 0.7; then 2.1 is
    # wrong by 2.1, the gradient 2 * 2.1 * 3 = 12.6, and w -0.56
    (case,) = cases_of(FIT, tmp_path)
    (run,) = answer(plan_of(case, with_gradients=False), Depth.VALUES).runs
    assert float(run["fit.loss@1"].outputs[0].values) == pytest.approx((2 * 1 + 2.1**2) / 3)
    np.testing.assert_allclose(run["dense.kernel@1"].outputs[0].values, [[-0.56]])


SAVED = """
    schema_version: 1
    topic: batches
    dims: {batch: 1}
    source: {kind: hand}
    cases:
      - id: a
        question: q
        inputs:
          x: {shape: [batch, 1], fill: {constant: 1}}
          y: {shape: [batch, 1], fill: {constant: 0}}
        layers:
          dense: {type: Dense, units: 1, use_bias: false, kernel_initializer: ones}
          squared: {type: MeanSquaredError}
        graph: {one: dense(x)}
        training:
          {through: fit, optimizer: OPTIMIZER, loss: {one: squared}, y: {one: y}, batch_size: 1, epochs: 2}
        saved: {as: FORM, after: 1}
"""
VELOCITY = "{type: SGD, learning_rate: 0.1, momentum: 0.5}"
FALLING = (
    "{type: SGD, learning_rate: "
    "{type: schedules.ExponentialDecay, initial_learning_rate: 0.1, decay_steps: 1, decay_rate: 0.5}}"
)
# the loss is w^2, and w 1: the first step goes 0.1 * 2 down, to 0.8; the second has the gradient 1.6
RESUMED = {
    "a velocity of -0.2 is kept: 0.8 + 0.5 * -0.2 - 0.16": ("keras", VELOCITY, "", 0.54),
    "the same in an h5": ("h5", VELOCITY, "", 0.54),
    "weights know of no velocity: 0.8 - 0.16": ("weights", VELOCITY, "", 0.64),
    "the rate has fallen to 0.05: 0.8 - 0.08": ("keras", FALLING, "", 0.72),
    "with weights it begins anew: 0.8 - 0.16": ("weights", FALLING, "", 0.64),
    "a velocity that is lost": ("keras", VELOCITY, "saves_no_slots", 0.64),
    "steps that are lost": ("keras", FALLING, "saves_no_steps", 0.64),
    "slots that are lost cost no steps": ("keras", FALLING, "saves_no_slots", 0.72),
    "steps that are lost cost no slots": ("keras", VELOCITY, "saves_no_steps", 0.54),
    "a velocity that is found among weights": ("weights", VELOCITY, "slots_with_weights", 0.54),
}


@pytest.mark.parametrize("name", RESUMED)
def test_what_an_optimiser_knows_when_a_model_was_saved_and_loaded(name: str, tmp_path: Path) -> None:
    form, optimizer, mistake, wanted = RESUMED[name]
    (case,) = cases_of(SAVED.replace("OPTIMIZER", optimizer).replace("FORM", form), tmp_path)
    kind = mutable()["fit"]
    rewrite = (lambda held: with_mistake(held, kind, mutants_of(kind)[mistake])) if mistake else None
    (run,) = answer(plan_of(case, with_gradients=False), Depth.VALUES, rewrite).runs
    np.testing.assert_allclose(run["dense.kernel@1"].outputs[0].values, [[0.8]])
    np.testing.assert_allclose(run["dense.kernel@2"].outputs[0].values, [[wanted]])
    assert float(run["fit.loss@2"].outputs[0].values) == pytest.approx(0.64)
