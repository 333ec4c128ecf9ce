"""Recurrent cells in torch: one step in time.

`torch.nn.RNNCell` (tanh, relu), `GRUCell` (tanh and sigmoid, `reset_after`) and `LSTMCell` (tanh and sigmoid) where
they say the same; else the same formula in native operations: other activations, and GRU with `reset_after=False`,
which torch does not have. Gates are stacked as torch stacks them, r, z, n and i, f, g, o, in either way.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it
from torch.func import functional_call

from .activations import activate
from .port import PORTS, Config, Parameters, Tensor, Unsupported, WeightMap, keras, port


def simple_weights(layer: Config) -> WeightMap:
    """torch has two biases and adds them: the second is zero."""
    return {
        "weight_ih": keras("kernel").transpose(1, 0),
        "weight_hh": keras("recurrent_kernel").transpose(1, 0),
        "bias_ih": keras("bias"),
        "bias_hh": keras("bias").zeros(),
    }


def gru_weights(layer: Config) -> WeightMap:
    """Keras' z, r, h become r, z, n; with `reset_after` each row of the bias is one of torch's two biases."""
    kernels = {
        "weight_ih": keras("kernel").transpose(1, 0).blocks(1, 0, 2, axis=0),
        "weight_hh": keras("recurrent_kernel").transpose(1, 0).blocks(1, 0, 2, axis=0),
    }
    if not layer.reset_after:
        return kernels | {"bias_ih": keras("bias").blocks(1, 0, 2, axis=0)}
    return kernels | {
        "bias_ih": keras("bias").row(0).blocks(1, 0, 2, axis=0),
        "bias_hh": keras("bias").row(1).blocks(1, 0, 2, axis=0),
    }


def stack_weights(layer: Config) -> WeightMap:
    return {
        f"{number}.{name}": mapped.within(str(number))
        for number, cell in enumerate(layer.cells)
        for name, mapped in PORTS[cell.type].weights(cell).items()
    }


def native_step(module: type[Any], layer: Config, p: Parameters, x: Tensor, states: Any, **options: Any) -> Any:
    """One step of a `torch.nn` cell with the parameters given; made on `meta`, so that none are drawn for nothing."""
    cell = module(x.shape[-1], layer.units, bias="bias_ih" in p.tensors, device="meta", **options)
    return functional_call(cell, dict(p.tensors), (x, states))


def refuse_dropout(layer: Config, training: bool) -> None:
    if training and (layer.dropout or layer.recurrent_dropout):
        raise Unsupported("torch cells have no dropout that leaves out the same features in every step")


def is_tanh_and_sigmoid(layer: Config) -> bool:
    return bool(layer.activation == "tanh" and layer.recurrent_activation == "sigmoid")


def first_state(states: Any) -> Any:
    return states[0] if isinstance(states, list | tuple) else states


@port("SimpleRNNCell", weights=simple_weights)
def simple_rnn_cell(layer: Config, p: Parameters, sequence: Tensor, states: Any, training: bool = False) -> Any:
    refuse_dropout(layer, training)
    h = first_state(states)
    if layer.activation in ("tanh", "relu"):
        new = native_step(torch.nn.RNNCell, layer, p, sequence, h, nonlinearity=layer.activation)
    else:
        from_x = F.linear(sequence, p.weight_ih, p.get("bias_ih"))
        new = activate(layer.activation, from_x + F.linear(h, p.weight_hh, p.get("bias_hh")))
    return [new, [new] if isinstance(states, list | tuple) else new]


@port("GRUCell", weights=gru_weights)
def gru_cell(layer: Config, p: Parameters, inputs: Tensor, states: Any, training: bool = False) -> Any:
    refuse_dropout(layer, training)
    h = first_state(states)
    if layer.reset_after and is_tanh_and_sigmoid(layer):
        new = native_step(torch.nn.GRUCell, layer, p, inputs, h)
    else:
        new = _gru_step(layer, p, inputs, h)
    return [new, [new] if isinstance(states, list | tuple) else new]


def _gru_step(layer: Config, p: Parameters, x: Tensor, h: Tensor) -> Any:
    x_r, x_z, x_n = F.linear(x, p.weight_ih, p.get("bias_ih")).chunk(3, dim=-1)
    weight_n = p.weight_hh[2 * layer.units :]
    h_r, h_z, h_n = F.linear(h, p.weight_hh, p.get("bias_hh")).chunk(3, dim=-1)
    r = activate(layer.recurrent_activation, x_r + h_r)
    z = activate(layer.recurrent_activation, x_z + h_z)
    n = activate(layer.activation, x_n + (r * h_n if layer.reset_after else F.linear(r * h, weight_n)))
    return (1 - z) * n + z * h


@port("LSTMCell", weights=simple_weights)
def lstm_cell(layer: Config, p: Parameters, inputs: Tensor, states: Any, training: bool = False) -> Any:
    refuse_dropout(layer, training)
    h, c = states
    if is_tanh_and_sigmoid(layer):
        h, c = native_step(torch.nn.LSTMCell, layer, p, inputs, (h, c))
    else:
        from_x = F.linear(inputs, p.weight_ih, p.get("bias_ih"))
        i, f, g, o = (from_x + F.linear(h, p.weight_hh, p.get("bias_hh"))).chunk(4, dim=-1)
        i, f, o = (activate(layer.recurrent_activation, gate) for gate in (i, f, o))
        c = f * c + i * activate(layer.activation, g)
        h = o * activate(layer.activation, c)
    return [h, [h, c]]


@port("StackedRNNCells", weights=stack_weights)
def stacked_rnn_cells(layer: Config, p: Parameters, inputs: Tensor, states: Any, training: bool = False) -> Any:
    output, new_states = inputs, []
    for number, (cell, state) in enumerate(zip(layer.cells, states, strict=True)):
        output, new = PORTS[cell.type].call(cell, p.within(str(number)), output, state, training=training)
        new_states.append(new)
    return [output, new_states]


def zero_states(cell: Config, x: Tensor) -> list[Any]:
    """The states from which a sequence starts, in the structure of the cell's states; x gives batch and dtype."""
    if cell.type == "StackedRNNCells":
        return [zero_states(inner, x) for inner in cell.cells]
    if sizes := getattr(cell, "states", None):  # of a cell of the user's own
        return [x.new_zeros(len(x), size) for size in sizes]
    zeros = x.new_zeros(len(x), cell.units)
    return [zeros, zeros] if cell.type in ("LSTM", "LSTMCell") else [zeros]
