"""Initialisers against their papers: fans of every rank, ranges, and what a cut leaves of a deviation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from conformance.reference.base import LayerError, Weights, make
from conformance.reference.initializers import CUT, fans


def drawn(name: str, **config: object) -> np.ndarray:
    layer = make(f"initializers.{name}", config)
    return np.asarray(layer.call(Weights({})))


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [((), (1, 1)), ((7,), (7, 7)), ((3, 5), (3, 5)), ((4, 3, 5), (12, 20)), ((2, 2, 3, 5), (12, 20))],
)
def test_fans_by_hand(shape: tuple[int, ...], wanted: tuple[int, int]) -> None:
    assert fans(shape) == wanted


def test_the_deviation_of_a_cut_normal_distribution_is_the_published_one() -> None:
    density = math.exp(-2.0) / math.sqrt(2.0 * math.pi)
    assert pytest.approx(math.sqrt(1.0 - 4.0 * density / math.erf(math.sqrt(2.0)))) == CUT


def test_ranges_by_hand() -> None:
    assert np.abs(drawn("GlorotUniform", shape=[3, 3], seed=1)).max() <= 1.0  # sqrt(6 / (3 + 3))
    assert np.abs(drawn("HeUniform", shape=[6, 3], seed=1)).max() <= 1.0  # sqrt(6 / 6)
    assert drawn("HeNormal", shape=[200, 100], seed=1).std() == pytest.approx(0.1, rel=0.02)  # sqrt(2 / 200)
    assert drawn("LecunNormal", shape=[100, 200], seed=1).std() == pytest.approx(0.1, rel=0.02)


def test_a_seed_draws_again_and_another_does_not() -> None:
    first = drawn("RandomNormal", shape=[4], seed=1)
    assert np.array_equal(first, drawn("RandomNormal", shape=[4], seed=1))
    assert not np.array_equal(first, drawn("RandomNormal", shape=[4], seed=2))


@pytest.mark.parametrize("shape", [[5, 2], [2, 5], [2, 2, 3]])
def test_orthogonal_weights_are(shape: list[int]) -> None:
    matrix = drawn("Orthogonal", shape=shape, seed=1).reshape(-1, shape[-1])
    gram = matrix.T @ matrix if len(matrix) >= shape[-1] else matrix @ matrix.T
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-12)


def test_what_has_other_axes_is_refused() -> None:
    with pytest.raises(LayerError, match="two axes"):
        make("initializers.Identity", {"shape": [2, 2, 2]})
    with pytest.raises(LayerError, match="two axes"):
        make("initializers.Orthogonal", {"shape": [2]})
