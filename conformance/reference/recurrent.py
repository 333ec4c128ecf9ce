"""Recurrent cells: one step in time. The layers that run a cell along a sequence are in `rnn`.

A cell is called as `cell(x, states)`: x (batch, features), states a list of arrays (batch, units). It gives the output
and the new states, in the structure in which the states came. `*` is the product by element, `@` that of matrices.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import autograd.numpy as np

from .activations import Activation, activate
from .base import Array, Layer, LayerError, Mutant, Shape, Weight, Weights, arg
from .gates import (
    CELL_ONLY,
    GRU_GATES,
    GRU_MUTANTS,
    LSTM_GATES,
    LSTM_MUTANTS,
    SIMPLE_MUTANTS,
    bias_of,
    check_units,
    dropped,
    first_state,
    gate_weights,
    gates,
    like,
    terms_of_a_gate,
)
from .traits import absent, asked, called


class _Cell(Layer):
    """What all cells are to the layers that run them."""

    initializers: ClassVar[Mapping[str, str]] = {"recurrent_kernel": "recurrent_initializer"}
    arithmetic = "rounds"
    written_as_case = "a cell is called with its states"
    asked_within = asked("RNN(GRUCell(3))", "5,2")

    @property
    def state_sizes(self) -> list[Any]:
        """The lengths of the states, in their structure."""
        raise NotImplementedError(type(self).__name__)

    @property
    def output_size(self) -> int:
        return int(self.state_sizes[0])

    def initial_states(self, batch: int) -> list[Any]:
        """Zeros in the structure of the states."""
        return [_zeros(batch, size) for size in self.state_sizes]

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return terms_of_a_gate(weights)


def _zeros(batch: int, sizes: Any) -> Any:
    return [_zeros(batch, size) for size in sizes] if isinstance(sizes, list) else np.zeros((batch, sizes))


class SimpleRNNCell(_Cell):
    """h' = activation(x @ kernel + h @ recurrent_kernel + bias), the network of Elman (1990).

    x: (batch, features), states: [h] with h (batch, units), or h itself. Returns [h', [h']], or [h', h'].
    kernel (features, units), recurrent_kernel (units, units), bias (units,).
    """

    native = called("nn.RNNCell")

    units: int = arg("Size of the state and of the output.", at_least=1)
    activation: Activation = arg("Applied to the sum.", default="tanh")
    use_bias: bool = arg("Whether a bias is added.", default=True)
    dropout: float = arg(
        "Fraction of the input's features that training leaves out, the same in all steps.", default=0.0
    )
    recurrent_dropout: float = arg("Fraction of the state's features that training leaves out.", default=0.0)

    keras_only = CELL_ONLY
    mutants = SIMPLE_MUTANTS

    def check(self) -> None:
        check_units(self)

    @property
    def state_sizes(self) -> list[Any]:
        return [self.units]

    def weights(self, x: Shape, *states: Any) -> Mapping[str, Weight]:
        return gate_weights(self, x, 1, bias=(self.units,))

    def call(self, w: Weights, sequence: Array, states: Any, training: bool = False) -> Any:
        x = dropped(w, "dropout", sequence, self.dropout, training)
        h = dropped(w, "recurrent_dropout", first_state(states), self.recurrent_dropout, training)
        new = activate(self.activation, x @ w.kernel + h @ w.recurrent_kernel + bias_of(w))
        return [new, like(states, [new])]


class GRUCell(_Cell):
    """The gated recurrent unit of Cho et al. (2014), arXiv 1406.1078; the gates stand in the order z, r, h.

    z = recurrent_activation(x @ Wz + bz + h @ Uz + cz)     update gate
    r = recurrent_activation(x @ Wr + br + h @ Ur + cr)     reset gate
    n = activation(x @ Wh + bh + r * (h @ Uh + ch))         candidate with `reset_after` (version 1 of the paper)
    n = activation(x @ Wh + bh + (r * h) @ Uh)              candidate without (version 3); there is no c
    h' = z * h + (1 - z) * n

    x: (batch, features), states: [h] with h (batch, units), or h itself. Returns [h', [h']], or [h', h'].
    kernel (features, 3 units) is W, recurrent_kernel (units, 3 units) is U; bias is b (3 units,), with `reset_after`
    b and c (2, 3 units).
    """

    native = called("nn.GRUCell")
    gates = GRU_GATES

    units: int = arg("Size of the state and of the output.", at_least=1)
    activation: Activation = arg("Applied to the candidate state.", default="tanh")
    recurrent_activation: Activation = arg("Applied to the update and the reset gate.", default="sigmoid")
    use_bias: bool = arg("Whether biases are added.", default=True)
    dropout: float = arg(
        "Fraction of the input's features that training leaves out, the same in all steps.", default=0.0
    )
    recurrent_dropout: float = arg("Fraction of the state's features that training leaves out.", default=0.0)
    reset_after: bool = arg("Whether the reset gate acts after the product with the recurrent kernel.", default=True)

    keras_only = (*CELL_ONLY, "implementation")
    mutants = GRU_MUTANTS

    def check(self) -> None:
        check_units(self)

    @property
    def state_sizes(self) -> list[Any]:
        return [self.units]

    def weights(self, x: Shape, *states: Any) -> Mapping[str, Weight]:
        return gate_weights(self, x, 3, bias=(2, 3 * self.units) if self.reset_after else (3 * self.units,))

    def call(self, w: Weights, inputs: Array, states: Any, training: bool = False) -> Any:
        h = first_state(states)
        x = dropped(w, "dropout", inputs, self.dropout, training)
        kept = dropped(w, "recurrent_dropout", h, self.recurrent_dropout, training)
        b, c = self._biases(w)
        x_z, x_r, x_h = gates(x @ w.kernel + b, 3)
        h_z, h_r, h_h = gates(kept @ w.recurrent_kernel + c, 3)
        z = activate(self.recurrent_activation, x_z + h_z)
        r = activate(self.recurrent_activation, x_r + h_r)
        from_h = r * h_h if self.reset_after else (r * kept) @ gates(w.recurrent_kernel, 3)[2]
        new = z * h + (1 - z) * activate(self.activation, x_h + from_h)
        return [new, like(states, [new])]

    def _biases(self, w: Weights) -> tuple[Array, Array]:
        none = np.zeros(3 * self.units)
        if "bias" not in w:
            return none, none
        return (w.bias[0], w.bias[1]) if self.reset_after else (w.bias, none)


class LSTMCell(_Cell):
    """Long short-term memory (Hochreiter & Schmidhuber 1997) with the forget gate of Gers et al. (2000).

    The gates stand in the order i, f, c, o, each its block of kernel, recurrent_kernel and bias:
    i, f, o = recurrent_activation(x @ W + h @ U + b)       input, forget and output gate
    g = activation(x @ Wc + h @ Uc + bc)                    candidate
    c' = f * c + i * g                                      cell state
    h' = o * activation(c')

    x: (batch, features), states: [h, c], each (batch, units). Returns [h', [h', c']].
    kernel (features, 4 units), recurrent_kernel (units, 4 units), bias (4 units,).
    """

    native = called("nn.LSTMCell")
    gates = LSTM_GATES

    units: int = arg("Size of each state and of the output.", at_least=1)
    activation: Activation = arg("Applied to the candidate and to the cell state.", default="tanh")
    recurrent_activation: Activation = arg("Applied to the input, forget and output gate.", default="sigmoid")
    use_bias: bool = arg("Whether a bias is added.", default=True)
    dropout: float = arg(
        "Fraction of the input's features that training leaves out, the same in all steps.", default=0.0
    )
    recurrent_dropout: float = arg("Fraction of the state's features that training leaves out.", default=0.0)

    keras_only = (*CELL_ONLY, "unit_forget_bias", "implementation")
    mutants = (
        *LSTM_MUTANTS,
        Mutant(
            "linear_output",
            "gives the cell state out without its activation",
            methods={"emitted": lambda cell, o, c: o * c},
        ),
    )

    def check(self) -> None:
        check_units(self)

    @property
    def state_sizes(self) -> list[Any]:
        return [self.units, self.units]

    def weights(self, x: Shape, *states: Any) -> Mapping[str, Weight]:
        return gate_weights(self, x, 4, bias=(4 * self.units,))

    def call(self, w: Weights, inputs: Array, states: Any, training: bool = False) -> Any:
        h, c = states
        x = dropped(w, "dropout", inputs, self.dropout, training)
        h = dropped(w, "recurrent_dropout", h, self.recurrent_dropout, training)
        i, f, g, o = gates(x @ w.kernel + h @ w.recurrent_kernel + bias_of(w), 4)
        i, f, o = (activate(self.recurrent_activation, gate) for gate in (i, f, o))
        c = f * c + i * activate(self.activation, g)
        h = self.emitted(o, c)
        return [h, [h, c]]

    def emitted(self, o: Array, c: Array) -> Array:
        """The output: the cell state as far as the output gate lets it through."""
        return o * activate(self.activation, c)


class _LinearOutput(LSTMCell):
    """The cell of a mutant of the layer: it gives the cell state out without its activation."""

    def emitted(self, o: Array, c: Array) -> Array:
        return o * c


def _upper_states_are_zero(layer: Any, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    inputs, states = args
    return [inputs, [states[0], *layer.initial_states(len(inputs))[1:]]], kwargs


class StackedRNNCells(_Cell):
    """Cells on top of each other as one cell: each takes the output of the one below it, and its own states.

    x: (batch, features), states: a list of the states of every cell. Returns [output of the last cell, new states].
    The weights are named after the number of the cell: `0.kernel`, `1.kernel`.
    """

    native = absent("torch stacks whole layers, by num_layers, and no cells")

    asked_within = asked("RNN(StackedRNNCells([GRUCell(3), GRUCell(3)]))", "5,2")

    cells: tuple[Layer, ...] = arg("The cells, from the input to the output.")

    mutants = (
        Mutant("upper_cells_forget", "keeps the states of the lowest cell only", inputs=_upper_states_are_zero),
        Mutant(
            "output_of_the_first_cell",
            "gives the state of the lowest cell as the output",
            output=lambda layer, output, args: [output[1][0][0], output[1]],
        ),
    )

    def check(self) -> None:
        if not self.cells:
            raise LayerError("a stack needs at least one cell")
        for cell in self.cells:
            as_cell(cell)

    @property
    def state_sizes(self) -> list[Any]:
        return [as_cell(cell).state_sizes for cell in self.cells]

    @property
    def output_size(self) -> int:
        return as_cell(self.cells[-1]).output_size

    def weights(self, x: Shape, *states: Any) -> Mapping[str, Weight]:
        named: dict[str, Weight] = {}
        for number, cell in enumerate(self.cells):
            named |= {f"{number}.{name}": weight for name, weight in cell.weights(x).items()}
            x = (x[0], as_cell(cell).output_size)
        return named

    def call(self, w: Weights, inputs: Array, states: Any, training: bool = False) -> Any:
        output, new_states = inputs, []
        for number, (cell, state) in enumerate(zip(self.cells, states, strict=True)):
            output, new = cell.call(w.within(str(number)), output, state, training=training)
            new_states.append(new)
        return [output, new_states]


def as_cell(layer: Layer) -> _Cell:
    """The layer, where it is a cell. Raises LayerError for one that has no states to run along a sequence."""
    if not isinstance(layer, _Cell):
        if path := getattr(layer, "path", ""):
            raise LayerError(f"{path} is run as a cell, and the case says no states: of it, as in states: [4]")
        raise LayerError(f"{type(layer).__name__} is not a recurrent cell")
    return layer
