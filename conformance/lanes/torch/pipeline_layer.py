"""Pipeline in torch: the ports of its layers one after another, as nn.Sequential does."""

from __future__ import annotations

import inspect
from typing import Any

from .port import PORTS, Config, Parameters, port


@port("Pipeline")
def pipeline(layer: Config, p: Parameters, x: Any, training: bool = True) -> Any:
    for inner in layer.layers:
        found = PORTS[inner.type]
        if found.weights(inner):
            raise ValueError(f"{inner.type} has weights, which a preprocessing pipeline here has not")
        takes = inspect.signature(found.call).parameters
        x = found.call(inner, Parameters({}, {}), x, **({"training": training} if "training" in takes else {}))
    return x
