"""ScheduleFreeAdamW: the mean of all iterates in place of a falling learning rate."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from .averages import UNCORRECTED, _Averages
from .base import Array, Mutant, arg
from .optimizer_base import Arrays, Memory, average
from .traits import absent


class ScheduleFreeAdamW(_Averages):
    """y = (1 - beta_1) z + beta_1 x is the weight; z takes AdamW's steps without momentum, x is the mean of all z.

    z loses r g / (sqrt(v / (1 - beta_2^t)) + epsilon) and r weight_decay y, g the gradient at y and v the running mean
    of g^2; x = (1 - c) x + c z with c = r^2 over the sum of all r^2 so far. r = learning_rate min(1, t / warmup_steps).
    x, y and z start as one. When training is over, the weight is x. Defazio et al., "The road less scheduled", 2024,
    algorithm 1.
    """

    native = absent("torch has none; its authors publish the package schedulefree")

    learning_rate: float = arg("Size of a step, or a schedule.", default=0.0025, at_least=0)
    beta_1: float = arg("Share of the mean x in the weight.", default=0.9, at_least=0)
    epsilon: float = arg("Added to what a step is divided by.", default=1e-8, at_least=0)
    warmup_steps: int = arg("Over how many steps the rate rises in a line.", default=0, at_least=0)

    def apply(self, number: int, weights: Arrays, gradients: Arrays, memory: Memory) -> dict[str, Array]:
        clipped = self.clipped(gradients)
        return {
            name: self.moved(number, name, y, clipped[name], memory.setdefault(name, {})) for name, y in weights.items()
        }

    def moved(self, number: int, name: str, y: Array, g: Array, memory: dict[str, Array]) -> Array:
        """A weight after a step."""
        rate, old = self.rate(number), memory.get("z", y)
        step = (
            rate * g / (np.sqrt(average(memory, "v", self.beta_2, g**2) / self.corrections(number)[1]) + self.epsilon)
        )
        memory["z"] = old - step - rate * self.share_lost(name) * self.decaying(y, old)
        memory["x"] = self.mean(rate, memory.get("x", y), memory)
        return self.between(memory["z"], memory["x"])

    def rate(self, number: int) -> float:
        """The learning rate of a step, warming up."""
        return float(self.learning_rate) * min(1.0, number / (self.warmup_steps or 1))

    def share_lost(self, name: str) -> float:
        """The share of a weight that goes, before it is times the rate."""
        is_spared = any(part in name.rpartition(".")[2] for part in self.exclude_from_weight_decay)
        return 0.0 if is_spared else self.weight_decay or 0.0

    def decaying(self, y: Array, z: Array) -> Array:
        """What decays."""
        return y

    def importance(self, rate: float) -> float:
        """What an iterate counts in the mean of all."""
        return rate**2

    def mean(self, rate: float, old: Array, memory: dict[str, Array]) -> Array:
        """The mean of all iterates, the latest included."""
        new = self.importance(rate)
        memory["sum"] = memory.get("sum", 0.0) + new
        share = new / memory["sum"] if memory["sum"] > 0 else 0.0
        return (1.0 - share) * old + share * memory["z"]

    def between(self, z: Array, x: Array) -> Array:
        """Where gradients are taken."""
        return (1.0 - self.beta_1) * z + self.beta_1 * x

    def finalized(self, weights: Arrays, memory: Memory) -> dict[str, Array]:
        """The means of all iterates, or of weights where these are kept."""
        if self.use_ema:
            return super().finalized(weights, memory)
        return {name: memory.get(name, {}).get("x", w) for name, w in weights.items()}

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("at_the_mean", "takes gradients at the mean of iterates", methods={"between": lambda self, z, x: x}),
        Mutant("at_the_iterate", "takes gradients at the latest iterate", methods={"between": lambda self, z, x: z}),
        Mutant(
            "swaps_shares",
            "takes beta_1 of the iterate",
            methods={"between": lambda self, z, x: self.beta_1 * z + (1.0 - self.beta_1) * x},
        ),
        Mutant("steps_count_alike", "takes the plain mean of iterates", methods={"importance": lambda self, rate: 1.0}),
        Mutant("by_rates", "weighs iterates by their rates", methods={"importance": lambda self, rate: rate}),
        Mutant("cold", "does not warm up", config=lambda layer: {"warmup_steps": 0}),
        Mutant(
            "warms_up_late",
            "begins to warm up at 0",
            methods={
                "rate": lambda self, number: (
                    self.learning_rate * min(1.0, (number - 1) / self.warmup_steps)
                    if self.warmup_steps
                    else self.learning_rate
                )
            },
        ),
        Mutant("no_decay", "leaves the decay out", config=lambda layer: {"weight_decay": None}),
        Mutant("iterate_decays", "takes the decay of the iterate", methods={"decaying": lambda self, y, z: z}),
        Mutant(
            "not_finalized", "leaves the weights", methods={"finalized": lambda self, weights, memory: dict(weights)}
        ),
        Mutant("swaps_betas", "takes beta_1 for beta_2", config=lambda layer: {"beta_2": layer.beta_1}),
        UNCORRECTED,
    )
