"""A layer that changes nothing and makes large activations cost something."""

from __future__ import annotations

from typing import Any, ClassVar

import autograd.numpy as np

from .base import Array, Layer, LayerError, Mutant, Weights, arg
from .core import MASK_LOST
from .traits import asked, composed


class ActivityRegularization(Layer):
    """x itself; in a training (l1 sum |x| + l2 sum x^2) / batch is added to the loss.

    x: any shape with a batch; the shape stays and the mask goes on. Documentation of
    `keras.layers.ActivityRegularization`; that the sum is divided by the size of the batch is said of
    `activity_regularizer` in "Developing new layers".
    """

    without_activity_regularizer = "l1 and l2 say it"
    arithmetic = "moves"
    native = composed("x", reason="torch has no losses of layers: l1 * x.abs().sum() is added to the loss by hand")
    example = asked("ActivityRegularization(l1=0.01)", "3")
    adds_loss = True
    positional = ("l1", "l2")

    supports_masking: ClassVar[bool] = True

    l1: float = arg("Cost of an absolute value.", default=0.0)
    l2: float = arg("Cost of a square.", default=0.0)

    def check(self) -> None:
        if min(self.l1, self.l2) < 0:
            raise LayerError(f"l1={self.l1} and l2={self.l2} must not be negative")

    def call(self, w: Weights, x: Array) -> Array:
        return x

    def added_loss(self, output: Any) -> Any:
        return (self.l1 * np.sum(np.abs(output)) + self.l2 * np.sum(output**2)) / np.shape(output)[0]

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("adds_nothing", "adds nothing to the loss", config=lambda layer: {"l1": 0.0, "l2": 0.0}),
        Mutant(
            "whole_batch",
            "does not divide by the size of the batch",
            methods={"added_loss": lambda layer, y: layer.l1 * np.sum(np.abs(y)) + layer.l2 * np.sum(y**2)},
        ),
        Mutant(
            "mean_of_all",
            "divides by the number of activations",
            methods={
                "added_loss": lambda layer, y: (layer.l1 * np.sum(np.abs(y)) + layer.l2 * np.sum(y**2)) / np.size(y)
            },
        ),
        Mutant("half_square", "takes 1/2 x^2 for the square", config=lambda layer: {"l2": layer.l2 / 2}),
        MASK_LOST,
    )
