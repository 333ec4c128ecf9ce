"""The data pipeline of image training: which samples a batch holds, and what belongs to each of them."""

from __future__ import annotations

import math
from typing import Any, Literal

import autograd.numpy as np
import numpy
from autograd.tracer import getval

from .base import Array, Layer, LayerError, Mutant, Weights, arg
from .traits import absent


def _reweighted(change: Any) -> Any:
    def hook(layer: Any, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        given = dict(zip(("x", "y", "sample_weight"), args, strict=False)) | kwargs
        if given.get("sample_weight") is None:
            return args, kwargs
        return [given["x"], given["y"], change(layer, given["sample_weight"])], {}

    return hook


class ImageBatches(Layer):
    """The first batch of `ImageDataGenerator(...).flow(x, y, sample_weight, ...)`: [x, y] or [x, y, sample_weight].

    x: (samples, height, width, channels), y and sample_weight: one entry a sample. The validation subset is the first
    `validation_split` of the samples, the training subset the rest; each sample keeps its label and its weight. Images
    are flipped at random and then multiplied by `rescale`. What is drawn differs from lane to lane: ask for what does
    not depend on the order. Data, not a step of a model: no gradient. Not a layer of Keras; the Keras lane runs the
    generator.
    """

    is_ours = True
    arithmetic = "rounds"
    native = absent("a pipeline of data: torch.utils.data.DataLoader")
    written_as_case = "batches come from files"
    is_eager_only = True

    batch_size: int = arg("samples of a batch; the last may have fewer", default=32, at_least=1)
    shuffle: bool = arg("whether samples are drawn in random order", default=True)
    seed: int | None = arg("seed of the order and of the flips", default=None)
    subset: Literal["training", "validation"] | None = arg("which part to draw from; None draws from all", default=None)
    validation_split: float = arg("share of the samples kept for validation", default=0.0, at_least=0)
    horizontal_flip: bool = arg("whether to mirror images left to right, at random", default=False)
    vertical_flip: bool = arg("whether to mirror images top to bottom, at random", default=False)
    rescale: float | None = arg("factor of all pixels", default=None)
    ignore_class_split: bool = arg("allow subsets that do not hold the same labels", default=False)

    mutants = (
        Mutant(
            "weights_not_split",
            "cuts images and labels for a subset, but not the weights",
            inputs=_reweighted(lambda layer, weight: layer.misplaced(weight)),
        ),
        Mutant("weights_backwards", "gives weights to others", inputs=_reweighted(lambda layer, weight: weight[::-1])),
        Mutant("not_rescaled", "leaves the pixels", config=lambda layer: {"rescale": None}),
        Mutant(
            "next_sample",
            "begins one sample later: shifts all columns alike",
            inputs=lambda layer, args, kwargs: ([np.roll(value, -1, axis=0) for value in args], kwargs),
        ),
        Mutant(
            "flips_the_other_axis",
            "mirrors rows where columns should be, top to bottom for left to right",
            config=lambda layer: {"horizontal_flip": layer.vertical_flip, "vertical_flip": layer.horizontal_flip},
        ),
        Mutant(
            "split_rounded_up",
            "rounds the number of validation samples up",
            methods={"first_of_training": lambda layer, samples: math.ceil(samples * layer.validation_split)},
        ),
        Mutant(
            "other_subset",
            "validates on the last samples",
            inputs=lambda layer, args, kwargs: ([value[::-1] for value in args], kwargs),
        ),
    )

    def check(self) -> None:
        if not 0 <= self.validation_split < 1:
            raise LayerError(f"validation_split is a share below 1, not {self.validation_split}")

    def call(self, w: Weights, x: Array, y: Array, sample_weight: Any = None) -> list[Array]:
        if np.ndim(x) != 4:
            raise LayerError(f"images come as (samples, height, width, channels), not {np.shape(x)}")
        data = [numpy.asarray(getval(value)) for value in (x, y, sample_weight) if value is not None]
        if len({len(column) for column in data}) > 1:
            raise LayerError(f"different numbers of samples: {[len(column) for column in data]}")
        chosen = self._subset(data[1])
        if self.shuffle:
            chosen = w.random.permutation(chosen)
        images, *others = (column[chosen[: self.batch_size]] for column in data)
        for axis, is_random in ((2, self.horizontal_flip), (1, self.vertical_flip)):
            flips = w.random.random(len(images)) < 0.5 * is_random
            images = np.where(flips[:, None, None, None], np.flip(images, axis), images)
        return [images if self.rescale is None else images * self.rescale, *others]

    def _subset(self, labels: Any) -> Any:
        first = self.first_of_training(len(labels))
        samples = numpy.arange(len(labels))
        if self.subset is None:
            return samples
        if not self.ignore_class_split and set(labels[:first].flat) != set(labels[first:].flat):
            raise LayerError("the subsets do not hold the same labels")
        return samples[:first] if self.subset == "validation" else samples[first:]

    def first_of_training(self, samples: int) -> int:
        """How many samples are kept for validation."""
        return int(samples * self.validation_split)

    def misplaced(self, weight: Array) -> Array:
        """The weights as a training subset sees them when they are not cut with the images."""
        first = self.first_of_training(len(weight)) if self.subset == "training" else 0
        return np.concatenate([weight[:first], weight[: len(weight) - first]])

    def rule(self, *shapes: Any) -> str:
        samples = shapes[0][0]
        first = self.first_of_training(samples)
        if self.subset is None:
            return f"samples 0 to {samples - 1}, {self.batch_size} a batch"
        rest = {"validation": f"0 to {first - 1}", "training": f"{first} to {samples - 1}"}[self.subset]
        return f"int({samples} x {self.validation_split}) = {first}; {self.subset}: samples {rest}"
