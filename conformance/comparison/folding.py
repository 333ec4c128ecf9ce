"""Normalisation that a port has folded into the layer before it: its statistics stand in that layer's kernel and bias.

A normalisation in inference is y = gamma (x - mean) / sqrt(variance + epsilon) + beta: a factor and a number for each
channel. After a convolution or a dense layer without an activation both go into its weights:

    kernel' = kernel factor        bias' = (bias - mean) factor + beta        factor = gamma / sqrt(variance + epsilon)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from conformance.comparison.layouts import PLAIN, expected, roles_of
from conformance.comparison.traits import traits_of
from conformance.comparison.values import Array, Call, Layer, Model

COMPUTED = 1e-5
"""Relative distance of weights that were computed from others: two roundings and a root."""
_LAYOUTS = ("linear", "convolution", "depthwise")


def follows(model: Model, calls: Sequence[Call]) -> Iterator[tuple[Layer, Layer]]:
    """Each layer that a normalisation comes right after, with that normalisation; both called once."""
    counts: dict[str, int] = {}
    for call in calls:
        counts[call.path] = counts.get(call.path, 0) + 1
    makers = {
        held.array.digest: call.path
        for call in calls
        if traits_of(model.layers[call.path]).layout in _LAYOUTS
        for held in call.outputs
    }
    for call in calls:
        norm = model.layers[call.path]
        roles = {weight.name for weight in norm.weights}
        if {"moving_mean", "moving_variance"} - roles or not call.inputs:
            continue
        path = makers.get(call.inputs[0].array.digest)
        if path is not None and counts[path] == counts[norm.path] == 1 and _is_linear(model.layers[path]):
            yield model.layers[path], norm


def _is_linear(layer: Layer) -> bool:
    return (layer.config or {}).get("activation") in (None, "linear")


def folded(layer: Layer, norm: Layer) -> dict[str, Array] | None:
    """The layer's weights with the normalisation in them, in float64; None where the channels do not fit."""
    roles, of = roles_of(layer), {name: np.asarray(one, dtype=np.float64) for name, one in roles_of(norm).items()}
    names: tuple[str, ...] = ("kernel", "depthwise_kernel")
    name = next((one for one in names if one in roles), None)
    channels = of["moving_mean"].size
    if name is None:
        return None
    kernel = np.asarray(roles[name], dtype=np.float64)
    is_depthwise = traits_of(layer).layout == "depthwise"
    wide = kernel.shape[-2:] if is_depthwise else kernel.shape[-1:]
    if int(np.prod(wide)) != channels:
        return None
    epsilon = float((norm.config or {}).get("epsilon", 1e-3))
    factor = of.get("gamma", np.ones(channels)) / np.sqrt(of["moving_variance"] + epsilon)
    bias = np.asarray(roles.get("bias", np.zeros(channels)), dtype=np.float64).reshape(-1)
    made: dict[str, Array] = {name: kernel * factor.reshape(wide)}
    made["bias"] = (bias - of["moving_mean"]) * factor + of.get("beta", np.zeros(channels))
    return made


def is_folded_into(layer: Layer, roles: Mapping[str, Array], port: Layer) -> bool:
    """Whether a module of the port holds the folded weights."""
    if port.type not in PLAIN:
        return False
    held = {weight.name: weight.array for weight in port.weights}
    laid = expected(layer, port, roles)
    if not laid or {one.roles[0] for one in laid.values()} != set(roles) or set(laid) != set(held):
        return False
    if any(held[name].shape != one.array.shape for name, one in laid.items()):
        return False
    return all(
        np.allclose(held[name].load(), one.array, rtol=COMPUTED, atol=COMPUTED * float(np.max(np.abs(one.array))))
        for name, one in laid.items()
    )
