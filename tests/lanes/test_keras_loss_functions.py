"""Keras' losses as functions, `keras.losses.huber(y, p, delta=2)`: what the class gives without a reduction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy
import pytest

from conformance.case.keras_names import recorded
from conformance.inventory.coverage import class_of
from conformance.reference.base import Weights, make
from conformance.reference.catalog import LAYERS
from tests.in_process import keras_here

pytestmark = pytest.mark.frameworks

RANDOM = numpy.random.default_rng(9)
SHARES = RANDOM.dirichlet([1.0] * 3, size=4).astype("float32")
ROWS = numpy.eye(3, dtype="float32")[[0, 2, 1, 2]]
IDS = numpy.array([0, 2, 1, 2], dtype="int32")
POINTS = RANDOM.normal(size=(6, 4)).astype("float32")
BATCHES: Mapping[str, tuple[Any, Any]] = {
    "SparseCategoricalCrossentropy": (IDS, SHARES),
    "CategoricalGeneralizedCrossEntropy": (IDS, SHARES),
    "CTC": (numpy.array([[1, 2, 0], [3, 3, 1]], dtype="int32"), RANDOM.normal(size=(2, 6, 4)).astype("float32")),
    "Circle": (
        numpy.array([0, 1, 0, 1, 2, 2], dtype="int32"),
        POINTS / numpy.linalg.norm(POINTS, axis=1, keepdims=True),
    ),
}
"""Labels and predictions of those that do not take rows of shares."""
CONFIGS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("binary_crossentropy", {}),
    ("binary_crossentropy", {"from_logits": True, "label_smoothing": 0.1, "axis": 0}),
    ("binary_focal_crossentropy", {}),
    ("binary_focal_crossentropy", {"apply_class_balancing": True, "alpha": 0.4, "gamma": 3.0, "label_smoothing": 0.1}),
    ("categorical_crossentropy", {}),
    ("categorical_crossentropy", {"from_logits": True, "label_smoothing": 0.1}),
    ("categorical_focal_crossentropy", {}),
    ("categorical_focal_crossentropy", {"alpha": 0.4, "gamma": 3.0, "label_smoothing": 0.1}),
    ("categorical_generalized_cross_entropy", {"q": 0.7}),
    ("categorical_hinge", {}),
    ("circle", {"gamma": 4.0, "margin": 0.3}),
    ("cosine_similarity", {}),
    ("cosine_similarity", {"axis": 0}),
    ("ctc", {}),
    ("dice", {}),
    ("dice", {"axis": (1,)}),
    ("hinge", {}),
    ("huber", {}),
    ("huber", {"delta": 0.3}),
    ("kl_divergence", {}),
    ("log_cosh", {}),
    ("mean_absolute_error", {}),
    ("mean_absolute_percentage_error", {}),
    ("mean_squared_error", {}),
    ("mean_squared_logarithmic_error", {}),
    ("poisson", {}),
    ("sparse_categorical_crossentropy", {}),
    ("sparse_categorical_crossentropy", {"from_logits": True}),
    ("squared_hinge", {}),
    ("tversky", {}),
    ("tversky", {"axis": (1,)}),
)


def kind_of(name: str) -> str:
    release = recorded()
    found = class_of(release.of("losses")[name], release)
    assert found is not None
    return found.name


def functions() -> set[str]:
    """The function forms of this release's losses."""
    release = recorded()
    offered = {item.name: item for item in release.of("losses").values() if item.form == "function"}
    return {name for name, item in offered.items() if class_of(item, release) is not None}


def test_every_function_is_asked() -> None:
    assert {name for name, _ in CONFIGS} == functions()


@pytest.mark.parametrize(("name", "config"), CONFIGS, ids=lambda one: one if isinstance(one, str) else "")
def test_a_function_gives_what_its_class_gives_without_a_reduction(name: str, config: Mapping[str, Any]) -> None:
    keras = keras_here()
    kind = kind_of(name)
    y, p = BATCHES.get(kind, (ROWS, SHARES))
    said = numpy.array(getattr(keras.losses, name)(y, p, **config))
    assert kind in LAYERS
    layer = make(kind, {**config, "reduction": "none"})
    wanted = numpy.asarray(layer.call(Weights({}), y, p.astype(float)))
    if kind == "Circle":  # as a class it leaves out samples without a partner, as a function it gives them 0
        wanted = numpy.asarray(layer.losses(y, p.astype(float))[0])  # type: ignore[attr-defined]  # of losses
    numpy.testing.assert_allclose(said, wanted, rtol=2e-5, atol=2e-6)
