"""Keras itself as a functional model beside its eager calls: every size, masks, states, and what has no model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conformance.lanes.declare import parse
from tests.builders import cases_of, records_of
from tests.lanes.test_keras_modes import ALONE, NAMED, SIZES

pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.filterwarnings("ignore"),  # the frameworks' own, which a lane's process writes to a file
]

ORDERED = """
    schema_version: 1
    topic: what a model does in an order of its own
    dims: {batch: 2, steps: 3, features: 4}
    source: {kind: hand}
    cases:
      - id: twice
        question: What does a second call see of the first?
        inputs: {x: {shape: [batch, features]}}
        layers: {norm: {type: BatchNormalization}}
        graph:
          first: norm(x, training=True)
          second: norm(x)
        no_gradients: "what a call has moved has none"
      - id: once
        question: Does a model start with the statistics of the case?
        inputs: {x: {shape: [batch, features]}}
        layers: {norm: {type: BatchNormalization}}
        graph:
          first: norm(x, training=True)
      - id: remembered
        question: Does a model start with the state of the case?
        inputs: {x: {shape: [batch, steps, features]}}
        layers: {gru: {type: GRU, units: 2, stateful: true}}
        graph:
          y: gru(x)
"""
ADDED = """
    schema_version: 1
    topic: a sum of which each part has an axis of its own
    source: {kind: hand}
    cases:
      - id: sum
        question: Is a + b in a model what it is of arrays?
        inputs:
          a: {shape: [1, 4, 1, 1, 1]}
          b: {shape: [1, 1, 4, 1, 1]}
        graph:
          y: a + b
        expect:
          y: {shape: [1, 4, 4, 1, 1]}
"""

LEFT_OUT = """
    schema_version: 1
    topic: a node of weights alone
    source: {kind: hand}
    cases:
      - id: one
        question: Is what a model leaves out told?
        inputs: {x: {shape: [2, 3]}}
        layers: {dense: {type: Dense, units: 2}}
        graph:
          y: dense(x)
          w: sum(dense.kernel)
"""


def lanes_of(text: str, folder: Path) -> list[dict[str, Any]]:
    return [record["lanes"]["keras"] for record in records_of(cases_of(text, folder), parse("keras"))]


def test_one_model_takes_every_size_and_layers_that_share_a_name(tmp_path: Path) -> None:
    for text in (SIZES, NAMED):
        (held,) = lanes_of(text, tmp_path)
        assert (held["verdict"], held["aspects"]["model"]) == ("agree", "agree")


def test_a_model_starts_where_the_eager_calls_start(tmp_path: Path) -> None:
    twice, *others = lanes_of(ORDERED, tmp_path)
    assert twice["aspects"]["model"] == "-"
    assert twice["model_note"] == "norm is called more than once and changes with each call"
    assert [held["aspects"]["model"] for held in others] == ["agree", "agree"]


def test_what_only_the_model_does_is_told(tmp_path: Path) -> None:
    """Keras 3.15.1 takes the second part for a bias, by its shape; listed in deviations/modes.yaml."""
    (held,) = lanes_of(ADDED, tmp_path)
    assert (held["verdict"], held["aspects"]["values"], held["aspects"]["model"]) == ("differ", "agree", "differ")
    assert (held["findings"][0]["kind"], held["findings"][0]["got"]) == ("shape", [1, 4, 1, 1, 1])


def test_a_node_that_no_model_gives_is_told(tmp_path: Path) -> None:
    (held,) = lanes_of(LEFT_OUT, tmp_path)
    assert (held["verdict"], held["aspects"]["model"]) == ("agree", "agree")
    assert held["model_note"].startswith("w: no part of it")


def test_a_number_has_a_model_too(tmp_path: Path) -> None:
    (held,) = lanes_of(ALONE, tmp_path)
    assert held["aspects"]["model"] == "agree"


def test_lengths_that_are_not_open_have_a_model_each(tmp_path: Path) -> None:
    """`dims: {steps: [3, 5]}` without `dynamic`: a model of 3 steps takes no 5, which is no mistake of Keras'."""
    closed = SIZES.replace("    dynamic: [steps]\n", "")
    assert closed != SIZES
    (held,) = lanes_of(closed, tmp_path)
    assert (held["verdict"], held["aspects"]["model"]) == ("agree", "agree"), held["findings"]
