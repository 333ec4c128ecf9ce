"""Nodes whose numbers are only moved, or are sums of products of whole numbers, are exact; all others are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from conformance.lanes.numpy import Reference
from conformance.oracle.exactness import EXACT_BELOW, Held, described
from conformance.plans.draw import plan_of
from conformance.reference.base import make
from tests.builders import cases_of

GRAPHS = """
    schema_version: 1
    topic: what is exact
    dims: {{batch: 2, steps: 5, features: 3}}
    source: {{kind: hand}}
    cases:
      - id: graph
        question: Which nodes are exact?
        inputs:
          x: {{shape: [batch, steps, features]}}
          n: {{shape: [batch, steps, features], fill: {{integers: [-4, 5]}}}}
          ids: {{shape: [batch, steps], dtype: int32, fill: {{integers: [0, 7]}}}}
        layers:
          dense: {{type: Dense, units: 2, kernel_initializer: ones, bias_initializer: zeros}}
          drawn: {{type: Dense, units: 2}}
          curved: {{type: Dense, units: 2, activation: tanh, kernel_initializer: ones, bias_initializer: zeros}}
          embed: {{type: Embedding, input_dim: 7, output_dim: 3}}
          pool: {{type: MaxPooling1D}}
          mean_of_steps: {{type: GlobalAveragePooling1D}}
          each: {{type: TimeDistributed, layer: {{type: Flatten}}}}
          drop: {{type: Dropout, rate: 0.5}}
        graph:
          _dense: dense(n)
          _drawn: drawn(n)
          _curved: curved(n)
          _embed: embed(ids)
          _pool: pool(x)
          _mean: mean_of_steps(n)
          _each: each(x)
          _drop: drop(x)
          y: {graph}
"""


def is_exact(graph: str, folder: Path) -> bool:
    (case,) = cases_of(GRAPHS.format(graph=graph), folder)
    message = Reference({}).observe(plan_of(case, with_gradients=False))
    assert message["failure"] is None
    return message["exact"] == ["y"]


@pytest.mark.parametrize(
    "graph",
    [
        "pool(x)",
        "embed(ids)",
        "each(pool(x))",
        "drop(x)",
        "concatenate([x, n], axis=1)",
        "transpose(x, [0, 2, 1])[:, 0]",
        "x * -1.0",
        "dense(n)",
        "dense(pool(n)) + 1.0",
        "n * n",
        "sum(n, axis=1)",
        "greater(x, n)",
    ],
)
def test_what_is_only_moved_or_whole_is_exact(graph: str, tmp_path: Path) -> None:
    assert is_exact(graph, tmp_path)


@pytest.mark.parametrize(
    "graph",
    [
        "dense(x)",
        "drawn(n)",
        "curved(n)",
        "mean(n)",
        "x + n",
        "x * 3.0",
        "n / 2.0",
        "exp(n)",
        "pool(dense(x))",
        "mean_of_steps(n)",
    ],
)
def test_what_rounds_is_not_exact(graph: str, tmp_path: Path) -> None:
    assert not is_exact(graph, tmp_path)


def test_whole_numbers_that_float32_cannot_hold_are_not_exact(tmp_path: Path) -> None:
    assert is_exact("n * n * 1000.0", tmp_path)
    assert not is_exact("n * n * n * n * 1000000.0", tmp_path)


def test_a_number_that_is_no_float32_is_rounded_before_anything_is_computed() -> None:
    assert described(np.array([0.1])).kind == "rounded", "0.1 in float64 is between two float32 numbers"
    assert described(np.array([0.1], np.float32).astype(float)).kind == "given"
    assert described(np.array([1.0, -3.0])) == Held("whole", 3.0)
    assert described(np.array([1.0, np.nan])) == Held("given", 1.0)
    assert described(np.array([EXACT_BELOW])).most == 2.0**24


def test_a_layer_is_judged_by_its_activation_and_by_what_it_wraps() -> None:
    assert make("Conv1D", {"filters": 2, "kernel_size": 3, "activation": "relu"}).computes() == "linear"
    assert make("Conv1D", {"filters": 2, "kernel_size": 3, "activation": "gelu"}).computes() == "rounds"
    inner = {"type": "Conv1D", "filters": 2, "kernel_size": 3}
    assert make("TimeDistributed", {"layer": inner}).computes() == "linear"
    assert make("Dot", {"axes": 1, "normalize": True}).computes() == "rounds"
    assert make("LSTM", {"units": 2}).computes() == "rounds"
