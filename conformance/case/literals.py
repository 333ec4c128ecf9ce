"""Arrays written out in a case file: their rows must be equal, and their dtype must be able to hold them."""

from __future__ import annotations

from typing import Any

import numpy as np

from conformance.case.problems import Problems
from conformance.case.schema import FLOATS, INTEGERS
from conformance.case.yaml import Located


def shape_of(node: Located, problems: Problems, label: str) -> tuple[int, ...] | None:
    """The shape of nested lists; None after naming the first row that has another shape than row 0."""
    if not node.is_list:
        return ()
    shapes: list[tuple[int, ...]] = []
    for index, item in enumerate(node.value):
        shape = shape_of(item, problems, f"{label}[{index}]")
        if shape is None:
            return None
        if shapes and shape != shapes[0]:
            this, first = _described(shape), _described(shapes[0])
            hint = "pad the rows, or use the fill `ragged`" if len(shape) == len(shapes[0]) else None
            problems.add(item, f"row {label}[{index}] has {this}, row {label}[0] has {first}", hint)
            return None
        shapes.append(shape)
    return (len(shapes), *shapes[0]) if shapes else (0,)


def _described(shape: tuple[int, ...]) -> str:
    if not shape:
        return "one number"
    if len(shape) == 1:
        return "1 entry" if shape == (1,) else f"{shape[0]} entries"
    return f"shape {shape}"


def check_dtype(value: Any, node: Located, dtype: str, problems: Problems, label: str) -> bool:
    """Whether a dtype can hold every number of a literal; notes the first that it cannot."""
    if isinstance(value, list):
        pairs = zip(value, node.value, strict=True)
        return all(check_dtype(item, place, dtype, problems, f"{label}[{i}]") for i, (item, place) in enumerate(pairs))
    reason = _misfit(value, dtype)
    if reason is not None:
        problems.add(node, f"{label} cannot be {dtype}: {reason}")
    return reason is None


def _misfit(value: bool | float, dtype: str) -> str | None:
    """Why a dtype cannot hold a number; None where it can."""
    shown = {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
    if dtype == "bool":
        return None if isinstance(value, bool) or value in (0, 1) else f"{shown} is not true, false, 1 or 0"
    if isinstance(value, bool):
        return f"{shown} is not a number"
    if dtype in INTEGERS:
        limits = np.iinfo(dtype)
        if not isinstance(value, int):
            return f"{shown} is not an integer"
        return None if limits.min <= value <= limits.max else f"{shown} is not between {limits.min} and {limits.max}"
    if dtype in FLOATS:
        largest = float(np.finfo(dtype).max)
        return f"{shown} is too large" if abs(value) > largest and abs(value) != float("inf") else None
    raise AssertionError(f"no dtype {dtype}")
