"""Transposed convolution by hand, and as the transpose of the convolution that it is named after."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy
import pytest

from conformance.mutants.layer import with_mistake
from conformance.reference.base import LayerError, Mutant, make
from conformance.reference.conv import Conv1D, Conv2D
from conformance.reference.transposed import Conv1DTranspose, Conv2DTranspose
from tests.reference.helpers import assert_gradient_matches_finite_difference, run, weights_of

DIGITS = [1.0, 10.0, 100.0, 1000.0]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        # x = 1, 2: kernels of 1, 2 times the digits, one stride apart, added where they overlap.
        ({"kernel_size": 3}, [1, 10 + 2, 100 + 20, 200]),
        ({"kernel_size": 3, "strides": 2}, [1, 10, 100 + 2, 20, 200]),
        ({"kernel_size": 2, "strides": 3}, [1, 10, 0, 2, 20, 0]),
        ({"kernel_size": 2, "dilation_rate": 2}, [1, 2, 10, 20]),
        ({"kernel_size": 3, "strides": 2, "output_padding": 1}, [1, 10, 100 + 2, 20, 200, 0]),
        ({"kernel_size": 2, "strides": 3, "output_padding": 0}, [1, 10, 0, 2, 20]),
        ({"kernel_size": 3, "padding": "same"}, [10 + 2, 100 + 20]),
        ({"kernel_size": 3, "strides": 2, "padding": "same"}, [1, 10, 100 + 2, 20]),
        ({"kernel_size": 4, "strides": 2, "padding": "same"}, [10, 100 + 2, 1000 + 20, 200]),
        ({"kernel_size": 1, "strides": 2, "padding": "same"}, [1, 0, 2, 0]),
        ({"kernel_size": 3, "strides": 2, "padding": "same", "output_padding": 0}, [10, 100 + 2, 20]),
        ({"kernel_size": 3, "strides": 2, "padding": "same", "output_padding": 1}, [1, 10, 100 + 2, 20]),
    ],
)
def test_each_step_writes_a_kernel(config: dict[str, Any], expected: list[float]) -> None:
    kernel = numpy.array(DIGITS[: config["kernel_size"]])[:, None, None]
    layer = Conv1DTranspose(filters=1, use_bias=False, **config)
    assert run(layer, numpy.array([[[1.0], [2.0]]]), weights={"kernel": kernel})[0, :, 0].tolist() == expected


def test_channels_are_summed_and_steps_out_of_reach_hold_the_bias() -> None:
    kernel = numpy.array([[[1.0, 10.0], [0.0, 1.0]]])
    layer = Conv1DTranspose(filters=2, kernel_size=1, strides=2)
    y = run(layer, numpy.array([[[3.0, 4.0]]]), weights={"kernel": kernel, "bias": [0.5, 7.0]})
    assert y.tolist() == [[[3 + 40 + 0.5, 4 + 7], [0.5, 7]]]


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    ("size", "stride", "dilation"), [(3, 1, 1), (4, 1, 1), (3, 2, 1), (4, 3, 1), (5, 2, 1), (2, 1, 3)]
)
def test_it_is_the_transpose_of_the_convolution(padding: str, size: int, stride: int, dilation: int) -> None:
    """<conv(x), y> = <x, transposed(y)> for the same kernel, whose last two axes change their names."""
    config = {"kernel_size": size, "strides": stride, "dilation_rate": dilation, "padding": padding, "use_bias": False}
    random = numpy.random.default_rng(size + stride)
    y = random.normal(size=(2, 4, 5))
    kernel = random.normal(size=(size, 3, 5))
    back = run(Conv1DTranspose(filters=3, **config), y, weights={"kernel": kernel})
    x = random.normal(size=back.shape)
    forth = run(Conv1D(filters=5, **config), x, weights={"kernel": kernel})
    assert forth.shape == y.shape
    assert numpy.isclose(numpy.sum(forth * y), numpy.sum(x * back), rtol=1e-12)


SQUARE = [[1.0, 10.0], [100.0, 1000.0]]
PIXELS = numpy.array([[1.0, 2.0], [3.0, 4.0]])[None, :, :, None]


@pytest.mark.parametrize(
    ("kernel", "config", "expected"),
    [
        (SQUARE, {}, [[1, 10 + 2, 20], [100 + 3, 1000 + 200 + 30 + 4, 2000 + 40], [300, 3000 + 400, 4000]]),
        (SQUARE, {"padding": "same"}, [[1, 12], [103, 1234]]),
        (SQUARE, {"strides": 2}, [[1, 10, 2, 20], [100, 1000, 200, 2000], [3, 30, 4, 40], [300, 3000, 400, 4000]]),
        (SQUARE, {"strides": (1, 2)}, [[1, 10, 2, 20], [103, 1030, 204, 2040], [300, 3000, 400, 4000]]),
        (SQUARE, {"dilation_rate": (2, 1)}, [[1, 12, 20], [3, 34, 40], [100, 1200, 2000], [300, 3400, 4000]]),
        ([[1.0, 10.0]], {"strides": 2, "output_padding": (1, 0)}, [[1, 10, 2, 20], [0] * 4, [3, 30, 4, 40], [0] * 4]),
        ([[1.0, 10.0]], {"strides": (2, 1), "padding": "same"}, [[1, 12], [0, 0], [3, 34], [0, 0]]),
    ],
)
def test_each_pixel_writes_a_kernel(kernel: list[list[float]], config: dict[str, Any], expected: list[Any]) -> None:
    taps = numpy.array(kernel)
    layer = Conv2DTranspose(filters=1, kernel_size=taps.shape, use_bias=False, **config)
    assert run(layer, PIXELS, weights={"kernel": taps[:, :, None, None]})[0, :, :, 0].tolist() == expected


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("paces", [{"strides": (2, 3)}, {"dilation_rate": (1, 2)}])
def test_it_is_the_transpose_of_the_convolution_of_images(padding: str, paces: dict[str, Any]) -> None:
    """<conv(x), y> = <x, transposed(y)>, as for sequences."""
    config = {"kernel_size": (3, 2), "padding": padding, "use_bias": False, **paces}
    random = numpy.random.default_rng(8)
    y, kernel = random.normal(size=(2, 4, 3, 5)), random.normal(size=(3, 2, 2, 5))
    back = run(Conv2DTranspose(filters=2, **config), y, weights={"kernel": kernel})
    x = random.normal(size=back.shape)
    forth = run(Conv2D(filters=5, **config), x, weights={"kernel": kernel})
    assert forth.shape == y.shape
    assert numpy.isclose(numpy.sum(forth * y), numpy.sum(x * back), rtol=1e-12)


def test_channels_first_is_channels_last_transposed() -> None:
    layer = Conv1DTranspose(filters=3, kernel_size=3, strides=2, padding="same")
    x = numpy.random.default_rng(3).normal(size=(2, 7, 4))
    weights = weights_of(layer, x.shape)
    first = dataclasses.replace(layer, data_format="channels_first")
    expected = numpy.moveaxis(run(layer, x, weights=weights), -1, 1)
    assert numpy.array_equal(run(first, numpy.moveaxis(x, -1, 1), weights=weights), expected)


def test_weights_in_the_layout_of_keras() -> None:
    drawn = Conv1DTranspose(filters=3, kernel_size=4).weights((2, 9, 5))
    assert {name: w.shape for name, w in drawn.items()} == {"kernel": (4, 3, 5), "bias": (3,)}
    drawn = Conv2DTranspose(filters=3, kernel_size=(4, 2)).weights((2, 9, 9, 5))
    assert {name: w.shape for name, w in drawn.items()} == {"kernel": (4, 2, 3, 5), "bias": (3,)}
    assert Conv2DTranspose(filters=3, kernel_size=(4, 2), strides=3).longest_sum(drawn, (2, 9, 9, 5)) == 5 * 2 * 1


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"kernel_size": 2, "strides": 2, "dilation_rate": 2}, "strides=2 cannot be combined with dilation_rate=2"),
        ({"kernel_size": 2, "strides": 2, "output_padding": 2}, "output_padding=2 must be less than strides=2"),
        ({"kernel_size": 0}, "kernel_size=0 must be positive"),
        (
            {"kernel_size": 4, "strides": 2, "padding": "same", "output_padding": 0},
            "output_padding=0 asks for 4 steps, and `same` with a stride of 2 does not take 4 steps to 3",
        ),
    ],
)
def test_what_cannot_work_is_an_error(config: dict[str, Any], message: str) -> None:
    with pytest.raises(LayerError, match=message):
        run(make("Conv1DTranspose", {"filters": 1, **config}), numpy.ones((1, 3, 2)))


def test_rule_has_the_numbers_filled_in() -> None:
    layer = Conv1DTranspose(filters=1, kernel_size=4, strides=2, padding="same")
    assert layer.rule((1, 3, 2)) == "same: kernels cover (3 - 1) * 2 + 4 = 8 steps; 6 are given, from step 1 on"


def test_rule_of_an_image_names_rows_then_columns() -> None:
    layer = Conv2DTranspose(filters=1, kernel_size=(4, 3), strides=2, padding="same")
    assert layer.rule((1, 3, 5, 2)) == (
        "same: kernels cover (3 - 1) * 2 + 4 = 8 steps; 6 are given, from step 1 on; then "
        "same: kernels cover (5 - 1) * 2 + 3 = 11 steps; 10 are given, from step 0 on"
    )


SAME = Conv1DTranspose(filters=3, kernel_size=3, strides=2, padding="same", activation="tanh")
LONG_STRIDE = Conv1DTranspose(filters=3, kernel_size=2, strides=3)
SAME_2D = Conv2DTranspose(filters=3, kernel_size=(3, 2), strides=(2, 1), padding="same", activation="tanh")
BIAS_FIRST = Conv1DTranspose(filters=5, kernel_size=1, data_format="channels_first")
BIAS_FIRST_2D = Conv2DTranspose(filters=5, kernel_size=1, data_format="channels_first")
LONG_STRIDE_2D = Conv2DTranspose(filters=3, kernel_size=(2, 1), strides=(1, 3))


@pytest.mark.parametrize("layer", [SAME, LONG_STRIDE, SAME_2D, LONG_STRIDE_2D])
def test_gradient(layer: Any) -> None:
    shape = (2, 4, 5) if layer.rank == 1 else (2, 4, 3, 5)
    assert_gradient_matches_finite_difference(layer, numpy.random.default_rng(1).normal(size=shape))


def test_every_mutant_changes_the_answer() -> None:
    x = numpy.random.default_rng(5).normal(size=(2, 4, 5))
    for mutant in Conv1DTranspose.mutants:
        others = {"ends_with_kernel": LONG_STRIDE, "bias_along_the_last_axis": BIAS_FIRST}
        assert_seen(others.get(mutant.name, SAME), mutant, x)


def test_every_mutant_changes_the_answer_of_an_image() -> None:
    x = numpy.random.default_rng(5).normal(size=(2, 4, 3, 5))
    for mutant in Conv2DTranspose.mutants:
        others = {"ends_with_kernel": LONG_STRIDE_2D, "bias_along_the_last_axis": BIAS_FIRST_2D}
        assert_seen(others.get(mutant.name, SAME_2D), mutant, x)


def assert_seen(layer: Any, mutant: Mutant, x: Any) -> None:
    weights = weights_of(layer, x.shape)
    right, wrong = run(layer, x, weights=weights), run(with_mistake(layer, type(layer), mutant), x, weights=weights)
    assert right.shape != wrong.shape or not numpy.allclose(right, wrong), mutant.name
