"""Mistakes in the functions of `keras.ops`: made by rules from their signatures, from what goes in and what comes out.

A mistake is a function in the place of the right one, with the same signature. Nobody writes one for each operation:
what can be got wrong about an axis, an argument, two arrays that broadcast, an integer, a NaN or an array of nothing
follows from the table. Slips in the formulas themselves stand in `operation_formulas`, and what needs knowledge of one
operation in `operation_traps`.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import typing
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy

from conformance.mutants.formula import reads
from conformance.reference.base import Layer
from conformance.reference.operations.base import Array, Entry, Function, class_of, is_float, plain

Kind = Literal["axis", "argument", "order", "sign", "broadcasting", "dtype", "special", "edge", "trap", "formula"]
"""What is got wrong. `trap`: what is known of one operation. `formula`: a slip in a line of the reference."""
AXES = ("axis", "axes", "axis1", "axis2", "axisa", "axisb", "axisc", "source", "destination")
"""Arguments that say along which axis."""
Before = Callable[[dict[str, Any]], dict[str, Any]]
"""What goes in by name, to what goes in instead."""
After = Callable[[Any, Mapping[str, Any]], Any]
"""A result and what went in by name, to the result instead."""
MOST = float(numpy.finfo(numpy.float32).max)


@dataclass(frozen=True)
class Mistake:
    """A wrong function in the place of an operation's own. `mistake` completes "somebody who ..."."""

    entry: Entry
    name: str
    kind: Kind
    mistake: str
    function: Function
    applied: Callable[[], AbstractContextManager[Any]] = field(default=nullcontext)
    """What holds while it is made: a helper of the formula replaced."""

    @property
    def id(self) -> str:
        return f"ops.{self.entry.name}.{self.name}"

    def rewrite(self, layer: Layer) -> Layer:
        """The operation with the mistake in the place of the right one; other layers as they are."""
        if layer.asked_as() != f"ops.{self.entry.name}":
            return layer
        wrong = class_of(replace(self.entry, function=self.function))
        held = {name: getattr(layer, name) for name in self.entry.parameters if name not in self.entry.inputs}
        return wrong(**held)


def by_rules(entry: Entry) -> Iterator[Mistake]:
    """Every mistake that follows from what the table has of an operation."""
    rules = (_arguments, _inputs, _outputs, _integers, _specials, _edges)
    return (mistake for rule in rules for mistake in rule(entry))


def around(entry: Entry, before: Before | None = None, after: After | None = None) -> Function:
    """The operation with other things going in, or another result; both get what goes in by name."""
    signature = inspect.signature(entry.function)

    @functools.wraps(entry.function)
    def wrong(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        given = dict(bound.arguments)
        changed = given if before is None else before(dict(given))
        for name, value in changed.items():
            bound.arguments[name] = value
        found = entry.function(*bound.args, **bound.kwargs)
        return found if after is None else after(found, given)

    return wrong


# arguments


def _arguments(entry: Entry) -> Iterator[Mistake]:
    for name, parameter in entry.parameters.items():
        if name in entry.inputs or not reads(entry.function, name):
            continue  # Keras has it, and the mathematics does not
        if parameter.default is not parameter.empty:
            wrong = around(entry, _set(name, parameter.default))
            yield Mistake(entry, f"ignores_{name}", "argument", f"ignores {name}", wrong)
        for word, kind, mistake, other in _others(name, entry.hints[name]):
            wrong = around(entry, _changed(name, other))
            yield Mistake(entry, f"{word}_{name}", kind, f"{mistake} {name}", wrong)


def _set(name: str, value: Any) -> Before:
    return lambda given: {**given, name: value}


def _changed(name: str, change: Callable[[Any], Any]) -> Before:
    return lambda given: {**given, name: change(given[name])}


def _swapped(one: str, other: str) -> Before:
    return lambda given: {**given, one: given[other], other: given[one]}


def _others(name: str, hint: Any) -> Iterator[tuple[str, Kind, str, Callable[[Any], Any]]]:
    """Other values of an argument, by what it holds."""
    options = typing.get_args(hint) if typing.get_origin(hint) is not Literal else (hint,)
    held = {typing.get_origin(one) or one for one in options or (hint,)}
    choices = [one for part in (options or (hint,)) for one in typing.get_args(part) if isinstance(one, str)]
    if name in AXES:
        yield "beside", "axis", "takes the axis beside the", _each(_beside)
        yield "unsigned", "axis", "counts from the front, where a minus stands, the", _each(abs)
    elif bool in held:
        yield "turns", "argument", "takes the opposite of", lambda value: not value
    elif choices:
        yield "other", "argument", "takes another word for", lambda value: _next(choices, value)
    elif held & {int, float, tuple}:
        yield "more", "argument", "takes more for", _each(_more)


def _each(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A change of a number, or of each of several; what is not given stays so."""

    def changed(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return tuple(changed(one) for one in value)
        return change(value) if isinstance(value, int | float) else value

    return changed


def _beside(axis: int) -> int:
    return axis + 1 if axis in (0, -2) else axis - 1


def _more(value: Any) -> Any:
    return value + 1 if isinstance(value, int) else 2.0 * value or 0.5


def _next(choices: list[str], value: Any) -> Any:
    """The word behind this one; behind a word left out stands the second."""
    if value not in choices:
        return choices[-1] if value is None else value
    return choices[(choices.index(value) + 1) % len(choices)]


# arrays


def _inputs(entry: Entry) -> Iterator[Mistake]:
    names = [name for name in entry.inputs if entry.parameters[name].kind is not inspect.Parameter.VAR_POSITIONAL]
    for one, other in itertools.pairwise(names):
        if entry.hints[one] == entry.hints[other] == Array:
            wrong = around(entry, _swapped(one, other))
            yield Mistake(entry, f"swaps_{one}_{other}", "order", f"swaps {one} and {other}", wrong)
    for name in names:
        if entry.parameters[name].default is None:
            wrong = around(entry, _set(name, None))
            yield Mistake(entry, f"leaves_out_{name}", "argument", f"leaves out {name}", wrong)
    if entry.form == "pairwise":
        wrong = around(entry, lambda given: _at_the_front(given, names[0], names[1]))
        yield Mistake(entry, "at_the_front", "broadcasting", "broadcasts axes from the first one on", wrong)
        wrong = around(entry, lambda given: _first_alone(given, names[0], names[1]))
        yield Mistake(entry, "one_way", "broadcasting", "broadcasts the second array alone", wrong)
    if not names and entry.inputs:  # *operands
        wrong = around(entry, lambda given: {**given, entry.inputs[0]: given[entry.inputs[0]][::-1]})
        yield Mistake(entry, "reverses_inputs", "order", "takes its arrays from the last one on", wrong)


def _at_the_front(given: dict[str, Any], one: str, other: str) -> dict[str, Any]:
    x, y = given[one], given[other]
    if numpy.ndim(y) and numpy.ndim(x) > numpy.ndim(y):
        given[other] = y.reshape(*numpy.shape(y), *(1,) * (numpy.ndim(x) - numpy.ndim(y)))
    return given


def _first_alone(given: dict[str, Any], one: str, other: str) -> dict[str, Any]:
    shape = numpy.broadcast_shapes(numpy.shape(given[one]), numpy.shape(given[other]))
    if numpy.shape(given[one]) != shape:
        raise ValueError("the first array does not broadcast")
    return given


def _outputs(entry: Entry) -> Iterator[Mistake]:
    yield Mistake(entry, "negates", "sign", "has the other sign", around(entry, after=_mapped(_negated)))
    yield Mistake(entry, "reverses", "order", "gives the last axis from its end", around(entry, after=_mapped(_back)))
    yield Mistake(
        entry, "axes_turned", "order", "gives the last two axes the other way", around(entry, after=_mapped(_turned))
    )
    yield Mistake(entry, "first_row", "order", "gives the first row for all", around(entry, after=_mapped(_first_row)))
    yield Mistake(entry, "other_dtype", "dtype", "gives another dtype", around(entry, after=_mapped(_retyped)))


def _mapped(change: Callable[[Any], Any]) -> After:
    """A change of a result, or of each of a list of them."""
    return lambda found, given: _over(change, found)


def _over(change: Callable[[Any], Any], found: Any) -> Any:
    if isinstance(found, list | tuple):
        return [_over(change, one) for one in found]
    return change(numpy.asarray(plain(found)))


def _negated(y: Any) -> Any:
    if y.dtype == bool:
        return ~y
    return -y if y.dtype.kind != "u" else y + y.dtype.type(1)


def _back(y: Any) -> Any:
    return y[..., ::-1] if y.ndim else y


def _turned(y: Any) -> Any:
    return numpy.swapaxes(y, -1, -2) if y.ndim > 1 else y


def _first_row(y: Any) -> Any:
    return numpy.broadcast_to(y[:1], y.shape) if y.ndim and len(y) else y


def _retyped(y: Any) -> Any:
    return y.astype(numpy.int32) if y.dtype.kind in "fb" else y.astype(float)


# dtypes


def _integers(entry: Entry) -> Iterator[Mistake]:
    if not entry.takes_integers:
        return
    yield Mistake(
        entry, "integers_as_floats", "dtype", "gives floats for integers", around(entry, after=_of_integers(float))
    )
    yield Mistake(
        entry,
        "integers_stay",
        "dtype",
        "gives integers for integers",
        around(entry, after=_of_integers(numpy.int32)),
    )


def _of_integers(dtype: Any) -> After:
    """What comes out in another dtype where integers alone go in; as it is where it has it already."""

    def changed(found: Any, given: Mapping[str, Any]) -> Any:
        arrays = [value for value in _flat(given.values()) if isinstance(value, numpy.ndarray)]
        if not arrays or any(is_float(value) or value.dtype == bool for value in arrays):
            return found
        return _over(lambda y: y if y.dtype == bool else y.astype(dtype), found)

    return changed


def _flat(values: Any) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list | tuple):
            yield from _flat(value)
        else:
            yield plain(value)


# NaN, infinities, zeros


def _specials(entry: Entry) -> Iterator[Mistake]:
    if not entry.takes_specials:
        return
    rows = (
        ("nan_as_zero", "takes NaN for 0", lambda x: numpy.where(numpy.isnan(x), 0.0, x)),
        ("infinities_cut", "cuts infinities at the ends of float32", lambda x: numpy.clip(x, -MOST, MOST)),
    )
    for name, mistake, change in rows:
        if name == "infinities_cut" and not entry.takes_infinities:
            continue
        wrong = around(entry, _with_floats(entry, change))
        yield Mistake(entry, name, "special", mistake, wrong)


def _with_floats(entry: Entry, change: Callable[[Any], Any]) -> Before:
    def changed(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return type(value)(changed(one) for one in value)
        held = plain(value)
        return change(held) if is_float(held) and isinstance(held, numpy.ndarray) else value

    return lambda given: {name: changed(value) if name in entry.inputs else value for name, value in given.items()}


# nothing, one, a number


def _edges(entry: Entry) -> Iterator[Mistake]:
    def sizes(given: Mapping[str, Any]) -> list[int]:
        return [numpy.size(x) for x in _flat(value for name, value in given.items() if name in entry.inputs)]

    def refuses(given: dict[str, Any]) -> dict[str, Any]:
        if 0 in sizes(given):
            raise ValueError("an array of nothing")
        return given

    def squeezed(found: Any, given: Mapping[str, Any]) -> Any:
        is_one = all(size == 1 for size in sizes(given))
        return _over(lambda y: numpy.squeeze(y) if is_one else y, found)

    if entry.inputs and entry.takes_none:
        yield Mistake(entry, "refuses_nothing", "edge", "refuses an array of no elements", around(entry, refuses))
    if entry.inputs:
        yield Mistake(entry, "squeezes_one", "edge", "loses the axes of one element", around(entry, after=squeezed))
