"""One place of a formula written otherwise, in every way that people slip; and the slip that a lane has made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy
import pytest

from conformance.diagnose import formulas
from conformance.diagnose.explain import explanations
from conformance.diagnose.words import sentence
from conformance.judge.case import judge_case
from conformance.lanes.numpy import Reference
from conformance.mutants.formula import LONGEST, slips
from conformance.mutants.gate_order import gate_orders
from conformance.mutants.layer import broken
from conformance.oracle.run import Depth, answer
from conformance.plans.draw import plan_of
from conformance.protocol.observation import Observation, from_message
from conformance.reference.attention import AdditiveAttention
from conformance.reference.base import Layer
from conformance.reference.catalog import LAYERS
from conformance.reference.core import Dense
from conformance.reference.losses import MeanSquaredError
from conformance.reference.merging import Average
from conformance.reference.normalization import LayerNormalization
from conformance.reference.rnn import GRU, LSTM
from tests.builders import cases_of
from tests.reference.helpers import run

X = numpy.array([[1.0, 2.0, 6.0]])


def one(kind: type[Layer], words: str) -> Any:
    found = [slip for slip in slips(kind) if words in slip.mistake]
    assert len(found) == 1, [slip.mistake for slip in found]
    return found[0]


def test_by_hand_a_slip_is_in_the_formula_while_it_is_applied() -> None:
    """(1 - 0)^2, (2 - 0)^2, (6 - 0)^2: their mean is 41 / 3, their sum 41, their largest 36."""
    loss = MeanSquaredError()
    assert run(loss, 0.0 * X, X) == pytest.approx(41 / 3)
    with one(MeanSquaredError, "has `np.sum((y_pred - y_true) ** 2, axis=-1)` where").applied():
        assert run(loss, 0.0 * X, X) == pytest.approx(41.0)
    with one(MeanSquaredError, "has `np.max((y_pred - y_true) ** 2, axis=-1)` where").applied():
        assert run(loss, 0.0 * X, X) == pytest.approx(36.0)
    assert run(loss, 0.0 * X, X) == pytest.approx(41 / 3)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (LayerNormalization, "swaps `w.beta` and `w.gamma` in the formula (normalization.LayerNormalization.call)"),
        (LayerNormalization, "has `along(1 + w.gamma, axes, x.shape)` where the formula has `along(w.gamma"),
        (LayerNormalization, "has `x + np.mean(x, axis=axes, keepdims=True)` where the formula has `x - np.mean("),
        (LayerNormalization, "has `variance + self.epsilon` where the formula has `np.sqrt(variance + self.epsilon)`"),
        (LSTM, "has `(1 - i) * c` where the formula has `f * c` (recurrent.LSTMCell.call)"),
        (LSTM, "has `i * c` where the formula has `f * c` (recurrent.LSTMCell.call)"),
        (AdditiveAttention, "has `tanh((w.scale if self.use_scale else 1.0) * _sums(query, key))` where"),
        (Average, "has `len(values) - 1` where the formula has `len(values)` (merging.Average.call)"),
        (GRU, "has `np.ones((batch, sizes))` where the formula has `np.zeros((batch, sizes))` (recurrent._zeros)"),
    ],
)
def test_the_ways_in_which_people_slip(kind: type[Layer], words: str) -> None:
    assert one(kind, words)


@pytest.mark.parametrize("kind", ["MultiHeadAttention", "Conv3D", "LSTM", "SparseCategoricalCrossentropy"])
def test_every_slip_is_another_formula_and_there_are_not_too_many(kind: str) -> None:
    every = slips(LAYERS[kind])
    assert len(every) <= 1000
    for slip in every:
        _, wrong, *rest = slip.mistake.split("`")
        assert not rest or wrong != rest[1]
        assert len(wrong) <= LONGEST


TEXT = """
    schema_version: 1
    topic: a normalisation between two layers
    dims: {batch: 2, steps: 5, features: 4}
    source: {kind: hand}
    cases:
      - id: one
        question: What does the formula say?
        inputs: {x: {shape: [batch, steps, features]}}
        layers:
          first: {type: Dense, units: 4}
          norm: {type: LayerNormalization}
          last: {type: Dense, units: 3}
        graph:
          y: norm(first(x))
          z: last(y)
"""


def explained(folder: Path, got: Any) -> Any:
    (case,) = cases_of(TEXT, folder)
    reference = from_message("numpy", "numpy", Reference({}).observe(plan_of(case)))
    lane = replace(got(plan_of(case), reference), lane="lane", gradients={})
    both = {"numpy": reference, "lane": lane}
    return explanations(case, plan_of(case), judge_case(case, both, {}), both, {})["lane"]


def with_slip(words: str) -> Any:
    def got(plan: Any, reference: Observation) -> Observation:
        with one(LayerNormalization, words).applied():
            return answer(plan, Depth.VALUES)

    return got


def test_a_slip_that_nobody_gave_a_name_is_shown(tmp_path: Path) -> None:
    found = explained(tmp_path, with_slip("has `along(1 + w.gamma, axes, x.shape)`"))
    assert sentence(found) == (
        "lane's answer is consistent with that of one who has `along(1 + w.gamma, axes, x.shape)` where the formula "
        "has `along(w.gamma, axes, x.shape)` (normalization.LayerNormalization.call). It starts at y."
    )
    assert found.mutants == ()


def test_other_numbers_are_no_slip_and_large_cases_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def got(plan: Any, reference: Observation) -> Observation:
        node = reference.runs[0]["y"]
        other = numpy.random.default_rng(3).normal(size=node.outputs[0].shape)
        changed = replace(node, outputs=(replace(node.outputs[0], values=other),))
        return replace(reference, runs=({**reference.runs[0], "y": changed},))

    assert sentence(explained(tmp_path / "a", got)).startswith("No known mistake")
    monkeypatch.setattr(formulas, "LARGEST", 3)
    slip = with_slip("has `along(1 + w.gamma, axes, x.shape)`")
    assert sentence(explained(tmp_path / "b", slip)).startswith("No known mistake")


def test_gates_may_stand_in_any_order() -> None:
    orders = {mutant.name: mutant for mutant in gate_orders(LSTM)}
    assert len(orders) == 23
    assert orders["gates=fico"].mistake == "stacks the gates in the order f, i, c, o"
    weights = {"bias": numpy.arange(8.0)}
    hook = orders["gates=fico"].weights
    assert hook is not None
    assert hook(LSTM(units=2), weights)["bias"].tolist() == [2, 3, 0, 1, 4, 5, 6, 7]
    assert broken(LSTM(units=2), orders["gates=fico"]) == LSTM(units=2), "only weights change"
    assert len(gate_orders(GRU)) == 5
    assert gate_orders(Dense) == ()
