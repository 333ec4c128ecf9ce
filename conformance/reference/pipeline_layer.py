"""Layers one after another, as one layer."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from .base import NO_MASK, Array, Layer, LayerError, Mutant, Shape, Weight, Weights, arg
from .traits import Arithmetic, asked, called


class Pipeline(Layer):
    """Each layer on what the one before gave, in training unless it is told otherwise.

    x: any shape that the first layer takes; returns what the last one gives. Only layers without weights stand here:
    it is made for preprocessing. Documentation of `keras.layers.Pipeline`.
    """

    without_activity_regularizer = "its constructor in Keras knows none"
    arithmetic = "rounds"
    native = called("nn.Sequential")
    example = asked("Pipeline([Rescaling(2), Rescaling(1, 1)])", "3")
    holds = "images"
    positional = ("layers",)

    layers: tuple[Layer, ...] = arg("The layers, in their order.")

    def check(self) -> None:
        for layer in self.layers:
            if type(layer).weights is not Layer.weights:
                raise LayerError(f"{type(layer).__name__} has weights, which a preprocessing pipeline here has not")

    def computes(self) -> Arithmetic:
        return "rounds"

    def call(self, w: Weights, x: Array, training: bool = True) -> Any:
        for layer in self.in_order():
            takes = inspect.signature(layer.call).parameters
            x = layer.call(w, x, **({"training": training} if "training" in takes else {}))
        return x

    def in_order(self) -> Iterator[Layer]:
        return iter(self.layers)

    def compute_mask(self, x: Any, mask: Any) -> Any:
        return NO_MASK

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Shape) -> int:
        return 4 * len(self.layers)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("backwards", "begins with the last layer", methods={"in_order": lambda layer: reversed(layer.layers)}),
        Mutant(
            "first_alone", "stops after the first layer", methods={"in_order": lambda layer: iter(layer.layers[:1])}
        ),
        Mutant(
            "never_in_training",
            "runs as outside of training unless it is told otherwise",
            inputs=lambda layer, args, kwargs: (args, {"training": False, **kwargs}),
        ),
    )
