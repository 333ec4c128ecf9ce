"""Spectral normalisation, against singular values."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from conformance.reference.base import LayerError, Weights
from conformance.reference.core import Activation, Dense, Embedding
from conformance.reference.spectral_normalization import SpectralNormalization
from tests.reference.helpers import is_seen, weights_of

X = numpy.random.default_rng(0).normal(size=(2, 3))
KERNEL = numpy.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])


def wrapped(iterations: int = 1) -> SpectralNormalization:
    return SpectralNormalization(layer=Dense(units=2, use_bias=False), power_iterations=iterations)


def called(layer: SpectralNormalization, training: bool) -> tuple[Any, dict[str, Any]]:
    state: dict[str, Any] = {}
    held = {"layer.kernel": KERNEL, "vector_u": numpy.array([[1.0, 0.0]])}
    return layer.call(Weights(held, state), X, training=training), state


def test_one_iteration_by_hand() -> None:
    """u = (1, 0): v = (1, 3, 5) / sqrt(35), v W = (35, 44) / sqrt(35), whose length is sqrt(3161 / 35): sigma."""
    y, state = called(wrapped(), True)
    sigma = (3161 / 35) ** 0.5
    assert y == pytest.approx(X @ KERNEL / sigma)
    assert state["vector_u"] == pytest.approx(numpy.array([[35, 44]]) / 3161**0.5)
    assert state["layer"]["kernel"] == pytest.approx(KERNEL / sigma)


def test_many_iterations_give_the_largest_singular_value() -> None:
    """numpy.linalg.svd: 9.52551809 for 1 2 / 3 4 / 5 6, as published in its many textbooks' examples."""
    y, _ = called(wrapped(20), True)
    assert y == pytest.approx(X @ KERNEL / 9.525518091565107)


def test_nothing_changes_in_inference_or_for_zeros() -> None:
    y, state = called(wrapped(), False)
    assert y == pytest.approx(X @ KERNEL)
    assert state == {"layer": {}}
    zeros = {"layer.kernel": 0 * KERNEL, "vector_u": numpy.ones((1, 2))}
    assert not wrapped().call(Weights(zeros, {}), X, training=True).any()


def test_weights_by_name() -> None:
    assert list(SpectralNormalization(layer=Dense(units=2)).weights((None, 3))) == [
        "layer.kernel",
        "vector_u",
        "layer.bias",
    ]
    assert list(SpectralNormalization(layer=Embedding(input_dim=4, output_dim=2)).weights((None, 3))) == [
        "layer.embeddings",
        "vector_u",
    ]
    with pytest.raises(LayerError, match="neither a kernel nor embeddings"):
        SpectralNormalization(layer=Activation(activation="relu")).weights((None, 3))


def test_mutants_are_seen() -> None:
    layer, once = wrapped(2), wrapped(1)
    weights = {**weights_of(layer, X.shape), "layer.kernel": KERNEL}
    names = [m.name for m in SpectralNormalization.mutants if m.name not in ("always", "exact", "forgets")]
    assert [name for name in names if not is_seen(layer, name, X, weights=weights, training=True)] == []
    assert is_seen(once, "exact", X, weights=weights, training=True)
    assert is_seen(layer, "always", X, weights=weights, training=False)
