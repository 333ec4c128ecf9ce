"""torch.nn.functional's normalisations, whose weights and statistics are inputs."""

from __future__ import annotations

import math
from typing import Any

import autograd.numpy as np

from conformance.counterpart import Counterpart, KerasLayer, expression
from conformance.reference.base import Array, LayerError, Weights, arg
from conformance.reference.torch.base import Like, TorchLayer, normalised, rms_normalised
from conformance.reference.torch.normalization import (
    EPS_OF_FLOAT32,
    by_statistics,
    each_channel,
    in_groups,
    last_axes,
)
from conformance.reference.traits import asked


class _Normal(TorchLayer):
    """A normalisation whose weight and bias, if any, are inputs."""

    arithmetic = "rounds"

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return math.prod(shapes[0])


def _scaled(y: Array, weight: Any, bias: Any) -> Array:
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def _scaled_channels(y: Array, weight: Any, bias: Any) -> Array:
    """The same with one number for each channel of (batch, channels, *lengths)."""
    rank = np.ndim(y)
    return _scaled(y, *(None if one is None else each_channel(one, rank) for one in (weight, bias)))


def _scaled_text(text: str, weight: Any, bias: Any) -> str:
    text = text if weight is None else f"({text}) * weight"
    return text if bias is None else f"{text} + bias"


def _scaled_channels_text(text: str, rank: int, weight: Any, bias: Any) -> str:
    wide = [1, -1, *[1] * (rank - 2)]
    text = text if weight is None else f"{text} * reshape(weight, {wide})"
    return text if bias is None else f"{text} + reshape(bias, {wide})"


class LayerNorm(_Normal):
    """Mean and variance over the last axes."""

    names = ("F.layer_norm",)
    example = asked("F.layer_norm([5])", "4,5")
    normalized_shape: tuple[int, ...] = arg("The lengths of the last axes.")
    eps: float = arg("What is added to the variance.", default=1e-5)

    def call(self, w: Weights, input: Array, weight: Any = None, bias: Any = None) -> Array:
        axes = last_axes(input, self.normalized_shape, "F.layer_norm")
        return _scaled(normalised(input, axes, self.eps), weight, bias)

    def counterpart(self, input: Like, weight: Any = None, bias: Any = None) -> Counterpart:
        axes = [axis - len(self.normalized_shape) for axis in range(len(self.normalized_shape))]
        config = {"axis": axes, "epsilon": self.eps, "center": False, "scale": False}
        layer = {"layer": KerasLayer("LayerNormalization", config)}
        return Counterpart(_scaled_text("layer(input)", weight, bias), layer)


class RMSNorm(_Normal):
    """x / sqrt(mean of x^2 + eps) over the last axes."""

    names = ("F.rms_norm",)
    example = asked("F.rms_norm([5])", "4,5")
    normalized_shape: tuple[int, ...] = arg("The lengths of the last axes.")
    eps: float | None = arg("What is added; null for the distance from 1 to the next float.", default=None)

    def call(self, w: Weights, input: Array, weight: Any = None) -> Array:
        axes = last_axes(input, self.normalized_shape, "F.rms_norm")
        eps = EPS_OF_FLOAT32 if self.eps is None else self.eps
        return _scaled(rms_normalised(input, axes, eps), weight, None)

    def counterpart(self, input: Like, weight: Any = None) -> Counterpart:
        axes = [axis - len(self.normalized_shape) for axis in range(len(self.normalized_shape))]
        eps = EPS_OF_FLOAT32 if self.eps is None else self.eps
        text = f"input / sqrt(mean(input * input, axis={axes}, keepdims=True) + {eps})"
        return expression(_scaled_text(text, weight, None))


class GroupNorm(_Normal):
    """Mean and variance over each group of channels and all lengths."""

    names = ("F.group_norm",)
    example = asked("F.group_norm(2)", "6,4")
    num_groups: int = arg("How many groups.", at_least=1)
    eps: float = arg("What is added to the variance.", default=1e-5)

    def call(self, w: Weights, input: Array, weight: Any = None, bias: Any = None) -> Array:
        shape = np.shape(input)
        if self.num_groups < 1 or shape[1] % self.num_groups:
            raise LayerError(f"{shape[1]} channels are not in {self.num_groups} groups")
        return _scaled_channels(in_groups(input, self.num_groups, self.eps), weight, bias)

    def counterpart(self, input: Like, weight: Any = None, bias: Any = None) -> Counterpart:
        config = {"groups": self.num_groups, "axis": 1, "epsilon": self.eps, "center": False, "scale": False}
        layer = {"layer": KerasLayer("GroupNormalization", config)}
        return Counterpart(_scaled_channels_text("layer(input)", input.rank, weight, bias), layer)


class _OfStatistics(_Normal):
    """A normalisation of channels by statistics that are inputs: (channels,) each."""

    eps: float = arg("What is added to the variance.", default=1e-5)
    momentum: float = arg("Share of new statistics in training, which is not asked here.", default=0.1)

    def by(self, x: Array, mean: Array, variance: Array, weight: Any, bias: Any) -> Array:
        """(x - mean) / sqrt(variance + eps), and a scale and a shift for each channel."""
        return _scaled_channels(by_statistics(x, mean, variance, self.eps), weight, bias)

    def by_text(self, rank: int, weight: Any, bias: Any) -> str:
        """The same as an expression."""
        wide = [1, -1, *[1] * (rank - 2)]
        text = f"(input - reshape(running_mean, {wide})) / sqrt(reshape(running_var, {wide}) + {self.eps})"
        return _scaled_channels_text(text, rank, weight, bias)


class BatchNorm(_OfStatistics):
    """Batch normalisation by running statistics that are inputs, and not changed: in evaluation.

    input: (batch, channels, *lengths); running_mean, running_var, weight and bias: (channels,).
    """

    names = ("F.batch_norm",)
    written_as_case = "its statistics have no batch"

    def call(
        self,
        w: Weights,
        input: Array,
        running_mean: Array,
        running_var: Array,
        weight: Any = None,
        bias: Any = None,
        training: bool | None = None,
    ) -> Array:
        if training:
            raise LayerError("in training it changes its statistics, which are inputs: ask nn.BatchNorm1d")
        return self.by(input, running_mean, running_var, weight, bias)

    def counterpart(
        self, input: Like, running_mean: Like, running_var: Like, weight: Any = None, bias: Any = None
    ) -> Counterpart:
        return expression(self.by_text(input.rank, weight, bias))


class InstanceNorm(_OfStatistics):
    """Each channel of each sample by its own statistics; without use_input_stats by those that are inputs.

    input: (batch, channels, *lengths); running_mean, running_var, weight and bias: (channels,).
    """

    names = ("F.instance_norm",)
    example = asked("F.instance_norm()", "3,5")
    use_input_stats: bool = arg("Whether each channel of each sample has statistics of its own.", default=True)

    def call(
        self,
        w: Weights,
        input: Array,
        running_mean: Any = None,
        running_var: Any = None,
        weight: Any = None,
        bias: Any = None,
    ) -> Array:
        if not self.use_input_stats:
            if running_mean is None or running_var is None:
                raise LayerError("without use_input_stats running_mean and running_var have to be given")
            return self.by(input, running_mean, running_var, weight, bias)
        if running_mean is not None or running_var is not None:
            raise LayerError("with use_input_stats it changes its statistics, which are inputs: ask nn.InstanceNorm1d")
        if math.prod(np.shape(input)[2:]) < 2:
            raise LayerError("a variance needs more than one value for each channel")
        return _scaled_channels(normalised(input, tuple(range(2, np.ndim(input))), self.eps), weight, bias)

    def counterpart(
        self,
        input: Like,
        running_mean: Any = None,
        running_var: Any = None,
        weight: Any = None,
        bias: Any = None,
    ) -> Counterpart:
        if not self.use_input_stats:
            return expression(self.by_text(input.rank, weight, bias))
        config = {"groups": input.shape[1], "axis": 1, "epsilon": self.eps, "center": False, "scale": False}
        text = _scaled_channels_text("layer(input)", input.rank, weight, bias)
        return Counterpart(text, {"layer": KerasLayer("GroupNormalization", config)})
