"""Arguments that either Keras' constructor or the reference refuses, of all that a campaign draws one at a time.

    python -m tests.campaign.constructors

Prints a line for each: the layer, the argument, its value, and who refuses it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

os.environ["KERAS_BACKEND"] = "tensorflow"

from conformance.campaign.space import USUAL, drawable, space_of
from conformance.case.layers import types
from conformance.reference.base import LayerError, Unanswerable, make

OF_OURS = ("MaskedAverage",)
"""What Keras has no class of."""


def has_layers(value: Any) -> bool:
    """Whether there are layers in a value: they have constructors of their own."""
    return isinstance(value, Mapping) or (isinstance(value, list) and any(map(has_layers, value)))


def drawn() -> Iterator[tuple[str, str, Any, dict[str, Any]]]:
    """Each layer with each of its arguments at each value that is drawn."""
    for kind in (kind for kind in drawable() if kind not in OF_OURS):
        space = space_of(kind)
        assert space is not None
        for argument in space.arguments:
            for value in argument.values:
                config = {**space.config, argument.name: value}
                if value != USUAL and not any(map(has_layers, config.values())):
                    yield kind, argument.name, value, config


def refused_by_keras(kind: str, config: Mapping[str, Any]) -> bool:
    """Whether Keras' constructor refuses these arguments."""
    import keras

    made = getattr(keras.layers, kind, None) or getattr(keras.losses, kind)
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in config.items()}
    try:
        made(**given)
    except Exception:  # whatever it says: it was refused
        return True
    return False


def refused_by_us(kind: str, config: Mapping[str, Any]) -> bool:
    """Whether the reference refuses them, but for those of which it says that it has no answer."""
    types()  # reads the layers
    try:
        made = make(kind, config)
    except Unanswerable:
        return refused_by_keras(kind, config)
    except LayerError:
        return True
    return made is None


if __name__ == "__main__":
    count = 0
    for kind, name, value, config in drawn():
        count += 1
        ours, theirs = refused_by_us(kind, config), refused_by_keras(kind, config)
        if ours != theirs:
            print(f"{kind}: {name}={value!r} is refused by {'the reference' if ours else 'Keras'} alone")
    print(f"{count} values")
