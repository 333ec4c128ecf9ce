"""The arrays of a question by themselves, and an operation called with them: for those who ask no lane."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy

from .base import Ask, Entry, Numbers


def answers(entry: Entry, one: Ask) -> bool:
    """Whether the formula takes what a question holds."""
    draw = numpy.random.default_rng(0)
    try:
        with warnings.catch_warnings(), numpy.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            called(entry, entry.function, tuple(drawn(held, draw) for held in one.inputs), one.config)
    except Exception:
        return False
    return True


def called(entry: Entry, function: Any, arrays: tuple[Any, ...], config: Mapping[str, Any]) -> Any:
    """A function with the signature of an operation's, called with arrays and the arguments that a case writes."""
    written = {name: tuple(value) if isinstance(value, list) else value for name, value in config.items()}
    names = entry.inputs
    if any(entry.parameters[name].kind is entry.parameters[name].VAR_POSITIONAL for name in names):
        return function(*_copied(arrays), **written)
    return function(**dict(zip(names, _copied(arrays), strict=False)), **written)


def _copied(value: Any) -> Any:
    return type(value)(map(_copied, value)) if isinstance(value, list | tuple) else numpy.array(value)


def drawn(held: Any, draw: numpy.random.Generator) -> Any:
    """An array of the shape, dtype and fill of an input; a list of them for a list."""
    if isinstance(held, list):
        return [drawn(one, draw) for one in held]
    assert isinstance(held, Numbers)
    shape = tuple(2 if length == -1 else length for length in held.shape)
    fill = held.fill or {}
    made: Any
    if "values" in fill:
        made = numpy.asarray(fill["values"])
    elif "uniform" in fill:
        low, high = fill["uniform"]
        made = draw.uniform(low, high, size=shape)
    elif "integers" in fill:
        low, high = fill["integers"]
        made = draw.integers(low, high, size=shape)
    else:
        made = draw.normal(size=shape)
    return made.astype("float64" if held.dtype.startswith("float") else held.dtype).reshape(shape)
