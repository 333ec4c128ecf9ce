"""The batch that both sides are given: read from a file or drawn, checked against what the model takes."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from conformance.case.problems import did_you_mean
from conformance.comparison.ends import CompareError
from conformance.comparison.traits import traits_of
from conformance.comparison.values import Array, Model

BATCH, LENGTH, TOP = 4, 7, 10
"""Of a drawn batch: rows, the length of open axes, and what ids are below where no embedding says so."""
Batch = Mapping[str, Array]

_ARGUMENT = re.compile(r"(?:(?P<name>\w+)=)?(?P<input>[\w./-]+)(?::(?P<axes>\d+(?:,\d+)*))?")


def read_batch(path: Path) -> dict[str, Array]:
    """The arrays of an .npz or .npy file by name; an array without a name is called ''. Raises CompareError."""
    if not path.is_file():
        raise CompareError(f"there is no file {path}", "inputs are an .npz file with an array an input, or one .npy")
    try:
        loaded = np.load(path, allow_pickle=False)
        arrays = {name: loaded[name] for name in loaded.files} if hasattr(loaded, "files") else {"": loaded}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        words = str(error).splitlines()[0] if str(error) else type(error).__name__
        what = "holds Python objects, which are not unpickled" if "pickle" in words.lower() else f"is no array: {words}"
        raise CompareError(f"{path} {what}", "write it with numpy.savez(path, name=array)") from None
    if not arrays:
        raise CompareError(f"{path} holds no array", "write it with numpy.savez(path, name=array)")
    return {str(name): np.asarray(array) for name, array in arrays.items()}


def as_arrays(inputs: Any) -> dict[str, Array]:
    """What somebody gives from Python: an array, a list of them, or a mapping. Raises CompareError."""
    if isinstance(inputs, Mapping):
        return {str(name): np.asarray(value) for name, value in inputs.items()}
    if isinstance(inputs, list | tuple) and inputs and not np.isscalar(inputs[0]) and not isinstance(inputs[0], list):
        return {f"#{place}": np.asarray(value) for place, value in enumerate(inputs)}
    return {"": np.asarray(inputs)}


def checked(arrays: Batch, model: Model) -> dict[str, Array]:
    """The batch by the model's names and in its dtypes. Raises CompareError with everything that does not fit."""
    wanted = {one["name"]: one for one in model.inputs}
    if not wanted:  # a subclassed model says nothing of what it takes
        return {name or "inputs": _finite(name, array) for name, array in arrays.items()}
    named = _named(arrays, list(wanted))
    batch = {}
    for name, one in wanted.items():
        array, shape = _finite(name, named[name]), one["shape"]
        fits = array.ndim == len(shape) and all(w in (None, n) for w, n in zip(shape, array.shape, strict=True))
        if not fits:
            asked = ", ".join("any" if length is None else str(length) for length in shape)
            raise CompareError(f"the input {name} has shape {array.shape}; the model takes ({asked})")
        kind = np.dtype(one["dtype"] if one["dtype"] != "bfloat16" else "float32")
        if kind.kind in "iu" and array.dtype.kind == "f" and not np.array_equal(array, np.rint(array)):
            raise CompareError(f"the input {name} has fractions; the model takes {one['dtype']}")
        batch[name] = array.astype(kind)
    return batch


def _named(arrays: Batch, wanted: Sequence[str]) -> dict[str, Array]:
    """The arrays under the model's names: by name, else all of them in order."""
    has_no_names = all(name == "" or name.startswith("#") or re.fullmatch(r"arr_\d+", name) for name in arrays)
    if (has_no_names or len(wanted) == 1) and len(arrays) == len(wanted):
        return dict(zip(wanted, arrays.values(), strict=True))
    missing = [name for name in wanted if name not in arrays]
    if missing:
        other = [name for name in arrays if name not in wanted]
        near = did_you_mean(other[0], missing) if other else None
        held = ", ".join(name or "one array without a name" for name in arrays)
        hint = near or f"it takes {', '.join(wanted)}"
        raise CompareError(f"the inputs have no {missing[0]}; they hold {held}", hint)
    return {name: arrays[name] for name in wanted}


def _finite(name: str, array: Array) -> Array:
    if array.dtype.kind not in "biuf":
        raise CompareError(f"the input {name or 'array'} holds {array.dtype}, no numbers")
    if array.dtype.kind == "f" and not np.all(np.isfinite(array)):
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        hint = "NaN in, NaN out on both sides: nothing would be compared"
        raise CompareError(f"the input {name or 'array'} holds {array[place]} at {place}", hint)
    return array


def drawn(model: Model, seed: int = 0) -> dict[str, Array]:
    """A batch of the shapes that the model takes. Raises CompareError where it does not say them."""
    if not model.inputs:
        raise CompareError("the model does not say what it takes", "give a batch: --inputs batch.npz")
    random = np.random.default_rng(seed)
    tables = [
        int((layer.config or {}).get("input_dim") or TOP)
        for layer in model.layers.values()
        if traits_of(layer).takes_ids
    ]
    batch: dict[str, Array] = {}
    for one in model.inputs:
        shape = [BATCH if place == 0 else length or LENGTH for place, length in enumerate(one["shape"])]
        kind = np.dtype(one["dtype"] if one["dtype"] != "bfloat16" else "float32")
        if kind.kind == "b":
            array: Array = random.random(shape) < 0.7
        elif kind.kind in "iu":
            array = random.integers(0, 2 if "mask" in one["name"] else min(tables or [TOP]), shape)
        else:
            array = random.normal(0.0, 1.0, shape)
        batch[one["name"]] = np.asarray(array, dtype=kind)
    return batch


def another(batch: Batch, seed: int = 1) -> dict[str, Array]:
    """A second batch of the same kind: other numbers in the same places, zeros and masks where they were.

    What is said of a cause must hold of this one too.
    """
    random = np.random.default_rng(seed)
    rows = random.permutation(len(next(iter(batch.values()))))
    made = {}
    for name, array in batch.items():
        turned = array[rows] if len(array) == len(rows) else array
        if array.dtype.kind == "b" or (array.dtype.kind in "iu" and set(np.unique(array)) <= {0, 1}):
            made[name] = turned
        elif array.dtype.kind in "iu":
            used = array[array != 0]
            fresh = random.choice(used, turned.shape) if used.size else turned
            made[name] = np.where(turned == 0, turned, fresh).astype(array.dtype)
        else:
            size = float(np.std(array)) or 1.0
            moved = turned * random.uniform(0.5, 1.5, turned.shape) + 0.2 * size * random.normal(size=turned.shape)
            made[name] = np.where(turned == 0, turned, moved).astype(array.dtype)
    return made


def arguments_of(given: str | None, port: Model, batch: Batch) -> list[dict[str, Any]]:
    """How the port is called: each argument's name, its input and the order of its axes. Raises CompareError.

    By what the user wrote (`input_ids=token_ids,pixels=image:0,3,1,2`), else by equal names, else in order.
    """
    if given:
        return [_argument(part, port, batch) for part in re.split(r",(?=[A-Za-z_])", given)]
    if all(name in port.arguments for name in batch):
        return [{"name": name, "input": name} for name in batch]
    if len(port.arguments) < len(batch) and "args" not in port.arguments:
        takes, has = ", ".join(port.arguments) or "nothing", ", ".join(batch)
        raise CompareError(f"the port takes {takes}, the inputs are {has}", "say which is which: --port-inputs a=b,c=d")
    return [{"name": None, "input": name} for name in batch]


def _argument(part: str, port: Model, batch: Batch) -> dict[str, Any]:
    matched = _ARGUMENT.fullmatch(part.strip())
    if matched is None:
        raise CompareError(f"--port-inputs: {part[:60]!r} is not understood", "as in pixel_values=image:0,3,1,2")
    name, source = matched["name"], matched["input"]
    if len(batch) == 1:  # whatever its file calls it
        source = next(iter(batch))
    if source not in batch:
        hint = did_you_mean(source, batch) or f"there are {', '.join(batch)}"
        raise CompareError(f"--port-inputs: there is no input {source}", hint)
    if name is not None and name not in port.arguments and "kwargs" not in port.arguments:
        hint = did_you_mean(name, port.arguments) or f"it takes {', '.join(port.arguments)}"
        raise CompareError(f"--port-inputs: the port has no argument {name}", hint)
    axes = None if matched["axes"] is None else [int(axis) for axis in matched["axes"].split(",")]
    if axes is not None and sorted(axes) != list(range(batch[source].ndim)):
        raise CompareError(f"--port-inputs: {matched['axes']} is no order of the {batch[source].ndim} axes of {source}")
    return {"name": name, "input": source, "axes": axes}
