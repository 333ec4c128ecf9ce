"""Mistakes of porting, beside those that the reference's layers name themselves (`mutants`, `porting`).

Each is a mutant of the reference's layer. Which of them gives the port's answer is tried, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.diagnose.arguments import forgotten_arguments, other_arguments
from conformance.diagnose.masks import misread_masks
from conformance.mutants.activation import mistaken_activations
from conformance.mutants.gate_order import gate_orders
from conformance.mutants.layer import mutants_of
from conformance.reference.base import Mutant
from conformance.reference.catalog import LAYERS


def _twice(layer: Any, w: dict[str, Any]) -> Mapping[str, Any]:
    return {name: 2.0 * array for name, array in w.items() if name.rpartition(".")[2] == "bias"}


def _none(layer: Any, w: dict[str, Any]) -> Mapping[str, Any]:
    return {name: 0.0 * array for name, array in w.items() if name.rpartition(".")[2] == "bias"}


OF_BIASES = (
    Mutant("bias_twice", "adds the bias twice", weights=_twice),
    Mutant("bias_left_out", "leaves the bias out", weights=_none),
)
USUAL = ("half_kernel_padding", "epsilon_of_torch", "ignores_mask")
"""Named mutants that are torch's own convention: of several that fit they are the likeliest in a port."""
_LEFT_OUT = Mutant("left_out", "leaves the layer out", output=lambda layer, output, args: args[0])


def tried(kind: str, has_bias: bool) -> Iterator[Mutant]:
    """Every mistake that is tried on a layer, the most telling first; each name once."""
    made: Any = LAYERS[kind]
    seen: set[str] = set()
    every = (
        *made.porting,
        *mutants_of(made).values(),
        *(OF_BIASES if has_bias else ()),
        *gate_orders(made),
        *mistaken_activations(made),
        _LEFT_OUT,
        *forgotten_arguments(made),
        *other_arguments(made),
        *misread_masks(made),
    )
    for mutant in sorted(every, key=lambda mutant: mutant.name not in USUAL):
        if mutant.name not in seen:
            seen.add(mutant.name)
            yield mutant
