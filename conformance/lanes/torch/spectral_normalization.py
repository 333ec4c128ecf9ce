"""SpectralNormalization in torch: the power iteration by hand, for torch's own keeps the kernel as it was."""

from __future__ import annotations

import inspect
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from .port import PORTS, Config, Parameters, Tensor, WeightMap, applied, keras, port


def _weights(layer: Config) -> WeightMap:
    """Keras' own layout: what is normalised is Keras' kernel, and the wrapped port maps it."""
    inner = PORTS[layer.layer.type].weights(layer.layer)
    sources = dict.fromkeys(mapped.source for mapped in inner.values())
    return {**{f"layer.{source}": keras(f"layer.{source}") for source in sources}, "u": keras("vector_u")}


def _mask(layer: Config, x: Any, mask: Any) -> Any:
    return PORTS[layer.layer.type].mask(layer.layer, x, mask)


@port("SpectralNormalization", weights=_weights, mask=_mask, integers="floats")
def spectral_normalization(layer: Config, p: Parameters, x: Tensor, training: bool = False) -> Any:
    inner = PORTS[layer.layer.type]
    held = {name.removeprefix("layer."): value for name, value in p.tensors.items() if name != "u"}
    name = next((name for name in ("kernel", "embeddings") if name in held), None)
    if name is None:
        raise ValueError(f"{layer.layer.type} has neither a kernel nor embeddings")
    kept = p.state.setdefault("layer", {})
    kernel = kept.get(name, held[name])
    if training and bool(kernel.ne(0).any()):
        kernel, u = _normalized(kernel, p.state.get("vector_u", p.tensors["u"]), layer.power_iterations)
        kept[name], p.state["vector_u"] = kernel.detach(), u.detach()
    held[name] = kernel
    mapped = {key: applied(value, held) for key, value in inner.weights(layer.layer).items() if value.source in held}
    options = {"training": training} if "training" in inspect.signature(inner.call).parameters else {}
    return inner.call(layer.layer, Parameters(mapped, {}), x, **options)


def _normalized(kernel: Tensor, u: Tensor, iterations: int) -> tuple[Tensor, Tensor]:
    matrix = kernel.flatten(0, -2)
    v = u
    for _ in range(iterations):
        v = F.normalize(u @ matrix.T, dim=-1)
        u = F.normalize(v @ matrix, dim=-1)
    return kernel / torch.sum(v @ matrix @ u.T), u
