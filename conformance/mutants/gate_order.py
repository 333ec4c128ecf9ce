"""Gates stacked in any order: every library has one of its own, and a port may take any for it."""

from __future__ import annotations

from functools import cache
from itertools import permutations
from typing import Any

from conformance.reference.base import Mutant
from conformance.reference.gates import reordered
from conformance.reference.recurrent import GRUCell, LSTMCell
from conformance.reference.rnn import GRU, LSTM

GATES = {GRU: "zrh", GRUCell: "zrh", LSTM: "ifco", LSTMCell: "ifco"}
"""Keras' order, by the first letters of its documentation."""


@cache
def gate_orders(kind: type[Any]) -> tuple[Mutant, ...]:
    """Every other order of the gates; nothing for layers without."""
    gates = GATES.get(kind, "")
    return tuple(
        Mutant(
            f"gates={''.join(gates[gate] for gate in order)}",
            f"stacks the gates in the order {', '.join(gates[gate] for gate in order)}",
            weights=reordered(*order),
        )
        for order in permutations(range(len(gates)))
        if gates and order != tuple(range(len(gates)))
    )
