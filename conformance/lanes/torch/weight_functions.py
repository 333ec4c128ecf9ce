"""Regularisers and constraints called by themselves, in torch: `penalties` has what they share with trainings."""

from __future__ import annotations

from typing import Any

import torch

from .penalties import EPSILON, penalty
from .port import Config, Parameters, Tensor, port


@port("regularizers.L1")
@port("regularizers.L2")
@port("regularizers.L1L2")
def sums(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return penalty({"type": "L1L2", "l1": getattr(layer, "l1", 0.0), "l2": getattr(layer, "l2", 0.0)}, x)


@port("regularizers.OrthogonalRegularizer")
def orthogonal(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    if x.ndim != 2:
        raise ValueError(f"angles are between rows of a matrix, not of a weight {tuple(x.shape)}")
    return penalty({"type": "OrthogonalRegularizer", "factor": layer.factor, "mode": layer.mode}, x)


def _norms(layer: Config, x: Tensor) -> Tensor:
    axis: Any = layer.axis if isinstance(layer.axis, int) else tuple(layer.axis)
    norms: Tensor = torch.linalg.vector_norm(x, dim=axis, keepdim=True)  # whose slope at 0 is 0, and not NaN
    return norms


@port("constraints.MaxNorm")
def max_norm(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    norms = _norms(layer, x)
    return x * (norms.clamp(max=layer.max_value) / (norms + EPSILON))


@port("constraints.MinMaxNorm")
def min_max_norm(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    norms = _norms(layer, x)
    wanted = layer.rate * norms.clamp(layer.min_value, layer.max_value) + (1.0 - layer.rate) * norms
    bound: Tensor = x * (wanted / (norms + EPSILON))
    return bound


@port("constraints.NonNeg")
def non_neg(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return torch.relu(x)


@port("constraints.UnitNorm")
def unit_norm(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    unit: Tensor = x / (_norms(layer, x) + EPSILON)
    return unit
