"""Keras layers made again: from their own configuration, and from the archive that they were saved in."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import Any

from conformance.lanes.adapter import Unsupported

CONFIG, SAVED = "config", "saved"
"""The two ways, as a plan asks for them under `remade`."""


def from_configs(plan: Mapping[str, Any], layers: dict[str, Any]) -> dict[str, Any]:
    """Every layer, or loss, made from what its `get_config` gives; the layers themselves where the plan asks for none.

    Only the constructor's arguments go through: the harness sets the weights, as it sets the others'.
    """
    if CONFIG not in plan.get("remade", ()):
        return layers
    return {name: type(layer).from_config(layer.get_config()) for name, layer in layers.items()}


def put_saved(plan: Mapping[str, Any], keras: Any, layers: dict[str, Any]) -> None:
    """Puts what comes back from Keras' archive in the place of every layer that is built; weights must come with it.

    A layer is saved by pickling it, which writes and reads what `model.save` writes, in memory. Raises Unsupported for
    a Keras that saves models only.
    """
    if SAVED not in plan.get("remade", ()):
        return
    if not hasattr(keras.layers.Layer, "_unpickle_model"):
        raise Unsupported(f"Keras {keras.__version__} saves models, not layers")
    for name, layer in layers.items():
        if isinstance(layer, keras.layers.Layer) and layer.built:
            layers[name] = pickle.loads(pickle.dumps(layer))
