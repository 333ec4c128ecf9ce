"""Layers that work on numbers alone keep a case from a symbolic run and a trace where the graph calls them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from conformance.lanes.keras_arrays import KerasArrays, eager_only
from conformance.lanes.keras_modes import refuse_eager_layers
from conformance.protocol.adapter import Unsupported
from conformance.protocol.plan import PlannedNode
from tests.builders import plan_with


def arrays_of(*graph: tuple[str, str]) -> KerasArrays:
    """A dense layer, and a metric that works on numbers alone, in a case with this graph."""
    plan = plan_with(graph=tuple(PlannedNode(*node) for node in graph))
    layers: dict[str, Any] = {"dense": SimpleNamespace(), "mae": SimpleNamespace(eager_only=True)}
    return cast(KerasArrays, SimpleNamespace(plan=plan, layers=layers))


def test_a_metric_of_fit_alone_keeps_nothing_from_a_trace() -> None:
    arrays = arrays_of(("predicted", "dense(x)"))
    assert eager_only(arrays) == []
    refuse_eager_layers(arrays, "is traced")


def test_a_metric_that_the_graph_calls_does() -> None:
    arrays = arrays_of(("predicted", "dense(x)"), ("error", "mae(y, predicted)"))
    assert eager_only(arrays) == ["mae"]
    with pytest.raises(Unsupported, match=r"^mae .* works on numbers alone: nothing of it is traced$"):
        refuse_eager_layers(arrays, "is traced")
