"""What agreement proves little: an input, or what a layer is given, that is one number everywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from conformance.comparison.session import Runs
from conformance.comparison.values import Array

NAMED = 6
"""Layers that are named."""


def of_one_number(batch: Mapping[str, Array], runs: Runs) -> list[str]:
    """Remarks on inputs and on layers that got the same number everywhere: most mistakes do not show there."""
    inputs = [f"{name} is {array.flat[0]:g}" for name, array in batch.items() if _is_one(array) and not _is_flag(array)]
    remarks = []
    if inputs:
        remarks.append(
            f"{' and '.join(inputs)} in every place, which proves little: "
            "transposed, swapped and shifted numbers look the same"
        )
    layers = list(dict.fromkeys(_layers_of_one_number(runs)))
    if layers and len(inputs) < len(batch):
        more = f" and {len(layers) - NAMED} more" if len(layers) > NAMED else ""
        remarks.append(
            f"{', '.join(layers[:NAMED])}{more} got one number in every place, which proves little of "
            f"{'it' if len(layers) == 1 else 'them'}"
        )
    return remarks


def _layers_of_one_number(runs: Runs) -> Iterator[str]:
    for pair in runs.pairs:
        arrays = [slot.model.array for slot in pair.inputs if slot.model.array.is_float]
        if arrays and all(_is_one(np.asarray(array.load())) for array in arrays):
            yield pair.model.path


def _is_one(array: Array) -> bool:
    return array.size > 1 and bool(np.all(array == array.flat[0]))


def _is_flag(array: Array) -> bool:
    """Whether it may be a mask of nothing but real steps, which is one number in most batches."""
    return array.dtype.kind in "biu" and array.flat[0] == 1
