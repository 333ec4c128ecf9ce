"""What an operation is asked because of how it goes over its arrays; its own questions come behind."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from .base import Ask, Domain, Entry, Numbers, ask, given, integers
from .drawing import answers

SPECIALS = (math.nan, math.inf, -math.inf, 0.0, -0.0, 1.5, -1.0, 1.0e15, -1.0e15, 1.0e-30)
OTHERS = (1.0, math.inf, math.inf, -0.0, 0.0, math.nan, 2.5, 1.0, -1.0e15, 1.0e-30)
PAIRS = ((*SPECIALS, math.nan, 0.0), (*OTHERS, -2.0, math.nan))
ROWS = (
    *((math.nan, 1.0, 2.0), (math.inf, 1.0, -2.0), (-math.inf, math.inf, 0.5), (-0.0, 0.0, 1.0)),
    *((1.0, -3.0, math.nan), (math.nan, 0.0, -0.0), (math.inf, 2.0, math.inf)),
)


def asks(entry: Entry) -> Iterator[Ask]:
    """Every question to an operation: those of its form, then its own."""
    kinds = {"elementwise": _elementwise, "pairwise": _pairwise, "reduction": _reduction, "axis": _axis}
    if entry.form in kinds:
        for one in kinds[entry.form](entry):
            yield replace(one, config={**entry.config, **one.config})
    yield from entry.asks
    if entry.form == "other":
        yield from _further(entry)


def _whole(domain: Domain, *shape: int) -> Numbers:
    """Integers from a domain."""
    if domain.low is None or domain.high is None:
        return integers(-9, 10, *shape)
    low, high = math.ceil(domain.low), math.floor(domain.high)
    return integers(low, high + 1, *shape) if low <= high else integers(0, 1, *shape)


def _elementwise(entry: Entry) -> Iterator[Ask]:
    domain = entry.domains[0]
    yield ask("usual", domain.numbers(3, 4))
    yield ask("row", domain.numbers(5))
    yield ask("number", domain.numbers())
    yield ask("four_axes", domain.numbers(2, 1, 3, 2))
    yield ask("open_batch", domain.numbers(-1, 3))
    yield ask("one", domain.numbers(1, 1))
    if entry.takes_none:
        yield ask("empty", domain.numbers(0, 4))
    if entry.takes_integers:
        yield ask("integers", _whole(domain, 3, 4))
    if entry.takes_specials:
        yield ask("specials", given(list(SPECIALS)))


def _pairwise(entry: Entry) -> Iterator[Ask]:
    first, second = entry.domains[0], entry.domains[-1]
    yield ask("usual", first.numbers(3, 4), second.numbers(3, 4))
    yield ask("broadcast", first.numbers(2, 1, 4), second.numbers(3, 1))
    yield ask("row", first.numbers(3, 4), second.numbers(4))
    yield ask("number", first.numbers(3, 4), second.numbers())
    yield ask("number_first", first.numbers(), second.numbers(2, 3))
    yield ask("open_batch", first.numbers(-1, 3), second.numbers(-1, 1))
    if entry.takes_none:
        yield ask("empty", first.numbers(0, 4), second.numbers(4))
    if entry.takes_integers:
        yield ask("integers", _whole(first, 3, 4), _whole(second, 3, 4))
        yield ask("integers_and_floats", _whole(first, 3, 4), second.numbers(3, 4))
    if entry.takes_specials:
        yield ask("specials", *(given(list(side)) for side in PAIRS))
    yield ask("other_lengths", first.numbers(3, 4), second.numbers(3, 3))


def _reduction(entry: Entry) -> Iterator[Ask]:
    domain = entry.domains[0]
    cube = domain.numbers(2, 3, 4)
    yield ask("all", cube)
    yield ask("first", cube, axis=0)
    yield ask("last", cube, axis=-1)
    yield ask("two", cube, axis=[0, -1])
    yield ask("keepdims", cube, axis=1, keepdims=True)
    yield ask("all_keepdims", cube, keepdims=True)
    yield ask("open_batch", domain.numbers(-1, 3), axis=-1)
    yield ask("one", domain.numbers(1, 1))
    if entry.takes_none:
        yield ask("empty", domain.numbers(0, 4), axis=0)
        yield ask("empty_all", domain.numbers(0, 4))
    if entry.takes_integers:
        yield ask("integers", _whole(domain, 3, 4), axis=1)
    if entry.takes_specials:
        yield ask("specials", given([list(row) for row in ROWS]), axis=-1)
    yield ask("axis_too_large", domain.numbers(3, 4), axis=2)


def _axis(entry: Entry) -> Iterator[Ask]:
    domain = entry.domains[0]
    cube = domain.numbers(2, 3, 4)
    yield ask("first", cube, axis=0)
    yield ask("last", cube, axis=-1)
    yield ask("middle", cube, axis=-2)
    yield ask("open_batch", domain.numbers(-1, 3), axis=-1)
    yield ask("one", domain.numbers(1, 1), axis=0)
    if entry.takes_none:
        yield ask("empty", domain.numbers(0, 4), axis=1)
    if entry.takes_integers:
        yield ask("integers", _whole(domain, 3, 4), axis=1)
    if entry.takes_specials:
        yield ask("specials", given([list(row) for row in ROWS]), axis=-1)
    yield ask("axis_too_large", domain.numbers(3, 4), axis=2)


# what follows from the first question of those that have no form

HOLES = "holes"
"""The input that is added to another one where NaN and infinities stand."""
_FURTHER: dict[str, tuple[Ask, ...]] = {}
"""By operation: whether the formula answers is tried once."""


def _further(entry: Entry) -> tuple[Ask, ...]:
    """NaN, infinities, integers, nothing and an axis out of range, where its own questions have none of them.

    What the formula does not take, as a decomposition of nothing, is not asked; an axis that is not there is.
    """
    if entry.name not in _FURTHER:
        drawn = ((one, _drawn(one)) for one in entry.asks)
        behind = (list(_behind(entry, one, first.shape)) for one, first in drawn if first is not None)
        _FURTHER[entry.name] = (*_with_holes(entry), *_of_integers(entry), *next(behind, ()))
    return _FURTHER[entry.name]


def _names(entry: Entry) -> set[str]:
    return {one.name for one in entry.asks}


def _with_holes(entry: Entry) -> Iterator[Ask]:
    """NaN and infinities in the first array of floats that has room for both, whichever of its arrays it is."""
    first = next((one for one in entry.asks if _width(one) > 1), None)
    if first is None or not entry.takes_specials or _names(entry) & {"specials", "nan", "holes"}:
        return
    zeros = [0.0] * (_width(first) - 2)
    yield replace(first, name="nans", holes=(math.nan, 0.0, *zeros))
    if entry.takes_infinities:
        yield replace(first, name="infinities", holes=(-math.inf, *zeros, math.inf))


def _width(one: Ask) -> int:
    """The length of the last axis of its first array of floats; 0 where there is none."""
    floats = next((held for held in _arrays(one.inputs) if held.dtype == "float32"), None)
    return 0 if floats is None or not floats.shape else floats.shape[-1]


def _arrays(inputs: Any) -> Iterator[Numbers]:
    for held in inputs:
        yield from held if isinstance(held, list) else (held,)


def _of_integers(entry: Entry) -> Iterator[Ask]:
    """Integers in the place of all its floats."""
    first = next((one for one in entry.asks if _has_finite_floats(one)), None)
    if first is not None and entry.takes_integers and not any("integers" in name for name in _names(entry)):
        yield from _answered(entry, replace(first, name="of_integers", inputs=_each(first.inputs, _as_integers)))


def _has_finite_floats(one: Ask) -> bool:
    floats = [held for held in _arrays(one.inputs) if held.dtype == "float32"]
    return bool(floats) and all(np.all(np.isfinite((held.fill or {}).get("values", 0.0))) for held in floats)


def _drawn(one: Ask) -> Numbers | None:
    """Its first array where that is drawn, of floats, so that fewer can stand in their place."""
    first = next(_arrays(one.inputs), None)
    if first is None or first.dtype != "float32" or "values" in (first.fill or {}) or one.graph:
        return None
    return first


def _behind(entry: Entry, first: Ask, shape: tuple[int, ...]) -> Iterator[Ask]:
    names = _names(entry)
    if entry.takes_none and not names & {"empty", "none", "nothing"} and shape and shape[0] > 1:
        none = _each(first.inputs, lambda held: _without_rows(held, shape[0]))
        yield from _answered(entry, replace(first, name="empty", inputs=none))
    if _has_axis(entry, first):
        yield replace(first, name="axis_too_large", config={**first.config, "axis": len(shape) + 1})


def _answered(entry: Entry, one: Ask) -> Iterator[Ask]:
    if answers(entry, one):
        yield one


def _has_axis(entry: Entry, first: Ask) -> bool:
    axis = first.config.get("axis", entry.parameters["axis"].default) if "axis" in entry.parameters else None
    return isinstance(axis, int) and "axis_too_large" not in {one.name for one in entry.asks}


def _each(inputs: Any, change: Any) -> Any:
    return type(inputs)(_each(one, change) if isinstance(one, list) else change(one) for one in inputs)


def _as_integers(held: Numbers) -> Numbers:
    """Integers in the place of floats; of given ones their doubles, rounded, so that halves stay apart."""
    if held.dtype != "float32":
        return held
    if "values" in (held.fill or {}):
        return given(_doubled((held.fill or {})["values"]), "int32")
    low, high = (held.fill or {}).get("uniform", (None, None))
    return _whole(Domain(low, high), *held.shape)


def _doubled(values: Any) -> Any:
    return [_doubled(one) for one in values] if isinstance(values, list) else round(2.0 * values)


def _without_rows(held: Numbers, rows: int) -> Numbers:
    """Nothing along the first axis, where it is that of the first array."""
    if not held.shape or held.shape[0] != rows:
        return held
    shape = (0, *held.shape[1:])
    return given([], held.dtype) if held.shape[1:] == () else Numbers(shape, held.dtype, _random(held.fill))


def _random(fill: Any) -> Any:
    return None if "values" in (fill or {}) else fill
