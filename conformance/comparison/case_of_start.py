"""A start as a YAML case with its real inputs and weights: what Keras, torch and the reference make of that one call.

The port itself is no part of it: a case asks what is right, and beside the port's answer one sees who is not. Arrays
stand in .npy files beside the case file. A layer that the reference does not have makes no case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from conformance.comparison.known import arguments_of
from conformance.comparison.layouts import scoped
from conformance.comparison.values import Call, Held, Layer
from conformance.reference.base import LayerError, make
from conformance.results import write_whole

FILE = "start.case.yaml"
_MASK = "kwargs.mask"


def case_written(folder: Path, call: Call, layer: Layer, port: str) -> str:
    """Writes the case of a call and its arrays into a folder; why there is none, or an empty text where there is."""
    config = arguments_of(layer)
    if config is None:
        return f"the reference has no {layer.type} with these arguments"
    if any(held.place.startswith("kwargs") and held.place != _MASK for held in call.inputs):
        return "it is called with arrays by name"
    weights = scoped(layer.weights)
    wrong = _weights_that_differ(layer.type, config, call, {role: one.array.shape for role, one in weights.items()})
    if wrong:
        return wrong
    names: dict[str, dict[str, Any]] = {}
    nest: dict[str, list[str]] = {}
    mask = None
    for held in call.inputs:
        if held.place == _MASK:
            mask = np.asarray(held.array.load())
            continue
        name = f"x{len(names)}" if len(call.inputs) > 1 else "x"
        names[name] = _input(folder, name, np.asarray(held.array.load()))
        nest.setdefault(held.place.partition(".")[0], []).append(name)
        mask = _mask_of(held) if mask is None else mask
    if mask is not None:
        names["mask"] = _input(folder, "mask", mask.astype(bool))
    files: dict[str, dict[str, str]] = {}
    for role, one in weights.items():
        np.save(folder / f"{role}.npy", np.asarray(one.array.load()), allow_pickle=False)
        files[role] = {"path": f"{role}.npy"}
    given = [f"[{', '.join(row)}]" if _is_list(call, place) else row[0] for place, row in nest.items()]
    told = [f"{name}={value!r}" for name, value in call.plain.items() if name == "training" and value]
    expression = f"layer({', '.join([*given, *(['mask=mask'] if mask is not None else []), *told])})"
    case = {
        "id": "call",
        "question": f"What does {call.path} make of what it got, where {port or 'the port'} gives something else?",
        "inputs": names,
        "layers": {"layer": {"type": layer.type, **config}},
        **({"weights": {"layer": files}} if files else {}),
        "graph": {"y": expression},
    }
    rows = next(iter(names.values()))["shape"][0] if next(iter(names.values()))["shape"] else 1
    held_file = {
        "schema_version": 1,
        "topic": f"a start that a comparison found at {call.path}",
        "dims": {"batch": rows},
        "source": {"kind": "question"},
        "cases": [case],
    }
    for made in names.values():
        if made["shape"] and made["shape"][0] == rows:
            made["shape"] = ["batch", *made["shape"][1:]]
    write_whole(folder / FILE, yaml.safe_dump(held_file, sort_keys=False, width=110, default_flow_style=None))
    return ""


def _input(folder: Path, name: str, array: Any) -> dict[str, Any]:
    np.save(folder / f"{name}.npy", array, allow_pickle=False)
    made: dict[str, Any] = {"shape": [int(length) for length in array.shape], "fill": {"file": {"path": f"{name}.npy"}}}
    return made if array.dtype == np.float32 else {**made, "dtype": str(array.dtype)}


def _mask_of(held: Held) -> Any:
    return None if held.mask is None else np.asarray(held.mask.load())


def _is_list(call: Call, place: str) -> bool:
    """Whether an argument is a list of arrays: its places have a part of their own."""
    return any(held.place.startswith(f"{place}.") for held in call.inputs)


def _weights_that_differ(kind: str, config: Mapping[str, Any], call: Call, held: Mapping[str, tuple[int, ...]]) -> str:
    """What is to be said where the reference's layer has other weights than the model's."""
    nest: dict[str, list[Any]] = {}
    for one in call.inputs:
        if one.place != _MASK:
            nest.setdefault(one.place.partition(".")[0], []).append(one.array.shape)
    shapes = [row if _is_list(call, place) else row[0] for place, row in nest.items()]
    try:
        wanted = {name: tuple(one.shape) for name, one in make(kind, config).weights(*shapes).items()}
    except (LayerError, TypeError, ValueError, IndexError, KeyError) as error:
        return f"the reference does not take it: {error}"
    return "" if wanted == dict(held) else f"the reference's {kind} has other weights: {', '.join(wanted) or 'none'}"


def folder_name(number: int, path: str) -> str:
    """A folder for a start, as a case's id may have it."""
    return f"{number:02d}-{re.sub('[^a-z0-9_-]+', '-', path.lower()).strip('-') or 'layer'}"
