"""Rounded arithmetic: it moves what cancels, moves nothing that is only chosen, and never touches its arguments."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import autograd.numpy as np
import numpy
import pytest

from conformance.oracle.arithmetic import _ROUNDING, EXACT, Arithmetic, rounding

UNIT = 2.0**-24
ROOT = Path(__file__).parents[2] / "conformance"
ROUNDS_NOTHING = {
    *(
        "abs",
        "broadcast_to",
        "dtype",
        "clip",
        "concatenate",
        "expand_dims",
        "flip",
        "max",
        "maximum",
        "min",
        "minimum",
        "moveaxis",
    ),
    *(
        "full",
        "isneginf",
        "round",
        "pad",
        "ravel",
        "repeat",
        "reshape",
        "roll",
        "squeeze",
        "stack",
        "swapaxes",
        "take",
        "tile",
        "transpose",
        "where",
    ),
    *("arange", "array", "asarray", "eye", "errstate", "inf", "ndim", "ones", "ones_like", "random", "shape", "size"),
    *("zeros", "zeros_like", "all", "any", "argsort", "count_nonzero", "equal", "greater", "isclose", "isnan"),
    *("logical_and", "logical_not", "logical_or", "sign"),
    *("broadcast_arrays", "floor", "iinfo", "isfinite", "nan", "split"),
    *("argmax", "argmin", "ceil", "floor_divide", "fmax", "fmin", "fmod", "negative", "trunc"),
    *("bitwise_and", "bitwise_not", "bitwise_or", "bitwise_xor", "gcd", "lcm", "left_shift", "right_shift"),
    *("greater_equal", "isinf", "isposinf", "less", "less_equal", "logical_xor", "not_equal", "signbit"),
    "linalg",  # a module: what is in it has names of its own
    "sinc",  # of a config's numbers only, never of what is traced
}
"""What the reference uses of NumPy that chooses, moves, counts or compares."""
X = numpy.array([[3.0, 1.0, -2.0], [0.5, 4.0, 4.5]])


def moves(arithmetic: Arithmetic, function: Any, x: Any = X) -> tuple[Any, Any]:
    """How far value and gradient lie from the exact ones."""
    value = arithmetic.run(function)(x) - EXACT.run(function)(x)
    gradient = arithmetic.grad(lambda x: np.sum(function(x)))(x) - EXACT.grad(lambda x: np.sum(function(x)))(x)
    return value, gradient


def normalized(x: Any) -> Any:
    centered = x - np.mean(x, axis=-1, keepdims=True)
    return centered / np.sqrt(np.mean(centered**2, axis=-1, keepdims=True))


def test_what_cancels_moves_by_what_its_terms_are_rounded_by() -> None:
    value, gradient = moves(rounding(UNIT, 0), lambda x: (x + 1000.0) - 1000.0)
    assert UNIT * 10 < numpy.abs(value).max() < UNIT * 1010
    assert 0 < numpy.abs(gradient).max() < 4 * UNIT


def test_a_normalization_over_two_numbers_moves_though_its_inputs_do_not_move_it() -> None:
    x = numpy.array([[10.0, 10.5], [-7.0, -7.125]])
    near = x * (1 + UNIT * numpy.array([[1.0, -1.0], [-1.0, 1.0]]))
    assert numpy.abs(normalized(near) - normalized(x)).max() < 1e-12  # ±1 whatever the numbers are
    value, gradient = moves(rounding(UNIT, 0), normalized, x)
    assert numpy.abs(value).max() > UNIT
    assert numpy.abs(gradient).max() > UNIT


def test_a_gradient_of_nothing_is_made_of_terms_that_are_rounded() -> None:
    def summed(x: Any) -> Any:
        powers = np.exp(x)
        return np.sum(powers / np.sum(powers, axis=-1, keepdims=True))

    assert numpy.abs(EXACT.grad(summed)(X)).max() < 1e-15
    assert 1e-9 < numpy.abs(rounding(UNIT, 0).grad(summed)(X)).max() < 1e-6


@pytest.mark.parametrize(
    "choose",
    [
        lambda x: np.max(x, axis=-1),
        lambda x: np.minimum(x, 1.0),
        lambda x: np.where(x > 1.0, x, 0.0),
        lambda x: np.concatenate([x, x[:, :1]], axis=-1),
        lambda x: np.stack([x, -x]),
        lambda x: np.pad(x, ((0, 0), (1, 1)), "constant"),
        lambda x: np.reshape(np.swapaxes(x, 0, 1), (2, 3))[::-1],
        lambda x: np.abs({"x": x}["x"]),
        lambda x: x[numpy.array([1, 0, 1])],
    ],
)
def test_what_only_chooses_numbers_rounds_none(choose: Any) -> None:
    x = X.copy()
    value, gradient = moves(rounding(UNIT, 0), choose, x)
    assert not value.any()
    assert numpy.array_equal(x, X)
    assert numpy.isfinite(gradient).all()
    assert numpy.abs(gradient).max() < 8 * UNIT


def test_the_way_back_through_a_maximum_finds_it() -> None:
    gradient = rounding(UNIT, 0).grad(lambda x: np.sum(np.max(x * 1.1, axis=-1)))(X)
    assert numpy.allclose(gradient, [[1.1, 0, 0], [0, 0, 1.1]], rtol=1e-6)


def test_arguments_are_never_changed_and_comparisons_are_not_traced() -> None:
    x = X.copy()
    rounding(UNIT, 0).grad(lambda x: np.sum(np.where(x.T.T > 0, x[:, ::-1] * x, x)))(x)
    assert numpy.array_equal(x, X)


def test_the_same_pattern_gives_the_same_numbers_and_another_one_others() -> None:
    first, again, other = (rounding(UNIT, pattern).run(normalized)(X) for pattern in (3, 3, 4))
    assert numpy.array_equal(first, again)
    assert not numpy.array_equal(first, other)


def test_arrays_longer_than_what_was_drawn_are_rounded_whole() -> None:
    x = numpy.ones(100_001)
    value = rounding(UNIT, 0).run(lambda x: x * 3.0)(x)
    assert (value != 3.0).mean() > 0.99
    assert numpy.abs(value / 3.0 - 1.0).max() <= UNIT


def test_a_gradient_by_the_first_of_several_arguments_of_a_table() -> None:
    gradient = rounding(UNIT, 0).grad(lambda held, feed: np.sum(held["w"] * feed) + held["b"])
    found = gradient({"w": X, "b": 2.0, "unused": X}, 2.0)
    assert numpy.allclose(found["w"], 2.0, rtol=1e-6)
    assert found["b"] == pytest.approx(1.0, rel=1e-6)
    assert not found["unused"].any()


def test_what_is_taken_out_of_a_table_still_stands_in_it() -> None:
    held = {"w": X.copy()}
    rounding(UNIT, 0).grad(lambda held: np.sum(held["w"] ** 2))(held)
    assert numpy.array_equal(held["w"], X)


def test_whatever_the_reference_computes_with_is_rounded() -> None:
    used = {
        node.attr
        for path in (*(ROOT / "reference").rglob("*.py"), *(ROOT / "oracle").glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "np"
    }
    assert used <= _ROUNDING | ROUNDS_NOTHING
    assert not _ROUNDING & ROUNDS_NOTHING
    assert {"exp", "where"} <= used
