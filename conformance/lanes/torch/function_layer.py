"""Lambda in torch: what its function says, by torch's operations."""

from __future__ import annotations

from typing import Any

from conformance.protocol.functions import computed

from .operations import TorchOperations
from .port import Config, Parameters, Tensor, port


def _bound(layer: Config) -> dict[str, Any]:
    return dict(layer.arguments or {})


def _mask(layer: Config, x: Any, mask: Any) -> Any:
    if layer.mask is None or mask is None:
        return None
    return computed(layer.mask, {"x": x, "mask": mask, **_bound(layer)}, TorchOperations())


@port("Lambda", mask=_mask)
def function_layer(layer: Config, p: Parameters, x: Tensor) -> Any:
    return computed(layer.function, {"x": x, **_bound(layer)}, TorchOperations())
