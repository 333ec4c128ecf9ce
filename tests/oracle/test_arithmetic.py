"""The way back through a subscript, as autograd takes it here."""

from __future__ import annotations

from typing import Any

import autograd
import autograd.numpy as np
import numpy
import pytest
from autograd.extend import defvjp, primitive

import conformance.oracle.arithmetic  # noqa: F401  # what is looked at is what it puts in autograd's place


@primitive  # type: ignore[untyped-decorator]  # autograd ships no types
def _doubled(x: Any) -> Any:
    return 2.0 * x


defvjp(_doubled, lambda ans, x: lambda g: numpy.ones((1, 5, 7, 3)))


def test_a_slope_of_another_shape_is_refused_where_numpy_ends_the_process() -> None:
    """Of (1, 5, 7, 3), [:, 0, 0] takes (1, 3): a slip that hands on a slope of all four axes cannot be added there."""
    with pytest.raises(ValueError, match="a slope of shape"):
        autograd.grad(lambda x: np.sum(_doubled(x[:, 0, 0])))(numpy.ones((1, 5, 7, 3)))
    given = autograd.grad(lambda x: np.sum(x[:, 0, 0] ** 2))(numpy.ones((1, 5, 7, 3)))
    assert given.sum() == 6.0
