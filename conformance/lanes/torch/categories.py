"""CategoryEncoding by `F.one_hot`, Discretization by `torch.bucketize`, whose `right=True` is Keras' bin [a, b)."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from .port import Config, Parameters, Tensor, port


def encoded(ids: Tensor, size: int, mode: str, weights: Tensor | None = None) -> Tensor:
    """Categories as rows of `size` numbers; F.one_hot refuses one that is too large or negative."""
    rows = F.one_hot(ids, size).to(torch.get_default_dtype())
    if mode == "one_hot":
        return rows.squeeze(-2) if ids.ndim > 1 and ids.shape[-1] == 1 else rows
    if mode == "multi_hot":
        return rows.amax(dim=-2)
    return (rows if weights is None else rows * weights.unsqueeze(-1)).sum(dim=-2)


@port("CategoryEncoding")
def category_encoding(layer: Config, p: Parameters, x: Tensor, count_weights: Tensor | None = None) -> Tensor:
    if count_weights is not None and layer.output_mode != "count":
        raise ValueError(f"there is nothing to weigh in the mode {layer.output_mode}")
    return encoded(x.long(), layer.num_tokens, layer.output_mode, count_weights)


def _boundaries(layer: Config) -> Tensor:
    if layer.bin_boundaries is not None:
        given = torch.tensor(layer.bin_boundaries, dtype=torch.get_default_dtype())
        if not torch.equal(given, given.sort().values):
            raise ValueError("the boundaries are not in ascending order")
        return given
    if layer.adapt is None:
        raise ValueError("num_bins needs adapt: there are no boundaries yet")
    smallest = torch.tensor(layer.adapt, dtype=torch.float64).flatten().sort().values
    at = torch.arange(1, layer.num_bins, dtype=torch.float64) * len(smallest) / layer.num_bins
    below = at.floor().long().clamp(min=1)
    above = (below + 1).clamp(max=len(smallest))
    share = (at - below).clamp(min=0)
    found: Tensor = smallest[below - 1] + share * (smallest[above - 1] - smallest[below - 1])
    return found.to(torch.get_default_dtype())


@port("Discretization")
def discretization(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    boundaries = _boundaries(layer)
    bins = torch.bucketize(x.to(boundaries.dtype), boundaries, right=True)
    if layer.output_mode == "int":
        return bins.int()
    return encoded(bins, len(boundaries) + 1, layer.output_mode)
