"""What may be minimised, what a step is fed, and where the Keras lane does not train; no framework is needed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from conformance.lanes.keras_training import Trainer
from conformance.protocol.adapter import Unsupported
from conformance.protocol.carried import remembered
from conformance.protocol.training import batch_of, number_of
from tests.builders import cases_of, fake, records_of

TEXT = """
    schema_version: 1
    topic: a loss that is none
    dims: {batch: 2, features: 3}
    source: {kind: hand}
    cases:
      - id: vector
        question: May a vector be minimised?
        inputs: {x: {shape: [batch, features]}}
        layers: {dense: {type: Dense, units: 1}}
        graph: {loss: "mean(dense(x), axis=0)"}
        training: {optimizer: {type: SGD}, loss: loss}
"""


def test_a_step_is_fed_the_batch_that_is_named_for_it() -> None:
    training = SimpleNamespace(batches={"ids": ("ids", "later")})
    inputs = {"ids": 1, "later": 2, "x": 3}
    assert batch_of(training, inputs, 1) == {"ids": 1, "later": 2, "x": 3}
    assert batch_of(training, inputs, 2) == {"ids": 2, "later": 2, "x": 3}
    assert batch_of(SimpleNamespace(batches={}), inputs, 2) == inputs


def test_one_number_can_be_minimised() -> None:
    assert float(number_of("loss", np.float64(2.0))) == 2.0
    carried = SimpleNamespace(data=np.zeros(()))
    assert number_of("loss", carried) is carried


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.zeros((1,)), "the loss loss has shape (1,); one number can be minimised"),
        (SimpleNamespace(data=np.zeros((2, 3))), "the loss loss has shape (2, 3); one number can be minimised"),
        ([np.zeros(()), np.zeros(())], "the loss loss is a list of 2 arrays; one number can be minimised"),
    ],
)
def test_nothing_else_can(value: Any, message: str) -> None:
    with pytest.raises(ValueError, match="can be minimised") as raised:
        number_of("loss", value)
    assert str(raised.value) == message


def test_the_reference_raises_for_a_loss_that_is_no_number(tmp_path: Path) -> None:
    (record,) = records_of(cases_of(TEXT, tmp_path), fake("always_right"))
    failure = record["lanes"]["numpy"]["failure"]
    assert (failure["type"], failure["phase"]) == ("ValueError", "call")
    assert failure["message"] == "the loss loss has shape (1,); one number can be minimised"


@pytest.mark.parametrize(
    ("backend", "layers", "reason"),
    [
        ("openvino", {}, "no training on the openvino backend, which has no gradients"),
        (
            "tensorflow",
            {"loss": SimpleNamespace(eager_only=True)},
            "a layer here runs outside of what Keras differentiates",
        ),
    ],
)
def test_the_keras_lane_says_where_it_cannot_train(backend: str, layers: dict[str, Any], reason: str) -> None:
    arrays: Any = SimpleNamespace(layers=layers)
    with pytest.raises(Unsupported) as raised:
        Trainer({}, arrays, lambda layer: None, backend)
    assert str(raised.value) == reason


def test_what_a_layer_remembers_is_found_in_the_layer_that_it_wraps() -> None:
    state = {"moving_mean": 1.0, "layer": {"moving_mean": 2.0}}
    assert remembered(state, "moving_mean") == 1.0
    assert remembered(state, "layer.moving_mean") == 2.0
    assert remembered(state, "gamma") is None
    assert remembered(state, "forward.gamma") is None
