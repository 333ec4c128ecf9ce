"""Other arguments of a layer, one at a time: the epsilon of another library, the other padding, strides of one.

They are tried where no named mistake explains a difference, and read like one: "somebody who takes padding=same". What
a way through the code forgets of what was asked for is tried beside the named ones.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from conformance.reference.base import Mutant

NUMBERS = (0.0, 1e-12, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 0.2, 0.25, 0.3, 0.5, 0.9, 0.99, 0.999, 1.0)
"""What libraries take for an epsilon, a slope, a momentum or a share where nothing is said."""


TRUTHS = (True, False)
MADE_OF: tuple[tuple[str, Callable[[float], float]], ...] = (
    ("1 -", lambda x: 1.0 - x),
    ("twice the", lambda x: 2.0 * x),
    ("half the", lambda x: x / 2.0),
    ("the square of", lambda x: x * x),
    ("the root of", lambda x: abs(x) ** 0.5),
    ("1 over", lambda x: 1.0 / x),
)
"""What comes of an argument that is squared, inverted or taken for its opposite."""


@cache
def other_arguments(kind: type[Any]) -> tuple[Mutant, ...]:
    """Every argument of a layer or of an optimiser, with each value that another convention could give it.

    Sizes that decide the weights' shapes change nothing that could still be compared, and lists are left as they are.
    """
    hints = typing.get_type_hints(kind)
    found = []
    for field in dataclasses.fields(kind):
        if not field.name.startswith("_"):
            values = tuple(_values(hints[field.name]))
            found += [_taking(field.name, value) for value in values]
            if field.default is not dataclasses.MISSING and len(values) > len(TRUTHS):
                found += [_taking(field.name, value, field.default) for value in values]
            if _may_be_a_list(hints[field.name]):
                found.append(_turned_round(field.name))
    return tuple(found)


@cache
def forgotten_arguments(kind: type[Any]) -> tuple[Mutant, ...]:
    """Every argument that has a default, with that default."""
    return tuple(
        _forgetting(field.name, field.default)
        for field in dataclasses.fields(kind)
        if field.default is not dataclasses.MISSING and not field.name.startswith("_")
    )


@cache
def derived_arguments(kind: type[Any]) -> tuple[Mutant, ...]:
    """Every number that is given, with what comes of it when it is squared, inverted or taken for its opposite."""
    hints = typing.get_type_hints(kind)
    return tuple(
        _made_of(field.name, words, change)
        for field in dataclasses.fields(kind)
        if float in (hints[field.name], *typing.get_args(hints[field.name])) and not field.name.startswith("_")
        for words, change in MADE_OF
    )


def _forgetting(name: str, usual: Any) -> Mutant:
    def config(layer: Any) -> Mapping[str, Any]:
        return {} if getattr(layer, name) == usual else {name: usual}

    return Mutant(f"{name}=default", f"forgets {name}", config=config)


def _made_of(name: str, words: str, change: Callable[[float], float]) -> Mutant:
    """Another number that comes from the one that was asked for."""

    def config(layer: Any) -> Mapping[str, Any]:
        had = getattr(layer, name)
        try:
            return {name: change(had)} if isinstance(had, int | float) else {}
        except ZeroDivisionError:
            return {}

    return Mutant(f"{name}={words}", f"takes {words} {name} for {name}", config=config)


def _may_be_a_list(hint: Any) -> bool:
    every = (hint, *typing.get_args(hint))
    return any(one is Any or typing.get_origin(one) is tuple for one in every)


def _turned_round(name: str) -> Mutant:
    """Rows for columns, the first axis for the last: numbers of one argument in the other order."""

    def config(layer: Any) -> Mapping[str, Any]:
        had = getattr(layer, name)
        is_list = isinstance(had, tuple) and all(isinstance(one, int | tuple) for one in had)
        return {name: had[::-1]} if is_list else {}

    return Mutant(f"{name}=reversed", f"takes {name} in the other order", config=config)


def _taking(name: str, value: Any, usual: Any = dataclasses.MISSING) -> Mutant:
    """Nothing is replaced in a layer that has this value already, or the usual one, which nobody wrote."""

    def config(layer: Any) -> Mapping[str, Any]:
        had = getattr(layer, name)
        is_kept = any(had == one and type(had) is type(one) for one in (value, usual))
        return {} if is_kept else {name: value}

    shown = {True: "true", False: "false", None: "null"}.get(value, value) if isinstance(value, bool | None) else value
    where = "" if usual is dataclasses.MISSING else f" where {name} is given"
    return Mutant(f"{name}={shown}", f"takes {name}={shown}{where}", config=config)


def _values(hint: Any) -> Iterator[Any]:
    """What an argument of this type may be told by: every word, both truths, one step, usual numbers."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        yield from arguments
    elif origin in (typing.Union, types.UnionType):
        for argument in arguments:
            yield from _values(argument)
    elif hint is bool:
        yield from TRUTHS
    elif hint is int:
        yield from (1, -1, 0)
    elif hint is float:
        yield from NUMBERS
    elif hint is type(None):
        yield None
