"""Optimisers beside SGD and the Adams: Adadelta, Adamax, Nadam, Lion, Lamb and Ftrl, from the papers.

Arguments, clipping and decay are those of `optimizer_base`; what Keras does where a paper leaves a choice is its
documentation's.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from .averages import UNCORRECTED, _Averages
from .base import Array, LayerError, Mutant, arg
from .optimizer_base import DECAY_MUTANTS, STEP_MUTANTS, Arrays, Memory, Optimizer, average, moving_by
from .traits import absent, called


class Adadelta(Optimizer):
    """w - learning_rate sqrt(d + epsilon) / sqrt(s + epsilon) g, s and d running means of g^2 and of the step's square.

    The step is taken without the learning rate in d. Zeiler, "ADADELTA: an adaptive learning rate method", 2012,
    algorithm 1.
    """

    native = called("optim.Adadelta")

    rho: float = arg("Share of the old means that stays.", default=0.95, at_least=0)
    epsilon: float = arg("Added to both means, inside of the roots.", default=1e-7, at_least=0)

    def change(self, number: int, g: Array, square: Array, memory: dict[str, Array]) -> Array:
        s = average(memory, "s", self.rho, square)
        step = np.sqrt(memory.get("d", 0.0) + self.epsilon) / np.sqrt(s + self.epsilon) * g
        average(memory, "d", self.rho, step**2)
        return self.learning_rate * step

    def _epsilon_outside(self, number: int, g: Array, square: Array, memory: dict[str, Array]) -> Array:
        s = average(memory, "s", self.rho, square)
        step = (np.sqrt(memory.get("d", 0.0)) + self.epsilon) / (np.sqrt(s) + self.epsilon) * g
        average(memory, "d", self.rho, step**2)
        return self.learning_rate * step

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("forgets_faster", "keeps 0.9 of the old means, as torch does", config=lambda layer: {"rho": 0.9}),
        Mutant("epsilon_outside", "adds epsilon to the roots", step=moving_by(_epsilon_outside)),
        *STEP_MUTANTS,
        *DECAY_MUTANTS,
    )


class Adamax(_Averages):
    """w - learning_rate / (1 - beta_1^t) m / (u + epsilon), u the larger of beta_2 u and |g|.

    Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 2.
    """

    native = called("optim.Adamax")

    def change(self, number: int, g: Array, square: Array, memory: dict[str, Array]) -> Array:
        m = average(memory, "m", self.beta_1, g)
        memory["u"] = np.maximum(self.beta_2 * memory.get("u", 0.0), np.abs(g))
        return self.learning_rate / self.corrections(number)[0] * m / (memory["u"] + self.epsilon)

    def _by_root(self, number: int, g: Array, square: Array, memory: dict[str, Array]) -> Array:
        m, v = average(memory, "m", self.beta_1, g), average(memory, "v", self.beta_2, square)
        return self.learning_rate / self.corrections(number)[0] * m / (np.sqrt(v) + self.epsilon)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("by_root", "divides by the root of the mean of squares, as Adam does", step=moving_by(_by_root)),
        UNCORRECTED,
        *STEP_MUTANTS,
        *DECAY_MUTANTS,
    )


class Nadam(_Averages):
    """w - learning_rate (m mu' / (1 - P mu') + g (1 - mu) / (1 - P)) / (sqrt(v / (1 - beta_2^t)) + epsilon).

    mu = beta_1 (1 - 0.96^t / 2) at step t, mu' that of the next step, P the product of all mu so far. Dozat,
    "Incorporating Nesterov momentum into Adam", 2016, algorithm 8.
    """

    native = called("optim.NAdam", reason="its momentum_decay is 0.004, which makes mu go on 250 times as slowly")

    def momentum(self, number: int) -> float:
        """The share of the old mean of gradients at a step."""
        return self.beta_1 * (1.0 - 0.5 * 0.96**number)

    def change(self, number: int, g: Array, square: Array, memory: dict[str, Array]) -> Array:
        mu, following = self.momentum(number), self.momentum(number + 1)
        product = math.prod(self.momentum(step) for step in range(1, number + 1))
        m, v = average(memory, "m", self.beta_1, g), average(memory, "v", self.beta_2, square)
        ahead = following * m / (1.0 - product * following) + (1.0 - mu) * g / (1.0 - product)
        return self.learning_rate * ahead / (np.sqrt(v / self.corrections(number)[1]) + self.epsilon)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant(
            "slow_schedule",
            "lets the momentum go on 250 times as slowly, as torch does",
            methods={"momentum": lambda optimizer, number: optimizer.beta_1 * (1.0 - 0.5 * 0.96 ** (0.004 * number))},
        ),
        Mutant(
            "constant_momentum",
            "has beta_1 at every step",
            methods={"momentum": lambda optimizer, number: optimizer.beta_1},
        ),
        UNCORRECTED,
        *STEP_MUTANTS,
        *DECAY_MUTANTS,
    )


class Lion(Optimizer):
    """w - learning_rate sign(beta_1 m + (1 - beta_1) g); then m = beta_2 m + (1 - beta_2) g.

    Chen et al., "Symbolic discovery of optimization algorithms", 2023, algorithm 2.
    """

    native = absent("torch has no Lion")

    beta_1: float = arg("Share of the mean in the direction of a step.", default=0.9, at_least=0)
    beta_2: float = arg("Share of the old mean of gradients that stays.", default=0.99, at_least=0)

    def check(self) -> None:
        super().check()
        if not 0.0 < self.beta_1 <= 1.0:
            raise LayerError(f"beta_1 must lie above 0 and be at most 1, not {self.beta_1}")

    def change(self, number: int, g: Array, square: Array, memory: dict[str, Array]) -> Array:
        direction = self.beta_1 * memory.get("m", 0.0) + (1.0 - self.beta_1) * g
        average(memory, "m", self.beta_2, g)
        return self.learning_rate * np.sign(direction)

    def _of_the_mean(self, number: int, g: Array, square: Array, memory: dict[str, Array]) -> Array:
        return self.learning_rate * np.sign(average(memory, "m", self.beta_2, g))

    def _of_the_gradient(self, number: int, g: Array, square: Array, memory: dict[str, Array]) -> Array:
        return self.learning_rate * np.sign(g)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("of_the_mean", "takes the sign of the mean alone", step=moving_by(_of_the_mean)),
        Mutant("of_the_gradient", "takes the sign of the gradient", step=moving_by(_of_the_gradient)),
        *STEP_MUTANTS,
        *DECAY_MUTANTS,
    )


class _OfTheWeight(Optimizer):
    """What optimisers share whose step depends on the weight itself, decay taken off."""

    def apply(self, number: int, weights: Arrays, gradients: Arrays, memory: Memory) -> dict[str, Array]:
        clipped = self.clipped(gradients)
        return {
            name: self.moved(number, w - self.decay(name) * w, clipped[name], memory.setdefault(name, {}))
            for name, w in weights.items()
        }

    def moved(self, number: int, w: Array, g: Array, memory: dict[str, Array]) -> Array:
        """A weight after a step."""
        raise NotImplementedError(type(self).__name__)


class Lamb(_OfTheWeight, _Averages):
    """w - learning_rate |w| / |r| r with r = m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon).

    |w| / |r| is that of a whole weight, and 1 where one of them is 0. You et al., "Large batch optimization for deep
    learning", 2020, algorithm 2, its decay aside: that is decoupled here.
    """

    native = absent("torch has no Lamb")

    def moved(self, number: int, w: Array, g: Array, memory: dict[str, Array]) -> Array:
        m, v = average(memory, "m", self.beta_1, g), average(memory, "v", self.beta_2, g**2)
        first, second = self.corrections(number)
        r = m / first / (np.sqrt(v / second) + self.epsilon)
        return w - self.learning_rate * self.trust(w, r) * r

    def trust(self, w: Array, r: Array) -> float:
        """How long a weight is beside its step; 1 where one of them is 0."""
        length, step = math.sqrt(float(np.sum(w**2))), math.sqrt(float(np.sum(r**2)))
        return length / step if length > 0 and step > 0 else 1.0

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("no_trust", "is Adam", methods={"trust": lambda optimizer, w, r: 1.0}),
        Mutant(
            "bounded_trust",
            "takes a ratio of at most 1",
            methods={"trust": lambda optimizer, w, r: min(1.0, Lamb.trust(optimizer, w, r))},
        ),
        UNCORRECTED,
        # the step is as long as the weight: whether decay comes before or after it is the same
        *(mutant for mutant in DECAY_MUTANTS if mutant.name != "decays_after_step"),
    )


class Ftrl(_OfTheWeight):
    """w = (sign(z) l1 - z) / ((beta + n^-p) / learning_rate + 2 l2), or 0 where |z| is at most l1.

    n is the sum of g^2 from its initial value on, p the power (-1/2: its root), and z grows at each step by
    g + 2 shrinkage w - (n^-p - n_before^-p) / learning_rate w. McMahan et al., "Ad click prediction: a view from the
    trenches", 2013, algorithm 1; twice l2 as the documentation of Keras has it.
    """

    native = absent("torch has no Ftrl")

    learning_rate_power: float = arg("Power of the sum of squares, at most 0.", default=-0.5)
    initial_accumulator_value: float = arg("The sum of squares before the first step.", default=0.1, at_least=0)
    l1_regularization_strength: float = arg("How far z has to be from 0.", default=0.0, at_least=0)
    l2_regularization_strength: float = arg("Pull towards 0.", default=0.0, at_least=0)
    l2_shrinkage_regularization_strength: float = arg("Pull towards 0, in the gradient.", default=0.0, at_least=0)
    beta: float = arg("Added to the power of the sum of squares.", default=0.0, at_least=0)

    def check(self) -> None:
        super().check()
        if self.learning_rate_power > 0:
            raise LayerError(f"learning_rate_power must be at most 0, not {self.learning_rate_power}")

    def moved(self, number: int, w: Array, g: Array, memory: dict[str, Array]) -> Array:
        before = memory.get("n", np.full(np.shape(w), self.initial_accumulator_value))
        n = memory["n"] = before + g**2
        power = -self.learning_rate_power
        sigma = (n**power - before**power) / self.learning_rate
        shrunk = g + 2.0 * self.l2_shrinkage_regularization_strength * w
        z = memory["z"] = memory.get("z", 0.0) + shrunk - sigma * w
        l1, l2 = self.l1_regularization_strength, self.l2_regularization_strength
        divisor = (self.beta + n**power) / self.learning_rate + 2.0 * l2
        return np.where(np.abs(z) > l1, (np.sign(z) * l1 - z) / divisor, 0.0)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("no_l1", "overlooks l1", config=lambda layer: {"l1_regularization_strength": 0.0}),
        Mutant(
            "half_l2",
            "takes l2 once",
            config=lambda layer: {"l2_regularization_strength": layer.l2_regularization_strength / 2.0},
        ),
        Mutant("no_shrinkage", "overlooks it", config=lambda layer: {"l2_shrinkage_regularization_strength": 0.0}),
        Mutant("no_beta", "overlooks beta", config=lambda layer: {"beta": 0.0}),
        Mutant("from_zero", "sums squares from 0 on", config=lambda layer: {"initial_accumulator_value": 1e-12}),
        *DECAY_MUTANTS,
    )


__all__: list[Any] = ["Adadelta", "Adamax", "Ftrl", "Lamb", "Lion", "Nadam"]
