"""MobileNet of keras.applications at a tiny size, with drawn weights."""

from __future__ import annotations

import keras
from drawn import drawn


def build(size: int = 32, alpha: float = 0.25) -> keras.Model:
    model = keras.applications.MobileNet(input_shape=(size, size, 3), alpha=alpha, weights=None, include_top=False)
    for weight in model.weights:
        weight.assign(drawn(weight.path, weight.shape))
    return model


def head() -> keras.Model:
    """A head on small pictures, that flattens."""
    model = keras.Sequential(
        [
            keras.Input((4, 6, 2), name="image"),
            keras.layers.Conv2D(3, 3, padding="same", name="conv"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.Flatten(name="flat"),
            keras.layers.Dense(5, name="scores"),
        ]
    )
    for weight in model.weights:
        weight.assign(drawn(weight.path, weight.shape))
    return model


def usual() -> keras.Model:
    """The size that it is published with."""
    return build(224, 1.0)
