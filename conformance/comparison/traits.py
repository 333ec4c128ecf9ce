"""What the reference knows of a layer of the model: its traits, by the name of its class.

A layer of Keras' is declared on its class in `conformance.reference`; here are only classes of a package that the
reference does not have.
"""

from __future__ import annotations

from collections.abc import Mapping

from conformance.comparison.values import Layer
from conformance.reference.catalog import LAYERS
from conformance.reference.traits import Traits, absent, called


class _Unknown(Traits):
    """A class of the user's or of a library's: nothing is known of it."""

    native = absent("it is not a layer of Keras'")


class _Table(Traits):
    """A table of rows in another class than Keras' own."""

    native = called("nn.Embedding")
    layout = "table"


_OF_KERAS_HUB: Mapping[str, type[Traits]] = {"PositionEmbedding": _Table}


def traits_of(layer: Layer) -> type[Traits]:
    """The traits of a layer of the model."""
    return traits_of_class(layer.type)


def traits_of_class(name: str) -> type[Traits]:
    """The traits of a class by its name."""
    return LAYERS.get(name) or _OF_KERAS_HUB.get(name, _Unknown)


RECURRENT_MODULES = frozenset(
    module for kind in LAYERS.values() if kind.layout == "recurrent" for module in kind.modules()
)
"""torch's modules that run along a sequence."""
