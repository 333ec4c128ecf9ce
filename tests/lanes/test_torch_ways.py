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


@pytest.fixture(autouse=True)
def usual_dtype() -> Iterator[None]:
    """What a lane in this process sets does not outlive the test."""
    yield
    torch.set_default_dtype(torch.float32)


def lane_of(folder: Path, spec: str) -> dict[str, Any]:
    parsed = parse(spec)
    (record,) = records_of(cases_of(LAYERS, folder), parsed)
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


def test_what_dynamo_cannot_trace_is_unsupported_and_not_run_eagerly() -> None:
    from conformance.lanes.torch.port import Unsupported
    from conformance.lanes.torch.ways import Compiler

    def breaks(x: Any) -> Any:
        return x + 1 if x.sum().item() > 0 else x

    with pytest.raises(Unsupported, match="cannot trace this as one graph: "):
        Compiler("eager")(breaks)(torch.ones(2))
