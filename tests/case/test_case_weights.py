"""Where a weight's numbers come from: from the layer's name, or from an initialiser, in wrapped layers too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.errors import CaseError
from conformance.plans.draw import plan_of
from tests.builders import cases_of

TEXT = """
    schema_version: 1
    topic: weights
    source: {kind: hand}
    cases:
      - id: planned
        question: What do these layers hold?
        inputs: {x: {shape: [2, 3, 4]}}
        layers:
          one: %s
          other: %s
        graph:
          y: one(x)
          z: other(x)
"""


def planned(one: str, other: str, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    (case,) = cases_of(TEXT % (one, other), folder)
    layers = plan_of(case, with_gradients=False).layers
    first, second = (dict(layers[name].weights) for name in ("one", "other"))
    return first, second


def test_layers_of_one_name_hold_the_same_numbers(tmp_path: Path) -> None:
    gru = "{type: GRU, units: 2, name: gru%s}"
    first, second = planned(gru % "", gru % ", unroll: true", tmp_path)
    assert all(np.array_equal(first[key], second[key]) for key in ("kernel", "recurrent_kernel", "bias"))


def test_layers_of_other_names_do_not(tmp_path: Path) -> None:
    first, second = planned("{type: GRU, units: 2}", "{type: GRU, units: 2, unroll: true}", tmp_path)
    assert not any(np.array_equal(first[key], second[key]) for key in ("kernel", "recurrent_kernel", "bias"))


STARTS = "units: 2, kernel_initializer: ones, recurrent_initializer: {type: Constant, value: 3}"


@pytest.mark.parametrize(
    ("layer", "scopes"),
    [
        (f"{{type: SimpleRNN, {STARTS}}}", [""]),
        (f"{{type: RNN, cell: {{type: SimpleRNNCell, {STARTS}}}}}", ["cell."]),
        (
            f"{{type: RNN, cell: [{{type: SimpleRNNCell, {STARTS}}}, {{type: SimpleRNNCell, {STARTS}}}]}}",
            ["cell.0.", "cell.1."],
        ),
        (f"{{type: Bidirectional, layer: {{type: SimpleRNN, {STARTS}}}}}", ["forward.", "backward."]),
    ],
)
def test_initialisers_of_wrapped_layers_are_kept(layer: str, scopes: list[str], tmp_path: Path) -> None:
    weights, _ = planned(layer, "{type: GRU, units: 2}", tmp_path)
    for scope in scopes:
        assert np.all(weights[f"{scope}kernel"] == 1)
        assert np.all(weights[f"{scope}recurrent_kernel"] == 3)
        assert len(np.unique(weights[f"{scope}bias"])) == 2


def test_a_backward_layer_has_initialisers_of_its_own(tmp_path: Path) -> None:
    backward = "{type: SimpleRNN, units: 2, go_backwards: true, kernel_initializer: zeros}"
    layer = f"{{type: Bidirectional, layer: {{type: SimpleRNN, {STARTS}}}, backward_layer: {backward}}}"
    weights, _ = planned(layer, "{type: GRU, units: 2}", tmp_path)
    assert np.all(weights["forward.kernel"] == 1)
    assert np.all(weights["backward.kernel"] == 0)


def test_a_weight_that_is_too_large_is_a_mistake_of_the_case_and_no_lanes_answer(tmp_path: Path) -> None:
    with pytest.raises(CaseError) as caught:
        planned("{type: Dense, units: 5000000}", "{type: Dense, units: 2}", tmp_path)
    (problem,) = caught.value.problems
    assert problem.message == "the layer one has a kernel of 20000000 elements, more than 16777216"
    assert problem.position.line == 5


def test_a_layer_that_is_refused_is_planned_with_all_of_its_arguments(tmp_path: Path) -> None:
    """A lane that gets further than the reference looks up arguments that the case does not write."""
    (case,) = cases_of(TEXT % ("{type: Dropout, rate: 1.5}", "{type: Dense, units: 2}"), tmp_path)
    layers = plan_of(case, with_gradients=False).layers
    assert layers["one"].full == {"rate": 1.5, "noise_shape": None}
    assert not layers["other"].is_planned
