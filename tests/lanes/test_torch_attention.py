"""Attention and BERT in torch (and BERT in transformers) against the reference, over grids of options."""

from __future__ import annotations

import itertools
from typing import Any

import numpy
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from conformance.lanes.torch import attention, encoder  # noqa: E402, F401  # registers the ports
from conformance.reference import attention as _attention  # noqa: E402, F401  # registers the layers
from conformance.reference import encoder as _encoder  # noqa: E402, F401  # as above
from tests.lanes.port_agreement import assert_port_agrees  # noqa: E402  # torch may be missing

RANDOM = numpy.random.default_rng(37)
QUERY, VALUE, KEY = (RANDOM.normal(size=shape) for shape in ((2, 3, 6), (2, 5, 7), (2, 5, 4)))
QUERY_MASK = numpy.array([[True, True, False], [True, False, True]])
VALUE_MASK = numpy.array([[True, False, True, True, False], [False, True, True, False, True]])
ALLOWED = RANDOM.random((2, 3, 5)) < 0.5
ALLOWED[0, 1] = False
"""With a query that may look at nothing."""


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"value_dim": 5},
        {"output_shape": 9},
        {"output_shape": [2, 4]},
        {"use_bias": False},
        {"use_gate": True, "value_dim": 3},
        {"sliding_window": 2},
    ],
)
def test_heads(config: dict[str, Any]) -> None:
    options = {"num_heads": 2, "key_dim": 4, **config}
    for args, masks, told, is_causal, with_scores in itertools.product(
        ([QUERY, VALUE], [QUERY, VALUE, KEY]),
        ({}, {"query_mask": QUERY_MASK}, {"value_mask": VALUE_MASK, "key_mask": VALUE_MASK[::-1]}),
        ({}, {"attention_mask": ALLOWED}),
        (False, True),
        (False, True),
    ):
        assert_port_agrees(
            "MultiHeadAttention",
            options,
            *args,
            mask=QUERY_MASK,
            **masks,
            **told,
            use_causal_mask=is_causal,
            return_attention_scores=with_scores,
        )


@pytest.mark.parametrize("axes", [None, 1, 2, [2], [1, 2], [-2]])
def test_heads_over_some_axes(axes: Any) -> None:
    query, value = RANDOM.normal(size=(2, 3, 5, 6)), RANDOM.normal(size=(2, 4 if axes == 1 else 3, 5, 6))
    config = {"num_heads": 2, "key_dim": 4, "attention_axes": axes}
    for with_scores in (False, True):
        assert_port_agrees("MultiHeadAttention", config, query, value, return_attention_scores=with_scores)
    if axes in (2, [2]):
        assert_port_agrees("MultiHeadAttention", config, query, value, attention_mask=RANDOM.random((2, 5, 5)) < 0.5)
    if axes == [1, 2]:
        told = RANDOM.random((2, 3, 5, 3, 5)) < 0.5
        assert_port_agrees("MultiHeadAttention", config, query, value, attention_mask=told)


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("Attention", {}),
        ("Attention", {"use_scale": True}),
        ("Attention", {"score_mode": "concat"}),
        ("Attention", {"score_mode": "concat", "use_scale": True}),
        ("AdditiveAttention", {}),
        ("AdditiveAttention", {"use_scale": False}),
    ],
)
def test_sequences(kind: str, config: dict[str, Any]) -> None:
    query, value, key = QUERY, RANDOM.normal(size=(2, 5, 6)), RANDOM.normal(size=(2, 5, 6))
    for inputs, masks, is_causal, with_scores in itertools.product(
        ([query, value], [query, value, key]),
        (None, [QUERY_MASK, None], [None, VALUE_MASK], [QUERY_MASK, VALUE_MASK]),
        (False, True),
        (False, True),
    ):
        mask = None if masks is None else [*masks, None][: len(inputs)]
        options = {"use_causal_mask": is_causal, "return_attention_scores": with_scores}
        assert_port_agrees(kind, config, inputs, mask=mask, **options)


CONFIG = {
    "vocab_size": 11,
    "hidden_size": 6,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 8,
    "max_position_embeddings": 7,
    "type_vocab_size": 3,
}
IDS = RANDOM.integers(0, 11, size=(2, 5))
ENCODINGS: list[dict[str, Any]] = [
    {},
    {"attention_mask": numpy.array([[1, 1, 1, 0, 0], [1, 0, 1, 1, 1]])},
    {"token_type_ids": RANDOM.integers(0, 3, size=(2, 5)), "position_ids": RANDOM.integers(0, 7, size=(2, 5))},
]


@pytest.mark.parametrize("given", ENCODINGS)
@pytest.mark.parametrize("act", ["gelu", "relu", "silu"])
def test_bert(act: str, given: dict[str, Any]) -> None:
    assert_port_agrees("BertModel", {**CONFIG, "hidden_act": act, "layer_norm_eps": 1e-5}, IDS, **given)


@pytest.mark.parametrize("given", ENCODINGS)
@pytest.mark.parametrize("act", ["gelu", "relu", "silu"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # of the library's own imports
def test_the_bert_of_transformers(act: str, given: dict[str, Any]) -> None:
    pytest.importorskip("transformers")
    from conformance.lanes.torch.transformers_bert import OVERRIDES

    config = {**CONFIG, "hidden_act": act, "layer_norm_eps": 1e-5}
    assert_port_agrees("BertModel", config, IDS, port=OVERRIDES["BertModel"], **given)
