"""Curved activations of torch.nn, with torch's arguments and defaults, as a module and as a function."""

from __future__ import annotations

from typing import ClassVar, Literal

import autograd.numpy as np

from conformance.counterpart import Counterpart, KerasLayer, expression, one_layer
from conformance.reference.activations import (
    celu,
    elu,
    gelu,
    log_sigmoid,
    mish,
    selu,
    sigmoid,
    silu,
    softsign,
    tanh,
    tanh_shrink,
)
from conformance.reference.base import Array, LayerError, Weights, arg
from conformance.reference.torch.base import Like, TorchLayer
from conformance.reference.traits import Arithmetic, asked


class Activation(TorchLayer):
    """A function of each number; `y` is the formula, `keras` the name of Keras' activation where there is one."""

    arithmetic: ClassVar[Arithmetic] = "rounds"
    keras = ""
    example = asked("nn.ReLU()", "7")

    def y(self, x: Array) -> Array:
        raise NotImplementedError

    def call(self, w: Weights, input: Array) -> Array:
        return self.y(input)

    def counterpart(self, input: Like) -> Counterpart:
        return one_layer("Activation", {"activation": self.keras})


class InPlace(Activation):
    """A function that torch can also write over its input."""

    inplace: bool = arg("Whether memory is used again; no number depends on it.", default=False)


class ELU(Activation):
    """x, or alpha (e^x - 1) below 0.

    input: any shape; returns the same shape.
    """

    names = ("nn.ELU", "F.elu")
    alpha: float = arg("The limit below 0.", default=1.0)
    inplace: bool = arg("Whether memory is used again; no number depends on it.", default=False)

    def y(self, x: Array) -> Array:
        return elu(x, self.alpha)

    def counterpart(self, input: Like) -> Counterpart:
        return one_layer("ELU", {"alpha": self.alpha})


class CELU(Activation):
    """max(0, x) + min(0, alpha (e^(x / alpha) - 1)).

    input: any shape; returns the same shape.
    """

    names = ("nn.CELU", "F.celu")
    alpha: float = arg("The limit below 0.", default=1.0)
    inplace: bool = arg("Whether memory is used again; no number depends on it.", default=False)

    def y(self, x: Array) -> Array:
        return celu(x, self.alpha)

    def counterpart(self, input: Like) -> Counterpart:
        if self.alpha == 1:
            return one_layer("Activation", {"activation": "celu"})
        text = f"where(greater(input, 0.0), input, {self.alpha} * elu(input / {self.alpha}))"
        return Counterpart(text, {"elu": KerasLayer("ELU", {"alpha": 1.0})})


class SELU(InPlace):
    """scale (max(0, x) + min(0, alpha (e^x - 1))).

    input: any shape; returns the same shape.
    """

    names = ("nn.SELU", "F.selu")
    keras = "selu"

    def y(self, x: Array) -> Array:
        return selu(x)


class GELU(Activation):
    """x Phi(x), or 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).

    input: any shape; returns the same shape.
    """

    names = ("nn.GELU", "F.gelu")
    approximate: Literal["none", "tanh"] = arg("none for the normal distribution itself.", default="none")

    def y(self, x: Array) -> Array:
        return gelu(x, self.approximate == "tanh")

    def counterpart(self, input: Like) -> Counterpart:
        if self.approximate == "none":
            return one_layer("Activation", {"activation": "gelu"})
        cubic = "0.7978845608028654 * (input + 0.044715 * input * input * input)"
        return expression(f"0.5 * input * (1.0 + tanh({cubic}))")


class SiLU(InPlace):
    """x sigmoid(x).

    input: any shape; returns the same shape.
    """

    names = ("nn.SiLU", "F.silu")
    keras = "silu"

    def y(self, x: Array) -> Array:
        return silu(x)


class Mish(InPlace):
    """x tanh(log(1 + e^x)).

    input: any shape; returns the same shape.
    """

    names = ("nn.Mish", "F.mish")
    keras = "mish"

    def y(self, x: Array) -> Array:
        return mish(x)


class Sigmoid(Activation):
    """1 / (1 + e^-x).

    input: any shape; returns the same shape.
    """

    names = ("nn.Sigmoid", "F.sigmoid")
    keras = "sigmoid"

    def y(self, x: Array) -> Array:
        return sigmoid(x)


class Tanh(Activation):
    """(e^x - e^-x) / (e^x + e^-x).

    input: any shape; returns the same shape.
    """

    names = ("nn.Tanh", "F.tanh")
    keras = "tanh"

    def y(self, x: Array) -> Array:
        return tanh(x)


class Softplus(Activation):
    """log(1 + e^(beta x)) / beta, and x itself where beta x is above the threshold.

    input: any shape; returns the same shape.
    """

    names = ("nn.Softplus", "F.softplus")
    beta: float = arg("How sharp the bend is.", default=1.0)
    threshold: float = arg("Above it the function is taken to be straight.", default=20.0)

    def y(self, x: Array) -> Array:
        straight = self.beta * x > self.threshold
        return np.where(straight, x, np.logaddexp(0.0, np.where(straight, 0.0, self.beta * x)) / self.beta)

    def counterpart(self, input: Like) -> Counterpart:
        soft = {"soft": KerasLayer("Activation", {"activation": "softplus"})}
        if self.beta == 1 and self.threshold == 20:
            return Counterpart("soft(input)", soft)
        inner = f"soft({self.beta} * input) / {self.beta}"
        return Counterpart(f"where(greater({self.beta} * input, {self.threshold}), input, {inner})", soft)


class Softsign(Activation):
    """x / (1 + |x|).

    input: any shape; returns the same shape.
    """

    names = ("nn.Softsign", "F.softsign")
    keras = "softsign"

    def y(self, x: Array) -> Array:
        return softsign(x)


class Tanhshrink(Activation):
    """x - tanh(x).

    input: any shape; returns the same shape.
    """

    names = ("nn.Tanhshrink", "F.tanhshrink")
    keras = "tanh_shrink"

    def y(self, x: Array) -> Array:
        return tanh_shrink(x)


class LogSigmoid(Activation):
    """log(1 / (1 + e^-x)).

    input: any shape; returns the same shape.
    """

    names = ("nn.LogSigmoid", "F.logsigmoid")
    keras = "log_sigmoid"

    def y(self, x: Array) -> Array:
        return log_sigmoid(x)


class GLU(Activation):
    """The first half of an axis times the sigmoid of the second.

    input: any shape; returns it with half of the axis.
    """

    names = ("nn.GLU", "F.glu")
    example = asked("nn.GLU()", "6")
    dim: int = arg("The axis.", default=-1)

    def y(self, x: Array) -> Array:
        if np.shape(x)[self.dim] % 2:
            raise LayerError(f"an axis of {np.shape(x)[self.dim]} has no halves")
        first, second = np.split(x, 2, axis=self.dim)
        return first * sigmoid(second)

    def counterpart(self, input: Like) -> Counterpart:
        axis, half = self.dim % input.rank, input.shape[self.dim] // 2
        before = ":, " * axis
        layer = {"gate": KerasLayer("Activation", {"activation": "sigmoid"})}
        return Counterpart(f"input[{before}:{half}] * gate(input[{before}{half}:])", layer)
