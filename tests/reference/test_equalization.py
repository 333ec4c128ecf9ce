"""Equalised histograms against numbers by hand and published ones."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from conformance.reference.base import LayerError, make
from conformance.reference.equalization import ContrastLimitedAdaptiveHistogramEqualization, Equalization
from tests.reference.helpers import is_seen, run

BLOCK = numpy.array(
    [
        [52, 55, 61, 59, 79, 61, 76, 61],
        [62, 59, 55, 104, 94, 85, 59, 71],
        [63, 65, 66, 113, 144, 104, 63, 72],
        [64, 70, 70, 126, 154, 109, 71, 69],
        [67, 73, 68, 106, 122, 88, 68, 68],
        [68, 79, 60, 70, 77, 66, 58, 75],
        [69, 85, 64, 58, 55, 61, 65, 83],
        [70, 87, 69, 68, 65, 73, 78, 90],
    ],
    dtype=float,
)
"""The 8 by 8 example of Wikipedia, "Histogram equalization": 52 becomes 0, 154 becomes 255."""
CLAHE = ContrastLimitedAdaptiveHistogramEqualization


def test_the_published_block() -> None:
    """Wikipedia, "Histogram equalization": the first equalised row, and 78, (46 - 1) / 63 of 255, which is 182."""
    y = run(Equalization(), BLOCK[None, :, :, None])[0, :, :, 0]
    assert y[0].tolist() == [0, 12, 53, 32, 190, 53, 174, 53]
    assert y[7, 6] == 182
    assert (y.min(), y.max()) == (0, 255)


def test_few_values_by_hand() -> None:
    """1 1 2 3: one of four values of 1 is off, (2 - 2) / 2, (3 - 2) / 2, (4 - 2) / 2 of 255; 127.5 becomes 128."""
    x = numpy.array([[[[1.0], [1.0]], [[2.0], [3.0]]]])
    assert run(Equalization(), x).ravel().tolist() == [0, 0, 128, 255]
    assert run(Equalization(bins=2), x).ravel().tolist() == [1, 1, 2, 3]
    assert run(Equalization(value_range=(-1, 1)), x * 0 + 0.5).ravel().tolist() == [0.5] * 4


def test_each_image_and_each_channel_by_itself() -> None:
    random = numpy.random.default_rng(2)
    x = random.integers(0, 256, size=(2, 4, 5, 3)).astype(float)
    whole = run(Equalization(), x)
    for image in range(2):
        numpy.testing.assert_array_equal(whole[image], run(Equalization(), x[image]))
    first = run(Equalization(data_format="channels_first"), numpy.moveaxis(x, -1, 1))
    numpy.testing.assert_array_equal(numpy.moveaxis(first, 1, -1), whole)
    assert is_seen(Equalization(), "whole_batch", x)


def test_one_tile_without_a_limit_is_plain_equalisation_from_the_lowest_byte() -> None:
    """By hand: of 0 1 2 3 the counts up to each are 1 2 3 4, (C - 1) / 3 of 255."""
    layer = CLAHE(clip_limit=0.0, tile_grid_size=(1, 1))
    x = numpy.array([[[[0.0], [1.0]], [[2.0], [3.0]]]])
    assert run(layer, x).ravel().tolist() == [0, 85, 170, 255]


def test_what_lies_above_the_limit_is_dealt_out() -> None:
    """By hand: 64 zeros, a limit of 64 * 64 / 256 = 16: 48 of them over 256 values, 0.1875 each; 16.1875 up to 0.

    Up to 10 there are 16.1875 + 10 * 0.1875, less those of 0: 1.875 of 64 - 16.1875 = 47.8125.
    """
    layer = CLAHE(clip_limit=64.0, tile_grid_size=(1, 1))
    table = layer.table(numpy.zeros((8, 8), int))
    assert table[[0, 10, 255]].tolist() == pytest.approx([0, 255 * 1.875 / 47.8125, 255])


def test_between_two_tiles() -> None:
    """By hand: two tiles of 4 have their centres at 2 and 6; 3 is a quarter of the way, 7 beyond the last one."""
    (before, near), (after, far) = CLAHE().between(8, 4, 2)
    assert before.tolist() == [0, 0, 0, 0, 0, 0, 1, 1]
    assert after.tolist() == [0, 0, 1, 1, 1, 1, 1, 1]
    assert far[2:6].tolist() == [0, 0.25, 0.5, 0.75]
    assert (near + far).tolist() == [1] * 8


@pytest.mark.parametrize(
    ("kind", "config", "shape"),
    [
        ("Equalization", {"bins": 0}, (2, 2, 1)),
        ("Equalization", {}, (2, 2)),
        ("ContrastLimitedAdaptiveHistogramEqualization", {"tile_grid_size": [2, 2, 2]}, (2, 2, 1)),
        ("ContrastLimitedAdaptiveHistogramEqualization", {"tile_grid_size": [0, 2]}, (2, 2, 1)),
    ],
)
def test_what_cannot_be(kind: str, config: dict[str, Any], shape: tuple[int, ...]) -> None:
    with pytest.raises(LayerError):
        run(make(kind, config), numpy.zeros(shape))
