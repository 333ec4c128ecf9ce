"""Recurrent layers: a cell run along a sequence, with masks, both directions of time, and states kept between calls."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import autograd.numpy as np
import numpy
from autograd.tracer import getval, isbox

from .activations import Activation
from .backwards import NO_GRADIENT_THROUGH_TIME
from .base import NO_MASK, Array, Layer, LayerError, Mutant, Shape, Weight, Weights, arg
from .gates import (
    CELL_ONLY,
    GRU_GATES,
    GRU_MUTANTS,
    LSTM_GATES,
    LSTM_MUTANTS,
    REMEMBERS_FIRST,
    SIMPLE_MUTANTS,
    calling,
    check_units,
    terms_of_a_gate,
)
from .recurrent import GRUCell, LSTMCell, SimpleRNNCell, StackedRNNCells, _Cell, _LinearOutput, as_cell
from .traits import FEATURES, GateOrder, absent, asked, called

_C = TypeVar("_C", bound=_Cell)


def mask_of_steps(mask: Any, batch: int, steps: int) -> Any:
    """Which steps are real, (batch, steps): one row serves every sample, and any number but 0 is true.

    Raises LayerError for another shape.
    """
    if np.shape(mask) not in {(batch, steps), (1, steps)}:
        raise LayerError(f"needs a mask of shape {(batch, steps)}, not {np.shape(mask)}")
    return numpy.broadcast_to(numpy.asarray(getval(mask)) != 0, (batch, steps))


"""Arguments of every recurrent layer that do not enter its mathematics."""


def _replace_argument(name: str, value: Any) -> Any:
    return lambda layer, args, kwargs: (args, {**kwargs, name: value})


def _flipped(layer: Any, output: Any, args: list[Any]) -> Any:
    sequence, *states = output if layer.return_state else [output]
    sequence = sequence[:, ::-1] if layer.return_sequences else sequence
    return [sequence, *states] if layer.return_state else sequence


def _first_step(layer: Any, output: Any, args: list[Any]) -> Any:
    sequence, *states = output if layer.return_state else [output]
    return [sequence[:, 0], *states] if layer.return_state else sequence[:, 0]


def _with_zeros_in_the_last(layer: Any, outputs: list[Array], mask: Array) -> Array:
    sequence = layer._sequence(outputs, mask)
    return sequence if layer.return_sequences else sequence[:, -1]


SEQUENCE_MUTANTS = (
    Mutant("ignores_mask", "runs over padding as over data", inputs=_replace_argument("mask", None)),
    Mutant("ignores_initial_state", "always starts from zeros", inputs=_replace_argument("initial_state", None)),
    Mutant(
        "other_direction",
        "reads the sequence from the other end",
        config=lambda x: {"go_backwards": not x.go_backwards},
    ),
    Mutant("never_backwards", "reads every sequence from its start", config=lambda x: {"go_backwards": False}),
    Mutant("output_flipped", "gives the output sequence in the other order of time", output=_flipped),
    Mutant(
        "masked_steps_otherwise",
        "fills masked steps with zeros where they repeat the last output, or the other way round",
        config=lambda x: {"zero_output_for_mask": not x.zero_output_for_mask},
    ),
    Mutant(
        "zeros_in_the_last_output",
        "puts zeros at masked steps where the last output alone is given too",
        methods={"given_out": _with_zeros_in_the_last},
    ),
    Mutant(
        "states_go_on",
        "repeats the output where the mask is false, but lets the states go on",
        methods={"held": lambda layer, valid, new, old: new},
    ),
    Mutant("forgets", "starts every call from zeros", config=lambda x: {"stateful": False}),
    Mutant(
        "first_step",
        "takes the output of the first step for that of the last",
        config=lambda x: {"return_sequences": True},
        output=_first_step,
    ),
)


PACKED_LINES = (
    "packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)",
    "y, _ = self.rnn(packed)  # lengths: real steps of each row, as the model's mask has them",
)


class _Recurrent(Layer):
    """A cell run along the steps of a sequence; what SimpleRNN, GRU, LSTM and RNN have in common.

    sequences: (batch, steps, features). Returns the last output (batch, units), or all outputs (batch, steps, units)
    with `return_sequences`; with `return_state` a list: [output, *states].
    A mask (batch, steps) stops time where it is false: the states stay, and the output is that of the step before
    (zeros before the first valid step, and at every masked step of a sequence with `zero_output_for_mask`).
    """

    initializers: ClassVar[Mapping[str, str]] = {"recurrent_kernel": "recurrent_initializer"}
    arithmetic = "rounds"
    input_axis_names = FEATURES
    is_recurrent = True
    backwards = (NO_GRADIENT_THROUGH_TIME,)

    return_sequences: bool = arg("Whether the outputs of all steps are given; else that of the last.", default=False)
    return_state: bool = arg("Whether the last states are given too, after the output.", default=False)
    go_backwards: bool = arg("Whether the last step is read first; outputs are in the order of reading.", default=False)
    stateful: bool = arg("Whether a call starts from the states in which the one before it ended.", default=False)
    unroll: bool = arg("Whether the steps are unrolled; the same numbers, for a known number of steps.", default=False)
    zero_output_for_mask: bool = arg("Whether a sequence of outputs has zeros at masked steps.", default=False)

    supports_masking = True

    @classmethod
    def torch_lines(cls, config: Mapping[str, Any], size: int) -> tuple[str, ...]:
        return PACKED_LINES if cls.layout == "recurrent" else ()

    def _cell(self) -> _Cell:
        """The cell that is run."""
        raise NotImplementedError(type(self).__name__)

    def _cell_weights(self, w: Weights) -> Weights:
        """The weights of the cell; their state lives as long as this call."""
        return Weights(w.arrays, {}, w.random)

    def weights(self, sequences: Shape, *others: Any) -> Mapping[str, Weight]:
        self._check_sequences(sequences)
        return self._cell().weights((sequences[0], sequences[2]))

    def call(
        self, w: Weights, sequences: Array, initial_state: Any = None, mask: Array = None, training: bool = False
    ) -> Any:
        self._check_sequences(sequences.shape)
        batch, steps = sequences.shape[:2]
        if steps == 0:
            raise LayerError("a sequence needs at least one step")
        if mask is not None:
            mask = mask_of_steps(mask, batch, steps)
        states = self._first_states(w, sequences.shape, initial_state)
        cell, cell_weights = self._cell(), self._cell_weights(w)
        output = self._nothing(states, batch)
        outputs: list[Array] = []
        kept: Any = None
        for step in reversed(range(steps)) if self.go_backwards else range(steps):
            new_output, new_states = cell.call(cell_weights, sequences[:, step], states, training=training)
            if mask is None:
                output, states = new_output, new_states
            else:
                valid = mask[:, step]
                output, states = _where(valid, new_output, output), self.held(valid, new_states, states)
            outputs.append(output)
            # a state that is broadcast a little more at every step fills the memory within twenty of them
            shapes = _shapes_of([output, states])
            if kept is not None and shapes != kept:
                raise LayerError(f"output and states have the shapes {kept} after one step, {shapes} after the next")
            kept = shapes
        if self.stateful:
            w.state["states"] = _constant(states)
        result = self.given_out(outputs, mask)
        return [result, *states] if self.return_state else result

    def given_out(self, outputs: list[Array], mask: Array) -> Array:
        """What comes out of the outputs of all steps, in the order of reading: all of them or the last."""
        return self._sequence(outputs, mask) if self.return_sequences else outputs[-1]

    def held(self, valid: Array, new: Any, old: Any) -> Any:
        """The states after a step: the old ones of every sample that is masked there."""
        return _where(valid, new, old)

    def _check_sequences(self, sequences: Shape) -> None:
        """Raises LayerError for another number of axes than (batch, steps, features)."""
        if len(sequences) != 3:
            raise LayerError(f"needs (batch, steps, features), not {len(sequences)} axes")

    def _nothing(self, states: Any, batch: int) -> Array:
        """The output before the first step."""
        return np.zeros((batch, self._cell().output_size))

    def _zero_states(self, sequences: Shape) -> Any:
        return self._cell().initial_states(sequences[0])

    def _first_states(self, w: Weights, sequences: Shape, initial_state: Any) -> Any:
        batch = sequences[0]
        if initial_state is not None:
            return initial_state if isinstance(initial_state, list | tuple) else [initial_state]
        if not (self.stateful and "states" in w.state):
            return self._zero_states(sequences)
        states = w.state["states"]
        if _batch_of(states) != batch:
            raise LayerError(f"stateful: the batch is {batch}, that of the states it kept is {_batch_of(states)}")
        return states

    def _sequence(self, outputs: list[Array], mask: Array) -> Array:
        sequence = np.swapaxes(
            np.array(outputs), 0, 1
        )  # the gradient of np.stack takes time in the square of the steps
        if mask is None or not self.zero_output_for_mask:
            return sequence
        in_order = mask[:, ::-1] if self.go_backwards else mask
        return np.where(_along(in_order, sequence), sequence, 0.0)

    def compute_mask(self, x: Any, mask: Any) -> Any:
        output_mask = mask if self.return_sequences else NO_MASK
        return [output_mask, *([NO_MASK] * len(self._cell().state_sizes))] if self.return_state else output_mask

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return terms_of_a_gate(weights) + int(shapes[0][1])

    def rule(self, *shapes: Any) -> str:
        batch, steps, _ = shapes[0]
        units = self._cell().output_size
        if self.return_sequences:
            return f"the outputs of all {steps} steps, {units} units each: ({batch}, {steps}, {units})"
        return f"the output of the last of {steps} steps, {units} units: ({batch}, {units})"


def _along(mask: Array, x: Array) -> Array:
    """A mask of the first axes with axes of length 1 for the others."""
    return np.reshape(mask, (*np.shape(mask), *[1] * (np.ndim(x) - np.ndim(mask))))


def _where(valid: Array, new: Any, old: Any) -> Any:
    if isinstance(new, list | tuple):
        return [_where(valid, n, o) for n, o in zip(new, old, strict=True)]
    return np.where(_along(valid, new), new, old)


def _constant(states: Any) -> Any:
    """States as plain numbers: no gradient flows back into the call before."""
    if isinstance(states, list | tuple):
        return [_constant(state) for state in states]
    while isbox(states):
        states = getval(states)
    return states


def _shapes_of(states: Any) -> Any:
    return [_shapes_of(one) for one in states] if isinstance(states, list | tuple) else np.shape(states)


def _batch_of(states: Any) -> int:
    return _batch_of(states[0]) if isinstance(states, list | tuple) else len(states)


def _same_arguments(cell: type[_C], layer: Any) -> _C:
    """A cell with those of the layer's arguments that it has too."""
    return cell(**{field.name: getattr(layer, field.name) for field in dataclasses.fields(cell)})


class RNN(_Recurrent):
    """Any cell, or a list of cells on top of each other, run along a sequence.

    sequences: (batch, steps, features). Outputs, states and masks as for the other recurrent layers; the states of a
    list of cells are a list for each cell. The weights are those of the cell under `cell.`: `cell.kernel`, or
    `cell.0.kernel` in a list.
    """

    native = absent("torch has no loop over a cell of one's own: a for loop over the steps")
    example = asked("RNN(GRUCell(3))", "5,2")
    runs_cell = "StackedRNNCells"

    cell: Layer | tuple[Layer, ...] = arg("A cell, or a list of cells from the input to the output.")

    mutants = (
        *SEQUENCE_MUTANTS,
        REMEMBERS_FIRST,
        Mutant(
            "states_reversed",
            "gives a stack of cells its states in the order from the last cell to the first",
            methods={
                "_cell": calling(lambda w, x, states: (w, x, states[::-1] if isinstance(states[0], list) else states))
            },
        ),
    )

    def check(self) -> None:
        self._cell().check()

    def _cell(self) -> _Cell:
        return StackedRNNCells(cells=self.cell) if isinstance(self.cell, tuple) else as_cell(self.cell)

    def _cell_weights(self, w: Weights) -> Weights:
        return Weights(w.within("cell").arrays, {}, w.random)

    def weights(self, sequences: Shape, *others: Any) -> Mapping[str, Weight]:
        return {f"cell.{name}": weight for name, weight in super().weights(sequences).items()}

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return self._cell().longest_sum(weights) + int(shapes[0][1])


class SimpleRNN(_Recurrent):
    """`SimpleRNNCell` run along a sequence: h' = activation(x @ kernel + h @ recurrent_kernel + bias) (Elman 1990).

    sequences: (batch, steps, features). Returns (batch, units), or (batch, steps, units) with `return_sequences`;
    with `return_state` the list [output, h].
    """

    native = called("nn.RNN")
    layout = "recurrent"
    example = asked("SimpleRNN(3)", "5,2")
    runs_cell = "SimpleRNNCell"

    units: int = arg("Size of the state and of the output.", at_least=1)
    activation: Activation = arg("Applied to the sum.", default="tanh")
    use_bias: bool = arg("Whether a bias is added.", default=True)
    dropout: float = arg(
        "Fraction of the input's features that training leaves out, the same in all steps.", default=0.0
    )
    recurrent_dropout: float = arg("Fraction of the state's features that training leaves out.", default=0.0)

    keras_only = CELL_ONLY
    mutants = (
        *SEQUENCE_MUTANTS,
        *SIMPLE_MUTANTS,
        Mutant(
            "draws_every_step",
            "draws what to drop anew at every step",
            methods={"_cell": calling(lambda w, x, states: (Weights(w.arrays, {}, w.random), x, states))},
        ),
    )

    def check(self) -> None:
        check_units(self)

    def _cell(self) -> _Cell:
        return _same_arguments(SimpleRNNCell, self)


class GRU(_Recurrent):
    """`GRUCell` run along a sequence (Cho et al. 2014).

    sequences: (batch, steps, features). Returns (batch, units), or (batch, steps, units) with `return_sequences`;
    with `return_state` the list [output, h].
    """

    native = called("nn.GRU")
    layout = "recurrent"
    gates_of_torch = GateOrder(("update", "reset", "new"), ("z", "r", "n"), order=(1, 0, 2))
    example = asked("GRU(3)", "5,2")
    runs_cell = "GRUCell"
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

    keras_only = (*CELL_ONLY, "implementation", "use_cudnn")
    mutants = (*SEQUENCE_MUTANTS, *GRU_MUTANTS)

    def check(self) -> None:
        check_units(self)

    def _cell(self) -> _Cell:
        return _same_arguments(GRUCell, self)


class LSTM(_Recurrent):
    """`LSTMCell` run along a sequence (Hochreiter & Schmidhuber 1997, Gers et al. 2000).

    sequences: (batch, steps, features). Returns (batch, units), or (batch, steps, units) with `return_sequences`;
    with `return_state` the list [output, h, c].
    """

    native = called("nn.LSTM")
    layout = "recurrent"
    example = asked("LSTM(3)", "5,2")
    runs_cell = "LSTMCell"
    gates = LSTM_GATES

    units: int = arg("Size of each state and of the output.", at_least=1)
    activation: Activation = arg("Applied to the candidate and to the cell state.", default="tanh")
    recurrent_activation: Activation = arg("Applied to the input, forget and output gate.", default="sigmoid")
    use_bias: bool = arg("Whether a bias is added.", default=True)
    dropout: float = arg(
        "Fraction of the input's features that training leaves out, the same in all steps.", default=0.0
    )
    recurrent_dropout: float = arg("Fraction of the state's features that training leaves out.", default=0.0)

    keras_only = (*CELL_ONLY, "unit_forget_bias", "implementation", "use_cudnn")
    mutants = (
        *SEQUENCE_MUTANTS,
        *LSTM_MUTANTS,
        REMEMBERS_FIRST,
        Mutant(
            "states_swapped",
            "gives the cell state before the hidden state",
            output=lambda layer, out, args: [out[0], out[2], out[1]] if layer.return_state else out,
        ),
        Mutant(
            "linear_output",
            "gives the cell state out without its activation",
            methods={"_cell": lambda layer: _same_arguments(_LinearOutput, layer)},
        ),
    )

    def check(self) -> None:
        check_units(self)

    def _cell(self) -> _Cell:
        return _same_arguments(LSTMCell, self)
