"""A layer that the reference refuses has no planned weights: what Keras makes of it is its answer, no mismatch."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.lanes.declare import parse
from conformance.lanes.keras_weights import held_by, restore_weights, set_weights
from conformance.protocol.adapter import WeightMismatch
from conformance.protocol.observation import REFERENCE
from conformance.protocol.plan import PlannedLayer
from tests.builders import cases_of, records_of

REFUSED = """
    schema_version: 1
    topic: an output shape that does not say how long its axes are
    dims: {batch: 2, steps: 32, features: 128}
    source: {kind: hand}
    cases:
      - id: einsum
        question: What is said of a layer that the reference refuses?
        inputs:
          x: {shape: [batch, steps, features]}
        layers:
          layer: {type: EinsumDense, equation: "abc,cd->abd", output_shape: [null, 64, 32], bias_axes: d}
        graph:
          result: layer(x)
"""


def built(*names: str) -> Any:
    """A layer that holds variables of these names, none of which can be assigned to."""
    return SimpleNamespace(built=True, weights=[SimpleNamespace(name=f"layer/{name}:0", shape=()) for name in names])


def test_weights_that_nobody_planned_have_the_names_that_keras_gives_them() -> None:
    unplanned = PlannedLayer("Dense", {}, is_planned=False)
    layer = built("kernel", "bias", "kernel", "kernel")
    assert list(held_by(layer, "layer", unplanned)) == ["kernel", "bias", "kernel 2", "kernel 3"]
    set_weights(layer, "layer", unplanned)
    restore_weights(layer, "layer", unplanned)


def test_weights_beside_a_plan_without_any_are_a_mismatch() -> None:
    """The other side: the reference came to this layer and says that it has none."""
    planned = PlannedLayer("Dense", {})
    with pytest.raises(WeightMismatch, match="layer has weights that the reference does not know: kernel"):
        held_by(built("kernel"), "layer", planned)
    with pytest.raises(WeightMismatch, match="layer has weights that the reference does not know: kernel"):
        set_weights(built("kernel"), "layer", planned)


@pytest.mark.frameworks
def test_what_keras_gives_where_the_reference_refuses_is_shown(tmp_path: Path) -> None:
    (record,) = records_of(cases_of(REFUSED, tmp_path), parse("keras"))
    keras, reference = record["lanes"]["keras"], record["lanes"][REFERENCE]
    assert keras["failure"] is None
    result = keras["runs"][0]["result"]
    assert (result["shape"], result["symbolic"]) == ([2, 32, 64], [None, None, 64, 32])
    assert keras["weights"] == {"layer": {"kernel": [128, 64], "bias": [64]}}
    assert (keras["verdict"], keras["findings"][0]["aspect"]) == ("differ", "error")
    assert (reference["failure"]["type"], reference["failure"]["node"]) == ("LayerError", "result")
