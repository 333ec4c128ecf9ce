"""Optimisers against steps worked out on paper; every number's arithmetic stands beside it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from conformance.mutants.optimizer import with_slip
from conformance.reference.base import LayerError, Mutant
from conformance.reference.optimizer_base import Gradients
from conformance.reference.optimizers import OPTIMIZERS, SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop, make_optimizer

ROOT2, ROOT7 = math.sqrt(2.0), math.sqrt(7.0)


def path(optimizer: Optimizer, start: float, slope: Any, steps: int) -> list[float]:
    """The weight after each step; `slope` gives the gradient at a weight."""
    w, found = np.array(start), []
    memory: dict[str, dict[str, Any]] = {}
    for number in range(1, steps + 1):
        w = optimizer.apply(number, {"w": w}, {"w": np.asarray(slope(w))}, memory)["w"]
        found.append(float(w))
    return found


def twice(w: Any) -> Any:
    return 2.0 * w


@pytest.mark.parametrize(
    ("optimizer", "start", "slope", "expected"),
    [
        # 2 - 0.1 * 4; 1.6 - 0.1 * 3.2
        (SGD(learning_rate=0.1), 2.0, twice, [1.6, 1.28]),
        # v = -0.4; -0.2 - 0.32; -0.26 - 0.216
        (SGD(learning_rate=0.1, momentum=0.5), 2.0, twice, [1.6, 1.08, 0.604]),
        # 2 - 0.2 - 0.4 with v = -0.4; 1.4 - 0.24 - 0.28 with v = -0.2 - 0.28
        (SGD(learning_rate=0.1, momentum=0.5, nesterov=True), 2.0, twice, [1.4, 0.88]),
        # a step of -0.4 and 0.05 * 2 beside it; v = -0.2 - 0.3 and 0.05 * 1.5
        (SGD(learning_rate=0.1, momentum=0.5, weight_decay=0.5), 2.0, twice, [1.5, 0.925]),
        # corrected means of a constant are the constant: 0.1 a step
        (Adam(learning_rate=0.1, epsilon=0.0), 2.0, lambda w: 3.0, [1.9, 1.8, 1.7]),
        # m = 1, 4/3 corrected; v = 1, 16/7 corrected: 0.5 (4/3) sqrt(7) / 4
        (Adam(learning_rate=0.5, beta_1=0.5, beta_2=0.75, epsilon=0.0), 1.0, twice, [0.5, 0.5 - ROOT7 / 6.0]),
        # sqrt(v) = 1.5 and epsilon 1.5: half a step; after the correction it would be 3 / 4.5 of one
        (Adam(learning_rate=0.1, beta_2=0.75, epsilon=1.5), 2.0, lambda w: 3.0, [1.95]),
        # 0.05 * 2 beside a whole step
        (AdamW(learning_rate=0.1, weight_decay=0.5, epsilon=0.0), 2.0, lambda w: 3.0, [1.8]),
        # 0.004 of 0.1 of 2 beside a whole step
        (AdamW(learning_rate=0.1, epsilon=0.0), 2.0, lambda w: 3.0, [1.8992]),
        # s = 1; s = 1.75
        (RMSprop(learning_rate=0.1, rho=0.75, epsilon=0.0), 2.0, lambda w: 2.0, [1.8, 1.8 - 0.2 / math.sqrt(1.75)]),
        # s + epsilon = 4
        (RMSprop(learning_rate=0.1, rho=0.75, epsilon=3.0), 2.0, lambda w: 2.0, [1.9]),
        # s = 1, mean 0.5: 0.2 / sqrt(0.75)
        (
            RMSprop(learning_rate=0.1, rho=0.75, epsilon=0.0, centered=True),
            2.0,
            lambda w: 2.0,
            [2.0 - 0.2 / math.sqrt(0.75)],
        ),
        # 0.2, then half of it again and 0.2 / sqrt(1.75)
        (
            RMSprop(learning_rate=0.1, rho=0.75, momentum=0.5, epsilon=0.0),
            2.0,
            lambda w: 2.0,
            [1.8, 1.7 - 0.2 / math.sqrt(1.75)],
        ),
        # s = 16; s = 25
        (Adagrad(learning_rate=0.1, initial_accumulator_value=7.0, epsilon=0.0), 2.0, lambda w: 3.0, [1.925, 1.865]),
        # s + epsilon = 9 + 7
        (Adagrad(learning_rate=0.1, initial_accumulator_value=0.0, epsilon=7.0), 2.0, lambda w: 3.0, [1.925]),
    ],
)
def test_steps_worked_out_on_paper(optimizer: Optimizer, start: float, slope: Any, expected: list[float]) -> None:
    assert path(optimizer, start, slope, len(expected)) == pytest.approx(expected, rel=1e-14)


def test_amsgrad_starts_with_the_first_square_however_small() -> None:
    # as without: the learning rate times the sign
    found = path(Adam(learning_rate=0.1, epsilon=0.0, amsgrad=True), 2.0, lambda w: 0.03, 1)
    assert found == pytest.approx([1.9], rel=1e-12)


def test_amsgrad_divides_by_the_largest_mean_of_squares() -> None:
    # beta_2 = 0.5. g = 4: v = 8. g = 0: v would be 4 and stays 8. m = 2, then 1.
    # a = 0.1 sqrt(1 - 1/4) / (1 - 1/4) at the second step: 0.1 * 1 / sqrt(0.75) / sqrt(8)
    adam = Adam(learning_rate=0.1, beta_1=0.5, beta_2=0.5, epsilon=0.0, amsgrad=True)
    memory: dict[str, dict[str, Any]] = {}
    first = adam.apply(1, {"w": np.array(2.0)}, {"w": np.array(4.0)}, memory)["w"]
    second = adam.apply(2, {"w": first}, {"w": np.array(0.0)}, memory)["w"]
    assert float(first) == pytest.approx(1.9, rel=1e-14)
    assert float(second) == pytest.approx(1.9 - 0.1 / math.sqrt(0.75) / math.sqrt(8.0), rel=1e-14)


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        # norms 5 and 12 of (3, 4) and (12,): each becomes 1 long
        ({"clipnorm": 1.0}, {"a": [0.6, 0.8], "b": [1.0]}),
        # together 13
        ({"global_clipnorm": 1.0}, {"a": [3 / 13, 4 / 13], "b": [12 / 13]}),
        ({"clipvalue": 3.5}, {"a": [3.0, 3.5], "b": [3.5]}),
        # not longer than the bound: as it is
        ({"clipnorm": 5.0}, {"a": [3.0, 4.0], "b": [5.0]}),
        ({"global_clipnorm": 13.0}, {"a": [3.0, 4.0], "b": [12.0]}),
        ({}, {"a": [3.0, 4.0], "b": [12.0]}),
    ],
)
def test_gradients_are_clipped_before_the_step(bound: dict[str, float], expected: dict[str, list[float]]) -> None:
    gradients = {"a": np.array([3.0, 4.0]), "b": np.array([12.0])}
    zeros = {name: np.zeros_like(g) for name, g in gradients.items()}
    moved = SGD(learning_rate=1.0, **bound).apply(1, zeros, gradients, {})
    for name, g in expected.items():
        np.testing.assert_allclose(-moved[name], g, rtol=1e-15)


@pytest.mark.parametrize(
    ("kind", "config", "message"),
    [
        ("SGD", {"momentum": 1.5}, "momentum is a share up to 1, not 1.5"),
        (
            "Adam",
            {"clipnorm": 1.0, "clipvalue": 1.0},
            "only one of clipnorm, global_clipnorm and clipvalue can be given",
        ),
    ],
)
def test_arguments_that_keras_refuses_are_refused(kind: str, config: dict[str, float], message: str) -> None:
    with pytest.raises(LayerError) as raised:
        make_optimizer(kind, config)
    assert str(raised.value) == message


def test_keras_optimizers_take_the_very_arguments() -> None:
    """Names and defaults of the documentation of Keras 3.15: https://keras.io/api/optimizers/."""
    assert {"Adagrad", "Adam", "AdamW", "RMSprop", "SGD"} <= OPTIMIZERS.keys()  # later ones: test_later_optimizers
    assert (SGD().learning_rate, Adam().learning_rate, RMSprop().learning_rate) == (0.01, 0.001, 0.001)
    assert (Adam().beta_1, Adam().beta_2, Adam().epsilon) == (0.9, 0.999, 1e-7)
    assert (RMSprop().rho, RMSprop().epsilon, RMSprop().momentum) == (0.9, 1e-7, 0.0)
    assert (AdamW().weight_decay, Adam().weight_decay) == (0.004, None)
    assert (Adagrad().initial_accumulator_value, Adagrad().epsilon) == (0.1, 1e-7)


def slipped(optimizer: Optimizer, name: str) -> Optimizer:
    (mutant,) = (one for one in type(optimizer).mutants if one.name == name)
    return with_slip(optimizer, type(optimizer), mutant)


@pytest.mark.parametrize(
    ("optimizer", "name", "expected"),
    [
        # 2 - 0.1 * 3 / (3 + 1.5), the epsilon of algorithm 1
        (Adam(learning_rate=0.1, beta_2=0.75, epsilon=1.5), "epsilon_of_torch", 2.0 - 0.1 * 3.0 / 4.5),
        # m = 0.3 and sqrt(v) = 1.5, neither corrected
        (Adam(learning_rate=0.1, beta_2=0.75, epsilon=0.0), "uncorrected", 2.0 - 0.1 * 0.3 / 1.5),
        # 0.1 * 0.5 / 0.1 * 0.3 over the root of v + epsilon = 2.25 + 6.75
        (
            Adam(learning_rate=0.1, beta_2=0.75, epsilon=6.75),
            "epsilon_in_root",
            2.0 - 0.5 * 0.3 / 3.0,
        ),
        # the decay 0.5 * 2 joins the gradient 3, whose size does not matter
        (Adam(learning_rate=0.1, epsilon=0.0, weight_decay=0.5), "coupled_decay", 1.9),
        # sqrt(0.25 * 9) + 1.5
        (RMSprop(learning_rate=0.1, rho=0.75, epsilon=1.5), "epsilon_of_torch", 1.9),
        (SGD(learning_rate=0.1, momentum=0.5), "dampened", 2.0 - 0.1 * 0.5 * 3.0),
        (SGD(learning_rate=0.1, momentum=0.5), "one_step_late", 2.0),
        (Adagrad(learning_rate=0.1, initial_accumulator_value=7.0, epsilon=2.0), "epsilon_of_torch", 2.0 - 0.3 / 6.0),
        # 9 + 7 + 2, not its root
        (Adagrad(learning_rate=0.1, initial_accumulator_value=7.0, epsilon=2.0), "without_root", 2.0 - 0.3 / 18.0),
        # 0.25 * 9 + 0.75 = 3, not its root
        (RMSprop(learning_rate=0.1, rho=0.75, epsilon=0.75), "without_root", 2.0 - 0.3 / 3.0),
        # only v is corrected: m = 0.3, sqrt(v / 0.25) = 3
        (Adam(learning_rate=0.1, beta_2=0.75, epsilon=0.0), "second_corrected", 2.0 - 0.1 * 0.3 / 3.0),
        # only m is: 3 over sqrt(0.25 * 9) = 1.5
        (Adam(learning_rate=0.1, beta_2=0.75, epsilon=0.0), "first_corrected", 2.0 - 0.1 * 3.0 / 1.5),
        (SGD(learning_rate=0.1), "rate_twice", 2.0 - 0.01 * 3.0),
        (SGD(learning_rate=0.1), "uphill", 2.0 + 0.1 * 3.0),
        (SGD(learning_rate=0.1, weight_decay=0.5), "decay_without_rate", 2.0 - 0.5 * 2.0 - 0.1 * 3.0),
    ],
)
def test_mistakes_are_the_ones_that_their_words_say(optimizer: Optimizer, name: str, expected: float) -> None:
    assert path(slipped(optimizer, name), 2.0, lambda w: 3.0, 1) == pytest.approx([expected], rel=1e-14)
    assert path(optimizer, 2.0, lambda w: 3.0, 1) != pytest.approx([expected], rel=1e-6)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # v = 0.3, then 0.5 * 0.3 + 0.5 * 0.3: the first gradient whole, the second half
        ("dampened_later", [1.7, 1.4]),
        # v = 0.15, then 0.5 * 0.15 + 0.15
        ("dampened", [1.85, 1.625]),
        # v = 0.3, then 0.3 - 0.5 * 0.3
        ("turns_round", [1.7, 1.55]),
    ],
)
def test_mistakes_with_momentum_show_in_the_second_step(name: str, expected: list[float]) -> None:
    optimizer = SGD(learning_rate=0.1, momentum=0.5)
    assert path(slipped(optimizer, name), 2.0, lambda w: 3.0, 2) == pytest.approx(expected, rel=1e-14)
    assert path(optimizer, 2.0, lambda w: 3.0, 2) == pytest.approx([1.7, 1.25], rel=1e-14)  # 0.3, then 0.15 + 0.3


def of_two_places() -> Gradients:
    """A row that was taken twice, each time with the gradient 1, and one that was taken once."""
    gradients = Gradients(table=np.array([[2.0], [1.0]]))
    gradients.squares = {"table": np.array([[2.0], [1.0]])}
    return gradients


@pytest.mark.parametrize(
    ("optimizer", "name", "expected"),
    [
        # s = 0.25 * 2 + 0.5 = 1 in place of 0.25 * 4 + 0.5 = 1.5; 0.25 + 0.5 = 0.75 where there is one place
        (
            RMSprop(learning_rate=0.1, rho=0.75, epsilon=0.5),
            "squares_places",
            [1 - 0.2 / 1.0, 1 - 0.1 / math.sqrt(0.75)],
        ),
        # 2 + 7 = 9, and 1 + 7 = 8
        (
            Adagrad(learning_rate=0.1, initial_accumulator_value=7.0, epsilon=0.0),
            "squares_places",
            [1 - 0.2 / 3.0, 1 - 0.1 / math.sqrt(8.0)],
        ),
        # m and v without their shares: 2 / sqrt(2) and 1
        (Adam(learning_rate=0.1, epsilon=0.0), "squares_places", [1 - 0.2 / ROOT2, 0.9]),
        # the norm of (1, 1, 1) in place of that of (2, 1)
        (SGD(learning_rate=0.1, clipnorm=1.0), "clips_places", [1 - 0.2 / math.sqrt(3.0), 1 - 0.1 / math.sqrt(3.0)]),
    ],
)
def test_a_mistake_may_see_each_place_of_a_word(optimizer: Optimizer, name: str, expected: list[float]) -> None:
    weights = {"table": np.ones((2, 1))}
    wrong = slipped(optimizer, name).apply(1, weights, of_two_places(), {})["table"]
    assert wrong.ravel().tolist() == pytest.approx(expected, rel=1e-14)
    right = optimizer.apply(1, weights, of_two_places(), {})["table"]
    assert right.ravel().tolist() != pytest.approx(expected, rel=1e-6)
    summed = {"table": np.array([[2.0], [1.0]])}
    assert slipped(optimizer, name).apply(1, weights, summed, {})["table"].tolist() == right.tolist(), "no places known"


def test_a_mistake_is_made_by_its_own_kind_only() -> None:
    sgd, adam = SGD(momentum=0.5), Adam()
    mutant: Mutant = SGD.mutants[0]
    assert with_slip(adam, SGD, mutant) is adam
    assert with_slip(sgd, SGD, mutant) == SGD()


def test_what_rounding_makes_of_a_power_of_beta_moves_the_first_step() -> None:
    # 0.999 off by 6e-8 makes 1 - 0.999 off by 6e-5 of itself, and its root by 3e-5
    class Highest:
        def uniform(self, low: float, high: float, size: int) -> list[float]:
            return [0.0, high]

    rounded = Adam(learning_rate=0.1, epsilon=0.0).rounded(Highest(), 6e-8)
    (moved,) = path(rounded, 2.0, lambda w: 3.0, 1)
    assert moved - 1.9 == pytest.approx(0.1 * 3e-5, rel=1e-3)
    assert SGD().rounded(Highest(), 6e-8) == SGD()
