"""Losses of pairs of numbers, and what all losses of torch.nn share: a module and a function, and reductions.

Source of each formula: its documentation. `reduction` "mean" divides by the number of elements but where a loss says
otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import autograd.numpy as np
import numpy
from autograd.tracer import getval

from conformance.counterpart import Counterpart, KerasLayer, NoCounterpart, expression
from conformance.reference.base import Array, LayerError, Weights, arg
from conformance.reference.torch.base import Like, TorchLayer
from conformance.reference.traits import Axes, Drawn, asked

Reduction = Literal["none", "mean", "sum"]


OLD = {"size_average": "torch gave it up for reduction", "reduce": "torch gave it up for reduction"}


def reduced(losses: Array, reduction: str) -> Array:
    """Losses as they are, their mean, or their sum."""
    return {"none": lambda x: x, "mean": np.mean, "sum": np.sum}[reduction](losses)


def reduced_text(text: str, reduction: str) -> str:
    """The same as an expression."""
    return text if reduction == "none" else f"{reduction}({text})"


class Loss(TorchLayer):
    """A loss of an input and a target."""

    arithmetic = "rounds"
    example = asked("nn.MSELoss()", "5", "5")
    positional: ClassVar[tuple[str, ...] | None] = ()
    not_here: ClassVar[Mapping[str, str]] = OLD

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        return {1: ("features",), 2: ("steps", "features")}.get(rank, ())

    @classmethod
    def implied(cls, shapes: Sequence[Sequence[int]]) -> Sequence[Sequence[int]]:
        """A target like the input."""
        return [shapes[0], shapes[0]] if len(shapes) == 1 else shapes

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return max((math.prod(shape) for shape in shapes if shape is not None), default=1)

    def alike(self, input: Array, target: Array) -> None:
        if np.shape(input) != np.shape(target):
            raise LayerError(f"{self.names[0]} takes two of one shape, not {np.shape(input)} and {np.shape(target)}")


class _Elementwise(Loss):
    """A loss of each pair of numbers; `keras` is Keras' loss of the same mean over the last axis."""

    not_here: ClassVar[Mapping[str, str]] = {
        **OLD,
        "weight": "functions alone have it: multiply the losses of reduction='none' by it, and divide by its sum",
    }
    keras: ClassVar[str] = ""
    reduction: Reduction = arg("What is made of the losses.", default="mean")

    def each(self, x: Array, y: Array) -> Array:
        raise NotImplementedError

    def text(self) -> str:
        """The formula as an expression over input and target."""
        raise NoCounterpart(f"Keras has no loss like {self.names[0]}")

    def call(self, w: Weights, input: Array, target: Array) -> Array:
        self.alike(input, target)
        return reduced(self.each(input, target), self.reduction)

    def counterpart(self, input: Like, target: Like) -> Counterpart:
        if self.keras and self.reduction == "mean" and input.rank > 1:
            return Counterpart("layer(target, input)", {"layer": KerasLayer(self.keras, self.keras_config())})
        return expression(reduced_text(self.text(), self.reduction))

    def keras_config(self) -> Mapping[str, Any]:
        return {}


class L1Loss(_Elementwise):
    """|x - y|.

    input and target: one shape. Returns it where nothing is made of the losses, else a number.
    """

    names = ("nn.L1Loss", "F.l1_loss")
    keras = "MeanAbsoluteError"

    def each(self, x: Array, y: Array) -> Array:
        return np.abs(x - y)

    def text(self) -> str:
        return "abs(input - target)"


class MSELoss(_Elementwise):
    """(x - y)^2.

    input and target: one shape. Returns it where nothing is made of the losses, else a number.
    """

    names = ("nn.MSELoss", "F.mse_loss")
    keras = "MeanSquaredError"

    def each(self, x: Array, y: Array) -> Array:
        return (x - y) ** 2

    def text(self) -> str:
        return "(input - target) * (input - target)"


class HuberLoss(_Elementwise):
    """d^2 / 2 up to delta, delta (|d| - delta / 2) above.

    input and target: one shape. Returns it where nothing is made of the losses, else a number.
    """

    names = ("nn.HuberLoss", "F.huber_loss")
    keras = "Huber"
    delta: float = arg("Where the square ends.", default=1.0)

    def check(self) -> None:
        if self.delta <= 0:
            raise LayerError(f"delta must be positive, not {self.delta}")

    def each(self, x: Array, y: Array) -> Array:
        d = np.abs(x - y)
        return np.where(d <= self.delta, 0.5 * d**2, self.delta * (d - 0.5 * self.delta))

    def text(self) -> str:
        d = "abs(input - target)"
        far = f"{self.delta} * ({d} - {0.5 * self.delta})"
        return f"where(greater({d}, {self.delta}), {far}, 0.5 * {d} * {d})"

    def keras_config(self) -> Mapping[str, Any]:
        return {"delta": self.delta}


class SmoothL1Loss(_Elementwise):
    """d^2 / (2 beta) below beta, |d| - beta / 2 from there on; the absolute error for beta 0.

    input and target: one shape. Returns it where nothing is made of the losses, else a number.
    """

    names = ("nn.SmoothL1Loss", "F.smooth_l1_loss")
    beta: float = arg("Where the square ends.", default=1.0, at_least=0)

    def each(self, x: Array, y: Array) -> Array:
        d = np.abs(x - y)
        return d if self.beta == 0 else np.where(d < self.beta, 0.5 * d**2 / self.beta, d - 0.5 * self.beta)

    def text(self) -> str:
        d = "abs(input - target)"
        if self.beta == 0:
            return d
        return f"where(greater({self.beta}, {d}), 0.5 * {d} * {d} / {self.beta}, {d} - {0.5 * self.beta})"


class SoftMarginLoss(_Elementwise):
    """log(1 + e^(-y x)) for labels of 1 and -1.

    input and target: one shape. Returns it where nothing is made of the losses, else a number.
    """

    names = ("nn.SoftMarginLoss", "F.soft_margin_loss")
    written_as_case = "its labels are 1 and -1"

    def each(self, x: Array, y: Array) -> Array:
        return np.logaddexp(0.0, -y * x)

    def text(self) -> str:
        return "log(1.0 + exp(input * target * -1.0))"


class PoissonNLLLoss(Loss):
    """e^x - y x, or x - y log(x + eps) without log_input; with full, Stirling's term for y above 1.

    input and target: one shape. Returns it where nothing is made of the losses, else a number.
    """

    names = ("nn.PoissonNLLLoss", "F.poisson_nll_loss")
    log_input: bool = arg("Whether the input is a logarithm.", default=True)
    full: bool = arg("Whether Stirling's approximation of log(y!) is added.", default=False)
    eps: float = arg("What is added within the logarithm without log_input.", default=1e-8)
    reduction: Reduction = arg("What is made of the losses.", default="mean")

    @classmethod
    def drawn(cls, config: Mapping[str, Any], name: str, shapes: Mapping[str, Sequence[int]]) -> Drawn:
        return Drawn(fill={"uniform": [0.5, 4.0]})

    def call(self, w: Weights, input: Array, target: Array) -> Array:
        self.alike(input, target)
        losses = np.exp(input) - target * input if self.log_input else input - target * np.log(input + self.eps)
        if self.full:
            safe = np.where(target > 1, target, 1.0)
            stirling = safe * np.log(safe) - safe + 0.5 * np.log(2.0 * math.pi * safe)
            losses = losses + np.where(target > 1, stirling, 0.0)
        return reduced(losses, self.reduction)

    def counterpart(self, input: Like, target: Like) -> Counterpart:
        if self.full:
            raise NoCounterpart("keras.losses.Poisson leaves the term of y alone out")
        text = "exp(input) - target * input" if self.log_input else f"input - target * log(input + {self.eps})"
        return expression(reduced_text(text, self.reduction))


class GaussianNLLLoss(Loss):
    """(log(max(var, eps)) + (x - y)^2 / max(var, eps)) / 2, and log(2 pi) / 2 with full.

    input and target: one shape. var, no number below 0: the same shape, or with a length of 1 on one axis, or without
    the last axis, or one number. The gradient of var is that of a variance that nothing bounds. Source: the
    documentation of nn.GaussianNLLLoss, and its note on autograd.
    """

    names = ("nn.GaussianNLLLoss", "F.gaussian_nll_loss")
    example = asked("nn.GaussianNLLLoss()", "5", "5", "5")
    full: bool = arg("Whether the constant is added.", default=False)
    eps: float = arg("The least variance.", default=1e-6)
    reduction: Reduction = arg("What is made of the losses.", default="mean")

    @classmethod
    def drawn(cls, config: Mapping[str, Any], name: str, shapes: Mapping[str, Sequence[int]]) -> Drawn:
        return Drawn(fill={"uniform": [0.5, 2.0]}) if name == "var" else Drawn()

    def call(self, w: Weights, input: Array, target: Array, var: Any) -> Array:
        self.alike(input, target)
        if not isinstance(var, int | float) and _lacks_an_axis(np.shape(input), np.shape(var)):
            var = np.expand_dims(var, -1)
        given = numpy.asarray(getval(var))
        if (given < 0).any():
            raise LayerError("nn.GaussianNLLLoss takes variances, and none is below 0")
        least = var + (numpy.maximum(given, self.eps) - given)  # as if nothing had bounded it, on the way back
        losses = 0.5 * (np.log(least) + (input - target) ** 2 / least) + (
            0.5 * math.log(2 * math.pi) if self.full else 0.0
        )
        return reduced(losses, self.reduction)

    def counterpart(self, input: Like, target: Like, var: Any) -> Counterpart:
        constant = f" + {0.5 * math.log(2 * math.pi)}" if self.full else ""
        is_short = isinstance(var, Like) and _lacks_an_axis(input.shape, var.shape)
        own = "expand_dims(var, -1)" if is_short else "var"
        # the language of graphs cannot cut a gradient: below eps var has none here, and torch's in torch
        least = f"where(greater({own}, {self.eps}), {own}, {self.eps})"
        each = f"0.5 * (log(least) + (input - target) * (input - target) / least){constant}"
        return expression(reduced_text(each, self.reduction), least=least)


def _lacks_an_axis(shape: Sequence[int], var: Sequence[int]) -> bool:
    """Whether variances have no last axis. Raises LayerError for a shape that they cannot have."""
    shape, var = tuple(shape), tuple(var)
    one_each = [(length, own) for length, own in zip(shape, var, strict=False) if length != own]
    if shape == var or (len(shape) == len(var) and len(one_each) == 1 and one_each[0][1] == 1):
        return False
    if var == shape[:-1]:
        return True
    raise LayerError(
        f"nn.GaussianNLLLoss takes var of shape {shape}, {shape[:-1]}, or {shape} with one 1 in it, not {var}"
    )


class KLDivLoss(Loss):
    """y (log y - x) for logarithms x, or e^y (y - x) with log_target; "batchmean" divides by the first axis.

    input and target: one shape. Returns it where nothing is made of the losses, else a number.
    """

    names = ("nn.KLDivLoss", "F.kl_div")
    example = asked("nn.KLDivLoss(reduction='batchmean')", "5", "5")
    reduction: Literal["none", "mean", "sum", "batchmean"] = arg("What is made of the losses.", default="mean")
    log_target: bool = arg("Whether the target is a logarithm too.", default=False)

    @classmethod
    def drawn(cls, config: Mapping[str, Any], name: str, shapes: Mapping[str, Sequence[int]]) -> Drawn:
        return Drawn(fill={"uniform": [0.1, 0.9]}) if name == "target" else Drawn()

    def call(self, w: Weights, input: Array, target: Array) -> Array:
        self.alike(input, target)
        if self.log_target:
            losses = np.exp(target) * (target - input)
        else:
            safe = np.where(target > 0, target, 1.0)
            losses = np.where(target > 0, target * np.log(safe), 0.0) - target * input
        if self.reduction == "batchmean":
            return np.sum(losses) / np.shape(input)[0]
        return reduced(losses, self.reduction)

    def counterpart(self, input: Like, target: Like) -> Counterpart:
        # 0 log 0 is 0 for torch
        each = "target * (log(where(greater(target, 0.0), target, 1.0)) - input)"
        if self.log_target:
            each = "exp(target) * (target - input)"
        if self.reduction == "batchmean":
            return expression(f"sum({each}) / {input.shape[0]}")
        return expression(reduced_text(each, self.reduction))
