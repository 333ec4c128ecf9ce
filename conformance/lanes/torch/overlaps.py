"""Dice and Tversky in torch, which has neither; then as in `losses`."""

from __future__ import annotations

from .losses import EPSILON, loss
from .port import Config, Tensor

Each = tuple[Tensor, Tensor | None]


def _total(layer: Config, values: Tensor) -> Tensor:
    """The sum over the axes; over all for none."""
    if layer.axis is None:
        return values.sum()
    return values.sum(dim=layer.axis if isinstance(layer.axis, int) else tuple(layer.axis))


@loss("Dice")
def dice(layer: Config, y_true: Tensor, y_pred: Tensor) -> Each:
    y = y_true.to(y_pred.dtype)
    shared = _total(layer, y * y_pred)
    return 1.0 - 2.0 * shared / (_total(layer, y) + _total(layer, y_pred) + EPSILON), None


@loss("Tversky")
def tversky(layer: Config, y_true: Tensor, y_pred: Tensor) -> Each:
    y = y_true.to(y_pred.dtype)
    shared = _total(layer, y * y_pred)
    false, overlooked = _total(layer, (1.0 - y) * y_pred), _total(layer, y * (1.0 - y_pred))
    return 1.0 - shared / (shared + layer.alpha * false + layer.beta * overlooked + EPSILON), None
