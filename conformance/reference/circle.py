"""The circle loss of metric learning: similarities within a class against those between classes.

Sun et al., "Circle loss: a unified perspective of pair similarity optimization", 2020, equations 4 to 8. Reductions,
weights and masks are those of `losses`.
"""

from __future__ import annotations

from typing import Any

import autograd.numpy as np
import numpy
from autograd.tracer import getval

from .base import Array, LayerError, Mutant, arg
from .losses import LOSS_MUTANTS, _Loss
from .traits import absent


def logsumexp(values: Array, holds: Any) -> Array:
    """log(sum(exp(v))) along the last axis over the entries that hold; a row in which none holds gives -infinity."""
    has_any = numpy.any(holds, axis=-1)
    largest = numpy.max(numpy.where(holds, getval(values), -numpy.inf), axis=-1, initial=-numpy.inf)
    largest = numpy.where(has_any, largest, 0.0)
    shares = np.where(holds, np.exp(np.where(holds, values - largest[..., None], 0.0)), 0.0)
    total = np.sum(shares, axis=-1)
    return np.where(has_any, np.log(np.where(has_any, total, 1.0)) + largest, -numpy.inf)


def _counting_all(layer: Any, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
    return super(type(layer), layer).losses(y_true, y_pred)[0], None


class Circle(_Loss):
    """log(1 + sum_n exp(gamma a_n (s_n - m)) sum_p exp(-gamma a_p (s_p - 1 + m))), a number for each sample.

    y_true: integers (batch,) or (batch, 1); y_pred: (batch, features), rows of length 1. s are the products of a row
    with the others, at most 1: s_p those of its own class, s_n of other classes; m is the margin. How far each is from
    where it should be weighs it: a_p = max(1 + m - s_p, 0), a_n = max(s_n + m, 0), and the slope runs through these
    weights too. A sample without a partner of its class has no loss and does not count.
    """

    native = absent("torch has no losses over the pairs of a batch")
    written_as_case = "a circle loss needs rows of length 1"

    gamma: float = arg("scale of the similarities", default=80.0)
    margin: float = arg("how far from 0 and 1 similarities may end", default=0.4)
    remove_diagonal: bool = arg("whether a sample is no partner of itself", default=True)

    mutants = (
        *LOSS_MUTANTS,
        Mutant(
            "own_partner",
            "takes a sample for its own partner, or not when asked",
            config=lambda layer: {"remove_diagonal": not layer.remove_diagonal},
        ),
        Mutant("no_margin", "has no margin", config=lambda layer: {"margin": 0.0}),
        Mutant("unscaled", "overlooks gamma", config=lambda layer: {"gamma": 1.0}),
        Mutant(
            "even_weights",
            "weighs all pairs alike",
            methods={"weights_of": lambda layer, s, to: np.ones(np.shape(s))},
        ),
        Mutant("counts_lonely", "counts samples without a partner", methods={"losses": _counting_all}),
    )

    def weights_of(self, similarities: Array, to: float) -> Array:
        """How far each similarity is from the end `to` that lies a margin beyond 1, or beyond 0."""
        away = to - similarities if to > 0 else similarities - to
        return np.where(away > 0.0, away, 0.0)

    def losses(self, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
        labels = numpy.asarray(getval(y_true)).astype(int)
        if labels.ndim == 2 and labels.shape[1] == 1:
            labels = labels[:, 0]
        if np.ndim(y_pred) != 2 or labels.shape != np.shape(y_pred)[:1]:
            raise LayerError(
                f"labels {labels.shape} and rows {np.shape(y_pred)}; they are (batch,) and (batch, features)"
            )
        is_same = labels[:, None] == labels[None, :]
        is_partner = is_same & ~numpy.eye(len(labels), dtype=bool) if self.remove_diagonal else is_same
        product = np.matmul(y_pred, np.transpose(y_pred))
        s = np.where(product < 1.0, product, 1.0)
        m = self.margin
        partners = logsumexp(-self.gamma * self.weights_of(s, 1.0 + m) * (s - 1.0 + m), is_partner)
        others = logsumexp(self.gamma * self.weights_of(s, -m) * (s - m), ~is_same)
        has_both = numpy.any(is_partner, axis=-1) & numpy.any(~is_same, axis=-1)
        both = np.where(has_both, partners, 0.0) + np.where(has_both, others, 0.0)
        return np.where(has_both, np.logaddexp(0.0, both), 0.0), numpy.any(is_partner, axis=-1)
