"""What all augmentations of images share: nothing happens outside of training, and what a range of one value leaves.

An augmentation draws from the ranges of its arguments, for each image by itself. Where a range holds a single value
there is one answer, and that is what stands here. Where it holds more, an image gets the answer of a layer whose ranges
hold what was drawn for it (`ranges`, `chances`); of what has neither the reference knows no distribution, and refuses.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import autograd.numpy as np

from .base import Array, Layer, LayerError, Mutant, Unanswerable, Weight, Weights
from .image_sizes import as_batch, as_given
from .traits import IMAGE, Drawn

Factor = float | tuple[float, float]
Range = tuple[float, float]
SEED = ("seed",)


def ends(factor: Any, low: float | None = 0.0) -> Range:
    """The two ends of a range; a lone number means from `low` to it (None: from its negative)."""
    if isinstance(factor, tuple | list):
        first, last = factor
        return float(first), float(last)
    return float(-factor if low is None else low), float(factor)


def only(name: str, factor: Any, low: float | None = 0.0) -> float:
    """The one value that can be drawn; a lone number means from `low` to it (None: from its negative).

    Raises LayerError where there are several.
    """
    first, last = ends(factor, low)
    if first != last:
        raise Unanswerable(f"{name} is drawn between {first:g} and {last:g}: there is no single answer")
    return first


def always(name: str, factor: Any) -> bool:
    """Whether something happens to every image: of a probability, which is 0 or 1 where there is one answer."""
    chance = only(name, factor)
    if chance not in (0.0, 1.0):
        raise Unanswerable(f"{name}={chance:g} is a probability: there is no single answer")
    return chance == 1.0


def data_format_of(layer: Any) -> Any:
    """Some of these layers take their format as an argument, some have the channels last."""
    return getattr(layer, "data_format", "channels_last")


class _Images(Layer):
    """A layer of images, whose numbers lie in its `value_range` where it has one."""

    arithmetic = "rounds"
    input_axis_names = IMAGE

    @classmethod
    def drawn(cls, config: Mapping[str, Any], name: str, shapes: Mapping[str, Sequence[int]]) -> Drawn:
        value_range = config.get("value_range", getattr(cls, "value_range", None))
        return Drawn() if value_range is None else Drawn(fill={"uniform": list(value_range)})


class _Augmentation(_Images):
    """An image layer that works in training alone; a subclass says what it does to (batch, rows, columns, channels)."""

    keras_only: ClassVar[tuple[str, ...]] = SEED
    trains_unasked = True

    ranges: ClassVar[Mapping[str, float | None]] = {}
    """Arguments of which a number is drawn evenly for each image, and from where, if the argument is a lone number:
    from this one (None: from its own negative) to it.
    """
    chances: ClassVar[tuple[str, ...]] = ()
    """Arguments that say how likely something happens to an image; of a range, that is drawn too."""

    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {"factor": (0.0, 1.0)}
    """Between which numbers an argument may lie; of a pair, some number of its range."""

    def check(self) -> None:
        for name, (low, high) in self.bounds.items():
            value = getattr(self, name, None)
            if value is None:
                continue
            first, last = value if isinstance(value, tuple | list) else (value, value)
            if first > high or last < low:
                raise LayerError(f"{name} is {value}, which is not between {low:g} and {high:g}")

    @classmethod
    def draws_with(cls, config: Mapping[str, Any]) -> bool:
        given = {name: config.get(name, getattr(cls, name, None)) for name in (*cls.ranges, *cls.chances)}
        try:
            found = {name: ends(value, cls.ranges.get(name, 0.0)) for name, value in given.items() if value is not None}
        except (TypeError, ValueError):
            return False  # no range at all: whoever builds the layer says so
        found |= {name: ends((value, value)) for name, value in given.items() if cls.is_chance(name, value)}
        if cls.chances and all(found[name] == (0.0, 0.0) for name in cls.chances):
            return False  # nothing ever happens
        return any(
            low != high or (name in cls.chances and low not in (0.0, 1.0)) for name, (low, high) in found.items()
        )

    @classmethod
    def is_chance(cls, name: str, value: Any) -> bool:
        """Whether a lone number is how likely something is, and no end of a range."""
        return False

    def call(self, w: Weights, x: Array, training: bool = True) -> Array:
        x = 1.0 * x
        if not training:
            return self.in_inference(x)
        images = as_batch(x, data_format_of(self))
        held = {name: getattr(self, name) for name in (*self.ranges, *self.chances)}
        if self.draws_with(held):
            each = [self.drawn_for(images[i : i + 1], w.random) for i in range(len(images))]
            changed = np.concatenate(each) if each else images
        else:
            changed = self.augmented(images)
        return as_given(changed, x.ndim, data_format_of(self))

    def drawn_for(self, image: Array, random: Any) -> Array:
        """What becomes of one image with numbers that are drawn for it."""
        return self.with_what_is_drawn(random).augmented(image)

    def with_what_is_drawn(self, random: Any) -> Any:
        """The layer with ranges of one number each."""
        chosen: dict[str, Any] = {}
        for name, low in self.ranges.items():
            if (value := getattr(self, name)) is not None:
                chosen[name] = (random.uniform(*ends(value, low)),) * 2
        for name in self.chances:
            value = getattr(self, name)
            chance = float(value) if self.is_chance(name, value) else random.uniform(*ends(value))
            happens = float(random.random() < chance)
            chosen[name] = happens if self.is_chance(name, value) else (happens, happens)
        return dataclasses.replace(self, **chosen)

    def in_inference(self, x: Array) -> Array:
        return x

    def augmented(self, images: Array) -> Array:
        """What becomes of images in training. Raises LayerError where it is drawn."""
        name = type(self).__name__.strip("_")
        raise Unanswerable(f"{name} draws in training: there is no single answer; ask with training=False")

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


def one_way(*names: str) -> Mutant:
    """A lone number as a range that begins at 0, where it begins at its own negative."""
    return Mutant(
        "one_way",
        "draws nothing below 0 for a lone number",
        config=lambda layer: {
            name: (0.0, getattr(layer, name)) for name in names if isinstance(getattr(layer, name), int | float)
        },
    )


def clipped(images: Array, value_range: Range) -> Array:
    """Nothing leaves the range."""
    return np.clip(images, *value_range)
