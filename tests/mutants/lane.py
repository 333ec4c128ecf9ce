"""A lane that answers as the reference would if one kind of layer made one mistake, rounded to float32.

Used as an adapter: `LaneSpec("wrong", "tests.mutants.lane", {"kind": "GRU", "mutant": "no_bias"})`; with more pairs
under `also` it makes several mistakes at once, and `arguments` are those of every optimiser.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from conformance.lanes.numpy import Reference
from conformance.mutants.layer import mutable, mutants_of, with_mistake
from conformance.oracle.arrays import ReferenceArrays, inputs_of, make_layers, observed, weights_of
from conformance.oracle.training import make_optimizers, weights_after_steps
from conformance.protocol.adapter import Identity, Observing
from conformance.protocol.carried import Value
from conformance.protocol.plan import Plan
from conformance.protocol.wire import pack, unpack


class Mistaken:
    """The reference with one mistake, or several."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        named = [(options["kind"], options["mutant"]), *options.get("also", ())]
        kinds = [(mutable()[kind], mutants_of(mutable()[kind])[mutant]) for kind, mutant in named]
        self.rewrites = [partial(with_mistake, kind=kind, mutant=mutant) for kind, mutant in kinds]
        self.arguments = options.get("arguments", {})
        self.identity: Identity = dataclasses.replace(Reference({}).identity, versions={"fake": "1.0"})

    def observe(self, plan: Plan) -> dict[str, Any]:
        observing = Observing(phase="call", gradient_note="a mistake is judged by its values")
        weights = weights_of(plan)
        layers, optimizers = make_layers(plan), make_optimizers(plan)
        for rewrite in self.rewrites:
            layers = {name: rewrite(layer) for name, layer in layers.items()}
            optimizers = [rewrite(optimizer) for optimizer in optimizers]
        optimizers = [dataclasses.replace(optimizer, **self.arguments) for optimizer in optimizers]
        for index in range(len(plan.runs)):
            arrays = ReferenceArrays(plan, layers, lambda name, *_: weights[name], observing)
            inputs = inputs_of(plan, index)
            arrays.run(inputs)
            observing.runs.append({node: observed(arrays.values[node]) for node in plan.observed})
            trained = {} if index else weights_after_steps(plan, layers, optimizers, weights, inputs)
            observing.runs[-1].update({label: observed(Value(array)) for label, array in trained.items()})
        for run in observing.runs:
            for item in (item for node in run.values() for item in node["items"]):
                array = unpack(item["data"])
                item["data"] = pack(array.astype(np.float32) if array.dtype.kind == "f" else array)
        return observing.as_message()


def start(options: Mapping[str, Any]) -> Mistaken:
    return Mistaken(options)
