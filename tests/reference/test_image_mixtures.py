"""Images mixed with those of partners, and their labels, with draws that are written down; boxes by hand."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from conformance.reference.base import LayerError, Weights
from conformance.reference.image_mixtures import CutMix, MaxNumBoundingBoxes, MixUp

IMAGES = numpy.stack([numpy.full((2, 2, 1), value) for value in (0.0, 8.0, 100.0)])
LABELS = numpy.eye(3)


class Drawn:
    """Draws that are written down: each image is mixed with the next one."""

    def __init__(self, *shares: float) -> None:
        self.shares = shares

    def permutation(self, count: int) -> Any:
        return numpy.roll(numpy.arange(count), -1)

    def beta(self, first: float, second: float, count: int) -> Any:
        self.asked = (first, second, count)
        return numpy.array(self.shares)

    def uniform(self, low: float, high: float) -> float:
        return high

    def integers(self, end: int) -> int:
        """As far down and right as there is room."""
        return end - 1


def asked(layer: Any, *shares: float) -> tuple[Any, Any, Drawn]:
    random = Drawn(*shares)
    weights = Weights({}, {}, random)
    images, labels = layer.call(weights, IMAGES, training=True, labels=LABELS)
    return images, labels, random


def test_mixed_as_in_the_paper() -> None:
    """By hand, Zhang et al. 2018: s x + (1 - s) x'. 0 and 8 in halves are 4, 8 and 100 by 3/4 are 31."""
    images, labels, random = asked(MixUp(alpha=0.4), 0.5, 0.75, 1.0)
    assert images[:, 0, 0, 0].tolist() == [4.0, 31.0, 100.0]
    assert labels.tolist() == [[0.5, 0.5, 0], [0, 0.75, 0.25], [0, 0, 1]]
    assert random.asked == (0.4, 0.4, 3)


def test_cut_as_in_the_paper() -> None:
    """By hand, Yun et al. 2019: s = 3/4 is a square of half the sides, one pixel of four; s = 0 the whole image."""
    images, labels, random = asked(CutMix(factor=0.5), 0.75, 1.0, 0.0)
    assert images[..., 0].tolist() == [[[0, 0], [0, 8]], [[8, 8], [8, 8]], [[0, 0], [0, 0]]]
    assert labels.tolist() == [[0.75, 0.25, 0], [0, 1, 0], [1, 0, 0]]
    assert random.asked == (0.5, 0.5, 3)


def test_labels_follow_the_pixels_and_not_the_draw() -> None:
    """By hand: of two pixels a side, a share of 0.6 leaves a square of round(2 sqrt(0.4)) = 1, a quarter."""
    _, labels, _ = asked(CutMix(), 0.6, 0.6, 0.6)
    assert numpy.diag(labels).tolist() == [0.75, 0.75, 0.75]


BOXES = numpy.arange(12.0).reshape(1, 3, 4)
NAMES = numpy.array([[7, 8, 9]])


def boxes(most: int, **more: Any) -> tuple[Any, Any]:
    layer = MaxNumBoundingBoxes(max_number=most, bounding_box_format="xyxy", **more)
    _, found, labels = layer.call(Weights({}), IMAGES[:1], boxes=BOXES, box_labels=NAMES)
    assert labels.dtype == NAMES.dtype
    return found.tolist(), labels.tolist()


def test_boxes_are_cut_off_or_filled_in() -> None:
    assert boxes(2) == ([[[0, 1, 2, 3], [4, 5, 6, 7]]], [[7, 8]])
    assert boxes(3) == (BOXES.tolist(), [[7, 8, 9]])
    assert boxes(4, fill_value=-2) == ([[*BOXES[0].tolist(), [-2] * 4]], [[7, 8, 9, -2]])
    assert boxes(0) == ([[]], [[]])


def test_images_alone_stay() -> None:
    assert MaxNumBoundingBoxes(max_number=2).call(Weights({}), IMAGES) is IMAGES


@pytest.mark.parametrize(
    ("config", "given", "said"),
    [
        ({}, {"boxes": BOXES, "box_labels": NAMES}, "boxes need a bounding_box_format"),
        ({"bounding_box_format": "xyxy"}, {"boxes": BOXES}, "boxes and box_labels come together"),
        ({"bounding_box_format": "xyxy"}, {"box_labels": NAMES}, "boxes and box_labels come together"),
    ],
)
def test_boxes_that_say_too_little(config: Any, given: Any, said: str) -> None:
    with pytest.raises(LayerError, match=said):
        MaxNumBoundingBoxes(max_number=2, **config).call(Weights({}), IMAGES, **given)
