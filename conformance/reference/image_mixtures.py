"""Image layers whose call takes more than images: labels that are mixed as the images are, boxes with their labels.

Keras takes a dictionary there, `{"images": x, "labels": y}`; a case says `mix(x, labels=y)` and gets a list, the images
and then what came with them.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import autograd.numpy as np
import numpy
from autograd.tracer import getval

from .augmentation import IN_INFERENCE, Factor, _Augmentation, data_format_of, ends
from .base import Array, Layer, LayerError, Mutant, Weights, arg
from .image_sizes import as_batch, as_given
from .traits import IMAGE, absent, asked
from .windows import DataFormat

_FORMAT = "Which axis holds the channels."
_OF_TORCHVISION = "torchvision has such a transform; torch has none, and in inference nothing is done"
Format = Literal[
    "xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw", "rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh"
]


class _Mixing(_Augmentation):
    """In training each image is mixed with another of the batch, and labels are as the images are.

    What is drawn: for each image a partner, by one permutation of the batch, and how much of the image stays.
    """

    native = absent(_OF_TORCHVISION)
    draws = True

    @classmethod
    def draws_with(cls, config: Any) -> bool:
        return True

    def call(self, w: Weights, x: Array, training: bool = True, labels: Array = None) -> Any:
        x = 1.0 * x
        if not training:
            images = self.in_inference(x)
            return images if labels is None else [images, 1.0 * labels]
        images = as_batch(x, data_format_of(self))
        partners = w.random.permutation(len(images))
        mixed, share = self.mixed(images, images[partners], w.random)
        mixed = as_given(mixed, x.ndim, data_format_of(self))
        return mixed if labels is None else [mixed, self.followed(labels, labels[partners], share[:, None])]

    def mixed(self, images: Array, others: Array, random: Any) -> tuple[Array, Array]:
        """Mixed images (batch, rows, columns, channels), and how much of each is still its own (batch,)."""
        raise NotImplementedError(type(self).__name__)

    def followed(self, labels: Array, others: Array, share: Array) -> Array:
        """Labels (batch, classes), mixed in the shares of the images."""
        return share * labels + (1.0 - share) * others


LABELS_STAY = Mutant(
    "labels_stay", "mixes images and leaves labels", methods={"followed": lambda layer, labels, others, share: labels}
)
LABELS_SWAPPED = Mutant(
    "labels_swapped",
    "gives the label of an image the share of its partner",
    methods={"followed": lambda layer, labels, others, share: share * others + (1.0 - share) * labels},
)


class MixUp(_Mixing):
    """In training: s x + (1 - s) x of a partner, s drawn for each image from Beta(alpha, alpha); labels too.

    x: (batch, rows, columns, channels); the shape stays, in floats. labels: (batch, classes). Returns images, or
    [images, labels]. Zhang et al. 2018, "mixup", section 2.
    """

    example = asked("MixUp", "5,7,3")

    alpha: float = arg("How evenly images are mixed.", default=0.2)
    data_format: DataFormat = arg(_FORMAT, default="channels_last")

    def mixed(self, images: Array, others: Array, random: Any) -> tuple[Array, Array]:
        share = random.beta(self.alpha, self.alpha, len(images))
        own = share[:, None, None, None]
        return own * images + (1.0 - own) * others, share

    mutants: ClassVar[tuple[Mutant, ...]] = (
        IN_INFERENCE,
        LABELS_STAY,
        LABELS_SWAPPED,
        Mutant(
            "sum",
            "adds the partner to the whole image",
            methods={
                "mixed": lambda layer, images, others, random: (images + 0.5 * others, numpy.full(len(images), 0.5))
            },
        ),
    )


class CutMix(_Mixing):
    """In training: a rectangle of each image comes from a partner; labels are mixed in the shares of the areas.

    The rectangle has the sides sqrt(1 - s) of the image's, s drawn from Beta(alpha, alpha), alpha from `factor`, and
    lies anywhere within it. The share of a label is that of the pixels which are the image's own.
    x: (batch, rows, columns, channels); the shape stays, in floats. labels: (batch, classes). Returns images, or
    [images, labels]. Yun et al. 2019, "CutMix", section 3.1, and appendix A: the share follows the pixels.
    """

    example = asked("CutMix", "5,7,3")

    factor: Factor = arg("How evenly images are cut.", default=1.0)
    data_format: DataFormat = arg(_FORMAT, default="channels_last")

    def mixed(self, images: Array, others: Array, random: Any) -> tuple[Array, Array]:
        height, width = images.shape[1:3]
        alpha = max(random.uniform(*ends(self.factor)), 1e-6)
        inside = numpy.zeros((len(images), height, width, 1), dtype=bool)
        for number, share in enumerate(random.beta(alpha, alpha, len(images))):
            side = (1.0 - share) ** 0.5
            rows, columns = round(side * height), round(side * width)
            top, left = random.integers(height - rows + 1), random.integers(width - columns + 1)
            inside[number, top : top + rows, left : left + columns] = True
        return np.where(inside, others, images), 1.0 - numpy.mean(inside, axis=(1, 2, 3))

    mutants: ClassVar[tuple[Mutant, ...]] = (IN_INFERENCE, LABELS_STAY, LABELS_SWAPPED)


class MaxNumBoundingBoxes(Layer):
    """So many boxes for each image: those beyond are cut off, missing ones filled in; images stay as they are.

    x: (batch, rows, columns, channels), or without the batch. boxes: (batch, count, 4), box_labels: (batch, count),
    both or none; they become (batch, max_number, 4) and (batch, max_number). Returns x, or [x, boxes, box_labels].
    Documentation of `keras.layers.MaxNumBoundingBoxes`.
    """

    arithmetic = "moves"
    input_axis_names = IMAGE
    native = absent("torch has no boxes; a slice and F.pad")
    example = asked("MaxNumBoundingBoxes(2)", "5,7,3")

    max_number: int = arg("How many boxes each image has.", at_least=0)
    fill_value: int = arg("What stands for boxes and labels that are missing.", default=-1)
    bounding_box_format: Format | None = arg(
        "How boxes are written down; nothing here depends on it, and boxes without it are refused.", default=None
    )
    data_format: DataFormat = arg(_FORMAT, default="channels_last")

    def call(self, w: Weights, x: Array, boxes: Array = None, box_labels: Array = None, training: bool = True) -> Any:
        if boxes is None and box_labels is None:
            return x
        if boxes is None or box_labels is None:
            raise LayerError("boxes and box_labels come together")
        if self.bounding_box_format is None:
            raise LayerError("boxes need a bounding_box_format")
        axis = np.ndim(x) - 3
        return [x, *(self.filled(self.first(given, axis), axis) for given in (1.0 * boxes, box_labels))]

    def first(self, given: Array, axis: int) -> Array:
        """The boxes that stay."""
        return given[(slice(None),) * axis + (slice(self.max_number),)]

    def filled(self, kept: Array, axis: int) -> Array:
        """With what stands for missing ones behind them."""
        return np.concatenate([kept, self.missing(kept, axis)], axis=axis)

    def missing(self, kept: Array, axis: int) -> Array:
        """As many as are missing along an axis."""
        shape = list(np.shape(kept))
        shape[axis] = self.max_number - shape[axis]
        return numpy.full(shape, self.fill_value, dtype=numpy.asarray(getval(kept)).dtype)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("zeros", "fills with zeros", config=lambda layer: {"fill_value": 0}),
        Mutant(
            "last_ones",
            "keeps the last boxes instead of the first",
            methods={
                "first": lambda layer, given, axis: given[(slice(None),) * axis + (slice(-layer.max_number, None),)]
            },
        ),
        Mutant(
            "filled_in_front",
            "puts missing boxes in front of those that are there",
            methods={"filled": lambda layer, kept, axis: np.concatenate([layer.missing(kept, axis), kept], axis=axis)},
        ),
    )
