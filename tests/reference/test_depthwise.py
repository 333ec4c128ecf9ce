"""Depthwise and separable convolution against sums written out by hand."""

from __future__ import annotations

import dataclasses
from typing import Any

import autograd.numpy as np
import numpy
import pytest

from conformance.mutants.layer import with_mistake
from conformance.reference.base import LayerError, make
from conformance.reference.conv import BIAS_ALONG_THE_LAST_AXIS
from conformance.reference.depthwise import DepthwiseConv1D, DepthwiseConv2D, SeparableConv1D, SeparableConv2D
from tests.reference.helpers import assert_gradient_matches_finite_difference, run, weights_of

X = numpy.array([[[1.0, 2.0], [3.0, 4.0]]])
KERNEL = numpy.array([[[1.0, 10.0], [100.0, 1000.0]], [[0.0, 0.0], [0.0, 0.5]]])
"""First taps 1, 10 for channel 0 and 100, 1000 for channel 1; second taps 0 but for the last kernel."""


def test_kernels_of_a_channel_stand_side_by_side() -> None:
    y = run(DepthwiseConv1D(kernel_size=2, depth_multiplier=2, use_bias=False), X, weights={"kernel": KERNEL})
    assert y.tolist() == [[[1 * 1, 1 * 10, 2 * 100, 2 * 1000 + 4 * 0.5]]]


def test_bias_is_one_number_per_output_channel() -> None:
    weights = {"kernel": KERNEL, "bias": [0.1, 0.2, 0.3, 0.4]}
    layer = DepthwiseConv1D(kernel_size=2, depth_multiplier=2, activation="relu")
    assert numpy.allclose(run(layer, -X, weights=weights), 0.0)
    assert numpy.allclose(run(layer, X, weights=weights), [[[1.1, 10.2, 200.3, 2002.4]]], rtol=1e-15)


def test_padding_stride_and_dilation_may_be_combined() -> None:
    """5 steps, taps 3 apart, stride 2, same: windows start at -1, 1, 3 and read (pad, 4), (2, 16), (8, pad)."""
    x = numpy.array([1.0, 2.0, 4.0, 8.0, 16.0])[None, :, None]
    layer = DepthwiseConv1D(kernel_size=2, strides=2, dilation_rate=3, padding="same", use_bias=False)
    y = run(layer, x, weights={"kernel": [[[1.0]], [[10.0]]]})
    assert y[0, :, 0].tolist() == [10 * 4, 2 + 10 * 16, 8]


def test_separable_mixes_what_depthwise_gives() -> None:
    weights = {"depthwise_kernel": KERNEL, "pointwise_kernel": [[[1.0], [2.0], [3.0], [4.0]]], "bias": [0.5]}
    layer = SeparableConv1D(filters=1, kernel_size=2, depth_multiplier=2)
    assert run(layer, X, weights=weights).tolist() == [[[1 + 2 * 10 + 3 * 200 + 4 * 2002 + 0.5]]]


IMAGES = numpy.array([[[1.0, 5.0], [2.0, 6.0]], [[3.0, 7.0], [4.0, 8.0]]])[None]
"""1 2 / 3 4 in channel 0, 5 6 / 7 8 in channel 1."""
SQUARES = numpy.array([[[1.0, 1.0], [10.0, 1.0]], [[100.0, 1.0], [1000.0, 1.0]]])[..., None]
"""1 10 / 100 1000 for channel 0, ones for channel 1."""


def test_images_by_hand() -> None:
    """1 + 20 + 300 + 4000 and 5 + 6 + 7 + 8; two kernels a channel stand side by side; then mixed 1 : 2."""
    apart = DepthwiseConv2D(kernel_size=2, use_bias=False)
    assert run(apart, IMAGES, weights={"kernel": SQUARES}).tolist() == [[[[4321, 26]]]]
    twice = DepthwiseConv2D(kernel_size=1, depth_multiplier=2, strides=2)
    weights = {"kernel": [[[[1.0, 10.0], [100.0, 1000.0]]]], "bias": [0.1, 0.2, 0.3, 0.4]}
    assert run(twice, IMAGES, weights=weights).tolist() == [[[[1.1, 10.2, 500.3, 5000.4]]]]
    mixed = SeparableConv2D(filters=1, kernel_size=2)
    weights = {"depthwise_kernel": SQUARES, "pointwise_kernel": [[[[1.0], [2.0]]]], "bias": [0.5]}
    assert run(mixed, IMAGES, weights=weights).tolist() == [[[[4321 + 2 * 26 + 0.5]]]]


def test_rows_and_columns_have_their_own_kernel_length_stride_and_padding() -> None:
    """1 row, 2 columns, taps 1 and 10, `same`: the odd column of zeros stands right; every second row is read."""
    layer = DepthwiseConv2D(kernel_size=(1, 2), strides=(2, 1), padding="same", use_bias=False)
    kernel = numpy.array([[[[1.0], [1.0]], [[10.0], [10.0]]]])
    assert run(layer, IMAGES, weights={"kernel": kernel}).tolist() == [[[[21, 65], [2, 6]]]]
    assert layer.rule(IMAGES.shape) == (
        "same: ceil(2 / 2) = 1; total padding max(0 * 2 + 1 - 2, 0) = 0, left 0, right 0; then "
        "same: ceil(2 / 1) = 2; total padding max(1 * 1 + 2 - 2, 0) = 1, left 0, right 1"
    )


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (DepthwiseConv2D(kernel_size=(4, 3), depth_multiplier=2), {"kernel": (4, 3, 5, 2), "bias": (10,)}),
        (
            SeparableConv2D(filters=3, kernel_size=(4, 3), depth_multiplier=2),
            {"depthwise_kernel": (4, 3, 5, 2), "pointwise_kernel": (1, 1, 10, 3), "bias": (3,)},
        ),
    ],
)
def test_weights_of_images_in_the_layout_of_keras(layer: Any, expected: dict[str, tuple[int, ...]]) -> None:
    assert [(name, w.shape) for name, w in layer.weights((2, 9, 9, 5)).items()] == list(expected.items())


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (DepthwiseConv1D(kernel_size=4, depth_multiplier=2), {"kernel": (4, 5, 2), "bias": (10,)}),
        (
            SeparableConv1D(filters=3, kernel_size=4, depth_multiplier=2),
            {"depthwise_kernel": (4, 5, 2), "pointwise_kernel": (1, 10, 3), "bias": (3,)},
        ),
        (DepthwiseConv1D(kernel_size=4, data_format="channels_first", use_bias=False), {"kernel": (4, 9, 1)}),
    ],
)
def test_weights_in_the_layout_of_keras(layer: Any, expected: dict[str, tuple[int, ...]]) -> None:
    assert [(name, w.shape) for name, w in layer.weights((2, 9, 5)).items()] == list(expected.items())


@pytest.mark.parametrize("kind", [DepthwiseConv1D, SeparableConv1D])
def test_channels_first_is_channels_last_transposed(kind: Any) -> None:
    extra = {"filters": 3} if kind is SeparableConv1D else {}
    layer = kind(kernel_size=3, padding="same", depth_multiplier=2, **extra)
    x = numpy.random.default_rng(3).normal(size=(2, 7, 4))
    weights = weights_of(layer, x.shape)
    first = dataclasses.replace(layer, data_format="channels_first")
    expected = np.moveaxis(run(layer, x, weights=weights), -1, 1)
    assert numpy.array_equal(run(first, np.moveaxis(x, -1, 1), weights=weights), expected)


@pytest.mark.parametrize(
    ("type", "config", "message"),
    [
        ("DepthwiseConv1D", {"kernel_size": 4}, "a window over 4 steps does not fit into 3"),
        ("DepthwiseConv1D", {"kernel_size": 2, "depth_multiplier": 0}, "depth_multiplier=0 must be positive"),
        ("SeparableConv1D", {"filters": 0, "kernel_size": 2}, "filters=0 must be positive"),
        ("SeparableConv1D", {"filters": 1, "kernel_size": 2, "strides": 0}, "strides=0 must be positive"),
    ],
)
def test_what_cannot_work_is_an_error(type: str, config: dict[str, Any], message: str) -> None:
    with pytest.raises(LayerError, match=message):
        run(make(type, config), numpy.ones((1, 3, 2)))


def test_rule_has_the_numbers_filled_in() -> None:
    assert DepthwiseConv1D(kernel_size=2, strides=2, dilation_rate=3).rule((1, 9, 2)) == (
        "a window spans (2 - 1) * 3 + 1 = 4; valid: floor((9 - 4) / 2) + 1 = 3"
    )


REVEALING = {"kernel_size": 4, "dilation_rate": 3, "padding": "same", "depth_multiplier": 2, "activation": "tanh"}
REVEALING_2D = {**REVEALING, "kernel_size": (4, 2)}
LAYERS = [
    DepthwiseConv1D(**REVEALING),
    SeparableConv1D(filters=3, **REVEALING),
    DepthwiseConv2D(**REVEALING_2D),
    SeparableConv2D(filters=3, **REVEALING_2D),
]


def numbers(layer: Any, seed: int) -> Any:
    return numpy.random.default_rng(seed).normal(size=(2, *(8, 7)[: layer.rank], 3))


@pytest.mark.parametrize("layer", LAYERS)
def test_gradient(layer: Any) -> None:
    assert_gradient_matches_finite_difference(layer, numbers(layer, 1))


@pytest.mark.parametrize("layer", LAYERS)
def test_every_mutant_changes_the_answer(layer: Any) -> None:
    x = numbers(layer, 5)
    weights = weights_of(layer, x.shape)
    right = run(layer, x, weights=weights)
    assert {mutant.name for mutant in layer.mutants} >= {"odd_padding_left", "multiplier_first"}
    for mutant in layer.mutants:
        if mutant is BIAS_ALONG_THE_LAST_AXIS:  # of another layout: below
            continue
        wrong = run(with_mistake(layer, type(layer), mutant), x, weights=weights)
        assert wrong.shape == right.shape, mutant.name
        assert not numpy.allclose(right, wrong), mutant.name


@pytest.mark.parametrize("kind", [DepthwiseConv1D, DepthwiseConv2D, SeparableConv1D, SeparableConv2D])
def test_a_bias_along_the_last_axis_is_seen_where_that_is_as_long(kind: Any) -> None:
    filters = {"filters": 3} if issubclass(kind, SeparableConv1D | SeparableConv2D) else {}
    layer = kind(kernel_size=1, data_format="channels_first", **filters)
    x = numpy.random.default_rng(5).normal(size=(2, 3, *(3,) * layer.rank))
    weights = weights_of(layer, x.shape)
    wrong = with_mistake(layer, kind, BIAS_ALONG_THE_LAST_AXIS)
    assert not numpy.allclose(run(layer, x, weights=weights), run(wrong, x, weights=weights))
    longer = x[..., :2]
    assert numpy.allclose(run(layer, longer, weights=weights), run(wrong, longer, weights=weights))
