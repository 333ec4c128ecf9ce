"""torch in other precisions and through torch.compile: a few cases, and what must differ or be refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.lanes.declare import parse
from tests.builders import cases_of, records_of

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore"),  # the frameworks' own, which a lane's process writes to a file
]

LAYERS = """
    schema_version: 1
    topic: layers in torch
    dims: {batch: 3, steps: 4, features: 5}
    source: {kind: hand}
    cases:
      - id: normalized
        question: Is it the same in every precision?
        inputs:
          x: {shape: [batch, steps, features]}
          ids: {shape: [batch], dtype: int32, fill: {values: [0, 3, 2]}}
        layers:
          norm: {type: LayerNormalization}
          dense: {type: Dense, units: 7, activation: tanh}
        graph:
          y: dense(norm(x))
          coded: one_hot(ids, 4)
"""
TRAINED = """
    schema_version: 1
    topic: training in torch
    dims: {batch: 3, features: 5}
    source: {kind: hand}
    cases:
      - id: trained
        question: Is the weight after two steps the same?
        inputs:
          x: {shape: [batch, features]}
        layers:
          dense: {type: Dense, units: 2, activation: tanh}
        graph:
          loss: mean(dense(x))
        training: {optimizer: {type: SGD, learning_rate: 0.1, momentum: 0.9}, loss: loss, steps: 2}
"""


@pytest.fixture(autouse=True)
def usual_dtype() -> Iterator[None]:
    """What a lane in this process sets does not outlive the test."""
    yield
    torch.set_default_dtype(torch.float32)


def lane_of(folder: Path, spec: str, text: str = LAYERS) -> dict[str, Any]:
    parsed = parse(spec)
    (record,) = records_of(cases_of(text, folder), parsed)
    found: dict[str, Any] = record["lanes"][parsed.name]
    return found


@pytest.mark.parametrize("policy", ["float64", "bfloat16", "float16"])
def test_every_float_has_the_dtype_that_was_asked_for(policy: str, tmp_path: Path) -> None:
    lane = lane_of(tmp_path, f"torch[policy={policy}]")
    assert (lane["verdict"], lane["aspects"]["gradient"]) == ("agree", "agree"), lane["findings"]
    assert {node["dtype"] for node in lane["runs"][0].values()} == {policy}


def test_a_layer_in_another_precision_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = torch.nn.functional.linear

    def in_float32(x: Any, *weights: Any) -> Any:
        return real(x.float(), *(weight.float() for weight in weights)).to(x.dtype)

    monkeypatch.setattr(torch.nn.functional, "linear", in_float32)
    lane = lane_of(tmp_path, "torch[policy=float64]")
    assert lane["findings"][0]["aspect"] == "values"


def test_a_compiled_layer_agrees_and_a_backend_that_cannot_start_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from conformance.lanes.torch import ways

    lane = lane_of(tmp_path, "torch[compile=aot_eager]")
    assert (lane["verdict"], lane["aspects"]["gradient"]) == ("agree", "agree"), lane["findings"]

    def no_compiler(backend: str) -> Any:
        raise RuntimeError("No working C++ compiler found")

    monkeypatch.setattr(torch._dynamo, "lookup_backend", no_compiler)
    with pytest.raises(RuntimeError, match="cannot use inductor here: RuntimeError: No working"):
        ways.Compiler("inductor")


@pytest.mark.parametrize("spec", ["torch[policy=float64]", "torch[compile=aot_eager]"])
def test_steps_of_training_are_taken_in_float64_and_through_compiled_layers(spec: str, tmp_path: Path) -> None:
    lane = lane_of(tmp_path, spec, TRAINED)
    assert (lane["verdict"], lane["aspects"]["weights"]) == ("agree", "agree"), lane["findings"]
    assert lane["runs"][0]["dense.kernel@2"]["dtype"] == ("float64" if "float64" in spec else "float32")


def test_a_step_of_another_length_differs_in_float64(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = torch.optim.SGD
    shorter = 1.0 - 1e-9  # nothing that float32 could show
    monkeypatch.setattr(torch.optim, "SGD", lambda those, *, lr, **options: real(those, lr=lr * shorter, **options))
    lane = lane_of(tmp_path, "torch[policy=float64]", TRAINED)
    assert (lane["findings"][0]["aspect"], lane["findings"][0]["node"]) == ("weights", "dense.kernel@1")


def test_a_step_in_16_bits_is_not_judged(tmp_path: Path) -> None:
    lane = lane_of(tmp_path, "torch[policy=bfloat16]", TRAINED)
    assert (lane["verdict"], lane["reason"]) == (
        "unsupported",
        "training is judged in float32 and float64, not in bfloat16",
    )


def test_what_dynamo_cannot_trace_is_unsupported_and_not_run_eagerly() -> None:
    from conformance.lanes.torch.port import Unsupported
    from conformance.lanes.torch.ways import Compiler

    def breaks(x: Any) -> Any:
        return x + 1 if x.sum().item() > 0 else x

    with pytest.raises(Unsupported, match="cannot trace this as one graph: "):
        Compiler("eager")(breaks)(torch.ones(2))
