"""Layers of the user's own in float64: a mask ends where Keras lets it end, and nothing is called twice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from conformance.lanes import keras_policies, own_float64
from conformance.lanes.own_float64 import OwnLayers
from conformance.protocol.wire import pack, unpack


class Counting:
    """A layer that adds how often it was called, and would hand any mask on."""

    def __init__(self, supports_masking: bool) -> None:
        self.supports_masking, self.built, self.calls = supports_masking, False, 0

    def __call__(self, x: Any, **told: Any) -> Any:
        self.built = True
        self.calls += 1
        return x + self.calls

    def compute_mask(self, x: Any, mask: Any) -> Any:
        return mask


class Plain(OwnLayers):
    """The adapter over arrays, with one layer."""

    def __init__(self, layer: Counting) -> None:
        self.layer, self.keras = layer, None

    def _layer(self, body: Any, args: Any) -> Any:
        return self.layer

    def _tensor(self, packed: Any) -> Any:
        return np.array(unpack(packed))

    def _numpy(self, tensor: Any) -> Any:
        return np.asarray(tensor)


@pytest.fixture(autouse=True)
def without_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras_policies, "ensure", lambda keras, policy: None)
    monkeypatch.setattr(own_float64, "matched", lambda layer, path, names: {})


def asked(layer: Counting, wants: str, mask: Any = None) -> dict[str, Any]:
    body = {"args": [pack(np.zeros((2, 3)))], "weights": {}, "path": "team.Counting", "arguments": {}, "wants": wants}
    return Plain(layer)._answer({**body, "mask": None if mask is None else pack(mask)})


@pytest.mark.parametrize("supports_masking", [False, True])
def test_a_mask_ends_at_a_layer_that_supports_none(supports_masking: bool) -> None:
    mask = np.array([[True, False, True], [True, True, False]])
    found = asked(Counting(supports_masking), "mask", mask)["mask"]
    assert (found is not None) is supports_masking
    if found is not None:
        np.testing.assert_array_equal(unpack(found), mask)


def test_a_layer_that_is_built_is_called_once_for_each_answer() -> None:
    """The first call builds it; each answer after that is one call more."""
    layer = Counting(supports_masking=False)
    assert [float(unpack(asked(layer, "values")["value"])[0, 0]) for _ in range(3)] == [2.0, 3.0, 4.0]
