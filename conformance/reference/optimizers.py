"""Optimisers: how gradients move weights, by Keras' arguments and conventions, from the papers."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, ClassVar

import numpy as np

from .base import Array, LayerError, Mutant, arg
from .factored_optimizers import Adafactor
from .later_optimizers import Adadelta, Adamax, Ftrl, Lamb, Lion, Nadam
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
    decay_of,
    decaying_by,
    lazily,
    make_optimizer,
    moving_by,
)
from .optimizer_batches import BATCH_MUTANTS
from .traits import called

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
    "Memory",
    "Nadam",
    "Optimizer",
    "RMSprop",
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


class Adam(Optimizer):
    """m and v are running means of g and g^2; w - a m / (sqrt(v) + epsilon).

    a = learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t) at step t. Kingma and Ba (2015), in the order given at the end
    of section 2: epsilon is their epsilon-hat, added before v is corrected. `amsgrad` takes the largest v so far
    (Reddi, Kale and Kumar 2018).
    """

    native = called("optim.Adam")

    beta_1: float = arg("Share of the old mean of gradients that stays.", default=0.9, at_least=0)
    beta_2: float = arg("Share of the old mean of squares that stays.", default=0.999, at_least=0)
    epsilon: float = arg("Added to the root of the mean of squares, before its correction.", default=1e-7, at_least=0)
    amsgrad: bool = arg("Whether the mean of squares may not fall.", default=False)
    _off: tuple[float, float] = arg("Relative errors of the powers of the betas; no argument.", default=(0.0, 0.0))

    def change(self, number: int, g: Array, square: Array, memory: dict[str, Array]) -> Array:
        m, v = self.moments(g, square, memory)
        first, second = self.corrections(number)
        return self.learning_rate * math.sqrt(second) / first * m / (np.sqrt(v) + self.epsilon)

    def moments(self, g: Array, square: Array, memory: dict[str, Array]) -> tuple[Array, Array]:
        """Running means of the gradient and of its square (or the largest of those so far)."""
        m, v = average(memory, "m", self.beta_1, g), average(memory, "v", self.beta_2, square)
        if self.amsgrad:
            memory["most"] = v = np.maximum(memory.get("most", 0.0), v)
        return m, v

    def corrections(self, number: int) -> tuple[float, float]:
        """What the running means have of a constant after so many steps from 0."""
        first, second = self.beta_1**number * (1.0 + self._off[0]), self.beta_2**number * (1.0 + self._off[1])
        return 1.0 - first, 1.0 - second

    def rounded(self, random: np.random.Generator, unit: float) -> Optimizer:
        """1 - beta^t cancels: a power that is off by 6e-8 makes a first step that is off by 3e-5."""
        off = random.uniform(-unit, unit, 2)
        rated: Any = super().rounded(random, unit)
        return dataclasses.replace(rated, _off=(float(off[0]), float(off[1])))  # type: ignore[no-any-return]  # as self

    def _uncorrected(self, number: int, g: Array, square: Array, memory: dict[str, Array]) -> Array:
        m, v = self.moments(g, square, memory)
        return self.learning_rate * m / (np.sqrt(v) + self.epsilon)

    def _first_corrected(self, number: int, g: Array, square: Array, memory: dict[str, Array]) -> Array:
        m, v = self.moments(g, square, memory)
        return self.learning_rate * m / self.corrections(number)[0] / (np.sqrt(v) + self.epsilon)

    def _second_corrected(self, number: int, g: Array, square: Array, memory: dict[str, Array]) -> Array:
        m, v = self.moments(g, square, memory)
        return self.learning_rate * math.sqrt(self.corrections(number)[1]) * m / (np.sqrt(v) + self.epsilon)

    def _later(self, number: int, g: Array, square: Array, memory: dict[str, Array]) -> Array:
        return self.change(number + 1, g, square, memory)

    def _twice(self, number: int, g: Array, square: Array, memory: dict[str, Array]) -> Array:
        return self.change(2 * number, g, square, memory)

    def _epsilon_last(self, number: int, g: Array, square: Array, memory: dict[str, Array]) -> Array:
        m, v = self.moments(g, square, memory)
        first, second = self.corrections(number)
        return self.learning_rate * m / first / (np.sqrt(v / second) + self.epsilon)

    def _epsilon_inside(self, number: int, g: Array, square: Array, memory: dict[str, Array]) -> Array:
        m, v = self.moments(g, square, memory)
        first, second = self.corrections(number)
        return self.learning_rate * math.sqrt(second) / first * m / np.sqrt(v + self.epsilon)

    def _stale(self, number: int, g: Array, square: Array, memory: dict[str, Array]) -> Array:
        old = memory.get("m", np.zeros_like(g))
        _, v = self.moments(g, square, memory)
        first, second = self.corrections(number)
        return self.learning_rate * math.sqrt(second) / first * old / (np.sqrt(v) + self.epsilon)

    def _by_corrected_rate(self, number: int, w: Array, moved: Array) -> Array:
        first, second = self.corrections(number)
        return math.sqrt(second) / first * decay_of(self, w)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("uncorrected", "leaves the bias correction out", step=moving_by(_uncorrected)),
        Mutant("first_corrected", "corrects the mean of gradients only", step=moving_by(_first_corrected)),
        Mutant("second_corrected", "corrects the mean of squares only", step=moving_by(_second_corrected)),
        Mutant("counts_from_one", "counts one step too many", step=moving_by(_later)),
        Mutant("counts_twice", "counts every step twice where it corrects", step=moving_by(_twice)),
        Mutant(
            "epsilon_of_torch",
            "adds epsilon after the correction, as torch does",
            step=moving_by(_epsilon_last),
        ),
        Mutant(
            "defaults_of_torch",
            "adds 1e-8 after the correction, as torch does unless told otherwise",
            config=lambda layer: {"epsilon": 1e-8},
            step=moving_by(_epsilon_last),
        ),
        Mutant("epsilon_in_root", "adds epsilon inside of the root", step=moving_by(_epsilon_inside)),
        Mutant("one_step_late", "moves by the mean of the step before", step=moving_by(_stale)),
        Mutant(
            "swaps_betas",
            "takes beta_1 for beta_2",
            config=lambda layer: {"beta_1": layer.beta_2, "beta_2": layer.beta_1},
        ),
        Mutant("forgets_the_most", "lets the mean of squares fall", config=lambda layer: {"amsgrad": False}),
        Mutant("lazy", "moves only those rows of a table that the batch names", step=lazily),
        Mutant(
            "decay_corrected",
            "takes the decay times the rate that is corrected for the first steps",
            step=decaying_by(_by_corrected_rate),
        ),
        SQUARES_PLACES,
        *STEP_MUTANTS,
        *DECAY_MUTANTS,
    )


class AdamW(Adam):
    """Adam with weight decay, which is decoupled in both: Loshchilov and Hutter (2019), algorithm 2."""

    native = called("optim.AdamW")

    weight_decay: float | None = arg(
        "Share of a weight, times the learning rate, that goes at each step.", default=0.004, at_least=0
    )

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("decay_of_torch", "takes torch's decay, 0.01", config=lambda layer: {"weight_decay": 0.01}),
        *Adam.mutants,
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
