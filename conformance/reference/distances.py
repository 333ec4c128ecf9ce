"""Losses that measure how far predictions are from numbers: Huber, log-cosh, percentages, logarithms, angles, counts.

Reductions, weights and masks are those of `losses`. Formulas: the documentation of each in `keras.losses`, and the
paper where one is named.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import autograd.numpy as np

from .base import Array, Mutant, arg
from .losses import EPSILON, LOSS_MUTANTS, SWAPPED, _Loss, check_axes
from .traits import asked, called, composed


def _with_a_half(layer: Any, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
    far = np.abs(y_pred - y_true)
    return np.mean(np.where(far <= layer.delta, far**2 / 2.0, layer.delta * (far - 0.5)), axis=-1), None


class Huber(_Loss):
    """e^2 / 2 up to delta and delta (|e| - delta / 2) beyond it, for e = y_pred - y_true; mean over the last axis.

    Both (batch, ..., features). Huber, "Robust estimation of a location parameter", 1964, equation 2.1.
    """

    native = called("nn.HuberLoss")
    example = asked("Huber", "3", "3")

    delta: float = arg("where the square becomes a line", default=1.0)

    mutants = (
        *LOSS_MUTANTS,
        Mutant(
            "half_for_half_delta",
            "has the line delta (|e| - 1/2), right where delta is 1",
            methods={"losses": _with_a_half},
        ),
        Mutant("ignores_delta", "has the line begin at 1", config=lambda layer: {"delta": 1.0}),
        Mutant(
            "smooth_l1",
            "divides by delta, as torch's smooth_l1_loss does",
            output=lambda layer, y, args: y / layer.delta,
        ),
    )

    def losses(self, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
        far = np.abs(y_pred - y_true)
        near = np.where(far <= self.delta, far, 0.0)
        line = self.delta * far - self.delta**2 / 2.0
        return np.mean(np.where(far <= self.delta, near**2 / 2.0, line), axis=-1), None


class LogCosh(_Loss):
    """mean(log(cosh(y_pred - y_true))) over the last axis: about e^2 / 2 where small, |e| - log 2 where large.

    Both (batch, ..., features). log cosh e = |e| + log(1 + exp(-2 |e|)) - log 2, so that nothing overflows.
    """

    native = composed("torch.log(torch.cosh(y_pred - y_true)).mean()")
    example = asked("LogCosh", "3", "3")

    mutants = (
        *LOSS_MUTANTS,
        Mutant("without_log_2", "forgets the halves of cosh", output=lambda layer, y, args: y + math.log(2.0)),
    )

    def losses(self, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
        error = y_pred - y_true
        return np.mean(np.logaddexp(error, -error) - math.log(2.0), axis=-1), None


class MeanAbsolutePercentageError(_Loss):
    """100 mean(|y_true - y_pred| / |y_true|) over the last axis; the divisor is at least EPSILON.

    Both (batch, ..., features).
    """

    native = composed("100 * ((y_true - y_pred) / y_true).abs().mean()")
    example = asked("MeanAbsolutePercentageError", "3", "3")

    mutants = (
        *LOSS_MUTANTS,
        SWAPPED,
        Mutant("fraction", "forgets the 100", output=lambda layer, y, args: y / 100.0),
    )

    def losses(self, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
        share = np.abs(y_true - y_pred) / np.maximum(np.abs(y_true), EPSILON)
        return 100.0 * np.mean(share, axis=-1), None


def _one_less(layer: Any, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    return [np.maximum(value, 1.0 + EPSILON) - 1.0 for value in args[:2]], kwargs


class MeanSquaredLogarithmicError(_Loss):
    """mean((log(y_true + 1) - log(y_pred + 1))^2) over the last axis; numbers below EPSILON count as EPSILON.

    Both (batch, ..., features).
    """

    native = composed("F.mse_loss(torch.log1p(y_pred), torch.log1p(y_true))")
    example = asked("MeanSquaredLogarithmicError", "3", "3")

    mutants = (
        *LOSS_MUTANTS,
        Mutant("without_one", "takes the logarithm of the numbers themselves", inputs=_one_less),
    )

    def losses(self, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
        # np.where and not np.maximum: the slope of what is cut off is 0 on both sides of a tie
        first, second = (np.log(np.where(y > EPSILON, y, EPSILON) + 1.0) for y in (y_pred, y_true))
        return np.mean((first - second) ** 2, axis=-1), None


def _other_axis(layer: Any) -> Mapping[str, Any]:
    return {"axis": 0 if layer.axis else -1}


class CosineSimilarity(_Loss):
    """-cos of the angle between y_true and y_pred: -1 where they point the same way, 1 where they are opposite.

    Both (batch, ..., features); -sum(u v) of the vectors divided by their lengths, 0 where one has no length.
    """

    native = composed("-F.cosine_similarity(y_true, y_pred, dim=-1).mean()")
    example = asked("CosineSimilarity", "3", "3")

    axis: int = arg("axis of the vectors", default=-1)

    mutants = (
        *LOSS_MUTANTS,
        Mutant(
            "positive", "gives the cosine itself, as torch's cosine_similarity does", output=lambda layer, y, args: -y
        ),
        Mutant("distance", "gives 1 - cos", output=lambda layer, y, args: 1.0 + y),
        Mutant("other_axis", "takes vectors along the batch", config=_other_axis),
    )

    def losses(self, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
        check_axes(self.axis, np.ndim(y_pred))

        def unit(v: Array) -> Array:
            squares = np.sum(v**2, axis=self.axis, keepdims=True)
            has_length = squares > 0.0
            return np.where(has_length, v / np.sqrt(np.where(has_length, squares, 1.0)), 0.0)

        return -np.sum(unit(y_true * 1.0) * unit(y_pred), axis=self.axis), None


def _exponential(layer: Any, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    return [args[0], np.exp(args[1])], kwargs


class Poisson(_Loss):
    """mean(y_pred - y_true log(y_pred + EPSILON)) over the last axis: counts y_true under a rate y_pred.

    Both (batch, ..., features). -log of the Poisson probability without log(y_true!), so that it may be negative.
    """

    takes_probabilities = True
    native = called("nn.PoissonNLLLoss")
    example = asked("Poisson", "3", "3")

    mutants = (
        *LOSS_MUTANTS,
        SWAPPED,
        Mutant(
            "log_input",
            "takes predictions for logarithms of rates, as torch's poisson_nll_loss does by default",
            inputs=_exponential,
        ),
    )

    def losses(self, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
        return np.mean(y_pred - y_true * np.log(y_pred + EPSILON), axis=-1), None
