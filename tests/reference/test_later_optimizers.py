"""Adadelta, Adamax, Nadam, Lion, Lamb and Ftrl against steps worked out on paper."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from conformance.mutants.optimizer import with_slip
from conformance.reference.base import LayerError
from conformance.reference.factored_optimizers import Adafactor
from conformance.reference.later_optimizers import Adadelta, Adamax, Ftrl, Lamb, Lion, Nadam
from conformance.reference.optimizers import Optimizer, make_optimizer
from tests.reference.test_optimizers import path


@pytest.mark.parametrize(
    ("optimizer", "slopes", "expected"),
    [
        # s = 4.5: sqrt(0.5 / 5) * 3; d = 0.45, s = 6.75: sqrt(0.95 / 7.25) * 3
        (
            Adadelta(learning_rate=1.0, rho=0.5, epsilon=0.5),
            [3, 3],
            [2 - 3 * math.sqrt(0.1), 2 - 3 * math.sqrt(0.1) - 3 * math.sqrt(0.95 / 7.25)],
        ),
        # the mean corrected is 3, the largest 3; then m = 2.25 / 0.75 of (3, 3); then |g| = 1 while beta_2 u = 1.5
        (Adamax(learning_rate=0.1, beta_1=0.5, beta_2=0.5, epsilon=0.0), [3, 3], [1.9, 1.8]),
        (Adamax(learning_rate=0.3, beta_1=0.0, beta_2=0.5, epsilon=0.0), [3, 1], [1.7, 1.5]),
        # mu = 0.26, mu' = 0.2696: 1.5 mu' / (1 - mu mu') + 3, over 3
        (
            Nadam(learning_rate=0.3, beta_1=0.5, beta_2=0.5, epsilon=0.0),
            [3],
            [2 - 0.1 * (1.5 * 0.2696 / (1 - 0.26 * 0.2696) + 3)],
        ),
        # 0.9 * 0.3 - 0.1 is positive: the mean decides; 0.5 and 0.5 of 1.5 and -2: the gradient does
        (Lion(learning_rate=0.1, beta_2=0.9), [3, -1], [1.9, 1.8]),
        (Lion(learning_rate=0.1, beta_1=0.5, beta_2=0.5), [3, -2], [1.9, 2.0]),
        # U = 1: 2 - 0.25 * 2; 1.5 - 0.25 * 1.5; and 1 / sqrt 2 in place of 0.75, of a weight at least 4
        (Adafactor(learning_rate=0.25), [3, 3], [1.5, 1.125]),
        (Adafactor(learning_rate=0.75, epsilon_2=4.0), [3, 3], [-1.0, -1.0 - 4.0 * math.sqrt(0.5)]),
        # V = 0.5 * 9 + 0.5 * 1 = 5 at t = 2 with power -1, U = 1 / sqrt 5; bounded by 0.25 it is 0.25
        (Adafactor(learning_rate=0.5, beta_2_decay=-1.0, relative_step=False), [3, 1], [1.0, 1.0 - 0.5 / math.sqrt(5)]),
        (Adafactor(learning_rate=0.5, clip_threshold=0.25), [3], [1.75]),
        # the step is |w| long
        (Lamb(learning_rate=0.1, epsilon=0.0), [3, 3], [1.8, 1.62]),
        (Lamb(learning_rate=0.1, epsilon=0.0, weight_decay=0.5), [3], [1.9 * 0.9]),
        # n = 16 from 7, z = 3 - (4 - sqrt 7) * 2, w = -z / 4
        (Ftrl(learning_rate=1.0, initial_accumulator_value=7.0), [3], [-(3 - (4 - math.sqrt(7)) * 2) / 4]),
        # n = 9 from 0: z = 3 - 3 * 2 = -3; 1 nearer to 0 over 3, and over 3 + 1 + 2 * 0.5
        (Ftrl(learning_rate=1.0, initial_accumulator_value=0.0, l1_regularization_strength=1.0), [3], [2 / 3]),
        (
            Ftrl(learning_rate=1.0, initial_accumulator_value=0.0, beta=1.0, l2_regularization_strength=0.5),
            [3],
            [0.6],
        ),
        # within l1 of 0 the weight is 0
        (Ftrl(learning_rate=1.0, initial_accumulator_value=0.0, l1_regularization_strength=3.5), [3], [0]),
        # the gradient is 3 + 2 * 0.25 * 2
        (
            Ftrl(learning_rate=1.0, initial_accumulator_value=0.0, l2_shrinkage_regularization_strength=0.25),
            [3],
            [2 / 3],
        ),
    ],
)
def test_steps(optimizer: Optimizer, slopes: list[float], expected: list[float]) -> None:
    slope = iter(slopes)
    assert path(optimizer, 2.0, lambda w: next(slope), len(slopes)) == pytest.approx(expected)


def test_a_weight_of_zeros_has_a_trust_of_one() -> None:
    assert Lamb().trust(np.zeros(2), np.ones(2)) == 1.0
    assert Lamb().trust(np.ones(2), np.zeros(2)) == 1.0
    assert Lamb().trust(np.array([3.0, 4.0]), np.array([1.0, 0.0])) == 5.0


@pytest.mark.parametrize(
    ("kind", "config", "message"),
    [
        ("Lion", {"beta_1": 0.0}, "beta_1 must lie above 0"),
        ("Ftrl", {"learning_rate_power": 0.5}, "learning_rate_power must be at most 0"),
        ("Nadam", {"clipnorm": 1.0, "clipvalue": 1.0}, "only one of"),
    ],
)
def test_refused(kind: str, config: dict[str, Any], message: str) -> None:
    with pytest.raises(LayerError, match=message):
        make_optimizer(kind, config)


SCENES: list[Optimizer] = [
    Adadelta(learning_rate=0.5, weight_decay=0.3, epsilon=0.1),
    Adamax(learning_rate=0.1, weight_decay=0.3),
    Nadam(learning_rate=0.1, weight_decay=0.3),
    Lion(learning_rate=0.1, weight_decay=0.3),
    Lamb(learning_rate=0.1, weight_decay=0.3),
    Ftrl(
        learning_rate=0.1,
        weight_decay=0.3,
        l1_regularization_strength=0.1,
        l2_regularization_strength=0.2,
        l2_shrinkage_regularization_strength=0.3,
        beta=0.4,
    ),
]


@pytest.mark.parametrize(
    ("optimizer", "name"), [(one, mutant.name) for one in SCENES for mutant in type(one).mutants], ids=str
)
def test_every_mistake_moves_a_weight_elsewhere(optimizer: Optimizer, name: str) -> None:
    (mutant,) = [mutant for mutant in optimizer.mutants if mutant.name == name]
    wrong = with_slip(optimizer, type(optimizer), mutant)
    random = np.random.default_rng(8)
    start = {"kernel": random.normal(size=(3, 2)), "bias": random.normal(size=2)}
    gradients = [{key: random.normal(size=w.shape) for key, w in start.items()} for _ in range(6)]

    def end(one: Optimizer) -> Any:
        weights: Any = dict(start)
        memory: Any = {}
        for number, slopes in enumerate(gradients, start=1):
            weights = one.apply(number, weights, slopes, memory)
        return np.concatenate([w.ravel() for w in weights.values()])

    assert not np.allclose(end(optimizer), end(wrong), rtol=1e-5, atol=1e-6)
