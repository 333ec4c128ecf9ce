"""What training means in every lane: which arrays a step is fed, and what may be minimised. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.protocol.plan import PlannedTraining

JUDGED_IN = ("float32", "float64")
"""Policies under which a step of training is judged; docs/modes.md says why 16 bits are not among them."""


def batch_of(training: PlannedTraining, inputs: Mapping[str, Any], number: int) -> dict[str, Any]:
    """The inputs of step `number`, counted from 1: those that the training names take the place of others."""
    return {**inputs, **{name: inputs[row[number - 1]] for name, row in training.batches.items()}}


def number_of(name: str, value: Any) -> Any:
    """The loss. Raises ValueError unless it is one number: a framework would minimise the sum of several, or refuse."""
    if isinstance(value, list | tuple):
        raise ValueError(f"the loss {name} is a list of {len(value)} arrays; one number can be minimised")
    shape = tuple(int(length) for length in getattr(value, "data", value).shape)
    if shape != ():
        raise ValueError(f"the loss {name} has shape {shape}; one number can be minimised")
    return value
