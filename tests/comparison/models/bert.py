"""KerasHub's BERT backbone at a tiny size, with drawn weights."""

from __future__ import annotations

from typing import Any

from drawn import drawn
from keras_hub.models import BertBackbone


def build() -> Any:
    model = BertBackbone(
        vocabulary_size=50,
        num_layers=2,
        num_heads=2,
        hidden_dim=8,
        intermediate_dim=16,
        max_sequence_length=12,
        dropout=0.1,
    )
    for weight in model.weights:
        weight.assign(drawn(weight.path, weight.shape))
    return model
