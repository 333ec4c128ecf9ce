"""Activations that are layers: ReLU, LeakyReLU, ELU, PReLU and Softmax, with their arguments and learned slopes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import autograd.numpy as np
import numpy
from autograd.tracer import getval

from . import activations
from .base import Array, Layer, LayerError, Mutant, Shape, Weight, Weights, arg
from .invariants import HIDDEN, SHARES
from .traits import Arithmetic, asked, called


class ReLU(Layer):
    """x above the threshold, negative_slope (x - threshold) up to it, and never more than `max_value`.

    x: any shape; the shape stays. At the threshold itself 0, as the example in the documentation of
    `keras.activations.relu` says; the formula in that of `keras.layers.ReLU` says x there.
    """

    arithmetic = "moves"
    native = called("nn.ReLU")
    also_modules = ("ReLU6",)
    example = asked("ReLU", "3")

    supports_masking: ClassVar[bool] = True

    max_value: float | None = arg("Largest value of the output; None is no limit.", default=None)
    negative_slope: float = arg("Slope below the threshold.", default=0.0)
    threshold: float = arg("Where the slope changes.", default=0.0)

    def check(self) -> None:
        for name in ("max_value", "negative_slope", "threshold"):
            if (getattr(self, name) or 0.0) < 0:
                raise LayerError(f"{name}={getattr(self, name)} must not be negative")

    def computes(self) -> Arithmetic:
        return self.arithmetic if not self.negative_slope else "rounds"

    def call(self, w: Weights, x: Array) -> Array:
        return activations.relu(x, self.negative_slope, self.max_value, self.threshold)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("no_limit", "forgets max_value", config=lambda layer: {"max_value": None}),
        Mutant("no_slope", "forgets negative_slope", config=lambda layer: {"negative_slope": 0.0}),
        Mutant("no_threshold", "bends at 0 whatever the threshold", config=lambda layer: {"threshold": 0.0}),
        Mutant(
            "slope_from_zero",
            "takes negative_slope x below the threshold",
            output=lambda layer, y, args: np.where(args[0] <= layer.threshold, layer.negative_slope * args[0], y),
        ),
        Mutant(
            "moved_by_threshold",
            "takes the threshold off above it too",
            output=lambda layer, y, args: np.where(args[0] > layer.threshold, y - layer.threshold, y),
        ),
    )


class LeakyReLU(Layer):
    """x above 0, negative_slope x below. x: any shape; the shape stays. Maas et al. (2013), equation 2."""

    arithmetic = "rounds"
    native = called("nn.LeakyReLU")
    example = asked("LeakyReLU", "3")

    supports_masking: ClassVar[bool] = True

    negative_slope: float = arg("Slope below 0.", default=0.3)

    def check(self) -> None:
        if self.negative_slope < 0:
            raise LayerError(f"negative_slope={self.negative_slope} must not be negative")

    def call(self, w: Weights, x: Array) -> Array:
        return activations.leaky_relu(x, self.negative_slope)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant(
            "slope_of_torch",
            "takes torch's default slope, 0.01",
            config=lambda layer: {"negative_slope": 0.01},
        ),
        Mutant(
            "slope_of_the_function",
            "takes the slope of the activation leaky_relu, 0.2",
            config=lambda layer: {"negative_slope": 0.2},
        ),
        Mutant("relu", "forgets the slope", config=lambda layer: {"negative_slope": 0.0}),
    )


class ELU(Layer):
    """x above 0, alpha (exp(x) - 1) below. x: any shape; the shape stays. Clevert et al. (2016), equation 16."""

    arithmetic = "rounds"
    native = called("nn.ELU")
    example = asked("ELU", "3")

    supports_masking: ClassVar[bool] = True

    alpha: float = arg("The output far below 0 is minus this.", default=1.0)

    def call(self, w: Weights, x: Array) -> Array:
        return activations.elu(x, self.alpha)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("alpha_of_one", "forgets alpha", config=lambda layer: {"alpha": 1.0}),
        Mutant(
            "celu",
            "divides by alpha in the exponent, as celu does",
            output=lambda layer, y, args: activations.celu(args[0], layer.alpha),
        ),
        Mutant(
            "scaled",
            "multiplies the upper side by alpha too",
            output=lambda layer, y, args: np.where(y > 0, layer.alpha * y, y),
        ),
    )


class PReLU(Layer):
    """x above 0, alpha x below, with a learned slope for every feature; `shared_axes` share one.

    x: (batch, ...); the shape stays. alpha has the shape of x without the batch, 1 on the shared axes (counted with the
    batch as axis 0). He et al. (2015), equation 1.
    """

    arithmetic = "linear"
    native = called("nn.PReLU")
    example = asked("PReLU", "3")
    positional = ()
    weights_by_name = True

    keras_only: ClassVar[tuple[str, ...]] = ("alpha_initializer", "alpha_regularizer", "alpha_constraint")
    begins: ClassVar[Mapping[str, Any]] = {"alpha": "Zeros"}
    supports_masking: ClassVar[bool] = True

    shared_axes: int | tuple[int, ...] | None = arg("Axes on which all entries have the same slope.", default=None)

    def weights(self, shape: Shape) -> Mapping[str, Weight]:
        axes = (self.shared_axes,) if isinstance(self.shared_axes, int) else self.shared_axes or ()
        for axis in axes:
            if not 1 <= axis < len(shape):
                raise LayerError(f"shared_axes={self.shared_axes}: there is no axis {axis} beside the batch in {shape}")
        slopes = tuple(1 if axis in axes else length for axis, length in enumerate(shape) if axis > 0)
        return {"alpha": Weight(slopes, "bias")}

    def call(self, w: Weights, x: Array) -> Array:
        return np.where(x <= 0, w.alpha * x, x)

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return 1

    def rule(self, shape: Shape) -> str:
        slopes = self.weights(shape)["alpha"].shape
        return f"{math.prod(slopes)} slopes, shape {slopes}"

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("relu", "takes slopes of 0", weights=lambda layer, w: {"alpha": 0.0 * w["alpha"]}),
        Mutant("opposite_sign", "takes -alpha x below 0", weights=lambda layer, w: {"alpha": -w["alpha"]}),
        Mutant(
            "one_slope",
            "has one slope in all, as torch has by default",
            weights=lambda layer, w: {"alpha": 0.0 * w["alpha"] + w["alpha"].ravel()[0]},
        ),
        Mutant(
            "mean_slope",
            "has one slope in all, the mean of those that there are",
            weights=lambda layer, w: {"alpha": _shared(w["alpha"], tuple(range(w["alpha"].ndim)))},
        ),
        Mutant(
            "slope_a_feature",
            "shares the mean slope over all axes but the last",
            weights=lambda layer, w: {"alpha": _shared(w["alpha"], tuple(range(w["alpha"].ndim - 1)))},
        ),
        Mutant(
            "shared_features",
            "shares the mean slope over the last axis",
            weights=lambda layer, w: {"alpha": _shared(w["alpha"], (-1,))},
        ),
        Mutant("other_side", "bends above 0", output=lambda layer, y, args: np.where(args[0] > 0, -y, y)),
    )


def _shared(slopes: Array, axes: tuple[int, ...]) -> Array:
    """The mean slope of these axes in place of each."""
    return 0.0 * slopes + np.mean(slopes, axis=axes, keepdims=True)


class Softmax(Layer):
    """exp(x) over its sum along one axis or several; what the mask leaves out is 0 and counts for nothing.

    x: any shape; the shape stays. A mask has x's shape, or 1 on some axes, aligned at the last axis; a slice that is
    left out as a whole is 0, not NaN (documentation of `keras.layers.Softmax`).
    """

    arithmetic = "rounds"
    native = called("nn.Softmax")
    example = asked("Softmax", "3")

    supports_masking: ClassVar[bool] = True

    axis: int | tuple[int, ...] = arg("Axis or axes over which the output sums to 1.", default=-1)
    invariants = (SHARES, HIDDEN)

    def call(self, w: Weights, x: Array, mask: Array | None = None) -> Array:
        if mask is None:
            return activations.softmax(x, self.axis)
        kept = self._kept(mask, x.shape)
        # NaN beneath the mask must not reach the largest
        top = np.max(np.where(kept, getval(x), -np.inf), axis=self.axis, keepdims=True)
        top = np.where(np.isneginf(top), 0.0, top)
        powers = np.where(kept, np.exp(np.where(kept, x - top, 0.0)), 0.0)
        total = np.sum(powers, axis=self.axis, keepdims=True)
        return powers / np.where(total > 0, total, 1.0)

    def _kept(self, mask: Array, shape: Shape) -> Array:
        aligned = zip(reversed(np.shape(mask)), reversed(shape), strict=False)
        if len(np.shape(mask)) > len(shape) or any(have not in (1, want) for have, want in aligned):
            raise LayerError(f"a mask of shape {np.shape(mask)} does not fit the shape {shape}")
        return mask if mask.dtype == bool else mask > 0.5

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        axes = (self.axis,) if isinstance(self.axis, int) else self.axis
        return math.prod(shapes[0][axis] for axis in axes)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant(
            "wrong_axis",
            "sums over the axis before",
            config=lambda layer: {
                "axis": layer.axis - 1 if isinstance(layer.axis, int) else tuple(axis - 1 for axis in layer.axis)
            },
        ),
        Mutant("last_of_the_axes", "sums over one of the axes only", config=lambda layer: {"axis": _last(layer.axis)}),
        Mutant(
            "rounds_the_logarithm",
            "takes exp(x - log(sum(exp(x)))) over several axes, with that logarithm in float32",
            output=lambda layer, y, args: y if isinstance(layer.axis, int) else _of_logarithms(args[0], layer.axis),
        ),
        Mutant("ignores_mask", "lets everything count", inputs=lambda layer, args, kwargs: (args, _unmasked(kwargs))),
        Mutant(
            "scores_of_zero",
            "sets masked scores to 0, so that they still count",
            inputs=lambda layer, args, kwargs: ([_filled(args, kwargs, 0.0)], _unmasked(kwargs)),
        ),
        Mutant(
            "uniform_where_all_masked",
            "gives the uniform distribution where everything is left out",
            inputs=lambda layer, args, kwargs: ([_filled(args, kwargs, -1e9)], _unmasked(kwargs)),
        ),
    )


def _last(axis: int | tuple[int, ...]) -> int:
    return axis if isinstance(axis, int) else axis[-1]


def _of_logarithms(x: Array, axes: tuple[int, ...]) -> Array:
    logs = activations.log_softmax(x, axes)
    logarithm = getval(x - logs)
    return np.exp(logs + (logarithm - logarithm.astype(numpy.float32)))


def _unmasked(kwargs: dict[str, Any]) -> dict[str, Any]:
    return {**kwargs, "mask": None}


def _filled(args: list[Any], kwargs: dict[str, Any], value: float) -> Array:
    """The scores, with this value where the mask leaves them out."""
    mask = kwargs.get("mask")
    return args[0] if mask is None else np.where(mask, args[0], value)
