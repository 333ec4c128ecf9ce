"""Models as a far end would describe them, made of arrays in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from conformance.comparison.pairing import Pair, Pairing
from conformance.comparison.values import Layer, Model, Stored, Weight
from conformance.lanes.compare_far import Store


def stored(folder: Path, array: Any) -> Stored:
    found = Stored.of(Store(str(folder)).keep(np.asarray(array, dtype=np.float32)))
    assert found is not None
    return found


def layer(folder: Path, path: str, kind: str, config: dict[str, Any] | None = None, **weights: Any) -> Layer:
    """A layer with weights by name."""
    held = tuple(
        Weight(name.rpartition(".")[2], f"{path}.{name}", stored(folder, array), True, place)
        for place, (name, array) in enumerate(weights.items())
    )
    return Layer(path, kind, "torch.nn" if config is None else "keras.layers", config or {}, held, True, False, False)


def model(*layers: Layer, inputs: tuple[dict[str, Any], ...] = (), arguments: tuple[str, ...] = ()) -> Model:
    return Model("Model", {one.path: one for one in layers}, inputs, arguments, ())


def paired(*names: tuple[str, str]) -> Pairing:
    pairs = tuple(Pair(one, other, "weights") for one, other in names)
    return Pairing(pairs, by_model={pair.model: pair for pair in pairs})
