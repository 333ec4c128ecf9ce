"""The arithmetic of lengths: exact, closed, bounded."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.case import axes
from conformance.case.axes import AxisError
from tests.case.casefile import only

BINDINGS = {"steps": 7, "k": 3, "half": 0.5, "tenth": 0.1}

VALUES = [
    (7, 7),
    ("steps", 7),
    ("steps - k + 1", 5),
    ("ceil(steps / 2)", 4),
    ("floor(steps / 2)", 3),
    ("steps // 2", 3),
    ("-steps // 2", -4),
    ("-(steps - k)", -4),
    ("max(steps - 10, 0)", 0),
    ("min(steps, k, 5)", 3),
    ("steps * half * 2", 7),
    ("10 * tenth", 1),
    ("30 * tenth / 3", 1),
    ("(steps - (k - 1) - 1) // 2 + 1", 3),
]


@pytest.mark.parametrize(("axis", "expected"), VALUES)
def test_values_worked_out_by_hand(axis: str, expected: int) -> None:
    assert axes.value(axis, BINDINGS) == expected


_Tree = tuple[str, Fraction | None]


def _leaves() -> st.SearchStrategy[_Tree]:
    numbers = st.integers(0, 60).map(lambda n: (str(n), Fraction(n)))
    names = st.sampled_from([("steps", Fraction(7)), ("k", Fraction(3)), ("half", Fraction(1, 2))])
    return numbers | names


def _binary(pair: tuple[_Tree, str, _Tree]) -> _Tree:
    (left, a), operator, (right, b) = pair
    text = f"({left} {operator} {right})"
    if a is None or b is None or (operator in ("/", "//") and b == 0):
        return text, None
    results: dict[str, Callable[[], Fraction | int]] = {
        "+": lambda: a + b,
        "-": lambda: a - b,
        "*": lambda: a * b,
        "/": lambda: a / b,
        "//": lambda: a // b,
    }
    return text, Fraction(results[operator]())


def _unary(pair: tuple[str, _Tree]) -> _Tree:
    function, (text, number) = pair
    results: dict[str, Any] = {"ceil": math.ceil, "floor": math.floor, "-": lambda x: -x}
    return f"{function}({text})", None if number is None else Fraction(results[function](number))


def _chosen(pair: tuple[str, list[_Tree]]) -> _Tree:
    function, trees = pair
    text = f"{function}({', '.join(text for text, _ in trees)})"
    numbers = [number for _, number in trees]
    return text, None if None in numbers else {"max": max, "min": min}[function](numbers)  # type: ignore[type-var]


TREES = st.recursive(
    _leaves(),
    lambda tree: st.one_of(
        st.tuples(tree, st.sampled_from(["+", "-", "*", "/", "//"]), tree).map(_binary),
        st.tuples(st.sampled_from(["ceil", "floor", "-"]), tree).map(_unary),
        st.tuples(st.sampled_from(["max", "min"]), st.lists(tree, min_size=2, max_size=3)).map(_chosen),
    ),
    max_leaves=8,
)
"""A text, and the fraction that it stands for (None where it divides by zero), built side by side."""


@given(TREES)
def test_arithmetic_is_that_of_fractions(tree: _Tree) -> None:
    text, expected = tree
    if len(text) > axes.MAX_TEXT:
        with pytest.raises(AxisError, match="characters"):
            axes.value(text, BINDINGS)
    elif expected is None or expected.denominator != 1 or abs(expected) > axes.MAX_LENGTH:
        with pytest.raises(AxisError):
            axes.value(text, BINDINGS)
    else:
        assert axes.value(text, BINDINGS) == expected


@given(st.text(max_size=40) | st.text("0123456789+-*/(), stepk.", max_size=40))
def test_any_text_is_a_length_or_an_axis_error(text: str) -> None:
    try:
        found: object = axes.value(text, BINDINGS)
    except AxisError as error:
        found = error
    assert isinstance(found, int | AxisError)


MESSAGES = {
    "steps / 2": ("steps / 2 is 7/2 with steps = 7, not an integer", "write ceil(steps / 2) or floor(steps / 2)"),
    "step": ("unknown axis step", "did you mean steps?"),
    "x": ("unknown axis x", "named axes here: steps, k, half, tenth"),
    "steps / (k - 3)": ("steps / (k - 3) divides by zero with k = 3, steps = 7", None),
    "steps ** 2": (
        "not part of the arithmetic of lengths",
        "use integers, names, + - * / // and ceil, floor, max, min",
    ),
    "1.5 * steps": (
        "not part of the arithmetic of lengths",
        "use integers, names, + - * / // and ceil, floor, max, min",
    ),
    "floo(steps)": ("unknown function floo", "did you mean floor?"),
    "round(steps)": ("unknown function round", "there are ceil, floor, max, min"),
    "max(steps)": ("max takes 2 to 8 numbers, not 1", None),
    "ceil(steps, 2)": ("ceil takes 1 number, not 2", None),
    "steps +": ("not a length", "write a number, a named axis, or arithmetic such as ceil(steps / 2)"),
    "": ("not a length", "write a number, a named axis, or arithmetic such as ceil(steps / 2)"),
    "9999999999": ("the number is larger than 2147483647", None),
    "99999 * 99999": ("99999 * 99999 is larger than 2147483647", None),
    "1" + " + 1" * 60: ("arithmetic of 241 characters; 120 are allowed", None),
}


@pytest.mark.parametrize(("text", "expected"), MESSAGES.items(), ids=range(len(MESSAGES)))
def test_what_is_wrong_and_what_to_do(text: str, expected: tuple[str, str | None]) -> None:
    with pytest.raises(AxisError) as raised:
        axes.value(text, BINDINGS)
    assert (raised.value.message, raised.value.hint) == expected


def test_a_length_is_not_negative() -> None:
    with pytest.raises(AxisError) as raised:
        axes.length("k - steps", BINDINGS)
    assert raised.value.message == "k - steps is -4 with k = 3, steps = 7"
    assert raised.value.hint == "a length is at least 0; max(..., 0) where nothing is left"
    assert axes.length("k - 3", BINDINGS) == 0


HOSTILE = [
    "__import__('os').system('ls')",
    "steps.__class__",
    "[1 for _ in steps]",
    "lambda: 1",
    "steps if k else 1",
    "steps[0]",
    "2 ** 99999999",
    "f'{steps}'",
    "max(*[1, 2])",
    "ceil(x=1)",
    "True",
    "(steps := 3)",
    "steps\n+ 1; 2",
    "\0",
    "(" * 60 + "1" + ")" * 60,
    "-" * 119 + "1",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_else_gets_through(text: str) -> None:
    with pytest.raises(AxisError):
        axes.length(text, BINDINGS)


def test_the_symbolic_shape_leaves_dynamic_axes_open(tmp_path: Path) -> None:
    case = only(
        tmp_path,
        dims="dims: {batch: 2, steps: [5, 7], dim: 3}",
        dynamic="dynamic: [steps]",
        inputs='    inputs: {x: {shape: [batch, steps, dim, 4, "ceil(steps / 2)", "dim + 1"]}}',
    )
    assert axes.symbolic_shape(case, case.inputs[0]) == [None, None, 3, 4, None, 4]
    assert [axes.shape(case.inputs[0].shape, axes.bindings_of(case, run)) for run in (0, 1)] == [
        (2, 5, 3, 4, 3, 4),
        (2, 7, 3, 4, 4, 4),
    ]


def test_matrix_numbers_have_names_in_lengths() -> None:
    matrix = {"k": 3, "rate": 0.5, "flag": True, "word": "same", "pair": [1, 2], "open": float("nan")}
    assert axes.numeric(matrix) == {"k": 3, "rate": 0.5}
