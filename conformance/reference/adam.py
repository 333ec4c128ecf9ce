"""Adam and AdamW, which divide a mean of gradients by the root of a mean of their squares."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from .averages import _Averages
from .base import Array, Mutant, arg
from .optimizer_base import (
    DECAY_MUTANTS,
    SQUARES_PLACES,
    STEP_MUTANTS,
    average,
    decay_of,
    decaying_by,
    lazily,
    moving_by,
)
from .traits import called


class Adam(_Averages):
    """m and v are running means of g and g^2; w - a m / (sqrt(v) + epsilon).

    a = learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t) at step t. Kingma and Ba (2015), in the order given at the end
    of section 2: epsilon is their epsilon-hat, added before v is corrected. `amsgrad` takes the largest v so far
    (Reddi, Kale and Kumar 2018).
    """

    native = called("optim.Adam")

    epsilon: float = arg("Added to the root of the mean of squares, before its correction.", default=1e-7, at_least=0)
    amsgrad: bool = arg("Whether the mean of squares may not fall.", default=False)

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
