"""Labels without an alignment: their loss, and the labels that a model's answers spell (Graves et al. 2006)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import autograd.numpy as np
import numpy

from conformance.reference.activations import log_softmax
from conformance.reference.ctc import CTC

from .base import Array, ask, asked, floats, given, int32

LABELS, STEPS = given([[1, 2, 2], [3, 1, 0]], "int32"), floats(2, 7, 4)
LENGTHS, WHOLE = given([3, 2], "int32"), given([7, 7], "int32")
ALONE: Mapping[str, Any] = {"takes_integers": False, "takes_specials": False, "takes_none": False}


@asked(
    ask("usual", LABELS, STEPS, LENGTHS, WHOLE),
    ask("shorter", LABELS, STEPS, LENGTHS, given([6, 4], "int32")),
    ask("one_label", LABELS, STEPS, given([1, 1], "int32"), WHOLE),
    **ALONE,
)
def ctc_loss(target: Array, output: Array, target_length: Array, output_length: Array, mask_index: int = 0) -> Array:
    """-log of the probability of the labels over all their alignments, one number a sample; 0 is the blank.

    target: (batch, labels), output: logits (batch, steps, classes), of which so many count.
    """
    logs, layer = log_softmax(output), CTC()
    each = [
        -layer.log_probability(logs[row, : int(steps)], numpy.asarray(target)[row, : int(count)])
        for row, (count, steps) in enumerate(zip(target_length, output_length, strict=True))
    ]
    return np.stack(each)


PATHS = given(
    [
        [[0.0, 3.0, 1.0], [0.5, 2.0, 1.0], [4.0, 1.0, 0.0], [0.0, 2.5, 1.0], [0.0, 1.0, 3.5]],
        [[0.0, 1.0, 2.0], [0.0, 1.0, 2.0], [3.0, 1.0, 2.0], [0.0, 5.0, 2.0], [0.0, 1.0, 6.0]],
    ]
)


@asked(
    ask("usual", PATHS, given([5, 5], "int32")),
    ask("shorter", PATHS, given([5, 3], "int32")),
    ask("repeated", PATHS, given([5, 5], "int32"), merge_repeated=False),
    ask("other_blank", PATHS, given([5, 5], "int32"), mask_index=2),
    no_gradients="labels are whole numbers",
    **ALONE,
)
def ctc_decode(
    inputs: Array, sequence_lengths: Array, strategy: Literal["greedy"] = "greedy", merge_repeated: bool = True,
    mask_index: int = 0,
) -> Array:  # fmt: skip
    """The most likely class of each step, repetitions merged and blanks removed, and minus the sum of its logits.

    Labels are (1, batch, steps), -1 behind the last; the scores (batch, 1). A search over beams is not asked.
    """
    x = numpy.asarray(inputs)
    labels, scores = numpy.full(x.shape[:2], -1), numpy.zeros((len(x), 1))
    for row, count in enumerate(numpy.asarray(sequence_lengths)):
        best = numpy.argmax(x[row, :count], axis=-1)
        scores[row] = -numpy.sum(numpy.max(x[row, :count], axis=-1))
        is_new = numpy.concatenate([[True], best[1:] != best[:-1]]) if merge_repeated else numpy.ones(count, dtype=bool)
        kept = best[is_new & (best != mask_index)]
        labels[row, : len(kept)] = kept
    return [int32(labels[None]), scores]
