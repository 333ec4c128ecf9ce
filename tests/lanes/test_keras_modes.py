"""Keras itself in every execution mode and dtype policy: a few cases, what a mode cannot see, and what must differ."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.lanes import keras_config
from conformance.lanes.declare import parse
from conformance.lanes.keras_modes import Predict, Traced, mode_of
from conformance.protocol.adapter import Observing, Unsupported
from tests.builders import POOLED, cases_of, plan_with, records_of, running

pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.filterwarnings("ignore"),  # the frameworks' own, which a lane's process writes to a file
]

LAYERS = """
    schema_version: 1
    topic: layers in every mode
    dims: {batch: 3, steps: 4, features: 5}
    source: {kind: hand}
    cases:
      - id: normalized
        question: Is it the same in every mode?
        inputs:
          x: {shape: [batch, steps, features]}
        layers:
          norm: {type: LayerNormalization}
          conv: {type: Conv1D, filters: 7, kernel_size: 3, padding: same}
        graph:
          normal: norm(x)
          y: conv(normal)
          total: mean(y, axis=1)
      - id: outside
        question: May an id be too large?
        inputs:
          ids: {shape: [batch], dtype: int32, fill: {values: [0, 6, 2]}}
        layers:
          embed: {type: Embedding, input_dim: 7, output_dim: 2}
        graph:
          y: embed(ids)
"""
ALONE = """
    schema_version: 1
    topic: what predict cannot do
    dims: {batch: 3, features: 5}
    source: {kind: hand}
    cases:
      - id: number
        question: One number?
        inputs:
          x: {shape: [batch, features]}
        layers:
          flat: {type: Flatten}
        graph:
          y: sum(flat(x))
"""
NAMED = """
    schema_version: 1
    topic: names in a model
    dims: {batch: 3, features: 5}
    source: {kind: hand}
    cases:
      - id: names
        question: May a layer be called as an operation, and two layers alike?
        inputs: {x: {shape: [batch, features]}, z: {shape: [batch, features]}}
        layers:
          add: {type: Add}
          first: {type: Dense, units: 2, name: dense}
          second: {type: Dense, units: 2, name: dense}
        graph:
          by_layer: add([x, z])
          by_hand: x + z
          one: first(by_layer)
          other: second(by_hand)
        claims:
          - same: [one, other]
"""
TRAINED = """
    schema_version: 1
    topic: training in every mode
    dims: {batch: 3, features: 5, hidden: 4}
    source: {kind: hand}
    cases:
      - id: trained
        question: Are the weights after two steps the same?
        inputs:
          x: {shape: [batch, features]}
          y: {shape: [batch, 1]}
        layers:
          first: {type: Dense, units: hidden, activation: tanh}
          norm: {type: BatchNormalization, momentum: 0.5}
          last: {type: Dense, units: 1, use_bias: false}
          mse: {type: MeanSquaredError}
        graph:
          loss: mse(y, last(norm(first(x), training=True)))
        training: {optimizer: {type: SGD, learning_rate: 0.125, momentum: 0.5}, loss: loss, steps: 2}
"""
"""Arguments that float32 holds exactly: of others Keras' optimisers lose half under float64."""
TRAINING = ("keras[mode=function]", "keras[mode=xla]", "keras[policy=float64]")
MODES = ("model", "function", "xla", "predict")
EVERY = (*(f"keras[mode={mode}]" for mode in MODES), "keras[policy=mixed_bfloat16]")


def lanes_of(text: str, folder: Path, *specs: str) -> list[dict[str, Any]]:
    """What a record keeps of each lane, one mapping a case."""
    return [record["lanes"] for record in records_of(cases_of(text, folder), *(parse(spec) for spec in specs))]


@pytest.fixture
def wrong(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Arguments that take the place of a case's own in Keras and nowhere else."""
    changes: dict[str, Any] = {}
    real = keras_config.constructor

    def constructor(keras: Any, kind: Any) -> Any:
        def construct(name: str, config: Mapping[str, Any]) -> Any:
            return real(keras, kind)(name, {**config, **changes.get(kind.__name__, {})})

        return construct

    monkeypatch.setattr("conformance.lanes.keras.constructor", constructor)
    return changes


def test_every_mode_agrees_on_masks_values_and_gradients(tmp_path: Path) -> None:
    for lanes in (*lanes_of(POOLED, tmp_path, *EVERY), *lanes_of(LAYERS, tmp_path, *EVERY)):
        assert {name: lane["verdict"] for name, lane in lanes.items()} == dict.fromkeys(lanes, "agree")
        for name in ("keras-function", "keras-xla", "keras-mixed_bfloat16"):
            assert {lanes[name]["aspects"][aspect] for aspect in ("mask", "values", "gradient")} == {"agree"}
        predicted = lanes["keras-predict"]
        assert (predicted["aspects"]["mask"], predicted["aspects"]["gradient"]) == ("-", "-")
        assert predicted["gradient_note"] == "model.predict gives no gradients"
        model = lanes["keras-model"]
        assert (model["aspects"]["mask"], model["aspects"]["gradient"]) == ("agree", "-")
        assert model["gradient_note"] == "a functional model gives no gradients"


SIZES = """
    schema_version: 1
    topic: a model of open lengths
    dims: {batch: [2, 3], steps: [4, 6], dim: 3}
    dynamic: [steps]
    source: {kind: hand}
    cases:
      - id: masked
        question: Does one model take every size, and carry its masks?
        inputs:
          ids: {shape: [batch, steps], dtype: int32, fill: {integers: [0, 3]}}
        layers:
          embed: {type: Embedding, input_dim: 3, output_dim: dim, mask_zero: true}
          gru: {type: GRU, units: 2, return_sequences: true}
        graph:
          embedded: embed(ids)
          y: gru(embedded)
          last: y[:, -1]
"""


def test_one_model_of_open_lengths_takes_every_size_with_its_masks(tmp_path: Path, wrong: dict[str, Any]) -> None:
    (lanes,) = lanes_of(SIZES, tmp_path, "keras[mode=model]")
    held = lanes["keras-model"]
    assert (held["verdict"], held["aspects"]["mask"]) == ("agree", "agree")
    assert [run["y"]["shape"] for run in held["runs"]] == [[2, 4, 2], [3, 6, 2]]
    assert held["runs"][0]["y"]["symbolic"] == [None, None, 2]
    assert [run["y"]["mask"] is not None for run in held["runs"]] == [True, True]
    wrong["Embedding"] = {"mask_zero": False}
    (lanes,) = lanes_of(SIZES, tmp_path, "keras[mode=model]")
    assert lanes["keras-model"]["findings"][0]["aspect"] == "mask"


ASKS_ITS_LENGTH = """
    schema_version: 1
    topic: what is traced with open lengths
    dims: {batch: [2, 3], steps: [4, 6], dim: 3}
    dynamic: [steps]
    source: {kind: hand}
    cases:
      - id: dense
        question: Does one trace take every size?
        inputs:
          x: {shape: [batch, steps, dim]}
        layers:
          dense: {type: Dense, units: 2}
        graph:
          y: dense(x)
"""


def traced_for(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The shapes that a Dense of the Keras lane is called with, in a list that grows."""
    keras = pytest.importorskip("keras")
    real, shapes = keras.layers.Dense.call, []

    def call(self: Any, inputs: Any, *rest: Any, **more: Any) -> Any:
        shapes.append(tuple(inputs.shape))
        return real(self, inputs, *rest, **more)

    monkeypatch.setattr(keras.layers.Dense, "call", call)
    return shapes


def test_one_trace_of_open_lengths_takes_every_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = traced_for(monkeypatch)
    (lanes,) = lanes_of(ASKS_ITS_LENGTH, tmp_path, "keras[mode=function]")
    held = lanes["keras-function"]
    assert (held["verdict"], held["aspects"]["gradient"]) == ("agree", "agree")
    assert [run["y"]["shape"] for run in held["runs"]] == [[2, 4, 2], [3, 6, 2]]
    assert shapes == [(None, None, 3)] * 2  # with the way back for the first size, and without for all others


def test_xla_is_traced_for_each_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = traced_for(monkeypatch)
    (lanes,) = lanes_of(ASKS_ITS_LENGTH, tmp_path, "keras[mode=xla]")
    assert lanes["keras-xla"]["verdict"] == "agree"
    assert shapes == [(2, 4, 3), (3, 6, 3)]


def test_each_lane_says_how_it_ran(tmp_path: Path) -> None:
    with running(*(parse(spec) for spec in EVERY)) as run:
        found = {name: lane.identity() for name, lane in run.lanes.items()}
    assert [found[f"keras-{mode}"].mode for mode in MODES] == list(MODES)
    assert found["keras-mixed_bfloat16"].policy == "mixed_bfloat16"
    assert [found["keras-predict"].gives_masks, found["keras-xla"].gives_masks] == [False, True]


@pytest.mark.parametrize("spec", EVERY)
def test_a_wrong_epsilon_and_a_wrong_padding_still_differ(spec: str, tmp_path: Path, wrong: dict[str, Any]) -> None:
    name = parse(spec).name
    wrong["LayerNormalization"] = {"epsilon": 0.1}
    assert lanes_of(LAYERS, tmp_path, spec)[0][name]["findings"][0]["node"] == "normal"
    wrong.clear()
    wrong["Conv1D"] = {"padding": "causal"}
    assert lanes_of(LAYERS, tmp_path, spec)[0][name]["findings"][0]["node"] == "y"


def test_float64_is_computed_in_float64(tmp_path: Path) -> None:
    (lanes, _) = lanes_of(LAYERS, tmp_path, "keras[policy=float64]")
    assert lanes["keras-float64"]["verdict"] == "agree"
    assert lanes["keras-float64"]["runs"][0]["y"]["dtype"] == "float64"
    (after, _) = lanes_of(LAYERS, tmp_path, "keras")
    assert after["keras"]["runs"][0]["y"]["dtype"] == "float32"


def test_steps_of_training_are_traced_compiled_and_taken_in_float64(tmp_path: Path) -> None:
    (lanes,) = lanes_of(TRAINED, tmp_path, *TRAINING)
    assert {lane["aspects"]["weights"] for lane in lanes.values()} == {"agree"}, lanes
    assert "norm.moving_mean@2" in lanes["keras-xla"]["runs"][0]
    assert lanes["keras-float64"]["runs"][0]["first.kernel@2"]["dtype"] == "float64"


@pytest.mark.parametrize(("spec", "momentum"), [*((spec, 0.4) for spec in TRAINING[:2]), (TRAINING[2], 0.4999999)])
def test_a_step_that_is_taken_otherwise_differs(
    spec: str, momentum: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keras = pytest.importorskip("keras")
    real = keras.optimizers.SGD
    monkeypatch.setattr(keras.optimizers, "SGD", lambda **config: real(**{**config, "momentum": momentum}))
    (lanes,) = lanes_of(TRAINED, tmp_path, spec)
    finding = lanes[parse(spec).name]["findings"][0]
    assert (finding["aspect"], finding["node"].partition("@")[2]) == ("weights", "2")  # the first step has no velocity


def test_where_no_step_is_judged_the_lane_says_why(tmp_path: Path) -> None:
    (lanes,) = lanes_of(TRAINED, tmp_path, "keras[policy=mixed_bfloat16]")
    assert lanes["keras-mixed_bfloat16"]["verdict"] == "unsupported"
    words = "training is judged in float32 and float64, not under mixed_bfloat16"
    assert lanes["keras-mixed_bfloat16"]["reason"] == words


def test_predict_trains_nothing() -> None:
    with pytest.raises(Unsupported, match=r"model\.predict trains nothing"):
        Predict(None, lambda array: array).step(lambda feed: None)


def test_names_of_a_case_do_not_meet_in_a_model(tmp_path: Path) -> None:
    (lanes,) = lanes_of(NAMED, tmp_path, "keras[mode=predict]")
    assert lanes["keras-predict"]["verdict"] == "agree", lanes["keras-predict"]["failure"]


def test_what_predict_cannot_give_is_unsupported_with_its_reason(tmp_path: Path) -> None:
    (lanes,) = lanes_of(ALONE, tmp_path, "keras[mode=predict]")
    assert lanes["keras-predict"]["verdict"] == "unsupported"
    words = "model.predict: y is one number, and predict gives one row a sample"
    assert lanes["keras-predict"]["reason"] == words


def test_one_number_in_bfloat16_travels_too(tmp_path: Path) -> None:
    (lanes,) = lanes_of(ALONE, tmp_path, "keras[policy=mixed_bfloat16]")
    assert lanes["keras-mixed_bfloat16"]["verdict"] == "agree"
    assert lanes["keras-mixed_bfloat16"]["runs"][0]["y"]["dtype"] == "bfloat16"


def test_a_mode_of_tensorflow_is_refused_on_another_backend() -> None:
    with pytest.raises(ValueError, match="mode xla is TensorFlow's, Keras runs on torch"):
        mode_of("xla", None, "torch", lambda array: array)


class WithAWayBack(Traced):
    """Traces whatever it is asked for, and gives one gradient where it is asked for some."""

    def _traced(self, *asked: Any, with_gradients: bool = False) -> dict[str, Any]:
        return {"input x": [1.0]} if with_gradients or asked[-1] is True else {}


def test_a_further_run_leaves_the_gradients_of_the_first() -> None:
    observing, arrays = Observing(), SimpleNamespace(layers={})
    for index in range(2):
        WithAWayBack(None, False).run(plan_with(cotangents={"y": (None,)}), arrays, {}, observing, index)
    assert list(observing.gradients) == ["input x"]


class WithoutAWayBack(Traced):
    """Traces everything but gradients: for them TensorFlow says this."""

    def __init__(self, words: str, jit_compile: bool) -> None:
        super().__init__(None, jit_compile)
        self.words = words

    def _traced(self, *_: Any, with_gradients: bool = True) -> dict[str, Any]:
        if with_gradients:
            raise ValueError(self.words)
        return {}


@pytest.mark.parametrize(
    ("words", "jit_compile", "note", "raised"),
    [
        ("The Op is not compilable on CPU", True, "XLA cannot compile this: The Op is not compilable on CPU", None),
        ("The Op is not compilable on CPU", False, "", "The Op is not compilable on CPU"),
        ("the gradient is wrong", True, "", "the gradient is wrong"),
    ],
)
def test_a_kernel_that_xla_lacks_for_the_way_back_is_a_note_and_else_it_has_raised(
    words: str, jit_compile: bool, note: str, raised: str | None
) -> None:
    observing, arrays = Observing(), SimpleNamespace(layers={})
    plan = plan_with(cotangents={"y": (None,)})
    WithoutAWayBack(words, jit_compile).run(plan, arrays, {}, observing, 0)
    failure = observing.gradient_failure
    assert observing.gradient_note == note
    assert (None if failure is None else failure["message"]) == raised
