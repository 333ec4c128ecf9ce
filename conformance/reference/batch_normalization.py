"""Batch normalisation: the one whose statistics outlive a call."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import autograd.numpy as np
import numpy
from autograd.tracer import getval

from .backwards import STATISTICS_ARE_CONSTANT, VARIANCE_IS_CONSTANT
from .base import Array, LayerError, Mutant, Shape, Weight, Weights, arg
from .normalization import EPSILON_OUTSIDE, GAMMA_BETA_KERAS_ONLY, _Normalized, along, axes_of, without
from .traits import asked, called


def _unbiased(layer: Any, before: Mapping[str, Array], after: Mapping[str, Array], args: list[Any]) -> dict[str, Array]:
    """The moving variance had the batch's sum of squares been divided by n - 1."""
    batch = after["moving_variance"] - layer.momentum * before["moving_variance"]
    size = np.size(args[0]) // np.shape(args[0])[layer.axis]
    return {"moving_variance": layer.momentum * before["moving_variance"] + batch * size / (size - 1)}


def _with_padding_in_the_variance(layer: Any, x: Array, mask: Array | None) -> tuple[Array, Array]:
    """Its distance from the mean is summed up; what is divided by is the number of entries that count."""
    mean, variance = super(type(layer), layer)._moments(x, mask)
    if mask is None:
        return mean, variance
    axes = axes_of(layer.axis, x.ndim)
    others = tuple(number for number in range(x.ndim) if number not in axes)
    counted = np.sum(mask) * math.prod(x.shape[axis] for axis in others[np.ndim(mask) :])
    return mean, np.sum((x - along(mean, axes, x.shape)) ** 2, axis=others) / counted


class BatchNormalization(_Normalized):
    """gamma (x - mean) / sqrt(variance + epsilon) + beta, a channel at a time.

    x: any shape with the channels on `axis`; the shape stays. In inference mean and variance are the layer's moving
    ones; in training they are those of the batch over all other axes (biased; without what the mask, one axis shorter
    than x, leaves out), and the moving ones, which carry no gradient, move towards them by 1 - momentum. Ioffe and
    Szegedy (2015), algorithm 1. A layer that is not trainable computes as in inference, as its documentation says.
    """

    native = called("nn.BatchNorm1d", "nn.BatchNorm2d", "nn.BatchNorm3d")
    example = asked("BatchNormalization", "5,3")
    moves_weights = True
    backwards = (VARIANCE_IS_CONSTANT, STATISTICS_ARE_CONSTANT)

    keras_only: ClassVar[tuple[str, ...]] = (
        *GAMMA_BETA_KERAS_ONLY,
        "moving_mean_initializer",
        "moving_variance_initializer",
        "synchronized",
    )
    supports_masking: ClassVar[bool] = True

    axis: int = arg("The axis that holds the channels.", default=-1)
    momentum: float = arg("Share of the old moving statistics that stays.", default=0.99)
    epsilon: float = arg("Added to the variance.", default=1e-3, at_least=0)
    center: bool = arg("Whether beta is added.", default=True)
    scale: bool = arg("Whether gamma multiplies.", default=True)
    trainable: bool = arg("Whether the layer is trained; where not, it computes as in inference.", default=True)

    def weights(self, shape: Shape) -> Mapping[str, Weight]:
        (axis,) = axes_of(self.axis, len(shape))
        spanned = (shape[axis],)
        return {
            **({"gamma": Weight(spanned, "scale")} if self.scale else {}),
            **({"beta": Weight(spanned, "bias")} if self.center else {}),
            "moving_mean": Weight(spanned, "bias", is_trained=False),
            "moving_variance": Weight(spanned, "variance", is_trained=False),
        }

    def call(self, w: Weights, x: Array, training: bool | None = None, mask: Array | None = None) -> Array:
        if mask is not None and np.ndim(mask) != x.ndim - 1:
            raise LayerError(
                f"a mask with {np.ndim(mask)} axes does not fit an input with {x.ndim}: one less is needed"
            )
        mean: Array = w.state.get("moving_mean", w.moving_mean)
        variance: Array = w.state.get("moving_variance", w.moving_variance)
        if training and self.trainable:
            batch_mean, batch_variance = self._moments(x, mask)
            w.state["moving_mean"] = getval(mean * self.momentum + batch_mean * (1 - self.momentum))
            w.state["moving_variance"] = getval(variance * self.momentum + batch_variance * (1 - self.momentum))
            mean, variance = batch_mean, batch_variance
        axes = axes_of(self.axis, x.ndim)
        y = (x - along(mean, axes, x.shape)) / self.deviation(along(variance, axes, x.shape))
        y = y * along(w.gamma, axes, x.shape) if self.scale else y
        return y + along(w.beta, axes, x.shape) if self.center else y

    def _moments(self, x: Array, mask: Array | None) -> tuple[Array, Array]:
        """Mean and biased variance of each channel over the entries that count."""
        (axis,) = axes_of(self.axis, x.ndim)
        others = tuple(number for number in range(x.ndim) if number != axis)
        counts = np.ones(x.shape) if mask is None else np.ones(x.shape) * np.expand_dims(mask, -1)
        total = np.sum(counts, axis=others, keepdims=True)
        with numpy.errstate(invalid="ignore"):  # a mask may hide every entry: there is no mean of none
            mean = np.sum(np.where(counts > 0, x, 0.0), axis=others, keepdims=True) / total
            variance = np.sum(np.where(counts > 0, x - mean, 0.0) ** 2, axis=others, keepdims=True) / total
        return np.ravel(mean), np.ravel(variance)

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        shape: Shape = shapes[0]
        return math.prod(shape) // shape[self.axis]

    @classmethod
    def torch_lines(cls, config: Mapping[str, Any], size: int) -> tuple[str, ...]:
        momentum = 1.0 - float(config.get("momentum", 0.99))
        epsilon = config.get("epsilon", 1e-3)
        made = f"nn.BatchNorm2d({size}, eps={epsilon:g}, momentum={momentum:.4g})"
        return (f"{made}  # torch's momentum is 1 - Keras'",)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("epsilon_of_torch", "takes torch's epsilon, 1e-5", config=lambda layer: {"epsilon": 1e-5}),
        EPSILON_OUTSIDE,
        Mutant(
            "batch_statistics_in_inference",
            "uses the statistics of the batch outside of training too",
            inputs=lambda layer, args, kwargs: (args, {**kwargs, "training": True}),
        ),
        Mutant(
            "moving_statistics_in_training",
            "uses the moving statistics in training too",
            inputs=lambda layer, args, kwargs: (args, {**kwargs, "training": False}),
        ),
        Mutant(
            "deviation_for_variance",
            "reads the moving variance as a standard deviation",
            weights=lambda layer, w: {"moving_variance": w["moving_variance"] ** 2},
        ),
        Mutant(
            "unbiased_variance",
            "divides the batch's sum of squares by n - 1",
            output=lambda layer, y, args: y * math.sqrt(1 - args[0].shape[layer.axis] / args[0].size) if y.size else y,
        ),
        Mutant(
            "moves_by_momentum",
            "takes momentum for the share of the new statistics, as torch does",
            config=lambda layer: {"momentum": 1.0 - layer.momentum},
        ),
        Mutant("remembers_unbiased_variance", "moves by the variance of n - 1, as torch does", state=_unbiased),
        Mutant(
            "ignores_mask",
            "lets padding into the batch statistics",
            inputs=lambda layer, args, kwargs: (args, {**kwargs, "mask": None}),
        ),
        Mutant(
            "variance_of_padding",
            "leaves padding out of the mean and lets it into the variance",
            methods={"_moments": _with_padding_in_the_variance},
        ),
        Mutant(
            "ignores_trainable",
            "takes the statistics of the batch though the layer is not trainable",
            config=lambda layer: {"trainable": True},
        ),
        Mutant("forgets_beta", "adds no beta", weights=without("beta", 0.0)),
        Mutant("forgets_gamma", "multiplies by no gamma", weights=without("gamma", 1.0)),
        Mutant(
            "swaps_gamma_and_beta",
            "takes gamma for beta and beta for gamma",
            weights=lambda layer, w: {"gamma": w["beta"], "beta": w["gamma"]} if layer.scale and layer.center else {},
        ),
    )
