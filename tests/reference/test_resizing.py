"""Interpolation by hand: where each pixel of a larger image stands between the pixels of the smaller one."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy
import pytest

from conformance.reference.base import LayerError, make
from conformance.reference.resizing import UpSampling2D, centred, cornered, cubic, from_the_corner, lanczos
from tests.reference.helpers import assert_gradient_matches_finite_difference, is_seen, run


def along(numbers: list[float]) -> Any:
    """One row of one channel: (1, 1, columns, 1)."""
    return numpy.array(numbers, dtype=float)[None, None, :, None]


def test_pixels_are_repeated() -> None:
    """The example of keras.layers.UpSampling2D, and both axes of 1 2 / 3 4."""
    x = numpy.arange(12.0).reshape(2, 2, 1, 3)
    expected = [[[[0, 1, 2]] * 2, [[3, 4, 5]] * 2], [[[6, 7, 8]] * 2, [[9, 10, 11]] * 2]]
    assert run(UpSampling2D(size=(1, 2)), x).tolist() == expected
    square = numpy.array([[1.0, 2.0], [3.0, 4.0]])[None, :, :, None]
    assert run(UpSampling2D(size=(2, 1)), square)[0, :, :, 0].tolist() == [[1, 2], [1, 2], [3, 4], [3, 4]]


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        # 3 pixels twice over: centres at 1/4, 3/4, ... pixels of the input, less the half of its own first pixel.
        (centred, [-0.25, 0.25, 0.75, 1.25, 1.75, 2.25]),
        (cornered, [0, 0.4, 0.8, 1.2, 1.6, 2]),
        (from_the_corner, [0, 0.5, 1, 1.5, 2, 2.5]),
    ],
)
def test_where_pixels_stand(places: Any, expected: list[float]) -> None:
    numpy.testing.assert_allclose(places(3, 6), expected, atol=1e-15)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        # quarters of the way: 3/4 * 0 + 1/4 * 8 = 2, ...; at the ends the only pixel there is
        (2, [0, 2, 6, 10, 14, 16]),
        # thirds: at 1/3 before the pixel, on it and 1/3 behind
        (3, [0, 0, 8 / 3, 16 / 3, 8, 32 / 3, 40 / 3, 16, 16]),
        (1, [0, 8, 16]),
    ],
)
def test_a_line_between_two_pixels(size: int, expected: list[float]) -> None:
    layer = UpSampling2D(size=(1, size), interpolation="bilinear")
    numpy.testing.assert_allclose(run(layer, along([0, 8, 16]))[0, 0, :, 0], expected, rtol=1e-14)


def test_the_cubic_of_keys() -> None:
    """Keys (1981), equation 15: 1 - 2.5 s^2 + 1.5 s^3 up to 1, 2 - 4 s + 2.5 s^2 - 0.5 s^3 up to 2."""
    s = numpy.array([0.0, 0.5, 1.0, 1.5, 2.0])
    expected = [1, 1 - 2.5 / 4 + 1.5 / 8, 0, 2 - 6 + 2.5 * 2.25 - 0.5 * 3.375, 0]
    numpy.testing.assert_allclose(cubic(s), expected, atol=1e-15)


def test_a_cubic_between_four_pixels_and_at_the_edge() -> None:
    """By hand with the weights at 1/4, 3/4, 5/4, 7/4: 111, 29, -9 and -3 of 128; at the edge those that are there."""
    y = run(UpSampling2D(size=(1, 2), interpolation="bicubic"), along([0, 0, 1, 0, 0]))[0, 0, :, 0]
    # column 4 stands at 1.75, all four are there, and the pixel at 2 is 1/4 away
    assert y[4] == pytest.approx(111 / 128, rel=1e-14)
    # column 2 stands at 0.75: pixels 0, 1, 2 are there, the one at -1 (weight -3) is not: 29 + 111 - 9 = 131
    assert y[2] == pytest.approx(-9 / 131, rel=1e-14)
    # column 1 stands at 0.25: pixels 0, 1, 2 are there, the one at -1 (weight -9) is not: 111 + 29 - 3 = 137
    assert y[1] == pytest.approx(-3 / 137, rel=1e-14)


def test_lanczos_by_its_formula() -> None:
    """sinc(1/2) sinc(1/6) = (2 / pi) (6 / pi sin(pi / 6)) = 6 / pi^2; 0 at whole distances and from `lobes` on."""
    numpy.testing.assert_allclose(lanczos(numpy.array([0.0, 0.5, 1.0, 3.5]), 3), [1, 6 / math.pi**2, 0, 0], atol=1e-15)
    y = run(UpSampling2D(size=(1, 3), interpolation="lanczos3"), along([1, 2, 4, 8]))[0, 0, :, 0]
    numpy.testing.assert_allclose(y[1::3], [1, 2, 4, 8], rtol=1e-12)


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"])
def test_what_is_even_stays_even_and_rows_and_columns_are_apart(interpolation: Any) -> None:
    layer = UpSampling2D(size=(2, 3), interpolation=interpolation)
    numpy.testing.assert_allclose(run(layer, numpy.full((1, 4, 3, 2), 7.0)), numpy.full((1, 8, 9, 2), 7.0), rtol=1e-13)
    x = numpy.random.default_rng(3).normal(size=(2, 4, 3, 2))
    by_axis = run(dataclasses.replace(layer, size=(1, 3)), run(dataclasses.replace(layer, size=(2, 1)), x))
    numpy.testing.assert_allclose(run(layer, x), by_axis, rtol=1e-12, atol=1e-14)
    first = dataclasses.replace(layer, data_format="channels_first")
    numpy.testing.assert_array_equal(run(first, numpy.moveaxis(x, -1, 1)), numpy.moveaxis(run(layer, x), -1, 1))
    assert_gradient_matches_finite_difference(layer, x)


def test_rule_and_longest_sum() -> None:
    assert UpSampling2D(size=(2, 3)).rule((1, 4, 5, 2)) == "2 * 4 = 8; 3 * 5 = 15"
    assert UpSampling2D(interpolation="bicubic").longest_sum({}, (1, 3, 7, 2)) == 3 * 4


@pytest.mark.parametrize(
    ("config", "shape", "message"),
    [
        ({}, (1, 2, 3), "needs an input of rank 4"),
        ({"size": 0}, (1, 2, 3, 1), "size=0 must be positive"),
        ({"interpolation": "cubic"}, (1, 2, 3, 1), "there is no interpolation cubic"),
    ],
)
def test_refused(config: dict[str, Any], shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(LayerError, match=message):
        run(make("UpSampling2D", config), numpy.ones(shape))


SCENES = {
    "whole_image": "nearest",
    "corners_aligned": "bilinear",
    "from_the_corner": "bilinear",
    "cubic_of_torch": "bicubic",
    "cubic_from_a_table": "bicubic",
    "always_nearest": "bilinear",
    "axes_swapped": "nearest",
    "wrong_axis": "nearest",
}


@pytest.mark.parametrize(("name", "interpolation"), SCENES.items())
def test_mutants_are_seen(name: str, interpolation: Any) -> None:
    assert set(SCENES) == {mutant.name for mutant in UpSampling2D.mutants}
    layer = UpSampling2D(size=(2, 3), interpolation=interpolation)
    assert is_seen(layer, name, numpy.random.default_rng(4).normal(size=(2, 3, 4, 2)))
