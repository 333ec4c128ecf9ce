"""Every loss of torch.nn, as a module and as a function: weights of classes, ignored labels, smoothing, reductions.

Source of each formula: its documentation. `reduction` "mean" divides by the number of elements but where a loss says
otherwise: cross entropies divide by the weights of the labels that count.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import autograd.numpy as np
import numpy
from autograd.tracer import getval

from conformance.counterpart import Counterpart, KerasLayer, NoCounterpart, expression
from conformance.reference.base import Array, LayerError, Weights, arg
from conformance.reference.torch.base import Like, TorchLayer, norm
from conformance.reference.traits import Axes, Drawn, asked

Reduction = Literal["none", "mean", "sum"]
UNIT = 2.0**-24
"""By how much float32 rounds a 1: a probability of 1 may be that much larger where its rounding is looked at."""
OLD = {"size_average": "torch gave it up for reduction", "reduce": "torch gave it up for reduction"}


def reduced(losses: Array, reduction: str) -> Array:
    """Losses as they are, their mean, or their sum."""
    return {"none": lambda x: x, "mean": np.mean, "sum": np.sum}[reduction](losses)


def reduced_text(text: str, reduction: str) -> str:
    """The same as an expression."""
    return text if reduction == "none" else f"{reduction}({text})"


class _Loss(TorchLayer):
    """A loss of an input and a target."""

    arithmetic = "rounds"
    example = asked("nn.MSELoss()", "5", "5")
    positional: ClassVar[tuple[str, ...] | None] = ()
    not_here = OLD

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        return {1: ("features",), 2: ("steps", "features")}.get(rank, ())

    @classmethod
    def implied(cls, shapes: Sequence[Sequence[int]]) -> Sequence[Sequence[int]]:
        """A target like the input."""
        return [shapes[0], shapes[0]] if len(shapes) == 1 else shapes

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return max((math.prod(shape) for shape in shapes if shape is not None), default=1)

    def alike(self, input: Array, target: Array) -> None:
        if np.shape(input) != np.shape(target):
            raise LayerError(f"{self.names[0]} takes two of one shape, not {np.shape(input)} and {np.shape(target)}")


class _Elementwise(_Loss):
    """A loss of each pair of numbers; `keras` is Keras' loss of the same mean over the last axis."""

    keras: ClassVar[str] = ""
    reduction: Reduction = arg("What is made of the losses.", default="mean")

    def each(self, x: Array, y: Array) -> Array:
        raise NotImplementedError

    def text(self) -> str:
        """The formula as an expression over input and target."""
        raise NoCounterpart(f"Keras has no loss like {self.names[0]}")

    def call(self, w: Weights, input: Array, target: Array) -> Array:
        self.alike(input, target)
        return reduced(self.each(input, target), self.reduction)

    def counterpart(self, input: Like, target: Like) -> Counterpart:
        if self.keras and self.reduction == "mean" and input.rank > 1:
            return Counterpart("layer(target, input)", {"layer": KerasLayer(self.keras, self.keras_config())})
        return expression(reduced_text(self.text(), self.reduction))

    def keras_config(self) -> Mapping[str, Any]:
        return {}


class L1Loss(_Elementwise):
    """|x - y|."""

    names = ("nn.L1Loss", "F.l1_loss")
    keras = "MeanAbsoluteError"

    def each(self, x: Array, y: Array) -> Array:
        return np.abs(x - y)

    def text(self) -> str:
        return "abs(input - target)"


class MSELoss(_Elementwise):
    """(x - y)^2."""

    names = ("nn.MSELoss", "F.mse_loss")
    keras = "MeanSquaredError"

    def each(self, x: Array, y: Array) -> Array:
        return (x - y) ** 2

    def text(self) -> str:
        return "(input - target) * (input - target)"


class HuberLoss(_Elementwise):
    """d^2 / 2 up to delta, delta (|d| - delta / 2) above."""

    names = ("nn.HuberLoss", "F.huber_loss")
    keras = "Huber"
    delta: float = arg("Where the square ends.", default=1.0)

    def check(self) -> None:
        if self.delta <= 0:
            raise LayerError(f"delta must be positive, not {self.delta}")

    def each(self, x: Array, y: Array) -> Array:
        d = np.abs(x - y)
        return np.where(d <= self.delta, 0.5 * d**2, self.delta * (d - 0.5 * self.delta))

    def text(self) -> str:
        d = "abs(input - target)"
        far = f"{self.delta} * ({d} - {0.5 * self.delta})"
        return f"where(greater({d}, {self.delta}), {far}, 0.5 * {d} * {d})"

    def keras_config(self) -> Mapping[str, Any]:
        return {"delta": self.delta}


class SmoothL1Loss(_Elementwise):
    """d^2 / (2 beta) below beta, |d| - beta / 2 from there on; the absolute error for beta 0."""

    names = ("nn.SmoothL1Loss", "F.smooth_l1_loss")
    beta: float = arg("Where the square ends.", default=1.0, at_least=0)

    def each(self, x: Array, y: Array) -> Array:
        d = np.abs(x - y)
        return d if self.beta == 0 else np.where(d < self.beta, 0.5 * d**2 / self.beta, d - 0.5 * self.beta)

    def text(self) -> str:
        d = "abs(input - target)"
        if self.beta == 0:
            return d
        return f"where(greater({self.beta}, {d}), 0.5 * {d} * {d} / {self.beta}, {d} - {0.5 * self.beta})"


class SoftMarginLoss(_Elementwise):
    """log(1 + e^(-y x)) for labels of 1 and -1."""

    names = ("nn.SoftMarginLoss", "F.soft_margin_loss")
    written_as_case = "its labels are 1 and -1"

    def each(self, x: Array, y: Array) -> Array:
        return np.logaddexp(0.0, -y * x)

    def text(self) -> str:
        return "log(1.0 + exp(input * target * -1.0))"


class PoissonNLLLoss(_Loss):
    """e^x - y x, or x - y log(x + eps) without log_input; with full, Stirling's term for y above 1."""

    names = ("nn.PoissonNLLLoss", "F.poisson_nll_loss")
    log_input: bool = arg("Whether the input is a logarithm.", default=True)
    full: bool = arg("Whether Stirling's approximation of log(y!) is added.", default=False)
    eps: float = arg("What is added within the logarithm without log_input.", default=1e-8)
    reduction: Reduction = arg("What is made of the losses.", default="mean")

    @classmethod
    def drawn(cls, config: Mapping[str, Any], name: str, shapes: Mapping[str, Sequence[int]]) -> Drawn:
        return Drawn(fill={"uniform": [0.5, 4.0]})

    def call(self, w: Weights, input: Array, target: Array) -> Array:
        self.alike(input, target)
        losses = np.exp(input) - target * input if self.log_input else input - target * np.log(input + self.eps)
        if self.full:
            safe = np.where(target > 1, target, 1.0)
            stirling = safe * np.log(safe) - safe + 0.5 * np.log(2.0 * math.pi * safe)
            losses = losses + np.where(target > 1, stirling, 0.0)
        return reduced(losses, self.reduction)

    def counterpart(self, input: Like, target: Like) -> Counterpart:
        if self.full:
            raise NoCounterpart("keras.losses.Poisson leaves the term of y alone out")
        text = "exp(input) - target * input" if self.log_input else f"input - target * log(input + {self.eps})"
        return expression(reduced_text(text, self.reduction))


class GaussianNLLLoss(_Loss):
    """(log(max(var, eps)) + (x - y)^2 / max(var, eps)) / 2, and log(2 pi) / 2 with full.

    input and target: one shape. var, no number below 0: the same shape, or with a length of 1 on one axis, or without
    the last axis, or one number. The gradient of var is that of a variance that nothing bounds. Source: the
    documentation of nn.GaussianNLLLoss, and its note on autograd.
    """

    names = ("nn.GaussianNLLLoss", "F.gaussian_nll_loss")
    example = asked("nn.GaussianNLLLoss()", "5", "5", "5")
    full: bool = arg("Whether the constant is added.", default=False)
    eps: float = arg("The least variance.", default=1e-6)
    reduction: Reduction = arg("What is made of the losses.", default="mean")

    @classmethod
    def drawn(cls, config: Mapping[str, Any], name: str, shapes: Mapping[str, Sequence[int]]) -> Drawn:
        return Drawn(fill={"uniform": [0.5, 2.0]}) if name == "var" else Drawn()

    def call(self, w: Weights, input: Array, target: Array, var: Any) -> Array:
        self.alike(input, target)
        if not isinstance(var, int | float) and _lacks_an_axis(np.shape(input), np.shape(var)):
            var = np.expand_dims(var, -1)
        given = numpy.asarray(getval(var))
        if (given < 0).any():
            raise LayerError("nn.GaussianNLLLoss takes variances, and none is below 0")
        least = var + (numpy.maximum(given, self.eps) - given)  # as if nothing had bounded it, on the way back
        losses = 0.5 * (np.log(least) + (input - target) ** 2 / least) + (
            0.5 * math.log(2 * math.pi) if self.full else 0.0
        )
        return reduced(losses, self.reduction)

    def counterpart(self, input: Like, target: Like, var: Any) -> Counterpart:
        constant = f" + {0.5 * math.log(2 * math.pi)}" if self.full else ""
        is_short = isinstance(var, Like) and _lacks_an_axis(input.shape, var.shape)
        own = "expand_dims(var, -1)" if is_short else "var"
        # the language of graphs cannot cut a gradient: below eps var has none here, and torch's in torch
        least = f"where(greater({own}, {self.eps}), {own}, {self.eps})"
        each = f"0.5 * (log(least) + (input - target) * (input - target) / least){constant}"
        return expression(reduced_text(each, self.reduction), least=least)


def _lacks_an_axis(shape: Sequence[int], var: Sequence[int]) -> bool:
    """Whether variances have no last axis. Raises LayerError for a shape that they cannot have."""
    shape, var = tuple(shape), tuple(var)
    one_each = [(length, own) for length, own in zip(shape, var, strict=False) if length != own]
    if shape == var or (len(shape) == len(var) and len(one_each) == 1 and one_each[0][1] == 1):
        return False
    if var == shape[:-1]:
        return True
    raise LayerError(
        f"nn.GaussianNLLLoss takes var of shape {shape}, {shape[:-1]}, or {shape} with one 1 in it, not {var}"
    )


class KLDivLoss(_Loss):
    """y (log y - x) for logarithms x, or e^y (y - x) with log_target; "batchmean" divides by the first axis."""

    names = ("nn.KLDivLoss", "F.kl_div")
    example = asked("nn.KLDivLoss(reduction='batchmean')", "5", "5")
    reduction: Literal["none", "mean", "sum", "batchmean"] = arg("What is made of the losses.", default="mean")
    log_target: bool = arg("Whether the target is a logarithm too.", default=False)

    @classmethod
    def drawn(cls, config: Mapping[str, Any], name: str, shapes: Mapping[str, Sequence[int]]) -> Drawn:
        return Drawn(fill={"uniform": [0.1, 0.9]}) if name == "target" else Drawn()

    def call(self, w: Weights, input: Array, target: Array) -> Array:
        self.alike(input, target)
        if self.log_target:
            losses = np.exp(target) * (target - input)
        else:
            safe = np.where(target > 0, target, 1.0)
            losses = np.where(target > 0, target * np.log(safe), 0.0) - target * input
        if self.reduction == "batchmean":
            return np.sum(losses) / np.shape(input)[0]
        return reduced(losses, self.reduction)

    def counterpart(self, input: Like, target: Like) -> Counterpart:
        # 0 log 0 is 0 for torch
        each = "target * (log(where(greater(target, 0.0), target, 1.0)) - input)"
        if self.log_target:
            each = "exp(target) * (target - input)"
        if self.reduction == "batchmean":
            return expression(f"sum({each}) / {input.shape[0]}")
        return expression(reduced_text(each, self.reduction))


class _Classes(_Loss):
    """Losses of scores (batch, classes, *lengths) and ids of classes (batch, *lengths)."""

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
        shifted = input - np.max(input, axis=1, keepdims=True)
        logs = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
        if np.shape(target) != np.shape(input):
            return self.of_ids(logs, target, self.label_smoothing)
        classes = int(np.shape(input)[1])
        weights = np.reshape(self.class_weights(classes), (1, -1, *(1,) * (np.ndim(input) - 2)))
        shares = (1.0 - self.label_smoothing) * target + self.label_smoothing / classes
        losses = -np.sum(weights * shares * logs, axis=1)
        return np.sum(losses) / np.size(losses) if self.reduction == "mean" else reduced(losses, self.reduction)

    def counterpart(self, input: Like, target: Like) -> Counterpart:
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
        return self.of_ids(input, target, 0.0)

    def counterpart(self, input: Like, target: Like) -> Counterpart:
        return self.ids_text(classes_last("input", input.rank), input, 0.0)


class BCELoss(_Loss):
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


class BCEWithLogitsLoss(_Loss):
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


class HingeEmbeddingLoss(_Loss):
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


class MarginRankingLoss(_Loss):
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


class CosineEmbeddingLoss(_Loss):
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


class TripletMarginLoss(_Loss):
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


class MultiMarginLoss(_Loss):
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


class MultiLabelSoftMarginLoss(_Loss):
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


def cosine_of(x1: Array, x2: Array, axis: int, eps: float) -> Array:
    """x1 . x2 over both lengths along an axis, no length less than eps: 0 for a vector of zeros."""
    lengths = [np.sqrt(np.maximum(np.sum(x**2, axis=axis), eps**2)) for x in (x1, x2)]
    return np.sum(x1 * x2, axis=axis) / (lengths[0] * lengths[1])


def cosine_nodes(x1: str, x2: str, axis: int, eps: float) -> tuple[tuple[str, str], ...]:
    """The same as steps of a graph, the last of which is called `cosine`."""
    squares = [(f"square{n}", f"sum({x} * {x}, axis={axis})") for n, x in ((1, x1), (2, x2))]
    roots = [f"sqrt(where(greater({name}, {eps**2}), {name}, {eps**2}))" for name, _ in squares]
    return (*squares, ("cosine", f"sum({x1} * {x2}, axis={axis}) / ({roots[0]} * {roots[1]})"))


class CosineSimilarity(TorchLayer):
    """x1 . x2 / (max(|x1|, eps) max(|x2|, eps)) along an axis. Source: the documentation of F.cosine_similarity."""

    names = ("nn.CosineSimilarity", "F.cosine_similarity")
    arithmetic = "rounds"
    example = asked("nn.CosineSimilarity(dim=1)", "5", "5")
    dim: int = arg("The axis.", default=1)
    eps: float = arg("The least length.", default=1e-8)

    def call(self, w: Weights, x1: Array, x2: Array) -> Array:
        return cosine_of(x1, x2, self.dim, self.eps)

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return int(shapes[0][self.dim])

    def counterpart(self, x1: Like, x2: Like) -> Counterpart:
        return Counterpart("cosine", nodes=cosine_nodes("x1", "x2", self.dim, self.eps))


class PairwiseDistance(TorchLayer):
    """The p-norm of x1 - x2 + eps along the last axis."""

    names = ("nn.PairwiseDistance", "F.pairwise_distance")
    arithmetic = "rounds"
    example = asked("nn.PairwiseDistance()", "5", "5")
    p: float = arg("The norm.", default=2.0)
    eps: float = arg("What is added to each difference.", default=1e-6)
    keepdim: bool = arg("Whether the last axis stays, with a length of 1.", default=False)

    def call(self, w: Weights, x1: Array, x2: Array) -> Array:
        return norm(x1 - x2 + self.eps, self.p, -1, keepdims=self.keepdim)

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return int(shapes[0][-1])

    def counterpart(self, x1: Like, x2: Like) -> Counterpart:
        if self.p != 2:
            raise NoCounterpart("only the Euclidean norm is written out here: keras.ops.norm has the others")
        d = f"x1 - x2 + {self.eps}"
        return expression(f"sqrt(sum(d * d, axis=-1, keepdims={self.keepdim}))", d=d)


class MultiLabelMarginLoss(_Loss):
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


class CTCLoss(_Loss):
    """The negative logarithm of the probability of all alignments of a target with a sequence of logarithms.

    log_probs: (steps, batch, classes); targets: (batch, labels); input_lengths and target_lengths: (batch,). The mean
    divides each loss by the length of its target first. Source: Graves et al. 2006, section 4.1.
    """

    names = ("nn.CTCLoss", "F.ctc_loss")
    written_as_case = "its lengths belong to its targets"
    blank: int = arg("The class that is no label.", default=0, at_least=0)
    reduction: Reduction = arg("What is made of the losses.", default="mean")
    zero_infinity: bool = arg("Whether a target that does not fit costs nothing.", default=False)

    def call(self, w: Weights, log_probs: Array, targets: Any, input_lengths: Any, target_lengths: Any) -> Array:
        lengths = [numpy.asarray(given).astype(int) for given in (input_lengths, target_lengths)]
        losses = [
            self._one(log_probs[: lengths[0][row], row], numpy.asarray(targets)[row, : lengths[1][row]])
            for row in range(np.shape(log_probs)[1])
        ]
        each = np.stack(losses)
        if self.reduction == "mean":
            return np.mean(each / numpy.maximum(lengths[1], 1))
        return reduced(each, self.reduction)

    def _one(self, logs: Array, labels: Any) -> Array:
        """Forward variables over blank, label, blank, ...: a label may follow another one that differs from it."""
        path = [self.blank]
        for label in labels:
            path += [int(label), self.blank]
        least = -1e30
        alpha = [logs[0, path[s]] if s < 2 else np.array(least) for s in range(len(path))]
        for t in range(1, int(np.shape(logs)[0])):
            following = []
            for s, label in enumerate(path):
                ways = alpha[s] if s == 0 else np.logaddexp(alpha[s], alpha[s - 1])
                if s > 1 and label not in (self.blank, path[s - 2]):
                    ways = np.logaddexp(ways, alpha[s - 2])
                following.append(ways + logs[t, label])
            alpha = following
        total = alpha[-1] if len(alpha) == 1 else np.logaddexp(alpha[-1], alpha[-2])
        if total > least / 2:
            return -total
        return 0.0 * total if self.zero_infinity else total * 0.0 + math.inf

    def counterpart(self, *args: Any, **kwargs: Any) -> Counterpart:
        raise NoCounterpart(
            "keras.losses.CTC takes logits of (batch, steps, classes), pads targets with 0, and divides by the batch"
        )
