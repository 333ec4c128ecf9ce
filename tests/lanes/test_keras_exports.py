"""A case's model after export: it is judged as any lane, and what an exporter refuses is said in its words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.errors import UsageError
from conformance.lanes import keras_exports
from conformance.lanes.declare import parse
from conformance.lanes.keras_exports import Exported, Traced, _left_as_it_is
from conformance.protocol.adapter import Unsupported
from tests.lanes.test_keras_modes import lanes_of

LANES = ("keras[export=onnx]", "keras[export=litert]")
CASES = """
    schema_version: 1
    topic: exported
    dims: {batch: [2, 3], steps: [4, 6], dim: 3}
    dynamic: [steps]
    source: {kind: hand}
    cases:
      - id: pooled
        question: Does the mask reach the mean in the exported model too?
        inputs:
          ids: {shape: [batch, steps], dtype: int32, fill: {integers: [0, 3]}}
        layers:
          embed: {type: Embedding, input_dim: 4, output_dim: dim, mask_zero: true}
          pool: {type: GlobalAveragePooling1D}
        graph:
          pooled: pool(embed(ids))
      - id: trained
        question: And a step?
        inputs: {x: {shape: [batch, dim]}, y: {shape: [batch, 2]}}
        layers:
          dense: {type: Dense, units: 2}
          mse: {type: MeanSquaredError}
        graph:
          loss: mse(y, dense(x))
        training: {optimizer: {type: SGD, learning_rate: 0.125}, loss: loss, steps: 1}
      - id: stateful
        question: And a state that a call leaves?
        inputs: {x: {shape: [batch, steps, dim]}}
        layers: {rnn: {type: SimpleRNN, units: 2, stateful: true}}
        graph: {y: rnn(x)}
"""


@pytest.mark.frameworks
@pytest.mark.filterwarnings("ignore")  # the frameworks' own, which a lane's process writes to a file
def test_an_exported_model_is_judged_and_what_it_cannot_say_is_not(tmp_path: Path) -> None:
    pooled, trained, stateful = lanes_of(CASES, tmp_path, *LANES)
    for name in ("keras-export-onnx", "keras-export-litert"):
        assert (pooled[name]["verdict"], pooled[name]["aspects"]["values"]) == ("agree", "agree")
        assert (pooled[name]["aspects"]["mask"], pooled[name]["aspects"]["gradient"]) == ("-", "-")
        assert trained[name]["verdict"] == stateful[name]["verdict"] == "unsupported"


class Variable:
    """A variable of a fake Keras, whose `assign` is watched."""

    def __init__(self, path: str) -> None:
        self.path, self.name = path, path.rpartition("/")[2]

    def assign(self, value: Any) -> Any:
        return f"{self.path} holds {value}"


class FakeKeras:
    Variable = Variable


def test_a_call_that_changes_a_state_is_noted_and_one_that_draws_is_not() -> None:
    changed: set[str] = set()
    with _left_as_it_is(FakeKeras, changed):
        assert Variable("dropout/seed_generator/seed_generator_state").assign(1) == 1
        assert not changed
        assert Variable("gru/state").assign(2) == 2
    assert changed == {"gru/state"}
    assert Variable("gru/state").assign(3) == "gru/state holds 3"


class Refusing:
    """A format whose exporter knows nothing."""

    name = "none"
    packages = ("numpy",)

    def exported(self, traced: Any) -> bytes:
        raise RuntimeError("loc(fused): trace\n<string>:1:1: error: 'tf.Erfinv' op is not known\nmore")

    def loaded(self, file: bytes) -> Any:
        raise AssertionError("nothing was exported")


class Short(Refusing):
    """A format that loses an output."""

    def exported(self, traced: Any) -> bytes:
        return b""

    def loaded(self, file: bytes) -> Any:
        return lambda given: []


class Concrete:
    outputs = ("one",)


def exported(monkeypatch: pytest.MonkeyPatch, format: Any) -> Exported:
    monkeypatch.setattr(keras_exports, "traced_for", lambda *given: Traced(None, (), Concrete()))
    return Exported(None, format, lambda value: value)


@pytest.mark.parametrize(
    ("format", "words"),
    [
        (Refusing(), "a model exported to none: RuntimeError: <string>:1:1: error: 'tf.Erfinv' op is not known"),
        (Short(), "a model exported to none: it has 0 outputs where the model has 1"),
    ],
)
def test_what_an_exporter_refuses_is_unsupported_in_its_words(
    format: Any, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = exported(monkeypatch, format)
    assert made.versions == {"numpy": np.__version__}
    with pytest.raises(Unsupported) as caught:
        made._answered({"x": np.zeros(2)})
    assert str(caught.value) == words


def test_a_package_that_is_missing_is_named_with_the_way_to_it() -> None:
    class Absent(Refusing):
        packages = ("conformance-nowhere",)

    with pytest.raises(ValueError, match=r"conformance-nowhere, which is not installed: pip install 'conformance\[exp"):
        Exported(None, Absent(), lambda value: value)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("keras[export=onxx]", "there is no export 'onxx' of keras"),
        ("torch[export=onnx]", "torch has no option export"),
        ("keras[export=onnx,mode=predict]", "goes with no mode, policy or backend"),
        ("keras[jax,export=onnx]", "goes with no mode, policy or backend"),
    ],
)
def test_an_export_that_there_is_none_of(spec: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse(spec)
