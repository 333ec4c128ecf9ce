"""ReLU, LeakyReLU, ELU, PReLU and Softmax against the examples of the Keras documentation and sums by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy
import pytest

from conformance.reference.activation_layers import ELU, LeakyReLU, PReLU, ReLU, Softmax
from conformance.reference.base import LayerError, make
from tests.reference.helpers import assert_gradient_matches_finite_difference, is_seen, run

DOCUMENTED = numpy.array([-10.0, -5.0, 0.0, 5.0, 10.0])
"""The input of every example in the Keras documentation of these layers."""
LOGS = numpy.log(numpy.array([[[1.0, 2.0, 5.0], [3.0, 6.0, 1.0]]]))
"""Softmax gives shares of 8, 10 (last axis), 4, 8, 6 (axis 1) and 18 (both)."""


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        # keras.io/api/layers/activation_layers/relu and /leaky_relu; keras.io/api/layers/activations/#relu-function.
        (ReLU(max_value=10.0, negative_slope=0.5, threshold=0.0), [-5.0, -2.5, 0.0, 5.0, 10.0]),
        (LeakyReLU(negative_slope=0.5), [-5.0, -2.5, 0.0, 5.0, 10.0]),
        (ReLU(), [0.0, 0.0, 0.0, 5.0, 10.0]),
        (ReLU(max_value=5.0), [0.0, 0.0, 0.0, 5.0, 5.0]),
        (ReLU(threshold=5.0), [0.0, 0.0, 0.0, 0.0, 10.0]),
        # By hand: 0.5 (x - 5) up to 5.
        (ReLU(negative_slope=0.5, threshold=5.0), [-7.5, -5.0, -2.5, 0.0, 10.0]),
        (LeakyReLU(), [-3.0, -1.5, 0.0, 5.0, 10.0]),
        (ELU(alpha=2.0), [2 * math.expm1(-10), 2 * math.expm1(-5), 0.0, 5.0, 10.0]),
    ],
    ids=str,
)
def test_documented_examples(layer: Any, expected: list[float]) -> None:
    assert run(layer, DOCUMENTED).tolist() == pytest.approx(expected, rel=1e-15)


def test_a_slope_for_every_feature() -> None:
    x = numpy.array([[[-1.0, 2.0, -3.0], [-4.0, -5.0, 6.0]]])
    slopes = numpy.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
    assert run(PReLU(), x, weights={"alpha": slopes})[0] == pytest.approx(
        numpy.array([[-0.1, 2.0, -0.9], [-1.6, -2.5, 6.0]])
    )


@pytest.mark.parametrize(
    ("shared", "shape"), [(None, (4, 5, 6)), (1, (1, 5, 6)), ((1, 2), (1, 1, 6)), ((3,), (4, 5, 1))]
)
def test_shared_axes(shared: Any, shape: tuple[int, ...]) -> None:
    layer = PReLU(shared_axes=shared)
    assert layer.weights((2, 4, 5, 6))["alpha"].shape == shape
    assert layer.rule((2, 4, 5, 6)) == f"{math.prod(shape)} slopes, shape {shape}"


@pytest.mark.parametrize("axis", [0, -1, 4, 5])
def test_an_axis_that_cannot_be_shared(axis: int) -> None:
    with pytest.raises(LayerError, match=f"there is no axis {axis} beside the batch"):
        PReLU(shared_axes=(axis,)).weights((2, 4, 5, 6))


@pytest.mark.parametrize(
    ("axis", "expected"),
    [
        (-1, [[1 / 8, 2 / 8, 5 / 8], [3 / 10, 6 / 10, 1 / 10]]),
        (1, [[1 / 4, 2 / 8, 5 / 6], [3 / 4, 6 / 8, 1 / 6]]),
        ((1, 2), [[1 / 18, 2 / 18, 5 / 18], [3 / 18, 6 / 18, 1 / 18]]),
        ((-1,), [[1 / 8, 2 / 8, 5 / 8], [3 / 10, 6 / 10, 1 / 10]]),
    ],
)
def test_softmax_axes(axis: Any, expected: list[list[float]]) -> None:
    assert run(Softmax(axis=axis), LOGS)[0] == pytest.approx(numpy.array(expected), rel=1e-14)


def test_the_documented_softmax() -> None:
    """keras.io/api/layers/activation_layers/softmax, printed there in float32."""
    assert run(Softmax(), numpy.array([1.0, 2.0, 1.0])) == pytest.approx([0.21194157, 0.5761169, 0.21194157], abs=3e-8)


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        ([[[True, False, True], [True, True, True]]], [[1 / 6, 0.0, 5 / 6], [0.3, 0.6, 0.1]]),
        # The same columns everywhere, by a mask of lower rank.
        ([False, True, True], [[0.0, 2 / 7, 5 / 7], [0.0, 6 / 7, 1 / 7]]),
        # A row with nothing left is 0, not NaN and not uniform.
        ([[[False] * 3, [True] * 3]], [[0.0, 0.0, 0.0], [0.3, 0.6, 0.1]]),
        ([[[1.0], [0.0]]], [[1 / 8, 2 / 8, 5 / 8], [0.0, 0.0, 0.0]]),
    ],
)
def test_softmax_leaves_masked_scores_out(mask: Any, expected: list[list[float]]) -> None:
    assert run(Softmax(), LOGS, mask=numpy.array(mask))[0] == pytest.approx(numpy.array(expected), rel=1e-14, abs=0)


def test_huge_masked_scores_do_not_count() -> None:
    x = numpy.array([[1e4, math.log(3.0), 0.0]])
    assert run(Softmax(), x, mask=numpy.array([[False, True, True]]))[0] == pytest.approx([0.0, 0.75, 0.25], rel=1e-14)


@pytest.mark.parametrize("shape", [(1, 2), (1, 2, 2), (1, 1, 2, 3)])
def test_a_mask_that_does_not_fit(shape: tuple[int, ...]) -> None:
    """The mask (batch, steps) of a sequence is aligned at the last axis: it does not fit (batch, steps, features)."""
    with pytest.raises(LayerError, match="does not fit the shape"):
        run(Softmax(), LOGS, mask=numpy.ones(shape, dtype=bool))


def test_the_longest_sum_of_softmax_is_its_slice() -> None:
    assert Softmax(axis=(1, 2)).longest_sum({}, (5, 2, 3)) == 6
    assert Softmax().longest_sum({}, (5, 2, 3)) == 3


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("ReLU", {"max_value": -1.0}),
        ("ReLU", {"negative_slope": -1.0}),
        ("ReLU", {"threshold": -1.0}),
        ("LeakyReLU", {"negative_slope": -0.1}),
    ],
)
def test_negative_arguments_are_refused(kind: str, config: dict[str, float]) -> None:
    with pytest.raises(LayerError, match="must not be negative"):
        make(kind, config)


X = numpy.random.default_rng(2).normal(size=(2, 3, 4)) * 3
MASK = numpy.array([[[True, False, True, True], [True, True, False, False], [False] * 4], [[True] * 4] * 3])


@pytest.mark.parametrize(
    "layer",
    [
        ReLU(max_value=2.0, negative_slope=0.3, threshold=0.5),
        LeakyReLU(),
        ELU(alpha=0.7),
        PReLU(shared_axes=(1,)),
        Softmax(),
        Softmax(axis=(1, 2)),
    ],
    ids=str,
)
def test_gradient(layer: Any) -> None:
    assert_gradient_matches_finite_difference(layer, X)
    assert layer.compute_mask(X, MASK[..., 0]) is not None


def test_gradient_of_masked_softmax() -> None:
    assert_gradient_matches_finite_difference(Softmax(), X, mask=MASK)


SCENES: list[tuple[Any, str, dict[str, Any]]] = [
    (ReLU(max_value=2.0), "no_limit", {}),
    (ReLU(negative_slope=0.3), "no_slope", {}),
    (ReLU(threshold=1.0), "no_threshold", {}),
    (ReLU(negative_slope=0.3, threshold=1.0), "slope_from_zero", {}),
    (ReLU(threshold=1.0), "moved_by_threshold", {}),
    *((LeakyReLU(), mutant.name, {}) for mutant in LeakyReLU.mutants),
    *((ELU(alpha=0.5), mutant.name, {}) for mutant in ELU.mutants),
    *((PReLU(), mutant.name, {}) for mutant in PReLU.mutants),
    (Softmax(), "wrong_axis", {}),
    (Softmax(axis=(1, 2)), "last_of_the_axes", {}),
    (Softmax(axis=(1, 2)), "rounds_the_logarithm", {}),
    (Softmax(), "ignores_mask", {"mask": MASK}),
    (Softmax(), "scores_of_zero", {"mask": MASK}),
    (Softmax(), "uniform_where_all_masked", {"mask": MASK}),
]


@pytest.mark.parametrize(
    ("layer", "name", "kwargs"), SCENES, ids=[f"{type(scene[0]).__name__}.{scene[1]}" for scene in SCENES]
)
def test_mutants_are_seen(layer: Any, name: str, kwargs: dict[str, Any]) -> None:
    far = 1000.0 if name == "rounds_the_logarithm" else 0.0  # there float32 has a step of 6e-5
    assert is_seen(layer, name, X + far, **kwargs)


@pytest.mark.parametrize("kind", [ReLU, LeakyReLU, ELU, PReLU, Softmax])
def test_every_mutant_has_a_scene(kind: Any) -> None:
    assert {scene[1] for scene in SCENES if type(scene[0]) is kind} == {mutant.name for mutant in kind.mutants}
