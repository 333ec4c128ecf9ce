"""Resizing and CenterCrop, against numbers placed by hand and the formulas of the papers."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from conformance.reference.base import LayerError, make
from conformance.reference.image_sizes import CenterCrop, Resizing
from tests.reference.helpers import assert_gradient_matches_finite_difference, is_seen, run


def row(*pixels: float, dtype: Any = float) -> numpy.ndarray:
    """One image of one row and one channel."""
    return numpy.array(pixels, dtype=dtype).reshape(1, 1, -1, 1)


def resized(x: numpy.ndarray, width: int, **config: Any) -> list[float]:
    return run(Resizing(height=1, width=width, **config), x).ravel().tolist()


@pytest.mark.parametrize(
    ("have", "wanted", "kept"), [(5, 2, [1, 2]), (4, 3, [0, 1, 2]), (6, 3, [1, 2, 3]), (3, 3, [0, 1, 2])]
)
def test_the_middle_stays(have: int, wanted: int, kept: list[float]) -> None:
    assert run(CenterCrop(height=1, width=wanted), row(*range(have))).ravel().tolist() == kept


def test_an_image_that_is_too_small_is_cut_to_the_ratio_and_interpolated() -> None:
    """3 by 5 to a square of 4: the square in the middle has the columns 1, 2, 3, mapped to -1/8, 5/8, 11/8, 17/8."""
    y = run(CenterCrop(height=4, width=4), numpy.arange(15.0).reshape(1, 3, 5, 1))
    assert y[0, :, :, 0].tolist() == [[5 * r + c for c in (1, 1.625, 2.375, 3)] for r in (0, 0.625, 1.375, 2)]


def test_linear_weights_by_hand() -> None:
    """Of 0 8 16 24 32 at 3/4 and 13/4; antialiased with the weights 7, 9, 5, 1 of 22 and their mirror."""
    x = row(0, 8, 16, 24, 32)
    assert resized(x, 2) == [6, 26]
    assert resized(x, 2, antialias=True) == pytest.approx([8, 24])


def test_the_cubic_of_keys() -> None:
    """At 1/4, 3/4, 5/4, 7/4 it is 111, 29, -9, -3 of 128 (equation 15 for a = -1/2)."""
    assert resized(row(0, 0, 128, 0, 0), 10, interpolation="bicubic")[4:6] == pytest.approx([111, 111])


@pytest.mark.parametrize(("kind", "lobes"), [("lanczos3", 3), ("lanczos5", 5)])
def test_lanczos_by_its_formula(kind: str, lobes: int) -> None:
    """Duchon (1979): sin(pi d) sin(pi d / a) a / (pi d)^2, over the sum of the weights that there are."""
    d = numpy.array([3.5, 2.5, 1.5, 0.5, 0.5, 1.5, 2.5, 3.5])
    weights = numpy.where(
        d < lobes, lobes * numpy.sin(numpy.pi * d) * numpy.sin(numpy.pi * d / lobes) / (numpy.pi * d) ** 2, 0
    )
    pixels = numpy.arange(8.0) ** 2
    (middle,) = resized(row(*pixels), 1, interpolation=kind)
    assert middle == pytest.approx(float(weights @ pixels / weights.sum()))


def test_the_nearest_centre() -> None:
    assert resized(row(0, 1, 2, 3, 4), 2, interpolation="nearest") == [1, 3]
    assert resized(row(0, 1, 2), 7, interpolation="nearest") == [0, 0, 1, 1, 1, 2, 2]


def test_ratios_by_hand() -> None:
    x = numpy.arange(21.0).reshape(1, 3, 7, 1)
    config = {"height": 2, "width": 2, "interpolation": "nearest"}
    assert run(make("Resizing", {**config, "crop_to_aspect_ratio": True}), x).ravel().tolist() == [2, 4, 16, 18]
    config = {"height": 3, "width": 2, "interpolation": "nearest", "pad_to_aspect_ratio": True, "fill_value": -1.0}
    assert run(make("Resizing", config), x).ravel().tolist() == [-1, -1, 8, 12, -1, -1]


def test_integers_are_rounded_and_stay_in_their_range() -> None:
    assert resized(row(0, 1, 2, dtype="uint8"), 7) == [0, 0, 1, 1, 1, 2, 2]
    over = run(Resizing(height=1, width=12, interpolation="bicubic"), row(0, 0, 255, 255, 0, 0, dtype="uint8")).ravel()
    assert over.dtype == numpy.uint8
    assert over[[2, 5, 6, 9]].tolist() == [0, 255, 255, 0]


def test_what_cannot_be() -> None:
    for config in ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, {"fill_mode": "reflect"}):
        with pytest.raises(LayerError):
            make("Resizing", {"height": 2, "width": 2, **config})
    with pytest.raises(LayerError):
        run(Resizing(height=1, width=1), numpy.zeros((2, 2)))
    with pytest.raises(LayerError):
        run(Resizing(height=1, width=1), numpy.zeros((2, 2, 1), bool))


@pytest.mark.parametrize("kind", ["bilinear", "bicubic", "lanczos3", "nearest"])
def test_gradients(kind: Any) -> None:
    x = numpy.random.default_rng(0).normal(size=(2, 4, 5, 2))
    for config in ({"crop_to_aspect_ratio": True}, {"pad_to_aspect_ratio": True}, {"antialias": True}):
        layer = make("Resizing", {"height": 3, "width": 2, "interpolation": kind, **config})
        assert_gradient_matches_finite_difference(layer, x)


def test_mutants_are_seen() -> None:
    x = numpy.random.default_rng(0).normal(size=(1, 4, 7, 1))
    near = Resizing(height=3, width=2, interpolation="nearest")
    seen = {
        "corners_aligned": Resizing(height=3, width=2),
        "from_the_corner": Resizing(height=3, width=2),
        "cubic_of_torch": Resizing(height=3, width=2, interpolation="bicubic"),
        "cubic_from_a_table": Resizing(height=3, width=2, interpolation="bicubic"),
        "nearest_of_torch": near,
        "no_antialias": Resizing(height=3, width=2, antialias=True),
        "always_antialias": Resizing(height=3, width=2),
        "always_bilinear": near,
        "stretches": Resizing(height=3, width=2, crop_to_aspect_ratio=True),
        "pads_the_end": Resizing(height=3, width=2, pad_to_aspect_ratio=True),
        "pads_zeros": Resizing(height=3, width=2, pad_to_aspect_ratio=True, fill_value=2.0),
        "axes_swapped": near,
    }
    assert [name for name, layer in seen.items() if not is_seen(layer, name, x)] == []
    assert [mutant.name for mutant in CenterCrop.mutants if not _is_seen_in_a_crop(mutant.name)] == []


def _is_seen_in_a_crop(name: str) -> bool:
    x = numpy.arange(2.0 * 8 * 7).reshape(1, 8, 7, 2)
    small = numpy.arange(15.0).reshape(1, 3, 5, 1)
    layer = CenterCrop(height=1, width=2)
    return is_seen(layer, name, x) or is_seen(CenterCrop(height=4, width=4), name, small)
