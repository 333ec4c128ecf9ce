"""What the reference would answer if its layers made a mistake: one run without perturbation, or with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.mutants.layer import HookError
from conformance.oracle.arrays import ReferenceArrays, inputs_of, make_layers, observed, weights_of
from conformance.oracle.rounding import Perturbed
from conformance.oracle.training import make_optimizers, weights_after_steps
from conformance.protocol.adapter import Observing
from conformance.protocol.carried import Value
from conformance.protocol.observation import REFERENCE, Observation, from_message
from conformance.protocol.plan import Plan
from conformance.reference.base import Layer

LANE = "mutant"
"""The name under which a wrong reference is judged as if it were a lane."""

Rewrite = Callable[[Any], Any]
"""A layer, or an optimiser, to the one that takes its place."""


def observe(plan: Plan, rewrite: Rewrite, with_sensitivity: bool = False) -> Observation:
    """The observation of the plan with every layer rewritten.

    What a layer raises is the answer, as in any lane. Raises HookError where the mistake itself is broken, and
    DoesNotApply where its arguments cannot be.
    """
    observing = Observing(phase="call")
    weights = weights_of(plan)
    observing.weights = {n: {k: list(v.shape) for k, v in w.items()} for n, w in weights.items()}
    observing.params = {name: sum(int(v.size) for v in w.values()) for name, w in weights.items()}
    layers: dict[str, Layer] = {name: rewrite(layer) for name, layer in make_layers(plan).items()}
    optimizers = [rewrite(optimizer) for optimizer in make_optimizers(plan)]
    sensitivity: list[Any] = []
    longest = 1
    try:
        for index in range(len(plan.runs)):
            inputs = inputs_of(plan, index)
            arrays = ReferenceArrays(plan, layers, lambda name, *_: weights[name], observing)
            observing.runs.append({})
            arrays.run(inputs)
            longest = max(longest, arrays.longest_sum)
            observing.runs[-1].update({node: observed(arrays.values[node]) for node in plan.observed})
            trainers = optimizers if index == 0 else []
            trained = weights_after_steps(plan, layers, trainers, weights, inputs)
            observing.runs[-1].update({label: observed(Value(array)) for label, array in trained.items()})
            if with_sensitivity:
                sensitivity.append(Perturbed(plan, layers, weights, inputs, False, trainers).sensitivity)
    except HookError:
        raise
    except Exception as error:
        observing.failed(error)
    observing.extra = {"sensitivity": sensitivity, "longest_sum": longest}
    return from_message(LANE, REFERENCE, observing.as_message())
