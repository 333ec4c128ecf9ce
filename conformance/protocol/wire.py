"""Arrays and plans as exact built-in types, which is all that travels between processes.

A subclass of `str` (a framework's version string) or a NumPy scalar does not travel, so everything is made plain here.
Runs in lane processes too: NumPy and the standard library only.
"""

from __future__ import annotations

from typing import Any

import numpy as np

MAX_TEXT = 16_384
"""Characters kept of any text that a framework wrote."""


def pack(array: Any) -> dict[str, Any]:
    """An array as a mapping of built-in types; an object array as the list of its packed entries."""
    array = np.asarray(array)
    if array.dtype == object:
        return {"dtype": "object", "items": [pack(item) for item in array]}
    return {
        "dtype": str(array.dtype),
        "shape": [int(length) for length in array.shape],
        "bytes": np.ascontiguousarray(array).tobytes(),
    }


def unpack(packed: dict[str, Any]) -> np.ndarray[Any, Any]:
    """The array of a `pack`; read-only."""
    if packed["dtype"] == "object":
        rows = np.empty(len(packed["items"]), dtype=object)
        for index, item in enumerate(packed["items"]):
            rows[index] = unpack(item)
        return rows
    return np.frombuffer(packed["bytes"], dtype=packed["dtype"]).reshape(packed["shape"])


def plain(value: Any) -> Any:
    """The same value in exact built-in types; what is none of them becomes its text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, np.generic):
        return plain(value.item())
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value)


def bounded(text: str, limit: int = MAX_TEXT) -> str:
    """Text cut in the middle to a limit, saying how much is left out."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters left out ...]\n{text[-half:]}"
