"""Keras' regularisers and constraints in torch, which has weight_decay and renorm in their place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

EPSILON = 1e-7


def penalty(config: Mapping[str, Any], w: torch.Tensor) -> torch.Tensor:
    """What a regulariser adds to the loss for a weight."""
    if config["type"] == "OrthogonalRegularizer":
        rows = torch.nn.functional.normalize(w if config["mode"] == "rows" else w.T, dim=1)
        cosines = (rows @ rows.T).abs() * (1.0 - torch.eye(len(rows)))
        return cosines.sum() * (float(config["factor"]) / (len(rows) * (len(rows) - 1)))
    return w.abs().sum() * float(config.get("l1", 0.0)) + w.square().sum() * float(config.get("l2", 0.0))


def activity_penalty(config: Mapping[str, Any], output: Any) -> torch.Tensor:
    """What a regulariser makes of what a layer gives: that of each of its arrays, divided by the size of the batch."""
    if isinstance(output, list | tuple):
        return torch.stack([activity_penalty(config, item) for item in output]).sum()
    cost = penalty(config, output * 1.0)  # torch has no magnitude of booleans
    return cost / max(len(output), 1) if output.ndim else cost


@torch.no_grad()
def project(config: Mapping[str, Any], w: torch.Tensor) -> None:
    """Brings a weight back to what its constraint allows, in place."""
    if config["type"] == "NonNeg":
        w.clamp_(min=0.0)
        return
    axis = config["axis"]
    norms = w.square().sum(dim=axis if isinstance(axis, int) else tuple(axis), keepdim=True).sqrt()
    wanted = torch.ones_like(norms)
    if config["type"] == "MaxNorm":
        wanted = norms.clamp(max=config["max_value"])
    elif config["type"] == "MinMaxNorm":
        within = norms.clamp(config["min_value"], config["max_value"])
        wanted = config["rate"] * within + (1.0 - config["rate"]) * norms
    w.mul_(wanted / (norms + EPSILON))
