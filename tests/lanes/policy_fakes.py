"""Lanes under a dtype policy that do one thing wrong each: the reference, rounded as the policy says, but for that.

Used as an adapter: `LaneSpec("x", "tests.lanes.policy_fakes", {"behaviour": "right", "policy": "mixed_bfloat16"})`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.lanes.numpy import Reference
from conformance.protocol.formats import FORMATS, POLICIES, Format, rounded
from conformance.protocol.plan import Plan
from conformance.protocol.wire import pack, unpack

Array = np.ndarray[Any, Any]


def right(array: Array, format: Format) -> Array:
    """As the policy rounds it."""
    return np.asarray(rounded(array, format))


def in_float32(array: Array, format: Format) -> Array:
    """Computed in float32, whatever the policy claims."""
    return array.astype(np.float32).astype(np.float64)


def off_by_two_percent(array: Array, format: Format) -> Array:
    return np.asarray(rounded(array * 1.02, format))


def off_by_ten_units(array: Array, format: Format) -> Array:
    return np.asarray(rounded(array * (1.0 + 10.0 * format.unit), format))


def infinite(array: Array, format: Format) -> Array:
    """The first element overflows."""
    found = np.array(rounded(array, format))
    found.flat[0] = np.inf
    return found


BEHAVIOURS: dict[str, Callable[[Array, Format], Array]] = {
    one.__name__: one for one in (right, in_float32, off_by_two_percent, off_by_ten_units, infinite)
}


class Fake:
    """The reference under a policy, with one named behaviour; `dtype` stands in for every dtype of a float."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.change = BEHAVIOURS[options["behaviour"]]
        self.dtype = options.get("dtype")
        self.policy = options["policy"]
        self.reference = Reference({})
        self.identity = replace(self.reference.identity, versions={"fake": "1.0"}, policy=self.policy)

    def observe(self, plan: Plan) -> dict[str, Any]:
        message = self.reference.observe(plan)
        precisions = message.pop("policies", {}).get(self.policy, {"precisions": {}})["precisions"]
        for key in ("sensitivity", "longest_sum", "exact"):
            message.pop(key, None)
        usual = POLICIES[self.policy].compute.name
        for run in message["runs"]:
            for node, held in run.items():
                dtype, coarsest = precisions.get(node, (usual, usual))
                for item in held["items"]:
                    array = unpack(item["data"])
                    if array.dtype.kind == "f":
                        item["data"] = pack(self.change(array, FORMATS[coarsest]))
                        item["dtype"] = self.dtype or dtype
        message["gradients"] = {
            name: {"data": pack(right(unpack(one["data"]), POLICIES[self.policy].coarsest))}
            for name, one in message["gradients"].items()
        }
        return message


def start(options: Mapping[str, Any]) -> Fake:
    return Fake(options)
