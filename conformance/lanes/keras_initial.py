"""The weights that Keras' own layers begin with: layers are made anew and built, and their variables read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from conformance.lanes.keras_weights import matched, variables


class InitialWeights:
    """So many new layers of the same words, built for what the first is called with; gives (times, *shape) a weight."""

    eager_only = True

    def __init__(self, make: Callable[[str], Any], tensor: Callable[[Any], Any], of: Sequence[str], times: int) -> None:
        self._make, self._tensor, self._of, self._times = make, tensor, tuple(of), times

    def __call__(self, *inputs: Any) -> list[Any]:
        """The first layer is called, as users do. The others are built for the same shapes, as a loaded model's are."""
        first = self._make("begun_0")
        first(*inputs)
        layers = [first]
        built = first.get_build_config() if hasattr(first, "get_build_config") else None
        for number in range(1, self._times):
            layer = self._make(f"begun_{number}")
            if built:
                layer.build_from_config(built)
            if len(variables(layer)) != len(variables(first)):
                layer(*inputs)
            layers.append(layer)
        held = [matched(layer, "a layer that was made anew", self._of) for layer in layers]
        return [self._tensor(np.stack([np.asarray(one[key]) for one in held])) for key in self._of]


def initial_weights(
    constructor_of: Callable[[str], Callable[[str, Mapping[str, Any]], Any]], tensor: Callable[[Any], Any]
) -> Callable[..., InitialWeights]:
    """What makes the question from the words of a case, which are made into a layer as often as it is asked.

    `constructor_of` a type makes a layer of it from a name and arguments; `tensor` one of Keras' from an array.
    """

    def make(layer: Mapping[str, Any], of: Sequence[str], times: int = 1, name: str | None = None) -> InitialWeights:
        words = {key: value for key, value in layer.items() if key != "type"}
        construct = constructor_of(layer["type"])
        return InitialWeights(lambda name: construct(name, words), tensor, of, times)

    make.as_written = ("layer",)  # type: ignore[attr-defined]  # `constructor` asks for it
    return make
