"""What the Keras lane hands between the nodes of a graph, on backends whose arrays behave unlike TensorFlow's."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest

from conformance.lanes.declare import parse
from conformance.lanes.keras_arrays import KerasArrays, mask_of
from conformance.lanes.keras_operations import KerasOperations, TensorFlowOperations
from conformance.protocol.adapter import Observing
from tests.builders import cases_of, plan_with, records_of

REMEMBERED = """
    schema_version: 1
    topic: moving statistics, read twice
    dims: {batch: 4}
    source: {kind: hand, note: "A batch of mean 4, momentum 0.75: 0, then 1."}
    cases:
      - id: moved
        question: Does a node keep what it read of a weight that the layer moves afterwards?
        inputs:
          x: {shape: [batch, 1], fill: {values: [[1], [3], [5], [7]]}}
        layers:
          norm: {type: BatchNormalization, momentum: 0.75, moving_mean_initializer: zeros}
        graph:
          _in_inference: norm(x)
          before: norm.moving_mean
          _in_training: norm(x, training=True)
          after: norm.moving_mean
          by_hand: 0.75 * before + 0.25 * mean(x, axis=0)
        expect:
          before: {values: [0]}
          after: {values: [1]}
          by_hand: {values: [1]}
        no_gradients: moving statistics are remembered numbers; what they were made of is not differentiated
"""


@pytest.mark.frameworks
def test_a_weight_that_was_read_stays_what_it_was_on_torch_too(tmp_path: Path) -> None:
    """torch's variables are moved in their own memory, of which a converted tensor is a view."""
    (record,) = records_of(cases_of(REMEMBERED, tmp_path), parse("keras[torch]"), in_process=False)
    found = record["lanes"]["keras-torch"]
    assert (found["verdict"], found["findings"]) == ("agree", [])


class KerasTensor:
    """A symbolic tensor, as NumPy meets it: it has no numbers, and says so when it is asked for them."""

    def __array__(self, *_: Any) -> Any:
        raise ValueError("A KerasTensor is symbolic")

    def __rmul__(self, other: Any) -> str:
        return f"{other} times symbolic"


def arrays(ops: Any) -> KerasArrays:
    generation: Any = SimpleNamespace(ops=ops, operations=KerasOperations(ops))
    return KerasArrays(None, plan_with(), {}, Observing(), generation)


def test_an_array_leaves_arithmetic_with_symbolic_tensors_to_keras() -> None:
    """On Keras' NumPy backend a weight is an array, whose own `*` would take the tensor for numbers."""
    ops = MagicMock()
    ops.multiply = lambda left, right: ("multiply", left, right)
    array, symbolic = np.ones(2), KerasTensor()
    assert arrays(ops).arithmetic("*", array, symbolic) == ("multiply", array, symbolic)
    with pytest.raises(ValueError, match="is symbolic"):
        array * symbolic


def test_keras_2_which_has_no_such_functions_multiplies_by_itself() -> None:
    without = TensorFlowOperations(MagicMock())
    assert arrays(without).arithmetic("*", 2.0, KerasTensor()) == "2.0 times symbolic"
    assert arrays(without).arithmetic("*", 2.0, np.full((), 3.0)) == 6.0


class Traced:
    """What takes no attributes, as what JAX traces."""

    __slots__ = ()


def test_the_mask_of_what_takes_no_attributes_is_in_a_table_of_kerass(monkeypatch: pytest.MonkeyPatch) -> None:
    traced, other = Traced(), Traced()
    table = SimpleNamespace(get_keras_mask=lambda tensor: "hidden" if tensor is traced else None)
    monkeypatch.setitem(sys.modules, "keras.src.backend.common.masking", table)
    assert (mask_of(traced), mask_of(other)) == ("hidden", None)
    assert mask_of(SimpleNamespace(_keras_mask="its own")) == "its own"
    monkeypatch.delitem(sys.modules, "keras.src.backend.common.masking")
    assert mask_of(traced) is None, "Keras 2 and 3.0 to 3.5 have no such table"


@pytest.mark.parametrize("start", [None, 0, 2, 4, 9, -1, -9])
@pytest.mark.parametrize("stop", [None, 0, 3, 9, -2, -9])
@pytest.mark.parametrize("step", [-1, -2])
def test_a_step_below_zero_is_taken_where_tensors_have_none(start: int | None, stop: int | None, step: int) -> None:
    class Forward(np.ndarray):
        """Refuses a step below zero, as torch's tensors do."""

        def __getitem__(self, index: Any) -> Any:
            if any(isinstance(part, slice) and (part.step or 1) < 0 for part in index):
                raise ValueError("step must be greater than zero")
            return np.ndarray.__getitem__(self.view(np.ndarray), index)

    arrays = KerasArrays.__new__(KerasArrays)
    arrays.ops = SimpleNamespace(flip=lambda x, axis: np.flip(x.view(np.ndarray), axis).view(Forward))
    x = np.arange(10).reshape(2, 5)
    found = arrays.item(x.view(Forward), (0, slice(start, stop, step)))
    assert found.tolist() == x[0, start:stop:step].tolist()
