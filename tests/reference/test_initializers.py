"""Initialisers against their papers: fans of every rank, ranges, and what a cut leaves of a deviation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from conformance.reference.base import LayerError, Weights, make
from conformance.reference.initializers import CUT, fans


def drawn(name: str, **config: Any) -> np.ndarray:
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


EXACT = {
    "Zeros": ({"shape": [2]}, [0.0, 0.0]),
    "Ones": ({"shape": [2]}, [1.0, 1.0]),
    "Constant": ({"shape": [2], "value": 3.0}, [3.0, 3.0]),
    "Identity": ({"shape": [2, 3], "gain": 2.0}, [[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]]),
}
UNIFORM = {
    "GlorotUniform": ({}, 0.1414214),  # Glorot and Bengio 2010: sqrt(6 / (200 + 100))
    "HeUniform": ({}, 0.1732051),  # He et al. 2015, as a range: sqrt(6 / 200)
    "LecunUniform": ({}, 0.1224745),  # LeCun et al. 1998: sqrt(3 / 200)
    "RandomUniform": ({"minval": -0.25, "maxval": 0.25}, 0.25),
}
NORMAL = {
    "GlorotNormal": ({}, 0.0816497),  # sqrt(2 / (200 + 100))
    "HeNormal": ({}, 0.1),  # sqrt(2 / 200)
    "LecunNormal": ({}, 0.0707107),  # sqrt(1 / 200)
    "VarianceScaling": ({"scale": 8.0, "mode": "fan_out"}, 0.2828427),  # sqrt(8 / 100)
    "RandomNormal": ({"stddev": 0.5}, 0.5),
    "TruncatedNormal": ({"stddev": 0.5}, 0.4398128),  # 0.5 * 0.8796257, what cutting at two deviations leaves of one
}
BY_HAND = {f"initializers.{name}" for name in (*EXACT, *UNIFORM, *NORMAL, "Orthogonal")}
"""What has a row here, or a test of what it must be, above."""
LARGE = {"shape": [200, 100], "seed": 1}


@pytest.mark.parametrize("name", EXACT)
def test_what_draws_nothing_by_hand(name: str) -> None:
    config, wanted = EXACT[name]
    assert drawn(name, **config).tolist() == wanted


@pytest.mark.parametrize("name", UNIFORM)
def test_how_far_a_uniform_draw_reaches_by_hand(name: str) -> None:
    """Of 20,000 draws the largest lies within a thousandth of the end."""
    config, limit = UNIFORM[name]
    found = drawn(name, **LARGE, **config)
    assert 0.999 * limit < found.max() <= limit
    assert -limit <= found.min() < -0.999 * limit
    assert found.std() == pytest.approx(limit / math.sqrt(3.0), rel=0.02)


@pytest.mark.parametrize("name", NORMAL)
def test_the_deviation_of_a_normal_draw_by_hand(name: str) -> None:
    config, deviation = NORMAL[name]
    found = drawn(name, **LARGE, **config)
    assert found.std() == pytest.approx(deviation, rel=0.02)
    assert found.mean() == pytest.approx(0.0, abs=5 * deviation / math.sqrt(found.size))
