"""The line of torch that computes what a layer of the model computes: the layer's class says it."""

from __future__ import annotations

from conformance.comparison.traits import traits_of
from conformance.comparison.values import Layer


def right_lines(layer: Layer) -> tuple[str, ...]:
    """What torch has to do in this layer's place; empty where there is no one line for it."""
    size = layer.weights[0].array.shape[-1] if layer.weights else 0
    return traits_of(layer).torch_lines(layer.config or {}, size)
