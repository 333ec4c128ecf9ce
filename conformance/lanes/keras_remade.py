"""Keras layers made again: from their own configuration, and from the archive that they were saved in."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any

from conformance.protocol.plan import CONFIG, SAVED


def remakes_of(keras: Any) -> tuple[str, ...]:
    """The ways to make a layer again that this Keras has: early ones save models, not layers."""
    return (CONFIG, SAVED) if hasattr(keras.layers.Layer, "_unpickle_model") else (CONFIG,)


def from_configs(asked: Sequence[str], layers: dict[str, Any]) -> dict[str, Any]:
    """Every layer, or loss, made from what its `get_config` gives; the layers themselves unless CONFIG is asked for.

    Only the constructor's arguments go through: the harness sets the weights, as it sets the others'.
    """
    if CONFIG not in asked:
        return layers
    return {name: type(layer).from_config(layer.get_config()) for name, layer in layers.items()}


def put_saved(asked: Sequence[str], keras: Any, layers: dict[str, Any]) -> None:
    """Puts what comes back from Keras' archive in the place of every layer that is built; weights must come with it.

    A layer is saved by pickling it, which writes and reads what `model.save` writes, in memory.
    """
    if SAVED not in asked:
        return
    for name, layer in layers.items():
        if isinstance(layer, keras.layers.Layer) and layer.built:
            layers[name] = pickle.loads(pickle.dumps(layer))
