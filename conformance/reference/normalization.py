"""Normalisations: an input less its mean, over its deviation, for statistics taken over different axes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import autograd.numpy as np
import numpy
from autograd.tracer import getval

from .backwards import VARIANCE_IS_CONSTANT
from .base import Array, Layer, LayerError, Mutant, Shape, Weight, Weights, arg
from .invariants import UNIT_NORM
from .traits import asked, called

Axes = int | tuple[int, ...]

GAMMA_BETA_KERAS_ONLY = (
    "beta_initializer",
    "gamma_initializer",
    "beta_regularizer",
    "gamma_regularizer",
    "beta_constraint",
    "gamma_constraint",
)


def axes_of(axis: Axes, rank: int) -> tuple[int, ...]:
    """The axes, counted from the front, in ascending order. Raises LayerError for one that does not exist."""
    axes = (axis,) if isinstance(axis, int) else axis
    for number in axes:
        if not -rank <= number < rank:
            raise LayerError(f"axis {number} does not exist in an input with {rank} axes")
    return tuple(sorted(number % rank for number in axes))


def along(weight: Array, axes: tuple[int, ...], shape: Shape) -> Array:
    """A weight that spans these axes of an input, with length 1 on the others."""
    return np.reshape(weight, tuple(length if axis in axes else 1 for axis, length in enumerate(shape)))


def without(name: str, value: float) -> Any:
    """A hook that gives a weight its starting value, where the layer has it."""
    return lambda layer, w: {name: 0.0 * w[name] + value} if name in w else {}


def shrunk(layer: Any, shape: Shape) -> float:
    """sqrt(1 - 1 / n) for n normalised numbers, where there is a gamma to make up for it.

    x / t has the variance v / t^2 = v n / (n - 1); gamma t then undoes the t of the numerator, epsilon or not.
    """
    n = math.prod(shape[axis] for axis in axes_of(layer.axis, len(shape)))
    return math.sqrt(1 - 1 / n) if layer.scale and n > 1 else 1.0


class _Normalized(Layer):
    """What divides by the root of a variance."""

    backwards: ClassVar[tuple[Mutant, ...]] = (VARIANCE_IS_CONSTANT,)
    arithmetic = "rounds"
    layout = "normalization"

    def deviation(self: Any, variance: Array) -> Array:
        """The root of the variance, kept away from zero by `epsilon`."""
        return np.sqrt(variance + self.epsilon)


EPSILON_OUTSIDE = Mutant(
    "epsilon_outside",
    "adds epsilon to the root of the variance, not to the variance",
    methods={"deviation": lambda layer, variance: np.sqrt(variance) + layer.epsilon},
)


def _over_the_last_axis(layer: Any, w: Weights, x: Array) -> Array:
    axes = axes_of(layer.axis, x.ndim)
    centered = x - np.mean(x, axis=axes[-1], keepdims=True)
    y = (x if layer.rms_scaling else centered) / layer.deviation(np.mean(centered**2, axis=axes[-1], keepdims=True))
    y = y * along(w.gamma, axes, x.shape) if "gamma" in w else y
    return y + along(w.beta, axes, x.shape) if "beta" in w else y


def _over_deviation(layer: Any, y: Array, args: list[Any]) -> Array:
    axes = axes_of(layer.axis, args[0].ndim)
    right, wrong = (f(args[0], axes) for f in (_mean_square, _variance))
    return y * layer.deviation(right) / layer.deviation(wrong)


def _mean_square(x: Array, axes: tuple[int, ...]) -> Array:
    return np.mean(x**2, axis=axes, keepdims=True)


def _variance(x: Array, axes: tuple[int, ...]) -> Array:
    return _mean_square(x - np.mean(x, axis=axes, keepdims=True), axes)


class LayerNormalization(_Normalized):
    """gamma (x - mean) / sqrt(variance + epsilon) + beta, each entry of the batch on its own.

    x: any shape with a batch; the shape stays. Mean and (biased) variance are taken over `axis`, which gamma and beta
    span. `rms_scaling`, deprecated, is gamma x / sqrt(variance + epsilon). Ba, Kiros, Hinton (2016), equations 3 and 4.
    """

    native = called("nn.LayerNorm")
    example = asked("LayerNormalization", "3")
    weights_by_name = True

    keras_only: ClassVar[tuple[str, ...]] = GAMMA_BETA_KERAS_ONLY
    supports_masking: ClassVar[bool] = True

    axis: Axes = arg("Axis or axes over which mean and variance are taken.", default=-1)
    epsilon: float = arg("Added to the variance.", default=1e-3, at_least=0)
    center: bool = arg("Whether beta is added.", default=True)
    scale: bool = arg("Whether gamma multiplies.", default=True)
    rms_scaling: bool = arg("Deprecated: neither takes the mean off nor adds beta.", default=False)

    def weights(self, shape: Shape) -> Mapping[str, Weight]:
        spanned = tuple(shape[axis] for axis in axes_of(self.axis, len(shape)))
        gamma = {"gamma": Weight(spanned, "scale")} if self.scale or self.rms_scaling else {}
        return {**gamma, "beta": Weight(spanned, "bias")} if self.center and not self.rms_scaling else gamma

    def call(self, w: Weights, x: Array) -> Array:
        axes = axes_of(self.axis, x.ndim)
        centered = x - np.mean(x, axis=axes, keepdims=True)
        variance = np.mean(centered**2, axis=axes, keepdims=True)
        y = (x if self.rms_scaling else centered) / self.deviation(variance)
        if "gamma" in w:
            y = y * along(w.gamma, axes, x.shape)
        return y + along(w.beta, axes, x.shape) if "beta" in w else y

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return math.prod(shapes[0][axis] for axis in axes_of(self.axis, len(shapes[0])))

    @classmethod
    def torch_lines(cls, config: Mapping[str, Any], size: int) -> tuple[str, ...]:
        return (f"nn.LayerNorm({size}, eps={config.get('epsilon', 1e-3):g})",)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("epsilon_of_torch", "takes torch's epsilon, 1e-5", config=lambda layer: {"epsilon": 1e-5}),
        EPSILON_OUTSIDE,
        Mutant("forgets_beta", "adds no beta", weights=without("beta", 0.0)),
        Mutant("forgets_gamma", "multiplies by no gamma", weights=without("gamma", 1.0)),
        Mutant(
            "unbiased_variance",
            "divides the sum of squares by n - 1",
            inputs=lambda layer, args, kwargs: ([args[0] / shrunk(layer, np.shape(args[0]))], kwargs),
            weights=lambda layer, w: {"gamma": w["gamma"] * math.sqrt(1 - 1 / w["gamma"].size)} if "gamma" in w else {},
        ),
        Mutant(
            "last_axis_only",
            "takes the statistics over the last axis only, where there are several",
            methods={"call": _over_the_last_axis},
        ),
        Mutant(
            "keeps_the_mean",
            "does not take the mean off, as with rms_scaling",
            config=lambda layer: {"rms_scaling": True},
        ),
        Mutant(
            "cut_to_integers",
            "gives whole numbers for whole numbers: cuts off what is behind the point",
            output=lambda layer, y, args: np.trunc(y) if numpy.issubdtype(getval(args[0]).dtype, numpy.integer) else y,
        ),
    )


def _as_axes(axis: Axes) -> tuple[int, ...]:
    return (axis,) if isinstance(axis, int) else axis


class RMSNormalization(_Normalized):
    """scale x / sqrt(mean(x^2) + epsilon) over `axis`, which the scale spans. x: any shape; the shape stays.

    Zhang and Sennrich (2019), equation 4, with the epsilon of the documentation of `keras.layers.RMSNormalization`.
    """

    native = called("nn.RMSNorm")
    example = asked("RMSNormalization", "3")

    axis: Axes = arg("Axis or axes over which the mean square is taken.", default=-1)
    epsilon: float = arg("Added to the mean square.", default=1e-6, at_least=0)

    def weights(self, shape: Shape) -> Mapping[str, Weight]:
        return {"scale": Weight(tuple(shape[axis] for axis in axes_of(self.axis, len(shape))), "scale")}

    def call(self, w: Weights, x: Array) -> Array:
        axes = axes_of(self.axis, x.ndim)
        mean_square = np.mean(x**2, axis=axes, keepdims=True)
        return along(w.scale, axes, x.shape) * x / self.deviation(mean_square)

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return math.prod(shapes[0][axis] for axis in axes_of(self.axis, len(shapes[0])))

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant(
            "takes_the_mean_off",
            "centres first, as layer normalisation does",
            inputs=lambda layer, args, kwargs: (
                [args[0] - np.mean(args[0], axis=_as_axes(layer.axis), keepdims=True)],
                kwargs,
            ),
        ),
        Mutant(
            "over_deviation",
            "divides by the root of the variance, with the mean taken off there",
            output=_over_deviation,
        ),
        EPSILON_OUTSIDE,
        Mutant("forgets_scale", "multiplies by no scale", weights=without("scale", 1.0)),
        Mutant("epsilon_of_layer_norm", "takes 1e-3 for epsilon", config=lambda layer: {"epsilon": 1e-3}),
        Mutant(
            "sum_for_mean",
            "divides by the norm, not by the root mean square",
            weights=lambda layer, w: {"scale": w["scale"] / math.sqrt(w["scale"].size)},
        ),
    )


class UnitNormalization(Layer):
    """x over its Euclidean norm along `axis`; a slice of zeros stays 0. x: any shape; the shape stays.

    x / max(norm, 1e-12): documentation of `keras.layers.UnitNormalization` and `keras.ops.normalize`.
    """

    arithmetic = "rounds"
    native = called("F.normalize")
    example = asked("UnitNormalization", "3")

    supports_masking: ClassVar[bool] = True

    axis: Axes = arg("Axis or axes over which the norm is taken.", default=-1)
    invariants = UNIT_NORM

    def call(self, w: Weights, x: Array) -> Array:
        square = np.sum(x**2, axis=axes_of(self.axis, x.ndim), keepdims=True)
        is_small = square < 1e-24
        return x / np.where(is_small, 1e-12, np.sqrt(np.where(is_small, 1.0, square)))

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return math.prod(shapes[0][axis] for axis in axes_of(self.axis, len(shapes[0])))

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant(
            "sum_of_absolutes",
            "divides by the sum of absolute values",
            output=lambda layer, y, args: y / np.sum(np.abs(y), axis=_as_axes(layer.axis), keepdims=True),
        ),
        Mutant(
            "wrong_axis",
            "takes the norm over the axis before",
            config=lambda layer: {"axis": tuple(axis - 1 for axis in _as_axes(layer.axis))},
        ),
        Mutant(
            "root_mean_square",
            "divides by the root mean square",
            output=lambda layer, y, args: y * math.sqrt(_count(layer.axis, y.shape)),
        ),
    )


def _count(axis: Axes, shape: Shape) -> int:
    return math.prod(shape[number] for number in _as_axes(axis))


class GroupNormalization(_Normalized):
    """Layer normalisation of groups of neighbouring channels, over all steps at once; gamma and beta a channel.

    x: (batch, ..., channels), or the channels on `axis`; the shape stays. -1 groups: a group a channel. Wu and He
    (2018), equations 1 to 6.
    """

    native = called("nn.GroupNorm")
    example = asked("GroupNormalization(groups=2)", "5,4")

    keras_only: ClassVar[tuple[str, ...]] = GAMMA_BETA_KERAS_ONLY
    supports_masking: ClassVar[bool] = True

    groups: int = arg("Number of groups; -1 is one a channel.", default=32)
    axis: int = arg("The axis that holds the channels.", default=-1)
    epsilon: float = arg("Added to the variance.", default=1e-3, at_least=0)
    center: bool = arg("Whether beta is added.", default=True)
    scale: bool = arg("Whether gamma multiplies.", default=True)

    def check(self) -> None:
        if self.groups == 0 or self.groups < -1:
            raise LayerError(f"groups={self.groups} must be positive, or -1 for a group a channel")

    def size(self, shape: Shape) -> int:
        """Channels in a group. Raises LayerError where the channels cannot be cut into that many groups."""
        (axis,) = axes_of(self.axis, len(shape))
        channels = shape[axis]
        groups = channels if self.groups == -1 else self.groups
        if channels % groups or groups > channels:
            raise LayerError(f"{channels} channels cannot be cut into {groups} groups")
        return channels // groups

    def weights(self, shape: Shape) -> Mapping[str, Weight]:
        self.size(shape)
        spanned = (shape[self.axis],)
        gamma = {"gamma": Weight(spanned, "scale")} if self.scale else {}
        return {**gamma, "beta": Weight(spanned, "bias")} if self.center else gamma

    def call(self, w: Weights, x: Array) -> Array:
        last = np.moveaxis(x, self.axis, -1)
        size = self.size(x.shape)
        grouped = np.reshape(last, (*last.shape[:-1], last.shape[-1] // size, size))
        axes = (*range(1, last.ndim - 1), last.ndim)
        centered = grouped - np.mean(grouped, axis=axes, keepdims=True)
        variance = np.mean(centered**2, axis=axes, keepdims=True)
        y = np.reshape(centered / self.deviation(variance), last.shape)
        y = y * w.gamma if self.scale else y
        y = y + w.beta if self.center else y
        return np.moveaxis(y, -1, self.axis)

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        shape: Shape = shapes[0]
        return math.prod(shape[1:]) * self.size(shape) // shape[self.axis]

    def rule(self, shape: Shape) -> str:
        size = self.size(shape)
        return f"{shape[self.axis]} channels in {shape[self.axis] // size} groups of {size}"

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("epsilon_of_torch", "takes torch's epsilon, 1e-5", config=lambda layer: {"epsilon": 1e-5}),
        EPSILON_OUTSIDE,
        Mutant("one_group", "puts all channels into one group", config=lambda layer: {"groups": 1}),
        Mutant("group_a_channel", "gives each channel its group", config=lambda layer: {"groups": -1}),
        Mutant(
            "interleaved_groups",
            "puts every n-th channel into a group, not neighbours",
            inputs=lambda layer, args, kwargs: ([np.take(args[0], _dealt(layer, args[0]), axis=layer.axis)], kwargs),
            output=lambda layer, y, args: np.take(y, np.argsort(_dealt(layer, y)), axis=layer.axis),
        ),
        Mutant("forgets_beta", "adds no beta", weights=without("beta", 0.0)),
        Mutant("forgets_gamma", "multiplies by no gamma", weights=without("gamma", 1.0)),
    )


def _dealt(layer: GroupNormalization, x: Array) -> Array:
    """The channels in the order in which they are dealt to the groups one by one."""
    channels = x.shape[layer.axis]
    return np.arange(channels).reshape(layer.size(x.shape), -1).T.ravel()
