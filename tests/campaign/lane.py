"""A lane that is right but for one planted fault, which shows where a layer has these arguments."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.lanes.numpy import Reference
from conformance.lanes.spec import LaneSpec
from conformance.protocol.adapter import Identity
from conformance.protocol.plan import Plan
from conformance.protocol.wire import pack, unpack


class Planted:
    """The reference, rounded to float32; wrong by one where the fault shows."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.type = options["type"]
        self.config = options.get("config", {})
        self.does = options.get("does", "adds one")
        """`loses` adds one to what a model gives that was saved and loaded, and to nothing else."""
        self.reference = Reference({})
        self.identity: Identity = replace(self.reference.identity, versions={"fake": options.get("version", "1.0")})

    def shows(self, plan: Plan) -> bool:
        if self.does == "loses" and plan.saved is None:
            return False
        return any(
            layer.type == self.type and all(layer.full.get(name) == value for name, value in self.config.items())
            for layer in plan.layers.values()
        )

    def observe(self, plan: Plan) -> dict[str, Any]:
        is_wrong = self.shows(plan)
        if is_wrong and self.does == "crashes":
            os.abort()
        message = self.reference.observe(plan)
        for key in ("sensitivity", "longest_sum"):
            message.pop(key, None)
        if is_wrong and self.does == "raises":
            failure = {"phase": "call", "type": "RuntimeError", "message": "a shape of (2, 3) is wrong", "node": "y"}
            return {**message, "failure": failure, "runs": []}
        for run in message["runs"]:
            for name, node in run.items():
                for item in node["items"]:
                    array = unpack(item["data"])
                    array = array.astype(np.float32) if array.dtype.kind == "f" else array
                    is_here = is_wrong and not name.startswith("_") and array.dtype.kind == "f"
                    item["data"] = pack(array + np.float32(1.0) if is_here else array)
        return message


def start(options: Mapping[str, Any]) -> Planted:
    return Planted(options)


def planted(type: str, config: Mapping[str, Any] | None = None, **options: Any) -> LaneSpec:
    """A lane with a fault in this layer, called `planted`."""
    return LaneSpec("planted", "tests.campaign.lane", {"type": type, "config": dict(config or {}), **options})


NOTHING = "NoLayerIsCalledThis"
"""A fault that never shows."""
