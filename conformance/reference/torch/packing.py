"""nn.utils.rnn: padded sequences as rows in the order of their steps, and back.

A packed sequence is a list: the rows (rows, ...), how many of them each step has, and, where sequences were sorted, the
order in which they were taken and the one that takes it back. Source: the documentation of PackedSequence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import autograd.numpy as np
import numpy

from conformance.counterpart import Counterpart, NoCounterpart
from conformance.reference.base import Array, LayerError, Weights, arg
from conformance.reference.torch.base import TorchLayer
from conformance.reference.torch.recurrent import NO_PACKED
from conformance.reference.traits import Axes


class _Packing(TorchLayer):
    arithmetic = "moves"

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return 1

    def counterpart(self, *args: Any, **kwargs: Any) -> Counterpart:
        raise NoCounterpart(NO_PACKED)


class PackPaddedSequence(_Packing):
    """Step by step, the rows of those sequences that are that long, the longest sequence first.

    input: (steps, batch, ...), or the batch first; lengths: (batch,), integers from 1. They have to fall where
    enforce_sorted is true; where it is false, they are sorted, and the packed sequence has two orders more.
    """

    names = ("nn.utils.rnn.pack_padded_sequence",)
    written_as_case = "its lengths belong to its input"
    batch_first: bool = arg("Whether the batch comes before the steps.", default=False)
    enforce_sorted: bool = arg("Whether the longest sequence has to come first.", default=True)

    def call(self, w: Weights, input: Array, lengths: Any) -> Any:
        x = np.swapaxes(input, 0, 1) if self.batch_first else input
        known = numpy.asarray(lengths).astype(int)
        if known.shape != np.shape(x)[1:2] or known.min(initial=1) < 1 or known.max(initial=1) > np.shape(x)[0]:
            raise LayerError(
                f"lengths are {np.shape(x)[1]} numbers from 1 to {np.shape(x)[0]}, not {known.tolist()}: torch takes "
                f"{'(batch, steps)' if self.batch_first else '(steps, batch)'} with batch_first={self.batch_first}"
            )
        order = numpy.argsort(-known, kind="stable")
        if self.enforce_sorted and (numpy.diff(known) > 0).any():
            raise LayerError(f"lengths have to fall, and are {known.tolist()}; or enforce_sorted=False")
        sizes = [int((known > step).sum()) for step in range(int(known.max()))]
        data = np.concatenate([x[step][order[:size]] for step, size in enumerate(sizes)])
        orders = [] if self.enforce_sorted else [order, numpy.argsort(order)]
        return [data, numpy.array(sizes, dtype=numpy.int64), *orders]


class PadPackedSequence(_Packing):
    """The padded sequences (steps, batch, ...), or the batch first, and the length of each: (batch,)."""

    names = ("nn.utils.rnn.pad_packed_sequence",)
    written_as_case = "its input is a packed sequence"
    batch_first: bool = arg("Whether the batch comes before the steps.", default=False)
    padding_value: float = arg("What stands behind the end of a sequence.", default=0.0)
    total_length: int | None = arg("How many steps there are; null for the longest sequence.", default=None)

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        return ("rows", "features")[:rank]

    def call(self, w: Weights, sequence: Sequence[Any]) -> Any:
        data, sizes, *orders = sequence
        counts = [int(size) for size in numpy.asarray(sizes)]
        steps, start = [], 0
        for size in counts:
            missing = np.full((counts[0] - size, *np.shape(data)[1:]), self.padding_value)
            steps.append(np.concatenate([data[start : start + size], missing]))
            start += size
        total = len(counts) if self.total_length is None else self.total_length
        if total < len(counts):
            raise LayerError(f"total_length {total} is less than {len(counts)} steps")
        steps += [np.full(np.shape(steps[0]), self.padding_value)] * (total - len(counts))
        y = np.stack(steps)
        lengths = (numpy.array(counts)[:, None] > numpy.arange(counts[0])[None, :]).sum(axis=0)
        if orders:
            y, lengths = y[:, orders[1]], lengths[orders[1]]
        return [np.swapaxes(y, 0, 1) if self.batch_first else y, lengths.astype(numpy.int64)]
