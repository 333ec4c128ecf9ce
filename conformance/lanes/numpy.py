"""The NumPy lane: the reference, in float64, and how much its answer moves when its data are rounded.

Nothing here is a framework: layers come from `conformance.reference`, arrays from NumPy through autograd.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import metadata
from typing import Any

import numpy

from conformance.oracle.arrays import ReferenceArrays, inputs_of, make_layers, observed, weights_of
from conformance.oracle.exactness import exact_nodes
from conformance.oracle.policies import under_policies
from conformance.oracle.rounding import Perturbed
from conformance.oracle.training import make_optimizers, weights_after_steps
from conformance.protocol.adapter import Identity, Observing
from conformance.protocol.carried import Value
from conformance.protocol.plan import Plan


class Reference:
    """The adapter of the NumPy lane."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.identity = Identity(
            versions={
                "numpy": numpy.__version__,
                "autograd": metadata.version("autograd"),
                "python": sys.version.split()[0],
            },
            files={"numpy": str(numpy.__file__)},
            gives_masks=True,
        )

    def observe(self, plan: Plan) -> dict[str, Any]:
        """The reference's answer, with its sensitivity to rounding beside every array."""
        observing = Observing()
        weights = weights_of(plan)
        try:
            layers, optimizers = make_layers(plan), make_optimizers(plan)
            observing.weights = {n: {k: list(v.shape) for k, v in w.items()} for n, w in weights.items()}
            observing.params = {name: sum(int(v.size) for v in w.values()) for name, w in weights.items()}
            observing.phase = "call"
            sensitivity = []
            exact = set(plan.observed)
            for index in range(len(plan.runs)):
                inputs = inputs_of(plan, index)
                arrays = ReferenceArrays(plan, layers, lambda name, *_: weights[name], observing)
                observing.runs.append({})
                try:
                    arrays.run(inputs)
                finally:
                    observing.runs[-1].update(
                        {node: observed(arrays.values[node]) for node in plan.observed if node in arrays.values}
                    )
                if index == 0:
                    trained = weights_after_steps(plan, layers, optimizers, weights, inputs)
                    observing.runs[0].update({label: observed(Value(array)) for label, array in trained.items()})
                probe = Perturbed(plan, layers, weights, inputs, index == 0, optimizers if index == 0 else ())
                sensitivity.append(probe.sensitivity)
                exact &= exact_nodes(plan, layers, weights, inputs, arrays.longest_sum)
                if index == 0:
                    observing.gradients = probe.gradients
                    if probe.failure is not None:
                        observing.failed_backwards(probe.failure)
            observing.extra = {
                "sensitivity": sensitivity,
                "longest_sum": arrays.longest_sum,
                "exact": sorted(exact),
            }
            if plan.policies:
                runs = [inputs_of(plan, index) for index in range(len(plan.runs))]
                observing.extra["policies"] = under_policies(plan, layers, weights, runs, arrays.longest_sum)
        except Exception as error:
            observing.failed(error)
        return observing.as_message()


def start(options: Mapping[str, Any]) -> Reference:
    """The adapter, ready to observe."""
    return Reference(options)
