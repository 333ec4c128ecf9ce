"""Regularisers and constraints in torch against the reference."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from conformance.lanes.torch.penalties import activity_penalty, penalty, project  # noqa: E402  # torch may be missing
from conformance.oracle.penalties import cost_of_activity  # noqa: E402  # as above
from conformance.reference.constraints import CONSTRAINTS, make_constraint  # noqa: E402  # as above
from conformance.reference.regularizers import REGULARIZERS, make_regularizer  # noqa: E402  # as above

W = numpy.random.default_rng(4).normal(size=(4, 3))


def full(made: Any) -> dict[str, Any]:
    return {"type": type(made).__name__, **dataclasses.asdict(made)}


@pytest.mark.parametrize("kind", sorted(REGULARIZERS))
@pytest.mark.parametrize("mode", ["rows", "columns"])
def test_penalties(kind: str, mode: str) -> None:
    made = make_regularizer({"type": kind, "l1": 0.3, "l2": 0.7, "factor": 0.4, "mode": mode})
    assert float(penalty(full(made), torch.tensor(W))) == pytest.approx(float(made.penalty(W)))


@pytest.mark.parametrize("kind", sorted(CONSTRAINTS))
@pytest.mark.parametrize("axis", [0, 1, [0, 1]])
@pytest.mark.parametrize("rate", [1.0, 0.25])
def test_constraints(kind: str, axis: Any, rate: float) -> None:
    written = {"type": kind, "axis": axis, "rate": rate, "min_value": 1.5, "max_value": 1.75}
    made = make_constraint(written)
    moved = torch.tensor(W)
    project(full(made), moved)
    numpy.testing.assert_allclose(moved.numpy(), made.project(W), rtol=1e-6)


@pytest.mark.parametrize("shape", [(4, 3), (0, 3), ()])
def test_penalties_of_outputs(shape: tuple[int, ...]) -> None:
    config = {"type": "L1L2", "l1": 0.3, "l2": 0.7}
    y = numpy.random.default_rng(3).normal(size=shape)
    wanted = cost_of_activity(config, [y, 2 * y])
    assert float(activity_penalty(config, [torch.tensor(y), torch.tensor(2 * y)])) == pytest.approx(wanted)
