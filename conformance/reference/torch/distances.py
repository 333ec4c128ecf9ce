"""Cosines and distances between rows. Source of each formula: its documentation."""

from __future__ import annotations

from typing import Any

import autograd.numpy as np

from conformance.counterpart import Counterpart, NoCounterpart, expression
from conformance.reference.base import Array, Weights, arg
from conformance.reference.torch.base import Like, TorchLayer, norm
from conformance.reference.traits import asked


def cosine_of(x1: Array, x2: Array, axis: int, eps: float) -> Array:
    """x1 . x2 over both lengths along an axis, no length less than eps: 0 for a vector of zeros."""
    lengths = [np.sqrt(np.maximum(np.sum(x**2, axis=axis), eps**2)) for x in (x1, x2)]
    return np.sum(x1 * x2, axis=axis) / (lengths[0] * lengths[1])


def cosine_nodes(x1: str, x2: str, axis: int, eps: float) -> tuple[tuple[str, str], ...]:
    """The same as steps of a graph, the last of which is called `cosine`."""
    squares = [(f"square{n}", f"sum({x} * {x}, axis={axis})") for n, x in ((1, x1), (2, x2))]
    roots = [f"sqrt(where(greater({name}, {eps**2}), {name}, {eps**2}))" for name, _ in squares]
    return (*squares, ("cosine", f"sum({x1} * {x2}, axis={axis}) / ({roots[0]} * {roots[1]})"))


class CosineSimilarity(TorchLayer):
    """x1 . x2 / (max(|x1|, eps) max(|x2|, eps)) along an axis. Source: the documentation of F.cosine_similarity."""

    names = ("nn.CosineSimilarity", "F.cosine_similarity")
    arithmetic = "rounds"
    example = asked("nn.CosineSimilarity(dim=1)", "5", "5")
    dim: int = arg("The axis.", default=1)
    eps: float = arg("The least length.", default=1e-8)

    def call(self, w: Weights, x1: Array, x2: Array) -> Array:
        return cosine_of(x1, x2, self.dim, self.eps)

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return int(shapes[0][self.dim])

    def counterpart(self, x1: Like, x2: Like) -> Counterpart:
        return Counterpart("cosine", nodes=cosine_nodes("x1", "x2", self.dim, self.eps))


class PairwiseDistance(TorchLayer):
    """The p-norm of x1 - x2 + eps along the last axis."""

    names = ("nn.PairwiseDistance", "F.pairwise_distance")
    arithmetic = "rounds"
    example = asked("nn.PairwiseDistance()", "5", "5")
    p: float = arg("The norm.", default=2.0)
    eps: float = arg("What is added to each difference.", default=1e-6)
    keepdim: bool = arg("Whether the last axis stays, with a length of 1.", default=False)

    def call(self, w: Weights, x1: Array, x2: Array) -> Array:
        return norm(x1 - x2 + self.eps, self.p, -1, keepdims=self.keepdim)

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return int(shapes[0][-1])

    def counterpart(self, x1: Like, x2: Like) -> Counterpart:
        if self.p != 2:
            raise NoCounterpart("only the Euclidean norm is written out here: keras.ops.norm has the others")
        d = f"x1 - x2 + {self.eps}"
        return expression(f"sqrt(sum(d * d, axis=-1, keepdims={self.keepdim}))", d=d)
