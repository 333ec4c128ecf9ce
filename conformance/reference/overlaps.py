"""Losses of overlap: Dice and Tversky. They compare sums over whole regions, so that few foreground pixels count.

Reductions, weights and masks are those of `losses`. Sources: Dice, "Measures of the amount of ecologic association
between species", 1945; Salehi et al., "Tversky loss function for image segmentation using 3D fully convolutional deep
networks", 2017, equation 3.
"""

from __future__ import annotations

from typing import Any

import autograd.numpy as np

from .base import Array, Mutant, arg
from .losses import EPSILON, LOSS_MUTANTS, _Loss, check_axes
from .traits import asked, composed


def _sum(v: Array, axis: Any) -> Array:
    """The sum over the axes, in an array even where it is one number: what has no axes is not rounded."""
    return np.reshape(np.sum(v), (1,)) if axis is None else np.sum(v, axis=axis)


def _regions(losses: Array, axis: Any) -> Array:
    return losses[0] if axis is None else losses


def _everything(layer: Any) -> dict[str, Any]:
    return {"axis": None}


_SIMILARITY = Mutant("similarity", "gives the overlap itself, not 1 less it", output=lambda layer, y, args: 1.0 - y)
_ALL_AT_ONCE = Mutant("all_at_once", "takes the batch for one region", config=_everything)


def _smoothed_by_one(layer: Any, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
    shared, all_true, all_pred = (np.sum(v, axis=layer.axis) for v in (y_true * y_pred, y_true * 1.0, y_pred))
    return 1.0 - (2.0 * shared + 1.0) / (all_true + all_pred + 1.0), None


def _of_squares(layer: Any, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
    shared, all_true, all_pred = (np.sum(v, axis=layer.axis) for v in (y_true * y_pred, y_true**2, y_pred**2))
    return 1.0 - 2.0 * shared / (all_true + all_pred + EPSILON), None


class Dice(_Loss):
    """1 - 2 sum(y p) / (sum(y) + sum(p)), over the axes; 1 where nothing is true and nothing is predicted.

    y_true and y_pred: shapes that broadcast. Gives what is left of their shape without the axes: one number for the
    whole batch where `axis` is none. The divisor has EPSILON added.
    """

    native = composed("1 - 2 * (y * p).sum() / (y.sum() + p.sum() + 1e-7)")
    example = asked("Dice", "3", "3")
    takes_probabilities = True

    axis: int | tuple[int, ...] | None = arg("axes of one region; none takes the whole batch as one", default=None)

    mutants = (
        *LOSS_MUTANTS,
        _SIMILARITY,
        _ALL_AT_ONCE,
        Mutant(
            "smoothed_by_one",
            "adds 1 to dividend and divisor, as many implementations do",
            methods={"losses": _smoothed_by_one},
        ),
        Mutant("of_squares", "sums squares in the divisor, as V-Net does", methods={"losses": _of_squares}),
    )

    def losses(self, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
        check_axes(self.axis, np.ndim(y_pred))
        shared, all_true, all_pred = (_sum(v, self.axis) for v in (y_true * y_pred, y_true * 1.0, y_pred))
        return _regions(1.0 - 2.0 * shared / (all_true + all_pred + EPSILON), self.axis), None


class Tversky(_Loss):
    """1 - sum(y p) / (sum(y p) + alpha sum((1 - y) p) + beta sum(y (1 - p))), over the axes.

    y_true and y_pred: shapes that broadcast. `alpha` weighs what is falsely predicted, `beta` what is overlooked; with
    1/2 for both it is Dice. The divisor has EPSILON added.
    """

    native = composed("1 - (y * p).sum() / ((y * p).sum() + a * ((1 - y) * p).sum() + b * (y * (1 - p)).sum() + 1e-7)")
    example = asked("Tversky", "3", "3")
    takes_probabilities = True

    alpha: float = arg("weight of false positives", default=0.5)
    beta: float = arg("weight of false negatives", default=0.5)
    axis: int | tuple[int, ...] | None = arg("axes of one region; none takes the whole batch as one", default=None)

    mutants = (
        *LOSS_MUTANTS,
        _SIMILARITY,
        _ALL_AT_ONCE,
        Mutant("is_dice", "overlooks alpha and beta", config=lambda layer: {"alpha": 0.5, "beta": 0.5}),
        Mutant(
            "alpha_of_overlooked",
            "takes alpha for the weight of false negatives",
            config=lambda layer: {"alpha": layer.beta, "beta": layer.alpha},
        ),
    )

    def losses(self, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
        check_axes(self.axis, np.ndim(y_pred))
        shared = _sum(y_true * y_pred, self.axis)
        false = _sum((1.0 - y_true) * y_pred, self.axis)
        overlooked = _sum(y_true * (1.0 - y_pred), self.axis)
        divisor = shared + self.alpha * false + self.beta * overlooked + EPSILON
        return _regions(1.0 - shared / divisor, self.axis), None
