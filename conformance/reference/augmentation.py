"""What all augmentations of images share: nothing happens outside of training, and what a range of one value leaves.

An augmentation draws from the ranges of its arguments. Where a range holds a single value there is one answer, and that
is what stands here; where it holds more, what is drawn is no function of the arguments, and the reference refuses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import autograd.numpy as np

from .base import Array, Layer, LayerError, Mutant, Weight, Weights
from .image_sizes import as_batch, as_given
from .traits import IMAGE, Drawn

Factor = float | tuple[float, float]
Range = tuple[float, float]
SEED = ("seed",)


def only(name: str, factor: Any, low: float | None = 0.0) -> float:
    """The one value that can be drawn; a lone number means from `low` to it (None: from its negative).

    Raises LayerError where there are several.
    """
    if isinstance(factor, tuple | list):
        first, last = factor
    else:
        first, last = (-factor if low is None else low), factor
    if first != last:
        raise LayerError(f"{name} is drawn between {first:g} and {last:g}: there is no single answer")
    return float(first)


def always(name: str, factor: Any) -> bool:
    """Whether something happens to every image: of a probability, which is 0 or 1 where there is one answer."""
    chance = only(name, factor)
    if chance not in (0.0, 1.0):
        raise LayerError(f"{name}={chance:g} is a probability: there is no single answer")
    return chance == 1.0


def data_format_of(layer: Any) -> Any:
    """Some of these layers take their format as an argument, some have the channels last."""
    return getattr(layer, "data_format", "channels_last")


class _Images(Layer):
    """A layer of images, whose numbers lie in its `value_range` where it has one."""

    arithmetic = "rounds"
    input_axes = IMAGE

    @classmethod
    def drawn(cls, config: Mapping[str, Any], name: str, shapes: Mapping[str, Sequence[int]]) -> Drawn:
        value_range = config.get("value_range", getattr(cls, "value_range", None))
        return Drawn() if value_range is None else Drawn(fill={"uniform": list(value_range)})


class _Augmentation(_Images):
    """An image layer that works in training alone; a subclass says what it does to (batch, rows, columns, channels)."""

    keras_only: ClassVar[tuple[str, ...]] = SEED

    def call(self, w: Weights, x: Array, training: bool = True) -> Array:
        x = 1.0 * x
        if not training:
            return self.in_inference(x)
        return as_given(self.augmented(as_batch(x, data_format_of(self))), x.ndim, data_format_of(self))

    def in_inference(self, x: Array) -> Array:
        return x

    def augmented(self, images: Array) -> Array:
        """What becomes of images in training. Raises LayerError where it is drawn."""
        name = type(self).__name__.strip("_")
        raise LayerError(f"{name} draws in training: there is no single answer; ask with training=False")

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return 9


IN_INFERENCE = Mutant(
    "in_inference",
    "changes images outside of training too: turns them round",
    methods={
        "in_inference": lambda layer, x: x[..., ::-1] if data_format_of(layer) == "channels_first" else x[:, ::-1]
    },
)
NEVER = Mutant("never", "changes nothing in training", methods={"augmented": lambda layer, images: images})


def clipped(images: Array, value_range: Range) -> Array:
    """Nothing leaves the range."""
    return np.clip(images, *value_range)
