"""What layers add to the loss of a training, by hand: penalties of weights, and of what a layer gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.case.layers import takes_activity_regularizer
from conformance.errors import CaseError
from conformance.oracle.penalties import activity_penalty, cost_of_activity, cost_of_weights
from conformance.oracle.run import Depth, answer
from conformance.plans.derive import only_node
from conformance.plans.draw import plan_of
from conformance.protocol.plan import Plan
from conformance.reference.base import LAYERS
from tests.builders import cases_of

L1: dict[str, Any] = {"type": "L1", "l1": 0.5}
L2: dict[str, Any] = {"type": "L2", "l2": 0.25}


def test_an_output_costs_its_penalty_divided_by_the_size_of_the_batch() -> None:
    y = np.array([[4.0], [-8.0]])
    assert cost_of_activity(L1, y) == 3.0
    assert cost_of_activity(L2, y) == 10.0
    assert cost_of_activity(L2, y, is_divided=False) == 20.0


def test_of_several_arrays_each_costs_something() -> None:
    assert cost_of_activity(L1, [np.array([[4.0], [-8.0]]), np.array([2.0, 2.0])]) == 4.0


def test_no_samples_cost_nothing_and_one_number_is_not_divided() -> None:
    assert cost_of_activity(L2, np.zeros((0, 4))) == 0.0
    assert cost_of_activity(L2, np.array(4.0)) == 4.0


def test_weights_cost_what_their_regularisers_say_unless_they_are_frozen() -> None:
    config = {"units": 1, "kernel_regularizer": L2, "bias_regularizer": "l1"}
    weights = {"kernel": np.array([[2.0]]), "bias": np.array([3.0])}
    assert cost_of_weights("Dense", config, weights, ()) == pytest.approx(1.0 + 0.03)
    assert cost_of_weights("Dense", config, weights, ("kernel",)) == pytest.approx(0.03)


def test_a_word_stands_for_a_regulariser_with_its_defaults() -> None:
    assert activity_penalty("Dense", {"activity_regularizer": "l2"}) == {"type": "L2", "l2": 0.01}
    assert activity_penalty("Dense", {}) is None
    assert activity_penalty("Dense", {"activity_regularizer": None}) is None


def test_layers_of_one_output_take_one_and_others_say_why_not() -> None:
    assert takes_activity_regularizer("Dense")
    assert takes_activity_regularizer("GlobalMaxPooling1D")
    assert not takes_activity_regularizer("MeanSquaredError")
    assert not takes_activity_regularizer("nn.Linear")
    assert not takes_activity_regularizer("MultiHeadAttention")
    assert LAYERS["MultiHeadAttention"].without_activity_regularizer == "Keras gives it to the projections inside"


TEXT = """
    schema_version: 1
    topic: what a layer adds to a loss
    cases:
      - id: a
        question: q
        inputs: {x: {shape: [2, 3]}}
        layers: {dense: {type: Dense, units: 4, activity_regularizer: l2}}
        graph: {y: dense(x), cost: dense.losses}
"""


def costs(plan: Plan) -> Any:
    return answer(plan, Depth.VALUES).runs[0]["cost"].outputs[0].values


def test_the_cost_is_an_output_of_its_own_that_needs_the_call(tmp_path: Path) -> None:
    plan = plan_of(cases_of(TEXT, tmp_path)[0])
    y = answer(plan, Depth.VALUES).runs[0]["y"].outputs[0].values
    assert costs(plan) == pytest.approx(0.01 * np.sum(y**2) / 2)
    assert [node for node, _ in only_node(plan, "cost").graph] == ["y", "cost"]
    assert costs(only_node(plan, "cost")) == costs(plan)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (", activity_regularizer: l2", "", "dense.losses: dense adds nothing to a loss"),
        ("{y: dense(x), cost: dense.losses}", "{cost: dense.losses, y: dense(x)}", "is read before dense is called"),
        ("activity_regularizer: l2", "activity_regularizer: {type: L3}", "unknown regularizer type L3"),
        ("type: Dense", "type: TimeDistributed", "activity_regularizer of a layer inside dense has no reference here"),
        ("type: Dense, units: 4", "type: MultiHeadAttention, num_heads: 2, key_dim: 2", "Keras takes activity_"),
    ],
)
def test_what_cannot_be_asked_is_refused_when_the_case_is_read(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    text = TEXT.replace(old, new)
    if new == "type: TimeDistributed":
        text = TEXT.replace("{type: Dense,", "{type: TimeDistributed, layer: {type: Dense,").replace("l2}", "l2}}")
    with pytest.raises(CaseError) as caught:
        cases_of(text, tmp_path)
    assert message in str(caught.value)
