"""Normalisations against numbers by hand; the inputs are chosen so that means, variances and roots come out even."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy
import pytest

from conformance.mutants.layer import mutants_of, with_mistake
from conformance.reference.base import LayerError, Weights, make
from conformance.reference.batch_normalization import BatchNormalization
from conformance.reference.normalization import (
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)
from tests.reference.helpers import assert_gradient_matches_finite_difference, is_seen, run

ROW = numpy.array([[1.0, 3.0, 5.0, 7.0]])
"""Mean 4, squared distances 9, 1, 1, 9, so variance 5; with an epsilon of 4 the divisor is 3."""
GAMMA, BETA = numpy.array([1.0, 2.0, 3.0, 4.0]), numpy.array([10.0, 20.0, 30.0, 40.0])


def test_layer_normalization_by_hand() -> None:
    """(-3, -1, 1, 3) / 3, times (1, 2, 3, 4), plus (10, 20, 30, 40)."""
    y = run(LayerNormalization(epsilon=4.0), ROW, weights={"gamma": GAMMA, "beta": BETA})
    assert y[0] == pytest.approx([9.0, 20 - 2 / 3, 31.0, 44.0], rel=1e-15)


def test_layer_normalization_without_gamma_or_beta() -> None:
    plain = run(LayerNormalization(epsilon=4.0, center=False, scale=False), ROW, weights={})
    assert plain[0] == pytest.approx([-1.0, -1 / 3, 1 / 3, 1.0], rel=1e-15)
    scaled = run(LayerNormalization(epsilon=4.0, center=False), ROW, weights={"gamma": GAMMA})
    assert scaled[0] == pytest.approx([-1.0, -2 / 3, 1.0, 4.0], rel=1e-15)


def test_rms_scaling_keeps_the_mean() -> None:
    """x / 3 times gamma, by the variance and not by the mean square, as its deprecation notice says."""
    y = run(LayerNormalization(epsilon=4.0, rms_scaling=True), ROW, weights={"gamma": GAMMA})
    assert y[0] == pytest.approx([1 / 3, 2.0, 5.0, 28 / 3], rel=1e-15)


def test_variance_below_epsilon_is_held_back() -> None:
    """Variance 1e-4 with the default epsilon 1e-3: 0.01 / sqrt(0.0011), not 1."""
    y = run(LayerNormalization(center=False, scale=False), numpy.array([[300.0, 300.02]]), weights={})
    assert y[0] == pytest.approx([-0.01 / math.sqrt(0.0011), 0.01 / math.sqrt(0.0011)], rel=1e-9)


@pytest.mark.parametrize(
    ("axis", "shape"), [(-1, (4,)), (1, (2,)), ((1, 2), (2, 3)), ((-1, 1), (2, 4)), ((3, 2, 1), (2, 3, 4))]
)
def test_gamma_spans_the_axes(axis: Any, shape: tuple[int, ...]) -> None:
    layer = LayerNormalization(axis=axis)
    assert {name: w.shape for name, w in layer.weights((5, 2, 3, 4)).items()} == {"gamma": shape, "beta": shape}
    assert layer.longest_sum({}, (5, 2, 3, 4)) == math.prod(shape)


def test_layer_normalization_over_a_middle_axis() -> None:
    """The columns of [[1, 5], [3, 7]] have distances -1, 1 from their means; epsilon 3 makes the divisor 2."""
    x = numpy.array([[[1.0, 5.0], [3.0, 7.0]]])
    weights = {"gamma": numpy.array([2.0, 4.0]), "beta": numpy.array([10.0, 20.0])}
    y = run(LayerNormalization(axis=1, epsilon=3.0), x, weights=weights)
    assert y[0].tolist() == [[9.0, 9.0], [22.0, 22.0]]


def test_rms_normalization_by_hand() -> None:
    """Mean square of (3, 4, 0, 5) is 50 / 4; an epsilon of 3.5 makes the divisor 4."""
    x, scale = numpy.array([[3.0, 4.0, 0.0, 5.0]]), numpy.array([1.0, 2.0, 3.0, 4.0])
    assert run(RMSNormalization(epsilon=3.5), x, weights={"scale": scale})[0].tolist() == [0.75, 2.0, 0.0, 5.0]


def test_rms_normalization_over_a_middle_axis() -> None:
    """Columns (3, 4) and (6, 8): mean squares 12.5 and 50."""
    x = numpy.array([[[3.0, 6.0], [4.0, 8.0]]])
    y = run(RMSNormalization(axis=1, epsilon=0.0), x, weights={"scale": numpy.array([1.0, 2.0])})
    assert y[0] == pytest.approx(numpy.array([[0.6, 0.6], [1.6, 1.6]]) * math.sqrt(2), rel=1e-15)


def test_unit_normalization_by_hand() -> None:
    """keras.io/api/layers/normalization_layers/unit_normalization: squares sum to 1; (3, 4) has norm 5."""
    assert run(UnitNormalization(), numpy.array([[3.0, -4.0]])).tolist() == [[0.6, -0.8]]
    assert run(UnitNormalization(axis=(1, 2)), numpy.array([[[1.0, 5.0], [7.0, 5.0]]])).tolist() == [
        [[0.1, 0.5], [0.7, 0.5]]
    ]


def test_a_vector_of_zeros_stays_zero() -> None:
    x = numpy.array([[0.0, 0.0], [3.0, 4.0]])
    assert run(UnitNormalization(), x).tolist() == [[0.0, 0.0], [0.6, 0.8]]


def test_a_tiny_vector_is_divided_by_epsilon() -> None:
    assert run(UnitNormalization(), numpy.array([[3e-14, 4e-14]]))[0] == pytest.approx([0.03, 0.04], rel=1e-14)


def test_group_normalization_by_hand() -> None:
    """Groups (1, 3) and (5, 7) over two equal steps: distances -1, 1 each; epsilon 3 makes the divisor 2."""
    x = numpy.array([[[1.0, 3.0, 5.0, 7.0], [1.0, 3.0, 5.0, 7.0]]])
    y = run(GroupNormalization(groups=2, epsilon=3.0), x, weights={"gamma": GAMMA, "beta": BETA})
    assert y[0].tolist() == [[9.5, 21.0, 28.5, 42.0]] * 2


def test_group_normalization_takes_all_steps_of_a_group_at_once() -> None:
    """One group of (0, 4), (4, 8): mean 4, variance 8, epsilon 8 makes the divisor 4."""
    x = numpy.array([[[0.0, 4.0], [4.0, 8.0]]])
    y = run(GroupNormalization(groups=1, epsilon=8.0, center=False, scale=False), x, weights={})
    assert y[0].tolist() == [[-1.0, 0.0], [0.0, 1.0]]


def test_channels_on_another_axis() -> None:
    """Channels first is channels last with the axes swapped; -1 groups are as many as channels."""
    x = numpy.random.default_rng(8).normal(size=(2, 5, 4))
    weights = {"gamma": GAMMA, "beta": BETA}
    last = run(GroupNormalization(groups=-1), x, weights=weights)
    first = run(GroupNormalization(groups=4, axis=1), numpy.swapaxes(x, 1, 2), weights=weights)
    numpy.testing.assert_allclose(numpy.swapaxes(first, 1, 2), last, rtol=1e-14)


def test_batch_normalization_in_inference_by_hand() -> None:
    """(x - 2) / sqrt(8 + 1) * 6 + 1 for every channel."""
    weights = {name: numpy.full(4, value) for name, value in zip(STATISTICS, (6.0, 1.0, 2.0, 8.0), strict=True)}
    y = run(BatchNormalization(epsilon=1.0), ROW, weights=weights)
    assert y.tolist() == [[-1.0, 3.0, 7.0, 11.0]]


STATISTICS = ("gamma", "beta", "moving_mean", "moving_variance")


def test_batch_normalization_in_training_by_hand() -> None:
    """Column (1, 3, 5, 7): mean 4, variance 5, epsilon 4; the moving statistics keep 3 / 4 of 8 and of 1."""
    state: dict[str, Any] = {}
    layer = BatchNormalization(epsilon=4.0, momentum=0.75)
    weights = dict(zip(STATISTICS, ([3.0], [1.0], [8.0], [1.0]), strict=True))
    w = Weights({name: numpy.array(value) for name, value in weights.items()}, state)
    assert layer.call(w, ROW.T, training=True)[:, 0].tolist() == [-2.0, 0.0, 2.0, 4.0]
    assert (state["moving_mean"].tolist(), state["moving_variance"].tolist()) == ([7.0], [2.0])
    # Later inference uses them: (x - 7) / sqrt(2 + 4) * 3 + 1.
    later = layer.call(w, ROW.T, training=False)[:, 0]
    assert later == pytest.approx([1 + 3 * (x - 7) / math.sqrt(6) for x in (1, 3, 5, 7)], rel=1e-15)


def test_a_mask_keeps_padding_out_of_the_statistics() -> None:
    """Of (1, 3, 5, 7, 1000) the last is left out of mean and variance, and still normalised."""
    x = numpy.array([[1.0, 3.0, 5.0, 7.0, 1000.0]])[..., None]
    mask = numpy.array([[True, True, True, True, False]])
    layer = BatchNormalization(epsilon=4.0, center=False, scale=False)
    weights = {"moving_mean": numpy.zeros(1), "moving_variance": numpy.ones(1)}
    y = run(layer, x, weights=weights, training=True, mask=mask)
    assert y[0, :, 0] == pytest.approx([-1.0, -1 / 3, 1 / 3, 1.0, 332.0], rel=1e-15)


def test_batch_normalization_weights_in_keras_order() -> None:
    assert list(BatchNormalization(axis=1).weights((5, 3, 7))) == list(STATISTICS)
    assert {w.shape for w in BatchNormalization(axis=1).weights((5, 3, 7)).values()} == {(3,)}
    assert BatchNormalization(axis=1).longest_sum({}, (5, 3, 7)) == 35


@pytest.mark.parametrize(
    ("kind", "config", "message"),
    [
        ("LayerNormalization", {"axis": 3}, "axis 3 does not exist in an input with 3 axes"),
        ("RMSNormalization", {"axis": [1, -4]}, "axis -4 does not exist"),
        ("UnitNormalization", {"axis": 5}, "axis 5 does not exist"),
        ("BatchNormalization", {"axis": 3}, "axis 3 does not exist"),
        ("GroupNormalization", {"groups": 0}, "groups=0 must be positive"),
        ("GroupNormalization", {"groups": 4}, "6 channels cannot be cut into 4 groups"),
        ("GroupNormalization", {}, "6 channels cannot be cut into 32 groups"),
    ],
)
def test_refused(kind: str, config: dict[str, Any], message: str) -> None:
    with pytest.raises(LayerError, match=message):
        run(make(kind, config), X)


def test_a_mask_needs_one_axis_less() -> None:
    with pytest.raises(LayerError, match="a mask with 3 axes does not fit an input with 3: one less is needed"):
        run(BatchNormalization(), X, mask=numpy.ones(X.shape, dtype=bool))


X = numpy.random.default_rng(6).normal(size=(3, 4, 6)) * 2 + 1
MASK = numpy.array([[True, True, False, True], [True, False, False, False], [True] * 4])
LAYERS: list[tuple[Any, dict[str, Any]]] = [
    (LayerNormalization(), {}),
    (LayerNormalization(axis=(1, 2)), {}),
    (LayerNormalization(rms_scaling=True), {}),
    (RMSNormalization(), {}),
    (RMSNormalization(axis=1), {}),
    (UnitNormalization(), {}),
    (GroupNormalization(groups=3), {}),
    (GroupNormalization(groups=2, axis=1), {}),
    (BatchNormalization(), {}),
    (BatchNormalization(), {"training": True}),
    (BatchNormalization(axis=1), {"training": True}),
    (BatchNormalization(), {"training": True, "mask": MASK}),
]


@pytest.mark.parametrize(("layer", "kwargs"), LAYERS, ids=str)
def test_gradient(layer: Any, kwargs: dict[str, Any]) -> None:
    assert_gradient_matches_finite_difference(layer, X, **kwargs)


@pytest.mark.parametrize("layer", [layer for layer, kwargs in LAYERS if not kwargs], ids=str)
def test_masks(layer: Any) -> None:
    """Keras' RMSNormalization does not support masking; the others pass the mask on."""
    assert layer.compute_mask(X, MASK) is (None if isinstance(layer, RMSNormalization) else MASK)


TRAINING: dict[str, dict[str, Any]] = {
    "moving_statistics_in_training": {"training": True},
    "unbiased_variance": {"training": True},
    "ignores_mask": {"training": True, "mask": MASK},
    "ignores_trainable": {"training": True},
    "variance_of_padding": {"training": True, "mask": MASK},
}


def _with_two_axes(layer: Any) -> Any:
    return dataclasses.replace(layer, axis=(1, 2))


REMEMBERED = ("moves_by_momentum", "remembers_unbiased_variance")
"""Mistakes in what is remembered, which no output of the same call shows."""
IN_TRAINING: list[tuple[Any, str, dict[str, Any]]] = [
    (BatchNormalization(trainable=mutant.name != "ignores_trainable"), mutant.name, TRAINING.get(mutant.name, {}))
    for mutant in BatchNormalization.mutants
    if mutant.name not in REMEMBERED
]
SCENES: list[tuple[Any, str, dict[str, Any]]] = [
    *IN_TRAINING,
    *(
        (_with_two_axes(layer) if mutant.name == "last_axis_only" else layer, mutant.name, {})
        for layer in (
            LayerNormalization(),
            RMSNormalization(epsilon=0.1),
            UnitNormalization(),
            GroupNormalization(groups=2),
        )
        for mutant in type(layer).mutants
    ),
]


@pytest.mark.parametrize(
    ("layer", "name", "kwargs"), SCENES, ids=[f"{type(scene[0]).__name__}.{scene[1]}" for scene in SCENES]
)
def test_mutants_are_seen(layer: Any, name: str, kwargs: dict[str, Any]) -> None:
    x = numpy.array([[1, 2, 4], [5, 7, 6]]) if name == "cut_to_integers" else X
    assert is_seen(layer, name, x, **kwargs)


@pytest.mark.parametrize(
    ("name", "mean", "variance"),
    [
        # the batch 1, 3, 5, 7 has the mean 4 and the sum of squares 20; 0.75 of 0 and 1 stay
        (None, 0.25 * 4.0, 0.75 + 0.25 * 20.0 / 4.0),
        ("moves_by_momentum", 0.75 * 4.0, 0.25 + 0.75 * 20.0 / 4.0),
        ("remembers_unbiased_variance", 0.25 * 4.0, 0.75 + 0.25 * 20.0 / 3.0),
    ],
)
def test_mistakes_in_what_is_remembered_are_seen_there(name: str | None, mean: float, variance: float) -> None:
    layer: Any = BatchNormalization(momentum=0.75, center=False, scale=False)
    if name is not None:
        layer = with_mistake(layer, BatchNormalization, mutants_of(BatchNormalization)[name])
    w = Weights({"moving_mean": numpy.zeros(1), "moving_variance": numpy.ones(1)})
    layer.call(w, numpy.array([[1.0], [3.0], [5.0], [7.0]]), training=True)
    assert (float(w.state["moving_mean"][0]), float(w.state["moving_variance"][0])) == pytest.approx((mean, variance))


def test_a_layer_that_is_not_trainable_remembers_nothing() -> None:
    w = Weights({"moving_mean": numpy.zeros(1), "moving_variance": numpy.ones(1)})
    layer = BatchNormalization(epsilon=0.0, center=False, scale=False, trainable=False)
    x = numpy.array([[1.0], [3.0]])
    assert numpy.array_equal(layer.call(w, x, training=True), x)
    assert w.state == {}
