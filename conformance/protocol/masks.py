"""Which masks a call hands on, whatever a mask is: an array in a lane, a text in a script that is being written.

The lanes whose arrays carry no masks (`conformance.protocol.carried`) and the scripts of these lanes
(`conformance.repro.graph`) both ask here. Standard library only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

V = TypeVar("V")
"""A value that may carry a mask."""
M = TypeVar("M")
"""A mask."""

OPTIONAL = ("training", "mask")
"""What any layer may be called with, and what is left out of a call where its function does not take it."""


@dataclass(frozen=True)
class Handed(Generic[M]):
    """The masks of one call."""

    filled: dict[str, M | None]
    """Parameter to its mask: those that the function takes and the caller leaves open."""
    first: M | None
    """The mask that the layer's own mask rule starts from."""
    dropped: frozenset[str]
    """Arguments that the caller gives and the function does not take."""


def handed_on(
    parameters: Sequence[str],
    args: Sequence[V],
    kwargs: Mapping[str, V],
    explicit: M | None,
    mask_of: Callable[[V], M | None],
) -> Handed[M]:
    """The masks for a function of these parameters, called with these arguments.

    As in Keras, an `explicit` one (`mask=`; None where it is not given, or given as None) comes before the one that the
    first argument carries; `<argument>_mask` parameters are filled the same way.
    """
    tensors = {**dict(zip(parameters, args, strict=False)), **kwargs}
    filled: dict[str, M | None] = {
        f"{name}_mask": mask_of(value)
        for name, value in tensors.items()
        if f"{name}_mask" in parameters and f"{name}_mask" not in tensors
    }
    first = explicit if explicit is not None or not args else mask_of(args[0])
    if "mask" in parameters[len(args) :] and explicit is None:  # not one that is given by its place
        filled["mask"] = first
    return Handed(filled, first, frozenset(name for name in OPTIONAL if name in kwargs and name not in parameters))


def each_mask(masks: Any, count: int) -> Any:
    """A mask or None for each output of a layer that gives several."""
    masks = list(masks) if isinstance(masks, (list, tuple)) else [masks]
    return masks + [None] * (count - len(masks))
