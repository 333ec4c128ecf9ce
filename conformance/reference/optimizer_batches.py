"""Mistakes that are made around a step: with schedules, means of weights, several batches a step, scaled losses.

What they are mistakes in is `optimizer_base.Optimizer.trained`, which all optimisers share; plain descent has them.
"""

from __future__ import annotations

import dataclasses
from types import MappingProxyType
from typing import Any

from .base import Mutant
from .optimizer_base import MEAN, Arrays, Memory, Optimizer, decaying_by
from .schedules import rate_at


def _asking(batches: Any) -> Any:
    """A method `at` that asks the schedule for `batches(optimizer, number)`."""

    def at(optimizer: Any, number: int) -> Any:
        if isinstance(optimizer.learning_rate, int | float):
            return optimizer
        return dataclasses.replace(
            optimizer, learning_rate=rate_at(optimizer.learning_rate, batches(optimizer, number))
        )

    return at


def _from_zero(optimizer: Any, step: int, weights: Arrays, memory: Memory) -> Any:
    for name, w in weights.items():
        memory.setdefault(name, {}).setdefault(MEAN, 0.0 * w)
    return Optimizer.overwritten(optimizer, step, weights, memory)


def _before_the_step(optimizer: Any, step: int, weights: Arrays, memory: Memory) -> Any:
    """Means of what weights were before this step: it is looked at one too late."""
    old = {name: memory.setdefault(name, {}).get("last weight", w) for name, w in weights.items()}
    for name, w in weights.items():
        memory[name]["last weight"] = w
    made = Optimizer.overwritten(optimizer, step, old, memory)
    is_time = bool(optimizer.ema_overwrite_frequency) and step % optimizer.ema_overwrite_frequency == 0
    return made if is_time else dict(weights)


def _constrained_last(
    optimizer: Any,
    number: int,
    weights: Arrays,
    gradients: Arrays,
    memory: Memory,
    constraints: Any = MappingProxyType({}),
) -> Any:
    """Means of what steps make, before constraints are asked."""
    moved = Optimizer.trained(optimizer, number, weights, gradients, memory)
    return moved if number % (optimizer.gradient_accumulation_steps or 1) else optimizer.constrained(moved, constraints)


def _each_batch(
    optimizer: Any,
    number: int,
    weights: Arrays,
    gradients: Arrays,
    memory: Memory,
    constraints: Any = MappingProxyType({}),
) -> Any:
    """A mean at every batch, from the first step on, and overwriting at all batches of a step."""
    free = dataclasses.replace(optimizer, use_ema=False)
    moved = Optimizer.trained(free, number, weights, gradients, memory, constraints)
    if not optimizer.use_ema:
        return moved
    step = optimizer.steps(number - 1) + 1
    if step == 1:
        for held in memory.values():
            held.pop(MEAN, None)
    return optimizer.overwritten(step, moved, memory)


def _scaled(optimizer: Any, number: int, gradients: Arrays, memory: Memory) -> Arrays:
    factor = optimizer.loss_scale_factor or 1.0
    held = Optimizer.summed(optimizer, number, gradients, memory)
    return {name: factor * g for name, g in held.items()} if factor != 1.0 else held


def _divided(optimizer: Any, number: int, gradients: Arrays, memory: Memory) -> Arrays:
    factor = optimizer.loss_scale_factor or 1.0
    held = Optimizer.summed(optimizer, number, gradients, memory)
    return {name: g / factor for name, g in held.items()} if factor != 1.0 else held


BATCH_MUTANTS = (
    Mutant(
        "rate_one_late",
        "asks the schedule for the batches with this one",
        methods={"at": _asking(lambda optimizer, number: number)},
    ),
    Mutant(
        "rate_of_steps",
        "asks the schedule for the steps that were made, and not for the batches",
        methods={"at": _asking(lambda optimizer, number: optimizer.steps(number) - 1)},
    ),
    Mutant("first_rate", "stays at the first rate", methods={"at": _asking(lambda optimizer, number: 0)}),
    Mutant("sums_batches", "adds gradients of batches up", methods={"share": lambda optimizer, every: 1.0}),
    Mutant(
        "steps_each_batch", "makes a step of each batch", config=lambda layer: {"gradient_accumulation_steps": None}
    ),
    Mutant("no_means", "keeps no means of weights", config=lambda layer: {"use_ema": False}),
    Mutant(
        "swapped_mean",
        "keeps 1 - ema_momentum of the old mean",
        config=lambda layer: {"ema_momentum": 1.0 - layer.ema_momentum},
    ),
    Mutant("mean_from_zero", "begins a mean at 0", methods={"overwritten": _from_zero}),
    Mutant(
        "mean_one_late", "takes the weights before the step into the mean", methods={"overwritten": _before_the_step}
    ),
    Mutant(
        "constrains_last", "takes means of weights before they are constrained", methods={"trained": _constrained_last}
    ),
    Mutant("means_each_batch", "takes a mean at each batch, step or not", methods={"trained": _each_batch}),
    Mutant("never_overwrites", "leaves the weights", config=lambda layer: {"ema_overwrite_frequency": None}),
    Mutant(
        "no_finalizing",
        "leaves the weights when training is over",
        methods={"finalized": lambda optimizer, weights, memory: dict(weights)},
    ),
    Mutant("leaves_scale", "does not divide gradients by the scale of the loss", methods={"summed": _scaled}),
    Mutant("divides_alone", "divides gradients of a loss that nobody scaled", methods={"summed": _divided}),
    Mutant(
        "decays_all",
        "lets all weights decay, excluded or not",
        step=decaying_by(
            lambda optimizer, number, w, moved: optimizer.learning_rate * (optimizer.weight_decay or 0) * w
        ),
    ),
)
