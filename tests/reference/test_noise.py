"""Layers that disturb in training: what must hold of every draw, and of very many."""

from __future__ import annotations

import math
from typing import Any

import numpy
import pytest

from conformance.reference.base import LayerError, make
from conformance.reference.noise import (
    SATURATED,
    AlphaDropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout1D,
    SpatialDropout2D,
)
from tests.reference.helpers import assert_gradient_matches_finite_difference, is_seen, run

X = numpy.random.default_rng(2).normal(size=(4, 5, 6))
IMAGES = numpy.random.default_rng(2).normal(size=(4, 5, 3, 6))
MANY = numpy.random.default_rng(3).normal(size=(100, 20, 30))
LAYERS = [
    (SpatialDropout1D(rate=0.5), X),
    (SpatialDropout2D(rate=0.5), IMAGES),
    (GaussianNoise(stddev=0.5), X),
    (GaussianDropout(rate=0.5), X),
    (AlphaDropout(rate=0.5), X),
]


@pytest.mark.parametrize(("layer", "x"), LAYERS, ids=str)
def test_nothing_happens_outside_of_training(layer: Any, x: Any) -> None:
    assert run(layer, x) is x
    assert run(layer, x, training=False) is x
    assert run(layer, x, training=None) is x
    assert not numpy.array_equal(run(layer, x, training=True), x)
    mask = numpy.ones(x.shape[:2], dtype=bool)
    assert layer.compute_mask(x, mask) is mask


@pytest.mark.parametrize(
    ("layer", "x", "steps"),
    [
        (SpatialDropout1D(rate=0.25), X, 1),
        (SpatialDropout2D(rate=0.25), IMAGES, (1, 2)),
        (SpatialDropout2D(rate=0.25, data_format="channels_first"), IMAGES, (2, 3)),
    ],
)
def test_a_channel_is_dropped_whole_or_not_at_all(layer: Any, x: Any, steps: Any) -> None:
    """The rest is divided by 3/4."""
    share = run(layer, x, training=True) / x
    assert set(numpy.round(numpy.unique(share), 12)) == {0.0, round(4 / 3, 12)}
    assert numpy.allclose(share.max(axis=steps), share.min(axis=steps))


def test_each_entry_of_the_batch_drops_channels_of_its_own() -> None:
    kept = run(SpatialDropout1D(rate=0.5), numpy.ones((50, 2, 8)), training=True)[:, 0] > 0
    assert len({tuple(row) for row in kept.tolist()}) > 1, "50 draws of 8 channels each that are all alike"


def test_rates_at_the_ends() -> None:
    assert run(SpatialDropout1D(rate=0.0), X, training=True).tolist() == X.tolist()
    assert not run(SpatialDropout1D(rate=1.0), X, training=True).any()
    for layer in (GaussianDropout(rate=0.0), AlphaDropout(rate=0.0), GaussianNoise(stddev=0.0)):
        numpy.testing.assert_allclose(run(layer, X, training=True), X, rtol=1e-15)


def test_noise_is_added_with_its_deviation_and_multiplied_with_that_of_dropout() -> None:
    """60000 draws: the mean is known to 0.002, the deviation to 0.0015. sqrt(0.2 / 0.8) = 1/2."""
    added = run(GaussianNoise(stddev=0.5), MANY, training=True) - MANY
    multiplied = run(GaussianDropout(rate=0.2), MANY, training=True) / MANY
    assert numpy.mean(added) == pytest.approx(0, abs=0.02)
    assert numpy.std(added) == pytest.approx(0.5, abs=0.015)
    assert numpy.mean(multiplied) == pytest.approx(1, abs=0.02)
    assert numpy.std(multiplied) == pytest.approx(0.5, abs=0.015)


def test_alpha_dropout_by_its_formula() -> None:
    """Klambauer et al. (2017), section 3, for p = 1/2: a = (1/2 (1 + 3.0909 / 2))^(-1/2) = 0.8865, b = 0.7793."""
    assert pytest.approx(-1.7580993408473766, rel=1e-12) == SATURATED
    scale, shift = AlphaDropout(rate=0.5).scale_and_shift()
    assert scale == pytest.approx(0.88647, abs=1e-4)
    assert shift == pytest.approx(0.77925, abs=1e-4)
    y = run(AlphaDropout(rate=0.5), numpy.zeros((30, 30)), training=True)
    numpy.testing.assert_allclose(numpy.unique(y), [scale * SATURATED + shift, shift], rtol=1e-12)


def test_alpha_dropout_keeps_mean_and_variance() -> None:
    y = run(AlphaDropout(rate=0.3), MANY, training=True)
    assert numpy.mean(y) == pytest.approx(numpy.mean(MANY), abs=0.03)
    assert numpy.var(y) == pytest.approx(numpy.var(MANY), abs=0.03)
    once = run(AlphaDropout(rate=0.3, noise_shape=(None, 1, 6)), numpy.zeros((4, 5, 6)), training=True)
    assert (once == once[:, :1]).all()
    assert len(numpy.unique(once)) == 2


@pytest.mark.parametrize(
    ("kind", "config", "x", "message"),
    [
        ("SpatialDropout1D", {"rate": 1.5}, X, "rate=1.5 is not between 0 and 1"),
        ("SpatialDropout1D", {"rate": 0.5}, IMAGES, "needs an input of rank 3"),
        ("SpatialDropout2D", {"rate": 0.5}, X, "needs an input of rank 4"),
        ("GaussianNoise", {"stddev": 1.5}, X, "stddev=1.5 is not between 0 and 1"),
        ("GaussianDropout", {"rate": -0.5}, X, "rate=-0.5 is not between 0 and 1"),
        ("GaussianDropout", {"rate": 1.0}, X, "a rate of 1 has no variance"),
        ("AlphaDropout", {"rate": 2.0}, X, "rate=2.0 is not between 0 and 1"),
        ("AlphaDropout", {"rate": 1.0}, X, "a rate of 1 has no scale"),
    ],
)
def test_refused(kind: str, config: dict[str, Any], x: Any, message: str) -> None:
    with pytest.raises(LayerError, match=message):
        run(make(kind, config), x, training=True)


@pytest.mark.parametrize(("layer", "x"), LAYERS, ids=str)
def test_gradient_of_one_draw(layer: Any, x: Any) -> None:
    """The helper draws the same numbers each time."""
    assert_gradient_matches_finite_difference(layer, x, training=True)


@pytest.mark.parametrize(
    ("layer", "x", "name"), [(layer, x, m.name) for layer, x in LAYERS for m in layer.mutants], ids=str
)
def test_mutants_are_seen(layer: Any, x: Any, name: str) -> None:
    if name == "ignores_noise_shape":
        layer = AlphaDropout(rate=0.5, noise_shape=(None, 1, None))
    assert is_seen(layer, name, x, training=name != "disturbs_in_inference")


def test_what_noise_of_the_wrong_kind_looks_like() -> None:
    """sqrt(0.25) for 0.25; a deviation of the rate: rate^2 / (1 + rate^2) has the deviation `rate` again."""
    (mutant,) = [m for m in GaussianNoise.mutants if m.name == "variance"]
    assert mutant.config is not None
    assert mutant.config(GaussianNoise(stddev=0.25)) == {"stddev": 0.5}
    (mutant,) = [m for m in GaussianDropout.mutants if m.name == "rate_as_deviation"]
    assert mutant.config is not None
    rate = mutant.config(GaussianDropout(rate=0.2))["rate"]
    assert math.sqrt(rate / (1 - rate)) == pytest.approx(0.2)
