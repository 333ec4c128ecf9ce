"""Activations at points where they are known in closed form, far out, at zero, and against finite differences."""

from __future__ import annotations

import math
from typing import Any

import autograd
import autograd.numpy as np
import numpy
import pytest

from conformance.reference.activations import ACTIVATIONS, activate, gelu, relu, softmax
from conformance.reference.base import LayerError
from tests.reference.helpers import assert_directional_derivative

LN2, LN3 = math.log(2), math.log(3)

POINTS: list[tuple[str, float, float]] = [
    # exp(ln 3) = 3 makes these rational: sigmoid 3/4, tanh(ln 2) = (4 - 1) / (4 + 1), tanh(ln 3) = (9 - 1) / (9 + 1).
    ("sigmoid", LN3, 0.75),
    ("sigmoid", -LN3, 0.25),
    ("log_sigmoid", LN3, math.log(0.75)),
    ("silu", LN3, 0.75 * LN3),
    ("swish", -LN3, -0.25 * LN3),
    ("softplus", LN3, math.log(4)),
    ("exponential", -LN3, 1 / 3),
    ("tanh", LN2, 0.6),
    ("tanh_shrink", LN2, LN2 - 0.6),
    ("mish", LN2, 0.8 * LN2),
    ("elu", -LN2, -0.5),
    ("elu", 1.5, 1.5),
    ("celu", -LN2, -0.5),
    # sqrt(1.5^2 + 4) = 2.5.
    ("squareplus", 1.5, 2.0),
    ("squareplus", -1.5, 0.5),
    # Phi(1) and Phi(-8) of the standard normal distribution, from published tables.
    ("gelu", 1.0, 0.8413447460685429),
    ("gelu", -1.0, -0.15865525393145707),
    ("gelu", -8.0, -8 * 6.220960574271785e-16),
    # Klambauer et al. (2017): the constants 1.0507 and 1.6733, whose negative product is the limit on the left.
    ("selu", 2.0, 2 * 1.0507009873554805),
    ("selu", -40.0, -1.7580993408473766),
    # By hand.
    ("softsign", 3.0, 0.75),
    ("softsign", -1.0, -0.5),
    ("relu", -2.0, 0.0),
    ("relu", 2.0, 2.0),
    ("relu6", 7.0, 6.0),
    ("relu6", 5.0, 5.0),
    ("leaky_relu", -1.0, -0.2),
    ("hard_sigmoid", 0.5, 7 / 12),
    ("hard_sigmoid", -3.0, 0.0),
    ("hard_sigmoid", 4.0, 1.0),
    ("hard_silu", 1.5, 1.125),
    ("hard_swish", -4.0, 0.0),
    ("hard_tanh", 0.75, 0.75),
    ("hard_tanh", -2.0, -1.0),
    ("hard_shrink", 0.5, 0.0),
    ("hard_shrink", -0.75, -0.75),
    ("soft_shrink", 0.75, 0.25),
    ("soft_shrink", -0.75, -0.25),
    ("soft_shrink", 0.5, 0.0),
    ("sparse_plus", 0.0, 0.25),
    ("sparse_plus", 0.5, 0.5625),
    ("sparse_plus", -1.0, 0.0),
    ("sparse_plus", 2.0, 2.0),
    ("sparse_sigmoid", 0.5, 0.75),
    ("sparse_sigmoid", -2.0, 0.0),
    ("sparse_sigmoid", 1.5, 1.0),
    ("linear", -3.5, -3.5),
    # Far out, where the plain formulas overflow or cancel: leading term of the expansion, by hand.
    ("sigmoid", -100.0, math.exp(-100)),
    ("sigmoid", 1000.0, 1.0),
    ("silu", -100.0, -100 * math.exp(-100)),
    ("softplus", 1000.0, 1000.0),
    ("softplus", -100.0, math.exp(-100)),
    ("log_sigmoid", -1000.0, -1000.0),
    ("mish", 1000.0, 1000.0),
    ("elu", 1000.0, 1000.0),
    ("elu", -1000.0, -1.0),
    ("squareplus", -1e8, 1e-8),
]

VECTORS: list[tuple[str, list[float], list[float]]] = [
    # exp gives 1, 2, 3 of 6.
    ("softmax", [0.0, LN2, LN3], [1 / 6, 1 / 3, 1 / 2]),
    ("softmax", [1000.0, 1000.0 + LN3], [0.25, 0.75]),
    ("log_softmax", [0.0, LN2, LN3], [-math.log(6), -math.log(3), -math.log(2)]),
    ("log_softmax", [0.0, -1000.0], [0.0, -1000.0]),
    # tau = (1 + 0.8 - 1) / 2 = 0.4; the third entry lies below it.
    ("sparsemax", [1.0, 0.8, 0.1], [0.6, 0.4, 0.0]),
    # tau = (2 + 2 + 1.5 - 1) / 3 = 1.5, at which the third entry is on the border.
    ("sparsemax", [2.0, 1.5, 2.0], [0.5, 0.0, 0.5]),
    ("sparsemax", [3.0, 1.0, 0.0], [1.0, 0.0, 0.0]),
    ("sparsemax", [0.3, 0.3, 0.3, 0.3], [0.25, 0.25, 0.25, 0.25]),
    # a * sigmoid(b) with a = (2, 4), b = (ln 3, -ln 3).
    ("glu", [2.0, 4.0, LN3, -LN3], [1.5, 1.0]),
]


@pytest.mark.parametrize(("name", "x", "expected"), POINTS)
def test_known_points(name: Any, x: float, expected: float) -> None:
    assert activate(name, np.array([x])) == pytest.approx([expected], rel=1e-13, abs=0)


@pytest.mark.parametrize(("name", "x", "expected"), VECTORS)
def test_known_vectors(name: Any, x: list[float], expected: list[float]) -> None:
    assert activate(name, np.array([x, x]))[1] == pytest.approx(expected, rel=1e-13, abs=1e-15)


def test_every_activation_has_a_known_point() -> None:
    known = {name for name, *_ in [*POINTS, *VECTORS]}
    assert known == set(ACTIVATIONS) - {"threshold"}


SLOPES_AT_ZERO = {
    "celu": 1.0,
    "elu": 1.0,
    "exponential": 1.0,
    "gelu": 0.5,
    "hard_sigmoid": 1 / 6,
    "hard_silu": 0.5,
    "hard_tanh": 1.0,
    "linear": 1.0,
    "log_sigmoid": 0.5,
    "mish": 0.6,
    "relu": 0.0,
    "sigmoid": 0.25,
    "silu": 0.5,
    "softplus": 0.5,
    "softsign": 1.0,
    "sparse_plus": 0.5,
    "squareplus": 0.5,
    "tanh": 1.0,
    "tanh_shrink": 0.0,
}
"""Derivatives at 0 by hand; relu has none there and takes 0 by convention (mish: tanh(ln 2) = 0.6)."""


@pytest.mark.parametrize("name", SLOPES_AT_ZERO)
@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_slope_at_zero(name: Any, zero: float) -> None:
    slope = autograd.grad(lambda x: np.sum(activate(name, x)))(np.array([zero]))
    assert slope == pytest.approx([SLOPES_AT_ZERO[name]], rel=1e-14, abs=0)


OFF_KINKS = numpy.array([[-4.3, -2.2, -0.81, -0.26, 0.13, 0.37], [0.62, 0.94, 1.7, 2.6, 4.1, 6.9]])


@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - {"threshold"}))
def test_gradient_is_the_slope(name: Any) -> None:
    random = numpy.random.default_rng(3)
    cotangent = random.normal(size=activate(name, OFF_KINKS).shape)
    assert_directional_derivative(
        lambda x: np.sum(cotangent * activate(name, np.reshape(x, OFF_KINKS.shape))),
        OFF_KINKS.ravel(),
        random.normal(size=OFF_KINKS.size),
    )


@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - {"threshold", "exponential"}))
def test_value_and_gradient_are_finite_far_out(name: Any) -> None:
    x = np.array([[-1e4, -100.0, -1e-4, 0.0, 100.0, 1e4]])
    assert np.isfinite(activate(name, x)).all()
    assert np.isfinite(autograd.grad(lambda x: np.sum(activate(name, x)))(x)).all()


def test_no_name_is_linear() -> None:
    x = np.array([-1.0, 2.0])
    assert activate(None, x) is x


def test_a_name_that_does_not_exist_is_refused() -> None:
    with pytest.raises(LayerError, match="there is no activation rleu"):
        activate("rleu", np.zeros(1))


def test_threshold_by_its_name_is_refused() -> None:
    with pytest.raises(LayerError, match="needs a threshold"):
        activate("threshold", np.zeros(1))


def test_glu_of_an_odd_length_is_refused() -> None:
    with pytest.raises(LayerError, match="its length 3 is odd"):
        activate("glu", np.zeros((2, 3)))


def test_relu_with_all_its_arguments() -> None:
    """By hand: -0.5 (x - 1) up to the threshold 1, x up to 3, 3 from there; 0 at the threshold itself."""
    x = np.array([-3.0, 0.0, 1.0, 1.5, 3.0, 9.0])
    assert relu(x, 0.5, 3.0, 1.0).tolist() == [-2.0, -0.5, 0.0, 1.5, 3.0, 3.0]


def test_gelu_by_tanh() -> None:
    """By hand: 0.5 (1 + tanh(0.7978846 * 1.044715)) = 0.5 (1 + 0.682384) = 0.841192, where gelu itself is 0.841345."""
    assert gelu(np.array([1.0]), approximate=True) == pytest.approx([0.841192], abs=1e-6)


def test_softmax_over_two_axes() -> None:
    x = np.log(np.array([[[1.0, 2.0], [3.0, 4.0]]]))
    assert softmax(x, axis=(1, 2))[0] == pytest.approx(np.array([[0.1, 0.2], [0.3, 0.4]]), rel=1e-14)
