"""Adafactor, which remembers rows and columns of squares and not each of them."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, ClassVar

import numpy as np

from .base import Array, Mutant, arg
from .later_optimizers import _OfTheWeight
from .optimizer_base import DECAY_MUTANTS, average
from .traits import called


def size_of(w: Array) -> float:
    """The root mean square of all entries."""
    return math.sqrt(float(np.mean(w**2)))


class Adafactor(_OfTheWeight):
    """w - max(epsilon_2, size(w)) rho U / max(1, size(U) / clip_threshold), U = g / sqrt(V), size a root mean square.

    rho is the smaller of learning_rate and 1 / sqrt(t) with `relative_step` and a constant rate, learning_rate
    otherwise. V is the running mean of g^2 + epsilon_1, 1 - t^beta_2_decay of the old one; of a weight with two axes
    and more V = r c / mean(r), r and c the running means over its last axis and over the one before. Shazeer and
    Stern, "Adafactor: adaptive learning rates with sublinear memory cost", 2018, algorithms 4 and 5.
    """

    native = called("optim.Adafactor", reason="it adds its eps to the mean of a row and bounds V from below by it")

    beta_2_decay: float = arg("Power of the step that is left of 1 in the share of the old mean.", default=-0.8)
    epsilon_1: float = arg("Added to squares of gradients.", default=1e-30, at_least=0)
    epsilon_2: float = arg("Smallest size of a weight that a step is a share of.", default=1e-3, at_least=0)
    clip_threshold: float = arg("Largest size of a step before the rate.", default=1.0, at_least=0)
    relative_step: bool = arg("Whether a constant rate falls with the root of the step.", default=True)

    def at(self, number: int) -> Any:
        """The optimiser with the rate of a batch; that of a schedule is taken as it is."""
        now = super().at(number)
        return now if now is self else dataclasses.replace(now, relative_step=False)

    def moved(self, number: int, w: Array, g: Array, memory: dict[str, Array]) -> Array:
        step = g / np.sqrt(self.squares(number, g, memory))
        return w - self.rate(number) * self.scale(w) * self.bounded(step)

    def squares(self, number: int, g: Array, memory: dict[str, Array]) -> Array:
        """V: the running mean of squares, of matrices by that of rows and columns."""
        share, square = 1.0 - float(number) ** self.beta_2_decay, g**2 + self.epsilon_1
        if np.ndim(g) < 2:
            return average(memory, "v", share, square)
        rows = average(memory, "rows", share, np.mean(square, axis=-1))
        columns = average(memory, "columns", share, np.mean(square, axis=-2))
        return (rows / np.mean(rows, axis=-1, keepdims=True))[..., :, None] * columns[..., None, :]

    def rate(self, number: int) -> float:
        """How far a step goes, as a share of the weight's size."""
        return min(self.learning_rate, 1.0 / math.sqrt(number)) if self.relative_step else self.learning_rate

    def scale(self, w: Array) -> float:
        """The size of a weight that a step is a share of."""
        return max(self.epsilon_2, size_of(w))

    def bounded(self, step: Array) -> Array:
        """A step that is no larger than the threshold."""
        return step / max(1.0, size_of(step) / self.clip_threshold)

    def _unfactored(self, number: int, g: Array, memory: dict[str, Array]) -> Array:
        return average(memory, "v", 1.0 - float(number) ** self.beta_2_decay, g**2 + self.epsilon_1)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("unfactored", "remembers each square", methods={"squares": _unfactored}),
        Mutant("unbounded", "does not bound a step", methods={"bounded": lambda optimizer, step: step}),
        Mutant(
            "unscaled", "makes steps of one size, whatever the weight's", methods={"scale": lambda optimizer, w: 1.0}
        ),
        Mutant("small_stay_small", "knows no smallest size", config=lambda layer: {"epsilon_2": 0.0}),
        Mutant("constant_rate", "lets no rate fall", config=lambda layer: {"relative_step": False}),
        Mutant("relative_rate", "lets the rate fall unasked", config=lambda layer: {"relative_step": True}),
        Mutant("slow_decay", "has the power of the paper", config=lambda layer: {"beta_2_decay": -0.8}),
        *DECAY_MUTANTS,
    )
