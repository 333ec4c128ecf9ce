"""Activations of torch.nn that are straight in pieces, or nearly: nn.ReLU and its kind, bounds and thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import autograd.numpy as np

from conformance.counterpart import Counterpart, NoCounterpart, expression, moved, one_layer
from conformance.mapping import Mapped
from conformance.reference.activations import hard_shrink, hard_sigmoid, leaky_relu, relu, relu6, soft_shrink
from conformance.reference.base import Array, LayerError, Weight, Weights, arg
from conformance.reference.torch.activations import Activation, InPlace
from conformance.reference.torch.base import Like
from conformance.reference.traits import asked


class ReLU(InPlace):
    """max(x, 0).

    input: any shape; returns the same shape.
    """

    names = ("nn.ReLU", "F.relu")
    arithmetic = "moves"
    keras = "relu"

    def y(self, x: Array) -> Array:
        return relu(x)


class ReLU6(InPlace):
    """min(max(x, 0), 6).

    input: any shape; returns the same shape.
    """

    names = ("nn.ReLU6", "F.relu6")
    arithmetic = "moves"
    keras = "relu6"

    def y(self, x: Array) -> Array:
        return relu6(x)


class LeakyReLU(Activation):
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


class PReLU(Activation):
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


class RReLU(Activation):
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


class Hardsigmoid(InPlace):
    """min(max(x / 6 + 1 / 2, 0), 1).

    input: any shape; returns the same shape.
    """

    names = ("nn.Hardsigmoid", "F.hardsigmoid")
    keras = "hard_sigmoid"

    def y(self, x: Array) -> Array:
        return hard_sigmoid(x)


class Hardswish(InPlace):
    """x min(max(x + 3, 0), 6) / 6.

    input: any shape; returns the same shape.
    """

    names = ("nn.Hardswish", "F.hardswish")
    keras = "hard_swish"

    def y(self, x: Array) -> Array:
        return np.where(x <= -3, 0.0, np.where(x >= 3, x, x * (x + 3.0) / 6.0))


class Hardtanh(Activation):
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


class Hardshrink(Activation):
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


class Softshrink(Activation):
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


class Threshold(Activation):
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
