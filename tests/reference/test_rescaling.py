"""Rescaling and Normalization, against the examples of the Keras documentation."""

from __future__ import annotations

import numpy
import pytest

from conformance.reference.base import LayerError, make
from conformance.reference.rescaling import Normalization, Rescaling
from tests.reference.helpers import assert_gradient_matches_finite_difference, is_seen, run

DATA = ((0.0, 7.0, 4.0), (2.0, 9.0, 6.0), (0.0, 7.0, 4.0), (2.0, 9.0, 6.0))
"""What is adapted to in the documentation of keras.layers.Normalization."""
X = numpy.array([[0.5, -1.0, 3.0], [2.0, 0.25, 1.5]])


def test_pixels_between_minus_one_and_one() -> None:
    """keras.io/api/layers/preprocessing_layers/image_preprocessing/rescaling: [0, 255] to [-1, 1]."""
    y = run(Rescaling(scale=1 / 127.5, offset=-1.0), numpy.array([[0, 51, 255]], dtype=numpy.uint8))
    assert y.ravel().tolist() == pytest.approx([-1, -0.6, 1])


def test_the_documented_normalisations() -> None:
    """keras.io/api/layers/preprocessing_layers/numerical/normalization."""
    given = Normalization(mean=3.0, variance=2.0)
    assert run(given, numpy.array([[1.0], [2.0], [3.0]])).ravel().tolist() == pytest.approx([-(2**0.5), -(0.5**0.5), 0])
    of_all = Normalization(axis=None, adapt=(1.0, 2.0, 3.0, 4.0, 5.0))
    assert run(of_all, numpy.array([1.0, 2.0, 3.0])).tolist() == pytest.approx([-(2**0.5), -(0.5**0.5), 0])
    assert run(Normalization(adapt=DATA), numpy.array([[0.0, 7.0, 4.0]])).tolist() == [[-1, -1, -1]]
    assert run(Normalization(adapt=DATA, invert=True), numpy.array([[1.0, 2.0, 3.0]])).tolist() == [[2, 10, 8]]


def test_numbers_belong_to_their_places() -> None:
    """mean[j] for axis 1, whatever the order in which axes are named."""
    x = numpy.arange(6.0).reshape(1, 2, 3)
    y = run(Normalization(axis=1, mean=(1.0, 2.0), variance=(4.0, 1.0)), x)
    assert y.tolist() == [[[-0.5, 0, 0.5], [1, 2, 3]]]
    both = tuple(tuple(row) for row in x[0])
    assert not run(Normalization(axis=(1, 2), mean=both, variance=1.0), x).any()


def test_a_feature_that_never_varies_counts_as_small() -> None:
    assert run(Normalization(mean=1.0, variance=0.0), numpy.array([[1.5]])).item() == pytest.approx(5e6)


def test_what_it_holds_is_what_it_learnt() -> None:
    held = Normalization(adapt=DATA).weights((None, 3))
    assert {name: numpy.asarray(weight.value).tolist() for name, weight in held.items()} == {
        "mean": [1, 8, 5],
        "variance": [1, 1, 1],
        "count": 0,
    }
    assert Normalization(mean=1.0, variance=1.0).weights((None, 3)) == {}


def test_what_cannot_be() -> None:
    for config in ({"mean": 1.0}, {"variance": 1.0}, {"mean": 1.0, "variance": 1.0, "adapt": DATA}):
        with pytest.raises(LayerError):
            make("Normalization", config)
    with pytest.raises(LayerError):
        run(Normalization(mean=(1.0, 2.0), variance=1.0), X)


def test_gradients() -> None:
    for layer in (
        Rescaling(scale=(1.0, 2.0, 3.0), offset=0.5),
        Normalization(adapt=DATA),
        Normalization(adapt=DATA, invert=True),
    ):
        assert_gradient_matches_finite_difference(layer, X)


def test_mutants_are_seen() -> None:
    rescaling = Rescaling(scale=4.0, offset=1.0)
    names = [mutant.name for mutant in Rescaling.mutants if mutant.name != "keeps_integers"]
    assert [name for name in names if not is_seen(rescaling, name, X)] == []
    assert is_seen(Rescaling(scale=0.5), "keeps_integers", numpy.array([[3]]))
    skewed = ((0.0, 7.0, 4.0), (2.0, 29.0, 5.0), (0.0, 7.0, 3.0))
    assert [
        mutant.name
        for mutant in Normalization.mutants
        if not any(
            is_seen(layer, mutant.name, X)
            for layer in (Normalization(adapt=skewed, invert=True), Normalization(mean=0.0, variance=0.0))
        )
    ] == []
