"""What `fit` and `evaluate` report: how the losses and metrics of batches become the numbers of an epoch.

A batch of n samples has, for each output o, a loss l_o: that of `keras.losses`, over the batch, with the weights of its
samples. What is minimised is L = sum over o of (loss weight of o) l_o, and all that layers add. An epoch reports

    loss        sum over batches of n L / sum of n:    each sample counts once, in a short last batch too
    o_loss      sum over batches of n l_o / sum of n:  each output's own, before loss weights and what layers add
    a metric    its result over all batches of the epoch; weights of samples enter those of `weighted_metrics` alone

all with the predictions of the step, before the optimiser moves anything. The weight of a sample is that of
`sample_weight` times that of its class. The documentation of `Model.compile` and `Model.fit` is the source; that the
mean is over samples and not over batches, it leaves to "average over the epoch", and mathematics decides: else the size
of a batch would decide what a loss is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import autograd.numpy as np
import numpy

from .base import Mutant
from .losses import same_rank, times
from .optimizers import Memory, Optimizer

Array = Any
WEIGHTS = "weights"
"""The form of a saved file that holds the weights of a model and nothing else."""


@dataclass(frozen=True, kw_only=True)
class Loop:
    """A pass over batches; a mutant has others of these methods."""

    mutants: ClassVar[tuple[Mutant, ...]] = ()
    through: ClassVar[str] = ""
    """What Keras calls it."""

    optimizer: Optimizer | None = None
    """None where nothing is trained."""

    def rounded(self, random: numpy.random.Generator, unit: float) -> Loop:
        """The loop with what its optimiser works out from its arguments alone off by a relative `unit`, drawn."""
        near = None if self.optimizer is None else self.optimizer.rounded(random, unit)
        return self if near is self.optimizer else replace(self, optimizer=near)

    def batches(self, count: int, size: int) -> list[slice]:
        """Where the batches of `count` samples stand; the last one may be short."""
        return [slice(start, min(start + size, count)) for start in range(0, count, size)]

    def weight(self, given: Array | None, of_classes: tuple[float, ...], labels: Array) -> Array | None:
        """What each sample of a batch counts: its own weight times that of its class; None for 1 everywhere."""
        if not of_classes:
            return given
        classes = numpy.rint(numpy.asarray(labels)).astype(int)  # where a budget is worked out, labels are moved
        by_class = numpy.asarray(of_classes)[classes.reshape(len(labels))]
        return by_class if given is None else times(*same_rank(given, by_class))

    def mask(self, mask: Array | None) -> Array | None:
        """The mask of an output, as its loss gets it."""
        return mask

    def metric_mask(self, mask: Array | None) -> Array | None:
        """The same, as its metrics get it."""
        return mask

    def metric_weight(self, weight: Array | None, is_weighted: bool) -> Array | None:
        """The weights of samples, as a metric gets them."""
        return weight if is_weighted else None

    def total(self, losses: Mapping[str, Array], loss_weights: Mapping[str, float]) -> Array:
        """The losses of all outputs as one."""
        return sum((loss_weights.get(name, 1.0) * loss for name, loss in losses.items()), start=np.array(0.0))

    def with_added(self, total: Array, added: Array) -> Array:
        """The loss, with all that layers add to it."""
        return total + added

    def reported_output(self, loss: Array, loss_weight: float) -> Array:
        """The loss of one output of several, as it is reported."""
        return loss

    def share(self, samples: int) -> float:
        """How much a batch counts in the mean."""
        return float(samples)

    def forgets(self) -> bool:
        """Whether an epoch starts anew."""
        return True

    def resumed(self, form: str, steps: int, memory: Memory) -> tuple[int, Memory]:
        """The steps that an optimiser has made, and what it remembers, when the model was saved and loaded.

        A file of the whole model keeps both. Weights alone go into a model that was compiled anew.
        """
        return (0, {}) if form == WEIGHTS else (steps, memory)


def _without_steps(loop: Any, form: str, steps: int, memory: Memory) -> tuple[int, Memory]:
    return 0, {} if form == WEIGHTS else memory


def _without_memory(loop: Any, form: str, steps: int, memory: Memory) -> tuple[int, Memory]:
    return 0 if form == WEIGHTS else steps, {}


def _with_all(loop: Any, form: str, steps: int, memory: Memory) -> tuple[int, Memory]:
    return steps, memory


def _all_weighted(loop: Any, weight: Any, is_weighted: bool) -> Any:
    return weight


def _none_weighted(loop: Any, weight: Any, is_weighted: bool) -> Any:
    return None


def _full_batches(loop: Any, count: int, size: int) -> list[slice]:
    return [slice(start, start + size) for start in range(0, count - size + 1, size)]


def _unweighted_total(loop: Any, losses: Mapping[str, Any], loss_weights: Mapping[str, float]) -> Any:
    return sum(losses.values(), start=np.array(0.0))


def _mean_of_outputs(loop: Any, losses: Mapping[str, Any], loss_weights: Mapping[str, float]) -> Any:
    total = Loop.total(loop, losses, loss_weights)
    return total / sum(loss_weights.get(name, 1.0) for name in losses)


LOOP_MUTANTS = (
    Mutant(
        "mean_of_batches",
        "takes the mean of the batches' losses, so that a short last batch counts as much as a long one",
        methods={"share": lambda loop, samples: 1.0},
    ),
    Mutant("drops_last_batch", "leaves out a last batch that is short", methods={"batches": _full_batches}),
    Mutant("no_loss_weights", "adds the losses of outputs without their weights", methods={"total": _unweighted_total}),
    Mutant("mean_of_outputs", "divides by the sum of the loss weights", methods={"total": _mean_of_outputs}),
    Mutant(
        "no_added_losses",
        "leaves what layers add out of the loss",
        methods={"with_added": lambda loop, total, added: total},
    ),
    Mutant(
        "weighted_outputs",
        "reports each output's loss times its loss weight",
        methods={"reported_output": lambda loop, loss, weight: weight * loss},
    ),
    Mutant("weights_every_metric", "weights samples in `metrics` too", methods={"metric_weight": _all_weighted}),
    Mutant("weights_no_metric", "weights samples in no metric", methods={"metric_weight": _none_weighted}),
    Mutant(
        "ignores_sample_weight",
        "overlooks the weights of samples",
        methods={"weight": lambda loop, given, of_classes, labels: Loop.weight(loop, None, of_classes, labels)},
    ),
    Mutant("ignores_mask", "lets padding count in the loss", methods={"mask": lambda loop, mask: None}),
    Mutant("metrics_ignore_mask", "lets padding count in metrics", methods={"metric_mask": lambda loop, mask: None}),
)


@dataclass(frozen=True, kw_only=True)
class Fit(Loop):
    """`fit`: after each batch the optimiser makes a step; every epoch reports."""

    through: ClassVar[str] = "fit"
    mutants: ClassVar[tuple[Mutant, ...]] = (
        *LOOP_MUTANTS,
        Mutant(
            "ignores_class_weight",
            "overlooks the weights of classes",
            methods={"weight": lambda loop, given, of_classes, labels: given},
        ),
        Mutant("never_forgets", "goes on with the sums of the epoch before", methods={"forgets": lambda loop: False}),
        Mutant(
            "saves_no_slots",
            "saves a model without what its optimiser remembers of each weight",
            methods={"resumed": _without_memory},
        ),
        Mutant(
            "saves_no_steps",
            "lets the optimiser of a model that was loaded count its steps from 0",
            methods={"resumed": _without_steps},
        ),
        Mutant(
            "slots_with_weights",
            "keeps the optimiser's state in a file of weights alone",
            methods={"resumed": _with_all},
        ),
    )


@dataclass(frozen=True, kw_only=True)
class Evaluate(Loop):
    """`evaluate`: layers as in inference, and nothing moves."""

    through: ClassVar[str] = "evaluate"
    mutants: ClassVar[tuple[Mutant, ...]] = LOOP_MUTANTS


LOOPS: dict[str, type[Loop]] = {kind.through: kind for kind in (Fit, Evaluate)}
"""Every loop by what Keras calls it."""
