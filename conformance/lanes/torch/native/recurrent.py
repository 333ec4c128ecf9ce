"""torch's own recurrent modules, where they have what the case asks for."""

from __future__ import annotations

from typing import Any

import torch

from conformance.lanes.torch import rnn, wrappers
from conformance.lanes.torch.native import native
from conformance.lanes.torch.port import PORTS, Config, Parameters, Tensor, Unsupported
from conformance.lanes.torch.recurrent import is_tanh_and_sigmoid, zero_states

MODULES = {"SimpleRNN": "nn.RNN", "GRU": "nn.GRU", "LSTM": "nn.LSTM"}


def check(layer: Config, mask: Any) -> None:
    """Raises Unsupported for what no argument of torch's module says."""
    name = MODULES.get(layer.type)
    if name is None:
        raise Unsupported(f"torch has no module for {layer.type}")
    if rnn.native_module(layer) is None:
        what = "resets before the product" if layer.type == "GRU" and not layer.reset_after else "other activations"
        raise Unsupported(f"{name} has no argument for it: {what}")
    if mask is not None and not rnn.can_be_packed(mask):
        raise Unsupported(f"{name} knows packed sequences: a mask may hide the last steps of a row and no others")
    if layer.go_backwards:
        raise Unsupported(f"{name} has no argument for go_backwards alone: flip the steps")


@native("SimpleRNN", "GRU", "LSTM")
def sequence(
    layer: Any, p: Parameters, sequences: Tensor, initial_state: Any = None, mask: Any = None, training: bool = False
) -> Any:
    """The module over the sequence, packed where there is a mask; the last output is that of the last true step."""
    check(layer, mask)
    return PORTS[layer.type].call(layer, p, sequences, initial_state=initial_state, mask=mask, training=training)


@native("SimpleRNNCell", "LSTMCell", "GRUCell")
def cell(layer: Any, p: Parameters, inputs: Tensor, states: Any, training: bool = False) -> Any:
    is_same = layer.activation == "tanh" if layer.type == "SimpleRNNCell" else is_tanh_and_sigmoid(layer)
    if not is_same or (layer.type == "GRUCell" and not layer.reset_after):
        raise Unsupported(f"torch's cell of {layer.type} has no argument for it")
    return PORTS[layer.type].call(layer, p, inputs, states, training=training)


@native("Bidirectional")
def bidirectional(
    layer: Any, p: Parameters, sequences: Tensor, initial_state: Any = None, mask: Any = None, training: bool = False
) -> Any:
    """`bidirectional=True`; where the last output is asked for, `outputs[:, -1]`.

    At the last step the backward direction has seen one step; Keras takes its output after all of them, at the first.
    """
    inner = layer.layer
    check(inner, mask)
    if not wrappers.is_one_module(layer) or layer.merge_mode != "concat":
        raise Unsupported("bidirectional=True is one module over both directions, whose outputs stand side by side")
    if inner.return_sequences or inner.return_state:
        return PORTS[layer.type].call(layer, p, sequences, initial_state=initial_state, mask=mask, training=training)
    given = zero_states(inner, sequences) * 2 if initial_state is None else list(initial_state)
    half = len(given) // 2
    start = [torch.stack(pair) for pair in zip(given[:half], given[half:], strict=True)]
    outputs, _ = rnn.run_native(inner, dict(p.tensors), sequences, start, mask, bidirectional=True)
    return outputs[:, -1]
