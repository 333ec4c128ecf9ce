"""How many terms the longest sum of a layer has: the budget grows with it, so it is counted by hand here."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.reference.base import full_config, make
from conformance.reference.catalog import LAYERS

assert LAYERS, "importing the catalogue makes all layers known"

SEQUENCE = (2, 7, 5)
COUNTED: list[tuple[str, dict[str, Any], tuple[Any, ...], int]] = [
    ("Dense", {"units": 4}, (SEQUENCE,), 5),
    ("Conv1D", {"filters": 3, "kernel_size": 2}, (SEQUENCE,), 2 * 5),
    ("Conv1D", {"filters": 4, "kernel_size": 2, "groups": 2}, ((2, 7, 6),), 2 * 3),
    ("DepthwiseConv1D", {"kernel_size": 3}, (SEQUENCE,), 3),
    ("DepthwiseConv1D", {"kernel_size": 1}, (SEQUENCE,), 1),
    # a stride of 2 meets every other one of 5 taps: 3 at most
    ("Conv1DTranspose", {"filters": 3, "kernel_size": 5, "strides": 2}, (SEQUENCE,), 3 * 5),
    ("Conv1DTranspose", {"filters": 3, "kernel_size": 1}, (SEQUENCE,), 5),
    ("AveragePooling1D", {"pool_size": 3}, (SEQUENCE,), 3),
    ("AveragePooling2D", {"pool_size": [2, 3]}, ((2, 7, 8, 5),), 2 * 3),
    ("MaxPooling1D", {"pool_size": 3}, (SEQUENCE,), 1),
    ("GlobalAveragePooling1D", {}, (SEQUENCE,), 7),
    ("GlobalAveragePooling1D", {"data_format": "channels_first"}, (SEQUENCE,), 5),
    ("GlobalMaxPooling1D", {}, (SEQUENCE,), 1),
    ("LayerNormalization", {}, (SEQUENCE,), 5),
    ("LayerNormalization", {"axis": [1, 2]}, (SEQUENCE,), 7 * 5),
    ("RMSNormalization", {}, (SEQUENCE,), 5),
    ("UnitNormalization", {"axis": 1}, (SEQUENCE,), 7),
    ("GroupNormalization", {"groups": 3}, ((2, 7, 6),), 7 * 2),
    ("BatchNormalization", {}, (SEQUENCE,), 2 * 7),
    ("SimpleRNN", {"units": 4}, (SEQUENCE,), 5 + 4 + 7),
    ("GRU", {"units": 4}, (SEQUENCE,), 5 + 4 + 7),
    ("LSTM", {"units": 4}, (SEQUENCE,), 5 + 4 + 7),
    # the state that comes after the sequence has no steps
    ("GRU", {"units": 4}, (SEQUENCE, (2, 4)), 5 + 4 + 7),
    ("Bidirectional", {"layer": {"type": "GRU", "units": 4}}, (SEQUENCE,), 5 + 4 + 7),
    ("TimeDistributed", {"layer": {"type": "Dense", "units": 4}}, (SEQUENCE,), 5),
    ("Attention", {}, ([(2, 3, 4), (2, 7, 4)],), 7),
    ("Attention", {}, ([(2, 3, 9), (2, 7, 9)],), 9),
    ("AdditiveAttention", {}, ([(2, 3, 4), (2, 7, 4)],), 7),
    ("AdditiveAttention", {}, ([(2, 3, 9), (2, 7, 9)],), 9),
    ("MultiHeadAttention", {"num_heads": 2, "key_dim": 3}, ((2, 4, 8), (2, 6, 8)), 8),
    ("MultiHeadAttention", {"num_heads": 2, "key_dim": 3}, ((2, 4, 8), (2, 11, 8)), 11),
    ("MultiHeadAttention", {"num_heads": 5, "key_dim": 3}, ((2, 4, 8), (2, 6, 8)), 5 * 3),
    ("Softmax", {"axis": [1, 2]}, (SEQUENCE,), 7 * 5),
    ("Dot", {"axes": [2, 1]}, ([(2, 3, 5), (2, 5, 4)],), 5),
    ("Add", {}, ([SEQUENCE, SEQUENCE, SEQUENCE],), 3),
    ("Concatenate", {}, ([SEQUENCE, SEQUENCE],), 1),
    ("MeanSquaredError", {}, ((2, 3), (2, 3)), 2 * 3),
    ("Embedding", {"input_dim": 9, "output_dim": 4}, ((2, 7),), 1),
    ("PReLU", {}, (SEQUENCE,), 1),
    ("Flatten", {}, (SEQUENCE,), 1),
    ("Activation", {"activation": "tanh"}, (SEQUENCE,), 1),
]


@pytest.mark.parametrize(("kind", "config", "shapes", "terms"), COUNTED)
def test_the_terms_of_the_longest_sum(kind: str, config: dict[str, Any], shapes: tuple[Any, ...], terms: int) -> None:
    layer = make(kind, config)
    assert layer.longest_sum(layer.weights(*shapes), *shapes) == terms


@pytest.mark.parametrize(("kind", "config"), [(kind, config) for kind, config, *_ in COUNTED])
def test_an_argument_that_is_left_out_may_be_written(kind: str, config: dict[str, Any]) -> None:
    layer = make(kind, config)
    assert make(kind, full_config(layer)) == layer
