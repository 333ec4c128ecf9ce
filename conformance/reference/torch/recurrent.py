"""nn.RNN, nn.LSTM, nn.GRU and their cells: layers on layers, both directions, projections, and two biases.

The blocks of a parameter stand in torch's order: input, forget, cell, output; and reset, update, new. Source: the
formulas in the documentation of each module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import autograd.numpy as np
import numpy

from conformance.counterpart import Counterpart, KerasLayer, Moved, NoCounterpart, added, moved, stacked
from conformance.mapping import Mapped
from conformance.reference.activations import sigmoid, tanh
from conformance.reference.base import Array, LayerError, Weight, Weights, arg
from conformance.reference.torch.base import Like, TorchLayer, wants_last
from conformance.reference.traits import Axes, asked

Kind = Literal["rnn", "lstm", "gru"]
NO_PACKED = "Keras packs no sequences: it takes the padded ones, and mask=, true up to the length of each"
BLOCKS: Mapping[Kind, int] = {"rnn": 1, "lstm": 4, "gru": 3}


def stepped(kind: Kind, x: Array, states: Sequence[Array], p: Mapping[str, Array], nonlinearity: str) -> list[Array]:
    """One step: x (batch, input), states (batch, hidden) each, to the new states. `p` holds w_ih, w_hh and biases.

    rnn: h' = tanh(W x + b + U h + c). lstm: c' = f c + i g, h' = o tanh(c'), which is projected where there is w_hr.
    gru: n = tanh(W x + b + r (U h + c)), h' = (1 - z) n + z h.
    """
    h = states[0]
    given = x @ np.transpose(p["w_ih"]) + p.get("b_ih", 0.0)
    kept = h @ np.transpose(p["w_hh"]) + p.get("b_hh", 0.0)
    if kind == "rnn":
        both = given + kept
        return [tanh(both) if nonlinearity == "tanh" else np.maximum(both, 0.0)]
    if kind == "lstm":
        i, f, g, o = np.split(given + kept, 4, axis=-1)
        c = sigmoid(f) * states[1] + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(c)
        return [h @ np.transpose(p["w_hr"]) if "w_hr" in p else h, c]
    given_r, given_z, given_n = np.split(given, 3, axis=-1)
    kept_r, kept_z, kept_n = np.split(kept, 3, axis=-1)
    z = sigmoid(given_z + kept_z)
    n = tanh(given_n + sigmoid(given_r + kept_r) * kept_n)
    return [(1.0 - z) * n + z * h]


class _Recurrent(TorchLayer):
    """Layers of one kind on top of each other, in one direction or in both.

    input: (steps, batch, features), or (batch, steps, features) for batch_first, or a packed sequence. hx: states of
    (layers times directions, batch, hidden); two of them, in a list, for LSTM. Returns outputs and last states.
    """

    arithmetic = "rounds"
    kind: ClassVar[Kind] = "rnn"

    input_size: int = arg("Length of the last axis of the input.", at_least=1)
    hidden_size: int = arg("Length of a state.", at_least=1)
    num_layers: int = arg("Layers on top of each other.", default=1, at_least=1)

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        return ("steps", "features")[:rank]

    @classmethod
    def batch_place(cls, config: Mapping[str, Any]) -> int:
        return 0 if config.get("batch_first") else 1

    def option(self, name: str, usual: Any = None) -> Any:
        return getattr(self, name, usual)

    def directions(self) -> tuple[str, ...]:
        return ("", "_reverse") if self.option("bidirectional") else ("",)

    def state_size(self) -> int:
        return int(self.option("proj_size", 0) or self.hidden_size)

    def check(self) -> None:
        if not 0 <= self.option("dropout", 0.0) <= 1:
            raise LayerError("dropout is a share between 0 and 1")
        if self.option("proj_size", 0) >= self.hidden_size:
            raise LayerError("proj_size has to be smaller than hidden_size")

    def weights(self, input: Any, hx: Any = None) -> Mapping[str, Weight]:
        held: dict[str, Weight] = {}
        rows = BLOCKS[self.kind] * self.hidden_size
        for layer in range(self.num_layers):
            width = self.input_size if layer == 0 else self.state_size() * len(self.directions())
            for way in self.directions():
                suffix = f"l{layer}{way}"
                held[f"weight_ih_{suffix}"] = Weight((rows, width))
                held[f"weight_hh_{suffix}"] = Weight((rows, self.state_size()))
                if self.option("bias", True):
                    held[f"bias_ih_{suffix}"] = Weight((rows,), "bias")
                    held[f"bias_hh_{suffix}"] = Weight((rows,), "bias")
                if self.option("proj_size", 0):
                    held[f"weight_hr_{suffix}"] = Weight((self.state_size(), self.hidden_size))
        return held

    def call(self, w: Weights, input: Array, hx: Any = None, training: bool | None = None) -> Any:
        if isinstance(input, list):
            return self._packed(w, input, hx, training)
        first = "batch, steps" if self.option("batch_first") else "steps, batch"
        wanted = f"({first}, features {self.input_size})"
        if np.ndim(input) != 3:
            raise LayerError(f"{self.names[0]} takes {wanted}, not {np.shape(input)}")
        wants_last(input, self.input_size, self.names[0], wanted)
        x = np.swapaxes(input, 0, 1) if self.option("batch_first") else input
        steps, states = self._stacked(w, [x[step] for step in range(np.shape(x)[0])], hx, training)
        outputs = np.stack(steps)
        return [np.swapaxes(outputs, 0, 1) if self.option("batch_first") else outputs, states]

    def _packed(self, w: Weights, packed: list[Any], hx: Any, training: bool | None) -> Any:
        """Of a packed sequence: a step has as many rows as sequences reach it, the longest first."""
        data, sizes, *orders = packed
        if np.ndim(data) != 2 or np.shape(data)[-1] != self.input_size:
            raise LayerError(f"{self.names[0]} takes packed features {self.input_size}, not {np.shape(data)}")
        ends = numpy.cumsum(numpy.asarray(sizes)).tolist()
        steps = [data[end - int(size) : end] for end, size in zip(ends, sizes, strict=True)]
        if hx is not None and orders:
            hx = [one[:, orders[0]] for one in hx] if self.kind == "lstm" else hx[:, orders[0]]
        outputs, states = self._stacked(w, steps, hx, training)
        if orders:
            states = [one[:, orders[1]] for one in states] if self.kind == "lstm" else states[:, orders[1]]
        return [[np.concatenate(outputs), sizes, *orders], states]

    def _stacked(self, w: Weights, steps: list[Array], hx: Any, training: bool | None) -> tuple[list[Array], Any]:
        """All layers over steps of (rows, features): the outputs of each step, and the last states."""
        if training and self.option("dropout", 0.0) and self.num_layers > 1:
            raise LayerError("dropout between layers draws numbers: nothing is to be compared")
        rows = np.shape(steps[0])[0]
        sizes = (self.state_size(), self.hidden_size)[: 2 if self.kind == "lstm" else 1]
        count = self.num_layers * len(self.directions())
        if hx is None:
            starts = [np.zeros((count, rows, size)) for size in sizes]
        else:
            starts = list(hx) if self.kind == "lstm" else [hx]
        for start, size in zip(starts, sizes, strict=True):
            if np.shape(start) != (count, rows, size):
                raise LayerError(f"hx of {self.names[0]} is {(count, rows, size)}, not {np.shape(start)}")
        last: list[list[Array]] = []
        for layer in range(self.num_layers):
            found = []
            for place, way in enumerate(self.directions()):
                begin = [start[layer * len(self.directions()) + place] for start in starts]
                outputs, ends = self._along(w, steps[::-1] if way else steps, begin, f"l{layer}{way}")
                found.append(outputs[::-1] if way else outputs)
                last.append(ends)
            steps = [np.concatenate(parts, axis=-1) for parts in zip(*found, strict=True)]
        states = [np.stack([ends[place] for ends in last]) for place in range(len(sizes))]
        return steps, states if self.kind == "lstm" else states[0]

    def _along(
        self, w: Weights, steps: list[Array], states: list[Array], suffix: str
    ) -> tuple[list[Array], list[Array]]:
        """Step by step; rows that a step does not have keep their states."""
        names = {"w_ih": "weight_ih", "w_hh": "weight_hh", "b_ih": "bias_ih", "b_hh": "bias_hh", "w_hr": "weight_hr"}
        p = {own: w.arrays[f"{name}_{suffix}"] for own, name in names.items() if f"{name}_{suffix}" in w}
        outputs = []
        for x in steps:
            rows = np.shape(x)[0]
            own = [state[:rows] for state in states]
            moved = stepped(self.kind, x, own, p, self.option("nonlinearity", "tanh"))
            outputs.append(moved[0])
            states = [np.concatenate([new, old[rows:]]) for new, old in zip(moved, states, strict=True)]
        return outputs, states

    def counterpart(self, input: Any, hx: Any = None) -> Counterpart:
        if isinstance(input, list):
            raise NoCounterpart(NO_PACKED)
        if self.option("proj_size", 0):
            raise NoCounterpart(
                "Keras' LSTM has no projection of its state; a Dense layer after it does not go back in"
            )
        layers, nodes, ends = {}, [], []
        nodes.append(("x0", "input" if self.option("batch_first") else "transpose(input, [1, 0, 2])"))
        for layer in range(self.num_layers):
            parts = []
            for place, way in enumerate(self.directions()):
                own = f"{self.kind}{layer}{way}"
                layers[own] = keras_layer(self.kind, self.hidden_size, f"l{layer}{way}", self)
                number = layer * len(self.directions()) + place
                start = ""
                if hx is not None:
                    held = [f"hx[0][{number}]", f"hx[1][{number}]"] if self.kind == "lstm" else [f"hx[{number}]"]
                    start = f", initial_state=[{', '.join(held)}]"
                nodes.append((f"y{layer}{way}", f"{own}({f'flip(x{layer}, 1)' if way else f'x{layer}'}{start})"))
                parts.append(f"flip(y{layer}{way}[0], 1)" if way else f"y{layer}{way}[0]")
                ends.append(f"y{layer}{way}")
            nodes.append((f"x{layer + 1}", parts[0] if len(parts) == 1 else f"concatenate([{', '.join(parts)}], -1)"))
        states = [f"stack([{', '.join(f'{end}[{place}]' for end in ends)}], 0)" for place in (1, 2)]
        outputs = f"x{self.num_layers}"
        whole = outputs if self.option("batch_first") else f"transpose({outputs}, [1, 0, 2])"
        result = f"[{whole}, [{states[0]}, {states[1]}]]" if self.kind == "lstm" else f"[{whole}, {states[0]}]"
        return Counterpart(result, layers, tuple(nodes))


def keras_layer(kind: Kind, units: int, suffix: str, layer: Any) -> KerasLayer:
    """Keras' layer that runs one direction of one layer, and how its weights are made of torch's."""
    has_bias = layer.option("bias", True)
    config: dict[str, Any] = {"units": units, "use_bias": has_bias, "return_sequences": True, "return_state": True}
    if kind == "rnn":
        config["activation"] = layer.option("nonlinearity", "tanh")
    name = {"rnn": "SimpleRNN", "lstm": "LSTM", "gru": "GRU"}[kind]
    return KerasLayer(name, config, keras_weights(kind, f"_{suffix}", has_bias))


def keras_weights(kind: Kind, suffix: str, has_bias: bool) -> Mapping[str, Moved]:
    """Keras' kernels are torch's turned over, gates of GRU in the order z, r, h; LSTM's two biases are added."""

    def ordered(name: str, *axes: int) -> Mapped:
        whole = Mapped(f"{name}{suffix}")
        whole = whole.transpose(*axes) if axes else whole
        return whole.blocks(1, 0, 2) if kind == "gru" else whole

    held = {"kernel": moved(ordered("weight_ih", 1, 0)), "recurrent_kernel": moved(ordered("weight_hh", 1, 0))}
    if has_bias:
        parts = (ordered("bias_ih"), ordered("bias_hh"))
        held["bias"] = stacked(*parts) if kind == "gru" else added(*parts)
    return held


class RNN(_Recurrent):
    """h' = tanh(W x + b + U h + c), or the relu of it."""

    names = ("nn.RNN",)
    example = asked("nn.RNN(5, 3, num_layers=2, batch_first=True)", "7,5")
    nonlinearity: Literal["tanh", "relu"] = arg("What is put on the sum.", default="tanh")
    bias: bool = arg("Whether there are biases, two of them.", default=True)
    batch_first: bool = arg("Whether the batch comes before the steps.", default=False)
    dropout: float = arg("Share of the outputs between layers that is left out in training.", default=0.0)
    bidirectional: bool = arg("Whether there is a second direction.", default=False)


class LSTM(_Recurrent):
    """c' = f c + i g and h' = o tanh(c'), with gates of W x + b + U h + c."""

    names = ("nn.LSTM",)
    kind = "lstm"
    example = asked("nn.LSTM(5, 3, num_layers=2, batch_first=True, bidirectional=True)", "7,5")
    bias: bool = arg("Whether there are biases, two of them.", default=True)
    batch_first: bool = arg("Whether the batch comes before the steps.", default=False)
    dropout: float = arg("Share of the outputs between layers that is left out in training.", default=0.0)
    bidirectional: bool = arg("Whether there is a second direction.", default=False)
    proj_size: int = arg("Length that h is projected to; 0 for none.", default=0)


class GRU(_Recurrent):
    """n = tanh(W x + b + r (U h + c)) and h' = (1 - z) n + z h."""

    names = ("nn.GRU",)
    kind = "gru"
    example = asked("nn.GRU(5, 3, batch_first=True)", "7,5")
    bias: bool = arg("Whether there are biases, two of them.", default=True)
    batch_first: bool = arg("Whether the batch comes before the steps.", default=False)
    dropout: float = arg("Share of the outputs between layers that is left out in training.", default=0.0)
    bidirectional: bool = arg("Whether there is a second direction.", default=False)


class _Cell(TorchLayer):
    """One step. input: (batch, features); hx: (batch, hidden), two of them in a list for LSTM; zeros where left out."""

    arithmetic = "rounds"
    kind: ClassVar[Kind] = "rnn"
    input_size: int = arg("Length of the last axis of the input.", at_least=1)
    hidden_size: int = arg("Length of a state.", at_least=1)
    bias: bool = arg("Whether there are biases, two of them.", default=True)

    def option(self, name: str, usual: Any = None) -> Any:
        return getattr(self, name, usual)

    def weights(self, input: Any, hx: Any = None) -> Mapping[str, Weight]:
        rows = BLOCKS[self.kind] * self.hidden_size
        held = {"weight_ih": Weight((rows, self.input_size)), "weight_hh": Weight((rows, self.hidden_size))}
        if self.bias:
            held |= {"bias_ih": Weight((rows,), "bias"), "bias_hh": Weight((rows,), "bias")}
        return held

    def call(self, w: Weights, input: Array, hx: Any = None) -> Any:
        if np.ndim(input) != 2:
            raise LayerError(f"{self.names[0]} takes (batch, features {self.input_size}), not {np.shape(input)}")
        wants_last(input, self.input_size, self.names[0], f"(batch, features {self.input_size})")
        zeros = np.zeros((np.shape(input)[0], self.hidden_size))
        states = [zeros, zeros] if hx is None else list(hx) if self.kind == "lstm" else [hx]
        names = {"w_ih": "weight_ih", "w_hh": "weight_hh", "b_ih": "bias_ih", "b_hh": "bias_hh"}
        p = {own: w.arrays[name] for own, name in names.items() if name in w}
        found = stepped(self.kind, input, states, p, self.option("nonlinearity", "tanh"))
        return found if self.kind == "lstm" else found[0]

    def counterpart(self, input: Like, hx: Any = None) -> Counterpart:
        name = {"rnn": "SimpleRNNCell", "lstm": "LSTMCell", "gru": "GRUCell"}[self.kind]
        config: dict[str, Any] = {"units": self.hidden_size, "use_bias": self.bias}
        if self.kind == "rnn":
            config["activation"] = self.option("nonlinearity", "tanh")
        zeros = f"repeat(sum(input * 0.0, axis=1, keepdims=True), {self.hidden_size}, 1)"
        states = ["hx[0]", "hx[1]"] if self.kind == "lstm" else ["hx"]
        if hx is None:
            states = [zeros] * len(states)
        layer = KerasLayer(name, config, keras_weights(self.kind, "", self.bias))
        result = f"cell(input, [{', '.join(states)}])[{1 if self.kind == 'lstm' else 0}]"
        return Counterpart(result, {"cell": layer})


class RNNCell(_Cell):
    """One step of nn.RNN."""

    names = ("nn.RNNCell",)
    example = asked("nn.RNNCell(5, 3)", "5")
    nonlinearity: Literal["tanh", "relu"] = arg("What is put on the sum.", default="tanh")


class LSTMCell(_Cell):
    """One step of nn.LSTM; returns the new h and c."""

    names = ("nn.LSTMCell",)
    kind = "lstm"
    example = asked("nn.LSTMCell(5, 3)", "5")


class GRUCell(_Cell):
    """One step of nn.GRU."""

    names = ("nn.GRUCell",)
    kind = "gru"
    example = asked("nn.GRUCell(5, 3)", "5")
