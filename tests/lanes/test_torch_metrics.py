"""Metrics in torch against the reference: several batches of unequal length, weights, masks, resets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from conformance.lanes.torch import metric_counts, metrics  # noqa: E402, F401  # registers the ports
from conformance.lanes.torch.port import PORTS, Config, Parameters  # noqa: E402  # torch may be missing
from conformance.reference.base import LayerError, Weights, full_config, make  # noqa: E402  # as above
from tests.lanes.port_agreement import assert_same, tensors  # noqa: E402  # as above
from tests.reference.metric_batches import CONFIGS, batches  # noqa: E402  # as above


def agree(kind: str, config: Mapping[str, Any], *calls: tuple[tuple[Any, ...], Mapping[str, Any]]) -> None:
    """Asserts that both give the same after each call, or refuse the same."""
    layer, w = make(kind, config), Weights({})
    full, p = Config(kind, full_config(layer)), Parameters({}, {})
    for args, kwargs in calls:
        try:
            right: Any = layer.call(w, *args, **kwargs)
        except LayerError:
            right = None
        try:
            said = PORTS[kind].call(full, p, *tensors(args), **{k: tensors(v) for k, v in kwargs.items()})
        except (RuntimeError, ValueError, IndexError):
            said = None
        assert_same(said, right, f"{kind} {config} {kwargs.keys()}")


@pytest.mark.parametrize(("kind", "config"), CONFIGS, ids=lambda one: one if isinstance(one, str) else "")
def test_over_batches(kind: str, config: Mapping[str, Any]) -> None:
    first, second, third = batches(kind, config)
    weight = numpy.array([2.0, 0.0, 1.0, 0.5])
    agree(
        kind,
        config,
        ((), {}),
        (first, {"sample_weight": weight}),
        (second, {}),
        ((), {}),
        (third, {"sample_weight": weight, "reset_state": True}),
        ((), {"reset_state": True}),
    )
