"""Every activation of torch.nn, with torch's arguments and torch's defaults, as a module and as a function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import autograd.numpy as np

from conformance.counterpart import Counterpart, KerasLayer, NoCounterpart, expression, moved, one_layer
from conformance.mapping import Mapped
from conformance.reference.activations import (
    celu,
    elu,
    gelu,
    hard_shrink,
    hard_sigmoid,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softsign,
    tanh,
    tanh_shrink,
)
from conformance.reference.base import Array, LayerError, Weight, Weights, arg
from conformance.reference.torch.base import Like, TorchLayer
from conformance.reference.traits import Arithmetic, asked


class _Activation(TorchLayer):
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


class _InPlace(_Activation):
    inplace: bool = arg("Whether memory is used again; no number depends on it.", default=False)


class ReLU(_InPlace):
    """max(x, 0).

    input: any shape; returns the same shape.
    """

    names = ("nn.ReLU", "F.relu")
    arithmetic = "moves"
    keras = "relu"

    def y(self, x: Array) -> Array:
        return relu(x)


class ReLU6(_InPlace):
    """min(max(x, 0), 6).

    input: any shape; returns the same shape.
    """

    names = ("nn.ReLU6", "F.relu6")
    arithmetic = "moves"
    keras = "relu6"

    def y(self, x: Array) -> Array:
        return relu6(x)


class LeakyReLU(_Activation):
    """x, or negative_slope x below 0.

    input: any shape; returns the same shape.
    """

    names = ("nn.LeakyReLU", "F.leaky_relu")
    negative_slope: float = arg("The slope below 0.", default=0.01)
    inplace: bool = arg("Whether memory is used again; no number depends on it.", default=False)

    def y(self, x: Array) -> Array:
        return leaky_relu(x, self.negative_slope)

    def counterpart(self, input: Like) -> Counterpart:
        return one_layer("LeakyReLU", {"negative_slope": self.negative_slope})


class PReLU(_Activation):
    """x, or weight x below 0: a slope for all, or one for each channel on axis 1.

    input: any shape; returns the same shape.
    """

    names = ("nn.PReLU",)
    example = asked("nn.PReLU(3)", "3,5")
    not_here: ClassVar = {"init": "weights are drawn, the same in every lane"}
    num_parameters: int = arg("1, or the number of channels.", default=1, at_least=1)

    def weights(self, input: Any) -> Mapping[str, Weight]:
        return {"weight": Weight((self.num_parameters,), "scale")}

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return 1

    def call(self, w: Weights, input: Array) -> Array:
        if self.num_parameters > 1 and np.shape(input)[1] != self.num_parameters:
            raise LayerError(f"nn.PReLU has {self.num_parameters} slopes for {np.shape(input)[1]} channels")
        rank = np.ndim(input)
        slope = np.reshape(w.weight, (1, -1, *(1,) * (rank - 2))) if rank > 1 else w.weight
        return np.where(input > 0, input, slope * input)

    def counterpart(self, input: Like) -> Counterpart:
        if input.rank < 2:
            raise NoCounterpart("keras.layers.PReLU takes a batch")
        rest = [1] * (input.rank - 2)
        text = "where(greater(input, 0.0), input, slope * input)"
        shape = (1, self.num_parameters, *rest)
        return Counterpart(text, arrays={"slope": moved(Mapped("weight").reshape(*shape))})


class RReLU(_Activation):
    """x, or below 0 a slope drawn between lower and upper; in evaluation their mean.

    input: any shape; returns the same shape.
    """

    names = ("nn.RReLU", "F.rrelu")
    draws = True
    lower: float = arg("Least slope.", default=1.0 / 8)
    upper: float = arg("Largest slope.", default=1.0 / 3)
    inplace: bool = arg("Whether memory is used again; no number depends on it.", default=False)

    def y(self, x: Array) -> Array:
        return leaky_relu(x, (self.lower + self.upper) / 2)

    def call(self, w: Weights, input: Array, training: bool | None = None) -> Array:
        if training:
            raise LayerError("slopes are drawn in training: nothing is to be compared")
        return self.y(input)

    def counterpart(self, input: Like) -> Counterpart:
        return one_layer("LeakyReLU", {"negative_slope": (self.lower + self.upper) / 2})


class ELU(_Activation):
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


class CELU(_Activation):
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


class SELU(_InPlace):
    """scale (max(0, x) + min(0, alpha (e^x - 1))).

    input: any shape; returns the same shape.
    """

    names = ("nn.SELU", "F.selu")
    keras = "selu"

    def y(self, x: Array) -> Array:
        return selu(x)


class GELU(_Activation):
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


class SiLU(_InPlace):
    """x sigmoid(x).

    input: any shape; returns the same shape.
    """

    names = ("nn.SiLU", "F.silu")
    keras = "silu"

    def y(self, x: Array) -> Array:
        return silu(x)


class Mish(_InPlace):
    """x tanh(log(1 + e^x)).

    input: any shape; returns the same shape.
    """

    names = ("nn.Mish", "F.mish")
    keras = "mish"

    def y(self, x: Array) -> Array:
        return mish(x)


class Sigmoid(_Activation):
    """1 / (1 + e^-x).

    input: any shape; returns the same shape.
    """

    names = ("nn.Sigmoid", "F.sigmoid")
    keras = "sigmoid"

    def y(self, x: Array) -> Array:
        return sigmoid(x)


class Tanh(_Activation):
    """(e^x - e^-x) / (e^x + e^-x).

    input: any shape; returns the same shape.
    """

    names = ("nn.Tanh", "F.tanh")
    keras = "tanh"

    def y(self, x: Array) -> Array:
        return tanh(x)


class Hardsigmoid(_InPlace):
    """min(max(x / 6 + 1 / 2, 0), 1).

    input: any shape; returns the same shape.
    """

    names = ("nn.Hardsigmoid", "F.hardsigmoid")
    keras = "hard_sigmoid"

    def y(self, x: Array) -> Array:
        return hard_sigmoid(x)


class Hardswish(_InPlace):
    """x min(max(x + 3, 0), 6) / 6.

    input: any shape; returns the same shape.
    """

    names = ("nn.Hardswish", "F.hardswish")
    keras = "hard_swish"

    def y(self, x: Array) -> Array:
        return np.where(x <= -3, 0.0, np.where(x >= 3, x, x * (x + 3.0) / 6.0))


class Hardtanh(_Activation):
    """min(max(x, min_val), max_val).

    input: any shape; returns the same shape.
    """

    names = ("nn.Hardtanh", "F.hardtanh")
    positional = ("min_val", "max_val")
    not_here: ClassVar = {"min_value": "torch gave it up for min_val", "max_value": "torch gave it up for max_val"}
    min_val: float = arg("The least value.", default=-1.0)
    max_val: float = arg("The largest value.", default=1.0)
    inplace: bool = arg("Whether memory is used again; no number depends on it.", default=False)

    def check(self) -> None:
        if self.min_val >= self.max_val:
            raise LayerError(f"max_val {self.max_val} is not above min_val {self.min_val}")

    def y(self, x: Array) -> Array:
        return np.where(x <= self.min_val, self.min_val, np.where(x >= self.max_val, self.max_val, x))

    def counterpart(self, input: Like) -> Counterpart:
        if (self.min_val, self.max_val) == (-1.0, 1.0):
            return one_layer("Activation", {"activation": "hard_tanh"})
        over = f"greater(input, {self.max_val})"
        return expression(
            f"where({over}, {self.max_val}, where(greater({self.min_val}, input), {self.min_val}, input))"
        )


class Hardshrink(_Activation):
    """x where |x| > lambd, else 0.

    input: any shape; returns the same shape.
    """

    names = ("nn.Hardshrink", "F.hardshrink")
    arithmetic = "moves"
    lambd: float = arg("The bound.", default=0.5)

    def y(self, x: Array) -> Array:
        return hard_shrink(x, self.lambd)

    def counterpart(self, input: Like) -> Counterpart:
        if self.lambd == 0.5:
            return one_layer("Activation", {"activation": "hard_shrink"})
        return expression(f"where(greater(abs(input), {self.lambd}), input, input * 0.0)")


class Softshrink(_Activation):
    """x brought nearer to 0 by lambd, and 0 where it is no further than that.

    input: any shape; returns the same shape.
    """

    names = ("nn.Softshrink", "F.softshrink")
    lambd: float = arg("The bound.", default=0.5, at_least=0)

    def y(self, x: Array) -> Array:
        return soft_shrink(x, self.lambd)

    def counterpart(self, input: Like) -> Counterpart:
        if self.lambd == 0.5:
            return one_layer("Activation", {"activation": "soft_shrink"})
        below = f"where(greater({-self.lambd}, input), input + {self.lambd}, input * 0.0)"
        return expression(f"where(greater(input, {self.lambd}), input - {self.lambd}, {below})")


class Softplus(_Activation):
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


class Softsign(_Activation):
    """x / (1 + |x|).

    input: any shape; returns the same shape.
    """

    names = ("nn.Softsign", "F.softsign")
    keras = "softsign"

    def y(self, x: Array) -> Array:
        return softsign(x)


class Tanhshrink(_Activation):
    """x - tanh(x).

    input: any shape; returns the same shape.
    """

    names = ("nn.Tanhshrink", "F.tanhshrink")
    keras = "tanh_shrink"

    def y(self, x: Array) -> Array:
        return tanh_shrink(x)


class LogSigmoid(_Activation):
    """log(1 / (1 + e^-x)).

    input: any shape; returns the same shape.
    """

    names = ("nn.LogSigmoid", "F.logsigmoid")
    keras = "log_sigmoid"

    def y(self, x: Array) -> Array:
        return log_sigmoid(x)


class Threshold(_Activation):
    """x where it is above the threshold, else value.

    input: any shape; returns the same shape.
    """

    names = ("nn.Threshold", "F.threshold")
    example = asked("nn.Threshold(0.1, 20.0)", "7")
    threshold: float = arg("The bound.")
    value: float = arg("What stands at and below it.")
    inplace: bool = arg("Whether memory is used again; no number depends on it.", default=False)

    def y(self, x: Array) -> Array:
        return np.where(x <= self.threshold, self.value, x)

    def counterpart(self, input: Like) -> Counterpart:
        return expression(f"where(greater(input, {self.threshold}), input, {self.value})")


class GLU(_Activation):
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


class _Shares(TorchLayer):
    """Functions of a whole axis."""

    arithmetic = "rounds"
    dim: int = arg("The axis whose numbers become shares.")

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return int(shapes[0][self.dim])


class Softmax(_Shares):
    """e^x over the sum of e^x.

    input: any shape; returns the same shape.
    """

    names = ("nn.Softmax", "F.softmax")
    example = asked("nn.Softmax(dim=1)", "3,5")

    def call(self, w: Weights, input: Array) -> Array:
        return softmax(input, self.dim)

    def counterpart(self, input: Like) -> Counterpart:
        return one_layer("Softmax", {"axis": self.dim})


class Softmin(_Shares):
    """The softmax of -x.

    input: any shape; returns the same shape.
    """

    names = ("nn.Softmin", "F.softmin")
    example = asked("nn.Softmin(dim=1)", "3,5")

    def call(self, w: Weights, input: Array) -> Array:
        return softmax(-input, self.dim)

    def counterpart(self, input: Like) -> Counterpart:
        return one_layer("Softmax", {"axis": self.dim}, result="layer(input * -1.0)")


class LogSoftmax(_Shares):
    """x - log of the sum of e^x.

    input: any shape; returns the same shape.
    """

    names = ("nn.LogSoftmax", "F.log_softmax")
    example = asked("nn.LogSoftmax(dim=1)", "3,5")

    def call(self, w: Weights, input: Array) -> Array:
        return log_softmax(input, self.dim)

    def counterpart(self, input: Like) -> Counterpart:
        axis, last = self.dim % input.rank, input.rank - 1
        layer = {"layer": KerasLayer("Activation", {"activation": "log_softmax"})}
        if axis == last:
            return Counterpart("layer(input)", layer)
        axes = list(range(input.rank))
        axes[axis], axes[last] = last, axis
        return Counterpart(f"transpose(layer(transpose(input, {axes})), {axes})", layer)


class Softmax2d(TorchLayer):
    """The softmax over the channels of an image.

    input: (batch, channels, height, width), or without the batch; returns the same shape.
    """

    names = ("nn.Softmax2d",)
    arithmetic = "rounds"
    example = asked("nn.Softmax2d()", "3,4,5")

    def call(self, w: Weights, input: Array) -> Array:
        if np.ndim(input) not in (3, 4):
            raise LayerError(f"nn.Softmax2d takes (batch, channels, height, width), not {np.shape(input)}")
        return softmax(input, -3)

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return int(shapes[0][-3])

    def counterpart(self, input: Like) -> Counterpart:
        return one_layer("Softmax", {"axis": -3})
