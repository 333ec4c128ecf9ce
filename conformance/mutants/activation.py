"""An activation taken for another function of the same name, in whatever layer it stands: that of another version."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import autograd.numpy as np

from conformance.reference import activations
from conformance.reference.activations import Activation
from conformance.reference.base import Mutant

MISTAKEN: Mapping[str, tuple[tuple[str, Callable[[Any], Any]], ...]] = {
    "hard_sigmoid": (
        ("takes x / 5 + 1 / 2 for hard_sigmoid, as Keras 2 did", lambda x: np.clip(0.2 * x + 0.5, 0.0, 1.0)),
    ),
    "gelu": (("approximates gelu by tanh", lambda x: activations.gelu(x, approximate=True)),),
    "leaky_relu": (
        ("takes 0.01 for the slope of leaky_relu, as torch does", lambda x: activations.leaky_relu(x, 0.01)),
        ("takes 0.3 for the slope of leaky_relu, as the layer of Keras does", lambda x: activations.leaky_relu(x, 0.3)),
    ),
    "relu": (("takes leaky_relu with torch's slope, 0.01, for relu", lambda x: activations.leaky_relu(x, 0.01)),),
    "softmax": (("sums softmax over the first axis", lambda x: activations.softmax(x, axis=0)),),
    "selu": (("forgets the scale of selu", activations.elu),),
}
"""Name of an activation to what somebody does and the function that is taken for it."""


@cache
def mistaken_activations(kind: type[Any]) -> tuple[Mutant, ...]:
    """Every argument of a layer that names an activation, with each other function of that name."""
    hints = typing.get_type_hints(kind)
    fields = [field.name for field in dataclasses.fields(kind) if hints[field.name] == Activation]
    return tuple(
        Mutant(f"{field}={name}", does, config=_taking(field, name, function))
        for field in fields
        for name, others in MISTAKEN.items()
        for does, function in others
    )


def _taking(field: str, name: str, function: Callable[[Any], Any]) -> Callable[[Any], Mapping[str, Any]]:
    return lambda layer: {field: function} if getattr(layer, field) == name else {}
