"""Merges and dot products in torch against the reference, over the grid of options."""

from __future__ import annotations

import itertools
from typing import Any

import numpy
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from conformance.lanes.torch import dot, merging  # noqa: E402, F401  # registers the ports
from conformance.reference import dot as _dot  # noqa: E402, F401  # registers the layers
from conformance.reference import merging as _merging  # noqa: E402, F401  # as above
from tests.lanes.port_agreement import assert_port_agrees, assert_same  # noqa: E402  # torch may be missing

RANDOM = numpy.random.default_rng(31)
ELEMENTWISE = ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"]


def drawn(*shape: int) -> Any:
    """Numbers around 0.3, without ties."""
    return RANDOM.normal(size=shape) + 0.3


def some(*shape: int) -> Any:
    """A mask, true two times in three."""
    return RANDOM.random(shape) < 0.66


@pytest.mark.parametrize("kind", [*ELEMENTWISE, "MaskedAverage", "Concatenate"])
def test_merges(kind: str) -> None:
    for number in (2, 3):
        for masked in itertools.product([False, True], repeat=number):
            inputs = [drawn(3, 5, 4) for _ in range(number)]
            masks = [some(3, 5) if is_masked else None for is_masked in masked]
            mask = masks if any(masked) else None
            for config in [{}] if kind != "Concatenate" else [{}, {"axis": 1}, {"axis": -2}, {"axis": 0}]:
                assert_port_agrees(kind, config, inputs, mask=mask)


@pytest.mark.parametrize("kind", [*ELEMENTWISE, "Concatenate"])
@pytest.mark.parametrize(
    "shapes",
    [
        [(3, 5, 4), (3, 4)],
        [(3, 4), (3, 5, 4)],
        [(3, 5, 4), (3, 1, 4)],
        [(3, 5, 4), (3, 5, 1)],
        [(3, 5, 4), (3, 5, 3)],
        [(3, 5, 4), (2, 5, 4)],
        [(3, 5, 4), (1, 5, 4)],
        [(3, 2, 5, 4), (3, 5, 4)],
    ],
)
def test_shapes_that_differ(kind: str, shapes: Any) -> None:
    assert_port_agrees(kind, {}, [drawn(*shape) for shape in shapes])


@pytest.mark.parametrize("axis", [1, 2, -1, -2])
def test_masked_average_over_an_axis(axis: int) -> None:
    mask = some(3, 5)
    mask[0] = False
    assert_port_agrees("MaskedAverage", {"axis": axis}, drawn(3, 5, 4), mask=mask)
    assert_port_agrees("MaskedAverage", {"axis": axis}, drawn(3, 5, 4))


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize(
    ("x", "y", "axes"),
    [
        ((2, 2, 4), (2, 4), [2, 1]),
        ((2, 3, 5), (2, 10, 3), [1, 2]),
        ((2, 4), (2, 4), 1),
        ((2, 4), (2, 3, 4), -1),
        ((2, 3, 4), (2, 3, 4), 1),
        ((2, 7, 3, 4), (2, 5, 4, 6), [3, 2]),
        ((2, 7, 3, 4), (2, 3), [2, 1]),
        ((2, 3), (2, 5, 3, 6), [1, 2]),
        ((2, 3, 4), (2, 3, 4), 0),
        ((2, 3, 4), (4,), -1),
        ((2, 3, 4), (3, 3, 4), -1),
        ((1, 3, 4), (3, 3, 4), -1),
        ((2, 3, 1), (2, 5, 4), [2, 2]),
        ((2, 3, 4), (2, 5, 4), 5),
        ((2, 3, 4), (2, 5, 4), -3),
    ],
)
def test_dot(x: Any, y: Any, axes: Any, normalize: bool) -> None:
    assert_port_agrees("Dot", {"axes": axes, "normalize": normalize}, [drawn(*x), drawn(*y)])


def test_the_comparison_can_fail() -> None:
    with pytest.raises(AssertionError):
        assert_same(torch.tensor([1.0, 2.0]), numpy.array([1.0, 2.001]), "")
    with pytest.raises(AssertionError):
        assert_same(torch.tensor([1.0]), numpy.array([[1.0]]), "")
    with pytest.raises(AssertionError):
        assert_same(None, numpy.array([True]), "")
