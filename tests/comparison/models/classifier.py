"""A text classifier in Keras: masked embedding, both directions, a mean over real words, two dense layers."""

from __future__ import annotations

import keras
from drawn import drawn


def build() -> keras.Model:
    model = keras.Sequential(
        [
            keras.Input((None,), dtype="int32", name="ids"),
            keras.layers.Embedding(30, 8, mask_zero=True, name="embed"),
            keras.layers.Bidirectional(keras.layers.GRU(6, return_sequences=True), name="gru"),
            keras.layers.GlobalAveragePooling1D(name="pool"),
            keras.layers.Dense(12, activation="gelu", name="hidden"),
            keras.layers.Dense(3, activation="softmax", name="scores"),
        ]
    )
    for weight in model.weights:
        weight.assign(drawn(weight.path, weight.shape))
    return model
