"""Training in the reference: gradients of the loss by autograd, steps by `conformance.reference.optimizers`."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy

from conformance.case.reports import is_evaluated
from conformance.oracle.arithmetic import EXACT, Arithmetic
from conformance.oracle.arrays import ReferenceArrays
from conformance.oracle.fitting import make_loop, reports
from conformance.protocol.adapter import Observing
from conformance.protocol.carried import remembered
from conformance.protocol.plan import Plan, PlannedTraining
from conformance.protocol.training import batch_of, number_of
from conformance.reference.base import Layer
from conformance.reference.constraints import make_constraint
from conformance.reference.lookup import places, squares
from conformance.reference.optimizer_base import Gradients
from conformance.reference.optimizers import Memory, Optimizer, make_optimizer
from conformance.reference.regularizers import make_regularizer
from conformance.reference.torch.base import TorchLayer, plain

Arrays = Mapping[str, Any]
ARGUMENT_PATTERNS = 4
"""Trainings from which the sensitivity to what is made of an optimiser's arguments is estimated: it is one number."""


def make_optimizers(plan: Plan) -> list[Any]:
    """The optimiser of each training, then the loop of each that goes through `fit` or `evaluate`.

    Raises LayerError where a constructor would.
    """
    optimizers = [make_optimizer(one.optimizer, one.config) for one in plan.trainings]
    return [*optimizers, *(make_loop(one) for one in plan.fits)]


def weights_after_steps(
    plan: Plan,
    layers: Mapping[str, Layer],
    optimizers: Sequence[Any],
    weights: Mapping[str, Arrays],
    inputs: Arrays,
    arithmetic: Arithmetic = EXACT,
) -> dict[str, Any]:
    """`layer.weight@step` to the weight after that step, for every training of the plan, and what `fit` reports.

    `optimizers` are those of `make_optimizers`; none where nothing is to be trained.
    """
    found: dict[str, Any] = {}
    for training, optimizer in zip(plan.trainings, optimizers, strict=False):
        for number, held in enumerate(_steps(plan, training, layers, optimizer, weights, inputs, arithmetic), start=1):
            found |= {f"{name}@{number}": value for name, value in held.items()}
    for fit, loop in zip(plan.fits, optimizers[len(plan.trainings) :], strict=False):
        found |= reports(plan, fit, layers, loop, weights, inputs, arithmetic)
    return found


def moves_of_arguments(
    plan: Plan,
    layers: Mapping[str, Layer],
    optimizers: Sequence[Any],
    weights: Mapping[str, Arrays],
    inputs: Arrays,
    unit: float,
) -> dict[str, Any]:
    """`layer.weight@step` to the root mean square of what it moves when what optimisers make of their arguments does.

    Zeros where nothing of that kind is rounded (`Optimizer.rounded`). Not of reports in which nothing was trained.
    """

    def trained(those: Sequence[Any]) -> dict[str, Any]:
        found = weights_after_steps(plan, layers, those, weights, inputs)
        return {label: value for label, value in found.items() if not is_evaluated(label)}

    exact = trained(optimizers)
    moved = {label: numpy.zeros(value.shape) for label, value in exact.items()}
    for pattern in range(ARGUMENT_PATTERNS):
        random = numpy.random.Generator(numpy.random.Philox(key=[pattern, 1]))
        near = [optimizer.rounded(random, unit) for optimizer in optimizers]
        if all(one is other for one, other in zip(near, optimizers, strict=True)):
            return moved
        for label, value in trained(near).items():
            moved[label] += (value - exact[label]) ** 2
    return {label: numpy.sqrt(total / ARGUMENT_PATTERNS) for label, total in moved.items()}


def _steps(
    plan: Plan,
    training: PlannedTraining,
    layers: Mapping[str, Layer],
    optimizer: Optimizer,
    weights: Mapping[str, Arrays],
    inputs: Arrays,
    arithmetic: Arithmetic,
) -> Iterator[dict[str, Any]]:
    """After each step all weights of the layers that the loss reaches, trained or not, by `layer.weight`.

    What layers remember (moving statistics, states) lives from step to step, as it does in a training loop.
    """
    moved = {name: _weight(weights, name) for name in training.trained}
    memory: dict[str, dict[str, Any]] = {}
    of_optimizer: Memory = {}
    penalties = {name: make_regularizer(config) for name, config in training.penalties.items()}
    constraints = {name: make_constraint(config) for name, config in training.constraints.items()}

    def run(moving: Arrays, feed: Arrays) -> ReferenceArrays:
        def source(layer: str, *_: Any) -> dict[str, Any]:
            return {key: moving.get(f"{layer}.{key}", value) for key, value in weights[layer].items()}

        arrays = ReferenceArrays(plan, layers, source, Observing())
        arrays.memory = memory
        arrays.run(feed)
        return arrays

    def loss(moving: Arrays, feed: Arrays) -> Any:
        arrays = run(moving, feed)
        own = [arrays.added[layer] for layer in training.layers if layer in arrays.added]
        return sum(own, start=number_of(training.loss, arrays.values[training.loss]).data)

    has_activities = any(plan.layers[layer].activity_penalty is not None for layer in training.layers)
    for number in range(1, training.steps + 1):
        feed = batch_of(training, inputs, number)
        activities = _activities(run, training, moved, feed, memory, arithmetic) if has_activities else {}
        with places() as heard:
            gradients = Gradients(arithmetic.grad(loss)(moved, feed))
        moved = moved | _in_place(layers, memory, moved)
        gradients.activities = activities
        gradients.penalties = {name: arithmetic.grad(cost.penalty)(moved[name]) for name, cost in penalties.items()}
        gradients.update({name: gradients[name] + more for name, more in gradients.penalties.items()})
        squared = {name: squares(moved[name], g, heard) for name, g in gradients.items()} if heard else {}
        gradients.squares = {name: square for name, square in squared.items() if square is not None}
        moved = optimizer.trained(number, moved, gradients, of_optimizer, constraints)
        if training.finalize and number == training.steps:
            moved = optimizer.finalized(moved, of_optimizer)
        held = {}
        for layer in training.layers:
            for key, drawn in weights[layer].items():
                own = remembered(memory.get(layer, {}), key)
                held[f"{layer}.{key}"] = numpy.asarray(moved.get(f"{layer}.{key}", drawn) if own is None else own)
        yield held


def _activities(
    run: Any,
    training: PlannedTraining,
    moved: Arrays,
    feed: Arrays,
    memory: dict[str, dict[str, Any]],
    arithmetic: Arithmetic,
) -> dict[str, tuple[Any, Any]]:
    """Weight to what activity regularisers have in its gradient, and what they would have if nothing were divided.

    The runs that find it out are none of the training's: what layers remember is as it was.
    """
    kept = copy.deepcopy(memory)

    def divided(moving: Arrays) -> Any:
        arrays = run(moving, feed)
        return sum((arrays.added[layer] for layer in training.layers if layer in arrays.activities), start=0.0)

    def whole(moving: Arrays) -> Any:
        arrays = run(moving, feed)
        return sum((arrays.activities[layer] for layer in training.layers if layer in arrays.activities), start=0.0)

    found = []
    for cost in (divided, whole):
        found.append(arithmetic.grad(cost)(moved))
        memory.clear()
        memory.update(copy.deepcopy(kept))
    return {name: (found[0][name], found[1][name]) for name in moved}


def _in_place(
    layers: Mapping[str, Layer], memory: Mapping[str, dict[str, Any]], moved: Arrays
) -> dict[str, numpy.ndarray[Any, Any]]:
    """Trained weights that a call has put others in the place of; they are no memory from then on."""
    found = {}
    for layer, held in layers.items():
        for key in held.in_place if isinstance(held, TorchLayer) else ():
            own = memory.get(layer, {}).pop(key, None)
            if own is not None and f"{layer}.{key}" in moved:
                found[f"{layer}.{key}"] = plain(own)
    return found


def _weight(weights: Mapping[str, Arrays], name: str) -> Any:
    layer, _, key = name.partition(".")
    return weights[layer][key]
