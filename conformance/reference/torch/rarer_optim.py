"""The optimisers of torch.optim that are asked for less often: ASGD, Rprop, Adafactor and SparseAdam.

Source of each: the algorithm in its documentation; of ASGD Polyak and Juditsky 1992, of Rprop Riedmiller and Braun
1993, of Adafactor Shazeer and Stern 2018.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from conformance.counterpart import NoCounterpart
from conformance.reference.base import Array, LayerError, arg
from conformance.reference.torch.normalization import EPS_OF_FLOAT32
from conformance.reference.torch.optim import SMALL, Counterpart, Moments, TorchOptimizer, averaged


class ASGD(TorchOptimizer):
    """w (1 - lambd eta) - eta g, with eta = lr / (1 + lambd lr t)^alpha after step t and lr in the first.

    The mean of the weights, which starts after t0 steps, is kept beside them and moves none.
    """

    names = ("optim.ASGD",)
    lr: float = arg("Size of the first step.", default=0.01, at_least=0)
    lambd: float = arg("Share of the weight, times the size of a step, that goes at each step.", default=1e-4)
    alpha: float = arg("How fast steps get shorter.", default=0.75)
    t0: float = arg("The step after which weights are averaged, which changes no weight.", default=1e6)

    def moved(self, number: int, w: Array, g: Array, memory: dict[str, Array]) -> Array:
        eta = self.lr / (1.0 + self.lambd * self.lr * (number - 1)) ** self.alpha
        return w * (1.0 - self.lambd * eta) - eta * (g + self.weight_decay * w)

    def counterpart(self) -> Counterpart:
        raise NoCounterpart("SGD with an InverseTimeDecay schedule has the steps of alpha=1; none has the decay lambd")


class Rprop(TorchOptimizer):
    """w - s sign(g): s grows by etas[1] where g has the sign that it had, and shrinks by etas[0] where it changed.

    Where it changed the weight stays, and what comes next counts as no change. s starts with lr.
    """

    names = ("optim.Rprop",)
    lacks: ClassVar = ("weight_decay",)
    lr: float = arg("Size of the first step.", default=0.01, at_least=0)
    etas: tuple[float, float] = arg("By what a step shrinks and grows.", default=(0.5, 1.2))
    step_sizes: tuple[float, float] = arg("The shortest and the longest step.", default=(1e-6, 50.0))

    def check(self) -> None:
        if not 0 < self.etas[0] < 1 < self.etas[1]:
            raise LayerError(f"etas are below 1 and above 1, not {self.etas}")

    def taken(self, number: int, g: Array, memory: dict[str, Array]) -> Array:
        turned = np.sign(g * memory.get("g", np.zeros_like(g)))
        factor = np.where(turned > 0, self.etas[1], np.where(turned < 0, self.etas[0], 1.0))
        memory["s"] = np.clip(memory.get("s", self.lr) * factor, *self.step_sizes)
        memory["g"] = np.where(turned < 0, 0.0, g)
        return memory["s"] * np.sign(memory["g"])

    def counterpart(self) -> Counterpart:
        raise NoCounterpart("no optimiser of Keras has a step for each number that grows and shrinks by signs")


class Adafactor(TorchOptimizer):
    """w - alpha u / max(1, rms(u) / d), u = g / sqrt(v) and alpha = max(eps[1], rms(w)) min(lr, 1 / sqrt(t)).

    v is the mean of g^2 with shares 1 - t^beta2_decay; of a matrix the product of its means over columns and over rows,
    over the mean of the first. eps[0] is the least mean and the least root. The decay is taken from the weight. Keras
    adds its epsilon_1 to g^2 instead: both are alike where the mean of g^2 is not as small as eps[0].
    """

    names = ("optim.Adafactor",)
    lr: float = arg("Longest step, relative to the weight.", default=0.01, at_least=0)
    beta2_decay: float = arg("The power of t of the share of a new square.", default=-0.8)
    eps: tuple[float | None, float] = arg(
        "Least root, null for the distance from 1 to the next float; least size of a weight.", default=(None, 0.001)
    )
    d: float = arg("The root mean square above which u is shortened.", default=1.0)

    def moved(self, number: int, w: Array, g: Array, memory: dict[str, Array]) -> Array:
        least = EPS_OF_FLOAT32 if self.eps[0] is None else self.eps[0]
        alpha = max(self.eps[1], _rms(w)) * min(self.lr, 1.0 / math.sqrt(number))
        share = 1.0 - float(number) ** self.beta2_decay
        if g.ndim > 1:
            rows = averaged(memory, "rows", share, np.mean(g**2, axis=-1, keepdims=True))
            columns = averaged(memory, "columns", share, np.mean(g**2, axis=-2, keepdims=True))
            v = rows * columns / np.maximum(np.mean(rows, axis=-2, keepdims=True), least)
        else:
            v = averaged(memory, "v", share, g**2)
        u = g / np.sqrt(np.maximum(v, least**2))
        return w * (1.0 - self.lr * self.weight_decay) - alpha * u / max(1.0, _rms(u) / self.d)

    def counterpart(self) -> Counterpart:
        self.refuse("minimise the negative loss", maximize=False)
        self.refuse("Keras takes the decay first, and the size of the weight after it", weight_decay=0.0)
        if (self.eps[0] or 0.0) > SMALL:
            raise NoCounterpart(f"Keras adds epsilon_1 to the squares, which matters for {self.eps[0]}")
        config = {"learning_rate": self.lr, "beta_2_decay": self.beta2_decay, "epsilon_2": self.eps[1]}
        return "Adafactor", {**config, "clip_threshold": self.d}


def _rms(x: Array) -> float:
    return math.sqrt(float(np.mean(x**2)))


class SparseAdam(Moments):
    """Adam of the rows that have a gradient: those of other rows, and their moments, stay as they are.

    torch takes sparse gradients alone; here a row has none where all its numbers are 0. The corrections of the moments
    count all steps.
    """

    names = ("optim.SparseAdam",)
    lacks: ClassVar = ("weight_decay",)

    def moved(self, number: int, w: Array, g: Array, memory: dict[str, Array]) -> Array:
        has_any = np.reshape(np.any(g != 0, axis=tuple(range(1, g.ndim))), (-1, *(1,) * (g.ndim - 1)))
        old = {name: memory.get(name, np.zeros_like(g)) for name in ("m", "v")}
        m, v = self.averages(g, memory)
        memory["m"], memory["v"] = np.where(has_any, m, old["m"]), np.where(has_any, v, old["v"])
        first, second = self.corrections(number)
        step = self.lr * math.sqrt(second) / first * m / (np.sqrt(v) + self.eps)
        return np.where(has_any, w - step, w)

    def counterpart(self) -> Counterpart:
        raise NoCounterpart("Adam of Keras moves rows on by their moments where they have no gradient, too")
