"""nn.CTCLoss: the probability of all alignments of a target with a longer sequence."""

from __future__ import annotations

import math
from typing import Any

import autograd.numpy as np
import numpy

from conformance.counterpart import Counterpart, NoCounterpart
from conformance.reference.base import Array, Weights, arg
from conformance.reference.torch.losses import Loss, Reduction, reduced


class CTCLoss(Loss):
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
