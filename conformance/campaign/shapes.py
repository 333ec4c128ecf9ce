"""What the reference makes of shapes: so that a graph is drawn in which one call fits the other."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from conformance.campaign.draft import Layer
from conformance.case.layers import record_of
from conformance.reference.base import Weights, make

Shape = tuple[int, ...]
LARGEST = 1 << 20
"""Numbers that an array of a drawn case may have; a layer that makes more of them is not drawn."""


def shape_after(layer: Layer, shapes: Sequence[Shape], is_list: bool) -> Shape | None:
    """The shape that a layer makes of inputs of these shapes (with the batch); None where it refuses them, or gives
    something else than one array of numbers.
    """
    key = json.dumps([layer.type, layer.config, shapes, is_list], sort_keys=True)
    if key not in _KEPT:
        if len(_KEPT) >= MOST_KEPT:
            _KEPT.clear()
        _KEPT[key] = _shape_of(_result(layer, shapes, is_list))
    return _KEPT[key]


_KEPT: dict[str, Shape | None] = {}
"""Shapes that were found already: most of the time in which a graph is drawn goes into them."""
MOST_KEPT = 20_000


def _shape_of(result: Any) -> Shape | None:
    if result is None or isinstance(result, list | tuple):
        return None
    if np.asarray(result).dtype.kind != "f" or np.size(result) > LARGEST:
        return None
    return tuple(int(length) for length in np.shape(result))


def states_after(kind: str, config: Mapping[str, Any], shape: Shape) -> tuple[Shape, ...]:
    """The shapes (with the batch) of the states that a recurrent layer gives back, or that one inside it does; none
    where it has none, or groups of them, or refuses the input.
    """
    record = record_of(kind)
    inner = config.get("layer")
    if record is not None and "return_state" in record.fields:
        config = {**config, "return_state": True}
    elif isinstance(inner, Mapping):
        config = {**config, "layer": {**inner, "return_state": True}}
    result = _result(Layer("layer", kind, config), [shape], False)
    if not isinstance(result, list | tuple):
        return ()
    several = 2 if config.get("merge_mode", "") is None else 1
    if any(isinstance(state, list | tuple) for state in result[several:]):
        return ()  # of stacked cells, each with states of its own
    return tuple(tuple(int(length) for length in np.shape(state)) for state in result[several:])


def _result(layer: Layer, shapes: Sequence[Shape], is_list: bool) -> Any:
    """What a layer makes of ones; None where it refuses them, or they are too many."""
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
            return made.call(Weights(weights), *given)
    except Exception:  # whatever it says: this call does not fit here, and another one is drawn
        return None
