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
from conformance.oracle.run import Depth, message
from conformance.protocol.adapter import Identity
from conformance.protocol.plan import Plan
from conformance.protocol.wire import pack, unpack
from conformance.reference.optimizers import Optimizer


class Mistaken:
    """The reference with one mistake, or several."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        named = [(options["kind"], options["mutant"]), *options.get("also", ())]
        kinds = [(mutable()[kind], mutants_of(mutable()[kind])[mutant]) for kind, mutant in named]
        self.rewrites = [partial(with_mistake, kind=kind, mutant=mutant) for kind, mutant in kinds]
        self.arguments = options.get("arguments", {})
        self.identity: Identity = dataclasses.replace(Reference({}).identity, versions={"fake": "1.0"})

    def observe(self, plan: Plan) -> dict[str, Any]:
        found = message(plan, Depth.VALUES, self._rewritten)
        found["gradient_note"] = "a mistake is judged by its values"
        for run in found["runs"]:
            for item in (item for node in run.values() for item in node["items"]):
                array = unpack(item["data"])
                item["data"] = pack(array.astype(np.float32) if array.dtype.kind == "f" else array)
        return found

    def _rewritten(self, one: Any) -> Any:
        for rewrite in self.rewrites:
            one = rewrite(one)
        return dataclasses.replace(one, **self.arguments) if isinstance(one, Optimizer) else one


def start(options: Mapping[str, Any]) -> Mistaken:
    return Mistaken(options)
