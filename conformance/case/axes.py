"""Lengths of axes as small arithmetic: `7`, `steps`, `ceil(steps / 2)`, `max(steps - k + 1, 0)`.

Text is parsed by Python's own parser, only what is listed below gets through, and the tree is walked, never `eval`ed.
Numbers are exact fractions until the end, and the end must be an integer: `steps / 2` of an odd length is a mistake,
not a rounding rule. There is no power and no loop, so no text can take long.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from math import ceil, floor, isfinite
from typing import NamedTuple

from conformance.case.model import Axis, Case, Input
from conformance.case.problems import did_you_mean, listed

MAX_TEXT = 120
MAX_LENGTH = 2**31 - 1
"""Lengths beyond this are a mistake in every framework."""

_OTHER_NUMBER = re.compile(r"\b[0-9]+[A-Za-z_]")
"""Python has numbers that YAML does not have: 1_000, 0x10, 1e3, 2j."""

Number = int | float
Bindings = Mapping[str, Number]
"""Axis names and numeric matrix variables, and what they stand for."""

FUNCTIONS: dict[str, tuple[Callable[..., Fraction | int], int, int]] = {
    "ceil": (ceil, 1, 1),
    "floor": (floor, 1, 1),
    "max": (max, 2, 8),
    "min": (min, 2, 8),
}
"""Function, fewest and most arguments."""
_OPERATORS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction | int]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.FloorDiv: lambda a, b: a // b,
}


class AxisError(Exception):
    """A length that cannot be read or worked out; `column` counts from 0 within the text."""

    def __init__(self, message: str, hint: str | None = None, column: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.column = column


class Arithmetic(NamedTuple):
    """A parsed length, and the names in it."""

    tree: ast.expr
    names: frozenset[str]


@lru_cache(maxsize=4096)
def parse(text: str) -> Arithmetic:
    """Reads the text of a length. Raises AxisError for anything that the little language does not have."""
    if len(text) > MAX_TEXT:
        raise AxisError(f"arithmetic of {len(text)} characters; {MAX_TEXT} are allowed")
    try:
        if _OTHER_NUMBER.search(text):
            raise ValueError("a number that is not made of digits")
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise AxisError("not a length", "write a number, a named axis, or arithmetic such as ceil(steps / 2)") from None
    names: set[str] = set()
    _check(tree, names)
    return Arithmetic(tree, frozenset(names))


def _check(node: ast.expr, names: set[str]) -> None:
    match node:
        case ast.Name(name):
            names.add(name)
        case ast.Constant(value) if type(value) is int:
            if value > MAX_LENGTH:
                raise AxisError(f"the number is larger than {MAX_LENGTH}", column=node.col_offset)
        case ast.UnaryOp(ast.USub(), operand):
            _check(operand, names)
        case ast.BinOp(left, operator, right) if type(operator) in _OPERATORS:
            _check(left, names)
            _check(right, names)
        case ast.Call(ast.Name(name), args, []):
            if name not in FUNCTIONS:
                raise AxisError(f"unknown function {name}", _functions(name), node.col_offset)
            _, fewest, most = FUNCTIONS[name]
            if not fewest <= len(args) <= most:
                takes = "1 number" if most == 1 else f"{fewest} to {most} numbers"
                raise AxisError(f"{name} takes {takes}, not {len(args)}", column=node.col_offset)
            for argument in args:
                _check(argument, names)
        case _:
            hint = "use integers, names, + - * / // and ceil, floor, max, min"
            raise AxisError("not part of the arithmetic of lengths", hint, node.col_offset)


def _functions(name: str) -> str:
    return did_you_mean(name, FUNCTIONS) or f"there are {', '.join(FUNCTIONS)}"


def names_in(axis: Axis) -> frozenset[str]:
    """The names that a length depends on. Raises AxisError."""
    return parse(axis).names if isinstance(axis, str) else frozenset()


def value(axis: Axis, bindings: Bindings) -> int:
    """The integer that an axis stands for; it may be negative. Raises AxisError, saying with which numbers."""
    if isinstance(axis, int):
        return axis
    direct = bindings.get(axis)
    if type(direct) is int:
        return direct
    arithmetic = parse(axis)
    unknown = sorted(arithmetic.names - bindings.keys())
    if unknown:
        hint = did_you_mean(unknown[0], bindings) or f"named axes here: {listed(bindings)}"
        raise AxisError(f"unknown axis {unknown[0]}", hint, max(axis.find(unknown[0]), 0))
    numbers = {name: Fraction(str(bindings[name])) for name in arithmetic.names}
    with_numbers = _with_numbers(arithmetic, bindings)
    try:
        exact = Fraction(_walk(arithmetic.tree, numbers))
    except ZeroDivisionError:
        raise AxisError(f"{axis} divides by zero{with_numbers}") from None
    if exact.denominator != 1:
        hint = f"write ceil({axis}) or floor({axis})"
        raise AxisError(f"{axis} is {exact}{with_numbers}, not an integer", hint)
    if abs(exact) > MAX_LENGTH:
        raise AxisError(f"{axis} is larger than {MAX_LENGTH}{with_numbers}")
    return int(exact)


def _with_numbers(arithmetic: Arithmetic, bindings: Bindings) -> str:
    used = ", ".join(f"{name} = {bindings[name]}" for name in sorted(arithmetic.names))
    return f" with {used}" if used else ""


def _walk(node: ast.expr, numbers: Mapping[str, Fraction]) -> Fraction | int:
    match node:
        case ast.Name(name):
            return numbers[name]
        case ast.Constant(number) if isinstance(number, int):
            return Fraction(number)
        case ast.UnaryOp(_, operand):
            return -_walk(operand, numbers)
        case ast.BinOp(left, operator, right):
            return _OPERATORS[type(operator)](Fraction(_walk(left, numbers)), Fraction(_walk(right, numbers)))
        case ast.Call(ast.Name(name), args):
            return FUNCTIONS[name][0](*(_walk(argument, numbers) for argument in args))
    raise AssertionError(f"{type(node).__name__} got past the check")


def length(axis: Axis, bindings: Bindings) -> int:
    """The length of an axis: an integer from 0. Raises AxisError."""
    number = value(axis, bindings)
    if number < 0:
        used = _with_numbers(parse(axis), bindings) if isinstance(axis, str) else ""
        raise AxisError(f"{axis} is {number}{used}", "a length is at least 0; max(..., 0) where nothing is left")
    return number


def shape(axes: Sequence[Axis], bindings: Bindings) -> tuple[int, ...]:
    """The lengths of several axes. Raises AxisError."""
    return tuple(length(axis, bindings) for axis in axes)


def bindings_of(case: Case, run: int) -> dict[str, Number]:
    """What the names in a case's lengths stand for in one of its runs."""
    return {**numeric(case.matrix), **case.sizes[run]}


def numeric(matrix: Mapping[str, object]) -> dict[str, Number]:
    """The matrix variables that arithmetic can use: integers and fractions, no truth values."""
    return {
        name: number
        for name, number in matrix.items()
        if isinstance(number, int | float) and not isinstance(number, bool) and isfinite(number)
    }


def symbolic_shape(case: Case, item: Input) -> list[int | None]:
    """The lengths of an input in the symbolic run: None where one depends on `batch` or a `dynamic` axis."""
    return symbolic(item.shape, bindings_of(case, 0), case.dynamic)


def runs_as_promised(case: Case) -> tuple[int, ...]:
    """The runs of which a symbolic run speaks: it has the first run's lengths for all axes that are not open."""
    promised = [symbolic(item.shape, bindings_of(case, 0), case.dynamic) for item in case.inputs]
    return tuple(
        run
        for run in range(len(case.sizes))
        if [symbolic(item.shape, bindings_of(case, run), case.dynamic) for item in case.inputs] == promised
    )


def symbolic(axes: Sequence[Axis], bindings: Bindings, dynamic: Sequence[str]) -> list[int | None]:
    """The lengths of axes, None for those that depend on `batch` or a dynamic axis. Raises AxisError."""
    is_open = {"batch", *dynamic}
    return [None if names_in(axis) & is_open else length(axis, bindings) for axis in axes]
