"""Slips in the formulas of `keras.ops`: one place of an operation's own lines written otherwise."""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterator
from typing import Any

from conformance.mutants.formula import HOME, Words, called_names, function_slips
from conformance.mutants.operation import Mistake
from conformance.reference.operations.base import Entry

WORDS = Words(
    kinds=(
        ("sum", "mean", "max", "min", "prod", "nansum"),
        ("floor", "ceil", "trunc", "round"),
        ("argmax", "argmin"),
        ("cumsum", "cumprod"),
        ("greater", "greater_equal", "less", "less_equal"),
        ("equal", "not_equal"),
        ("logical_and", "logical_or", "logical_xor"),
        ("bitwise_and", "bitwise_or", "bitwise_xor"),
        ("left_shift", "right_shift"),
        ("maximum", "minimum"),
        ("maximum", "fmax"),
        ("minimum", "fmin"),
        ("mod", "fmod"),
        ("floor_divide", "divide"),
        ("sin", "cos", "tan"),
        ("sinh", "cosh", "tanh"),
        ("arcsin", "arccos", "arctan"),
        ("arcsinh", "arccosh", "arctanh"),
        ("exp", "expm1", "exp2"),
        ("log", "log2", "log10", "log1p"),
        ("logaddexp", "logaddexp2"),
        ("zeros", "ones"),
        ("isfinite", "isinf", "isnan"),
        ("isposinf", "isneginf", "isinf"),
        ("gcd", "lcm"),
        ("any", "all"),
        ("var", "std"),
        ("quantile", "nanquantile"),
        ("median", "nanmedian"),
        ("square", "abs", "sqrt"),
        ("sign", "negative", "abs", "signbit"),
        ("dot", "outer"),
        ("det", "inv"),
    ),
    left_out=frozenset(
        {
            *("tanh", "sqrt", "exp", "log", "abs", "clip", "where", "maximum", "minimum", "moveaxis", "swapaxes"),
            *("like", "int32", "sigmoid", "softmax", "flip", "sort", "reversed", "sorted", "negative", "log1p"),
        }
    ),
    turns_truths=True,
    about_one=False,
)


def slips_of(entry: Entry) -> Iterator[Mistake]:
    """Every slip in the lines of an operation, and in the helpers of its own family."""
    own = entry.function
    module = inspect.getmodule(own)
    number = 0
    for slip in function_slips(module, own.__name__, own, WORDS):
        number += 1
        yield Mistake(entry, f"slip_{number}", "formula", slip.mistake, slip.made)
    for owner, name, helper in _helpers(own):
        for slip in function_slips(owner, name, helper, WORDS):
            number += 1
            yield Mistake(entry, f"slip_{number}", "formula", slip.mistake, own, slip.applied)


def _helpers(function: Any) -> Iterator[tuple[Any, str, Any]]:
    """The functions beside an operation that it calls, and those that they call; of layers' modules the first alone."""
    found: dict[str, tuple[Any, str, Any]] = {}
    todo = [function]
    while todo:
        names = called_names(todo.pop().__code__)
        for name in names:
            held = function.__globals__.get(name)
            if isinstance(held, types.ModuleType) and held.__name__.startswith(HOME):
                for other in names:
                    if isinstance(vars(held).get(other), types.FunctionType):
                        found.setdefault(other, (held, other, vars(held)[other]))
            is_beside = isinstance(held, types.FunctionType) and held.__module__ == function.__module__
            if is_beside and name not in found and held is not function:
                found[name] = (inspect.getmodule(function), name, held)
                todo.append(held)
    yield from found.values()
