"""Connectionist temporal classification: the probability of a sequence of labels under all its alignments.

Graves et al., "Connectionist temporal classification: labelling unsegmented sequence data with recurrent neural
networks", 2006, section 4.1, equations 5 to 8, in logarithms. Reductions, weights and masks are those of `losses`.
"""

from __future__ import annotations

from typing import Any

import autograd.numpy as np
import numpy
from autograd.tracer import getval

from .activations import log_softmax
from .base import Array, LayerError, Mutant
from .losses import LOSS_MUTANTS, _Loss
from .traits import called

BLANK = 0
"""The class that stands for no label."""


def _by_length(layer: Any, y: Array, args: list[Any]) -> Array:
    lengths = numpy.maximum(numpy.count_nonzero(getval(args[0]), axis=-1), 1)
    return y / lengths if np.ndim(y) else y / float(numpy.mean(lengths))


def _as_probabilities(layer: Any, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    logits = args[1] - np.max(args[1], axis=-1, keepdims=True)
    return [args[0], np.exp(logits) / np.sum(np.exp(logits), axis=-1, keepdims=True)], kwargs


def _blank_last(layer: Any, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Class c of a vocabulary that counts from 0, with the blank behind it, stands at c - 1."""
    return [args[0], np.concatenate([args[1][..., -1:], args[1][..., :-1]], axis=-1)], kwargs


_OF_MASKS = ("ignores_mask", "counts_masked")
"""Mistakes that nobody can make: a mask of the steps has another shape than the losses, and no layer gives another."""


class CTC(_Loss):
    """-log of the sum of the probabilities of all paths that give the labels, a number for each sample.

    y_true: integers (batch, labels), padded at the end with 0; y_pred: logits (batch, steps, classes), softmax over
    the last axis. Class 0 is the blank. A path has one class a step; it gives the labels when repetitions are merged
    and blanks removed. Labels that do not fit into the steps have probability 0: the loss is infinite.
    """

    native = called("nn.CTCLoss", reason="it takes logarithms (steps, batch, classes) and all lengths")
    written_as_case = "labels of CTC are padded with 0, the blank"

    mutants = (
        *(mutant for mutant in LOSS_MUTANTS if mutant.name not in _OF_MASKS),
        Mutant("by_length", "divides by the labels, as torch's CTCLoss with reduction='mean' does", output=_by_length),
        Mutant("twice_softmax", "takes the logits for probabilities' logits", inputs=_as_probabilities),
        Mutant("blank_last", "takes the last class for the blank", inputs=_blank_last),
        Mutant(
            "doubles_without_blank",
            "lets equal labels follow each other without a blank",
            methods={"may_skip": lambda layer, path, s: s >= 2 and path[s] != BLANK},
        ),
    )

    def losses(self, y_true: Array, y_pred: Array) -> tuple[Array, Any]:
        labels = numpy.asarray(getval(y_true)).astype(int)
        if labels.ndim != 2 or np.ndim(y_pred) != 3 or labels.shape[0] != np.shape(y_pred)[0]:
            message = f"labels {labels.shape} and logits {np.shape(y_pred)}"
            raise LayerError(f"{message}; they are (batch, labels) and (batch, steps, classes)")
        if labels.size and not (labels.min() >= 0 and labels.max() < np.shape(y_pred)[-1]):
            raise LayerError(f"labels must lie in 1 .. {np.shape(y_pred)[-1] - 1}, and 0 behind them")
        if any((numpy.diff((row != BLANK).astype(int)) > 0).any() for row in labels):
            raise LayerError("0 is the blank: it may only follow the labels of a row")
        logs = log_softmax(y_pred)
        each = [-self.log_probability(logs[index], row[row != BLANK]) for index, row in enumerate(labels)]
        return np.stack(each) if each else np.zeros(0), None

    def may_skip(self, path: list[int], s: int) -> bool:
        """Whether place s of the path can be reached from the label before it, over the blank between them."""
        return s >= 2 and path[s] != BLANK and path[s] != path[s - 2]

    def log_probability(self, logs: Array, labels: Any) -> Array:
        """log p(labels): forward variables of every place of blank, label, blank, ..., None where there is no way.

        They keep an axis of length 1: what has none is not rounded where roundings are followed, and these logarithms,
        as large as the loss, are what the rounding of its gradient comes from.
        """
        path = [BLANK, *(value for label in labels for value in (int(label), BLANK))]
        forward: list[Any] = [logs[:1, path[s]] if s < 2 else None for s in range(len(path))]
        for step in range(1, np.shape(logs)[0]):
            before = forward
            forward = [
                _plus(
                    _sum(before[s], before[s - 1] if s else None, before[s - 2] if self.may_skip(path, s) else None),
                    logs[step : step + 1, label],
                )
                for s, label in enumerate(path)
            ]
        total = _sum(*forward[-2:])
        return np.array(-numpy.inf) if total is None else total[0]


def _sum(*logs: Any) -> Any:
    """log of the sum of what the logs stand for; None stands for 0."""
    ways = [value for value in logs if value is not None]
    if not ways:
        return None
    total = ways[0]
    for value in ways[1:]:
        total = np.logaddexp(total, value)
    return total


def _plus(log: Any, value: Array) -> Any:
    return None if log is None else log + value
