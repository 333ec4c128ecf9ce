"""What recurrent cells share: blocks of gates in one kernel, dropout that is drawn once, and mistakes with gates."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import autograd.numpy as np
import numpy

from .base import Array, LayerError, Mutant, Shape, Weight, Weights
from .traits import Gate

CELL_ONLY = (
    "kernel_initializer",
    "recurrent_initializer",
    "bias_initializer",
    "kernel_regularizer",
    "recurrent_regularizer",
    "bias_regularizer",
    "kernel_constraint",
    "recurrent_constraint",
    "bias_constraint",
    "seed",
)
"""Arguments of every cell that do not enter its mathematics."""


GRU_GATES = (Gate("update gate", "z", keeps=True), Gate("reset gate", "r"), Gate("candidate", "h"))
LSTM_GATES = (Gate("input gate", "i"), Gate("forget gate", "f"), Gate("candidate", "c"), Gate("output gate", "o"))


def gates(array: Array, count: int) -> list[Array]:
    """The blocks of the last axis, one a gate."""
    units = array.shape[-1] // count
    return [array[..., gate * units : (gate + 1) * units] for gate in range(count)]


def gate_weights(cell: Any, x: Shape, count: int, bias: Shape) -> dict[str, Weight]:
    """kernel (features, count units), recurrent_kernel (units, count units) and, where used, the bias."""
    named = {
        "kernel": Weight((x[-1], count * cell.units)),
        "recurrent_kernel": Weight((cell.units, count * cell.units)),
    }
    return named | {"bias": Weight(bias, "bias")} if cell.use_bias else named


def bias_of(w: Weights) -> Array:
    return w.bias if "bias" in w else 0.0


def first_state(states: Any) -> Array:
    """The only state of a cell that has one: it may come alone or in a list."""
    return states[0] if isinstance(states, list | tuple) else states


def like(states: Any, new: list[Array]) -> Any:
    """New states in the structure of the old ones: an array alone, or a list."""
    return new if isinstance(states, list | tuple) else new[0]


def dropped(w: Weights, name: str, x: Array, rate: float, training: bool) -> Array:
    """Inverted dropout (Srivastava et al. 2014) that drops the same features in every step (Gal & Ghahramani 2016).

    What is dropped is drawn once and kept in `w.state`; a layer that runs a cell gives it a fresh state each call.
    """
    if not training or rate <= 0:
        return x
    if name not in w.state:
        kept = w.random.random(numpy.shape(x)) >= rate
        w.state[name] = kept / (1.0 - rate) if rate < 1 else numpy.zeros(numpy.shape(x))
    return x * w.state[name]


def check_units(cell: Any) -> None:
    if cell.units <= 0:
        raise LayerError(f"units must be positive, not {cell.units}")


def terms_of_a_gate(weights: Mapping[str, Weight]) -> int:
    """Products that one gate sums: features and units of the widest cell."""
    rows = [weight.shape[0] for name, weight in weights.items() if name.endswith("kernel")]
    return max((sum(rows[start : start + 2]) for start in range(0, len(rows), 2)), default=1)


Rewrite = Callable[[Any, dict[str, Array]], dict[str, Array]]


def each_weight(change: Callable[[str, Array], Array]) -> Rewrite:
    """A weight hook that changes weights by the last part of their name, whatever they are nested in."""
    return lambda layer, weights: {name: change(name.rpartition(".")[2], value) for name, value in weights.items()}


def reordered(*order: int) -> Rewrite:
    """All weights with their gates in another order."""

    def change(name: str, value: Array) -> Array:
        return np.concatenate([gates(value, len(order))[gate] for gate in order], axis=-1)

    return each_weight(change)


def changed_gate(gate: int, count: int, change: Callable[[str, Array], Array]) -> Rewrite:
    """All weights with the block of one gate changed."""

    def change_block(name: str, value: Array) -> Array:
        blocks = gates(value, count)
        blocks[gate] = change(name, blocks[gate])
        return np.concatenate(blocks, axis=-1)

    return each_weight(change_block)


def transposed_recurrent(count: int) -> Rewrite:
    """The recurrent kernel of every gate transposed."""

    def change(name: str, value: Array) -> Array:
        if name != "recurrent_kernel":
            return value
        return np.concatenate([np.swapaxes(block, 0, 1) for block in gates(value, count)], axis=-1)

    return each_weight(change)


def scaled_bias(factor: float) -> Rewrite:
    return each_weight(lambda name, value: factor * value if name == "bias" else value)


def other(name: str, choices: Sequence[Any]) -> Callable[[Any], dict[str, Any]]:
    """A config hook: the first of the choices that the layer does not have."""
    return lambda layer: {name: next(choice for choice in choices if choice != getattr(layer, name))}


def _swapped_reset(layer: Any, weights: dict[str, Array]) -> dict[str, Array]:
    """Two biases summed into one, or one bias beside zeros, as the other kind of GRU takes them."""

    def change(name: str, value: Array) -> Array:
        if name != "bias":
            return value
        return np.sum(value, axis=0) if value.ndim == 2 else np.stack([value, np.zeros_like(value)])

    return each_weight(change)(layer, weights)


def _swapped_biases(name: str, value: Array) -> Array:
    return value[::-1] if name == "bias" and value.ndim == 2 else value


def _folded_biases(name: str, value: Array) -> Array:
    return np.stack([value[0] + value[1], np.zeros_like(value[1])]) if name == "bias" and value.ndim == 2 else value


def _without_second_row(name: str, value: Array) -> Array:
    return np.stack([value[0], np.zeros_like(value[1])]) if name == "bias" and value.ndim == 2 else value


SIMPLE_MUTANTS = (
    Mutant("recurrent_kernel_transposed", "keeps torch's (out, in) layout", weights=transposed_recurrent(1)),
    Mutant("bias_counted_twice", "copies the bias into both of torch's biases", weights=scaled_bias(2.0)),
    Mutant("no_bias", "leaves the bias out", weights=scaled_bias(0.0)),
    Mutant("other_activation", "applies relu for tanh", config=other("activation", ("relu", "tanh"))),
)
GRU_MUTANTS = (
    Mutant("gates_rzh", "stacks the gates as torch does: r, z, n", weights=reordered(1, 0, 2)),
    Mutant(
        "reset_swapped",
        "applies the reset gate on the other side of the matrix product",
        config=lambda layer: {"reset_after": not layer.reset_after},
        weights=_swapped_reset,
    ),
    Mutant(
        "update_inverted",
        "takes z as the share of the new state, as Chung et al. (2014) write it",
        weights=changed_gate(0, 3, lambda name, block: -block),
    ),
    Mutant("biases_swapped", "takes the recurrent bias for the input bias", weights=each_weight(_swapped_biases)),
    Mutant("recurrent_kernel_transposed", "keeps torch's (out, in) layout", weights=transposed_recurrent(3)),
    Mutant(
        "hard_sigmoid",
        "gates with hard_sigmoid, as Keras did before 2.3",
        config=other("recurrent_activation", ("hard_sigmoid", "sigmoid")),
    ),
    Mutant(
        "biases_folded",
        "adds both biases up, the recurrent bias outside of the reset gate",
        weights=each_weight(_folded_biases),
    ),
    Mutant("no_bias", "leaves the biases out", weights=scaled_bias(0.0)),
    Mutant("no_recurrent_bias", "adds the input bias only", weights=each_weight(_without_second_row)),
)
LSTM_MUTANTS = (
    Mutant("gates_ifoc", "puts the output gate before the candidate", weights=reordered(0, 1, 3, 2)),
    Mutant("gates_icfo", "stacks the gates as TensorFlow 1's BasicLSTMCell does", weights=reordered(0, 2, 1, 3)),
    Mutant("gates_iofc", "stacks the gates as ONNX does", weights=reordered(0, 2, 3, 1)),
    Mutant(
        "forget_bias_added",
        "adds 1 to the forget gate in every call, not to the initial bias",
        weights=changed_gate(1, 4, lambda name, block: block + 1.0 if name == "bias" else block),
    ),
    Mutant("bias_counted_twice", "copies the bias into both of torch's biases", weights=scaled_bias(2.0)),
    Mutant("recurrent_kernel_transposed", "keeps torch's (out, in) layout", weights=transposed_recurrent(4)),
    Mutant(
        "hard_sigmoid",
        "gates with hard_sigmoid, as Keras did before 2.3",
        config=other("recurrent_activation", ("hard_sigmoid", "sigmoid")),
    ),
)


def calling(change: Any) -> Any:
    """A `_cell` method of a mutant: the layer's own cell, called with `change(weights, x, states)`."""

    def cell_of(layer: Any) -> Any:
        cell = super(type(layer), layer)._cell()
        kind = type(cell)

        def call(self: Any, w: Weights, x: Array, states: Any, training: bool = False) -> Any:
            return kind.call(self, *change(w, x, states), training=training)

        fields = {field.name: getattr(cell, field.name) for field in dataclasses.fields(cell)}
        return type(f"_{kind.__name__}", (kind,), {"call": call, "__module__": kind.__module__})(**fields)

    return cell_of


def _first_state_only(layer: Any, before: Mapping[str, Any], after: Mapping[str, Any], args: list[Any]) -> Any:
    """The other states stay as they were before the call."""
    if "states" not in after:
        return {}
    first, *others = after["states"]
    return {"states": [first, *before.get("states", [None, *_zeros_like(others)])[1:]]}


def _zeros_like(states: Any) -> Any:
    return [_zeros_like(s) for s in states] if isinstance(states, list | tuple) else np.zeros_like(states)


REMEMBERS_FIRST = Mutant(
    "remembers_the_first_state_only",
    "keeps the first state for the next call and forgets the cell state",
    state=_first_state_only,
)
