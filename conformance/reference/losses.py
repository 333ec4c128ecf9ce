"""Losses: a number for each sample, weighted, masked and reduced.

`step(y_true, y_pred, sample_weight=w)`. The mask that y_pred carries counts as weights of 0 and 1. The documentation of
`keras.losses.Loss` (Keras 3.7 and later) is the source of the reductions.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import autograd.numpy as np
import numpy
from autograd.tracer import getval

from .activations import log_softmax
from .base import Array, Layer, LayerError, Mutant, Weights, arg
from .traits import Axes, Drawn, absent, asked, called

EPSILON = 1e-7
"""How far probabilities stay away from 0 and 1 before the logarithm (`keras.config.epsilon`)."""

Reduction = Literal["none", "sum", "sum_over_batch_size", "mean", "mean_with_sample_weight"] | None


def same_rank(x: Array, y: Array) -> tuple[Array, Array]:
    """Where ranks differ by one and the surplus axis has length 1: a vector gains that axis, else the axis goes."""
    if np.ndim(x) < np.ndim(y):
        y, x = same_rank(y, x)
        return x, y
    if np.ndim(x) == np.ndim(y) + 1 and np.shape(x)[-1] == 1:
        return (x, np.expand_dims(y, -1)) if np.ndim(y) == 1 else (np.squeeze(x, -1), y)
    return x, y


def times(x: Array, y: Array) -> Array:
    """The product of two arrays that broadcast from the right; raises LayerError where they do not."""
    try:
        numpy.broadcast_shapes(np.shape(x), np.shape(y))
    except ValueError:
        raise LayerError(f"weights {np.shape(y)} do not broadcast to losses {np.shape(x)}") from None
    return x * y


def reduced(losses: Array, weight: Any, mask: Any, reduction: Reduction) -> Array:
    """sum(weight * mask * loss) over the number of losses, over sum(weight * mask), or over nothing.

    `mean` and `sum_over_batch_size` divide by the number of losses that are not masked (but count those of weight 0),
    `mean_with_sample_weight` by the sum of what multiplies the losses. A division by 0 gives 0.
    """
    if mask is not None:
        share = mask * 1.0
        if reduction in ("mean", "sum_over_batch_size"):
            share = share * _quotient(np.size(mask), np.sum(mask))
        if weight is None:
            weight = share
        else:
            share, weight = same_rank(share, weight)
            weight = times(weight, share)
    if weight is not None:
        losses, weight = same_rank(losses, weight)
        losses = times(losses, weight)
    if reduction in (None, "none") or np.shape(losses) in ((), (0,)):
        return losses
    total = np.sum(losses)
    if reduction == "sum":
        return total
    if reduction == "mean_with_sample_weight" and weight is not None:
        return _quotient(total, np.sum(weight))
    return _quotient(total, np.size(losses))


def _quotient(number: Any, divisor: Any) -> Any:
    return np.where(divisor == 0, 0.0, number / np.where(divisor == 0, 1.0, divisor))


def _reweighted(change: Any) -> Any:
    def hook(layer: Any, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        return args, {**kwargs, **change(kwargs.get("sample_weight"), kwargs.get("y_pred_mask"))}

    return hook


def _by_share_of_nonzero(weight: Any, mask: Any) -> dict[str, Any]:
    return {} if weight is None else {"sample_weight": weight * np.size(weight) / max(np.count_nonzero(weight), 1)}


def _mask_as_weight(weight: Any, mask: Any) -> dict[str, Any]:
    if mask is None:
        return {}
    return {"y_pred_mask": None, "sample_weight": mask * 1.0 if weight is None else times(weight, mask * 1.0)}


LOSS_MUTANTS = (
    Mutant("summed", "does not divide", config=lambda layer: {"reduction": "sum"}),
    Mutant("by_weight", "divides by the weights", config=lambda layer: {"reduction": "mean_with_sample_weight"}),
    Mutant("by_nonzero", "divides by the share of non-zero weights", inputs=_reweighted(_by_share_of_nonzero)),
    Mutant("ignores_weight", "overlooks the weights", inputs=_reweighted(lambda w, m: {"sample_weight": None})),
    Mutant("ignores_mask", "lets padding count", inputs=_reweighted(lambda w, m: {"y_pred_mask": None})),
    Mutant("counts_masked", "divides by masked steps too", inputs=_reweighted(_mask_as_weight)),
)
SWAPPED = Mutant("swapped", "takes predictions for labels", inputs=lambda layer, args, kw: ([args[1], args[0]], kw))
NO_SMOOTHING = Mutant("no_smoothing", "leaves labels as they are", config=lambda layer: {"label_smoothing": 0.0})
OTHER_LOGITS = Mutant(
    "other_logits", "has from_logits the wrong way", config=lambda layer: {"from_logits": not layer.from_logits}
)


def _by_number_of_weights(layer: Any, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Each weight times the mean of those that are not zero, which is what the weights are divided by."""
    weight = kwargs.get("sample_weight")
    if weight is None or layer.reduction != "mean_with_sample_weight":
        return args, kwargs
    return args, {**kwargs, "sample_weight": weight / max(np.count_nonzero(weight), 1)}


def _summed_where_by_weight(layer: Any) -> Mapping[str, Any]:
    return {"reduction": "sum"} if layer.reduction == "mean_with_sample_weight" else {}


BY_NUMBER = Mutant(
    "by_number_of_weights",
    "divides by the number of weights that are not zero, in place of their sum",
    config=_summed_where_by_weight,
    inputs=_by_number_of_weights,
)


def _towards_zero(layer: Any, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Labels that smoothing brings to y (1 - smoothing)."""
    s = layer.label_smoothing
    return [args[0] - 0.5 * s / (1.0 - s), *args[1:]], kwargs


SMOOTHED_TOWARDS_ZERO = Mutant(
    "smoothed_towards_zero", "smooths labels towards 0, not towards 1/2", inputs=_towards_zero
)


def _without_class_0(layer: Any, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
    losses, counted = super(type(layer), layer).losses(y_true, y_pred)
    return np.where(np.reshape(numpy.asarray(getval(y_true)).astype(int), np.shape(losses)) == 0, 0.0, losses), counted


def _kept_off_before_the_sum(layer: Any, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
    if layer.from_logits:
        return SparseCategoricalCrossentropy.losses(layer, y_true, y_pred)
    logs = np.log(np.clip(y_pred, EPSILON, 1.0 - EPSILON))
    return SparseCategoricalCrossentropy.losses(dataclasses.replace(layer, from_logits=True), y_true, logs)


PROBABILITIES = Drawn(fill={"uniform": [0.05, 0.95]})
ZERO_OR_ONE = Drawn(fill={"integers": [0, 2]})


def labels_below(shapes: Mapping[str, Sequence[int]]) -> Drawn:
    """Labels as integers, for as many classes as the last axis of the predictions has."""
    return Drawn("int32", {"integers": [0, shapes["y_pred"][-1] if shapes["y_pred"] else 2]})


def check_axes(axis: Any, rank: int) -> None:
    """Raises LayerError for an axis that predictions with so many axes do not have; None are all of them."""
    for one in axis if isinstance(axis, tuple | list) else () if axis is None else (axis,):
        if not -rank <= one < rank:
            raise LayerError(f"axis {one} does not exist in predictions with {rank} axes")


class _Loss(Layer):
    """What all losses share: the reduction, and where weights and masks enter."""

    arithmetic = "rounds"

    reduction: Reduction = arg(
        "how the losses become one number; none keeps one for each sample", default="sum_over_batch_size"
    )

    is_loss = True

    takes_probabilities: ClassVar[bool] = False
    """Whether labels and predictions are probabilities, unless the predictions are logits."""

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        return ("outputs",) if rank == 1 and name != "sample_weight" else ("steps", "outputs")

    @classmethod
    def drawn(cls, config: Mapping[str, Any], name: str, shapes: Mapping[str, Sequence[int]]) -> Drawn:
        is_probability = cls.takes_probabilities and not (name == "y_pred" and config.get("from_logits"))
        return PROBABILITIES if is_probability or name == "sample_weight" else Drawn()

    def losses(self, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
        """The loss of each sample (or step of a sample), and a mask of the losses that count, or None."""
        raise NotImplementedError

    def call(
        self, w: Weights, y_true: Array, y_pred: Array, sample_weight: Any = None, y_pred_mask: Any = None
    ) -> Array:
        each, counted = self.losses(*same_rank(y_true, y_pred))
        if y_pred_mask is not None:
            counted = y_pred_mask if counted is None else np.logical_and(counted, y_pred_mask)
        return reduced(each, sample_weight, counted, self.reduction)

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return math.prod(shapes[1])


class MeanSquaredError(_Loss):
    """mean((y_true - y_pred)^2) over the last axis, then the reduction. Both (batch, ..., features)."""

    native = called("nn.MSELoss")
    example = asked("MeanSquaredError", "5,3", "5,3", "5")

    mutants = (
        *LOSS_MUTANTS,
        BY_NUMBER,
        Mutant("halved", "has the 1/2 of textbooks", output=lambda layer, y, args: y / 2.0),
    )

    def losses(self, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
        return np.mean((y_pred - y_true) ** 2, axis=-1), None


class MeanAbsoluteError(_Loss):
    """mean(|y_true - y_pred|) over the last axis, then the reduction. Both (batch, ..., features)."""

    native = called("nn.L1Loss")
    example = asked("MeanAbsoluteError", "3", "3")

    mutants = LOSS_MUTANTS

    def losses(self, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
        return np.mean(np.abs(y_pred - y_true), axis=-1), None


class BinaryCrossentropy(_Loss):
    """mean(-y log p - (1 - y) log(1 - p)) over an axis, then the reduction.

    y_true and y_pred: (batch, ..., outputs); p is y_pred, kept EPSILON away from 0 and 1, or its sigmoid. Labels are
    moved towards 1/2: y (1 - smoothing) + smoothing / 2.
    """

    takes_probabilities = True
    native = called("nn.BCELoss", "nn.BCEWithLogitsLoss")
    example = asked("BinaryCrossentropy", "3", "3")
    positional = ()

    from_logits: bool = arg("whether y_pred are logits; else probabilities", default=False)
    label_smoothing: float = arg("how far labels move towards 1/2", default=0.0, at_least=0)
    axis: int = arg("axis of the mean", default=-1)

    mutants = (
        *LOSS_MUTANTS,
        OTHER_LOGITS,
        SWAPPED,
        NO_SMOOTHING,
        SMOOTHED_TOWARDS_ZERO,
    )

    @classmethod
    def drawn(cls, config: Mapping[str, Any], name: str, shapes: Mapping[str, Sequence[int]]) -> Drawn:
        return ZERO_OR_ONE if name == "y_true" else super().drawn(config, name, shapes)

    def losses(self, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
        if np.shape(y_true) != np.shape(y_pred):
            raise LayerError(f"labels {np.shape(y_true)} and predictions {np.shape(y_pred)} must have one shape")
        y = y_true * (1.0 - self.label_smoothing) + 0.5 * self.label_smoothing
        if self.from_logits:
            # -y log s(x) - (1 - y) log(1 - s(x)) with the sigmoid s multiplied out, so that nothing overflows
            entropy = np.logaddexp(0.0, y_pred) - y * y_pred
        else:
            p = np.clip(y_pred, EPSILON, 1.0 - EPSILON)
            entropy = -y * np.log(p) - (1.0 - y) * np.log(1.0 - p)
        check_axes(self.axis, np.ndim(y_pred))
        return np.mean(entropy, axis=self.axis), None


class CategoricalCrossentropy(_Loss):
    """-sum(y log p) over the classes, then the reduction.

    y_true and y_pred: (batch, ..., classes); p is y_pred over its sum, kept EPSILON away from 0 and 1, or its softmax.
    Labels are moved towards the even distribution: y (1 - smoothing) + smoothing / classes.
    """

    takes_probabilities = True
    native = called("nn.CrossEntropyLoss")
    example = asked("CategoricalCrossentropy", "3", "3")
    positional = ()

    from_logits: bool = arg("whether y_pred are logits; else probabilities", default=False)
    label_smoothing: float = arg("how far labels move towards the even distribution", default=0.0, at_least=0)
    axis: int = arg("axis of the classes", default=-1)

    mutants = (
        *LOSS_MUTANTS,
        OTHER_LOGITS,
        SWAPPED,
        NO_SMOOTHING,
    )

    def losses(self, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
        if np.shape(y_true) != np.shape(y_pred):
            raise LayerError(f"labels {np.shape(y_true)} and predictions {np.shape(y_pred)} must have one shape")
        check_axes(self.axis, np.ndim(y_pred))
        y = y_true * (1.0 - self.label_smoothing) + self.label_smoothing / np.shape(y_pred)[self.axis]
        return -np.sum(y * log_probabilities(y_pred, self.from_logits, self.axis), axis=self.axis), None


class SparseCategoricalCrossentropy(_Loss):
    """-log p[label], then the reduction.

    y_true: integers (batch, ...) or (batch, ..., 1); y_pred: (batch, ..., classes). p as in CategoricalCrossentropy.
    Labels equal to `ignore_class` are left out as masked steps are.
    """

    takes_probabilities = True
    native = called("nn.CrossEntropyLoss")
    example = asked("SparseCategoricalCrossentropy", "5", "5,3")
    positional = ()

    from_logits: bool = arg("whether y_pred are logits; else probabilities", default=False)
    ignore_class: int | None = arg("label that does not count", default=None)
    axis: int = arg("axis of the classes", default=-1)

    mutants = (
        *LOSS_MUTANTS,
        OTHER_LOGITS,
        Mutant(
            "counts_ignored",
            "counts the samples that are ignored where it divides",
            methods={"losses": lambda layer, *given: (super(type(layer), layer).losses(*given)[0], None)},
        ),
        Mutant(
            "class_0_without_loss",
            "gives class 0 no loss, as if it were padding, and counts it",
            methods={"losses": _without_class_0},
        ),
        Mutant(
            "kept_off_before_the_sum",
            "keeps probabilities off 0 and 1 before it divides by their sum, not after",
            methods={"losses": _kept_off_before_the_sum},
        ),
    )

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        """Labels have one axis fewer than predictions: the last one of them is not the outputs."""
        return ("steps", "outputs") if name == "y_true" else super().axis_words(config, name, rank)

    @classmethod
    def drawn(cls, config: Mapping[str, Any], name: str, shapes: Mapping[str, Sequence[int]]) -> Drawn:
        if name != "y_true":
            return super().drawn(config, name, shapes)
        return labels_below(shapes)

    def losses(self, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
        check_axes(self.axis, np.ndim(y_pred))
        axis = self.axis % np.ndim(y_pred)
        labels = numpy.asarray(getval(y_true)).astype(int)
        if labels.ndim == np.ndim(y_pred) and labels.shape[axis] == 1:
            labels = np.squeeze(labels, axis)
        logs = np.moveaxis(log_probabilities(y_pred, self.from_logits, axis), axis, -1)
        if labels.shape != np.shape(logs)[:-1]:
            raise LayerError(f"labels {labels.shape} do not fit predictions {np.shape(y_pred)}")
        counted = None if self.ignore_class is None else labels != self.ignore_class
        labels = labels if counted is None else np.where(counted, labels, 0)
        if labels.size and not (labels.min() >= 0 and labels.max() < np.shape(logs)[-1]):
            raise LayerError(f"labels must lie in 0 .. {np.shape(logs)[-1] - 1}")
        losses = -np.sum(np.where(np.eye(np.shape(logs)[-1], dtype=bool)[labels], logs, 0.0), axis=-1)
        return (losses if counted is None else np.where(counted, losses, 0.0)), counted


def log_probabilities(y_pred: Array, from_logits: bool, axis: int) -> Array:
    """The log of the softmax of logits, or of probabilities made to sum to 1 and kept EPSILON off 0 and 1."""
    if from_logits:
        return np.moveaxis(log_softmax(np.moveaxis(y_pred, axis, -1)), -1, axis)
    p = y_pred / np.sum(y_pred, axis=axis, keepdims=True)
    certain = 1.0 - np.maximum(1.0 - p, EPSILON)  # written as a subtraction, for no float32 number is 1 - 1e-7
    return np.log(np.where(p > 1.0 - EPSILON, certain, np.maximum(p, EPSILON)))


class CompiledLoss(Layer):
    """What `model.compile(loss=...)` and `train_on_batch(x, y, sample_weight=, class_weight=)` report as the loss.

    y_true and y_pred: (batch, ...), as the loss takes them. Returns one number, of shape ().
    A class weight becomes the weight of every sample of that class (1 for classes not named); the class is the label,
    or the largest entry of a one-hot label. Both kinds of weights at once are an error. A number for people, not a node
    of a graph: it has no gradient. Not a layer of Keras; the Keras lane compiles a model.
    """

    is_ours = True
    arithmetic = "rounds"
    native = absent("a step of a model's training, which users of torch write out")
    written_as_case = "a compiled loss needs the model's outputs"
    is_eager_only = True

    loss: Layer = arg("the loss, with its arguments")
    class_weight: Mapping[int, float] | None = arg("weight of each class", default=None)

    mutants = (
        Mutant("no_class_weight", "overlooks the classes", config=lambda layer: {"class_weight": None}),
        Mutant("ignores_weight", "overlooks the weights", inputs=_reweighted(lambda w, m: {"sample_weight": None})),
        Mutant(
            "other_classes_weigh_nothing",
            "gives a class that is not named the weight 0",
            methods={"weights_of": lambda layer, labels: class_weights(labels, layer.class_weight, 0.0)},
        ),
    )

    def call(
        self, w: Weights, y_true: Array, y_pred: Array, sample_weight: Any = None, y_pred_mask: Any = None
    ) -> Array:
        if self.class_weight is not None:
            if sample_weight is not None:
                raise LayerError("sample_weight and class_weight at the same time")
            sample_weight = self.weights_of(y_true)
        given = [getval(value) for value in (y_true, y_pred, sample_weight)]
        return np.mean(self.loss.call(w, *given, y_pred_mask=y_pred_mask))

    def weights_of(self, labels: Array) -> Any:
        """The weight of each sample."""
        return class_weights(labels, self.class_weight or {})

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return self.loss.longest_sum(weights, *shapes)


def class_weights(labels: Array, weights: Mapping[Any, float], otherwise: float = 1.0) -> Any:
    """(batch,): the weight of each sample's class. labels: (batch,), (batch, 1) or one-hot (batch, classes).

    `otherwise` is the weight of classes that are not named.
    """
    labels = numpy.asarray(getval(labels))
    if labels.ndim > 1:
        labels = labels[..., 0] if labels.shape[-1] == 1 else labels.argmax(axis=-1)
    by_class = {int(label): float(weight) for label, weight in weights.items()}
    return numpy.array([by_class.get(int(label), otherwise) for label in numpy.rint(labels)])
