"""What `fit` and `evaluate` report, as users of torch write the loop themselves: torch has no such thing.

The mean over an epoch is taken over samples: `total += loss.item() * len(batch)`, and at the end `total / len(data)`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from conformance.case.reports import LOSS, output_loss
from conformance.lanes.torch.movers import mover
from conformance.lanes.torch.penalties import penalty, project
from conformance.lanes.torch.training import observed, parts_of
from conformance.protocol.adapter import Unsupported
from conformance.protocol.carried import Value, nodes_of, remembered
from conformance.protocol.fit import PlannedFit
from conformance.protocol.training import number_of


def reports(fit: PlannedFit, arrays: Any, inputs: Mapping[str, Any], is_native: bool) -> dict[str, Any]:
    """`fit.loss@epoch` and so on to what the loop reports; after each epoch of a `fit` also `layer.weight@epoch`.

    `arrays` are the graph over weights as the plan has them. Raises Unsupported for torch's own loop: it has none.
    """
    if is_native:
        raise Unsupported(f"torch has no {fit.through}; its users write the loop, as the lane torch does")
    weights: Mapping[str, dict[str, torch.Tensor]] = arrays.keras_weights
    held = {name: weights[parts_of(name)[0]][parts_of(name)[1]] for name in fit.trained}
    moved = list(held.values())
    if fit.optimizer:
        for tensor in moved:
            tensor.requires_grad_()
    training = None
    if fit.optimizer and moved:
        training, _, _ = mover(fit.optimizer, fit.config, fit.full, held)

    def projected() -> None:
        for name, config in fit.constraints.items():
            layer, key = parts_of(name)
            project(config, weights[layer][key])

    arrays.is_training = bool(fit.optimizer)
    fixed = {name: value.detach() if isinstance(value, torch.Tensor) else value for name, value in inputs.items()}
    found: dict[str, Any] = {}
    step = 0
    metrics = [name for row in (*fit.metrics.values(), *fit.weighted_metrics.values()) for name in row]
    for epoch in range(1, fit.epochs + 1):
        totals: dict[str, float] = {}
        for name in metrics:
            arrays.memory.pop(name, None)
        samples = 0
        for feed in _batches(fit, fixed):
            outputs = _outputs(fit, arrays, feed)
            labels, counts = _labels_and_weights(fit, feed)
            losses = _losses(fit, arrays, outputs, labels, counts)
            if training is not None:
                step += 1
                gradients = torch.autograd.grad(training.scaled(losses[LOSS]), moved, allow_unused=True)
                for tensor, gradient in zip(moved, gradients, strict=True):
                    tensor.grad = gradient
                training.after(step, projected)
            length = len(next(iter(labels.values())))
            samples += length
            for name, loss in losses.items():
                totals[name] = totals.get(name, 0.0) + loss.item() * length
            _measure(fit, arrays, outputs, labels, counts)
        told: dict[str, Any] = {name: torch.tensor(total / samples) for name, total in totals.items()}
        told |= {name: arrays.call_layer(name, [], {}).data for name in metrics}
        found |= {fit.label(name, epoch): observed(told[name]) for name in fit.reports()}
        if fit.optimizer:
            found |= {f"{name}@{epoch}": observed(tensor) for name, tensor in _held(fit, arrays)}
    return found


def _batches(fit: PlannedFit, inputs: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for start in range(0, len(inputs[fit.fed[0]]), fit.batch_size):
        yield {name: inputs[name][start : start + fit.batch_size] for name in fit.fed}


def _outputs(fit: PlannedFit, arrays: Any, feed: Mapping[str, Any]) -> dict[str, Value]:
    """The outputs of a batch with their masks."""
    arrays.values = {name: Value(feed[name]) for name in fit.inputs}
    return dict(zip(fit.outputs, nodes_of(arrays, fit.outputs), strict=True))


def _labels_and_weights(fit: PlannedFit, feed: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    labels = {name: feed[fit.y[name]] for name in fit.outputs}
    counts = {name: feed[weight] for name, weight in fit.sample_weight.items()}
    if fit.class_weight:
        (output,) = fit.outputs
        by_class = torch.tensor(fit.class_weight)[labels[output].long().reshape(-1)]
        counts[output] = by_class * counts[output].reshape(-1) if output in counts else by_class
    return labels, counts


def _told(labels: Any, predicted: Value, weight: Any) -> tuple[list[Any], dict[str, Any]]:
    return [Value(labels), predicted], {} if weight is None else {"sample_weight": Value(weight)}


def _losses(
    fit: PlannedFit, arrays: Any, outputs: Mapping[str, Value], labels: Mapping[str, Any], counts: Mapping[str, Any]
) -> dict[str, torch.Tensor]:
    """The loss of the batch, and that of each output."""
    total = torch.zeros(())
    each = {}
    for output in fit.outputs:
        name = fit.losses[output]
        loss = number_of(name, arrays.call_layer(name, *_told(labels[output], outputs[output], counts.get(output))))
        each[output_loss(output)] = loss.data
        total = total + fit.loss_weights.get(output, 1.0) * loss.data
    for layer in fit.layers:
        total = total + arrays.added.get(layer, 0.0)
    for name, config in fit.penalties.items():
        layer, key = parts_of(name)
        total = total + penalty(config, arrays.keras_weights[layer][key])
    return {LOSS: total, **each}


def _measure(
    fit: PlannedFit, arrays: Any, outputs: Mapping[str, Value], labels: Mapping[str, Any], counts: Mapping[str, Any]
) -> None:
    for row, is_weighted in ((fit.metrics, False), (fit.weighted_metrics, True)):
        for output, names in row.items():
            predicted = Value(outputs[output].data.detach(), outputs[output].mask)
            for name in names:
                told = _told(labels[output], predicted, counts.get(output) if is_weighted else None)
                arrays.call_layer(name, *told)


def _held(fit: PlannedFit, arrays: Any) -> Iterator[tuple[str, Any]]:
    for layer in fit.layers:
        for key, tensor in arrays.keras_weights[layer].items():
            own = remembered(arrays.memory.get(layer, {}), key)
            yield f"{layer}.{key}", tensor if own is None else own
