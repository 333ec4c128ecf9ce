"""Wrappers in torch.

`Bidirectional` of SimpleRNN, GRU or LSTM is `torch.nn.RNN`, `GRU` or `LSTM` with `bidirectional=True`, its two halves
merged, where that says the same: no `backward_layer`, the module's own activations, and no mask or one for which the
sequences can be packed. Elsewhere each direction runs by itself, and the backward outputs are turned round.
`TimeDistributed` is a loop over the steps: each step goes through the port of the wrapped layer by itself.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch

from .port import PORTS, Config, Parameters, Tensor, WeightMap, keep, port
from .recurrent import zero_states
from .rnn import can_be_packed, for_each, input_dropout, native_module, run_native

REVERSE = "_reverse"
"""What torch appends to the names of the backward weights."""


def is_one_module(layer: Config) -> bool:
    """Whether the weights have the names of one bidirectional `torch.nn` module."""
    return layer.backward_layer is None and layer.layer.type in ("SimpleRNN", "GRU", "LSTM")


def with_arguments(layer: Config, **changed: Any) -> Config:
    """The same layer with some arguments changed."""
    return Config(layer.type, {name: value for name, value in vars(layer).items() if name != "type"} | changed)


def directions(layer: Config) -> tuple[Config, Config]:
    """The layers that read forward and backward; zeros at masked steps and states are always given."""
    forward = layer.layer
    backward = with_arguments(forward, go_backwards=True) if layer.backward_layer is None else layer.backward_layer
    forward, backward = (with_arguments(one, return_state=True) for one in (forward, backward))
    if hasattr(forward, "zero_output_for_mask"):
        zeros = forward.return_sequences
        return with_arguments(forward, zero_output_for_mask=zeros), with_arguments(backward, zero_output_for_mask=zeros)
    return forward, backward


def bidirectional_weights(layer: Config) -> WeightMap:
    maps = [PORTS[one.type].weights(one) for one in directions(layer)]
    named = {}
    for scope, suffix, weights in zip(("forward", "backward"), ("", REVERSE), maps, strict=True):
        for name, mapped in weights.items():
            named[f"{name}{suffix}" if is_one_module(layer) else f"{scope}.{name}"] = mapped.within(scope)
    return named


def bidirectional_mask(layer: Config, x: Any, mask: Any) -> Any:
    kept = mask if layer.layer.return_sequences else None
    return [kept, kept] if layer.merge_mode is None else kept


@port("Bidirectional", weights=bidirectional_weights, mask=bidirectional_mask, integers="floats")
def bidirectional(
    layer: Config, p: Parameters, sequences: Tensor, initial_state: Any = None, mask: Any = None, training: bool = False
) -> Any:
    mask = for_each(mask, sequences)
    packable = mask is None or can_be_packed(mask)
    if is_one_module(layer) and native_module(layer.layer) and packable and not layer.layer.stateful:
        forward, backward, states = _as_one_module(layer.layer, p, sequences, initial_state, mask, training)
    else:
        forward, backward, states = _each_by_itself(layer, p, sequences, initial_state, mask, training)
    merged = _merge(layer.merge_mode, forward, backward)
    if layer.layer.return_state:
        return [*(merged if layer.merge_mode is None else [merged]), *states]
    return merged


def _as_one_module(
    inner: Config, p: Parameters, sequences: Tensor, initial_state: Any, mask: Any, training: bool
) -> tuple[Tensor, Tensor, list[Tensor]]:
    x = input_dropout(inner, sequences, training)
    given = zero_states(inner, x) * 2 if initial_state is None else list(initial_state)
    half = len(given) // 2
    start = [torch.stack(pair) for pair in zip(given[:half], given[half:], strict=True)]
    outputs, last = run_native(inner, dict(p.tensors), x, start, mask, bidirectional=True)
    states = [state[direction] for direction in range(2) for state in last]
    if inner.return_sequences:
        forward, backward = outputs.chunk(2, dim=-1)
        return forward, backward, states
    return last[0][0], last[0][1], states


def _each_by_itself(
    layer: Config, p: Parameters, sequences: Tensor, initial_state: Any, mask: Any, training: bool
) -> tuple[Tensor, Tensor, list[Any]]:
    outputs, states = [], []
    for place, (scope, inner) in enumerate(zip(("forward", "backward"), directions(layer), strict=True)):
        start = initial_state
        if start is not None:
            half = len(start) // 2
            start = start[half:] if place else start[:half]
        output, *last = PORTS[inner.type].call(
            inner, _weights_of(layer, p, scope), sequences, initial_state=start, mask=mask, training=training
        )
        outputs.append(output)
        states += last
    forward, backward = outputs
    return forward, backward.flip(1) if layer.layer.return_sequences else backward, states


def _weights_of(layer: Config, p: Parameters, scope: str) -> Parameters:
    if not is_one_module(layer):
        return p.within(scope)
    backward = scope == "backward"
    tensors = {
        name.removesuffix(REVERSE): tensor for name, tensor in p.tensors.items() if name.endswith(REVERSE) == backward
    }
    return Parameters(tensors, p.state.setdefault(scope, {}))


def _merge(mode: str | None, forward: Tensor, backward: Tensor) -> Any:
    match mode:
        case "concat":
            return torch.cat([forward, backward], dim=-1)
        case "sum":
            return forward + backward
        case "mul":
            return forward * backward
        case "ave":
            return (forward + backward) / 2
    return [forward, backward]


def inner_weights(layer: Config) -> WeightMap:
    inner = layer.layer
    return {f"layer.{name}": mapped.within("layer") for name, mapped in PORTS[inner.type].weights(inner).items()}


@port("TimeDistributed", weights=inner_weights, mask=keep)
def time_distributed(layer: Config, p: Parameters, inputs: Tensor, training: bool = False, mask: Any = None) -> Any:
    if inputs.ndim < 3 or (mask is not None and mask.shape[:2] != inputs.shape[:2]):
        raise ValueError(f"cannot cut {tuple(inputs.shape)} and a mask {getattr(mask, 'shape', None)} into steps")
    call = PORTS[layer.layer.type].call
    taken = inspect.signature(call).parameters
    inner = p.within("layer")
    outputs = []
    for step in range(inputs.shape[1]):
        options: dict[str, Any] = {"training": training} if "training" in taken else {}
        if "mask" in taken and mask is not None:
            options["mask"] = mask[:, step]
        outputs.append(call(layer.layer, inner, inputs[:, step], **options))
    return torch.stack(outputs, dim=1)
