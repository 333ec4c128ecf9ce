"""Numbers brought to another scale before a model sees them: by given numbers, or by those of data.

Formulas: documentation of `keras.layers.Rescaling` and `keras.layers.Normalization`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import autograd.numpy as np
import numpy

from .base import Array, Layer, LayerError, Mutant, Shape, Weight, Weights, arg
from .normalization import along, axes_of
from .traits import absent, asked, composed

Numbers = float | tuple[Any, ...]
"""One number, or nested lists of numbers."""
SMALLEST_DEVIATION = 1e-7
"""What a deviation below it becomes; `keras.config.epsilon()`."""


class Rescaling(Layer):
    """scale x + offset. x: any shape, of floats, integers or booleans; the shape stays, and the output is of floats."""

    arithmetic = "rounds"
    native = composed("x * scale + offset")
    example = asked("Rescaling(0.5)", "3")
    positional = ("scale", "offset")
    supports_masking: ClassVar[bool] = True

    scale: float | tuple[float, ...] = arg("Multiplies; one number, or one for each entry of the last axis.")
    offset: float | tuple[float, ...] = arg("Is added to the product.", default=0.0)

    def call(self, w: Weights, x: Array) -> Array:
        return x * np.array(self.scale, dtype=float) + np.array(self.offset, dtype=float)

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return 2

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant(
            "offset_first",
            "adds the offset before it multiplies",
            output=lambda layer, y, args: (args[0] + np.array(layer.offset)) * np.array(layer.scale),
        ),
        Mutant("no_offset", "forgets the offset", config=lambda layer: {"offset": 0.0}),
        Mutant(
            "divides",
            "divides by the scale",
            output=lambda layer, y, args: args[0] / np.array(layer.scale) + np.array(layer.offset),
        ),
        Mutant(
            "takes_the_offset_off",
            "subtracts the offset, as for a mean",
            output=lambda layer, y, args: y - 2.0 * np.array(layer.offset),
        ),
        Mutant(
            "keeps_integers",
            "gives integers for integers",
            output=lambda layer, y, args: y if args[0].dtype.kind == "f" else y.astype(args[0].dtype),
        ),
    )


class Normalization(Layer):
    """(x - mean) / max(sqrt(variance), 1e-7), or the reverse; a mean and a variance for each place on `axis`.

    x: (batch, ...), or any shape for an `axis` of None; the shape stays, and the output is of floats. The numbers are
    given, or those of `adapt`: data of as many axes, of which all but `axis` are averaged over; its variance is that
    of all of it, the sum of squares over n. With neither, the mean is 0 and the variance 1. The bound of 1e-7 is Keras
    3.15.1's; the documentation divides by the root alone.
    """

    arithmetic = "rounds"
    native = absent("torch has no layer that learns a mean and a variance from data before training")
    example = asked("Normalization(mean=3, variance=2)", "3")
    supports_masking: ClassVar[bool] = True

    axis: int | tuple[int, ...] | None = arg(
        "Axes with a mean and a variance of their own; none: one of all.", default=-1
    )
    mean: Numbers | None = arg("The mean, for each place on `axis` or for all.", default=None)
    variance: Numbers | None = arg("The variance, likewise.", default=None, at_least=0)
    invert: bool = arg("Whether normalised numbers become what they were.", default=False)
    adapt: tuple[Any, ...] | None = arg("Data whose mean and variance are taken before the first call.", default=None)

    def check(self) -> None:
        if (self.mean is None) != (self.variance is None):
            raise LayerError("mean and variance are given together, or neither is")
        if self.adapt is not None and self.mean is not None:
            raise LayerError("a mean that is given is not learnt: leave adapt out")

    def weights(self, shape: Shape) -> Mapping[str, Weight]:
        kept = tuple(shape[axis] for axis in self.axes(len(shape)))
        if self.mean is not None:
            return {}
        mean, variance = (np.broadcast_to(part, kept) for part in self.learnt(len(shape)))
        return {
            "mean": Weight(kept, is_trained=False, value=mean),
            "variance": Weight(kept, is_trained=False, value=variance),
            "count": Weight((), is_trained=False, value=np.zeros((), int)),
        }

    def axes(self, rank: int) -> tuple[int, ...]:
        """The axes whose places have numbers of their own. Raises LayerError for one that does not exist."""
        return () if self.axis is None else axes_of(self.axis, rank)

    def learnt(self, rank: int) -> tuple[Array, Array]:
        """Mean and variance of `adapt`."""
        if self.adapt is None:
            return np.zeros(()), np.ones(())
        data = numpy.array(self.adapt, dtype=float)
        others = tuple(axis for axis in range(data.ndim) if axis not in self.axes(data.ndim))
        return np.mean(data, axis=others), self.variance_of(data, others)

    def variance_of(self, data: Array, axes: tuple[int, ...]) -> Array:
        return np.mean((data - np.mean(data, axis=axes, keepdims=True)) ** 2, axis=axes)

    def numbers(self, shape: Shape) -> tuple[Array, Array]:
        """Mean and deviation, to be broadcast to an input of this shape."""
        axes = self.axes(len(shape))
        kept = tuple(shape[axis] for axis in axes)
        mean, variance = (
            self.learnt(len(shape)) if self.mean is None else (np.array(self.mean), np.array(self.variance))
        )
        if not axes:
            return mean, self.deviation(variance)
        try:
            spread = [along(np.broadcast_to(part, kept), axes, shape) for part in (mean, variance)]
        except ValueError:
            raise LayerError(f"numbers of shape {np.shape(mean)} do not fit places of shape {kept}") from None
        return spread[0], self.deviation(spread[1])

    def deviation(self, variance: Array) -> Array:
        return np.maximum(np.sqrt(1.0 * variance), SMALLEST_DEVIATION)

    def call(self, w: Weights, x: Array) -> Array:
        mean, deviation = self.numbers(x.shape)
        return x * deviation + mean if self.invert else (x - mean) / deviation

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return 2 if self.adapt is None else int(np.size(np.array(self.adapt)))

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant(
            "over_variance",
            "divides by the variance, not by its root",
            methods={"deviation": lambda layer, variance: np.maximum(1.0 * variance, SMALLEST_DEVIATION)},
        ),
        Mutant(
            "adds_epsilon",
            "adds 1e-7 to the variance instead of bounding its root",
            methods={"deviation": lambda layer, variance: np.sqrt(variance + SMALLEST_DEVIATION)},
        ),
        Mutant(
            "unbiased_variance",
            "divides the sum of squares by n - 1",
            methods={"variance_of": lambda layer, data, axes: numpy.var(data, axis=axes, ddof=1)},
        ),
        Mutant("one_for_all", "takes one mean and one variance of everything", config=lambda layer: {"axis": None}),
        Mutant("not_inverted", "normalises where it should go back", config=lambda layer: {"invert": False}),
        Mutant("not_adapted", "leaves the data unread", config=lambda layer: {"adapt": None}),
    )
