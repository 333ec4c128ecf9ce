"""Dense, Embedding, Masking, Activation, Dropout and Identity against sums by hand and the Keras documentation."""

from __future__ import annotations

import math
from typing import Any

import autograd
import autograd.numpy as np
import numpy
import pytest

from conformance.reference.base import LayerError, Weights, make
from conformance.reference.core import Activation, Dense, Dropout, Embedding, Identity, Masking
from tests.reference.helpers import assert_gradient_matches_finite_difference, is_seen, run

X = numpy.array([[[1.0, 2.0], [3.0, -4.0], [0.5, 0.25]], [[-1.0, 0.0], [2.0, 2.0], [0.0, 5.0]]])
KERNEL = numpy.array([[1.0, 0.0, -1.0], [2.0, 1.0, 0.5]])
BIAS = numpy.array([10.0, 20.0, 30.0])
TABLE = numpy.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]])
MASK = numpy.array([[True, False, True], [False, True, True]])


def test_dense_is_a_weighted_sum_and_a_bias() -> None:
    """By hand: (1, 2) gives 1 + 4 + 10, 0 + 2 + 20, -1 + 1 + 30; (3, -4) gives 3 - 8 + 10, -4 + 20, -3 - 2 + 30."""
    y = run(Dense(units=3), X, weights={"kernel": KERNEL, "bias": BIAS})
    assert y.shape == (2, 3, 3)
    assert y[0, :2].tolist() == [[15.0, 22.0, 30.0], [5.0, 16.0, 25.0]]


def test_dense_without_bias_and_with_an_activation() -> None:
    y = run(Dense(units=3, use_bias=False, activation="relu"), X[:, 1], weights={"kernel": KERNEL})
    assert y.tolist() == [[0.0, 0.0, 0.0], [6.0, 2.0, 0.0]]


def test_dense_weights() -> None:
    assert {name: w.shape for name, w in Dense(units=3).weights((2, 5, 7)).items()} == {"kernel": (7, 3), "bias": (3,)}
    assert set(Dense(units=3, use_bias=False).weights((2, 7))) == {"kernel"}
    assert Dense(units=3).longest_sum(Dense(units=3).weights((2, 7)), (2, 7)) == 7


def test_dense_needs_a_feature_axis() -> None:
    with pytest.raises(LayerError, match="a feature axis"):
        run(Dense(units=3), X[0, 0])


def test_embedding_takes_rows() -> None:
    y = run(Embedding(input_dim=4, output_dim=2), numpy.array([[3, 0], [0, 3]]), weights={"embeddings": TABLE})
    assert y.tolist() == [[[7.0, 8.0], [1.0, 2.0]], [[1.0, 2.0], [7.0, 8.0]]]


def test_embedding_cuts_ids_towards_zero() -> None:
    y = run(Embedding(input_dim=4, output_dim=2), numpy.array([0.3, 1.9, -0.5]), weights={"embeddings": TABLE})
    assert y.tolist() == [[1.0, 2.0], [3.0, 4.0], [1.0, 2.0]]


@pytest.mark.parametrize("outside", [4, -1, 2**31 - 1])
def test_embedding_has_no_row_outside_the_vocabulary(outside: int) -> None:
    with pytest.raises(LayerError, match=f"id {outside} has no row: the vocabulary is 0 .. 3"):
        run(Embedding(input_dim=4, output_dim=2), numpy.array([[1, outside]]))


def test_embedding_mask() -> None:
    ids = numpy.array([[0, 2], [3, 0]])
    assert Embedding(input_dim=4, output_dim=2).compute_mask(ids, MASK) is None
    mask = Embedding(input_dim=4, output_dim=2, mask_zero=True).compute_mask(ids, None)
    assert mask.tolist() == [[False, True], [True, False]]


def test_repeated_ids_add_up_in_the_gradient() -> None:
    """By hand: row 0 is read twice, row 3 once; the gradient of a plain sum counts the reads."""
    layer, ids = Embedding(input_dim=4, output_dim=2), numpy.array([[0, 3, 0]])
    gradient = autograd.grad(lambda table: np.sum(layer.call(Weights({"embeddings": table}), ids)))(TABLE)
    assert gradient.tolist() == [[2.0, 2.0], [0.0, 0.0], [0.0, 0.0], [1.0, 1.0]]


def test_masking_leaves_out_steps_in_which_every_feature_is_the_value() -> None:
    """keras.io/api/layers/core_layers/masking: steps 3 and 5 of ten are set to 0 and left out."""
    x = numpy.ones((1, 10, 8))
    x[:, [3, 5]] = 0.0
    x[:, 7, 0] = 0.0
    layer = Masking()
    expected = [True, True, True, False, True, False, True, True, True, True]
    assert layer.compute_mask(x, None).tolist() == [expected]
    assert run(layer, x).tolist() == x.tolist()


def test_masking_sets_left_out_steps_to_zero() -> None:
    x = numpy.array([[[2.0, 2.0], [2.0, 0.0], [1.0, 3.0]]])
    layer = Masking(mask_value=2.0)
    assert run(layer, x).tolist() == [[[0.0, 0.0], [2.0, 0.0], [1.0, 3.0]]]
    assert layer.compute_mask(x, None).tolist() == [[False, True, True]]


def test_nan_equals_nothing() -> None:
    x = numpy.full((1, 2, 2), math.nan)
    assert Masking(mask_value=math.nan).compute_mask(x, None).tolist() == [[True, True]]


def test_activation_layer() -> None:
    assert run(Activation(activation="relu"), X[:, 1]).tolist() == [[3.0, 0.0], [2.0, 2.0]]


def test_dropout_does_nothing_outside_of_training() -> None:
    layer = Dropout(rate=0.5)
    assert run(layer, X) is X
    assert run(layer, X, training=False) is X
    assert run(Dropout(rate=0.0), X, training=True) is X


def test_dropout_in_training_gives_zero_or_the_double() -> None:
    x = numpy.ones((50, 40))
    y = run(Dropout(rate=0.5), x, training=True)
    assert set(numpy.unique(y)) == {0.0, 2.0}
    assert 0.45 < (y == 0).mean() < 0.55  # 2000 fair draws: five standard deviations are 0.056
    assert not numpy.array_equal(y, run(Dropout(rate=0.5), x, training=True, seed=1))


def test_dropout_of_everything_is_zero() -> None:
    assert not run(Dropout(rate=1.0), X, training=True).any()


def test_a_noise_shape_shares_the_draw() -> None:
    y = run(Dropout(rate=0.25, noise_shape=(None, 1, 4)), numpy.ones((30, 5, 4)), training=True)
    assert (y == y[:, :1]).all()
    assert set(numpy.unique(y)) == {0.0, 1 / 0.75}


@pytest.mark.parametrize("config", [{"rate": -0.1}, {"rate": 1.5}, {"rate": 0.5, "noise_shape": [None, 0]}])
def test_dropout_refuses(config: dict[str, Any]) -> None:
    with pytest.raises(LayerError):
        make("Dropout", config)


def test_identity() -> None:
    assert run(Identity(), X) is X


@pytest.mark.parametrize(
    "layer",
    [Dense(units=3), Activation(activation="tanh"), Dropout(rate=0.5), Identity()],
    ids=lambda x: type(x).__name__,
)
def test_masks_go_on(layer: Any) -> None:
    assert layer.compute_mask(X, MASK) is MASK
    assert layer.compute_mask(X, None) is None


@pytest.mark.parametrize(
    "layer",
    [
        Dense(units=4, activation="tanh"),
        Dense(units=2, use_bias=False),
        Activation(activation="silu"),
        Dropout(rate=0.4),
    ],
    ids=str,
)
def test_gradient(layer: Any) -> None:
    assert_gradient_matches_finite_difference(layer, X)


def test_left_out_steps_have_no_gradient() -> None:
    layer = Masking(mask_value=2.0)
    gradient = autograd.grad(lambda x: np.sum(layer.call(Weights({}), x)))(X)
    assert gradient.tolist() == [[[1.0, 1.0]] * 3, [[1.0, 1.0], [0.0, 0.0], [1.0, 1.0]]]


def test_gradient_of_the_table_and_in_training() -> None:
    assert_gradient_matches_finite_difference(Embedding(input_dim=4, output_dim=2), numpy.array([[3, 0, 3]]))
    assert_gradient_matches_finite_difference(Dropout(rate=0.4), X, training=True)


IDS = numpy.array([[0.0, 1.6, 3.0], [2.0, 0.0, 3.0]])
MASKED = numpy.array([[[2.0, 2.0], [2.0, 1.0], [0.0, 0.0], [1.0, 3.0]]])
WIDE = numpy.random.default_rng(1).normal(size=(3, 4, 5)) * 3

SCENES: list[tuple[Any, str, Any, dict[str, Any]]] = [
    (Dense(units=3, activation="relu"), "transposed_kernel", X, {}),
    (Dense(units=3, activation="relu"), "no_activation", X, {}),
    (Dense(units=3), "no_bias", X, {}),
    (Dense(units=3), "bias_taken_off", X, {}),
    (Dense(units=3, activation="relu"), "relu_leaks", X, {}),
    (Dense(units=3, activation="relu"), "bias_after_activation", X, {}),
    (Dense(units=3), "mask_lost", X, {"mask": MASK}),
    *((Embedding(input_dim=4, output_dim=2, mask_zero=True), mutant.name, IDS, {}) for mutant in Embedding.mutants),
    *((Masking(mask_value=2.0), mutant.name, MASKED, {}) for mutant in Masking.mutants),
    (Activation(activation="relu"), "linear", WIDE, {}),
    (Activation(activation="hard_sigmoid"), "hard_sigmoid_of_keras_2", WIDE, {}),
    (Activation(activation="gelu"), "gelu_by_tanh", WIDE, {}),
    (Activation(activation="leaky_relu"), "leaky_slope_of_torch", WIDE, {}),
    (Activation(activation="selu"), "selu_without_scale", WIDE, {}),
    (Activation(activation="softmax"), "softmax_over_batch", WIDE, {}),
    (Activation(activation="sparsemax"), "sparsemax_of_all_sums", WIDE / 9, {}),
    (Activation(activation="relu"), "relu_leaks", WIDE, {}),
    (Activation(activation="silu"), "silu_without_x", WIDE, {}),
    (Activation(activation="silu"), "mask_lost", X, {"mask": MASK}),
    (Dropout(rate=0.5), "mask_lost", X, {"mask": MASK}),
    (Dropout(rate=0.5), "drops_in_inference", WIDE, {"training": False}),
    (Dropout(rate=0.5), "never_drops", WIDE, {"training": True}),
    (Dropout(rate=0.5), "scales_in_inference", WIDE, {"training": False}),
    (Dropout(rate=0.5, noise_shape=(None, 1, 5)), "ignores_noise_shape", WIDE, {"training": True}),
    (Identity(), "no_mask", X, {"mask": MASK}),
]


@pytest.mark.parametrize(
    ("layer", "name", "x", "kwargs"), SCENES, ids=[f"{type(scene[0]).__name__}.{scene[1]}" for scene in SCENES]
)
def test_mutants_are_seen(layer: Any, name: str, x: Any, kwargs: dict[str, Any]) -> None:
    assert is_seen(layer, name, x, **kwargs)


@pytest.mark.parametrize("kind", [Dense, Embedding, Masking, Activation, Dropout, Identity])
def test_every_mutant_has_a_scene(kind: Any) -> None:
    assert {scene[1] for scene in SCENES if type(scene[0]) is kind} == {mutant.name for mutant in kind.mutants}


def test_rules_have_their_numbers_filled_in() -> None:
    assert Dense(units=3).rule((2, 11, 7)) == "the last axis, 7 features, becomes 3 units; kernel (7, 3)"
    assert Embedding(input_dim=30, output_dim=7).rule((2, 10)) == "each of the 20 ids becomes a row of 7 numbers"
