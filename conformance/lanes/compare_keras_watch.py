"""Watching a Keras model in a comparison: which layers it has, and every call of them while numbers are in it.

Calls are seen by way of `Layer.__call__`; activations that are an argument of their layer are layers of their own here
(`dense/activation`), for a port often has them apart.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from conformance.lanes.compare_recorder import Recorder


def watched(keras: Any, model: Any) -> dict[int, tuple[str, Any]]:
    """Every layer to watch by id: its path, and the layer."""
    found: dict[int, tuple[str, Any]] = {}

    def walk(layer: Any, path: str) -> None:
        names: dict[str, int] = {}
        for child in _children(layer):
            if id(child) in found or type(child).__name__ == "InputLayer":
                continue
            names[child.name] = names.get(child.name, 0) + 1
            name = child.name if names[child.name] == 1 else f"{child.name}#{names[child.name]}"
            inner = f"{path}/{name}" if path else name
            found[id(child)] = (inner, child)
            if not is_whole(keras, child):
                walk(child, inner)

    found[id(model)] = ("", model)
    if not is_whole(keras, model):
        walk(model, "")
    return found


def is_whole(keras: Any, layer: Any) -> bool:
    """Whether its inner layers run once a step: it is watched as one."""
    kinds = keras.layers
    return isinstance(layer, (kinds.RNN, kinds.Bidirectional, kinds.TimeDistributed))


def activation_of(keras: Any, layer: Any) -> Any:
    """A function that a layer applies at its end; None for none and for the identity."""
    activation = vars(layer).get("activation")
    if activation is None or not callable(activation):
        return None
    if type(layer).__name__ == keras.layers.Activation.__name__:
        return None
    if hasattr(activation, "_flatten_layers") or getattr(activation, "__name__", "") == "linear":
        return None
    return activation


def is_below(path: str, above: str) -> bool:
    """Whether a layer stands in another one, by their paths; all stand in the model, whose path is empty."""
    return path != above and (above == "" or path.startswith(f"{above}/"))


@contextlib.contextmanager
def watching(keras: Any, model: Any, recorder: Recorder) -> Iterator[None]:
    """Every call of a layer of the model goes through the recorder."""
    layers = watched(keras, model)
    layer_class = keras.layers.Layer
    original = layer_class.__call__
    depth: list[int] = []

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        known = layers.get(id(layer))
        if known is None or (depth and depth[-1] == id(layer)):
            return original(layer, *args, **kwargs)
        depth.append(id(layer))
        try:
            args, kwargs = recorder.begin(known[0], args, kwargs)
            return recorder.end(original(layer, *args, **kwargs))
        finally:
            depth.pop()

    restored = []
    for path, layer in list(layers.values()):
        activation = activation_of(keras, layer)
        if activation is None or is_whole(keras, layer) or any(is_below(p, path) for p, _ in layers.values()):
            continue
        object.__setattr__(
            layer, "activation", _seen(activation, recorder, f"{path}/activation" if path else "activation")
        )
        restored.append((layer, activation))
    layer_class.__call__ = call
    try:
        yield
    finally:
        layer_class.__call__ = original
        for layer, activation in restored:
            object.__setattr__(layer, "activation", activation)


def _seen(activation: Any, recorder: Recorder, path: str) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = recorder.begin(path, args, kwargs)
        return recorder.end(activation(*args, **kwargs))

    return call


def _children(layer: Any) -> list[Any]:
    """The layers right below one, in the order in which they were made."""
    return [child for child in layer._flatten_layers(recursive=False, include_self=False) if child is not layer]
