"""The operations of the graph language in the reference: each has a way back, and it is that of finite differences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import autograd
import autograd.numpy as np
import numpy
import pytest

from conformance.case.expressions import OPERATIONS
from conformance.oracle.operations import NumPyOperations
from tests.builders import POOLED, cases_of, fake, records_of

X = numpy.array([[0.5, 1.25, 2.0], [3.5, 0.75, 1.5]])
Y = numpy.array([[2.0, 0.25, 1.0], [1.5, 3.0, 0.125]])
TIMES = numpy.array([1.0, -2.0, 0.5, 3.0, -0.25, 1.5, 2.5, -1.0, 0.75, 4.0, -3.0, 2.25])
"""What the elements of an answer are multiplied by, each by another number."""


def scored(operation: str, x: Any) -> Any:
    """The operation of x, its elements weighted and added up."""
    f = getattr(NumPyOperations(), operation)
    given: Any = {
        "mean": lambda: f(x, axis=[0, 1]),
        "sum": lambda: f(x, axis=0),
        "max": lambda: f(x, axis=-1),
        "min": lambda: f(x),
        "concatenate": lambda: f([x, x], axis=0),
        "stack": lambda: f([x, x], axis=1),
        "transpose": lambda: f(x, [1, 0]),
        "reshape": lambda: f(x, (3, 2)),
        "expand_dims": lambda: f(x, 1),
        "squeeze": lambda: f(np.reshape(x, (2, 1, 3)), 1),
        "flip": lambda: f(x, -1),
        "einsum": lambda: f("ij,kj->ik", x, Y),
        "cast": lambda: f(x, "float32"),
        "exp": lambda: f(x),
        "log": lambda: f(x),
        "sqrt": lambda: f(x),
        "tanh": lambda: f(x),
        "abs": lambda: f(x),
        "where": lambda: f(Y > 1, x, x * x),
        "pad": lambda: f(x, [[0, 0], [1, 0]], 2.0),
        "repeat": lambda: f(x, 2, 0),
    }
    found = np.ravel(given[operation]())
    return np.sum(found * TIMES[: found.shape[0]])


@pytest.mark.parametrize("operation", sorted(set(OPERATIONS) - {"mask", "one_hot", "equal", "greater"}))
def test_every_operation_has_the_way_back_of_its_differences(operation: str) -> None:
    """Ids and comparisons have none. A step of 2^-20 leaves five digits."""
    found, step = autograd.grad(lambda x: scored(operation, x))(X), 2.0**-20
    for index in numpy.ndindex(X.shape):
        moved = numpy.zeros_like(X)
        moved[index] = step
        slope = (scored(operation, X + moved) - scored(operation, X - moved)) / (2 * step)
        assert found[index] == pytest.approx(slope, rel=1e-5, abs=1e-8)


def test_an_operation_without_a_way_back_is_a_failure_of_the_reference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NumPy's own flip, of which autograd knows no way back, in the place of ours."""
    text = POOLED.replace("pooled: pool(embedded)", "pooled: pool(flip(embedded, axis=1))")
    (given,) = records_of(cases_of(text, tmp_path), fake("always_right"))
    assert given["lanes"]["numpy"]["gradient_failure"] is None
    monkeypatch.setattr(NumPyOperations, "flip", lambda self, x, axis: np.flip(x, axis))
    (record,) = records_of(cases_of(text, tmp_path))
    held = record["lanes"]["numpy"]
    assert (held["verdict"], held["findings"][0]["aspect"]) == ("differ", "gradient")
    assert "VJP of flip" in held["gradient_failure"]["message"]


@pytest.mark.parametrize(
    ("axis", "wanted"),
    [(0, X[[1, 0]]), (1, X[:, [2, 1, 0]]), (-1, X[:, [2, 1, 0]]), ([0, 1], X[[1, 0]][:, [2, 1, 0]])],
)
def test_flip_turns_the_axes_that_are_named(axis: Any, wanted: Any) -> None:
    assert NumPyOperations().flip(X, axis).tolist() == wanted.tolist()
