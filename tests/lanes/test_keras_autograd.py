"""Gradients where no tape follows a run: torch's graph under Keras' layers, and what is put back afterwards."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from conformance.lanes import keras_autograd
from conformance.lanes.declare import parse
from conformance.lanes.keras_autograd import gradients_by_cotangents, torch_gradients
from conformance.protocol.adapter import Observing
from conformance.protocol.plan import read_only
from conformance.protocol.wire import unpack
from tests.builders import cases_of, layer_with, plan_with, records_of

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


def found(changes: Callable[[Any], Any]) -> tuple[dict[str, Any], Arrays]:
    arrays: Any = Arrays(changes)
    cotangents = {"y": (read_only(np.array([1.0, 10.0], np.float32)),)}
    plan = plan_with(cotangents=cotangents, layers={"scaled": layer_with("kernel", "moving")})
    gradients_by_cotangents(plan, arrays, {"x": torch.tensor([5.0, 7.0])}, "torch")
    return {name: unpack(value["data"]).tolist() for name, value in arrays.observing.gradients.items()}, arrays


def test_a_product_has_the_other_factor_as_gradient_and_all_is_as_it_was() -> None:
    gradients, arrays = found(lambda y: y)
    assert (arrays.observing.gradient_note, arrays.observing.gradient_failure) == ("", None)
    assert gradients == {"input x": [2, 30], "scaled.kernel": [5, 70], "scaled.moving": [0]}
    assert (arrays.moving.value.tolist(), arrays.kernel.value.requires_grad, arrays.observing.steps) == ([1], False, [])


def test_an_output_of_another_shape_is_noted_and_is_no_failure() -> None:
    gradients, arrays = found(lambda y: y.sum())
    assert gradients == {}
    assert arrays.observing.gradient_note == "y has shape (), the reference (2,)"
    assert arrays.observing.gradient_failure is None


def overwritten(y: Any) -> Any:
    """A product of what a later line overwrites: torch has lost what the way back needs."""
    kept = y * 1.0
    product = kept * y
    kept.add_(1.0)
    return product


def test_what_is_raised_on_the_way_back_is_a_failure_and_leaves_no_trace() -> None:
    gradients, arrays = found(overwritten)
    failure = arrays.observing.gradient_failure
    assert failure is not None
    assert (gradients, arrays.observing.gradient_note) == ({}, "")
    assert (failure["phase"], failure["type"], failure["node"]) == ("backward", "RuntimeError", "")
    assert "modified by an inplace operation" in failure["message"]
    assert (arrays.moving.value.tolist(), arrays.observing.steps) == ([1], [])


def test_what_is_raised_forwards_because_gradients_are_wanted_says_at_which_node() -> None:
    def refused(y: Any) -> Any:
        arrays.observing.node = "y"
        raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")

    arrays: Any = Arrays(refused)
    plan = plan_with(cotangents={"y": (None,)}, layers={"scaled": layer_with("kernel", "moving")})
    gradients_by_cotangents(plan, arrays, {"x": torch.tensor([5.0, 7.0])}, "torch")
    assert arrays.observing.gradient_failure["node"] == "y"


def test_what_is_raised_forwards_without_gradients_too_is_told_once() -> None:
    observing = Observing()
    observing.failed_backwards(ValueError("no such axis"), "y")
    observing.failed(ValueError("no such axis"))
    assert (observing.as_message()["failure"]["message"], observing.gradient_failure) == ("no such axis", None)


def test_an_output_that_depends_on_nothing_has_gradients_of_zero() -> None:
    gradients, arrays = found(lambda y: y.detach())
    assert gradients == {"input x": [0, 0], "scaled.kernel": [0, 0], "scaled.moving": [0]}
    assert arrays.observing.gradient_failure is None


def test_a_weight_without_a_part_in_the_loss_has_no_gradient() -> None:
    used, unused = (SimpleNamespace(value=torch.tensor([2.0], requires_grad=True)) for _ in range(2))
    first, second = torch_gradients(lambda: (used.value**3).sum(), [used, unused], [], None)
    assert (first.tolist(), second) == ([12.0], None)


class Scope:
    """Keras' StatelessScope: a layer's losses are in it only where they are collected."""

    def __init__(self, state_mapping: Any, collect_losses: bool = False) -> None:
        self.losses = ["of a layer"] if collect_losses else []

    def __enter__(self) -> Scope:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def get_current_value(self, variable: Any) -> None:
        return None


def test_where_jax_differentiates_the_losses_of_layers_are_collected(monkeypatch: pytest.MonkeyPatch) -> None:
    scopes: list[Scope] = []

    def scope(*given: Any, **settings: Any) -> Scope:
        scopes.append(Scope(*given, **settings))
        return scopes[-1]

    def grad(function: Callable[..., Any], argnums: Any = None, has_aux: bool = False) -> Callable[..., Any]:
        def differentiated(*given: Any) -> Any:
            function(*given)
            return ([], []) if has_aux else ({}, {})

        return differentiated

    monkeypatch.setitem(sys.modules, "jax", SimpleNamespace(grad=grad))
    keras: Any = SimpleNamespace(StatelessScope=scope)
    arrays: Any = SimpleNamespace(keras=keras)
    keras_autograd._by_jax(lambda feed: 0.0, {}, {}, arrays)
    keras_autograd.jax_gradients(lambda: 0.0, [], [], keras)
    assert [held.losses for held in scopes] == [["of a layer"], ["of a layer"]]
