"""Training in the torch lane: `torch.optim` moves the weights, in Keras' layout, through which all ports are mapped.

An optimiser looks at one number at a time, or at the norm of a whole weight, so that the layout changes nothing. Two
weights that torch has in place of one (the biases of a recurrent layer) are one here: in torch's own layer both would
move, and their sum twice as far.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from conformance.lanes.torch.movers import mover
from conformance.lanes.torch.penalties import penalty, project
from conformance.protocol.adapter import Observing
from conformance.protocol.carried import CarriedArrays, remembered
from conformance.protocol.plan import Plan, PlannedTraining
from conformance.protocol.training import batch_of, number_of
from conformance.protocol.wire import pack


def weights_after_steps(
    plan: Plan, fresh: Any, inputs: Mapping[str, Any], observing: Observing, is_native: bool = False
) -> dict[str, Any]:
    """`layer.weight@step` to the observed weight, for every training; by torch's optimisers as they are if `is_native`.

    `fresh()` gives the graph over weights as the plan has them, and layers that remember nothing.
    """
    found: dict[str, Any] = {}
    for index, training in enumerate(plan.trainings):
        arrays: CarriedArrays = fresh()
        weights: Mapping[str, dict[str, torch.Tensor]] = arrays.keras_weights  # type: ignore[attr-defined]  # torch's
        found |= _train(training, arrays, weights, inputs, observing, f"training {index + 1}", is_native)
    return found


def _train(
    training: PlannedTraining,
    arrays: Any,
    weights: Mapping[str, dict[str, torch.Tensor]],
    inputs: Mapping[str, Any],
    observing: Observing,
    title: str,
    is_native: bool,
) -> dict[str, Any]:
    held = {name: weights[parts_of(name)[0]][parts_of(name)[1]].requires_grad_() for name in training.trained}
    moved = list(held.values())
    batches, name_in_torch, how = mover(training.optimizer, training.config, training.full, held, is_native)
    observing.native[title] = {name_in_torch: {"shape": [], "from": how}}
    fixed = {name: value.detach() if isinstance(value, torch.Tensor) else value for name, value in inputs.items()}
    found = {}

    def projected() -> None:
        for name, config in training.constraints.items():
            project(config, weights[parts_of(name)[0]][parts_of(name)[1]])

    for number in range(1, training.steps + 1):
        arrays.run(batch_of(training, fixed, number))
        loss = number_of(training.loss, arrays.values[training.loss]).data
        for layer in training.layers:
            loss = loss + arrays.added.get(layer, 0.0)
        for name, config in training.penalties.items():
            loss = loss + penalty(config, weights[parts_of(name)[0]][parts_of(name)[1]])
        scaled = batches.scaled(loss)
        for tensor, gradient in zip(moved, torch.autograd.grad(scaled, moved, allow_unused=True), strict=True):
            tensor.grad = gradient
        batches.after(number, projected)
        if training.finalize and number == training.steps:
            batches.finalize()
        for layer in training.layers:
            for key, tensor in weights[layer].items():
                own = remembered(arrays.memory.get(layer, {}), key)
                found[f"{layer}.{key}@{number}"] = observed(tensor if own is None else own)
    return found


def parts_of(name: str) -> tuple[str, str]:
    """Layer and weight of `layer.weight`."""
    layer, _, key = name.partition(".")
    return layer, key


def observed(tensor: torch.Tensor) -> dict[str, Any]:
    """A tensor as an adapter's message has it."""
    data = tensor.detach().clone().numpy()
    item = {"shape": list(data.shape), "dtype": str(data.dtype), "data": pack(data), "mask": None}
    return {"structure": None, "items": [item]}
