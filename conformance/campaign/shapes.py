"""What the reference makes of shapes: so that a graph is drawn in which one call fits the other."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import numpy as np

from conformance.campaign.draft import Layer
from conformance.reference.base import Weights, make

Shape = tuple[int, ...]
LARGEST = 1 << 20
"""Numbers that an array of a drawn case may have; a layer that makes more of them is not drawn."""


def shape_after(layer: Layer, shapes: Sequence[Shape], is_list: bool) -> Shape | None:
    """The shape that a layer makes of inputs of these shapes (with the batch); None where it refuses them, or gives
    something else than one array of numbers.
    """
    if any(math.prod(shape) > LARGEST for shape in shapes):
        return None
    arrays = [np.ones(shape) for shape in shapes]
    given: list[object] = [arrays] if is_list else list(arrays)
    held: list[object] = [[tuple(shape) for shape in shapes]] if is_list else [tuple(shape) for shape in shapes]
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            made = make(layer.type, layer.config)
            weights = {name: np.ones(weight.shape) for name, weight in made.weights(*held).items()}
            result = made.call(Weights(weights), *given)
    except Exception:  # whatever it says: this call does not fit here, and another one is drawn
        return None
    if isinstance(result, list | tuple) or np.asarray(result).dtype.kind != "f" or np.size(result) > LARGEST:
        return None
    return tuple(int(length) for length in np.shape(result))
