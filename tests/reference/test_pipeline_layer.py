"""Pipeline, by hand."""

from __future__ import annotations

import numpy
import pytest

from conformance.reference.base import LayerError, make
from conformance.reference.core import Dense
from conformance.reference.image_colors import RandomInvert
from conformance.reference.pipeline_layer import Pipeline
from conformance.reference.rescaling import Rescaling
from tests.reference.helpers import assert_gradient_matches_finite_difference, is_seen, run

X = numpy.array([10.0, 100.0]).reshape(1, 1, 2, 1)
LAYER = Pipeline(layers=(RandomInvert(factor=(1.0, 1.0)), Rescaling(scale=2.0)))


def test_one_after_another_in_training() -> None:
    assert run(LAYER, X).ravel().tolist() == [490, 310]
    assert run(LAYER, X, training=False).ravel().tolist() == [20, 200]


def test_weights_have_no_place() -> None:
    with pytest.raises(LayerError, match="Dense has weights"):
        Pipeline(layers=(Dense(units=2),)).check()
    assert make("Pipeline", {"layers": [{"type": "Rescaling", "scale": 2.0}]}) == Pipeline(
        layers=(Rescaling(scale=2.0),)
    )


def test_gradients_and_mutants() -> None:
    assert_gradient_matches_finite_difference(LAYER, X)
    for mutant in Pipeline.mutants:
        assert is_seen(LAYER, mutant.name, X), mutant.name
