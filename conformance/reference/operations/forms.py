"""What an operation is asked because of how it goes over its arrays; its own questions come behind."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from .base import Ask, Domain, Entry, Numbers, ask, given, integers

SPECIALS = (math.nan, math.inf, -math.inf, 0.0, -0.0, 1.5, -1.0, 1.0e15, -1.0e15, 1.0e-30)
OTHERS = (1.0, math.inf, math.inf, -0.0, 0.0, math.nan, 2.5, 1.0, -1.0e15, 1.0e-30)
ROWS = ((math.nan, 1.0, 2.0), (math.inf, 1.0, -2.0), (-math.inf, math.inf, 0.5), (-0.0, 0.0, 1.0))


def asks(entry: Entry) -> Iterator[Ask]:
    """Every question to an operation: those of its form, then its own."""
    kinds = {"elementwise": _elementwise, "pairwise": _pairwise, "reduction": _reduction, "axis": _axis}
    if entry.form in kinds:
        for one in kinds[entry.form](entry):
            yield replace(one, config={**entry.config, **one.config})
    yield from entry.asks


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
        yield ask("specials", given(list(SPECIALS)), given(list(OTHERS)))
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
