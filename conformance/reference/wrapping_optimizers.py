"""Optimisers that hand their work to others: LossScaleOptimizer to one, MultiOptimizer to one for each weight.

The documentation of `keras.optimizers` is the source of both.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy

from .base import Array, LayerError, Mutant, arg
from .constraints import Constraint
from .optimizer_base import Arrays, Memory, Optimizer, OptimizerMap, gradients_of
from .traits import absent

LARGEST = float(numpy.finfo(numpy.float32).max)
"""Above this a gradient in float32 is infinite."""
SCALE = "of the loss"
"""Under what name the scale of a loss is remembered, where weights have theirs."""


class LossScaleOptimizer(Optimizer):
    """Takes gradients of the loss times a scale, divides them by it, and leaves steps out where they are not finite.

    The scale is then halved. It is doubled after `dynamic_growth_steps` steps in a row that were made since it last
    changed. What was left out is no step of the inner optimiser's.
    """

    native = absent("torch has torch.amp.GradScaler, for the loop to call")
    lacks: ClassVar[tuple[str, ...]] = tuple(field.name for field in dataclasses.fields(Optimizer))

    inner_optimizer: Optimizer = arg("What makes the steps.")
    initial_scale: float = arg("The scale of the first loss.", default=32768.0, at_least=0)
    dynamic_growth_steps: int = arg("After how many steps in a row the scale is doubled.", default=2000, at_least=1)

    def trained(
        self,
        number: int,
        weights: Arrays,
        gradients: Arrays,
        memory: Memory,
        constraints: Mapping[str, Constraint] = MappingProxyType({}),
    ) -> dict[str, Array]:
        held = memory.setdefault(SCALE, {})
        scale = held.get("scale", self.initial_scale)
        if not self.is_finite(scale, gradients):
            held["scale"], held["good"] = self.halved(scale), self.left_of(held)
            held["number"] = held.get("number", 0) + self.counted_of_skipped()
            return dict(weights)
        held["good"] = held.get("good", 0) + 1
        held["number"] = held.get("number", 0) + 1
        if held["good"] >= self.dynamic_growth_steps:
            scale, held["good"] = self.doubled(scale), 0
        held["scale"] = scale
        return self.inner_optimizer.trained(held["number"], weights, gradients, memory, constraints)

    def is_finite(self, scale: Any, gradients: Arrays) -> bool:
        """Whether all gradients of the scaled loss are numbers of float32."""
        with numpy.errstate(over="ignore", invalid="ignore"):
            return all(bool(numpy.all(numpy.abs(scale * g) <= LARGEST)) for g in gradients.values())

    def halved(self, scale: Any) -> Any:
        """The scale after a step that was left out."""
        return scale / 2.0

    def doubled(self, scale: Any) -> Any:
        """The scale after enough steps."""
        return scale * 2.0

    def left_of(self, held: Mapping[str, Any]) -> int:
        """How many steps count towards doubling after one that was left out."""
        return 0

    def counted_of_skipped(self) -> int:
        """How many steps of the inner optimiser a step that was left out is."""
        return 0

    def finalized(self, weights: Arrays, memory: Memory) -> dict[str, Array]:
        return self.inner_optimizer.finalized(weights, memory)

    def rounded(self, random: numpy.random.Generator, unit: float) -> Optimizer:
        near = self.inner_optimizer.rounded(random, unit)
        return self if near is self.inner_optimizer else dataclasses.replace(self, inner_optimizer=near)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("never_skips", "makes every step", methods={"is_finite": lambda self, scale, gradients: True}),
        Mutant(
            "overlooks_scale",
            "looks at gradients of the loss itself",
            methods={"is_finite": lambda self, scale, gradients: LossScaleOptimizer.is_finite(self, 1.0, gradients)},
        ),
        Mutant("never_halves", "keeps a scale that was too large", methods={"halved": lambda self, scale: scale}),
        Mutant("quarters", "takes a quarter of a scale", methods={"halved": lambda self, scale: scale / 4.0}),
        Mutant("never_doubles", "keeps a scale that was good", methods={"doubled": lambda self, scale: scale}),
        Mutant(
            "doubles_late",
            "doubles the scale one step later",
            config=lambda layer: {"dynamic_growth_steps": layer.dynamic_growth_steps + 1},
        ),
        Mutant(
            "goes_on_counting",
            "counts good steps of before one that was left out",
            methods={"left_of": lambda self, held: held.get("good", 0)},
        ),
        Mutant("skipped_counts", "counts what was left out as a step", methods={"counted_of_skipped": lambda self: 1}),
    )


class MultiOptimizer(Optimizer):
    """Every weight by the optimiser that its path is mapped to: `layer/weight` as a key, or matched by one as a whole.

    Each optimiser sees its own weights alone: a norm over all of them is over these. A path that two patterns match has
    no answer; one that none does takes the default.
    """

    native = absent("torch optimises groups of parameters with settings of their own, or calls several optimizers")
    lacks: ClassVar[tuple[str, ...]] = tuple(
        field.name for field in dataclasses.fields(Optimizer) if field.name != "loss_scale_factor"
    )

    optimizer_map: OptimizerMap = arg("Which optimiser moves which weights.")

    def parts(self, names: Iterable[str]) -> list[tuple[Optimizer, list[str]]]:
        """The optimisers, the default first, each with its weights. Raises LayerError for a weight of two."""
        keys = [None, *self.optimizer_map.optimizer_map]
        found: dict[str | None, list[str]] = {key: [] for key in keys}
        for name in names:
            found[self.key_of(name.replace(".", "/", 1))].append(name)
        return [(self.of(key), found[key]) for key in keys]

    def of(self, key: str | None) -> Optimizer:
        """The optimiser of a key; None for the default."""
        return self.optimizer_map.default_optimizer if key is None else self.optimizer_map.optimizer_map[key]

    def key_of(self, path: str) -> str | None:
        """The key that stands for a path, or None."""
        if path in self.optimizer_map.optimizer_map:
            return path
        matching = [key for key in self.optimizer_map.optimizer_map if self.matches(key, path)]
        if len(matching) > 1:
            raise LayerError(f"{path} is matched by {' and by '.join(matching)}")
        return matching[0] if matching else None

    def matches(self, key: str, path: str) -> bool:
        """Whether a key is a pattern for the whole path."""
        return re.fullmatch(key, path) is not None

    def trained(
        self,
        number: int,
        weights: Arrays,
        gradients: Arrays,
        memory: Memory,
        constraints: Mapping[str, Constraint] = MappingProxyType({}),
    ) -> dict[str, Array]:
        moved = dict(weights)
        for index, (optimizer, names) in enumerate(self.parts(weights)):
            if names:
                own: Any = memory.setdefault(f"optimizer {index}", {})
                held = {name: weights[name] for name in names}
                moved |= optimizer.trained(number, held, gradients_of(gradients, names), own, constraints)
        return {name: moved[name] for name in weights}

    def finalized(self, weights: Arrays, memory: Memory) -> dict[str, Array]:
        found = dict(weights)
        for index, (optimizer, names) in enumerate(self.parts(weights)):
            own: Any = memory.get(f"optimizer {index}", {})
            found |= optimizer.finalized({name: weights[name] for name in names}, own)
        return {name: found[name] for name in weights}

    def rounded(self, random: numpy.random.Generator, unit: float) -> Optimizer:
        held = self.optimizer_map
        default = held.default_optimizer.rounded(random, unit)
        others = {key: one.rounded(random, unit) for key, one in held.optimizer_map.items()}
        is_exact = default is held.default_optimizer and all(others[key] is held.optimizer_map[key] for key in others)
        near = OptimizerMap(default_optimizer=default, optimizer_map=others)
        return self if is_exact else dataclasses.replace(self, optimizer_map=near)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("default_for_all", "moves everything by the default", methods={"key_of": lambda self, path: None}),
        Mutant(
            "matches_beginnings",
            "takes a key for the beginning of a path",
            methods={"matches": lambda self, key, path: re.match(key, path) is not None},
        ),
        Mutant("exact_keys_alone", "knows no patterns", methods={"matches": lambda self, key, path: key == path}),
        Mutant(
            "clips_together",
            "takes norms over the weights of all optimisers",
            methods={"trained": lambda *a: _together(*a)},
        ),
    )


def _together(
    optimizer: Any,
    number: int,
    weights: Arrays,
    gradients: Arrays,
    memory: Memory,
    constraints: Mapping[str, Constraint] = MappingProxyType({}),
) -> dict[str, Array]:
    """All weights by every optimiser, of which each is asked for its own."""
    moved: dict[str, Array] = {}
    for index, (one, names) in enumerate(optimizer.parts(weights)):
        own: Any = memory.setdefault(f"optimizer {index}", {})
        every = one.trained(number, weights, gradients, own, constraints)
        moved |= {name: every[name] for name in names}
    return moved
