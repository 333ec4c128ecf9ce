"""Claims about initial weights: what honest draws keep, and which other draws break them, and how."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from conformance.judge.draws import ALARM
from conformance.judge.initial import apart, initial_findings, least, off
from conformance.reference import catalog  # noqa: F401  # with it every initialiser is known
from conformance.reference.base import Weights
from conformance.reference.distributions import INSIDE, cut_off, normal, uniform
from conformance.reference.initial_weights import initializer
from conformance.reference.random_functions import drawn_by

SHAPE = (5, 7)
TIMES = 16
ALL: tuple[dict[str, Any], ...] = (
    {"type": "GlorotUniform"},
    {"type": "GlorotNormal"},
    {"type": "HeUniform"},
    {"type": "HeNormal"},
    {"type": "LecunUniform"},
    {"type": "LecunNormal"},
    {"type": "RandomUniform", "minval": 0.5, "maxval": 2.0},
    {"type": "RandomNormal", "mean": 1.0, "stddev": 0.3},
    {"type": "TruncatedNormal", "stddev": 0.02},
    {"type": "VarianceScaling", "mode": "fan_out", "distribution": "untruncated_normal"},
    {"type": "GlorotUniform", "input_axes": [0, 1], "output_axes": [1]},
)


def draws(written: dict[str, Any], seed: int, times: int = TIMES, shape: tuple[int, ...] = SHAPE) -> Any:
    random = np.random.default_rng(seed)
    return np.stack([initializer(written, shape).call(Weights({}, random=random)) for _ in range(times)])


def kinds(written: dict[str, Any], drawn: Any) -> list[str]:
    return [kind for kind, _, _ in initial_findings(written, np.asarray(drawn, np.float32).astype(float), ALARM)]


@pytest.mark.parametrize("written", ALL, ids=lambda one: str(one["type"]))
def test_honest_draws_keep_every_statement(written: dict[str, Any]) -> None:
    assert [kinds(written, draws(written, seed)) for seed in range(30)] == [[]] * 30


@pytest.mark.parametrize("written", ALL, ids=lambda one: str(one["type"]))
@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_a_scale_that_is_off_by_a_fifth_is_seen(written: dict[str, Any], factor: float) -> None:
    mean = initializer(written, SHAPE).drawn_from().mean  # type: ignore[attr-defined]
    drawn = mean + factor * (draws(written, 1, 64) - mean)
    assert kinds(written, drawn)[0] in ("initial_range", "initial_reach", "initial_spread", "initial_deviation")


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda x: x * np.nan, "initial_special"),
        (lambda x: np.repeat(x[:1], len(x), axis=0), "initial_repeated"),
        (lambda x: 1.01 * x, "initial_range"),
        (lambda x: 0.97 * x, "initial_reach"),
        (lambda x: np.abs(x), "initial_spread"),
        (lambda x: x[:3], "too_few_draws"),
    ],
)
def test_each_statement_is_broken_by_what_it_is_about(change: Any, kind: str) -> None:
    written = {"type": "GlorotUniform"}
    assert kinds(written, change(draws(written, 2, 64))) == [kind]


def test_mean_and_deviation_are_seen_where_shares_and_range_are_not() -> None:
    """A tenth of a deviation in 20,000 normal numbers; the spread of so many sees a sixtieth of their shares."""
    written = {"type": "RandomNormal", "mean": 0.0, "stddev": 1.0}
    drawn = draws(written, 3, 500, (4, 10))
    assert kinds(written, drawn + 0.043) in (["initial_mean"], ["initial_spread"])
    assert kinds(written, drawn * 1.045) in (["initial_deviation"], ["initial_reach"], ["initial_spread"])


FUNCTIONS: tuple[dict[str, Any], ...] = (
    {"type": "random.normal", "mean": 2.0, "stddev": 0.5},
    {"type": "random.truncated_normal", "mean": -1.0},
    {"type": "random.uniform", "minval": -3.0},
    {"type": "random.randint", "minval": -3, "maxval": 7},
    {"type": "random.gamma", "alpha": 4.0},
    {"type": "random.gamma", "alpha": 0.25},
    {"type": "random.beta", "alpha": 2.0, "beta": 5.0},
    {"type": "random.beta", "alpha": 0.5, "beta": 0.5},
    {"type": "random.binomial", "counts": 12, "probabilities": 0.3},
    {"type": "random.binomial", "counts": 1, "probabilities": 0.1},
)


def from_function(written: dict[str, Any], seed: int) -> Any:
    return drawn_by(written, (50, 40)).call(Weights({}, random=np.random.default_rng(seed)))


@pytest.mark.parametrize("written", FUNCTIONS, ids=str)
def test_honest_draws_of_a_function_keep_every_statement(written: dict[str, Any]) -> None:
    assert [kinds(written, from_function(written, seed)) for seed in range(20)] == [[]] * 20


@pytest.mark.parametrize("written", FUNCTIONS, ids=str)
def test_a_draw_of_another_mean_or_scale_is_seen(written: dict[str, Any]) -> None:
    honest, distribution = from_function(written, 1), drawn_by(written, (1,)).drawn_from()
    assert distribution is not None
    mean = distribution.mean
    assert kinds(written, mean + 0.8 * (honest - mean))
    assert kinds(written, honest * 1.5)
    assert kinds(written, honest + 0.2 * np.std(honest))


def every(x: Any, step: int) -> Any:
    """1 at every so many numbers, and 0 elsewhere: so few move a mean and no share that can be told."""
    return (np.arange(x.size).reshape(x.shape) % step == 0) * 1.0


WHOLE = {"type": "random.randint", "minval": -3, "maxval": 7}


@pytest.mark.parametrize(
    ("written", "change", "kind"),
    [
        (WHOLE, lambda x: x + 0.5, "initial_range"),
        (WHOLE, lambda x: np.where(x == 6, 7, x), "initial_range"),
        (WHOLE, lambda x: np.clip(x, -2, 5), "initial_reach"),
        (WHOLE, lambda x: np.where(x == 2, 3, x), "initial_spread"),
        (WHOLE, lambda x: x[:1], "too_few_draws"),
        ({"type": "random.gamma", "alpha": 4.0}, lambda x: -x, "initial_range"),
        ({"type": "random.gamma", "alpha": 4.0}, lambda x: np.full_like(x, 4.0), "initial_repeated"),
        ({"type": "random.gamma", "alpha": 4.0}, lambda x: x + 20.0 * every(x, 100), "initial_mean"),
        ({"type": "random.gamma", "alpha": 4.0}, lambda x: np.minimum(x, 6.0), "initial_reach"),
        ({"type": "random.beta", "alpha": 2.0, "beta": 5.0}, lambda x: 1.1 * x + 0.1, "initial_range"),
        ({"type": "random.beta", "alpha": 2.0, "beta": 5.0}, lambda x: np.maximum(x, every(x, 66)), "initial_mean"),
    ],
)
def test_each_statement_about_a_function_is_broken_too(written: dict[str, Any], change: Any, kind: str) -> None:
    drawn = np.concatenate([from_function(written, seed) for seed in range(10 if kind == "initial_mean" else 1)])
    assert kinds(written, change(drawn)) == [kind]


def test_orthogonal_weights_are_orthogonal_and_point_anywhere() -> None:
    written = {"type": "Orthogonal"}
    for shape in ((3, 12), (2, 2, 3, 5), (12, 3)):
        assert kinds(written, draws(written, 4, 48, shape)) == []
    assert kinds(written, draws({"type": "GlorotUniform"}, 4, 48, (3, 12))) == ["initial_orthogonal"]
    assert kinds(written, draws({**written, "gain": 2.0}, 4, 48, (3, 12))) == ["initial_orthogonal"]
    turned = np.stack([np.eye(3) * (1.0 if number % 24 else -1.0) for number in range(48)])
    assert kinds(written, turned) == ["initial_mean"]
    assert kinds(written, draws(written, 4, 3, (3, 3))) == ["too_few_draws"]


def test_bounds_are_those_of_the_books() -> None:
    """Massart: 2 exp(-2 n e^2). Bernstein: 2 exp(-n t^2 / (2 v + 2 b t / 3))."""
    assert 2 * math.exp(-2 * 400 * apart(400, 1e-6) ** 2) == pytest.approx(1e-6)
    t = off(300, 0.2, 0.9, 1e-6)
    assert 2 * math.exp(-300 * t**2 / (2 * 0.2 + 2 * 0.9 * t / 3)) == pytest.approx(1e-6)
    assert apart(least(1e-6), 1e-6) <= 0.25 < apart(least(1e-6) - 1, 1e-6)


def test_distributions_have_the_moments_of_the_books() -> None:
    """Johnson, Kotz and Balakrishnan: a normal distribution cut off at two deviations has 0.8796 of the deviation."""
    assert math.sqrt(cut_off(0.0, 1.0).variance) == pytest.approx(0.87962566103423978, rel=1e-12)
    assert pytest.approx(0.9544997361036416, rel=1e-12) == INSIDE
    assert uniform(-3.0, 3.0).variance == pytest.approx(3.0)
    for one in (uniform(-1.0, 2.0), cut_off(0.5, 0.3), normal(0.5, 0.3)):
        x = np.linspace(one.mean - min(one.reach, 3.0), one.mean + min(one.reach, 3.0), 20001)
        shares = np.diff(one.below(x))
        middles = (x[1:] + x[:-1]) / 2 - one.mean
        assert np.sum(shares * middles**2) == pytest.approx(one.variance, rel=1e-5)
        assert np.sum(shares * middles**4) == pytest.approx(one.fourth, rel=1e-5)
