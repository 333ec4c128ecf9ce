"""Augmentations in ranges of one value, against numbers placed by hand."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from conformance.reference.base import LayerError, Weights, make
from conformance.reference.catalog import LAYERS
from conformance.reference.image_colors import AutoContrast
from conformance.reference.traits import Drawn
from tests.reference.helpers import assert_gradient_matches_finite_difference, is_seen, run

SQUARE = numpy.array([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1)
PIXEL = numpy.array([100.0, 200.0, 50.0]).reshape(1, 1, 1, 3)
IMAGES = numpy.random.default_rng(0).uniform(10, 240, size=(2, 4, 6, 3))

BY_HAND: dict[str, tuple[dict[str, Any], numpy.ndarray, list[float]]] = {
    # keras.io/api/layers/preprocessing_layers/image_augmentation/solarization: [59 62 63] becomes [196, 193, 192]
    "Solarization": ({}, numpy.array([59.0, 62, 63]).reshape(1, 1, 3, 1), [196, 193, 192]),
    # 0.2 * 255 = 51, cut off at 255
    "RandomBrightness": ({"factor": (0.2, 0.2)}, numpy.array([0.0, 250]).reshape(1, 1, 2, 1), [51, 255]),
    "RandomContrast": ({"factor": 0.0}, numpy.array([-1.0, 9, 256]).reshape(1, 1, 3, 1), [0, 9, 255]),
    # ITU-R BT.601: 29.89 + 117.4 + 5.7
    "RandomGrayscale": ({"factor": 1.0}, PIXEL, [152.99] * 3),
    "RandomColorDegeneration": ({"factor": (0.25, 0.25)}, PIXEL, [113.2475, 188.2475, 75.7475]),
    "RandomInvert": ({"factor": (1.0, 1.0)}, PIXEL, [155, 55, 205]),
    # V = 200, S = 3/4 becomes 3/16: 200 - 100/4, 200, 200 - 150/4
    "RandomSaturation": ({"factor": (0.2, 0.2)}, PIXEL, [175, 200, 162.5]),
    "RandomPosterization": ({"factor": 3}, PIXEL, [96, 192, 32]),
    # with w = exp(-1/2): w / (1 + 2 w) = 0.27406862 and 1 / (1 + 2 w) = 0.45186276; of the rows above and below there
    # are none, so that the middle weight alone is left of the other axis
    "RandomGaussianBlur": (
        {"factor": (1.0, 1.0), "kernel_size": 3, "sigma": (1.0, 1.0)},
        numpy.array([0.0, 1.0, 0.0]).reshape(1, 1, 3, 1),
        [0.27406862 * 0.45186276, 0.45186276 * 0.45186276, 0.27406862 * 0.45186276],
    ),
    "RandomTranslation": ({"height_factor": (0.5, 0.5), "width_factor": 0.0}, SQUARE, [1, 2, 1, 2]),
    # 1/2 + (i - 1/2) / 2 = 1/4 and 3/4 on both axes
    "RandomZoom": ({"height_factor": (-0.5, -0.5)}, SQUARE, [1.75, 2.25, 2.75, 3.25]),
    "RandomRotation": ({"factor": (0.25, 0.25), "interpolation": "nearest"}, SQUARE, [2, 4, 1, 3]),
}
STILL: dict[str, dict[str, Any]] = {
    "RandomErasing": {"factor": 0.0},
    "RandomElasticTransform": {"factor": 0.0},
    "RandomPerspective": {"factor": 0.0},
    "RandomShear": {},
    "RandomHue": {"factor": 0.0},
    "RandomSharpness": {"factor": (0.5, 0.5)},
    "RandomColorJitter": {},
}
DRAWING: dict[str, dict[str, Any]] = {
    **{name: {} for name in ("RandomFlip", "AugMix", "RandAugment", "RandomErasing")},
    "RandomInvert": {"factor": 1.0},
    "RandomBrightness": {"factor": 0.5},
    "RandomContrast": {"factor": 0.5},
    "RandomGrayscale": {"factor": 0.5},
    "RandomHue": {"factor": (0.25, 0.25)},
    "RandomSharpness": {"factor": 0.5},
    "RandomColorJitter": {"hue_factor": 0.5},
    "RandomShear": {"x_factor": (0.5, 0.5)},
    "RandomElasticTransform": {},
    "RandomPerspective": {},
    "RandomTranslation": {"height_factor": 0.5, "width_factor": 0.0},
    "Solarization": {"threshold_factor": 0.5},
    "RandomCrop": {"height": 2, "width": 2},
}


@pytest.mark.parametrize("name", BY_HAND)
def test_by_hand(name: str) -> None:
    config, x, wanted = BY_HAND[name]
    layer = make(name, config)
    assert run(layer, x, training=True).ravel().tolist() == pytest.approx(wanted)
    assert run(layer, x, training=False).tolist() == x.tolist()
    assert run(layer, x[0], training=True).ravel().tolist() == pytest.approx(wanted)


@pytest.mark.parametrize("name", STILL)
def test_nothing_to_do(name: str) -> None:
    layer = make(name, STILL[name])
    assert run(layer, IMAGES, training=True) is not IMAGES
    assert run(layer, IMAGES, training=True) == pytest.approx(IMAGES)
    assert run(layer, IMAGES, training=False).tolist() == IMAGES.tolist()


DRAWS = (
    "RandomBrightness",
    "RandomContrast",
    "RandomFlip",
    "RandomGrayscale",
    "RandomInvert",
    "RandomTranslation",
    "Solarization",
)
"""Of these the reference knows what is drawn, and draws too."""


@pytest.mark.parametrize("name", DRAWS)
def test_images_are_drawn_for_one_by_one(name: str) -> None:
    layer = make(name, DRAWING[name])
    many = numpy.repeat(numpy.random.default_rng(1).uniform(0, 255, (1, 3, 3, 3)), 40, axis=0)
    first, again = (layer.call(Weights({}, None, numpy.random.default_rng(7)), many) for _ in range(2))
    other = layer.call(Weights({}, None, numpy.random.default_rng(8)), many)
    assert numpy.array_equal(first, again)
    assert not numpy.array_equal(first, other)
    assert len({image.tobytes() for image in first}) > 1
    assert layer.draws_with(DRAWING[name])


@pytest.mark.parametrize("name", [name for name in DRAWING if name not in DRAWS])
def test_what_is_drawn_is_refused(name: str) -> None:
    with pytest.raises(LayerError, match=r"single answer|no formula"):
        run(make(name, DRAWING[name]), IMAGES, training=True)


def test_auto_contrast_by_hand() -> None:
    """10 20 30 40 to 0 .. 255, each channel by itself; a channel of one value stays."""
    x = numpy.stack([numpy.array([10.0, 20, 30, 40]), numpy.full(4, 7.0)], axis=-1).reshape(1, 2, 2, 2)
    assert run(AutoContrast(), x)[0, ..., 0].ravel().tolist() == [0, 85, 170, 255]
    assert run(AutoContrast(), x)[0, ..., 1].ravel().tolist() == [7] * 4
    for name in ("whole_image", "whole_batch", "always_255"):
        assert is_seen(AutoContrast(value_range=(0, 1)), name, IMAGES), name


@pytest.mark.parametrize(
    ("mode", "wanted"),
    [("reflect", [2, 1, 1, 2]), ("wrap", [3, 4, 1, 2]), ("nearest", [1, 1, 1, 2]), ("constant", [9, 9, 1, 2])],
)
def test_beyond_the_edge(mode: str, wanted: list[float]) -> None:
    x = numpy.arange(1.0, 5).reshape(1, 1, 4, 1)
    config = {"height_factor": 0.0, "width_factor": (0.5, 0.5), "fill_mode": mode, "fill_value": 9.0}
    assert run(make("RandomTranslation", config), x, training=True).ravel().tolist() == wanted


def test_a_crop_outside_of_training_is_the_middle_resized() -> None:
    """4 by 6 to 2 by 2: the square in the middle, columns 1 to 4, each two of which are averaged."""
    x = numpy.arange(24.0).reshape(1, 4, 6, 1)
    y = run(make("RandomCrop", {"height": 2, "width": 2}), x, training=False)
    assert y.ravel().tolist() == [4.5, 6.5, 16.5, 18.5]
    assert run(make("RandomCrop", {"height": 4, "width": 6}), x, training=True).tolist() == x.tolist()


@pytest.mark.parametrize("name", [name for name in BY_HAND if name != "RandomPosterization"])
def test_gradients(name: str) -> None:
    layer = make(name, BY_HAND[name][0])
    assert_gradient_matches_finite_difference(layer, IMAGES, training=True)


@pytest.mark.parametrize("name", [*BY_HAND, *STILL])
def test_mutants_of_inference_are_seen(name: str) -> None:
    layer = make(name, {**BY_HAND, **{still: (config,) for still, config in STILL.items()}}[name][0])
    assert is_seen(layer, "in_inference", IMAGES, training=False)
    if "never" in {mutant.name for mutant in LAYERS[name].mutants}:
        assert is_seen(layer, "never", IMAGES, training=True)
    if "still_moves" in {mutant.name for mutant in LAYERS[name].mutants}:
        assert is_seen(layer, "still_moves", IMAGES, training=True)


@pytest.mark.parametrize(
    ("name", "config", "fill"),
    [
        ("RandomHue", {"factor": 0.0}, {"uniform": [0, 255]}),
        ("RandomInvert", {"value_range": [-1, 1]}, {"uniform": [-1, 1]}),
        ("AutoContrast", {"value_range": (0, 1)}, {"uniform": [0, 1]}),
        ("RandomFlip", {}, None),
    ],
)
def test_images_are_drawn_within_their_range(name: str, config: dict[str, Any], fill: object) -> None:
    assert LAYERS[name].drawn(config, "x", {"x": [5, 7, 3]}) == Drawn(fill=fill)


@pytest.mark.parametrize(
    ("kind", "config", "words"),
    [
        ("RandomHue", {"factor": 0.0}, "a hue is one of three channels, not of 1"),
        ("RandomSaturation", {"factor": (0.5, 0.5)}, "a saturation is one of three channels, not of 1"),
    ],
)
def test_colours_of_grey_images_are_refused_in_training_alone(kind: str, config: dict[str, Any], words: str) -> None:
    images = numpy.ones((1, 2, 2, 1))
    with pytest.raises(LayerError, match=words):
        make(kind, config).call(Weights({}), images, training=True)
    assert make(kind, config).call(Weights({}), images, training=False).shape == images.shape


def test_the_way_back_through_a_full_saturation() -> None:
    """By hand, a pixel a < b < c becomes (0, c (b - a) / (c - a), c); the way back is of that."""
    pixels = numpy.array([[[[64.0, 128.0, 255.0]]]])
    layer = make("RandomSaturation", {"factor": (1.0, 1.0)})
    numpy.testing.assert_allclose(run(layer, pixels, training=True), [[[[0.0, 255.0 * 64 / 191, 255.0]]]])
    assert_gradient_matches_finite_difference(layer, pixels, training=True)
