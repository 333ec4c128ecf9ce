"""What all optimisers of the reference share: arguments, clipping, decay, and the mistakes made with those.

All weights move at once: `apply(number, weights, gradients, memory)` gives them after step `number`, counted from 1.
`weight_decay` is decoupled (Loshchilov and Hutter 2019): a weight loses learning_rate weight_decay w before it moves.
`trained` is what a loop calls for each batch: steps are made of the mean gradient of several batches, at the rate that
a schedule gives, and means of the weights are kept. The documentation of `keras.optimizers.Optimizer` is the source
of this and of the clipping.
"""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .base import Array, LayerError, Mutant, arg, full_config, make
from .constraints import Constraint
from .schedules import rate_at
from .traits import Native
from .values import value_class

if TYPE_CHECKING or sys.version_info >= (3, 11):
    from typing import dataclass_transform
else:  # as in `base`
    from .base import dataclass_transform

Arrays = Mapping[str, Array]
Memory = dict[str, dict[str, Array]]
"""What an optimiser remembers of each weight from step to step; starts empty."""
SUMMED, MEAN = "summed gradients", "mean weight"
"""What is remembered of a weight beside its moments."""

OPTIMIZERS: dict[str, type[Optimizer]] = {}
"""Every optimiser by its Keras class name."""
TORCH_OPTIMIZERS: dict[str, type[Optimizer]] = {}
"""Those of torch that can be asked in torch's words, by name: `optim.Adam`."""


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(arg,))
@dataclass(frozen=True, kw_only=True)
class Optimizer:
    """What all optimisers share: arguments, clipping and decay."""

    mutants: ClassVar[tuple[Mutant, ...]] = ()
    native: ClassVar[Native]
    """What torch calls it."""
    lacks: ClassVar[tuple[str, ...]] = ()
    """Arguments of the class that a case cannot say, for the framework's own does not take them."""

    learning_rate: float = arg("Size of a step, or a schedule.", default=0.001, at_least=0)
    weight_decay: float | None = arg(
        "Share of a weight, times the learning rate, that goes at each step.", default=None
    )
    clipnorm: float | None = arg("Longest gradient of one weight, by its Euclidean norm.", default=None)
    global_clipnorm: float | None = arg("Longest gradient of all weights together.", default=None)
    clipvalue: float | None = arg("Largest entry of a gradient.", default=None)
    use_ema: bool = arg("Whether running means of the weights are kept.", default=False)
    ema_momentum: float = arg("Share of the old mean of a weight that stays.", default=0.99)
    ema_overwrite_frequency: int | None = arg(
        "After how many steps the weights become their means, again and again; null for never.", default=None
    )
    loss_scale_factor: float | None = arg(
        "The loss is times this when gradients are taken, which are divided by it again.", default=None
    )
    gradient_accumulation_steps: int | None = arg(
        "How many batches make a step, by the mean of their gradients; null for each.", default=None
    )
    exclude_from_weight_decay: tuple[str, ...] = arg(
        "Parts of names: weights with one of them in theirs do not decay. The call of this name, in Keras.", default=()
    )
    _rate_off: float = arg("Error of what a schedule gives, as a share of its rates; no argument.", default=0.0)

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        value_class(cls)
        cls.register()

    @classmethod
    def register(cls) -> None:
        """Makes the class known by the name under which a case asks for it."""
        if not cls.__name__.startswith("_"):
            OPTIMIZERS[cls.__name__] = cls

    def check(self) -> None:
        """Raises LayerError for arguments that Keras' constructor refuses."""
        if sum(bound is not None for bound in (self.clipnorm, self.global_clipnorm, self.clipvalue)) > 1:
            raise LayerError("only one of clipnorm, global_clipnorm and clipvalue can be given")
        if self.use_ema and not 0 <= self.ema_momentum <= 1:
            raise LayerError(f"ema_momentum must lie between 0 and 1, not {self.ema_momentum:g}")
        if self.use_ema and (self.ema_overwrite_frequency or 1) < 1:
            raise LayerError(f"ema_overwrite_frequency must be at least 1, not {self.ema_overwrite_frequency}")
        if (self.gradient_accumulation_steps or 2) < 2:
            raise LayerError(f"gradient_accumulation_steps must be at least 2, not {self.gradient_accumulation_steps}")

    def trained(
        self,
        number: int,
        weights: Arrays,
        gradients: Arrays,
        memory: Memory,
        constraints: Mapping[str, Constraint] = MappingProxyType({}),
    ) -> dict[str, Array]:
        """The weights after batch `number` (from 1), whose loss has these gradients.

        What an optimiser holds, the means of weights too, changes where a step is made and at no batch in between.
        """
        summed = self.summed(number, gradients, memory)
        if number % (self.gradient_accumulation_steps or 1):
            return dict(weights)
        now, step = self.at(number), self.steps(number)
        moved = self.constrained(now.apply(step, weights, summed, memory), constraints)
        return self.overwritten(step, moved, memory) if self.use_ema else moved

    def steps(self, number: int) -> int:
        """How many steps have been made after batch `number`."""
        return number // (self.gradient_accumulation_steps or 1)

    def at(self, number: int) -> Any:
        """The optimiser with the rate of batch `number`: a schedule is asked for the batches before it."""
        if isinstance(self.learning_rate, int | float):
            return self
        rate = rate_at(self.learning_rate, number - 1)
        most = max(abs(rate), abs(rate_at(self.learning_rate, 0)))
        return dataclasses.replace(self, learning_rate=rate + self._rate_off * most)

    def summed(self, number: int, gradients: Arrays, memory: Memory) -> Arrays:
        """The mean of the gradients since the last step, of which those of batch `number` are the latest."""
        every = self.gradient_accumulation_steps
        if not every:
            return gradients
        for name, g in gradients.items():
            held = memory.setdefault(name, {})
            held[SUMMED] = g if number % every == 1 else held[SUMMED] + g
        return {name: self.share(every) * memory[name][SUMMED] for name in gradients}

    def share(self, every: int) -> float:
        """What a gradient counts in a step of so many batches."""
        return 1.0 / every

    def overwritten(self, step: int, weights: Arrays, memory: Memory) -> dict[str, Array]:
        """The weights after a step, or their means where it is the time; the first mean is the weight itself."""
        for name, w in weights.items():
            held = memory.setdefault(name, {})
            old: Array = held.get(MEAN, w)
            held[MEAN] = self.ema_momentum * old + (1.0 - self.ema_momentum) * w
        is_time = bool(self.ema_overwrite_frequency) and step % (self.ema_overwrite_frequency or 1) == 0
        return self.finalized(weights, memory) if is_time else dict(weights)

    def finalized(self, weights: Arrays, memory: Memory) -> dict[str, Array]:
        """What the weights are when training is over: their means, where such are kept and a step was made."""
        return {name: memory.get(name, {}).get(MEAN, w) for name, w in weights.items()}

    def decay(self, name: str) -> float:
        """The share that a weight of this name, `layer.weight`, loses beside a step."""
        is_spared = any(part in name.rpartition(".")[2] for part in self.exclude_from_weight_decay)
        share: float = self.weight_decay or 0.0
        return 0.0 if is_spared else self.learning_rate * share

    def apply(self, number: int, weights: Arrays, gradients: Arrays, memory: Memory) -> dict[str, Array]:
        """The weights after step `number` (from 1); all arrays of a name have one shape."""
        clipped = self.clipped(gradients)
        return {
            name: w
            - self.decay(name) * w
            - self.change(number, clipped[name], clipped[name] ** 2, memory.setdefault(name, {}))
            for name, w in weights.items()
        }

    def constrained(self, weights: Arrays, constraints: Mapping[str, Constraint]) -> dict[str, Array]:
        """The weights after a step, those with a constraint brought back to it."""
        return {name: constraints[name].project(w) if name in constraints else w for name, w in weights.items()}

    def rounded(self, random: np.random.Generator, unit: float) -> Optimizer:
        """The optimiser with what it works out from its arguments alone off by a relative `unit`, drawn."""
        if isinstance(self.learning_rate, int | float):
            return self
        return dataclasses.replace(self, _rate_off=float(random.uniform(-unit, unit)))

    def change(self, number: int, g: Array, square: Array, memory: dict[str, Array]) -> Array:
        """What the gradient of one weight, which comes with its square, takes from it."""
        raise NotImplementedError(type(self).__name__)

    def clipped(self, gradients: Arrays) -> Arrays:
        """g c / max(c, |g|) for each weight, or with the norm of all of them; entries between -c and c."""
        if self.clipnorm is not None:
            return {name: g * _shrunk(_norm([g]), self.clipnorm) for name, g in gradients.items()}
        if self.global_clipnorm is not None:
            factor = _shrunk(_norm(gradients.values()), self.global_clipnorm)
            return {name: g * factor for name, g in gradients.items()}
        if self.clipvalue is not None:
            return {name: np.clip(g, -self.clipvalue, self.clipvalue) for name, g in gradients.items()}
        return gradients


@dataclass(frozen=True, kw_only=True)
class OptimizerMap:
    """The optimisers of a MultiOptimizer."""

    default_optimizer: Optimizer
    """Moves every weight that no key stands for."""
    optimizer_map: Mapping[str, Optimizer]
    """Path of a weight, as layer/weight, or a pattern for whole paths, to what moves it."""


def _norm(gradients: Any) -> float:
    return math.sqrt(sum(float(np.sum(g**2)) for g in gradients))


def _shrunk(norm: float, longest: float) -> float:
    return longest / max(norm, longest)


def make_optimizer(type: str, config: Mapping[str, Any]) -> Optimizer:
    """Builds an optimiser from a config as written. Raises LayerError for values that cannot work."""
    optimizer = (OPTIMIZERS.get(type) or TORCH_OPTIMIZERS[type])(**{name: _made(one) for name, one in config.items()})
    optimizer.check()
    return optimizer


def _made(value: Any) -> Any:
    if isinstance(value, Mapping) and "type" in value:
        arguments = {name: item for name, item in value.items() if name != "type"}
        return (make_optimizer if value["type"] in OPTIMIZERS else make)(value["type"], arguments)
    if isinstance(value, Mapping) and "default_optimizer" in value:
        others = {key: _made(one) for key, one in value.get("optimizer_map", {}).items()}
        return OptimizerMap(default_optimizer=_made(value["default_optimizer"]), optimizer_map=others)
    return tuple(value) if isinstance(value, list) else value


def full_arguments(optimizer: Optimizer) -> dict[str, Any]:
    """All arguments as plain values, defaults filled in; a schedule or an inner optimiser as `{"type": ..., ...}`."""

    def plain(value: Any) -> Any:
        if isinstance(value, Optimizer):
            return {"type": type(value).__name__, **full_arguments(value)}
        if isinstance(value, OptimizerMap):
            others = {key: plain(one) for key, one in value.optimizer_map.items()}
            return {"default_optimizer": plain(value.default_optimizer), "optimizer_map": others}
        return value

    full = full_config(optimizer)  # type: ignore[arg-type]  # it reads fields, which both have
    return {name: plain(value) for name, value in full.items()}


def average(memory: dict[str, Array], name: str, share: float, new: Array) -> Array:
    """share * old + (1 - share) * new; the first old one is 0."""
    memory[name] = share * memory.get(name, 0.0) + (1.0 - share) * new
    return memory[name]


class Gradients(dict[str, Array]):
    """Gradients by the name of their weight; of tables also the squares of their places.

    A table from which rows are taken has a gradient at each place that a row went to. The gradient of the row is the
    sum over its places, and a mutant may square before it adds.
    """

    squares: Arrays = MappingProxyType({})
    """Of a table by its name; nothing where no gradient came from places."""
    penalties: Arrays = MappingProxyType({})
    """What regularisers of weights have in the gradients, by the name of the weight."""
    activities: Mapping[str, tuple[Array, Array]] = MappingProxyType({})
    """Likewise of activity regularisers: what they have, and what they would have undivided by the batch's size."""


def gradients_of(gradients: Arrays, names: Iterable[str]) -> Gradients:
    """The gradients of these weights alone, with what else is known of them."""
    wanted = set(names)

    def held(rows: Mapping[str, Any]) -> dict[str, Any]:
        return {name: row for name, row in rows.items() if name in wanted}

    found = Gradients(held(gradients))
    if isinstance(gradients, Gradients):  # a mean over several batches is of plain arrays
        found.squares, found.penalties = held(gradients.squares), held(gradients.penalties)
        found.activities = held(gradients.activities)
    return found


def moving_by(change: Any) -> Any:
    """A mutant's step that differs from the real one in what a gradient takes from a weight."""

    def step(optimizer: Any, number: int, weights: Arrays, gradients: Arrays, memory: Memory) -> dict[str, Array]:
        return _moved(optimizer, number, weights, gradients, memory, change)

    return step


def _moved(
    optimizer: Any,
    number: int,
    weights: Arrays,
    gradients: Arrays,
    memory: Memory,
    change: Any,
    squares: Arrays = MappingProxyType({}),
) -> dict[str, Array]:
    clipped = optimizer.clipped(gradients)
    return {
        name: w
        - optimizer.decay(name) * w
        - change(optimizer, number, clipped[name], squares.get(name, clipped[name] ** 2), memory.setdefault(name, {}))
        for name, w in weights.items()
    }


def _squaring_places(optimizer: Any, number: int, weights: Arrays, gradients: Any, memory: Memory) -> dict[str, Array]:
    return _moved(
        optimizer, number, weights, gradients, memory, type(optimizer).change, getattr(gradients, "squares", {})
    )


def clipping_places(optimizer: Any, number: int, weights: Arrays, gradients: Any, memory: Memory) -> dict[str, Array]:
    """Shortens each gradient by the norm of all its places."""
    if optimizer.clipnorm is None:
        return optimizer.apply(number, weights, gradients, memory)  # type: ignore[no-any-return]  # of an optimiser
    shortened = {
        name: g
        * _shrunk(math.sqrt(float(np.sum(getattr(gradients, "squares", {}).get(name, g**2)))), optimizer.clipnorm)
        for name, g in gradients.items()
    }
    free = dataclasses.replace(optimizer, clipnorm=None)
    return free.apply(number, weights, shortened, memory)  # type: ignore[no-any-return]  # of an optimiser


def _coupled(optimizer: Any, number: int, weights: Arrays, gradients: Arrays, memory: Memory) -> dict[str, Array]:
    decay = optimizer.weight_decay or 0.0
    clipped = optimizer.clipped(gradients)
    free = dataclasses.replace(optimizer, weight_decay=None, clipnorm=None, global_clipnorm=None, clipvalue=None)
    return free.apply(number, weights, {name: clipped[name] + decay * w for name, w in weights.items()}, memory)  # type: ignore[no-any-return]  # of an optimiser


def decaying_by(share: Any) -> Any:
    """A mutant's step that moves by the gradient as the real one does, and takes another decay of a weight.

    `share(optimizer, number, old, moved)` is what goes beside the step, of a weight before and after it.
    """

    def step(optimizer: Any, number: int, weights: Arrays, gradients: Arrays, memory: Memory) -> dict[str, Array]:
        moved = dataclasses.replace(optimizer, weight_decay=None).apply(number, weights, gradients, memory)
        return {name: moved[name] - share(optimizer, number, w, moved[name]) for name, w in weights.items()}

    return step


def decay_of(optimizer: Any, w: Array) -> Array:
    """What a weight loses beside a step."""
    return optimizer.learning_rate * (optimizer.weight_decay or 0.0) * w


def lazily(optimizer: Any, number: int, weights: Arrays, gradients: Arrays, memory: Memory) -> dict[str, Array]:
    """Rows without a gradient stay, and so does what is remembered of them: `memory` holds a copy of the old."""
    old = {name: dict(held) for name, held in memory.items()}
    moved: dict[str, Array] = optimizer.apply(number, weights, gradients, memory)
    for name, g in gradients.items():
        if np.ndim(g) == 2:
            rows = np.any(g != 0, axis=1, keepdims=True)
            moved[name] = np.where(rows, moved[name], weights[name])
            memory[name] = {
                key: np.where(rows, value, old.get(name, {}).get(key, 0.0)) for key, value in memory[name].items()
            }
    return moved


DECAY_MUTANTS = (
    Mutant("coupled_decay", "adds the decay to the gradient, as torch does (L2)", step=_coupled),
    Mutant("no_decay", "leaves the decay out", config=lambda layer: {"weight_decay": None}),
    Mutant(
        "decay_without_rate",
        "takes weight_decay of a weight, whatever the learning rate",
        step=decaying_by(lambda optimizer, number, w, moved: (optimizer.weight_decay or 0.0) * w),
    ),
    Mutant(
        "decays_after_step",
        "takes the decay of the weight that has moved",
        step=decaying_by(lambda optimizer, number, w, moved: decay_of(optimizer, moved)),
    ),
    Mutant(
        "decays_upward",
        "adds the decay",
        step=decaying_by(lambda optimizer, number, w, moved: -decay_of(optimizer, w)),
    ),
    Mutant(
        "spares_biases",
        "leaves biases and scales without decay, as recipes for transformers do",
        step=decaying_by(lambda optimizer, number, w, moved: decay_of(optimizer, w if np.ndim(w) > 1 else 0.0 * w)),
    ),
)


def _without_penalties(share: float) -> Any:
    """A mutant's step that takes this share of what regularisers of weights have in the gradients out of them."""

    def step(optimizer: Any, number: int, weights: Arrays, gradients: Any, memory: Memory) -> dict[str, Array]:
        penalties = getattr(gradients, "penalties", {})
        left = {name: g - share * penalties[name] if name in penalties else g for name, g in gradients.items()}
        return optimizer.apply(number, weights, left, memory)  # type: ignore[no-any-return]  # of an optimiser

    return step


def _with_activities(change: Any) -> Any:
    """A mutant's step that adds `change` of what activity regularisers have in a gradient, divided and whole."""

    def step(optimizer: Any, number: int, weights: Arrays, gradients: Any, memory: Memory) -> dict[str, Array]:
        activities = getattr(gradients, "activities", {})
        changed = {name: g + change(*activities[name]) if name in activities else g for name, g in gradients.items()}
        return optimizer.apply(number, weights, changed, memory)  # type: ignore[no-any-return]  # of an optimiser

    return step


PENALTY_MUTANTS = (
    Mutant("no_penalty", "leaves regularisers out of the loss", step=_without_penalties(1.0)),
    Mutant(
        "half_penalty",
        "takes l2 w for the gradient of l2 w^2, as torch's weight_decay does",
        step=_without_penalties(0.5),
    ),
    Mutant(
        "no_activity_penalty",
        "leaves activity regularisers out of the loss",
        step=_with_activities(lambda divided, whole: -divided),
    ),
    Mutant(
        "activity_penalty_of_batch",
        "does not divide what an activity regulariser costs by the size of the batch",
        step=_with_activities(lambda divided, whole: whole - divided),
    ),
    Mutant(
        "unconstrained",
        "lets weights go where the step takes them",
        methods={"constrained": lambda optimizer, weights, constraints: dict(weights)},
    ),
)
STEP_MUTANTS = (
    Mutant(
        "rate_twice",
        "multiplies by the learning rate twice",
        step=moving_by(lambda optimizer, *args: optimizer.learning_rate * optimizer.change(*args)),
    ),
    Mutant("uphill", "adds the step", step=moving_by(lambda optimizer, *args: -optimizer.change(*args))),
)
SQUARES_PLACES = Mutant(
    "squares_places",
    "squares the gradient of each place of a word by itself and adds the squares",
    step=_squaring_places,
)
