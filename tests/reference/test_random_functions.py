"""The functions of keras.random against published shares and moments, and what a seed does."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from conformance.reference.base import LayerError, Weights, make
from conformance.reference.distributions import Distribution, beta, binomial, gamma, whole
from conformance.reference.random_functions import drawn_by

LARGE = {"shape": [200, 100]}


def drawn(name: str, *arrays: Any, **config: Any) -> Any:
    return np.asarray(make(f"random.{name}", config).call(Weights({}), *arrays))


SHARES = [
    (gamma(1.0), 1.0, 0.6321206),  # 1 - 1 / e
    (gamma(2.0), 2.0, 0.5939942),  # 1 - 3 / e^2
    (gamma(0.5), 0.5, 0.6826895),  # the share within one deviation of a normal distribution: half of its square
    (beta(2.0, 5.0), 0.5, 57 / 64),  # two heads or more of six
    (beta(0.5, 0.5), 0.25, 1 / 3),  # the law of the arcsine
    (binomial(12, 0.3), 3.0, 0.4925158),  # tables of the binomial distribution: 0.4925
    (binomial(2, 0.5), 0.0, 0.25),
    (whole(-3, 7), 1.0, 0.5),
]


@pytest.mark.parametrize(("of", "x", "wanted"), SHARES, ids=lambda one: getattr(one, "name", None))
def test_shares_are_those_of_the_books(of: Distribution, x: float, wanted: float) -> None:
    assert float(of.below(np.array(x))) == pytest.approx(wanted, rel=1e-6)


def test_shares_of_whole_numbers_end_before_them_and_at_them() -> None:
    two = binomial(2, 0.5)
    assert two.before is not None
    assert np.asarray(two.before(np.array([-1, 0, 1, 2, 3]))).tolist() == [0.0, 0.0, 0.25, 0.75, 1.0]
    assert np.asarray(two.below(np.array([-1, 0, 1, 2, 3]))).tolist() == [0.0, 0.25, 0.75, 1.0, 1.0]
    dice = whole(1, 7)
    assert dice.before is not None
    assert np.asarray(dice.before(np.array([1, 4, 8]))).tolist() == pytest.approx([0.0, 0.5, 1.0])


@pytest.mark.parametrize("of", [binomial(12, 0.3), binomial(1, 0.1), whole(-3, 7), whole(0, 2)], ids=lambda of: of.name)
def test_moments_of_whole_numbers_are_their_sums(of: Distribution) -> None:
    places = np.arange(-20, 21)
    assert of.before is not None
    shares = np.asarray(of.below(places)) - np.asarray(of.before(places))
    assert np.sum(shares) == pytest.approx(1.0)
    assert np.sum(shares * places) == pytest.approx(of.mean)
    assert np.sum(shares * (places - of.mean) ** 2) == pytest.approx(of.variance)
    assert np.sum(shares * (places - of.mean) ** 4) == pytest.approx(of.fourth)


@pytest.mark.parametrize("of", [gamma(4.0), gamma(1.5), beta(2.0, 5.0), beta(3.0, 3.0)], ids=lambda of: of.name)
def test_moments_of_other_numbers_are_their_integrals(of: Distribution) -> None:
    x = np.linspace(0.0, min(of.high, 60.0), 60001)
    shares, middles = np.diff(of.below(x)), (x[1:] + x[:-1]) / 2
    assert np.sum(shares * middles) == pytest.approx(of.mean, rel=1e-5)
    assert np.sum(shares * (middles - of.mean) ** 2) == pytest.approx(of.variance, rel=1e-5)
    assert np.sum(shares * (middles - of.mean) ** 4) == pytest.approx(of.fourth, rel=1e-4)


MOMENTS = {  # mean and deviation: Johnson, Kotz and Balakrishnan 1994; Johnson, Kemp and Kotz 2005
    "normal": ({"mean": 2.0, "stddev": 0.5}, 2.0, 0.5),
    "truncated_normal": ({"mean": 1.0, "stddev": 0.5}, 1.0, 0.4398128),
    "uniform": ({"minval": -3.0, "maxval": 1.0}, -1.0, 1.1547005),  # 4 / sqrt(12)
    "randint": ({"minval": 1, "maxval": 7}, 3.5, 1.7078251),  # a die: sqrt(35 / 12)
    "gamma": ({"alpha": 4.0}, 4.0, 2.0),
    "beta": ({"alpha": 2.0, "beta": 5.0}, 0.2857143, 0.1597191),  # 2 / 7, sqrt(10 / 392)
    "binomial": ({"counts": 12, "probabilities": 0.3}, 3.6, 1.5874508),  # sqrt(12 * 0.3 * 0.7)
}
BY_HAND = {f"random.{name}" for name in (*MOMENTS, "categorical", "dropout", "shuffle", "SeedGenerator")}
"""What has a row here, or a test of what it must be, below."""


@pytest.mark.parametrize("name", MOMENTS)
def test_moments_of_draws_by_hand(name: str) -> None:
    config, mean, deviation = MOMENTS[name]
    found = drawn(name, **LARGE, **config)
    assert found.shape == (200, 100)
    assert found.mean() == pytest.approx(mean, abs=5 * deviation / math.sqrt(found.size))
    assert found.std() == pytest.approx(deviation, rel=0.03)


def test_classes_are_as_frequent_as_exponentials_of_logits() -> None:
    found = drawn("categorical", np.log([[1.0, 3.0, 6.0], [2.0, 0.0001, 2.0]]), num_samples=4000, dtype="int64")
    assert found.shape == (2, 4000)
    assert found.dtype == np.int64
    assert np.bincount(found[0]) / 4000 == pytest.approx([0.1, 0.3, 0.6], abs=0.04)
    assert np.bincount(found[1]) / 4000 == pytest.approx([0.5, 0.0, 0.5], abs=0.04)
    with pytest.raises(LayerError, match="batch, classes"):
        drawn("categorical", np.zeros(3), num_samples=4)


def test_what_dropout_keeps_is_divided_and_shares_its_draw() -> None:
    found = drawn("dropout", np.full((50, 2, 40), 3.0), rate=0.25, noise_shape=[None, 1, 40])
    assert sorted(set(found.ravel())) == [0.0, 4.0]
    assert np.array_equal(found[:, 0], found[:, 1])
    assert np.mean(found == 0) == pytest.approx(0.25, abs=0.05)
    assert drawn("dropout", np.ones(3), rate=0).tolist() == [1.0, 1.0, 1.0]
    assert drawn("dropout", np.ones(3), rate=1).tolist() == [0.0, 0.0, 0.0]
    with pytest.raises(LayerError, match="3 axes, and the input 1"):
        drawn("dropout", np.ones(3), rate=0.5, noise_shape=[1, 1, 1])


def test_every_order_of_three_is_as_frequent() -> None:
    orders = [tuple(drawn("shuffle", np.arange(3), seed=seed)) for seed in range(1200)]
    assert len(set(orders)) == 6
    assert all(orders.count(order) == pytest.approx(200, abs=65) for order in set(orders))  # five deviations
    columns = drawn("shuffle", np.arange(12).reshape(3, 4), axis=-1)
    assert sorted(map(tuple, columns.T)) == [(0, 4, 8), (1, 5, 9), (2, 6, 10), (3, 7, 11)]
    with pytest.raises(LayerError, match="no axis 2 of 1"):
        drawn("shuffle", np.arange(3), axis=2)


def test_a_generator_moves_on_and_an_integer_does_not() -> None:
    generator, weights = make("random.SeedGenerator", {"seed": 5}), Weights({})
    assert [generator.call(weights).tolist() for _ in range(3)] == [[5, 0], [5, 1], [5, 2]]
    of_generator = {"shape": [4], "seed": {"type": "random.SeedGenerator", "seed": 5}}
    for config, moves in (({"shape": [4], "seed": 5}, False), (of_generator, True), ({"shape": [4]}, True)):
        one, other = (make("random.normal", config) for _ in range(2))
        weights, again = Weights({}), Weights({})
        first, second = one.call(weights), one.call(weights)
        assert np.array_equal(first, second) is not moves
        assert np.array_equal(first, other.call(again))
        assert np.array_equal(second, other.call(again))


def test_another_seed_draws_other_numbers_and_another_run_does_too() -> None:
    one = make("random.normal", {"shape": [4], "seed": 5})
    assert not np.array_equal(drawn("normal", shape=[4], seed=5), drawn("normal", shape=[4], seed=6))
    assert not np.array_equal(one.call(Weights({})), one.call(Weights({}, random=np.random.default_rng(1))))


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"type": "random.gamma", "alpha": 0}, "not positive"),
        ({"type": "random.beta", "alpha": 1, "beta": -1}, "not both positive"),
        ({"type": "random.binomial", "counts": 3, "probabilities": 1.5}, "more than 1"),
        ({"type": "random.randint", "minval": 3, "maxval": 3}, "no whole number"),
        ({"type": "random.normal", "stddev": 0}, "one number alone"),
        ({"type": "random.shuffle"}, "each number by itself"),
        ({"type": "random.normal", "seed": {"type": "Dense", "units": 3}}, "a seed is"),
    ],
)
def test_what_no_number_can_be_drawn_from_is_refused(written: dict[str, Any], message: str) -> None:
    with pytest.raises(LayerError, match=message):
        drawn_by(written, (3,))
