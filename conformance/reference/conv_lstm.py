"""Convolutional LSTM: the gates of an LSTM, with convolutions in place of the products with its two kernels.

Shi et al., "Convolutional LSTM network: a machine learning approach for precipitation nowcasting" (2015), equation 3,
without the connections from the cell state to the gates.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import autograd.numpy as np
import numpy

from .activations import Activation, activate
from .base import Array, LayerError, Mutant, Shape, Weight, Weights, arg
from .conv import correlate
from .gates import CELL_ONLY, LSTM_GATES, LSTM_MUTANTS, REMEMBERS_FIRST, bias_of, dropped, each_weight, gates
from .recurrent import _Cell
from .rnn import SEQUENCE_MUTANTS, _Recurrent
from .traits import absent, asked
from .windows import DataFormat, channels_last, check_positive, in_format, padded, per_axis, place, windows

_TAKES_LOOP = "torch has no convolutional recurrence: a for loop over the steps with nn.Conv{}d"


def _convolved(x: Array, kernel: Array, strides: Any, dilations: Any, padding: str) -> Array:
    """x: (batch, *lengths, in), kernel: (*sizes, in, out). Returns (batch, *counts, out)."""
    numbers = zip(x.shape[1:-1], kernel.shape[:-2], strides, dilations, strict=True)
    placements = [place(length, size, stride, dilation, padding) for length, size, stride, dilation in numbers]
    return correlate(windows(padded(x, placements), placements), kernel, 1)


class _ConvLSTMCell(_Cell):
    """One step, channels last; the layer below says what the letters are."""

    rank: int
    filters: int
    strides: Any
    padding: Any
    data_format: DataFormat
    dilation_rate: Any
    activation: Any
    recurrent_activation: Any
    dropout: float
    recurrent_dropout: float

    @property
    def state_sizes(self) -> list[Any]:
        return [self.filters, self.filters]

    def call(self, w: Weights, inputs: Array, states: Any, training: bool = False) -> Any:
        h, c = states
        x = dropped(w, "dropout", inputs, self.dropout, training)
        h = dropped(w, "recurrent_dropout", h, self.recurrent_dropout, training)
        strides, dilations = per_axis(self.strides, self.rank), per_axis(self.dilation_rate, self.rank)
        ones = (1,) * self.rank
        from_x = _convolved(x, w.kernel, strides, dilations, self.padding) + bias_of(w)
        i, f, g, o = gates(from_x + _convolved(h, w.recurrent_kernel, ones, ones, "same"), 4)
        i, f, o = (self._activated(self.recurrent_activation, gate) for gate in (i, f, o))
        c = f * c + i * self._activated(self.activation, g)
        h = o * self._activated(self.activation, c)
        return [h, [h, c]]

    def _activated(self, function: Any, x: Array) -> Array:
        """The function sees the layout that was asked for, as in all convolutions: softmax is of its last axis."""
        return channels_last(activate(function, in_format(x, self.data_format)), self.data_format)


def _flipped_recurrent(name: str, value: Array) -> Array:
    return np.flip(value, axis=tuple(range(value.ndim - 2))) if name == "recurrent_kernel" else value


CONV_LSTM_MUTANTS = (
    *(mutant for mutant in LSTM_MUTANTS if mutant.name not in ("recurrent_kernel_transposed", "hard_sigmoid")),
    *(
        mutant
        for mutant in SEQUENCE_MUTANTS
        if mutant.name not in ("masked_steps_otherwise", "zeros_in_the_last_output")
    ),
    REMEMBERS_FIRST,
    Mutant(
        "hard_sigmoid",
        "gates with hard_sigmoid, as Keras 2 did by default",
        config=lambda layer: {"recurrent_activation": "hard_sigmoid"},
    ),
    Mutant("recurrent_kernel_flipped", "flips the recurrent kernel", weights=each_weight(_flipped_recurrent)),
)


class _ConvLSTM(_Recurrent):
    """What convolutional LSTMs over one, two and three axes share; `rank` is the number of those axes."""

    gates = LSTM_GATES
    input_axis_names = ()

    rank: ClassVar[int]

    filters: int = arg("Number of filters: channels of each state and of the output.", at_least=1)
    kernel_size: Any = arg("Size of both kernels.")
    strides: Any = arg("Strides of the convolution of the input; that of the state has 1.", default=1)
    padding: Literal["valid", "same"] = arg(
        "Padding of the convolution of the input; that of the state is `same`.", default="valid"
    )
    data_format: DataFormat = arg(
        "Whether the channels are the last axis, or stand behind the steps.", default="channels_last"
    )
    dilation_rate: Any = arg("Dilation of the convolution of the input.", default=1)
    activation: Activation = arg("Applied to the candidate and to the cell state.", default="tanh")
    recurrent_activation: Activation = arg("Applied to the input, forget and output gate.", default="sigmoid")
    use_bias: bool = arg("Whether a bias is added.", default=True)
    dropout: float = arg("Fraction of the input that training leaves out, the same in all steps.", default=0.0)
    recurrent_dropout: float = arg("Fraction of the state that training leaves out.", default=0.0)

    keras_only = (*CELL_ONLY, "unit_forget_bias")
    mutants = CONV_LSTM_MUTANTS

    def check(self) -> None:
        check_positive(
            self.rank,
            filters=(self.filters,) * self.rank,
            kernel_size=self.kernel_size,
            strides=self.strides,
            dilation_rate=self.dilation_rate,
        )
        if max(per_axis(self.strides, self.rank)) > 1 and max(per_axis(self.dilation_rate, self.rank)) > 1:
            raise LayerError(f"strides={self.strides} cannot be combined with dilation_rate={self.dilation_rate}")

    def _cell(self) -> _Cell:
        return _ConvLSTMCell(
            rank=self.rank,
            filters=self.filters,
            strides=self.strides,
            padding=self.padding,
            data_format=self.data_format,
            dilation_rate=self.dilation_rate,
            activation=self.activation,
            recurrent_activation=self.recurrent_activation,
            dropout=self.dropout,
            recurrent_dropout=self.recurrent_dropout,
        )

    def _check_sequences(self, sequences: Shape) -> None:
        if len(sequences) != self.rank + 3:
            raise LayerError(f"needs {self.rank + 3} axes, batch and steps first, not {len(sequences)}")

    def _last(self, sequences: Shape) -> Shape:
        """The shape with its channels on the last axis."""
        if self.data_format == "channels_last":
            return sequences
        return (*sequences[:2], *sequences[3:], sequences[2])

    def weights(self, sequences: Shape, *others: Any) -> Mapping[str, Weight]:
        self._check_sequences(sequences)
        sizes = per_axis(self.kernel_size, self.rank)
        named = {
            "kernel": Weight((*sizes, self._last(sequences)[-1], 4 * self.filters)),
            "recurrent_kernel": Weight((*sizes, self.filters, 4 * self.filters)),
        }
        return named | {"bias": Weight((4 * self.filters,), "bias")} if self.use_bias else named

    def _lengths(self, sequences: Shape) -> Shape:
        """The lengths of a state, of channels-last sequences."""
        sizes, strides, dilations = (
            per_axis(value, self.rank) for value in (self.kernel_size, self.strides, self.dilation_rate)
        )
        numbers = zip(sequences[2:-1], sizes, strides, dilations, strict=True)
        return tuple(place(*axis, self.padding).count for axis in numbers)

    def _zero_states(self, sequences: Shape) -> Any:
        state = numpy.zeros((sequences[0], *self._lengths(sequences), self.filters))
        return [state, state]

    def _nothing(self, states: Any, batch: int) -> Array:
        return np.zeros_like(states[0])

    def call(
        self, w: Weights, sequences: Array, initial_state: Any = None, mask: Array = None, training: bool = False
    ) -> Any:
        self._check_sequences(sequences.shape)
        if self.data_format == "channels_last":
            return super().call(w, sequences, initial_state, mask, training)
        given = None if initial_state is None else [channels_last(state, self.data_format) for state in initial_state]
        found = super().call(w, np.moveaxis(sequences, 2, -1), given, mask, training)
        output, *states = found if self.return_state else [found]
        output = np.moveaxis(output, -1, 2) if self.return_sequences else in_format(output, self.data_format)
        moved = [in_format(state, self.data_format) for state in states]
        return [output, *moved] if self.return_state else output

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        terms = sum(math.prod(weights[name].shape[:-1]) for name in ("kernel", "recurrent_kernel"))
        return terms + int(shapes[0][1])

    def rule(self, *shapes: Any) -> str:
        lengths = " x ".join(map(str, self._lengths(self._last(shapes[0]))))
        return f"{shapes[0][1]} steps, each state {lengths} with {self.filters} channels"


class ConvLSTM1D(_ConvLSTM):
    """LSTM whose kernels are convolutions over one axis: a sequence of rows.

    sequences: (batch, steps, length, channels), or (batch, steps, channels, length) for `channels_first`. Returns the
    last output (batch, new length, filters), or all of them; with `return_state` a list [output, h, c].
    i, f, o = recurrent_activation(kernel * x + recurrent_kernel * h + bias), g = activation of the third block;
    c' = f c + i g; h' = o activation(c'). kernel: (size, channels, 4 filters), recurrent_kernel: (size, filters, 4
    filters), bias: (4 filters,). Masks stop time, as for LSTM.
    """

    native = absent(_TAKES_LOOP.format(1))
    example = asked("ConvLSTM1D(3, 2)", "3,5,2")

    rank: ClassVar[int] = 1
    kernel_size: int | tuple[int] = arg("Size of both kernels.", at_least=1)
    strides: int | tuple[int] = arg("Strides of the convolution of the input.", default=1, at_least=1)
    dilation_rate: int | tuple[int] = arg("Dilation of the convolution of the input.", default=1, at_least=1)


class ConvLSTM2D(_ConvLSTM):
    """LSTM whose kernels are convolutions over two axes: a sequence of images.

    sequences: (batch, steps, rows, columns, channels), or (batch, steps, channels, rows, columns) for `channels_first`.
    Returns the last output (batch, new rows, new columns, filters), or all of them. kernel: (rows, columns, channels,
    4 filters), recurrent_kernel: (rows, columns, filters, 4 filters), bias: (4 filters,). Formulas: `ConvLSTM1D`.
    """

    native = absent(_TAKES_LOOP.format(2))
    example = asked("ConvLSTM2D(3, 2)", "3,5,7,2")

    rank: ClassVar[int] = 2
    kernel_size: int | tuple[int, int] = arg("Rows and columns of both kernels.", at_least=1)
    strides: int | tuple[int, int] = arg("Strides of the convolution of the input.", default=1, at_least=1)
    dilation_rate: int | tuple[int, int] = arg("Dilation of the convolution of the input.", default=1, at_least=1)


class ConvLSTM3D(_ConvLSTM):
    """LSTM whose kernels are convolutions over three axes: a sequence of volumes.

    sequences: (batch, steps, depth, height, width, channels), or with the channels behind the steps for
    `channels_first`. Returns the last output (batch, new depth, new height, new width, filters), or all of them.
    kernel: (*sizes, channels, 4 filters), recurrent_kernel: (*sizes, filters, 4 filters), bias: (4 filters,). Formulas:
    `ConvLSTM1D`.
    """

    native = absent(_TAKES_LOOP.format(3))
    example = asked("ConvLSTM3D(3, 2)", "3,4,5,7,2")

    rank: ClassVar[int] = 3
    kernel_size: int | tuple[int, int, int] = arg("Size of both kernels on each axis.", at_least=1)
    strides: int | tuple[int, int, int] = arg("Strides of the convolution of the input.", default=1, at_least=1)
    dilation_rate: int | tuple[int, int, int] = arg("Dilation of the convolution of the input.", default=1, at_least=1)
