"""Recurrent layers in torch.

`torch.nn.RNN`, `GRU` and `LSTM` wherever they say the same: tanh (`RNN`: or relu) and sigmoid, `reset_after`, and no
mask, or one that is true for the first steps of each row, at least one (packed sequences). Elsewhere a loop of cells
over the steps: other activations, `reset_after=False`, masks with holes, padding on the left, rows without any step,
`go_backwards` with a mask, and `RNN(cell)`, for which torch has no layer.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it
from torch.func import functional_call
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from .port import PORTS, Config, Parameters, Tensor, Unsupported, WeightMap, port
from .recurrent import is_tanh_and_sigmoid, zero_states


def for_each(mask: Any, sequences: Tensor) -> Any:
    """A mask of (batch, steps): one row of it serves every sequence."""
    return mask if mask is None else mask.expand(len(sequences), -1)


def sequence_mask(layer: Config, x: Any, mask: Any) -> Any:
    """A mask goes on with a sequence of outputs; it ends where only the last output is given."""
    return mask if layer.return_sequences else None


def layer_weights(layer: Config) -> WeightMap:
    """Those of the cell under the names of a one-layer `torch.nn` module."""
    return {f"{name}_l0": mapped for name, mapped in PORTS[f"{layer.type}Cell"].weights(layer).items()}


def cell_weights(layer: Config) -> WeightMap:
    cell = cell_of(layer)
    return {f"cell.{name}": mapped.within("cell") for name, mapped in PORTS[cell.type].weights(cell).items()}


def cell_of(layer: Config) -> Config:
    """The cell of an `RNN`; a list of cells as one."""
    return Config("StackedRNNCells", {"cells": layer.cell}) if isinstance(layer.cell, tuple) else layer.cell


def native_module(layer: Config) -> type[Any] | None:
    """The `torch.nn` module that computes the same formula; None where there is none."""
    if layer.type == "SimpleRNN":
        return torch.nn.RNN if layer.activation in ("tanh", "relu") else None
    if layer.type == "GRU":
        return torch.nn.GRU if layer.reset_after and is_tanh_and_sigmoid(layer) else None
    if layer.type == "LSTM":
        return torch.nn.LSTM if is_tanh_and_sigmoid(layer) else None
    return None


def can_be_packed(mask: Tensor) -> bool:
    """Whether each row is true for its first steps, at least one, and false from there on."""
    lengths = mask.sum(dim=1)
    steps = torch.arange(mask.shape[1], device=mask.device)
    return bool((lengths > 0).all() and torch.equal(mask, steps < lengths[:, None]))


def run_native(
    layer: Config, tensors: dict[str, Tensor], x: Tensor, states: list[Tensor], mask: Any, bidirectional: bool = False
) -> tuple[Tensor, list[Tensor]]:
    """A `torch.nn` module over a sequence, packed where there is a mask.

    `states` and the states given back are (directions, batch, units). Outputs at masked steps are zero.
    """
    kind = native_module(layer)
    assert kind is not None
    options = {"nonlinearity": layer.activation} if kind is torch.nn.RNN else {}
    module = kind(
        x.shape[-1],
        layer.units,
        bias="bias_ih_l0" in tensors,
        batch_first=True,
        bidirectional=bidirectional,
        device="meta",
        **options,
    )
    start = tuple(states) if kind is torch.nn.LSTM else states[0]
    if mask is None:
        outputs, last = functional_call(module, tensors, (x, start))
    else:
        packed = pack_padded_sequence(x, mask.sum(dim=1).cpu(), batch_first=True, enforce_sorted=False)
        packed_outputs, last = functional_call(module, tensors, (packed, start))
        outputs, _ = pad_packed_sequence(packed_outputs, batch_first=True, total_length=x.shape[1])
    return outputs, list(last) if kind is torch.nn.LSTM else [last]


def input_dropout(layer: Config, x: Tensor, training: bool) -> Tensor:
    """The same features left out in every step; torch's own `dropout=` acts between layers only."""
    if not training:
        return x
    if layer.recurrent_dropout:
        raise Unsupported("torch has no dropout of the recurrent state")
    return x * F.dropout(torch.ones_like(x[:, :1]), layer.dropout)


def call_layer(
    layer: Config, p: Parameters, sequences: Tensor, initial_state: Any = None, mask: Any = None, training: bool = False
) -> Any:
    """SimpleRNN, GRU and LSTM: the native module where it can, a loop of cells where it cannot."""
    mask = for_each(mask, sequences)
    x = input_dropout(layer, sequences, training)
    states = first_states(layer, layer, p, x, initial_state)
    packable = mask is None or (not layer.go_backwards and can_be_packed(mask))
    if native_module(layer) is None or not packable:
        cell = Parameters({name.removesuffix("_l0"): tensor for name, tensor in p.tensors.items()}, {})
        return finish(layer, p, *run_loop(layer, layer, f"{layer.type}Cell", cell, x, states, mask), mask)
    outputs, last = run_native(
        layer, dict(p.tensors), x.flip(1) if layer.go_backwards else x, [state[None] for state in states], mask
    )
    if mask is not None:
        outputs = torch.where(mask[:, :, None], outputs, last[0][0][:, None])
    return finish(layer, p, outputs, [state[0] for state in last], mask)


def run_loop(
    layer: Config,
    cell: Config,
    port_name: str,
    p: Parameters,
    x: Tensor,
    states: Any,
    mask: Any,
    training: bool = False,
) -> tuple[Tensor, Any]:
    """Step by step: where the mask is false the states stay, and the output is that of the step before."""
    outputs: list[Tensor] = []
    order = range(x.shape[1])
    for step in reversed(order) if layer.go_backwards else order:
        output, new_states = PORTS[port_name].call(cell, p, x[:, step], states, training=training)
        if mask is not None:
            valid = mask[:, step, None]
            output = torch.where(valid, output, outputs[-1] if outputs else torch.zeros_like(output))
            new_states = _where(valid, new_states, states)
        states = new_states
        outputs.append(output)
    return torch.stack(outputs, dim=1), states


def _where(valid: Tensor, new: Any, old: Any) -> Any:
    if isinstance(new, list | tuple):
        return [_where(valid, n, o) for n, o in zip(new, old, strict=True)]
    return torch.where(valid, new, old)


def first_states(layer: Config, cell: Config, p: Parameters, x: Tensor, initial_state: Any) -> list[Any]:
    """What the caller gives, what a stateful layer kept, or zeros."""
    if initial_state is not None:
        return list(initial_state) if isinstance(initial_state, list | tuple) else [initial_state]
    if layer.stateful and "states" in p.state:
        kept: list[Any] = p.state["states"]
        return kept
    return zero_states(cell, x)


def finish(layer: Config, p: Parameters, outputs: Tensor, states: Any, mask: Any) -> Any:
    """The outputs in the order of reading and the last states, as the layer gives them back."""
    if layer.stateful:
        p.state["states"] = _detached(states)
    if layer.return_sequences and layer.zero_output_for_mask and mask is not None:
        in_order = mask.flip(1) if layer.go_backwards else mask
        outputs = outputs * in_order[:, :, None]
    result = outputs if layer.return_sequences else outputs[:, -1]
    return [result, *states] if layer.return_state else result


def _detached(states: Any) -> Any:
    return [_detached(state) for state in states] if isinstance(states, list | tuple) else states.detach()


for _name in ("SimpleRNN", "GRU", "LSTM"):
    port(_name, weights=layer_weights, mask=sequence_mask, integers="floats")(call_layer)


@port("RNN", weights=cell_weights, mask=sequence_mask, integers="floats")
def rnn(
    layer: Config, p: Parameters, sequences: Tensor, initial_state: Any = None, mask: Any = None, training: bool = False
) -> Any:
    mask = for_each(mask, sequences)
    cell = cell_of(layer)
    if training and _has_dropout(cell):
        raise Unsupported("torch cells have no dropout that leaves out the same features in every step")
    states = first_states(layer, cell, p, sequences, initial_state)
    found = run_loop(layer, cell, cell.type, p.within("cell"), sequences, states, mask, training)
    return finish(layer, p, *found, mask)


def _has_dropout(cell: Config) -> bool:
    if cell.type == "StackedRNNCells":
        return any(_has_dropout(inner) for inner in cell.cells)
    return bool(getattr(cell, "dropout", 0) or getattr(cell, "recurrent_dropout", 0))
