"""The image pipeline: which samples a batch holds, and that labels and weights stay with them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy
import pytest

from conformance.reference.base import LayerError, make
from conformance.reference.pipeline import ImageBatches
from tests.reference.helpers import is_seen, run

LABELS = numpy.arange(10)
IMAGES = numpy.ones((10, 3, 4, 1)) * LABELS[:, None, None, None]
"""Sample i is an image of i, labelled i, with weight 10 i: what belongs together can be seen in any order."""
WEIGHTS = 10.0 * LABELS


def together(batch: list[Any], rescale: float = 1.0) -> list[int]:
    """The samples of a batch, after a check that images, labels and weights are theirs."""
    images, labels, weights = batch
    assert (images == rescale * labels[:, None, None, None]).all()
    assert (weights == 10.0 * labels).all()
    return [int(label) for label in labels]


@pytest.mark.parametrize(
    ("config", "samples"),
    [
        # By hand: int(10 x 0.3) = 3 samples are kept for validation, the first ones.
        ({"shuffle": False, "batch_size": 4}, [0, 1, 2, 3]),
        ({"shuffle": False, "subset": "validation"}, [0, 1, 2]),
        ({"shuffle": False, "subset": "training"}, [3, 4, 5, 6, 7, 8, 9]),
        ({"shuffle": False, "subset": "training", "batch_size": 2, "rescale": 0.5}, [3, 4]),
    ],
)
def test_which_samples(config: dict[str, Any], samples: list[int]) -> None:
    layer = make("ImageBatches", {"validation_split": 0.3, "ignore_class_split": True, **config})
    assert together(run(layer, IMAGES, LABELS, WEIGHTS), config.get("rescale", 1.0)) == samples


def test_a_random_order_keeps_samples_together() -> None:
    layer = ImageBatches(subset="training", validation_split=0.3, ignore_class_split=True, horizontal_flip=True)
    samples = together(run(layer, IMAGES, LABELS, WEIGHTS))
    assert samples != sorted(samples)
    assert sorted(samples) == [3, 4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize(("option", "axis"), [("horizontal_flip", 2), ("vertical_flip", 1)])
def test_flips(option: str, axis: int) -> None:
    """Every image comes out as it was or mirrored along one axis, and some of both kinds."""
    images = numpy.arange(10 * 12.0).reshape(10, 3, 4, 1)
    out, labels = run(make("ImageBatches", {"shuffle": False, option: True}), images, LABELS)
    assert labels.tolist() == LABELS.tolist()
    kept = [bool((new == old).all()) for new, old in zip(out, images, strict=True)]
    flipped = [bool((new == numpy.flip(old, axis - 1)).all()) for new, old in zip(out, images, strict=True)]
    assert all(one != other for one, other in zip(kept, flipped, strict=True))
    assert any(kept)
    assert any(flipped)


def test_without_weights_a_batch_is_a_pair() -> None:
    assert len(run(ImageBatches(), IMAGES, LABELS)) == 2


@pytest.mark.parametrize(
    ("layer", "args", "message"),
    [
        (ImageBatches(), (IMAGES[0], LABELS, WEIGHTS), "images come as"),
        (ImageBatches(), (IMAGES, LABELS[:9], WEIGHTS), r"different numbers of samples: \[10, 9, 10\]"),
        (ImageBatches(subset="training", validation_split=0.3), (IMAGES, LABELS), "same labels"),
        (ImageBatches(validation_split=1.0), (IMAGES, LABELS), "a share below 1"),
    ],
)
def test_what_cannot_be_a_batch(layer: Any, args: Any, message: str) -> None:
    with pytest.raises(LayerError, match=message):
        run(layer, *args)


@pytest.mark.parametrize("name", [mutant.name for mutant in ImageBatches.mutants])
def test_mutants_are_seen(name: str) -> None:
    layer = ImageBatches(subset="training", validation_split=0.3, ignore_class_split=True, shuffle=False, rescale=0.5)
    if name == "flips_the_other_axis":
        layer = dataclasses.replace(layer, horizontal_flip=True)
    if name == "split_rounded_up":
        layer = dataclasses.replace(layer, validation_split=0.25)
    rows = numpy.arange(IMAGES.shape[1]).reshape(1, -1, 1, 1)
    assert is_seen(layer, name, IMAGES + rows, LABELS, WEIGHTS)


def test_what_the_report_says_of_a_subset() -> None:
    layer = ImageBatches(subset="training", validation_split=0.3)
    assert layer.rule((10, 3, 4, 1), (10,)) == "int(10 x 0.3) = 3; training: samples 3 to 9"
    layer = ImageBatches(subset="validation", validation_split=0.3)
    assert layer.rule((10, 3, 4, 1), (10,)) == "int(10 x 0.3) = 3; validation: samples 0 to 2"
    assert ImageBatches().rule((40, 3, 4, 1), (40,)) == "samples 0 to 39, 32 a batch", (
        "flow() of the Keras documentation"
    )
    assert ImageBatches(batch_size=4).rule((10, 3, 4, 1), (10,)) == "samples 0 to 9, 4 a batch"
