"""What the numbers are called that `fit` and `evaluate` report. Standard library only: lanes' processes read it too."""

from __future__ import annotations

LOSS = "loss"
"""The loss of all outputs together."""
FIT, EVALUATE = "fit", "evaluate"
LOOPS = (FIT, EVALUATE)
"""What a training can go through."""


def output_loss(output: str) -> str:
    """What the loss of one output of several is called."""
    return f"{output}_{LOSS}"


def is_report(label: str) -> bool:
    """Whether this output is a report: `fit.loss@2`, `evaluate.accuracy@1`."""
    return label.partition(".")[0] in LOOPS and "@" in label


def is_evaluated(label: str) -> bool:
    """Whether this is a report of a pass in which nothing was trained: nothing in it has come back from a loss."""
    return is_report(label) and label.startswith(f"{EVALUATE}.")
