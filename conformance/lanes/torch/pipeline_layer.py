"""Pipeline in torch: the ports of its layers one after another, as nn.Sequential does."""

from __future__ import annotations

import inspect
from typing import Any

from .port import PORTS, Config, Parameters, WeightMap, port


def _no_weights(layer: Config) -> WeightMap:
    """None: preprocessing that holds weights cannot be part of a pipeline here."""
    for inner in layer.layers:
        if PORTS[inner.type].weights(inner):
            raise ValueError(f"{inner.type} has weights, which a preprocessing pipeline here has not")
    return {}


@port("Pipeline", weights=_no_weights)
def pipeline(layer: Config, p: Parameters, x: Any, training: bool = True) -> Any:
    for inner in layer.layers:
        takes = inspect.signature(PORTS[inner.type].call).parameters
        given = {"training": training} if "training" in takes else {}
        x = PORTS[inner.type].call(inner, Parameters({}, {}), x, **given)
    return x
