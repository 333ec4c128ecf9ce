"""Two masked inputs that are added and pooled: what the sum's mask is has changed between releases of Keras."""

from __future__ import annotations

import keras
from drawn import drawn


def build() -> keras.Model:
    words = keras.Input((None,), dtype="int32", name="words")
    tags = keras.Input((None,), dtype="int32", name="tags")
    both = keras.layers.Add(name="both")(
        [
            keras.layers.Embedding(20, 5, mask_zero=True, name="word_table")(words),
            keras.layers.Embedding(9, 5, mask_zero=True, name="tag_table")(tags),
        ]
    )
    pooled = keras.layers.GlobalAveragePooling1D(name="pool")(both)
    model = keras.Model([words, tags], keras.layers.Dense(3, name="scores")(pooled))
    for weight in model.weights:
        weight.assign(drawn(weight.path, weight.shape))
    return model
