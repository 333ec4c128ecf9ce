"""Losses of classes beside crossentropy: hinges, the Kullback-Leibler divergence, focal and generalised crossentropy.

Reductions, weights and masks are those of `losses`. Formulas: the documentation of each in `keras.losses`, and the
paper where one is named.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import autograd.numpy as np
import numpy
from autograd.tracer import getval

from .activations import sigmoid
from .base import Array, LayerError, Mutant, arg
from .losses import (
    EPSILON,
    LOSS_MUTANTS,
    NO_SMOOTHING,
    OTHER_LOGITS,
    SMOOTHED_TOWARDS_ZERO,
    SWAPPED,
    ZERO_OR_ONE,
    _Loss,
    check_axes,
    labels_below,
    log_probabilities,
)
from .traits import Axes, Drawn, absent, asked, called, composed

SAME_LABEL = 0.005
"""How far from 1 a number still is that label: rounding of labels must not decide what they mean."""
NO_LABEL = 1.0e-6
"""How far from 0: rounding leaves a 0 as it is, but for what float16 rounds next to it."""


def signs(labels: Array) -> Array:
    """-1 and 1 for 0 and 1 where the whole batch has no other labels; else the labels as they are."""
    values = numpy.asarray(getval(labels), dtype=float)
    is_binary = ((numpy.abs(values) <= NO_LABEL) | (numpy.abs(values - 1.0) <= SAME_LABEL)).all()
    return 2.0 * labels - 1.0 if is_binary else labels


def _nearly_zero(layer: Any, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Zeros that are not converted."""
    return [np.where(args[0] == 0, 2 * SAME_LABEL, args[0]), *args[1:]], kwargs


_AS_THEY_ARE = Mutant("labels_as_they_are", "wants labels of -1 and 1, and leaves 0 as it is", inputs=_nearly_zero)


class Hinge(_Loss):
    """mean(max(1 - y p, 0)) over the last axis, for labels y of -1 and 1; a batch of zeros and ones is taken for these.

    Both (batch, ..., outputs). Cortes and Vapnik, "Support-vector networks", 1995.
    """

    native = composed("F.relu(1 - y_true * y_pred).mean()")
    example = asked("Hinge", "3", "3")

    mutants = (*LOSS_MUTANTS, _AS_THEY_ARE)

    def losses(self, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
        gap = 1.0 - signs(y_true) * y_pred
        return np.mean(np.where(gap > 0.0, gap, 0.0), axis=-1), None


class SquaredHinge(_Loss):
    """mean(max(1 - y p, 0)^2) over the last axis, for labels y as in Hinge. Both (batch, ..., outputs)."""

    native = composed("F.relu(1 - y_true * y_pred).square().mean()")
    example = asked("SquaredHinge", "3", "3")

    mutants = (*LOSS_MUTANTS, _AS_THEY_ARE)

    def losses(self, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
        gap = 1.0 - signs(y_true) * y_pred
        return np.mean(np.where(gap > 0.0, gap, 0.0) ** 2, axis=-1), None


def _all_positive(layer: Any, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Moved so far up that the zero in the place of the label is never the largest."""
    return [args[0], args[1] + 1.0 + np.max(np.abs(args[1]))], kwargs


class CategoricalHinge(_Loss):
    """max(1 + max((1 - y) p) - sum(y p), 0) over the classes, the last axis.

    Both (batch, ..., classes). The first maximum runs over all classes, with 0 in the place of the label's.
    """

    native = composed("F.relu(((1 - y_true) * y_pred).amax(-1) - (y_true * y_pred).sum(-1) + 1).mean()")
    example = asked("CategoricalHinge", "3", "3")

    mutants = (
        *LOSS_MUTANTS,
        SWAPPED,
        Mutant("other_classes_only", "takes the largest of the other classes, even below 0", inputs=_all_positive),
    )

    def losses(self, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
        gap = 1.0 + np.max((1.0 - y_true) * y_pred, axis=-1) - np.sum(y_true * y_pred, axis=-1)
        return np.where(gap > 0.0, gap, 0.0), None


def _by_classes(layer: Any, y: Array, args: list[Any]) -> Array:
    return y / np.shape(args[1])[-1]


def _of_logarithms(layer: Any, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
    y, p = (np.clip(values, EPSILON, 1.0) for values in (y_true * 1.0, y_pred))
    return np.sum(np.exp(y) * (y - np.log(p)), axis=-1), None


class KLDivergence(_Loss):
    """sum(y log(y / p)) over the classes, the last axis: what is lost by taking p for y.

    Both (batch, ..., classes), probabilities; both are kept between EPSILON and 1. Kullback and Leibler, 1951.
    """

    takes_probabilities = True
    native = called("nn.KLDivLoss")
    example = asked("KLDivergence", "3", "3")

    mutants = (
        *LOSS_MUTANTS,
        SWAPPED,
        Mutant(
            "log_target",
            "takes labels for logarithms, as torch's kl_div does with log_target=True",
            methods={"losses": _of_logarithms},
        ),
        Mutant("mean_of_classes", "divides by the classes, as torch does with reduction='mean'", output=_by_classes),
    )

    def losses(self, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
        y, p = (np.clip(values, EPSILON, 1.0) for values in (y_true * 1.0, y_pred))
        return np.sum(y * np.log(y / p), axis=-1), None


class BinaryFocalCrossentropy(_Loss):
    """mean((1 - p_t)^gamma (-y log p - (1 - y) log(1 - p))) over an axis, p_t = y p + (1 - y) (1 - p).

    y_true and y_pred: (batch, ..., outputs); p is y_pred, EPSILON off 0 and 1 in the logarithm, or its sigmoid. With
    class balancing each is multiplied by alpha for 1 and 1 - alpha for 0. Labels are moved towards 1/2 as in
    BinaryCrossentropy. Lin et al., "Focal loss for dense object detection", 2017, equations 4 and 5.
    """

    takes_probabilities = True
    native = composed(
        "((y_true - y_pred).abs() ** gamma * F.binary_cross_entropy(y_pred, y_true, reduction='none')).mean()"
    )
    example = asked("BinaryFocalCrossentropy", "3", "3")

    apply_class_balancing: bool = arg("whether alpha weighs the classes", default=False)
    alpha: float = arg("weight of the label 1; that of 0 is 1 - alpha", default=0.25)
    gamma: float = arg("how little it matters what is almost right; 0 is BinaryCrossentropy", default=2.0)
    from_logits: bool = arg("whether y_pred are logits; else probabilities", default=False)
    label_smoothing: float = arg("how far labels move towards 1/2", default=0.0, at_least=0)
    axis: int = arg("axis of the mean", default=-1)

    mutants = (
        *LOSS_MUTANTS,
        OTHER_LOGITS,
        SWAPPED,
        NO_SMOOTHING,
        SMOOTHED_TOWARDS_ZERO,
        Mutant("no_focus", "is BinaryCrossentropy", config=lambda layer: {"gamma": 0.0}),
        Mutant(
            "other_balancing",
            "weighs the classes unasked, or not when asked",
            config=lambda layer: {"apply_class_balancing": not layer.apply_class_balancing},
        ),
        Mutant("alpha_of_zeros", "takes alpha for the weight of 0", config=lambda layer: {"alpha": 1.0 - layer.alpha}),
    )

    @classmethod
    def drawn(cls, config: Mapping[str, Any], name: str, shapes: Mapping[str, Sequence[int]]) -> Drawn:
        return ZERO_OR_ONE if name == "y_true" else super().drawn(config, name, shapes)

    def losses(self, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
        if np.shape(y_true) != np.shape(y_pred):
            raise LayerError(f"labels {np.shape(y_true)} and predictions {np.shape(y_pred)} must have one shape")
        y = y_true * (1.0 - self.label_smoothing) + 0.5 * self.label_smoothing
        if self.from_logits:
            p, q = sigmoid(y_pred), sigmoid(-y_pred)
            entropy = np.logaddexp(0.0, y_pred) - y * y_pred
        else:
            p, q = y_pred, 1.0 - y_pred
            kept = np.clip(y_pred, EPSILON, 1.0 - EPSILON)
            entropy = -y * np.log(kept) - (1.0 - y) * np.log(1.0 - kept)
        focal = (y * q + (1.0 - y) * p) ** self.gamma * entropy
        if self.apply_class_balancing:
            focal = (y * self.alpha + (1.0 - y) * (1.0 - self.alpha)) * focal
        check_axes(self.axis, np.ndim(y_pred))
        return np.mean(focal, axis=self.axis), None


def _in_turn(layer: Any) -> dict[str, Any]:
    return {"alpha": tuple(reversed(layer.alpha))} if isinstance(layer.alpha, tuple) else {}


def _focus_on_labels_share(layer: Any, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
    """One factor (1 - p_t)^gamma a sample, p_t the share of its label."""
    losses, counted = CategoricalFocalCrossentropy.losses(dataclasses.replace(layer, gamma=0.0), y_true, y_pred)
    share = np.exp(np.sum(y_true * log_probabilities(y_pred, layer.from_logits, layer.axis), axis=layer.axis))
    return (1.0 - share) ** layer.gamma * losses, counted


class CategoricalFocalCrossentropy(_Loss):
    """-sum(alpha (1 - p)^gamma y log p) over the classes, then the reduction.

    y_true and y_pred: (batch, ..., classes); p is y_pred over its sum, kept EPSILON away from 0 and 1, or its softmax.
    alpha is one number, or one for each class (of the last axis). Labels are moved towards the even distribution as in
    CategoricalCrossentropy. Lin et al., "Focal loss for dense object detection", 2017, equation 5, for each class.
    """

    native = absent("torch has no focal loss; torchvision's sigmoid_focal_loss is for independent labels")
    example = asked("CategoricalFocalCrossentropy", "3", "3")
    takes_probabilities = True

    alpha: float | tuple[float, ...] = arg("weight of all classes, or of each", default=0.25)
    gamma: float = arg("how little it matters what is almost right; 0 is CategoricalCrossentropy", default=2.0)
    from_logits: bool = arg("whether y_pred are logits; else probabilities", default=False)
    label_smoothing: float = arg("how far labels move towards the even distribution", default=0.0, at_least=0)
    axis: int = arg("axis of the classes", default=-1)

    mutants = (
        *LOSS_MUTANTS,
        OTHER_LOGITS,
        SWAPPED,
        NO_SMOOTHING,
        Mutant("no_focus", "has no focus", config=lambda layer: {"gamma": 0.0}),
        Mutant("no_alpha", "overlooks alpha", config=lambda layer: {"alpha": 1.0}),
        Mutant("alpha_reversed", "gives the weight of the first class to the last", config=_in_turn),
        Mutant(
            "one_focus",
            "has one factor for all classes, that of the label's share",
            methods={"losses": _focus_on_labels_share},
        ),
    )

    def losses(self, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
        if np.shape(y_true) != np.shape(y_pred):
            raise LayerError(f"labels {np.shape(y_true)} and predictions {np.shape(y_pred)} must have one shape")
        check_axes(self.axis, np.ndim(y_pred))
        y = y_true * (1.0 - self.label_smoothing) + self.label_smoothing / np.shape(y_pred)[self.axis]
        logs = log_probabilities(y_pred, self.from_logits, self.axis)
        focal = (1.0 - np.exp(logs)) ** self.gamma * -y * logs
        return np.sum(numpy.asarray(self.alpha) * focal, axis=self.axis), None


def _crossentropy(layer: Any, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
    return -np.log(share_of_label(y_true, y_pred)), None


def _absolute(layer: Any, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
    return 1.0 - share_of_label(y_true, y_pred), None


def share_of_label(y_true: Array, y_pred: Array) -> Array:
    """p[label]. y_true: integers (batch, ...) or (batch, ..., 1); y_pred: (batch, ..., classes). Raises LayerError."""
    labels, classes = numpy.asarray(getval(y_true)).astype(int), np.shape(y_pred)[-1]
    if labels.ndim == np.ndim(y_pred) and labels.shape[-1] == 1:
        labels = labels[..., 0]
    if labels.shape != np.shape(y_pred)[:-1]:
        raise LayerError(f"labels {labels.shape} do not fit predictions {np.shape(y_pred)}")
    if labels.size and not (labels.min() >= 0 and labels.max() < classes):
        raise LayerError(f"labels must lie in 0 .. {classes - 1}")
    return np.sum(np.where(numpy.eye(classes, dtype=bool)[labels], y_pred, 0.0), axis=-1)


class CategoricalGeneralizedCrossEntropy(_Loss):
    """(1 - p[label]^q) / q: between crossentropy (q to 0) and 1 - p (q to 1), then the reduction.

    y_true: integers (batch, ...) or (batch, ..., 1); y_pred: probabilities (batch, ..., classes), taken as they are.
    Zhang and Sabuncu, "Generalized cross entropy loss for training deep neural networks with noisy labels", 2018,
    equation 6.
    """

    native = composed("((1 - p.gather(-1, y[..., None]) ** q) / q).mean()")
    example = asked("CategoricalGeneralizedCrossEntropy", "5", "5,3")
    takes_probabilities = True

    q: float = arg("how much labels are distrusted, between 0 and 1", default=0.5)

    mutants = (
        *LOSS_MUTANTS,
        Mutant("undivided", "does not divide by q", output=lambda layer, y, args: y * layer.q),
        Mutant("other_q", "takes 1 - q for q", config=lambda layer: {"q": 1.0 - layer.q}),
        Mutant("crossentropy", "has -log p", methods={"losses": _crossentropy}),
        Mutant("absolute", "has 1 - p", methods={"losses": _absolute}),
    )

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        return ("steps", "outputs") if name == "y_true" else super().axis_words(config, name, rank)

    @classmethod
    def drawn(cls, config: Mapping[str, Any], name: str, shapes: Mapping[str, Sequence[int]]) -> Drawn:
        return labels_below(shapes) if name == "y_true" else super().drawn(config, name, shapes)

    def check(self) -> None:
        if not 0.0 < self.q < 1.0:
            raise LayerError(f"q={self.q} must lie between 0 and 1")

    def losses(self, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
        return (1.0 - share_of_label(y_true, y_pred) ** self.q) / self.q, None
