"""nn.Softmax and its kind: what becomes of a whole axis."""

from __future__ import annotations

from typing import Any

import autograd.numpy as np

from conformance.counterpart import Counterpart, KerasLayer, one_layer
from conformance.reference.activations import log_softmax, softmax
from conformance.reference.base import Array, LayerError, Weights, arg
from conformance.reference.torch.base import Like, TorchLayer
from conformance.reference.traits import asked


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
