"""Data files beside a case: arrays in .npy or .json, read without running anything that they contain."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

MAX_BYTES = 2**26
MAX_DEPTH = 16
Array = np.ndarray[Any, np.dtype[Any]]


class DataError(Exception):
    """A data file that cannot be used: why, and what to do."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Facts(NamedTuple):
    """What a case needs to know of a data file without keeping its numbers."""

    shape: tuple[int, ...]
    dtype: str
    sha256: str
    largest: float
    """Largest absolute value that is a number; 0 where there is none."""


def placed(folder: Path, path: str) -> Path:
    """Where a data file of a case in this folder is. Raises DataError for one outside of the folder."""
    found = (folder / path).resolve()
    if not found.is_relative_to(folder):
        hint = "data files stand beside the case file or in a folder there"
        raise DataError("the data file is outside the folder of the case", hint)
    return found


def facts(path: Path, key: str | None) -> Facts:
    """Shape, dtype and digest of the array in a file. Raises DataError."""
    try:
        status = path.stat()
    except OSError as error:
        hint = "paths are relative to the case file"
        raise DataError(f"the data file cannot be read: {error.strerror}", hint) from None
    if not path.is_file():
        raise DataError("the data file is not a file")
    if status.st_size > MAX_BYTES:
        raise DataError(f"the data file has {status.st_size} bytes; {MAX_BYTES} are allowed")
    return _facts(path, key, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=256)
def _facts(path: Path, key: str | None, changed: int, size: int) -> Facts:
    """As `facts`; a file that has changed since is another one."""
    array = load_array(path, key)
    sizes = np.abs(array[np.isfinite(array)].astype(np.float64))
    largest = float(sizes.max()) if sizes.size else 0.0
    return Facts(array.shape, str(array.dtype), hashlib.sha256(path.read_bytes()).hexdigest(), largest)


def load_array(path: Path, key: str | None) -> Array:
    """The array in a file: numbers or truth values, in the dtype that they have there. Raises DataError."""
    if path.suffix == ".npy":
        if key is not None:
            raise DataError("a .npy file has no keys", "remove `key`")
        return _from_npy(path)
    if path.suffix == ".json":
        return _from_json(path, key)
    raise DataError(f"the data file ends in {path.suffix or 'nothing'}", "use .json or .npy")


def _from_npy(path: Path) -> Array:
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"not an array file: {str(error).splitlines()[0]}", "write it with numpy.save") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
        raise DataError("the data file holds no array of numbers")
    return array


def _from_json(path: Path, key: str | None) -> Array:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"not JSON: {str(error).splitlines()[0]}") from None
    if key is not None:
        if not isinstance(value, dict) or key not in value:
            raise DataError(f"the data file has no key {key}")
        value = value[key]
    elif isinstance(value, dict):
        raise DataError("the data file holds a mapping", f"add `key:`, one of {', '.join(list(value)[:8])}")
    shape = _shape(value, "", 0)
    try:
        array = np.array(value).reshape(shape)
    except (ValueError, OverflowError):
        raise DataError("the data file holds no array of numbers") from None
    if array.dtype.kind not in "biuf":
        raise DataError("the data file holds no array of numbers")
    return array


def _shape(value: Any, where: str, depth: int) -> tuple[int, ...]:
    """The shape of nested lists. Raises DataError, naming the row, where rows differ."""
    if not isinstance(value, list):
        return ()
    if depth == MAX_DEPTH:
        raise DataError(f"the data file has lists nested more than {MAX_DEPTH} deep")
    shapes = [_shape(item, f"{where}[{index}]", depth + 1) for index, item in enumerate(value)]
    for index, shape in enumerate(shapes):
        if shape != shapes[0]:
            raise DataError(f"row {where}[{index}] has shape {shape}, row {where}[0] has {shapes[0]}")
    return (len(value), *shapes[0]) if shapes else (0,)
