"""Keras 2 as a lane: the same cases, the same weights, and the answers for which it is known."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.lanes.declare import parse
from conformance.lanes.keras_weights import matched, variables
from conformance.protocol.adapter import WeightMismatch
from tests.builders import POOLED, cases_of, records_of

MERGED = """
    schema_version: 1
    topic: two masked embeddings
    dims: {batch: 2, steps: 3, dim: 2}
    source: {kind: hand}
    cases:
      - id: average
        question: Which mask has the average?
        inputs:
          a: {shape: [batch, steps], dtype: int32, fill: {values: [[1, 0, 2], [0, 0, 3]]}}
          b: {shape: [batch, steps], dtype: int32, fill: {values: [[1, 4, 0], [0, 5, 6]]}}
        layers:
          embed: {type: Embedding, input_dim: 7, output_dim: dim, mask_zero: true}
          average: {type: Average}
        graph:
          merged: average([embed(a), embed(b)])
"""
OPERATIONS = """
    schema_version: 1
    topic: every operation of the graph
    dims: {batch: 2, steps: 3, dim: 5}
    source: {kind: hand}
    cases:
      - id: all
        question: Are they what they are in Keras 3?
        inputs:
          x: {shape: [batch, steps, dim], dtype: float32, fill: {normal: {}}}
          ids: {shape: [batch], dtype: int32, fill: {values: [0, 2]}}
        layers:
          dense: {type: Dense, units: dim}
        graph:
          y: dense(x)
          means: mean(y, axis=1)
          sums: sum(y, axis=-1, keepdims=True)
          extremes: stack([max(y, axis=1), min(y, axis=1)], axis=0)
          joined: concatenate([x, y], axis=1)
          turned: flip(transpose(y, axes=[0, 2, 1]), axis=1)
          flat: reshape(y, [2, 15])
          thin: squeeze(expand_dims(means, axis=1), axis=1)
          coded: one_hot(ids, 4)
          product: einsum("bsd,bd->bs", y, means)
          waves: tanh(abs(y)) + exp(y) * sqrt(abs(y)) - log(abs(y))
          chosen: where(greater(x, y), x, y)
          padded: pad(y, [[0, 0], [1, 0], [0, 2]])
          twice: repeat(y, 2, axis=1)
          same: equal(ids, ids)
          whole: cast(ids, "float32")
"""


def lane(text: str, folder: Path, name: str = "topic") -> dict[str, Any]:
    (record,) = records_of(cases_of(text, folder, name), parse("tf_keras"), in_process=False)
    found: dict[str, Any] = record["lanes"]["tf_keras"]
    return found


@pytest.mark.frameworks
@pytest.mark.parametrize("text", [POOLED, OPERATIONS], ids=["pooled", "operations"])
def test_keras_2_answers_as_the_reference_does(text: str, tmp_path: Path) -> None:
    found = lane(text, tmp_path)
    assert (found["verdict"], found["findings"], found["failure"]) == ("agree", [], None)


@pytest.mark.frameworks
def test_keras_2_gives_gradients(tmp_path: Path) -> None:
    assert lane(POOLED, tmp_path)["gradients"].keys() == {"embed.embeddings"}


@pytest.mark.frameworks
def test_keras_2_merges_masks_with_and(tmp_path: Path) -> None:
    """By hand: `a` is real at 1, 3 and 3; `b` at 1, 2 and 2, 3; both are at 1 in the first row and 3 in the second."""
    found = lane(MERGED, tmp_path)
    assert found["verdict"] == "differ"
    assert found["findings"][0]["aspect"] == "mask"
    assert found["findings"][0]["got"]["values"] == [[1, 0, 0], [0, 0, 1]]


def layer(*names: str) -> Any:
    return SimpleNamespace(weights=[SimpleNamespace(name=f"conv/{name}:0", shape=()) for name in names])


def test_a_depthwise_kernel_is_the_kernel() -> None:
    assert list(matched(layer("depthwise_kernel", "bias"), "conv", ["kernel", "bias"])) == ["kernel", "bias"]


def test_a_separable_layer_keeps_both_of_its_kernels() -> None:
    names = ["depthwise_kernel", "pointwise_kernel", "bias"]
    assert list(matched(layer(*names), "conv", names)) == names


def test_a_weight_that_nobody_has_is_a_mismatch() -> None:
    with pytest.raises(WeightMismatch, match="conv has no weight gamma; Keras holds kernel, bias"):
        matched(layer("kernel", "bias"), "conv", ["gamma", "bias"])


def test_a_table_of_words_is_no_weight() -> None:
    kernel = SimpleNamespace(name="kernel:0", shape=(2, 3))
    table = SimpleNamespace()  # what a lookup that has adapted keeps its words by: neither a name nor a shape
    layer = SimpleNamespace(weights=[kernel, table])
    assert variables(layer) == [kernel]
    assert matched(layer, "lookup", ["kernel"]) == {"kernel": kernel}
