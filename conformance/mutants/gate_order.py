"""Gates stacked in any order: every library has one of its own, and a port may take any for it."""

from __future__ import annotations

from functools import cache
from itertools import permutations
from typing import Any

from conformance.reference.base import Layer, Mutant
from conformance.reference.gates import reordered


@cache
def gate_orders(kind: type[Any]) -> tuple[Mutant, ...]:
    """Every other order of the gates; nothing for layers without."""
    gates = [gate.letter for gate in kind.gates] if issubclass(kind, Layer) else []
    return tuple(
        Mutant(
            f"gates={''.join(gates[gate] for gate in order)}",
            f"stacks the gates in the order {', '.join(gates[gate] for gate in order)}",
            weights=reordered(*order),
        )
        for order in permutations(range(len(gates)))
        if gates and order != tuple(range(len(gates)))
    )
