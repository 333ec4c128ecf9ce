"""Checks the inputs of a case: their shapes, and that their fills give an array of that shape and dtype."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np

from conformance.case.arrays import MAX_ELEMENTS, MEAN, STD, DrawError, check_normal, check_uniform
from conformance.case.data import DataError, facts, placed
from conformance.case.draft import Draft
from conformance.case.literals import check_dtype, shape_of
from conformance.case.model import Axis, Input
from conformance.case.schema import FLOATS, INTEGERS, STRING
from conformance.case.yaml import Located

Shape = tuple[int, ...]
_MAX_RANGE = 2**31
MAX_TEXTS, MAX_LETTERS = 1000, 1000
"""How many texts an input may hold, and how long each may be."""
_FLOATS_ONLY = ("normal", "uniform", "lists")
_SELF_SHAPED = ("values", "strings", "ragged", "file", "lists")
"""Fills that say the shape themselves."""


def inputs_of(draft: Draft) -> tuple[Input, ...]:
    """The inputs of a case; those with a mistake are noted and left out."""
    found = (_input(draft, name, spec, node) for name, spec, node in draft.entries("inputs"))
    return tuple(item for item in found if item is not None)


def _input(draft: Draft, name: str, spec: Mapping[str, Any], node: Located) -> Input | None:
    if not all(key in spec for key in node.value):
        return None
    shapes = draft.shapes(spec["shape"], node["shape"]) if "shape" in spec else None
    dtype = spec.get("dtype", "float32")
    fill = spec.get("fill")
    if fill is None:
        if dtype not in FLOATS:
            hint = "integers are drawn between bounds: `fill: {integers: [0, 30]}`"
            draft.problems.add(node, f"the input {name} of dtype {dtype} needs a fill", hint)
            return None
        fill = {"normal": {}}
    ((kind, given),) = fill.items()
    if kind in _FLOATS_ONLY and dtype not in FLOATS:
        hint = "use integers, arange, constant or values"
        draft.problems.add(node["fill"].keys[kind], f"the fill {kind} gives floats, the dtype is {dtype}", hint)
        return None
    if (kind == "strings") != (dtype == STRING):
        draft.problems.add(
            node["fill"].keys[kind] if "fill" in node else node,
            f"the fill {kind} does not go with the dtype {dtype}",
            "texts are `dtype: string, fill: {strings: [...]}`",
        )
        return None
    if "shape" not in spec and kind not in _SELF_SHAPED:
        draft.problems.add(node, f"the input {name} needs a shape", "named axes: `shape: [batch, steps]`")
        return None
    if "shape" in spec and shapes is None:
        return None
    if shapes and (too_large := max(prod(shape) for shape in shapes)) > MAX_ELEMENTS:
        draft.problems.add(node["shape"], f"{too_large} elements; an input has at most {MAX_ELEMENTS}")
        return None
    place = node["fill"][kind] if "fill" in node else node
    check = _Fill(draft, dtype, shapes, place)
    own = _CHECKS[kind](check, given)
    if own is None:
        return None
    shape: tuple[Axis, ...] = tuple(spec["shape"]) if "shape" in spec else own.shape
    return Input(name, shape, dtype, {kind: own.given})


class _Checked:
    """The arguments of a fill as the case keeps them, and the shape that it has of itself (empty where it has none)."""

    def __init__(self, given: Any, shape: Shape = ()) -> None:
        self.given = given
        self.shape = shape


class _Fill:
    """One fill being checked; each method gives None after noting a mistake."""

    def __init__(self, draft: Draft, dtype: str, shapes: list[Shape] | None, place: Located) -> None:
        self.problems = draft.problems
        self.folder = draft.folder
        self.dtype = dtype
        self.shapes = shapes
        self.place = place

    def _wrong(self, message: str, hint: str | None = None, where: Located | None = None) -> None:
        self.problems.add(where or self.place, message, hint)

    def _fits(self, own: Shape, what: str) -> bool:
        """Whether the fill's own shape is the declared one, in every run."""
        for shape in self.shapes or ():
            if shape != own:
                self._wrong(f"{what} has shape {own}, the input {shape}")
                return False
        if prod(own) > MAX_ELEMENTS:
            self._wrong(f"{prod(own)} elements; an input has at most {MAX_ELEMENTS}")
            return False
        return True

    def _draws(self, check: Callable[..., None], *numbers: float) -> bool:
        try:
            for shape in self.shapes or ():
                check(*numbers, self.dtype, prod(shape))
        except DrawError as error:
            self._wrong(str(error))
            return False
        return True

    def normal(self, given: dict[str, float]) -> _Checked | None:
        return _Checked(given) if self._draws(check_normal, given.get("mean", MEAN), given.get("std", STD)) else None

    def uniform(self, given: list[float]) -> _Checked | None:
        return _Checked(given) if self._draws(check_uniform, *given) else None

    def integers(self, given: list[int]) -> _Checked | None:
        low, high = given
        if not low < high <= low + _MAX_RANGE:
            self._wrong(f"the bounds {low}, {high} enclose no integers", "write [low, high]; high is not drawn")
            return None
        fits = check_dtype([low, high - 1], self.place, self.dtype, self.problems, "integers")
        return _Checked(given) if fits else None

    def arange(self, given: dict[str, float]) -> _Checked | None:
        start, step = given.get("start", 0.0), given.get("step", 1.0)
        last = start + step * max((prod(shape) - 1 for shape in self.shapes or ()), default=0)
        if self.dtype == "bool":
            self._wrong("arange gives numbers, the dtype is bool")
            return None
        if self.dtype in INTEGERS:
            limits = np.iinfo(self.dtype)
            if not (start.is_integer() and step.is_integer()):
                self._wrong(f"start {start:g} and step {step:g} do not give integers, the dtype is {self.dtype}")
                return None
            if not limits.min <= min(start, last) <= max(start, last) <= limits.max:
                self._wrong(f"the values go from {start:g} to {last:g}, which {self.dtype} cannot hold")
                return None
        return _Checked(given)

    def constant(self, given: Any) -> _Checked | None:
        if isinstance(given, list):
            self._wrong("constant is one number, not a list", "use `values` for an array")
            return None
        return _Checked(given) if check_dtype(given, self.place, self.dtype, self.problems, "constant") else None

    def values(self, given: Any) -> _Checked | None:
        own = shape_of(self.place, self.problems, "values")
        if own is None or not check_dtype(given, self.place, self.dtype, self.problems, "values"):
            return None
        return _Checked(given, own) if self._fits(own, "values") else None

    def strings(self, given: list[Any]) -> _Checked | None:
        rows = given if isinstance(given[0], list) else [given]
        if any(isinstance(row, list) != isinstance(given[0], list) for row in given):
            self._wrong("some are texts, some are rows of texts")
            return None
        if any(len(row) != len(rows[0]) for row in rows):
            self._wrong("the rows hold different numbers of texts", "fill short rows up with empty ones")
            return None
        texts = [text for row in rows for text in row]
        if len(texts) > MAX_TEXTS or max(map(len, texts)) > MAX_LETTERS:
            self._wrong(f"an input holds at most {MAX_TEXTS} texts of at most {MAX_LETTERS} characters")
            return None
        if any("\0" in text for text in texts):
            self._wrong("a text holds the character NUL, at which others end")
            return None
        own = (len(given),) if given is not rows else (len(rows), len(rows[0]))
        return _Checked(given, own) if self._fits(own, "strings") else None

    def ragged(self, given: dict[str, Any]) -> _Checked | None:
        rows = given["rows"]
        padding = given.get("padding", 0)
        if isinstance(padding, list):
            self._wrong("padding is one number, not a list", where=self.place["padding"])
            return None
        for key in given:
            if not check_dtype(given[key], self.place[key], self.dtype, self.problems, key):
                return None
        entry = self._entry(self.place["rows"])
        if entry is None:
            return None
        longest = max(len(row) for row in rows)
        if self.shapes is None:
            return _Checked(given, (len(rows), longest, *entry))
        for shape in self.shapes:
            if len(shape) < 2 or shape[0] != len(rows) or shape[1] < longest or shape[2:] != entry:
                self._wrong(f"{len(rows)} rows of up to {longest} entries do not fit into {shape}")
                return None
        return _Checked(given)

    def _entry(self, rows: Located) -> Shape | None:
        """The shape that all entries of all rows have."""
        entries: list[Shape] = []
        for index, place in enumerate(rows.value):
            own = shape_of(place, self.problems, f"rows[{index}]")
            if own is None:
                return None
            if not own:
                self._wrong(f"rows[{index}] is a number, not a row", where=place)
                return None
            if own != (0,):
                entries.append(own[1:])
                if entries[-1] != entries[0]:
                    self._wrong(f"the entries of rows[{index}] have another shape than those above", where=place)
                    return None
        return entries[0] if entries else ()

    def file(self, given: dict[str, str]) -> _Checked | None:
        try:
            path = placed(self.folder, given["path"])
            found = facts(path, given.get("key"))
        except DataError as error:
            self._wrong(error.message, error.hint, self.place["path"])
            return None
        if found.dtype.startswith("float") and self.dtype not in FLOATS:
            self._wrong(f"the data file holds {found.dtype}, the dtype is {self.dtype}")
            return None
        if self._misses(found.largest) or not self._fits(found.shape, "the data file"):
            return None
        return _Checked({**given, "resolved": str(path), "sha256": found.sha256}, found.shape)

    def _misses(self, largest: float) -> bool:
        limit = 1.0 if self.dtype == "bool" else float((np.finfo if self.dtype in FLOATS else np.iinfo)(self.dtype).max)
        if largest > limit:
            self._wrong(f"the data file goes up to {largest:g}, which {self.dtype} cannot hold")
        return largest > limit

    def lists(self, given: dict[str, Any]) -> _Checked | None:
        own = (given["count"], *given["shape"])
        for row, shape in given.get("shapes", {}).items():
            if int(row) >= given["count"]:
                self._wrong(f"there is no row {row}", f"rows are 0 to {given['count'] - 1}", self.place["shapes"][row])
                return None
            if not self._rows_differ_inside(tuple(shape)):
                return None
        if not self._fits(own, "the array of arrays") or not self._rows_differ_inside(tuple(given["shape"])):
            return None
        return _Checked(given, own)

    def _rows_differ_inside(self, shape: Shape) -> bool:
        try:
            check_normal(MEAN, STD, self.dtype, prod(shape))
        except DrawError as error:
            self._wrong(str(error))
            return False
        return True


_CHECKS: Mapping[str, Callable[[_Fill, Any], _Checked | None]] = {
    "normal": _Fill.normal,
    "uniform": _Fill.uniform,
    "integers": _Fill.integers,
    "arange": _Fill.arange,
    "constant": _Fill.constant,
    "values": _Fill.values,
    "strings": _Fill.strings,
    "ragged": _Fill.ragged,
    "file": _Fill.file,
    "lists": _Fill.lists,
}
