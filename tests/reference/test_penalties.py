"""Regularisers and constraints against numbers worked out by hand, and finite differences."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from conformance.reference.base import LayerError
from conformance.reference.constraints import CONSTRAINTS, make_constraint
from conformance.reference.regularizers import L1, L1L2, L2, REGULARIZERS, OrthogonalRegularizer, make_regularizer
from tests.reference.helpers import assert_directional_derivative

W = numpy.array([[3.0, -0.6], [-4.0, 0.8]])


@pytest.mark.parametrize(
    ("regularizer", "expected"),
    [
        # 3 + 0.6 + 4 + 0.8 and 9 + 0.36 + 16 + 0.64
        (L1(l1=0.5), 4.2),
        (L2(l2=0.5), 13),
        (L1L2(l1=0.5, l2=0.5), 17.2),
        (L1L2(), 0),
        # the columns (3, -4) and (-0.6, 0.8) lie on one line; the rows (3, -0.6), (-4, 0.8) do too
        (OrthogonalRegularizer(factor=0.1), 0.1),
        (OrthogonalRegularizer(factor=0.1, mode="columns"), 0.1),
    ],
)
def test_penalties(regularizer: Any, expected: float) -> None:
    assert regularizer.penalty(W) == pytest.approx(expected)


def test_angles_of_three_rows() -> None:
    """(1, 0), (0, 2) and (1, 1): cosines 0, 1 / sqrt 2 and 1 / sqrt 2."""
    rows = numpy.array([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    assert OrthogonalRegularizer(factor=1.0).penalty(rows) == pytest.approx(2 / 3 / 2**0.5)
    assert OrthogonalRegularizer(factor=1.0, mode="columns").penalty(rows) == pytest.approx(1 / (2 * 5) ** 0.5)
    with pytest.raises(LayerError, match="is for matrices"):
        OrthogonalRegularizer().penalty(numpy.ones(3))


@pytest.mark.parametrize("kind", sorted(REGULARIZERS))
def test_gradients(kind: str) -> None:
    given = {"type": kind, "l1": 0.3, "l2": 0.7, "factor": 0.4}
    regularizer = make_regularizer(given)
    random = numpy.random.default_rng(2)
    point = random.normal(size=12)
    assert_directional_derivative(lambda v: regularizer.penalty(v.reshape(4, 3)), point, random.normal(size=12))


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        # norms along axis 0: 5 and 1
        ({"type": "MaxNorm", "max_value": 2.0}, [[1.2, -0.6], [-1.6, 0.8]]),
        ({"type": "MinMaxNorm", "min_value": 2.0, "max_value": 4.0}, [[2.4, -1.2], [-3.2, 1.6]]),
        # half of the way: from 5 to 4.5, from 1 to 1.5
        ({"type": "MinMaxNorm", "min_value": 2.0, "max_value": 4.0, "rate": 0.5}, [[2.7, -0.9], [-3.6, 1.2]]),
        ({"type": "NonNeg"}, [[3, 0], [0, 0.8]]),
        ({"type": "UnitNorm"}, [[0.6, -0.6], [-0.8, 0.8]]),
        ({"type": "UnitNorm", "axis": [0, 1]}, W / 26**0.5),
    ],
)
def test_constraints(config: dict[str, Any], expected: Any) -> None:
    numpy.testing.assert_allclose(make_constraint(config).project(W), expected, rtol=1e-6)


def test_a_weight_of_zeros_stays() -> None:
    for kind in CONSTRAINTS:
        assert not make_constraint({"type": kind, "min_value": 1.0}).project(numpy.zeros((2, 2))).any()
