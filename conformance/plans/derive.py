"""Plans made from plans: with other inputs, other arguments or other weights, and nothing else changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from conformance.lanes.keras_custom import CUSTOM
from conformance.lanes.keras_remade import SAVED
from conformance.plans.draw import Plan
from conformance.protocol.observation import Array
from conformance.protocol.wire import pack, unpack
from conformance.reference.base import LayerError, full_config, make


def renamed(plan: Plan, name: str, **changes: Any) -> Plan:
    """The plan under an id of its own, without gradients and training, and with these parts replaced."""
    return {**plan, "id": f"{plan['id']}|{name}", "cotangents": {}, "trainings": [], **changes}


def remade(name: str, way: str) -> Callable[[Plan], Plan | None]:
    """Derives plans whose layers are made again in this way (`conformance.lanes.keras_remade`).

    None for layers and initialisers that are the harness's own; and, where layers are saved, for those without weights
    and for those inside a model, which goes on with the first ones.
    """

    def derive(plan: Plan) -> Plan | None:
        specs = plan["layers"].values()
        if any(_is_ours({"type": spec["type"], **spec["config"]}) for spec in specs):
            return None
        if way == SAVED and (plan["models"] or not any(spec["weights"] for spec in specs)):
            return None
        return renamed(plan, name, remade=[way])

    return derive


def _is_ours(config: Any) -> bool:
    if isinstance(config, Mapping):
        return config.get("type") in (*CUSTOM, "Binary") or any(_is_ours(value) for value in config.values())
    return isinstance(config, list | tuple) and any(_is_ours(value) for value in config)


def with_inputs(
    name: str, change: Callable[[dict[str, Array]], dict[str, Array] | None]
) -> Callable[[Plan], Plan | None]:
    """Derives plans by changing all input arrays of a run at once; None for what cannot be changed so."""

    def derive(plan: Plan) -> Plan | None:
        runs = []
        for run in plan["runs"]:
            arrays = {key: np.array(unpack(value)) for key, value in run.items()}
            if not arrays or any(array.dtype == object for array in arrays.values()):
                return None
            changed = change(arrays)
            if changed is None:
                return None
            runs.append(changed)
        specs = {key: respecified(spec, runs[0][key]) for key, spec in plan["inputs"].items()}
        packed = [{key: pack(array) for key, array in run.items()} for run in runs]
        return renamed(plan, name, runs=packed, inputs=specs)

    return derive


def respecified(spec: Mapping[str, Any], array: Array) -> dict[str, Any]:
    """The symbolic shape of an input that holds this array now: open axes stay open."""
    shape = [None if old is None else int(new) for old, new in zip(spec["shape"], array.shape, strict=True)]
    return {**spec, "shape": shape, "dtype": str(array.dtype)}


def each_float(change: Callable[[Array], Array]) -> Callable[[dict[str, Array]], dict[str, Array] | None]:
    """Changes every float input; None where there is none."""

    def changed(arrays: dict[str, Array]) -> dict[str, Array] | None:
        if not any(array.dtype.kind == "f" for array in arrays.values()):
            return None
        return {key: change(array) if array.dtype.kind == "f" else array for key, array in arrays.items()}

    return changed


def each_along(axis: int, change: Callable[[Array], Array]) -> Callable[[dict[str, Array]], dict[str, Array] | None]:
    """Changes every input along an axis that all of them have, equally long and longer than 1."""

    def changed(arrays: dict[str, Array]) -> dict[str, Array] | None:
        lengths = {array.shape[axis] if array.ndim > axis else 0 for array in arrays.values()}
        if len(lengths) != 1 or lengths.pop() < 2:
            return None
        return {key: change(array) for key, array in arrays.items()}

    return changed


LayerChange = Callable[[str, dict[str, Any], dict[str, Array]], tuple[str, dict[str, Any], dict[str, Array]] | None]
"""Type, arguments and weights of a layer to those that it has instead; None for a layer that stays."""


def with_layers(name: str, change: LayerChange) -> Callable[[Plan], Plan | None]:
    """Derives plans by changing layers; None where no layer changes."""

    def derive(plan: Plan) -> Plan | None:
        layers: dict[str, Any] = {}
        is_changed = False
        for key, spec in plan["layers"].items():
            weights = {weight: np.array(unpack(value)) for weight, value in spec["weights"].items()}
            found = change(spec["type"], dict(spec["full"]), weights)
            if found is None:
                layers[key] = spec
                continue
            is_changed = True
            kind, config, arrays = found
            given = {argument: value for argument, value in config.items() if _is_told(spec, argument, value)}
            try:
                full = full_config(make(kind, given))
            except LayerError:
                return None
            packed = {weight: pack(array.astype(np.float32)) for weight, array in arrays.items()}
            layers[key] = {**spec, "type": kind, "config": given, "full": full, "weights": packed, "kept": []}
        return renamed(plan, name, layers=layers) if is_changed else None

    return derive


def _is_told(spec: Mapping[str, Any], argument: str, value: Any) -> bool:
    """Whether an argument was written in the case or is another one now."""
    return argument in spec["config"] or argument not in spec["full"] or spec["full"][argument] != value
