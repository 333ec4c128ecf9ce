"""Activations in torch against the reference, values and gradients."""

from __future__ import annotations

from typing import Any

import autograd
import autograd.numpy as np
import numpy
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from conformance.lanes.torch import activations  # noqa: E402  # torch may be missing
from conformance.reference.activations import ACTIVATIONS, activate  # noqa: E402  # beside its twin

NAMES = sorted(set(ACTIVATIONS) - {"threshold"})


def test_the_names_are_the_same() -> None:
    assert set(activations.ACTIVATIONS) == set(ACTIVATIONS)


@pytest.mark.parametrize("name", NAMES)
def test_values_and_gradients(name: Any) -> None:
    """On signed values and on extremes; exp(80) is near the largest float32. At 0 selu has two slopes, so 0 is out."""
    random = numpy.random.default_rng(5)
    x = random.normal(size=(4, 6)) * 2
    x[0] = [1e-4, -1e-4, 80.0, -100.0, 6.5, -3.5]
    x = x.astype(numpy.float32).astype(float)
    right = activate(name, x)
    cotangent = random.normal(size=right.shape)
    slope = autograd.grad(lambda x: np.sum(cotangent * activate(name, x)))(x)
    given = torch.tensor(x, dtype=torch.float32, requires_grad=True)
    said = activations.activate(name, given)
    said.backward(torch.tensor(cotangent, dtype=torch.float32))  # type: ignore[no-untyped-call]  # torch's own
    numpy.testing.assert_allclose(said.detach().numpy(), right, rtol=1e-5, atol=1e-5)
    numpy.testing.assert_allclose(given.grad.numpy(), slope, rtol=1e-4, atol=1e-5)


def test_no_name_is_linear() -> None:
    x = torch.tensor([-1.0])
    assert activations.activate(None, x) is x


def test_threshold_by_its_name_is_refused() -> None:
    with pytest.raises(ValueError, match="its name alone is not enough"):
        activations.activate("threshold", torch.zeros(1))
