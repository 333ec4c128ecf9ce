"""ActivityRegularization in torch: x, and what is added to the loss of a training."""

from __future__ import annotations

from .port import Config, Parameters, Tensor, keep, port


def added_loss(layer: Config, output: Tensor) -> Tensor:
    output = output * 1.0  # torch has no magnitude of booleans
    cost: Tensor = layer.l1 * output.abs().sum() + layer.l2 * output.square().sum()
    return cost / len(output)


@port("ActivityRegularization", mask=keep, added_loss=added_loss)
def activity_regularization(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return x
