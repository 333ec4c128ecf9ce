"""Losses that ask for a margin between scores or distances. Source of each formula: its documentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import autograd.numpy as np
import numpy

from conformance.counterpart import Counterpart, NoCounterpart, expression
from conformance.reference.base import Array, Weights, arg
from conformance.reference.torch.base import Like, norm
from conformance.reference.torch.distances import cosine_nodes, cosine_of
from conformance.reference.torch.losses import Loss, Reduction, reduced, reduced_text
from conformance.reference.traits import Drawn, asked


class HingeEmbeddingLoss(Loss):
    """x where y is 1, max(0, margin - x) where y is -1."""

    names = ("nn.HingeEmbeddingLoss", "F.hinge_embedding_loss")
    written_as_case = "its labels are 1 and -1"
    margin: float = arg("What distances of unlike pairs should reach.", default=1.0)
    reduction: Reduction = arg("What is made of the losses.", default="mean")

    def call(self, w: Weights, input: Array, target: Array) -> Array:
        losses = np.where(target == 1, input, np.maximum(0.0, self.margin - input))
        return reduced(losses, self.reduction)

    def counterpart(self, input: Like, target: Like) -> Counterpart:
        far = f"{self.margin} - input"
        each = f"where(equal(target, 1.0), input, where(greater({far}, 0.0), {far}, input * 0.0))"
        return expression(reduced_text(each, self.reduction))


class MarginRankingLoss(Loss):
    """max(0, -y (x1 - x2) + margin)."""

    names = ("nn.MarginRankingLoss", "F.margin_ranking_loss")
    written_as_case = "its labels are 1 and -1"
    margin: float = arg("By how much one should be larger.", default=0.0)
    reduction: Reduction = arg("What is made of the losses.", default="mean")

    def call(self, w: Weights, input1: Array, input2: Array, target: Array) -> Array:
        return reduced(np.maximum(0.0, -target * (input1 - input2) + self.margin), self.reduction)

    def counterpart(self, input1: Like, input2: Like, target: Like) -> Counterpart:
        return Counterpart(
            reduced_text("where(greater(over, 0.0), over, over * 0.0)", self.reduction),
            nodes=(("over", f"target * (input2 - input1) + {self.margin}"),),
        )


class CosineEmbeddingLoss(Loss):
    """1 - cos where y is 1, max(0, cos - margin) where y is -1."""

    names = ("nn.CosineEmbeddingLoss", "F.cosine_embedding_loss")
    written_as_case = "its labels are 1 and -1"
    margin: float = arg("What cosines of unlike pairs should stay below.", default=0.0)
    reduction: Reduction = arg("What is made of the losses.", default="mean")

    def call(self, w: Weights, input1: Array, input2: Array, target: Array) -> Array:
        cosine = cosine_of(input1, input2, -1, 1e-8)
        losses = np.where(target == 1, 1.0 - cosine, np.maximum(0.0, cosine - self.margin))
        return reduced(losses, self.reduction)

    def counterpart(self, input1: Like, input2: Like, target: Like) -> Counterpart:
        nodes = cosine_nodes("input1", "input2", -1, 1e-8)
        over = f"where(greater(cosine, {self.margin}), cosine - {self.margin}, cosine * 0.0)"
        each = f"where(equal(target, 1.0), 1.0 - cosine, {over})"
        return Counterpart(reduced_text(each, self.reduction), nodes=nodes)


class TripletMarginLoss(Loss):
    """max(0, d(a, p) - d(a, n) + margin), d the p-norm of the difference and eps; with swap the nearer negative."""

    names = ("nn.TripletMarginLoss", "F.triplet_margin_loss")
    example = asked("nn.TripletMarginLoss()", "5", "5", "5")
    margin: float = arg("By how much negatives should be further.", default=1.0)
    p: float = arg("The norm.", default=2.0)
    eps: float = arg("What is added to each difference.", default=1e-6)
    swap: bool = arg("Whether the distance of positive and negative counts where it is less.", default=False)
    reduction: Reduction = arg("What is made of the losses.", default="mean")

    def call(self, w: Weights, anchor: Array, positive: Array, negative: Array) -> Array:
        near, far = self._distance(anchor, positive), self._distance(anchor, negative)
        if self.swap:
            far = np.minimum(far, self._distance(positive, negative))
        return reduced(np.maximum(0.0, near - far + self.margin), self.reduction)

    def _distance(self, a: Array, b: Array) -> Array:
        return norm(a - b + self.eps, self.p, -1)

    def counterpart(self, anchor: Like, positive: Like, negative: Like) -> Counterpart:
        if self.p != 2 or self.swap:
            raise NoCounterpart("Keras has no loss of three inputs; only the plain distance is written out here")
        nodes = [
            (name, f"sqrt(sum((anchor - {other} + {self.eps}) * (anchor - {other} + {self.eps}), axis=-1))")
            for name, other in (("near", "positive"), ("far", "negative"))
        ]
        nodes.append(("over", f"near - far + {self.margin}"))
        return Counterpart(
            reduced_text("where(greater(over, 0.0), over, over * 0.0)", self.reduction), nodes=tuple(nodes)
        )


class TripletMarginWithDistanceLoss(Loss):
    """max(0, d(a, p) - d(a, n) + margin) with nn.PairwiseDistance for d; with swap the nearer negative.

    anchor, positive and negative: (batch, features). Source: the documentation of nn.TripletMarginWithDistanceLoss.
    """

    names = ("nn.TripletMarginWithDistanceLoss", "F.triplet_margin_with_distance_loss")
    example = asked("nn.TripletMarginWithDistanceLoss()", "5", "5", "5")
    not_here: ClassVar = {"distance_function": "it is a function, and a case holds numbers and words"}
    margin: float = arg("By how much negatives should be further.", default=1.0)
    swap: bool = arg("Whether the distance of positive and negative counts where it is less.", default=False)
    reduction: Reduction = arg("What is made of the losses.", default="mean")

    def inner(self) -> TripletMarginLoss:
        """The loss with the distance written out."""
        return TripletMarginLoss(margin=self.margin, swap=self.swap, reduction=self.reduction)

    def call(self, w: Weights, anchor: Array, positive: Array, negative: Array) -> Array:
        return self.inner().call(w, anchor, positive, negative)

    def counterpart(self, anchor: Like, positive: Like, negative: Like) -> Counterpart:
        return self.inner().counterpart(anchor, positive, negative)


class MultiMarginLoss(Loss):
    """sum over i != y of max(0, margin - x_y + x_i)^p, over the number of classes, times the weight of y."""

    names = ("nn.MultiMarginLoss", "F.multi_margin_loss")
    example = asked("nn.MultiMarginLoss()", "4", "")
    p: Literal[1, 2] = arg("The power.", default=1)
    margin: float = arg("By how much the label's score should be larger.", default=1.0)
    weight: tuple[float, ...] | None = arg("A weight for each class.", default=None)
    reduction: Reduction = arg("What is made of the losses.", default="mean")

    @classmethod
    def drawn(cls, config: Mapping[str, Any], name: str, shapes: Mapping[str, Sequence[int]]) -> Drawn:
        return Drawn("int64", {"integers": [0, shapes["input"][0]]}) if name == "target" else Drawn()

    def call(self, w: Weights, input: Array, target: Any) -> Array:
        classes, ids = int(np.shape(input)[1]), numpy.asarray(target)
        hot = numpy.eye(classes)[ids]
        own = np.sum(hot * input, axis=1, keepdims=True)
        weights = numpy.ones(classes) if self.weight is None else numpy.asarray(self.weight, float)
        over = np.maximum(0.0, self.margin - own + input) ** self.p * (1.0 - hot)
        return reduced(np.sum(over, axis=1) * weights[ids] / classes, self.reduction)

    def counterpart(self, input: Like, target: Like) -> Counterpart:
        if self.weight is not None or self.p != 1:
            raise NoCounterpart(
                "keras.losses.CategoricalHinge takes the largest wrong score alone; no other comes near"
            )
        classes = input.shape[1]
        nodes = (
            ("hot", f"one_hot(target, {classes})"),
            ("over", f"input + {self.margin} - sum(hot * input, axis=1, keepdims=True)"),
            ("each", "where(greater(over, 0.0), over, over * 0.0) * (1.0 - hot)"),
        )
        return Counterpart(reduced_text(f"sum(each, axis=1) / {classes}", self.reduction), nodes=nodes)


class MultiLabelMarginLoss(Loss):
    """sum over labels j and classes i that are none of max(0, 1 - (x_j - x_i)), over the number of classes.

    target: ids of the labels of each row, ended by -1.
    """

    names = ("nn.MultiLabelMarginLoss", "F.multilabel_margin_loss")
    written_as_case = "its targets are lists of labels that end with -1"
    reduction: Reduction = arg("What is made of the losses.", default="mean")

    def call(self, w: Weights, input: Array, target: Any) -> Array:
        classes, losses = int(np.shape(input)[1]), []
        for row, ids in enumerate(numpy.asarray(target)):
            labels = ids[: numpy.argmax(ids == -1)] if (ids == -1).any() else ids
            others = [c for c in range(classes) if c not in labels]
            terms = [np.maximum(0.0, 1.0 - (input[row, j] - input[row, i])) for j in labels for i in others]
            losses.append(sum(terms) / classes if terms else 0.0 * input[row, 0])
        return reduced(np.stack(losses), self.reduction)

    def counterpart(self, input: Like, target: Like) -> Counterpart:
        raise NoCounterpart("keras.losses.CategoricalHinge takes the largest wrong score alone; no other comes near")
