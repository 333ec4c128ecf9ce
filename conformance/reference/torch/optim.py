"""The optimisers of torch.optim in torch's own words: torch's arguments, torch's defaults, torch's formulas.

Source of each: the algorithm in its documentation, https://docs.pytorch.org/docs/stable/optim.html. `weight_decay` is
added to the gradient, w times, but in AdamW. `number` counts steps from 1.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from conformance.counterpart import NoCounterpart
from conformance.reference.base import Array, LayerError, arg
from conformance.reference.optimizer_base import TORCH_OPTIMIZERS, Arrays, Memory, Optimizer
from conformance.reference.traits import called

SMALL = 1e-7
"""An eps up to which it makes no difference of note whether it is added before a root or a correction, or after it."""
DECOUPLED = "Whether weight_decay takes lr weight_decay w from the weight, and adds nothing to the gradient."
Counterpart = tuple[str, Mapping[str, Any]]
"""Keras' class name and its arguments."""


class TorchOptimizer(Optimizer):
    """What all share; `lr` is the size of a step. Keras' arguments, which the base has, are none of torch's."""

    names: ClassVar[tuple[str, ...]] = ()
    lacks: ClassVar[tuple[str, ...]] = ()
    """Arguments that all others have and this one does not."""
    not_here: ClassVar[Mapping[str, str]] = {
        "foreach": "it says how torch loops, and changes no number",
        "fused": "it says how torch loops, and changes no number",
        "capturable": "it is for CUDA graphs",
        "differentiable": "it is for gradients through steps",
    }
    lr: float = arg("Size of a step.", default=0.001, at_least=0)
    weight_decay: float = arg("Times the weight, added to the gradient.", default=0.0, at_least=0)
    maximize: bool = arg("Whether the loss is to grow.", default=False)

    @classmethod
    def register(cls) -> None:
        """Known by torch's name, and native to itself."""
        if names := cls.__dict__.get("names", ()):
            cls.native = called(*names)
            TORCH_OPTIMIZERS.update(dict.fromkeys(names, cls))

    def check(self) -> None:
        """Nothing beside the bounds of the arguments."""

    def apply(self, number: int, weights: Arrays, gradients: Arrays, memory: Memory) -> dict[str, Array]:
        return {
            name: self.moved(
                number, w, -gradients[name] if self.maximize else gradients[name], memory.setdefault(name, {})
            )
            for name, w in weights.items()
        }

    def moved(self, number: int, w: Array, g: Array, memory: dict[str, Array]) -> Array:
        """The weight after the step."""
        return w - self.taken(number, g + self.weight_decay * w, memory)

    def taken(self, number: int, g: Array, memory: dict[str, Array]) -> Array:
        """What the gradient, with the decay in it, takes from the weight."""
        raise NotImplementedError(type(self).__name__)

    def counterpart(self) -> Counterpart:
        """Keras' optimiser that does the same. Raises NoCounterpart."""
        raise NoCounterpart(f"Keras has nothing like {self.names[0]}")

    def refuse(self, reason: str = "", **usual: Any) -> None:
        """Raises NoCounterpart for an argument with another value than this."""
        for name, value in usual.items():
            found = getattr(self, name)
            if found != value:
                raise NoCounterpart(f"Keras does not say {name}={found}{': ' + reason if reason else ''}")

    def refuse_coupled(self, name: str) -> None:
        """Raises NoCounterpart for a decay that goes through the moments of an optimiser, and for maximize."""
        self.refuse("minimise the negative loss", maximize=False)
        reason = f"{name} of Keras takes its decay from the weight; L2(weight_decay / 2) as a regularizer adds it"
        self.refuse(reason, weight_decay=0.0)

    def refuse_large(self, eps: float) -> None:
        """Raises NoCounterpart where it matters at which place eps is added, for Keras adds it at another."""
        if eps > SMALL:
            raise NoCounterpart(f"Keras adds epsilon at another place, which matters for eps={eps}")


def averaged(memory: dict[str, Array], name: str, share: float, new: Array) -> Array:
    """The old mean, or 0, with a share of it kept and the rest new; remembered under the name."""
    memory[name] = share * memory.get(name, 0.0) + (1.0 - share) * new
    return memory[name]


class SGD(TorchOptimizer):
    """b = momentum b + (1 - dampening) g, the first b being g; w - lr b, or w - lr (g + momentum b) with nesterov."""

    names = ("optim.SGD",)
    momentum: float = arg("Share of the old direction.", default=0.0, at_least=0)
    dampening: float = arg("Share of the gradient that is left out from the second step on.", default=0.0)
    nesterov: bool = arg("Whether to look ahead by the momentum.", default=False)

    def check(self) -> None:
        if self.nesterov and (self.momentum <= 0 or self.dampening != 0):
            raise LayerError("nesterov needs a momentum and no dampening")

    def taken(self, number: int, g: Array, memory: dict[str, Array]) -> Array:
        if not self.momentum:
            return self.lr * g
        memory["b"] = self.momentum * memory["b"] + (1.0 - self.dampening) * g if "b" in memory else g
        return self.lr * (g + self.momentum * memory["b"] if self.nesterov else memory["b"])

    def counterpart(self) -> Counterpart:
        self.refuse(dampening=0.0, maximize=False)
        config = {"learning_rate": self.lr, "momentum": self.momentum, "nesterov": self.nesterov}
        if self.weight_decay and not self.momentum:
            return "SGD", {**config, "weight_decay": self.weight_decay}
        self.refuse_coupled("SGD")
        return "SGD", config


class Moments(TorchOptimizer):
    """What the optimisers of first and second moments share."""

    betas: tuple[float, float] = arg("Shares of the old first and second moment.", default=(0.9, 0.999))
    eps: float = arg("What is added to the root of the second moment.", default=1e-8, at_least=0)
    _off: tuple[float, float] = (0.0, 0.0)
    """By how much the powers of the betas are off, relatively: see `rounded`."""

    def rounded(self, random: np.random.Generator, unit: float) -> Optimizer:
        """1 - beta^t cancels: Keras works it out in float32, and torch in float64."""
        off = random.uniform(-unit, unit, 2)
        return dataclasses.replace(self, _off=(float(off[0]), float(off[1])))

    def corrections(self, number: int) -> tuple[float, float]:
        """1 - beta^t of both moments."""
        first, second = (beta**number * (1.0 + off) for beta, off in zip(self.betas, self._off, strict=True))
        return 1.0 - first, 1.0 - second

    def check(self) -> None:
        if not all(0 <= beta < 1 for beta in self.betas):
            raise LayerError(f"betas are shares below 1, not {self.betas}")

    def is_decoupled(self) -> bool:
        """Whether the decay is taken from the weight, and is none of the gradient."""
        return bool(getattr(self, "decoupled_weight_decay", False))

    def moved(self, number: int, w: Array, g: Array, memory: dict[str, Array]) -> Array:
        if self.is_decoupled():
            return w * (1.0 - self.lr * self.weight_decay) - self.taken(number, g, memory)
        return super().moved(number, w, g, memory)

    def averages(self, g: Array, memory: dict[str, Array]) -> tuple[Array, Array]:
        return averaged(memory, "m", self.betas[0], g), averaged(memory, "v", self.betas[1], g**2)

    def config(self) -> dict[str, Any]:
        return {"learning_rate": self.lr, "beta_1": self.betas[0], "beta_2": self.betas[1], "epsilon": self.eps}


class _Adam(Moments):
    amsgrad: bool = arg("Whether the largest second moment counts.", default=False)

    def taken(self, number: int, g: Array, memory: dict[str, Array]) -> Array:
        m, v = self.averages(g, memory)
        if self.amsgrad:
            v = memory["most"] = np.maximum(memory.get("most", 0.0), v)
        first, second = self.corrections(number)
        return self.lr * m / first / (np.sqrt(v / second) + self.eps)

    def counterpart(self) -> Counterpart:
        self.refuse_large(self.eps)
        config = {**self.config(), "amsgrad": self.amsgrad}
        if self.is_decoupled():
            self.refuse("minimise the negative loss", maximize=False)
            return "AdamW", {**config, "weight_decay": self.weight_decay}
        self.refuse_coupled("Adam")
        return "Adam", config


class Adam(_Adam):
    """w - lr m / (sqrt(v) + eps), both moments corrected for their start; with amsgrad the largest v so far."""

    names = ("optim.Adam",)
    decoupled_weight_decay: bool = arg(DECOUPLED, default=False)


class AdamW(_Adam):
    """Adam, and the weight loses lr weight_decay w before each step."""

    names = ("optim.AdamW",)
    weight_decay: float = arg("Share of the weight, times lr, that goes at each step.", default=0.01, at_least=0)

    def is_decoupled(self) -> bool:
        return True


class Adamax(Moments):
    """u = max(beta_2 u, |g| + eps); w - lr / (1 - beta_1^t) m / u."""

    names = ("optim.Adamax",)
    lr: float = arg("Size of a step.", default=0.002, at_least=0)

    def taken(self, number: int, g: Array, memory: dict[str, Array]) -> Array:
        m = averaged(memory, "m", self.betas[0], g)
        u = memory["u"] = np.maximum(self.betas[1] * memory.get("u", 0.0), np.abs(g) + self.eps)
        return self.lr / self.corrections(number)[0] * m / u

    def counterpart(self) -> Counterpart:
        self.refuse_coupled("Adamax")
        self.refuse_large(self.eps)
        return "Adamax", self.config()


class NAdam(Moments):
    """Adam that looks ahead, with mu_t = beta_1 (1 - 0.96^(t momentum_decay) / 2)."""

    names = ("optim.NAdam",)
    decoupled_weight_decay: bool = arg(DECOUPLED, default=False)
    lr: float = arg("Size of a step.", default=0.002, at_least=0)
    momentum_decay: float = arg("How fast mu comes to beta_1.", default=0.004, at_least=0)

    def mu(self, number: int) -> float:
        share: float = self.betas[0] * (1.0 - 0.5 * 0.96 ** (number * self.momentum_decay))
        return share

    def taken(self, number: int, g: Array, memory: dict[str, Array]) -> Array:
        m, v = self.averages(g, memory)
        now, after = self.mu(number), self.mu(number + 1)
        product = math.prod(self.mu(step) for step in range(1, number + 1))
        ahead = after * m / (1.0 - product * after) + (1.0 - now) * g / (1.0 - product)
        return self.lr * ahead / (np.sqrt(v / self.corrections(number)[1]) + self.eps)

    def counterpart(self) -> Counterpart:
        self.refuse("AdamW alone takes a decoupled decay from the weight", decoupled_weight_decay=False)
        self.refuse_coupled("Nadam")
        self.refuse_large(self.eps)
        self.refuse("the schedule of keras.optimizers.Nadam is that of momentum_decay=1", momentum_decay=1.0)
        return "Nadam", self.config()


class RAdam(Moments):
    """Adam with a factor for the variance of the second moment, and without that moment as long as it is not known."""

    names = ("optim.RAdam",)
    decoupled_weight_decay: bool = arg(DECOUPLED, default=False)

    def taken(self, number: int, g: Array, memory: dict[str, Array]) -> Array:
        m, v = self.averages(g, memory)
        first, second = self.corrections(number)
        most = 2.0 / (1.0 - self.betas[1]) - 1.0
        rho = most - 2.0 * number * self.betas[1] ** number / second
        if rho <= 5:
            return self.lr * m / first
        factor = math.sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho))
        return self.lr * m / first * factor * math.sqrt(second) / (np.sqrt(v) + self.eps)


class RMSprop(TorchOptimizer):
    """w - lr g / (sqrt(v) + eps), v = alpha v + (1 - alpha) g^2, less the square of the mean gradient if centered."""

    names = ("optim.RMSprop",)
    lr: float = arg("Size of a step.", default=0.01, at_least=0)
    alpha: float = arg("Share of the old mean of squares.", default=0.99, at_least=0)
    eps: float = arg("What is added to the root.", default=1e-8, at_least=0)
    momentum: float = arg("Share of the old direction.", default=0.0, at_least=0)
    centered: bool = arg("Whether the variance takes the place of the mean of squares.", default=False)

    def taken(self, number: int, g: Array, memory: dict[str, Array]) -> Array:
        v = averaged(memory, "v", self.alpha, g**2)
        if self.centered:
            v = v - averaged(memory, "mean", self.alpha, g) ** 2
        step = g / (np.sqrt(v) + self.eps)
        if not self.momentum:
            return self.lr * step
        memory["b"] = self.momentum * memory.get("b", 0.0) + step
        return self.lr * memory["b"]

    def counterpart(self) -> Counterpart:
        self.refuse_coupled("RMSprop")
        self.refuse_large(self.eps)
        config = {"learning_rate": self.lr, "rho": self.alpha, "epsilon": self.eps**2, "momentum": self.momentum}
        return "RMSprop", {**config, "centered": self.centered}


class Adagrad(TorchOptimizer):
    """w - lr / (1 + (t - 1) lr_decay) g / (sqrt(sum of g^2) + eps)."""

    names = ("optim.Adagrad",)
    lr: float = arg("Size of a step.", default=0.01, at_least=0)
    lr_decay: float = arg("How fast steps get shorter.", default=0.0, at_least=0)
    initial_accumulator_value: float = arg("The sum before the first step.", default=0.0, at_least=0)
    eps: float = arg("What is added to the root.", default=1e-10, at_least=0)

    def taken(self, number: int, g: Array, memory: dict[str, Array]) -> Array:
        memory["sum"] = memory.get("sum", self.initial_accumulator_value) + g**2
        return self.lr / (1.0 + (number - 1) * self.lr_decay) * g / (np.sqrt(memory["sum"]) + self.eps)

    def counterpart(self) -> Counterpart:
        self.refuse_coupled("Adagrad")
        self.refuse_large(self.eps)
        self.refuse("an InverseTimeDecay schedule does", lr_decay=0.0)
        start = self.initial_accumulator_value
        return "Adagrad", {"learning_rate": self.lr, "initial_accumulator_value": start, "epsilon": self.eps**2}


class Adadelta(TorchOptimizer):
    """d = sqrt(u + eps) / sqrt(v + eps) g, with v and u the means of the squares of g and d; w - lr d."""

    names = ("optim.Adadelta",)
    lr: float = arg("Factor of a step.", default=1.0, at_least=0)
    rho: float = arg("Share of the old means.", default=0.9, at_least=0)
    eps: float = arg("What is added to both means.", default=1e-6, at_least=0)

    def taken(self, number: int, g: Array, memory: dict[str, Array]) -> Array:
        v = averaged(memory, "v", self.rho, g**2)
        d = np.sqrt(memory.get("u", 0.0) + self.eps) / np.sqrt(v + self.eps) * g
        averaged(memory, "u", self.rho, d**2)
        return self.lr * d

    def counterpart(self) -> Counterpart:
        self.refuse_coupled("Adadelta")
        return "Adadelta", {"learning_rate": self.lr, "rho": self.rho, "epsilon": self.eps}


def in_keras(optimizer: Optimizer) -> Mapping[str, Any]:
    """Keras' optimiser in the place of one of torch's: `type` and `config`, or the `reason`; nothing of another one."""
    if not isinstance(optimizer, TorchOptimizer):
        return {}
    try:
        kind, config = optimizer.counterpart()
    except NoCounterpart as none:
        return {"reason": str(none)}
    return {"type": kind, "config": dict(config)}
