"""`fit` and `evaluate` in the reference: batches of the inputs, one after the other, and the reports of each epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy
from autograd.tracer import getval

from conformance.case.reports import LOSS, output_loss
from conformance.oracle.arithmetic import EXACT, Arithmetic
from conformance.oracle.arrays import ReferenceArrays
from conformance.protocol.adapter import Observing
from conformance.protocol.carried import Value, nodes_of, remembered
from conformance.protocol.fit import PlannedFit
from conformance.protocol.plan import Plan
from conformance.reference.base import Layer, LayerError, Weights
from conformance.reference.constraints import make_constraint
from conformance.reference.fit import LOOPS, Loop
from conformance.reference.optimizer_base import Gradients
from conformance.reference.optimizers import Memory, make_optimizer
from conformance.reference.regularizers import make_regularizer

Arrays = Mapping[str, Any]


def make_loop(fit: PlannedFit) -> Loop:
    """The loop of a training, with its optimiser; raises LayerError where a constructor would."""
    optimizer = make_optimizer(fit.optimizer, fit.config) if fit.optimizer else None
    return LOOPS[fit.through](optimizer=optimizer)


def reports(
    plan: Plan,
    fit: PlannedFit,
    layers: Mapping[str, Layer],
    loop: Loop,
    weights: Mapping[str, Arrays],
    inputs: Arrays,
    arithmetic: Arithmetic = EXACT,
) -> dict[str, Any]:
    """`fit.loss@epoch` and so on to what is reported; after each epoch of a `fit` also `layer.weight@epoch`.

    Raises LayerError where a loss is not one number.
    """
    return _Pass(plan, fit, layers, loop, weights, arithmetic).over(inputs)


class _Pass:
    """One training on its way: the weights as they are moved, and the sums of the epoch."""

    def __init__(
        self,
        plan: Plan,
        fit: PlannedFit,
        layers: Mapping[str, Layer],
        loop: Loop,
        weights: Mapping[str, Arrays],
        arithmetic: Arithmetic,
    ) -> None:
        self.plan, self.fit, self.layers, self.loop, self.weights = plan, fit, layers, loop, weights
        self.arithmetic = arithmetic
        self.penalties = {name: make_regularizer(config) for name, config in fit.penalties.items()}
        self.constraints = {name: make_constraint(config) for name, config in fit.constraints.items()}
        self.memory: dict[str, dict[str, Any]] = {}
        self.of_optimizer: Memory = {}
        self.moved: dict[str, Any] = {}
        for name in fit.trained:
            layer, _, key = name.partition(".")
            self.moved[name] = weights[layer][key]
        self.steps = 0
        self.sums: dict[str, float] = {}
        self.counted = 0.0
        self.states: dict[str, dict[str, Any]] = {}

    def over(self, inputs: Arrays) -> dict[str, Any]:
        """All epochs."""
        found: dict[str, Any] = {}
        count = len(inputs[self.fit.fed[0]])
        for epoch in range(1, self.fit.epochs + 1):
            if self.loop.forgets():
                self.sums, self.counted, self.states = {}, 0.0, {}
            for batch in self.loop.batches(count, self.fit.batch_size):
                self._batch({name: inputs[name][batch] for name in self.fit.fed})
            found |= {self.fit.label(name, epoch): value for name, value in self._reported().items()}
            if self.fit.optimizer:
                found |= {f"{name}@{epoch}": value for name, value in self._held().items()}
            if self.plan.saved is not None and epoch == self.plan.saved.after:
                self.steps, self.of_optimizer = self.loop.resumed(self.plan.saved.form, self.steps, self.of_optimizer)
        return found

    def _batch(self, feed: Arrays) -> None:
        """One step: the loss and its gradients, what is reported of it, and what the optimiser moves."""
        labels = {name: feed[self.fit.y[name]] for name in self.fit.outputs}
        weight = {name: self._weight(name, feed, labels[name]) for name in self.fit.outputs}
        seen: dict[str, Any] = {}

        def loss(moving: Arrays) -> Any:
            outputs, added = self._outputs(moving, feed)
            losses = {name: self._loss(name, labels[name], outputs[name], weight[name]) for name in self.fit.outputs}
            costs = [cost.penalty(moving[name]) for name, cost in self.penalties.items()]
            total = self.loop.with_added(self.loop.total(losses, self.fit.loss_weights), sum([*added, *costs], 0.0))
            seen[LOSS] = total
            seen.update({output_loss(name): self._as_reported(name, one) for name, one in losses.items()})
            seen["outputs"] = outputs
            return total

        if self.loop.optimizer is None or not self.moved:
            self.arithmetic.run(loss)(self.moved)
        else:
            gradients = Gradients(self.arithmetic.grad(loss)(self.moved))
            self.steps += 1
            self.moved = self.loop.optimizer.trained(
                self.steps, self.moved, gradients, self.of_optimizer, self.constraints
            )
        samples = len(feed[self.fit.fed[0]])
        share = self.loop.share(samples)
        self.counted += share
        for name, value in seen.items():
            if name != "outputs":
                self.sums[name] = self.sums.get(name, 0.0) + share * float(getval(value))
        self._measure(seen["outputs"], labels, weight)

    def _weight(self, output: str, feed: Arrays, labels: Any) -> Any:
        given = self.fit.sample_weight.get(output)
        return self.loop.weight(None if given is None else feed[given], self.fit.class_weight, labels)

    def _as_reported(self, output: str, loss: Any) -> Any:
        return self.loop.reported_output(loss, self.fit.loss_weights.get(output, 1.0))

    def _outputs(self, moving: Arrays, feed: Arrays) -> tuple[dict[str, Value], list[Any]]:
        """The model's outputs with their masks, and what its layers add to the loss."""

        def source(layer: str, *_: Any) -> dict[str, Any]:
            return {key: moving.get(f"{layer}.{key}", value) for key, value in self.weights[layer].items()}

        arrays = ReferenceArrays(self.plan, self.layers, source, Observing())
        arrays.is_training = bool(self.fit.optimizer)
        arrays.memory = self.memory
        arrays.values = {name: Value(feed[name]) for name in self.fit.inputs}
        found = dict(zip(self.fit.outputs, nodes_of(arrays, self.fit.outputs), strict=True))
        return found, [arrays.added[layer] for layer in self.fit.layers if layer in arrays.added]

    def _loss(self, output: str, labels: Any, predicted: Value, weight: Any) -> Any:
        name = self.fit.losses[output]
        mask = self.loop.mask(predicted.mask)
        loss = self.layers[name].call(
            Weights({}), labels, predicted.data, **_given(sample_weight=weight, y_pred_mask=mask)
        )
        if numpy.shape(getval(loss)) != ():
            raise LayerError(f"the loss {name} has shape {numpy.shape(getval(loss))}; one number can be minimised")
        return loss

    def _measure(self, outputs: Mapping[str, Value], labels: Arrays, weight: Arrays) -> None:
        """Tells every metric of the batch."""
        for is_weighted, row in ((False, self.fit.metrics), (True, self.fit.weighted_metrics)):
            for output, names in row.items():
                predicted = numpy.asarray(getval(outputs[output].data))
                mask = self.loop.metric_mask(outputs[output].mask)
                counts = self.loop.metric_weight(weight[output], is_weighted)
                given = _given(sample_weight=counts, y_pred_mask=mask)
                for name in names:
                    state = Weights({}, self.states.setdefault(name, {}))
                    self.layers[name].call(state, labels[output], predicted, **given)

    def _reported(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in self.fit.reports():
            if name in self.sums:
                found[name] = numpy.asarray(self.sums[name] / self.counted)
            else:
                found[name] = numpy.asarray(self.layers[name].call(Weights({}, self.states.get(name, {}))))
        return found

    def _held(self) -> dict[str, Any]:
        """All weights of the model's layers, trained or not, by `layer.weight`."""
        held = {}
        for layer in self.fit.layers:
            for key, drawn in self.weights[layer].items():
                own = remembered(self.memory.get(layer, {}), key)
                held[f"{layer}.{key}"] = numpy.asarray(self.moved.get(f"{layer}.{key}", drawn) if own is None else own)
        return held


def _given(**arguments: Any) -> dict[str, Any]:
    """The arguments that are something."""
    return {name: value for name, value in arguments.items() if value is not None}
