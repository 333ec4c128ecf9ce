"""Cross entropies of classes and of labels that are 0 or 1: weights, ignored labels, smoothing.

Source of each formula: its documentation. The mean of a loss of ids divides by the weights of the labels that count.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import autograd.numpy as np
import numpy
from autograd.tracer import getval

from conformance.counterpart import Counterpart, KerasLayer, NoCounterpart, expression
from conformance.reference.activations import log_softmax
from conformance.reference.base import Array, LayerError, Weights, arg
from conformance.reference.torch.base import Like
from conformance.reference.torch.losses import Loss, Reduction, reduced, reduced_text
from conformance.reference.traits import Axes, Drawn, asked

UNIT = 2.0**-24
"""By how much float32 rounds a 1: a probability of 1 may be that much larger where its rounding is looked at."""


class _Classes(Loss):
    """Losses of scores (batch, classes, *lengths) and ids of classes (batch, *lengths); or (classes,) and one id."""

    weight: tuple[float, ...] | None = arg("A weight for each class.", default=None)
    ignore_index: int = arg("The label that does not count.", default=-100)
    reduction: Reduction = arg("What is made of the losses; the mean is over the weights that count.", default="mean")

    @classmethod
    def implied(cls, shapes: Sequence[Sequence[int]]) -> Sequence[Sequence[int]]:
        """An id of a class for each place."""
        return [shapes[0], shapes[0][1:]] if len(shapes) == 1 else shapes

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        if name == "target":
            return ("height", "width")[:rank]
        return ("classes", "height", "width")[:rank]

    @classmethod
    def drawn(cls, config: Mapping[str, Any], name: str, shapes: Mapping[str, Sequence[int]]) -> Drawn:
        if name != "target" or len(shapes["target"]) >= len(shapes["input"]):
            return Drawn()
        return Drawn("int64", {"integers": [0, shapes["input"][0]]})

    def class_weights(self, classes: int) -> Any:
        if self.weight is not None and len(self.weight) != classes:
            raise LayerError(f"weight has {len(self.weight)} numbers for {classes} classes")
        return numpy.ones(classes) if self.weight is None else numpy.asarray(self.weight, float)

    def of_ids(self, logs: Array, target: Any, smoothing: float) -> Array:
        """Negative logarithms at the labels, weighted, reduced.

        With smoothing s: (1 - s) w_y l_y + s / C sum_c w_c l_c; the mean divides by the sum of the w_y that count.
        """
        classes = int(np.shape(logs)[1])
        weights, ids = self.class_weights(classes), numpy.asarray(target)
        if ids.dtype.kind not in "iu":
            raise LayerError(f"{self.names[0]} takes ids of classes as integers, not {ids.dtype}")
        if ids.shape != (np.shape(logs)[0], *np.shape(logs)[2:]):
            raise LayerError(
                f"{self.names[0]} takes ids of shape {(np.shape(logs)[0], *np.shape(logs)[2:])}, not {ids.shape}"
            )
        counts = ids != self.ignore_index
        if not ((ids[counts] >= 0) & (ids[counts] < classes)).all():
            raise LayerError(f"ids of classes from 0 to {classes - 1}, or {self.ignore_index}")
        safe = numpy.where(counts, ids, 0)
        hot = numpy.moveaxis(numpy.eye(classes)[safe], -1, 1)
        own = weights[safe] * counts
        losses = -np.sum(hot * logs, axis=1) * own
        if smoothing:
            every = -np.sum(logs * np.reshape(weights, (1, -1, *(1,) * (np.ndim(logs) - 2))), axis=1) * counts
            losses = (1.0 - smoothing) * losses + smoothing / classes * every
        if self.reduction == "mean":
            return np.sum(losses) / numpy.sum(own)
        return reduced(losses, self.reduction)

    def ids_text(self, logs: str, input: Like, smoothing: float) -> Counterpart:
        """The same as expressions; the logarithms have the classes last."""
        if input.rank == 1:
            raise NoCounterpart("Keras' losses take a batch")
        classes, rank = input.shape[1], input.rank
        weights = [float(weight) for weight in self.class_weights(classes)]
        nodes = [("logs", logs), ("counts", f'1.0 - cast(equal(target, {self.ignore_index}), "float32")')]
        nodes.append(("ids", f"where(equal(target, {self.ignore_index}), target * 0, target)"))
        nodes.append(("hot", f"one_hot(ids, {classes})"))
        if self.weight is None:
            nodes += [("own", "counts"), ("every", "sum(logs, axis=-1) * counts * -1.0")]
        else:
            parts = [f"{weight} * hot[{', '.join([':'] * (rank - 1))}, {c}]" for c, weight in enumerate(weights)]
            sums = [f"{weight} * logs[{', '.join([':'] * (rank - 1))}, {c}]" for c, weight in enumerate(weights)]
            nodes += [("own", f"({' + '.join(parts)}) * counts"), ("every", f"({' + '.join(sums)}) * counts * -1.0")]
        nodes.append(("plain", "sum(hot * logs, axis=-1) * own * -1.0"))
        losses = "plain"
        if smoothing:
            losses = f"{1.0 - smoothing} * plain + {smoothing / classes} * every"
        else:
            nodes = [node for node in nodes if node[0] != "every"]
        nodes.append(("losses", losses))
        result = {"none": "losses", "sum": "sum(losses)", "mean": "sum(losses) / sum(own)"}[self.reduction]
        if max(len(text) for _, text in nodes) > 480:
            raise NoCounterpart(f"a weight for each of {classes} classes is class_weight of fit, and divides otherwise")
        return Counterpart(result, nodes=tuple(nodes))


def _of_one(losses: Array, reduction: str) -> Array:
    """The loss of one sample that came without a batch."""
    return losses[0] if reduction == "none" else losses


def classes_last(name: str, rank: int) -> str:
    """An expression that moves axis 1 to the end."""
    return name if rank == 2 else f"transpose({name}, {[0, *range(2, rank), 1]})"


class CrossEntropyLoss(_Classes):
    """The negative logarithm of the softmax at the label; labels are ids of classes, or shares of all of them.

    Shares weigh each class within the sum, and their mean divides by the number of samples.
    """

    names = ("nn.CrossEntropyLoss", "F.cross_entropy")
    example = asked("nn.CrossEntropyLoss(label_smoothing=0.1, weight=[1, 5, 20])", "3")
    positional = ("weight",)
    label_smoothing: float = arg("Share of a label that all classes have alike.", default=0.0, at_least=0)

    def check(self) -> None:
        if not 0 <= self.label_smoothing <= 1:
            raise LayerError(f"label_smoothing is a share between 0 and 1, not {self.label_smoothing}")

    def call(self, w: Weights, input: Array, target: Any) -> Array:
        if np.ndim(input) == 1:
            return _of_one(self.call(w, input[None], np.reshape(target, (1, *np.shape(target)))), self.reduction)
        logs = log_softmax(input, 1)
        if np.shape(target) != np.shape(input):
            return self.of_ids(logs, target, self.label_smoothing)
        classes = int(np.shape(input)[1])
        weights = np.reshape(self.class_weights(classes), (1, -1, *(1,) * (np.ndim(input) - 2)))
        shares = (1.0 - self.label_smoothing) * target + self.label_smoothing / classes
        losses = -np.sum(weights * shares * logs, axis=1)
        return np.sum(losses) / np.size(losses) if self.reduction == "mean" else reduced(losses, self.reduction)

    def counterpart(self, input: Like, target: Like) -> Counterpart:
        if input.rank == 1:
            raise NoCounterpart("Keras' losses take a batch")
        is_plain = self.weight is None and not self.label_smoothing and input.rank == 2
        if is_plain and target.rank == 1:
            reduction = {"mean": "sum_over_batch_size", "sum": "sum", "none": "none"}[self.reduction]
            own = None if reduction == "none" else reduction
            config = {"from_logits": True, "ignore_class": self.ignore_index, "reduction": own}
            return Counterpart("layer(target, input)", {"layer": KerasLayer("SparseCategoricalCrossentropy", config)})
        logs = {"softmax": KerasLayer("Activation", {"activation": "log_softmax"})}
        text = f"softmax({classes_last('input', input.rank)})"
        if target.shape != input.shape:
            found = self.ids_text(text, input, self.label_smoothing)
            return Counterpart(found.result, logs, found.nodes)
        if self.weight is not None:
            raise NoCounterpart("class weights over shares of classes: multiply the shares by them before the loss")
        classes = input.shape[1]
        shares = (
            f"{1.0 - self.label_smoothing} * {classes_last('target', input.rank)} + {self.label_smoothing / classes}"
        )
        losses = f"sum(({shares}) * {text}, axis=-1) * -1.0"
        return Counterpart(reduced_text("losses", self.reduction), logs, (("losses", losses),))


class NLLLoss(_Classes):
    """The negative of the input at the label: of logarithms of probabilities."""

    names = ("nn.NLLLoss", "F.nll_loss")
    example = asked("nn.NLLLoss()", "3")
    positional = ("weight",)

    def call(self, w: Weights, input: Array, target: Any) -> Array:
        if np.ndim(input) == 1:
            return _of_one(self.of_ids(input[None], np.reshape(target, (1, *np.shape(target))), 0.0), self.reduction)
        return self.of_ids(input, target, 0.0)

    def counterpart(self, input: Like, target: Like) -> Counterpart:
        return self.ids_text(classes_last("input", input.rank), input, 0.0)


class BCELoss(Loss):
    """-w (y log x + (1 - y) log(1 - x)), the logarithms no less than -100."""

    names = ("nn.BCELoss", "F.binary_cross_entropy")
    positional = ("weight",)
    weight: tuple[float, ...] | None = arg("A weight for each number of the last axis.", default=None)
    reduction: Reduction = arg("What is made of the losses.", default="mean")

    @classmethod
    def drawn(cls, config: Mapping[str, Any], name: str, shapes: Mapping[str, Sequence[int]]) -> Drawn:
        return Drawn(fill={"uniform": [0.05, 0.95]})

    def call(self, w: Weights, input: Array, target: Array) -> Array:
        self.alike(input, target)
        given = numpy.asarray(getval(input))
        if not ((given >= 0) & (given <= 1.0 + UNIT)).all():
            raise LayerError("nn.BCELoss takes probabilities, from 0 to 1")
        weight = 1.0 if self.weight is None else numpy.asarray(self.weight, float)
        losses = -(target * _bounded_log(input) + (1.0 - target) * _bounded_log(1.0 - input)) * weight
        return reduced(losses, self.reduction)

    def counterpart(self, input: Like, target: Like) -> Counterpart:
        if self.weight is not None:
            raise NoCounterpart("a weight for each number: multiply the losses of reduction=None by it")
        nodes = {f"log{label}": _bounded_log_text(x) for label, x in ((1, "input"), (0, "(1.0 - input)"))}
        return expression(
            reduced_text("(target * log1 + (1.0 - target) * log0) * -1.0", self.reduction),
            **nodes,
        )


def _bounded_log(x: Array) -> Array:
    is_least = x <= math.exp(-100.0)
    return np.where(is_least, -100.0, np.log(np.where(is_least, 1.0, x)))


def _bounded_log_text(x: str) -> str:
    """The same as an expression; no gradient goes through a logarithm of 0."""
    is_more = f"greater({x}, {math.exp(-100.0)})"
    return f"where({is_more}, log(where({is_more}, {x}, 1.0)), -100.0)"


class BCEWithLogitsLoss(Loss):
    """-w (p y log s(x) + (1 - y) log(1 - s(x))) for logits x and the sigmoid s."""

    names = ("nn.BCEWithLogitsLoss", "F.binary_cross_entropy_with_logits")
    positional = ("weight",)
    weight: tuple[float, ...] | None = arg("A weight for each number of the last axis.", default=None)
    reduction: Reduction = arg("What is made of the losses.", default="mean")
    pos_weight: tuple[float, ...] | None = arg(
        "A weight of the label 1 for each number of the last axis.", default=None
    )

    @classmethod
    def drawn(cls, config: Mapping[str, Any], name: str, shapes: Mapping[str, Sequence[int]]) -> Drawn:
        return Drawn(fill={"uniform": [0.05, 0.95]}) if name == "target" else Drawn()

    def call(self, w: Weights, input: Array, target: Array) -> Array:
        self.alike(input, target)
        positive = 1.0 if self.pos_weight is None else numpy.asarray(self.pos_weight, float)
        weight = 1.0 if self.weight is None else numpy.asarray(self.weight, float)
        losses = positive * target * np.logaddexp(0.0, -input) + (1.0 - target) * np.logaddexp(0.0, input)
        return reduced(losses * weight, self.reduction)

    def counterpart(self, input: Like, target: Like) -> Counterpart:
        if self.weight is None and self.pos_weight is None and self.reduction == "mean" and input.rank > 1:
            return Counterpart(
                "layer(target, input)", {"layer": KerasLayer("BinaryCrossentropy", {"from_logits": True})}
            )
        if self.weight is not None or (self.pos_weight is not None and len(self.pos_weight) > 1):
            raise NoCounterpart("weights of single numbers: multiply the losses of reduction=None by them")
        soft = {"soft": KerasLayer("Activation", {"activation": "softplus"})}
        positive = 1.0 if self.pos_weight is None else float(self.pos_weight[0])
        each = f"{positive} * target * soft(input * -1.0) + (1.0 - target) * soft(input)"
        return Counterpart(reduced_text(each, self.reduction), soft)


class MultiLabelSoftMarginLoss(Loss):
    """The mean over classes of the binary cross-entropy of logits, weighted by class."""

    names = ("nn.MultiLabelSoftMarginLoss", "F.multilabel_soft_margin_loss")
    positional = ("weight",)
    weight: tuple[float, ...] | None = arg("A weight for each class.", default=None)
    reduction: Reduction = arg("What is made of the losses of samples.", default="mean")

    @classmethod
    def drawn(cls, config: Mapping[str, Any], name: str, shapes: Mapping[str, Sequence[int]]) -> Drawn:
        return Drawn(fill={"uniform": [0.05, 0.95]}) if name == "target" else Drawn()

    def call(self, w: Weights, input: Array, target: Array) -> Array:
        self.alike(input, target)
        weight = 1.0 if self.weight is None else numpy.asarray(self.weight, float)
        each = target * np.logaddexp(0.0, -input) + (1.0 - target) * np.logaddexp(0.0, input)
        return reduced(np.mean(each * weight, axis=-1), self.reduction)

    def counterpart(self, input: Like, target: Like) -> Counterpart:
        if self.weight is not None:
            raise NoCounterpart("weights of single numbers: multiply the losses of reduction=None by them")
        soft = {"soft": KerasLayer("Activation", {"activation": "softplus"})}
        each = "mean(target * soft(input * -1.0) + (1.0 - target) * soft(input), axis=-1)"
        return Counterpart(reduced_text(each, self.reduction), soft)
