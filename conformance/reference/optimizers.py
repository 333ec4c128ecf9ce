"""Optimisers: how gradients move weights, by Keras' arguments and conventions, from the papers."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from .adam import Adam, AdamW
from .base import Array, LayerError, Mutant, arg
from .factored_optimizers import Adafactor
from .later_optimizers import Adadelta, Adamax, Ftrl, Lamb, Lion, Nadam
from .muon import Muon
from .optimizer_base import (
    DECAY_MUTANTS,
    OPTIMIZERS,
    PENALTY_MUTANTS,
    SQUARES_PLACES,
    STEP_MUTANTS,
    Memory,
    Optimizer,
    average,
    clipping_places,
    make_optimizer,
    moving_by,
)
from .optimizer_batches import BATCH_MUTANTS
from .schedule_free import ScheduleFreeAdamW
from .traits import called
from .wrapping_optimizers import LossScaleOptimizer, MultiOptimizer

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "LossScaleOptimizer",
    "Memory",
    "MultiOptimizer",
    "Muon",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "ScheduleFreeAdamW",
    "make_optimizer",
]


class SGD(Optimizer):
    """v = momentum v - learning_rate g; w + v, or w + momentum v - learning_rate g with `nesterov`.

    Polyak (1964); Nesterov's form as in Sutskever et al. (2013), equations 3 and 4, at the point looked ahead to.
    """

    native = called("optim.SGD")

    learning_rate: float = arg("Size of a step, or a schedule.", default=0.01, at_least=0)
    momentum: float = arg("Share of the last step that is made again.", default=0.0, at_least=0)
    nesterov: bool = arg("Whether to look ahead by the momentum.", default=False)

    def check(self) -> None:
        super().check()
        if self.momentum > 1:
            raise LayerError(f"momentum is a share up to 1, not {self.momentum}")

    def change(self, number: int, g: Array, square: Array, memory: dict[str, Array]) -> Array:
        memory["v"] = self.momentum * memory.get("v", 0.0) - self.learning_rate * g
        return self.learning_rate * g - self.momentum * memory["v"] if self.nesterov else -memory["v"]

    def _averaged(self, number: int, g: Array, square: Array, memory: dict[str, Array]) -> Array:
        return self.change(number, (1.0 - self.momentum) * g, square, memory)

    def _dampened_later(self, number: int, g: Array, square: Array, memory: dict[str, Array]) -> Array:
        return self._averaged(number, g, square, memory) if "v" in memory else self.change(number, g, square, memory)

    def _stale(self, number: int, g: Array, square: Array, memory: dict[str, Array]) -> Array:
        old = memory.get("v", np.zeros_like(g))
        self.change(number, g, square, memory)
        return -old

    def _rate_outside(self, number: int, g: Array, square: Array, memory: dict[str, Array]) -> Array:
        memory["v"] = self.momentum * memory.get("v", 0.0) + g
        return self.learning_rate * (g + self.momentum * memory["v"] if self.nesterov else memory["v"])

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("forgets", "forgets the steps before", config=lambda layer: {"momentum": 0.0}),
        Mutant("looks_ahead", "looks ahead without being asked to", config=lambda layer: {"nesterov": True}),
        Mutant("does_not_look_ahead", "does not look ahead", config=lambda layer: {"nesterov": False}),
        Mutant("dampened", "takes 1 - momentum of the gradient, as averages do", step=moving_by(_averaged)),
        Mutant(
            "dampened_later",
            "takes 1 - momentum of every gradient but the first, as torch's dampening does",
            step=moving_by(_dampened_later),
        ),
        Mutant(
            "turns_round",
            "takes the last step back in place of making it again",
            config=lambda layer: {"momentum": -layer.momentum},
        ),
        Mutant("one_step_late", "moves by the velocity of the step before", step=moving_by(_stale)),
        Mutant("rate_outside", "multiplies by the learning rate last, as torch does", step=moving_by(_rate_outside)),
        Mutant("unclipped", "does not clip", config=lambda layer: {"clipnorm": None, "global_clipnorm": None}),
        Mutant(
            "clips_together",
            "clips all weights by their norm together, as torch's clip_grad_norm_ does",
            config=lambda layer: {"clipnorm": None, "global_clipnorm": layer.clipnorm or layer.global_clipnorm},
        ),
        Mutant(
            "clips_each",
            "clips each weight by its own norm",
            config=lambda layer: {"clipnorm": layer.clipnorm or layer.global_clipnorm, "global_clipnorm": None},
        ),
        Mutant("unclipped_entries", "does not clip entries", config=lambda layer: {"clipvalue": None}),
        Mutant(
            "clips_places",
            "takes the norm of a table's gradient place by place, where a word stands in several",
            step=clipping_places,
        ),
        *PENALTY_MUTANTS,
        *BATCH_MUTANTS,
        *STEP_MUTANTS,
        *DECAY_MUTANTS,
    )


class RMSprop(Optimizer):
    """s is the running mean of g^2; w - learning_rate g / sqrt(s + epsilon), or by a velocity with `momentum`.

    Hinton (2012), lecture 6e; `centered` takes the square of the running mean of g from s: Graves (2013), equations 38
    to 45, where epsilon stands inside of the root too.
    """

    native = called("optim.RMSprop")

    rho: float = arg("Share of the old mean of squares that stays.", default=0.9, at_least=0)
    momentum: float = arg("Share of the last step that is made again.", default=0.0, at_least=0)
    epsilon: float = arg("Added to the mean of squares, inside of the root.", default=1e-7, at_least=0)
    centered: bool = arg("Whether to divide by the deviation of gradients in place of their size.", default=False)

    def change(self, number: int, g: Array, square: Array, memory: dict[str, Array]) -> Array:
        return self.by_velocity(g / np.sqrt(self.variance(g, square, memory) + self.epsilon), memory)

    def variance(self, g: Array, square: Array, memory: dict[str, Array]) -> Array:
        """The running mean of squares, less the square of that of gradients."""
        s = average(memory, "s", self.rho, square)
        return s - average(memory, "mean", self.rho, g) ** 2 if self.centered else s

    def by_velocity(self, change: Array, memory: dict[str, Array]) -> Array:
        """learning_rate times the change, and `momentum` of the last step."""
        memory["v"] = self.momentum * memory.get("v", 0.0) + self.learning_rate * change
        return memory["v"]

    def _epsilon_outside(self, number: int, g: Array, square: Array, memory: dict[str, Array]) -> Array:
        return self.by_velocity(g / (np.sqrt(self.variance(g, square, memory)) + self.epsilon), memory)

    def _without_root(self, number: int, g: Array, square: Array, memory: dict[str, Array]) -> Array:
        return self.by_velocity(g / (self.variance(g, square, memory) + self.epsilon), memory)

    def _stale(self, number: int, g: Array, square: Array, memory: dict[str, Array]) -> Array:
        old = memory.get("s", np.zeros_like(g))
        self.variance(g, square, memory)
        return self.by_velocity(g / np.sqrt(old + self.epsilon), memory)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant(
            "epsilon_of_torch",
            "adds epsilon outside of the root, as torch does",
            step=moving_by(_epsilon_outside),
        ),
        Mutant(
            "defaults_of_torch",
            "keeps 0.99 of the old squares and adds 1e-8 outside of the root, as torch does unless told otherwise",
            config=lambda layer: {"rho": 0.99, "epsilon": 1e-8},
            step=moving_by(_epsilon_outside),
        ),
        Mutant("one_step_late", "divides by the mean of the step before", step=moving_by(_stale)),
        Mutant("swaps_shares", "keeps 1 - rho of the old squares", config=lambda layer: {"rho": 1.0 - layer.rho}),
        Mutant("not_centered", "divides by the size of gradients", config=lambda layer: {"centered": False}),
        Mutant("forgets", "forgets the steps before", config=lambda layer: {"momentum": 0.0}),
        Mutant("without_root", "divides by the mean of squares itself", step=moving_by(_without_root)),
        SQUARES_PLACES,
        *STEP_MUTANTS,
        *DECAY_MUTANTS,
    )


class Adagrad(Optimizer):
    """s is the sum of all g^2 so far; w - learning_rate g / sqrt(s + epsilon). Duchi, Hazan and Singer (2011)."""

    native = called("optim.Adagrad")

    initial_accumulator_value: float = arg("The sum of squares before the first step.", default=0.1, at_least=0)
    epsilon: float = arg("Added to the sum of squares, inside of the root.", default=1e-7, at_least=0)

    def change(self, number: int, g: Array, square: Array, memory: dict[str, Array]) -> Array:
        return self.learning_rate * g / np.sqrt(self.squares(square, memory) + self.epsilon)

    def squares(self, square: Array, memory: dict[str, Array]) -> Array:
        """The sum of all squares, this one included."""
        memory["s"] = memory.get("s", self.initial_accumulator_value) + square
        return memory["s"]

    def _epsilon_outside(self, number: int, g: Array, square: Array, memory: dict[str, Array]) -> Array:
        return self.learning_rate * g / (np.sqrt(self.squares(square, memory)) + self.epsilon)

    def _without_root(self, number: int, g: Array, square: Array, memory: dict[str, Array]) -> Array:
        return self.learning_rate * g / (self.squares(square, memory) + self.epsilon)

    def _forgets(self, number: int, g: Array, square: Array, memory: dict[str, Array]) -> Array:
        return self.change(number, g, square, {})

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant(
            "epsilon_of_torch",
            "adds epsilon outside of the root, as torch does",
            step=moving_by(_epsilon_outside),
        ),
        Mutant(
            "starts_at_zero", "starts from 0, as torch does", config=lambda layer: {"initial_accumulator_value": 0.0}
        ),
        Mutant("forgets", "forgets the squares of the steps before", step=moving_by(_forgets)),
        Mutant("without_root", "divides by the sum of squares itself", step=moving_by(_without_root)),
        SQUARES_PLACES,
        *STEP_MUTANTS,
    )
