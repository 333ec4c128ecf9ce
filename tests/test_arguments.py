"""Which arguments a case exercises: those with another value than the default, in layers inside layers too."""

from __future__ import annotations

from pathlib import Path

from conformance.arguments import exercised, existing
from tests.builders import cases_of

CASES = """
    schema_version: 1
    topic: arguments
    dims: {batch: 2, steps: 5, dim: 3}
    source: {kind: hand}
    cases:
      - id: some
        question: Which arguments are exercised?
        inputs:
          x: {shape: [batch, steps, dim], dtype: float32, fill: {normal: {}}}
        layers:
          plain: {type: Conv1D, filters: 4, kernel_size: 2, padding: valid, strides: 1}
          other: {type: Conv1D, filters: 4, kernel_size: 2, padding: same, kernel_initializer: ones}
          both: {type: Bidirectional, layer: {type: GRU, units: 2, return_sequences: true}, merge_mode: concat}
        graph:
          a: plain(x)
          b: other(a)
          c: both(b)
"""


def test_an_argument_at_its_default_is_not_exercised_and_one_that_must_be_given_is(tmp_path: Path) -> None:
    (case,) = cases_of(CASES, tmp_path)
    assert exercised(case) == {
        "Bidirectional": ["layer"],
        "Conv1D": ["filters", "kernel_initializer", "kernel_size", "padding"],
        "GRU": ["return_sequences", "units"],
    }


def test_what_there_is_of_a_layer_is_all_that_its_constructor_takes() -> None:
    found = existing(["Conv1D", "NoSuchLayer", "Flatten"])
    assert list(found) == ["Conv1D", "Flatten"]
    assert {"filters", "padding", "causal"} & {*found["Conv1D"]["options"]} == {"filters", "padding"}
    assert {"kernel_initializer", "kernel_regularizer"} <= {*found["Conv1D"]["options"]}
    assert found["Flatten"]["options"] == ["data_format"]
    assert found["Flatten"]["mutants"]
