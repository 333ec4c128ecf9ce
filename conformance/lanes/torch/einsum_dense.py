"""EinsumDense in torch: `torch.einsum`, whose notation is the same, with the kernel as Keras keeps it."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from .activations import activate
from .port import Config, Mapped, Parameters, Tensor, keras, port


def _weights(layer: Config) -> Mapping[str, Mapped]:
    return {"weight": keras("kernel"), "bias": keras("bias")}


@port("EinsumDense", weights=_weights, integers="floats")
def einsum_dense(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    letters = layer.equation.replace(" ", "").partition(",")[0]
    named = len(letters.replace("...", ""))
    fewest = named + letters.startswith("...")
    if x.ndim < fewest or (x.ndim > named and "..." not in letters):
        raise ValueError(f"equation {layer.equation} does not fit an input of {x.ndim} axes")
    y: Tensor = torch.einsum(layer.equation, x, p.weight)
    bias = p.get("bias")
    result: Tensor = activate(layer.activation, y if bias is None else y + bias)
    return result
