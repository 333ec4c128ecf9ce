"""nn.BatchNorm, LayerNorm, GroupNorm, InstanceNorm, RMSNorm and LocalResponseNorm, as torch documents them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import autograd.numpy as np
import numpy

from conformance.counterpart import Counterpart, KerasLayer, Moved, NoCounterpart, same
from conformance.reference.base import Array, LayerError, Weight, Weights, arg
from conformance.reference.torch.base import (
    BATCHED,
    Like,
    TorchLayer,
    normalised,
    rms_normalised,
    wants_channels,
    wants_last,
)
from conformance.reference.traits import Axes, asked

EPS_OF_FLOAT32 = float(numpy.finfo(numpy.float32).eps)
"""What nn.RMSNorm adds where nobody says otherwise."""


class _Normalization(TorchLayer):
    arithmetic = "rounds"

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return math.prod(shapes[0])


def each_channel(values: Array, rank: int) -> Array:
    """One number for each channel, (channels,), as it stands beside (batch, channels, *lengths)."""
    return np.reshape(values, (1, -1, *(1,) * (rank - 2)))


def by_statistics(x: Array, mean: Array, variance: Array, eps: float) -> Array:
    """(x - mean) / sqrt(variance + eps) of (batch, channels, *lengths), by statistics of (channels,)."""
    rank = np.ndim(x)
    return (x - each_channel(mean, rank)) / np.sqrt(each_channel(variance, rank) + eps)


def in_groups(x: Array, groups: int, eps: float) -> Array:
    """Mean and variance over each group of channels and all lengths of (batch, channels, *lengths)."""
    return np.reshape(normalised(np.reshape(x, (np.shape(x)[0], groups, -1)), (2,), eps), np.shape(x))


def _affine(channels: int, has_weight: bool, has_bias: bool) -> dict[str, Weight]:
    """A weight and a bias for each channel; no bias without a weight."""
    held = {"weight": Weight((channels,), "scale")} if has_weight else {}
    return {**held, "bias": Weight((channels,), "bias")} if has_weight and has_bias else held


def _in_keras(has_weight: bool, has_bias: bool) -> tuple[dict[str, bool], dict[str, Moved]]:
    """The arguments `center` and `scale`, and how Keras' weights are made of torch's."""
    has_bias = has_weight and has_bias
    weights = {"gamma": same("weight")} if has_weight else {}
    return {"center": has_bias, "scale": has_weight}, {**weights, **({"beta": same("bias")} if has_bias else {})}


class _Batch(_Normalization):
    """What batch and instance normalisation share: a scale, a shift and running statistics for each channel.

    running = (1 - momentum) running + momentum new, where the new variance is the unbiased one.
    """

    moves_weights = True
    rank: ClassVar[int] = 1
    also_without: ClassVar[bool] = False
    """Whether inputs without lengths, (batch, channels), are taken too."""
    num_features: int = arg("How many channels there are.", at_least=1)
    eps: float = arg("What is added to the variance.", default=1e-5)
    bias: bool = arg("Whether there is a bias beside the weight.", default=True)

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        return ("features",) if rank == 1 else BATCHED[cls.rank][:rank]

    def has(self, what: str) -> bool:
        return bool(getattr(self, what))

    def weights(self, input: Any, *rest: Any) -> Mapping[str, Weight]:
        shape = (self.num_features,)
        held = _affine(self.num_features, self.has("affine"), self.bias)
        if self.has("track_running_stats"):
            mean, variance = Weight(shape, "bias", is_trained=False), Weight(shape, "variance", is_trained=False)
            held |= {"running_mean": mean, "running_var": variance}
        return held

    def check_shape(self, input: Array) -> None:
        allowed = {self.rank + 2, *({2} if self.also_without else ())}
        if np.ndim(input) not in allowed:
            raise LayerError(f"{self.names[0]} takes (batch, {', '.join(BATCHED[self.rank])}), not {np.shape(input)}")
        wants_channels(input, 1, self.num_features, self.names[0], BATCHED[self.rank][: np.ndim(input) - 1])

    def moved(self, w: Weights, mean: Array, variance: Array, momentum: float | None) -> None:
        """Moves the running statistics by those of a batch, each of (channels,)."""
        count = w.state.get("count", 0) + 1
        share = 1.0 / count if momentum is None else momentum
        w.state["count"] = count
        for name, new in (("running_mean", mean), ("running_var", variance)):
            old = w.state.get(name, getattr(w, name))
            w.state[name] = (1.0 - share) * old + share * new

    def scaled(self, w: Weights, y: Array) -> Array:
        rank = np.ndim(y)
        y = y * each_channel(w.weight, rank) if "weight" in w else y
        return y + each_channel(w.bias, rank) if "bias" in w else y


class _BatchNorm(_Batch):
    """(x - mean) / sqrt(var + eps) weight + bias, by the batch's statistics in training, by the running ones else."""

    momentum: float | None = arg("Share of the new statistics; null for the mean of all batches.", default=0.1)
    affine: bool = arg("Whether there are a weight and a bias.", default=True)
    track_running_stats: bool = arg("Whether there are running statistics.", default=True)

    def call(self, w: Weights, input: Array, training: bool | None = None) -> Array:
        self.check_shape(input)
        rank = np.ndim(input)
        axes = (0, *range(2, rank))
        if training or not self.track_running_stats:
            count = np.size(input) // self.num_features
            if count < 2:
                raise LayerError("the variance of a batch needs more than one value for each channel")
            if training and self.track_running_stats:
                mean = np.mean(input, axis=axes)
                spread = np.sum((input - each_channel(mean, rank)) ** 2, axis=axes) / (count - 1)
                self.moved(w, mean, spread, self.momentum)
            return self.scaled(w, normalised(input, axes, self.eps))
        mean, variance = w.state.get("running_mean", w.running_mean), w.state.get("running_var", w.running_var)
        return self.scaled(w, by_statistics(input, mean, variance, self.eps))

    def counterpart(self, input: Like) -> Counterpart:
        if not self.track_running_stats:
            raise NoCounterpart("BatchNormalization normalises by its moving statistics outside of training")
        if self.momentum is None:
            raise NoCounterpart("BatchNormalization moves its statistics by a share, and keeps no mean of all batches")
        own, weights = _in_keras(self.affine, self.bias)
        weights |= {"moving_mean": same("running_mean"), "moving_variance": same("running_var")}
        config: dict[str, Any] = {"axis": 1, "epsilon": self.eps, **own, "momentum": 1.0 - self.momentum}
        return Counterpart("layer(input)", {"layer": KerasLayer("BatchNormalization", config, weights)})


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of (batch, channels) or (batch, channels, steps)."""

    names = ("nn.BatchNorm1d",)
    also_without = True
    example = asked("nn.BatchNorm1d(3)", "3,5")


class BatchNorm2d(_BatchNorm):
    """Batch normalisation of images.

    input: (batch, channels, height, width); returns the same shape.
    """

    names = ("nn.BatchNorm2d",)
    rank = 2
    example = asked("nn.BatchNorm2d(3, eps=1e-3)", "3,4,5")


class BatchNorm3d(_BatchNorm):
    """Batch normalisation of volumes.

    input: (batch, channels, depth, height, width); returns the same shape.
    """

    names = ("nn.BatchNorm3d",)
    rank = 3
    example = asked("nn.BatchNorm3d(3)", "3,2,4,5")


class _InstanceNorm(_Batch):
    """Each channel of each sample by its own mean and variance; by running ones where those are tracked."""

    momentum: float = arg("Share of the new statistics.", default=0.1)
    affine: bool = arg("Whether there are a weight and a bias.", default=False)
    track_running_stats: bool = arg("Whether there are running statistics.", default=False)

    def call(self, w: Weights, input: Array, training: bool | None = None) -> Array:
        if np.ndim(input) == self.rank + 1:
            return self.call(w, input[None], training)[0]
        self.check_shape(input)
        rank = np.ndim(input)
        axes = tuple(range(2, rank))
        if not self.track_running_stats or training:
            count = math.prod(np.shape(input)[2:])
            if count < 2:
                raise LayerError("a variance needs more than one value for each channel")
            if self.track_running_stats:
                mean = np.mean(input, axis=axes, keepdims=True)
                spread = np.sum((input - mean) ** 2, axis=axes) / (count - 1)
                self.moved(w, np.mean(mean, axis=(0, *axes)), np.mean(spread, axis=0), self.momentum)
            return self.scaled(w, normalised(input, axes, self.eps))
        mean, variance = w.state.get("running_mean", w.running_mean), w.state.get("running_var", w.running_var)
        return self.scaled(w, by_statistics(input, mean, variance, self.eps))

    def counterpart(self, input: Like) -> Counterpart:
        if self.track_running_stats:
            raise NoCounterpart("Keras has no running statistics of single samples")
        if input.rank != self.rank + 2:
            raise NoCounterpart("GroupNormalization takes a batch")
        own, weights = _in_keras(self.affine, self.bias)
        config: dict[str, Any] = {"groups": self.num_features, "axis": 1, "epsilon": self.eps, **own}
        return Counterpart("layer(input)", {"layer": KerasLayer("GroupNormalization", config, weights)})


class InstanceNorm1d(_InstanceNorm):
    """Instance normalisation of sequences.

    input: (batch, channels, steps); returns the same shape.
    """

    names = ("nn.InstanceNorm1d",)
    example = asked("nn.InstanceNorm1d(3, affine=True)", "3,5")


class InstanceNorm2d(_InstanceNorm):
    """Instance normalisation of images.

    input: (batch, channels, height, width); returns the same shape.
    """

    names = ("nn.InstanceNorm2d",)
    rank = 2
    example = asked("nn.InstanceNorm2d(3)", "3,4,5")


class InstanceNorm3d(_InstanceNorm):
    """Instance normalisation of volumes.

    input: (batch, channels, depth, height, width); returns the same shape.
    """

    names = ("nn.InstanceNorm3d",)
    rank = 3
    example = asked("nn.InstanceNorm3d(2)", "2,3,4,2")


class LayerNorm(_Normalization):
    """Mean and variance over the last axes, whose lengths normalized_shape says."""

    names = ("nn.LayerNorm",)
    example = asked("nn.LayerNorm([5, 3])", "4,5,3")
    normalized_shape: int | tuple[int, ...] = arg("The lengths of the last axes.")
    eps: float = arg("What is added to the variance.", default=1e-5)
    elementwise_affine: bool = arg("Whether there is a weight.", default=True)
    bias: bool = arg("Whether there is a bias beside the weight.", default=True)

    def lengths(self) -> tuple[int, ...]:
        return (self.normalized_shape,) if isinstance(self.normalized_shape, int) else self.normalized_shape

    def weights(self, input: Any) -> Mapping[str, Weight]:
        if not self.elementwise_affine:
            return {}
        held = {"weight": Weight(self.lengths(), "scale")}
        return {**held, "bias": Weight(self.lengths(), "bias")} if self.bias else held

    def call(self, w: Weights, input: Array) -> Array:
        axes = last_axes(input, self.lengths(), "nn.LayerNorm")
        y = normalised(input, axes, self.eps)
        if "weight" in w:
            y = y * w.weight
        return y + w.bias if "bias" in w else y

    def counterpart(self, input: Like) -> Counterpart:
        axes = [axis - len(self.lengths()) for axis in range(len(self.lengths()))]
        has_bias = self.elementwise_affine and self.bias
        config = {
            "axis": axes,
            "epsilon": self.eps,
            "center": has_bias,
            "scale": self.elementwise_affine,
        }
        weights = {"gamma": same("weight")} if self.elementwise_affine else {}
        if has_bias:
            weights["beta"] = same("bias")
        return Counterpart("layer(input)", {"layer": KerasLayer("LayerNormalization", config, weights)})


def last_axes(x: Array, lengths: tuple[int, ...], name: str) -> tuple[int, ...]:
    """The last axes. Raises LayerError where they have other lengths."""
    rank = np.ndim(x)
    if len(lengths) == 1:
        wants_last(x, lengths[0], name, f"(..., {lengths[0]})")
    if tuple(np.shape(x)[rank - len(lengths) :]) != tuple(lengths):
        raise LayerError(f"{name} takes (..., {', '.join(map(str, lengths))}), not {np.shape(x)}")
    return tuple(range(rank - len(lengths), rank))


class RMSNorm(_Normalization):
    """x / sqrt(mean of x^2 + eps) weight over the last axes."""

    names = ("nn.RMSNorm",)
    example = asked("nn.RMSNorm(5)", "4,5")
    normalized_shape: int | tuple[int, ...] = arg("The lengths of the last axes.")
    eps: float | None = arg("What is added to the mean; null for the distance from 1 to the next float.", default=None)
    elementwise_affine: bool = arg("Whether there is a weight.", default=True)

    def lengths(self) -> tuple[int, ...]:
        return (self.normalized_shape,) if isinstance(self.normalized_shape, int) else self.normalized_shape

    def weights(self, input: Any) -> Mapping[str, Weight]:
        return {"weight": Weight(self.lengths(), "scale")} if self.elementwise_affine else {}

    def call(self, w: Weights, input: Array) -> Array:
        axes = last_axes(input, self.lengths(), "nn.RMSNorm")
        eps = EPS_OF_FLOAT32 if self.eps is None else self.eps
        y = rms_normalised(input, axes, eps)
        return y * w.weight if self.elementwise_affine else y

    def counterpart(self, input: Like) -> Counterpart:
        if len(self.lengths()) != 1:
            raise NoCounterpart("RMSNormalization has a scale for one axis alone")
        if not self.elementwise_affine:
            raise NoCounterpart("RMSNormalization always has a scale; leave it at ones")
        config = {"axis": -1, "epsilon": EPS_OF_FLOAT32 if self.eps is None else self.eps}
        layer = KerasLayer("RMSNormalization", config, {"scale": same("weight")})
        return Counterpart("layer(input)", {"layer": layer})


class GroupNorm(_Normalization):
    """Mean and variance over each group of channels and all lengths; a weight and a bias for each channel."""

    names = ("nn.GroupNorm",)
    example = asked("nn.GroupNorm(2, 6)", "6,4,5")
    num_groups: int = arg("How many groups.", at_least=1)
    num_channels: int = arg("How many channels.", at_least=1)
    eps: float = arg("What is added to the variance.", default=1e-5)
    affine: bool = arg("Whether there are a weight and a bias.", default=True)
    bias: bool = arg("Whether there is a bias beside the weight.", default=True)

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        return BATCHED.get(rank - 1, ("channels",))

    def check(self) -> None:
        if self.num_groups < 1 or self.num_channels % self.num_groups:
            raise LayerError(f"{self.num_channels} channels are not in {self.num_groups} groups")

    def weights(self, input: Any) -> Mapping[str, Weight]:
        return _affine(self.num_channels, self.affine, self.bias)

    def call(self, w: Weights, input: Array) -> Array:
        shape = np.shape(input)
        wants_channels(input, 1, self.num_channels, "nn.GroupNorm", BATCHED.get(len(shape) - 2, ("channels",)))
        y = in_groups(input, self.num_groups, self.eps)
        y = y * each_channel(w.weight, len(shape)) if "weight" in w else y
        return y + each_channel(w.bias, len(shape)) if "bias" in w else y

    def counterpart(self, input: Like) -> Counterpart:
        own, weights = _in_keras(self.affine, self.bias)
        config: dict[str, Any] = {"groups": self.num_groups, "axis": 1, "epsilon": self.eps, **own}
        return Counterpart("layer(input)", {"layer": KerasLayer("GroupNormalization", config, weights)})


class LocalResponseNorm(_Normalization):
    """x / (k + alpha / size times the sum of squares of `size` channels around)^beta.

    Source: the documentation of nn.LocalResponseNorm: from c - floor(size / 2) to c + floor((size - 1) / 2).
    """

    names = ("nn.LocalResponseNorm", "F.local_response_norm")
    example = asked("nn.LocalResponseNorm(3)", "5,4")
    size: int = arg("How many channels count.", at_least=1)
    alpha: float = arg("Factor of the mean of squares.", default=1e-4)
    beta: float = arg("Exponent.", default=0.75)
    k: float = arg("What is added.", default=1.0)

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        return BATCHED.get(rank - 1, ("channels",))

    def call(self, w: Weights, input: Array) -> Array:
        rank, count = np.ndim(input), np.shape(input)[1]
        if rank < 3:
            raise LayerError("nn.LocalResponseNorm takes (batch, channels, lengths)")
        before, after = self.size // 2, (self.size - 1) // 2
        squares = np.pad(input**2, [(0, 0), (before, after), *[(0, 0)] * (rank - 2)], "constant")
        total = sum(squares[:, offset : offset + count] for offset in range(self.size))
        return input / (self.k + self.alpha * total / self.size) ** self.beta

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return self.size

    def counterpart(self, input: Like) -> Counterpart:
        count = input.shape[1]
        widths = [[0, 0], [self.size // 2, (self.size - 1) // 2], *[[0, 0]] * (input.rank - 2)]
        total = " + ".join(f"squares[:, {offset}:{offset + count}]" for offset in range(self.size))
        return Counterpart(
            f"input / exp({self.beta} * log({self.k} + {self.alpha / self.size} * total))",
            nodes=(("squares", f"pad(input * input, {widths}, 0.0)"), ("total", total)),
        )
