"""What all optimisers of the reference share: arguments, clipping, decay, and the mistakes made with those.

All weights move at once: `apply(number, weights, gradients, memory)` gives them after step `number`, counted from 1.
`weight_decay` is decoupled (Loshchilov and Hutter 2019): a weight loses learning_rate weight_decay w before it moves.
The documentation of `keras.optimizers.Optimizer` is the source of the clipping.
"""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .base import Array, LayerError, Mutant, arg
from .constraints import Constraint
from .traits import Native
from .values import value_class

if TYPE_CHECKING or sys.version_info >= (3, 11):
    from typing import dataclass_transform
else:  # as in `base`
    from .base import dataclass_transform

Arrays = Mapping[str, Array]
Memory = dict[str, dict[str, Array]]
"""What an optimiser remembers of each weight from step to step; starts empty."""

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

    learning_rate: float = arg("Size of a step.", default=0.001, at_least=0)
    weight_decay: float | None = arg(
        "Share of a weight, times the learning rate, that goes at each step.", default=None
    )
    clipnorm: float | None = arg("Longest gradient of one weight, by its Euclidean norm.", default=None)
    global_clipnorm: float | None = arg("Longest gradient of all weights together.", default=None)
    clipvalue: float | None = arg("Largest entry of a gradient.", default=None)

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

    def apply(self, number: int, weights: Arrays, gradients: Arrays, memory: Memory) -> dict[str, Array]:
        """The weights after step `number` (from 1); all arrays of a name have one shape."""
        clipped = self.clipped(gradients)
        decay = self.learning_rate * (self.weight_decay or 0.0)
        return {
            name: w - decay * w - self.change(number, clipped[name], clipped[name] ** 2, memory.setdefault(name, {}))
            for name, w in weights.items()
        }

    def constrained(self, weights: Arrays, constraints: Mapping[str, Constraint]) -> dict[str, Array]:
        """The weights after a step, those with a constraint brought back to it."""
        return {name: constraints[name].project(w) if name in constraints else w for name, w in weights.items()}

    def rounded(self, random: np.random.Generator, unit: float) -> Optimizer:
        """The optimiser with what it works out from its arguments alone off by a relative `unit`, drawn."""
        return self

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


def _norm(gradients: Any) -> float:
    return math.sqrt(sum(float(np.sum(g**2)) for g in gradients))


def _shrunk(norm: float, longest: float) -> float:
    return longest / max(norm, longest)


def make_optimizer(type: str, config: Mapping[str, Any]) -> Optimizer:
    """Builds an optimiser from a config as written. Raises LayerError for values that cannot work."""
    plain: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in config.items()}
    optimizer = (OPTIMIZERS.get(type) or TORCH_OPTIMIZERS[type])(**plain)
    optimizer.check()
    return optimizer


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
    decay = optimizer.learning_rate * (optimizer.weight_decay or 0.0)
    return {
        name: w
        - decay * w
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
