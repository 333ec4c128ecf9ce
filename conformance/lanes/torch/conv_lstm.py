"""Convolutional LSTMs in torch, which has none: a loop over the steps with its own convolutions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from .activations import activate
from .conv import kernel
from .port import Config, Parameters, Tensor, WeightMap, keras, port
from .recurrent import refuse_dropout
from .rnn import sequence_mask
from .windows import pad, per_axis, same_padding

Convolve = Callable[..., Tensor]


def conv_lstm_weights(rank: int) -> Callable[[Config], WeightMap]:
    """The weight map of a convolutional LSTM over `rank` axes; the blocks i, f, c, o stay in their order."""
    return lambda layer: {
        "weight_ih": kernel("kernel", rank),
        "weight_hh": kernel("recurrent_kernel", rank),
        "bias": keras("bias"),
    }


def _convolved(convolve: Convolve, x: Tensor, weight: Tensor, padding: str, strides: Any, dilations: Any) -> Tensor:
    if padding == "same":
        x = pad(x, same_padding(x.shape[2:], weight.shape[2:], strides, dilations))
    return convolve(x, weight, stride=strides, dilation=dilations)


def _step(layer: Config, convolve: Convolve, p: Parameters, x: Tensor, states: list[Tensor]) -> list[Tensor]:
    """New h and c; everything has its channels on axis 1."""
    rank = x.ndim - 2
    h, c = states
    strides, dilations, ones = per_axis(layer.strides, rank), per_axis(layer.dilation_rate, rank), (1,) * rank
    total = _convolved(convolve, x, p.weight_ih, layer.padding, strides, dilations)
    if (bias := p.get("bias")) is not None:
        total = total + bias.reshape(-1, *ones)
    if h is not None:
        total = total + _convolved(convolve, h, p.weight_hh, "same", ones, ones)
    i, f, g, o = total.chunk(4, dim=1)
    i, f, o = (_activated(layer, layer.recurrent_activation, gate) for gate in (i, f, o))
    new = i * _activated(layer, layer.activation, g)
    c = new if c is None else f * c + new
    return [o * _activated(layer, layer.activation, c), c]


def _activated(layer: Config, name: Any, x: Tensor) -> Tensor:
    """An activation may look along the last axis, which is that of the channels where the layer has them last."""
    if layer.data_format == "channels_first":
        return activate(name, x)
    return activate(name, x.movedim(1, -1)).movedim(-1, 1)


def _run(convolve: Convolve, layer: Config, p: Parameters, sequences: Tensor, initial_state: Any, mask: Any) -> Any:
    is_last = layer.data_format == "channels_last"
    x = sequences.movedim(-1, 2) if is_last else sequences
    states = _first_states(layer, p, initial_state)
    outputs: list[Tensor] = []
    order = range(x.shape[1])
    for step in reversed(order) if layer.go_backwards else order:
        new = _step(layer, convolve, p, x[:, step], states)
        output = new[0]
        if mask is not None:
            valid = mask[:, step].reshape(-1, *(1,) * (output.ndim - 1))
            old = [torch.zeros_like(n) if s is None else s for s, n in zip(states, new, strict=True)]
            new = [torch.where(valid, n, o) for n, o in zip(new, old, strict=True)]
            output = torch.where(valid, output, outputs[-1] if outputs else torch.zeros_like(output))
        states = new
        outputs.append(output)
    if layer.stateful:
        p.state["states"] = [state.detach() for state in states]
    result = torch.stack(outputs, dim=1) if layer.return_sequences else outputs[-1]
    if layer.return_sequences and layer.zero_output_for_mask and mask is not None:
        in_order = mask.flip(1) if layer.go_backwards else mask
        result = result * in_order.reshape(*in_order.shape, *(1,) * (result.ndim - 2))
    if is_last:
        result = result.movedim(2 if layer.return_sequences else 1, -1)
        states = [state.movedim(1, -1) for state in states]
    return [result, *states] if layer.return_state else result


def _first_states(layer: Config, p: Parameters, initial_state: Any) -> list[Any]:
    """What the caller gives, what a stateful layer kept, or nothing, which stands for zeros; channels on axis 1."""
    if initial_state is not None:
        return [state.movedim(-1, 1) if layer.data_format == "channels_last" else state for state in initial_state]
    if layer.stateful and "states" in p.state:
        kept: list[Any] = p.state["states"]
        return kept
    return [None, None]


@port("ConvLSTM1D", weights=conv_lstm_weights(1), mask=sequence_mask, integers="floats")
def conv_lstm_1d(
    layer: Config, p: Parameters, sequences: Tensor, initial_state: Any = None, mask: Any = None, training: bool = False
) -> Any:
    refuse_dropout(layer, training)
    return _run(F.conv1d, layer, p, sequences, initial_state, mask)


@port("ConvLSTM2D", weights=conv_lstm_weights(2), mask=sequence_mask, integers="floats")
def conv_lstm_2d(
    layer: Config, p: Parameters, sequences: Tensor, initial_state: Any = None, mask: Any = None, training: bool = False
) -> Any:
    refuse_dropout(layer, training)
    return _run(F.conv2d, layer, p, sequences, initial_state, mask)


@port("ConvLSTM3D", weights=conv_lstm_weights(3), mask=sequence_mask, integers="floats")
def conv_lstm_3d(
    layer: Config, p: Parameters, sequences: Tensor, initial_state: Any = None, mask: Any = None, training: bool = False
) -> Any:
    refuse_dropout(layer, training)
    return _run(F.conv3d, layer, p, sequences, initial_state, mask)
