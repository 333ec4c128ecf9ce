"""Gradients where no tape follows a run: torch's graph under Keras' layers, and what is put back afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from conformance.lanes.adapter import Observing
from conformance.lanes.declare import parse
from conformance.lanes.keras_autograd import gradients_by_cotangents, torch_gradients
from conformance.lanes.wire import pack, unpack
from tests.builders import cases_of, records_of

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

CASES = """
    schema_version: 1
    topic: gradients and steps of training on another backend
    dims: {batch: 3, features: 5, hidden: 4}
    source: {kind: hand}
    cases:
      - id: trained
        question: Are the gradients and the weights after two steps the same?
        inputs:
          x: {shape: [batch, features]}
          y: {shape: [batch, 1]}
        layers:
          first: {type: Dense, units: hidden, activation: tanh}
          norm: {type: BatchNormalization, momentum: 0.5}
          last: {type: Dense, units: 1, use_bias: false}
          mse: {type: MeanSquaredError}
        graph:
          _hidden: norm(first(x), training=True)
          loss: mse(y, last(_hidden))
        training: {optimizer: {type: Adam, learning_rate: 0.125}, loss: loss, steps: 2}
      - id: built_late
        question: And of a layer that no symbolic run can build?
        inputs:
          samples: {fill: {lists: {count: 3, shape: [5]}}}
        layers:
          dense: {type: Dense, units: hidden}
        graph:
          y: dense(stack(samples))
"""


@pytest.mark.frameworks
def test_keras_on_torch_gives_gradients_and_trains(tmp_path: Path) -> None:
    (record, late) = records_of(cases_of(CASES, tmp_path), parse("keras[torch]"), in_process=False)
    lane = late["lanes"]["keras-torch"]
    assert (lane["verdict"], lane["aspects"]["gradient"]) == ("agree", "agree")
    assert {"dense.kernel", "dense.bias"} <= set(lane["gradients"])
    lane = record["lanes"]["keras-torch"]
    assert (lane["verdict"], lane["findings"]) == ("agree", [])
    assert (lane["aspects"]["gradient"], lane["aspects"]["weights"]) == ("agree", "agree")
    assert {"input x", "first.kernel", "last.kernel"} <= set(lane["gradients"])
    assert {"norm.moving_mean@2", "first.kernel@2"} <= set(lane["runs"][0])


class Weight:
    """A variable of Keras as far as gradients know it."""

    dtype = "float32"

    def __init__(self, path: str, *values: float) -> None:
        self.path = self.name = path
        self.value = torch.tensor(values)
        self.shape = self.value.shape

    def assign(self, array: Any) -> None:
        with torch.no_grad():
            self.value.copy_(torch.as_tensor(array))

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.value.detach().numpy().copy()


class Arrays:
    """The graph `y: x * kernel`, with what else a test does to it; a run moves the weight `moving`."""

    ops = SimpleNamespace(
        sum=torch.sum,
        cast=lambda x, dtype: x.to(getattr(torch, dtype)),
        convert_to_tensor=torch.as_tensor,
        convert_to_numpy=lambda x: x.detach().numpy(),
    )

    def __init__(self, changes: Callable[[Any], Any]) -> None:
        self.changes = changes
        self.observing = Observing()
        self.kernel, self.moving = Weight("scaled/kernel", 2.0, 3.0), Weight("scaled/moving", 1.0)
        self.layers = {"scaled": SimpleNamespace(weights=[self.kernel, self.moving], built=True)}
        self.values: dict[str, Any] = {}

    def run(self, feed: Any, is_symbolic: bool) -> None:
        self.observing.steps.append({})
        self.values = {"y": self.changes(feed["x"] * self.kernel.value)}
        self.moving.assign([9.0])


def found(changes: Callable[[Any], Any]) -> tuple[dict[str, Any], str, Arrays]:
    arrays: Any = Arrays(changes)
    cotangents = {"y": [pack(np.array([1.0, 10.0], np.float32))]}
    plan = {"cotangents": cotangents, "layers": {"scaled": {"weights": {"kernel": None, "moving": None}}}}
    gradients, note = gradients_by_cotangents(plan, arrays, {"x": torch.tensor([5.0, 7.0])}, "torch")
    return {name: unpack(value["data"]).tolist() for name, value in gradients.items()}, note, arrays


def test_a_product_has_the_other_factor_as_gradient_and_all_is_as_it_was() -> None:
    gradients, note, arrays = found(lambda y: y)
    assert note == ""
    assert gradients == {"input x": [2, 30], "scaled.kernel": [5, 70], "scaled.moving": [0]}
    assert (arrays.moving.value.tolist(), arrays.kernel.value.requires_grad, arrays.observing.steps) == ([1], False, [])


@pytest.mark.parametrize(
    ("changes", "words"),
    [(lambda y: y.sum(), "y has shape (), the reference (2,)"), (lambda y: y.detach(), "does not require grad")],
)
def test_what_cannot_be_differentiated_is_noted_and_leaves_no_trace(changes: Callable[[Any], Any], words: str) -> None:
    gradients, note, arrays = found(changes)
    assert gradients == {}
    assert words in note
    assert (arrays.moving.value.tolist(), arrays.observing.steps) == ([1], [])


def test_a_weight_without_a_part_in_the_loss_has_no_gradient() -> None:
    used, unused = (SimpleNamespace(value=torch.tensor([2.0], requires_grad=True)) for _ in range(2))
    first, second = torch_gradients(lambda: (used.value**3).sum(), [used, unused], [], None)
    assert (first.tolist(), second) == ([12.0], None)
