"""Starts kept on disk: a layer's call as a case, its arrays on both sides, and a script that needs Keras alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from conformance.comparison.case_of_start import FILE, case_written, folder_name
from conformance.comparison.ends import CompareError
from conformance.comparison.layouts import scoped
from conformance.comparison.look import Arrival, Looked, Looking
from conformance.comparison.pairing import CallPair
from conformance.comparison.result import Start
from conformance.comparison.values import Array, Call
from conformance.results import write_whole

_SCRIPT = '''"""{title}

Needs keras and numpy alone. arrays.npz holds what the layer got, its weights, what the model and what the port gave.
"""

import json
from pathlib import Path

import keras
import numpy as np

here = Path(__file__).parent
arrays = np.load(here / "arrays.npz")
layer = keras.layers.{type}.from_config(json.loads((here / "config.json").read_text()))
inputs = [arrays[name] for name in {inputs!r}]
arguments = {{name: arrays["mask"] for name in {mask!r}}}
layer(*inputs, **arguments)
layer.set_weights([arrays[name] for name in {weights!r}])
answer = np.asarray(layer(*inputs, **arguments))
wanted, got = arrays["model"], arrays["port"]
print("this layer and the model:", float(np.max(np.abs(answer - wanted))))
print("the port and the model:  ", float(np.max(np.abs(got - wanted))))
'''


def saved(folder: Path, looking: Looking, looked: Looked) -> list[str]:
    """Writes a folder for every start of a single layer; gives what is to be said of it. Raises CompareError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CompareError(f"{folder} cannot be made: {error.strerror}") from None
    remarks = []
    for number, (start, place) in enumerate(zip(looked.starts, looked.places, strict=True), 1):
        found = _arrays(looking, start, place)
        if found is None:
            remarks.append(f"start {number}, {start.layer or 'the results'}, is not one layer and was not saved")
            continue
        call, arrays, mask = found
        target = folder / folder_name(number, call.path)
        target.mkdir(exist_ok=True)
        layer = looking.model.layers[call.path]
        np.savez(target / "arrays.npz", **arrays)  # type: ignore[arg-type]  # names of arrays, not of options
        write_whole(target / "config.json", json.dumps(layer.config, indent=1) + "\n")
        script = _SCRIPT.format(
            title=f"{call.path}: where the port differs from the model.",
            type=layer.type,
            inputs=[name for name in arrays if name.startswith("input ")],
            mask=["mask"] if mask else [],
            weights=[name for name in arrays if name.startswith("weight ")],
        )
        write_whole(target / "show.py", script)
        why_not = case_written(target, call, layer, start.port)
        how = f"pytest {target / FILE}" if not why_not else f"python {target / 'show.py'}; no case: {why_not}"
        remarks.append(f"start {number} is kept in {target}: {how}")
    return remarks


def _arrays(
    looking: Looking, start: Start, place: Arrival | CallPair | None
) -> tuple[Call, dict[str, Array], bool] | None:
    """The call of one layer, its arrays by name, and whether it has a mask."""
    found = next(_calls(looking, place), None)
    if found is None:
        return None
    call, wanted, got = found
    layer = looking.model.layers[call.path]
    arrays: dict[str, Array] = {}
    mask = None
    for held in call.inputs:
        if not held.place.startswith("kwargs"):
            arrays[f"input {held.place}"] = np.asarray(held.array.load())
            mask = held.mask if mask is None else mask
    if mask is not None:
        arrays["mask"] = np.asarray(mask.load())
    for role, weight in scoped(layer.weights).items():
        arrays[f"weight {role}"] = np.asarray(weight.array.load())
    arrays["model"], arrays["port"] = np.asarray(wanted), np.asarray(got)
    return call, arrays, mask is not None


def _calls(looking: Looking, place: Arrival | CallPair | None) -> Iterator[tuple[Call, Array, Array]]:
    if isinstance(place, CallPair) and place.outputs:
        slot = place.outputs[0]
        fed = looking.runs.fed.get(place.port.key)
        held = None if fed is None else next((one for one in fed.outputs if one.place == slot.port.place), None)
        if held is not None:
            yield place.model, slot.order.of(slot.model.array.load()), held.array.load()
    if isinstance(place, Arrival) and len(place.span) == 1:
        yield place.span[0], place.slot.order.of(place.slot.model.array.load()), place.got.array.load()
