"""Rows of a table by their ids, with a gradient that can be listened to place by place.

The gradient of a row is the sum over the places that it went to. TensorFlow hands the places on to the optimiser; to
compute what an optimiser makes of them (a mutant does), the sum is not enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import numpy
from autograd.extend import defvjp, primitive, vspace
from autograd.numpy.numpy_vjps import untake

from .base import Array


@dataclass(frozen=True)
class Places:
    """One taking of rows: the table itself, the ids, and the gradient at each id's place."""

    table: Array
    ids: Array
    gradient: Array


_heard: ContextVar[list[Places] | None] = ContextVar("heard", default=None)


@contextmanager
def places() -> Iterator[list[Places]]:
    """Everything that is taken from tables, as far as a gradient flows back there in the meantime."""
    heard: list[Places] = []
    token = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(token)


@primitive  # type: ignore[untyped-decorator]  # autograd ships no types
def rows(table: Array, ids: Array) -> Array:
    """table[ids]: (rows, dim) and (...) of integers give (..., dim)."""
    return table[ids]


def _back(answer: Array, table: Array, ids: Array) -> Callable[[Array], Array]:
    def back(gradient: Array) -> Array:
        heard = _heard.get()
        if heard is not None:
            heard.append(Places(table, ids, gradient))
        return untake(gradient, ids, vspace(table))

    return back


defvjp(rows, _back, argnums=(0,))


def squares(table: Array, gradient: Array, heard: list[Places]) -> Array | None:
    """The squares of a table's places, added up row by row; None where not all of its gradient came from places."""
    mine = [one for one in heard if one.table is table]
    total, squared = numpy.zeros_like(table), numpy.zeros_like(table)
    for one in mine:
        flat = numpy.reshape(one.gradient, (-1, *table.shape[1:]))
        numpy.add.at(total, numpy.ravel(one.ids), flat)
        numpy.add.at(squared, numpy.ravel(one.ids), flat**2)
    # the same float64 numbers, added in another order
    return squared if mine and numpy.allclose(total, gradient, rtol=1e-9, atol=1e-12) else None
