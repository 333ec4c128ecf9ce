"""Convolutions against sums written out by hand: kernels of powers of ten show which step met which tap."""

from __future__ import annotations

from typing import Any

import autograd.numpy as np
import numpy
import pytest

from conformance.mutants.layer import with_mistake
from conformance.reference.base import LayerError, make
from conformance.reference.conv import Conv1D, Conv2D, Conv3D, correlate
from tests.reference.helpers import assert_gradient_matches_finite_difference, run, weights_of

DIGITS = [1.0, 10.0, 100.0, 1000.0]


def along(numbers: list[float]) -> numpy.ndarray[Any, Any]:
    """One sequence of one channel: (1, steps, 1)."""
    return numpy.array(numbers, dtype=float)[None, :, None]


def convolved(numbers: list[float], **config: Any) -> list[float]:
    """A sequence under the first `kernel_size` digits, without bias."""
    layer = Conv1D(filters=1, use_bias=False, **config)
    kernel = numpy.array(DIGITS[: config["kernel_size"]])[:, None, None]
    return run(layer, along(numbers), weights={"kernel": kernel})[0, :, 0].tolist()


@pytest.mark.parametrize(
    ("numbers", "config", "expected"),
    [
        ([1, 2, 3, 4], {"kernel_size": 2}, [1 + 20, 2 + 30, 3 + 40]),
        ([1, 2, 3], {"kernel_size": 3}, [1 + 20 + 300]),
        ([1, 2, 3], {"kernel_size": 1}, [1, 2, 3]),
        ([1, 2, 3, 4, 5, 6], {"kernel_size": 2, "strides": 3}, [1 + 20, 4 + 50]),
        ([1, 2, 3, 4, 5], {"kernel_size": 2, "dilation_rate": 2}, [1 + 30, 2 + 40, 3 + 50]),
        ([1, 2, 3], {"kernel_size": 3, "padding": "same"}, [10 + 200, 1 + 20 + 300, 2 + 30]),
        ([1, 2, 3], {"kernel_size": 4, "padding": "same"}, [10 + 200 + 3000, 1 + 20 + 300, 2 + 30]),
        ([1, 2, 3, 4], {"kernel_size": 3, "strides": 2, "padding": "same"}, [1 + 20 + 300, 3 + 40]),
        ([1, 2, 3, 4, 5], {"kernel_size": 3, "strides": 2, "padding": "same"}, [10 + 200, 2 + 30 + 400, 4 + 50]),
        ([1, 2, 3, 4], {"kernel_size": 2, "dilation_rate": 2, "padding": "same"}, [20, 1 + 30, 2 + 40, 3]),
        ([1, 2, 3], {"kernel_size": 3, "padding": "causal"}, [100, 10 + 200, 1 + 20 + 300]),
        ([1, 2, 3], {"kernel_size": 2, "dilation_rate": 2, "padding": "causal"}, [10, 20, 1 + 30]),
        ([1, 2, 3, 4], {"kernel_size": 2, "strides": 2, "padding": "causal"}, [10, 2 + 30]),
        ([7], {"kernel_size": 4, "padding": "same"}, [70]),
    ],
)
def test_each_tap_meets_its_step(numbers: list[float], config: dict[str, Any], expected: list[float]) -> None:
    assert convolved(numbers, **config) == expected


def test_filters_sum_over_all_channels_and_add_their_bias() -> None:
    x = numpy.array([[[1.0, 2.0], [3.0, 4.0]]])
    kernel = numpy.array([[[1.0, 0.5], [10.0, 0.0]], [[100.0, 0.0], [1000.0, -1.0]]])
    y = run(Conv1D(filters=2, kernel_size=2), x, weights={"kernel": kernel, "bias": [0.25, 7.0]})
    assert y.tolist() == [[[1 + 20 + 300 + 4000 + 0.25, 0.5 - 4 + 7]]]


def test_activation_comes_after_the_bias() -> None:
    weights = {"kernel": [[[1.0]]], "bias": [-2.0]}
    y = run(Conv1D(filters=1, kernel_size=1, activation="relu"), along([1, 3]), weights=weights)
    assert y.tolist() == [[[0.0], [1.0]]]


def test_activation_sees_the_layout_that_was_asked_for() -> None:
    """Under channels_first the last axis is the steps, so a softmax makes each channel sum to one over the steps."""
    layer = Conv1D(filters=2, kernel_size=1, activation="softmax", data_format="channels_first", use_bias=False)
    y = run(layer, numpy.array([[[0.0, numpy.log(3.0)]]]), weights={"kernel": [[[1.0, 2.0]]]})
    assert numpy.allclose(y, [[[0.25, 0.75], [0.1, 0.9]]], rtol=1e-14)


def test_groups_keep_their_channels_apart() -> None:
    x = numpy.array([[[1.0, 2.0, 3.0, 4.0]]])
    kernel = numpy.array([[[1.0, 10.0], [100.0, 1000.0]]])
    layer = Conv1D(filters=2, kernel_size=1, groups=2, use_bias=False)
    assert run(layer, x, weights={"kernel": kernel}).tolist() == [[[1 + 200, 30 + 4000]]]


IMAGE = numpy.arange(1.0, 10.0).reshape(1, 3, 3, 1)
"""1 2 3 / 4 5 6 / 7 8 9."""


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, [[1 + 20 + 400 + 5000, 2 + 30 + 500 + 6000], [4 + 50 + 700 + 8000, 5 + 60 + 800 + 9000]]),
        ({"dilation_rate": 2}, [[1 + 30 + 700 + 9000]]),
        ({"strides": (1, 2)}, [[1 + 20 + 400 + 5000], [4 + 50 + 700 + 8000]]),
        (
            {"padding": "same", "strides": 2},
            [[1 + 20 + 400 + 5000, 3 + 600], [7 + 80, 9]],
        ),
    ],
)
def test_image_windows(config: dict[str, Any], expected: list[list[float]]) -> None:
    kernel = numpy.array([[1.0, 10.0], [100.0, 1000.0]])[:, :, None, None]
    layer = Conv2D(filters=1, kernel_size=2, use_bias=False, **config)
    assert run(layer, IMAGE, weights={"kernel": kernel})[0, :, :, 0].tolist() == expected


def test_rows_and_columns_have_their_own_kernel_length() -> None:
    kernel = numpy.array([[1.0, 10.0, 100.0]])[:, :, None, None]
    y = run(Conv2D(filters=1, kernel_size=(1, 3), use_bias=False), IMAGE, weights={"kernel": kernel})
    assert y[0, :, :, 0].tolist() == [[321.0], [654.0], [987.0]]


FILM = numpy.arange(1.0, 9.0).reshape(1, 2, 2, 2, 1)
"""Two frames: 1 2 / 3 4 and 5 6 / 7 8."""


@pytest.mark.parametrize(
    ("sizes", "config", "expected"),
    [
        ((2, 2, 2), {}, [[[87654321]]]),
        ((2, 1, 1), {}, [[[1 + 50, 2 + 60], [3 + 70, 4 + 80]]]),
        ((1, 1, 2), {}, [[[1 + 20], [3 + 40]], [[5 + 60], [7 + 80]]]),
        ((2, 1, 1), {"padding": "same"}, [[[51, 62], [73, 84]], [[5, 6], [7, 8]]]),
        ((1, 1, 1), {"strides": (1, 2, 1)}, [[[1, 2]], [[5, 6]]]),
    ],
)
def test_frames_rows_and_columns(sizes: tuple[int, ...], config: dict[str, Any], expected: list[Any]) -> None:
    """The taps of the kernel are 1, 10, 100, ... with the columns fastest."""
    kernel = 10.0 ** numpy.arange(numpy.prod(sizes)).reshape(*sizes, 1, 1)
    layer = Conv3D(filters=1, kernel_size=sizes, use_bias=False, **config)
    assert run(layer, FILM, weights={"kernel": kernel})[..., 0].tolist() == [expected]


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (Conv1D(filters=3, kernel_size=4, padding="same", strides=2), (2, 9, 5)),
        (Conv3D(filters=2, kernel_size=(1, 2, 3), padding="same", strides=2), (2, 3, 4, 5, 2)),
        (Conv2D(filters=4, kernel_size=(2, 3), padding="same", groups=2, activation="tanh"), (2, 5, 7, 6)),
    ],
)
def test_channels_first_is_channels_last_transposed(layer: Any, shape: tuple[int, ...]) -> None:
    x = numpy.random.default_rng(3).normal(size=shape)
    weights = weights_of(layer, shape)
    config = {name: getattr(layer, name) for name in ("filters", "kernel_size", "padding", "strides", "groups")}
    first = type(layer)(**config, activation=layer.activation, data_format="channels_first")
    expected = np.moveaxis(run(layer, x, weights=weights), -1, 1)
    assert numpy.array_equal(run(first, np.moveaxis(x, -1, 1), weights=weights), expected)


def test_weights_in_the_layout_of_keras() -> None:
    drawn = Conv2D(filters=32, kernel_size=3, groups=2).weights((None, 8, 8, 6))
    assert {name: (w.shape, w.draw) for name, w in drawn.items()} == {
        "kernel": ((3, 3, 3, 32), "kernel"),
        "bias": ((32,), "bias"),
    }
    assert list(Conv1D(filters=2, kernel_size=4, use_bias=False).weights((1, 9, 5))) == ["kernel"]


@pytest.mark.parametrize(
    ("config", "shape", "rule"),
    [
        ({"kernel_size": 4}, (2, 50, 3), "valid: floor((50 - 4) / 1) + 1 = 47"),
        (
            {"kernel_size": 4, "padding": "same"},
            (2, 50, 3),
            "same: ceil(50 / 1) = 50; total padding max(49 * 1 + 4 - 50, 0) = 3, left 1, right 2",
        ),
        (
            {"kernel_size": 3, "padding": "causal", "dilation_rate": 2},
            (2, 7, 3),
            "a window spans (3 - 1) * 2 + 1 = 5; causal: ceil(7 / 1) = 7; padding 4 on the left, none on the right",
        ),
    ],
)
def test_rule_has_the_numbers_filled_in(config: dict[str, Any], shape: tuple[int, ...], rule: str) -> None:
    assert Conv1D(filters=1, **config).rule(shape) == rule


@pytest.mark.parametrize(
    ("type", "config", "shape", "message"),
    [
        ("Conv1D", {"filters": 4, "kernel_size": 2, "groups": 3}, (1, 5, 6), "filters=4 must be a positive multiple"),
        ("Conv1D", {"filters": 4, "kernel_size": 2, "groups": 0}, (1, 5, 6), "filters=4 must be a positive multiple"),
        ("Conv1D", {"filters": 4, "kernel_size": 0}, (1, 5, 6), "kernel_size=0 must be positive"),
        ("Conv1D", {"filters": 4, "kernel_size": 2, "strides": 2, "dilation_rate": 2}, (1, 5, 6), "cannot be combined"),
        ("Conv1D", {"filters": 4, "kernel_size": 2, "groups": 4}, (1, 5, 6), "the input has 6 channels"),
        ("Conv1D", {"filters": 4, "kernel_size": 4}, (1, 3, 6), "a window over 4 steps does not fit into 3"),
        ("Conv1D", {"filters": 4, "kernel_size": 2, "dilation_rate": 3}, (1, 3, 6), "a window over 4 steps does not"),
        (
            "Conv1D",
            {"filters": 4, "kernel_size": 2},
            (1, 2, 3, 6),
            r"needs an input of rank 3, got shape \(1, 2, 3, 6\)",
        ),
        ("Conv2D", {"filters": 4, "kernel_size": [2, 2, 2]}, (1, 5, 5, 6), "needs 1 or 2 numbers"),
    ],
)
def test_what_cannot_work_is_an_error(type: str, config: dict[str, Any], shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(LayerError, match=message):
        run(make(type, config), numpy.ones(shape))


@pytest.mark.parametrize("groups", [1, 2])
def test_a_kernel_made_for_other_channels_is_an_error(groups: int) -> None:
    """Of two more the kernel would see the first only, as if the others were not there."""
    kernel = numpy.ones((2, 4 // groups, 6))
    assert correlate(numpy.ones((1, 3, 2, 4)), kernel, groups).shape == (1, 3, 6)
    with pytest.raises(LayerError, match="the input has 6 channels, and the kernel was made for 4"):
        correlate(numpy.ones((1, 3, 2, 6)), kernel, groups)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (Conv1D(filters=3, kernel_size=4, padding="same", strides=2, activation="tanh"), (2, 7, 2)),
        (Conv1D(filters=4, kernel_size=2, padding="causal", dilation_rate=3, groups=2), (2, 7, 6)),
        (Conv2D(filters=2, kernel_size=(2, 3), data_format="channels_first"), (2, 3, 4, 5)),
        (Conv3D(filters=2, kernel_size=(1, 2, 3), padding="same"), (1, 2, 3, 4, 2)),
    ],
)
def test_gradient(layer: Any, shape: tuple[int, ...]) -> None:
    assert_gradient_matches_finite_difference(layer, numpy.random.default_rng(1).normal(size=shape))


SAME_EVEN = Conv1D(filters=3, kernel_size=4, padding="same", activation="tanh")
SAME_STRIDED = Conv1D(filters=3, kernel_size=3, strides=2, padding="same")
CAUSAL = Conv1D(filters=3, kernel_size=3, padding="causal", dilation_rate=2)
GROUPED = Conv1D(filters=6, kernel_size=2, groups=2)
REVEALING = {
    "odd_padding_left": SAME_EVEN,
    "half_kernel_padding": SAME_EVEN,
    "stride_ignored_in_padding": SAME_STRIDED,
    "flipped_kernel": SAME_EVEN,
    "reshaped_kernel": SAME_EVEN,
    "no_bias": SAME_EVEN,
    "no_activation": SAME_EVEN,
    "no_dilation": CAUSAL,
    "interleaved_groups": GROUPED,
    "looks_ahead": CAUSAL,
    "causal_as_same": CAUSAL,
    "bias_along_the_last_axis": Conv1D(filters=4, kernel_size=1, data_format="channels_first"),
    "dilates_padding_only": CAUSAL,
}
"""Mutant to a layer whose answer it changes."""
REVEALING_2D = {
    "odd_padding_left": Conv2D(filters=3, kernel_size=(2, 4), padding="same"),
    "half_kernel_padding": Conv2D(filters=3, kernel_size=(2, 4), padding="same"),
    "stride_ignored_in_padding": Conv2D(filters=3, kernel_size=3, strides=2, padding="same"),
    "flipped_kernel": Conv2D(filters=3, kernel_size=(2, 3)),
    "reshaped_kernel": Conv2D(filters=3, kernel_size=(2, 3)),
    "no_bias": Conv2D(filters=3, kernel_size=(2, 3)),
    "no_activation": Conv2D(filters=3, kernel_size=2, activation="relu"),
    "no_dilation": Conv2D(filters=3, kernel_size=2, dilation_rate=(1, 2)),
    "dilates_padding_only": Conv2D(filters=3, kernel_size=2, dilation_rate=(1, 2), padding="same"),
    "interleaved_groups": Conv2D(filters=4, kernel_size=2, groups=2, data_format="channels_first"),
    "transposed_kernel": Conv2D(filters=3, kernel_size=(2, 3)),
    "bias_along_the_last_axis": Conv2D(filters=4, kernel_size=1, data_format="channels_first"),
}
_SAME_3D = Conv3D(filters=3, kernel_size=(1, 2, 3), padding="same", activation="tanh")
REVEALING_3D = {
    **dict.fromkeys(("odd_padding_left", "half_kernel_padding", "flipped_kernel", "reshaped_kernel"), _SAME_3D),
    **dict.fromkeys(("no_bias", "no_activation", "frames_last"), _SAME_3D),
    "stride_ignored_in_padding": Conv3D(filters=3, kernel_size=3, strides=2, padding="same"),
    "no_dilation": Conv3D(filters=3, kernel_size=2, dilation_rate=(1, 2, 1)),
    "dilates_padding_only": Conv3D(filters=3, kernel_size=2, dilation_rate=(1, 2, 1), padding="same"),
    "interleaved_groups": Conv3D(filters=4, kernel_size=2, groups=2),
    "bias_along_the_last_axis": Conv3D(filters=4, kernel_size=1, data_format="channels_first"),
}


@pytest.mark.parametrize(
    ("kind", "revealing", "shape"),
    [
        (Conv1D, REVEALING, (2, 8, 4)),
        (Conv2D, REVEALING_2D, (2, 4, 6, 4)),
        (Conv3D, REVEALING_3D, (2, 2, 4, 6, 4)),
    ],
)
def test_every_mutant_changes_the_answer(kind: Any, revealing: dict[str, Any], shape: tuple[int, ...]) -> None:
    assert {mutant.name for mutant in kind.mutants} == set(revealing)
    x = numpy.random.default_rng(5).normal(size=shape)
    for mutant in kind.mutants:
        layer = revealing[mutant.name]
        weights = weights_of(layer, shape)
        right, wrong = run(layer, x, weights=weights), run(with_mistake(layer, type(layer), mutant), x, weights=weights)
        assert right.shape != wrong.shape or not numpy.allclose(right, wrong), mutant.name
