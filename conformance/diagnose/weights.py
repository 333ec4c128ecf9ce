"""A weight used otherwise, in whatever layer has it: twice, not at all, without its sign, in rows of unit length.

They are tried where no named mistake explains a difference, and read like one: "somebody who takes the bias twice".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import autograd.numpy as np

from conformance.protocol.plan import Plan
from conformance.reference.base import Mutant


def _unit_rows(weight: Any) -> Any:
    return weight / np.sqrt(np.sum(weight**2, axis=-1, keepdims=True))


WAYS: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("twice", "takes the {} twice", lambda w: 2.0 * w),
    ("half", "takes half of the {}", lambda w: 0.5 * w),
    ("absent", "leaves the {} out", lambda w: 0.0 * w),
    ("negative", "takes the {} with the other sign", lambda w: -w),
    ("absolute", "takes the {} without its sign", np.abs),
    ("unit_rows", "takes the rows of the {} of unit length, normalized", _unit_rows),
)
"""Name, what somebody does, and the weight to what is used in its place."""


def misused_weights(plan: Plan) -> Iterator[Mutant]:
    """Every weight that some layer of the plan has, used in each wrong way."""
    held = [name.rpartition(".")[2] for layer in plan.layers.values() for name in layer.weights]
    for name in dict.fromkeys(held):
        for way, words, change in WAYS:
            yield Mutant(f"{name}={way}", words.format(name.replace("_", " ")), weights=partial(_changed, name, change))


def _changed(name: str, change: Callable[[Any], Any], layer: Any, weights: dict[str, Any]) -> dict[str, Any]:
    return {key: change(value) for key, value in weights.items() if key.rpartition(".")[2] == name}
