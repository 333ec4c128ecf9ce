"""What augmentations of images share in torch: nothing outside of training, and one answer where a range holds one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .image_sizes import as_batch, as_given
from .port import Config, Tensor, Unsupported

Change = Callable[[Config, Tensor], Tensor]
"""What becomes of (batch, channels, rows, columns) in training."""


def only(factor: Any, low: float | None = 0.0) -> float:
    """The one value of a range; a lone number means from `low` to it (None: from its negative)."""
    first, last = factor if isinstance(factor, tuple) else (-factor if low is None else low, factor)
    if first != last:
        raise Unsupported("torch draws other numbers than Keras")
    return float(first)


def drawn(layer: Config, images: Tensor) -> Tensor:
    raise Unsupported("torch draws other numbers than Keras")


def unless(*names: str) -> Change:
    """Images as they are, where these arguments are 0 or not given."""

    def unchanged(layer: Config, images: Tensor) -> Tensor:
        for name in names:
            if getattr(layer, name) not in (None, 0, (0, 0)):
                return drawn(layer, images)
        return images

    return unchanged


def augmented(layer: Config, x: Tensor, training: bool, change: Change) -> Tensor:
    """What an augmentation makes of images: nothing outside of training."""
    if not training:
        return x
    data_format = getattr(layer, "data_format", "channels_last")
    return as_given(change(layer, as_batch(x, data_format)), x.ndim, data_format)
