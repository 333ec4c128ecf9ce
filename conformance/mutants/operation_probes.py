"""Whether what a rule makes is a mistake at all: it is, where it answers otherwise for some numbers that could go in.

Probes are not the cases: other draws, with NaN, infinities and integers among them, and one and no element, under the
arguments that some question writes. What is the same for all of them is nobody's mistake: swapping the arguments of a
sum, an axis of no element of a function that takes none.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import numpy

from conformance.mutants.operation import Mistake
from conformance.reference.operations.base import Ask, plain, table
from conformance.reference.operations.drawing import called, drawn
from conformance.reference.operations.forms import asks

Given = tuple[tuple[Any, ...], Mapping[str, Any]]
"""Arrays in the order of the signature, and arguments."""
CLOSE = 1e-9
"""What the order of a sum may change."""


def is_mistake(mistake: Mistake) -> bool:
    """Whether the wrong function gives something else than the right one for any probe that the right one answers."""
    for (arrays, config), right in probes(mistake.entry.name):
        try:
            with warnings.catch_warnings(), numpy.errstate(all="ignore"), mistake.applied():
                warnings.simplefilter("ignore")
                found = called(mistake.entry, mistake.function, arrays, config)
        except Exception:  # whatever it says: where the right one answers, that is something else
            return True
        if not _same(right, found):
            return True
    return False


@cache
def probes(name: str) -> tuple[tuple[Given, Any], ...]:
    """What goes in, and what the right function makes of it, wherever it makes anything."""
    entry, held = table()[name], []
    for number, one in enumerate(asks(entry)):
        for arrays in _variants(one, numpy.random.default_rng(1000 + number), entry.takes_specials):
            try:
                with warnings.catch_warnings(), numpy.errstate(all="ignore"):
                    warnings.simplefilter("ignore")
                    held.append(((arrays, one.config), called(entry, entry.function, arrays, one.config)))
            except Exception:  # not for this operation: what it refuses, the cases ask
                continue
    return tuple(held)


def _variants(one: Ask, draw: numpy.random.Generator, takes_specials: bool) -> Iterator[tuple[Any, ...]]:
    usual = tuple(drawn(held, draw) for held in one.inputs)
    yield usual
    yield tuple(drawn(held, draw) for held in one.inputs)
    for value in (*((math.nan, math.inf, -math.inf) if takes_specials else ()), 0.0, 0.5):
        yield tuple(_with(held, value, draw) for held in usual)
    yield tuple(_whole(held) for held in usual)


def _with(held: Any, value: float, draw: numpy.random.Generator) -> Any:
    """Floats with one number replaced."""
    if isinstance(held, list):
        return [_with(one, value, draw) for one in held]
    if held.dtype.kind != "f" or not held.size:
        return held
    made = held.copy()
    made.reshape(-1)[int(draw.integers(held.size))] = value
    return made


def _whole(held: Any) -> Any:
    if isinstance(held, list):
        return [_whole(one) for one in held]
    return (
        numpy.round(held * 2.0).astype(numpy.int32)
        if held.dtype.kind == "f" and numpy.all(numpy.isfinite(held))
        else held
    )


def _same(right: Any, found: Any) -> bool:
    if isinstance(right, list | tuple):
        return (
            isinstance(found, list | tuple)
            and len(right) == len(found)
            and all(_same(one, other) for one, other in zip(right, found, strict=True))
        )
    if isinstance(found, list | tuple):
        return False
    a, b = numpy.asarray(plain(right)), numpy.asarray(plain(found))
    if a.shape != b.shape or _dtype(a) != _dtype(b):
        return False
    if a.dtype.kind not in "f":
        return bool(numpy.array_equal(a, b))
    with numpy.errstate(all="ignore"):
        return bool(numpy.allclose(a, b, rtol=CLOSE, atol=1e-300, equal_nan=True))


def _dtype(x: Any) -> Any:
    """The dtype that a lane would give: float64 stands for float32."""
    return numpy.dtype(numpy.float64) if x.dtype == numpy.float32 else x.dtype
