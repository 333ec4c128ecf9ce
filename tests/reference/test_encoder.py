"""BERT's encoder: the embeddings and the pooler written out, a layer against the same steps in plain NumPy."""

from __future__ import annotations

import math
from typing import Any

import autograd
import autograd.numpy as np
import numpy
import pytest

from conformance.reference.base import LayerError, Weights, make
from conformance.reference.encoder import BertModel
from tests.reference.helpers import assert_gradient_matches_finite_difference, is_seen, run, weights_of

CONFIG = {
    "vocab_size": 11,
    "hidden_size": 6,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 8,
    "max_position_embeddings": 7,
    "type_vocab_size": 3,
}
IDS = numpy.array([[3, 1, 4, 1, 5], [9, 2, 6, 5, 3]])
SEGMENTS = numpy.array([[0, 0, 1, 1, 2], [0, 1, 1, 1, 2]])
MASK = numpy.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
LAYER: Any = make("BertModel", CONFIG)
W = weights_of(LAYER, IDS.shape)


def normal(x: Any, name: str) -> Any:
    """Layer normalisation in two steps: standard scores, then gamma and beta."""
    scores = (x - x.mean(-1, keepdims=True)) / numpy.sqrt(x.var(-1, keepdims=True) + 1e-12)
    return scores * W[f"{name}.gamma"] + W[f"{name}.beta"]


def test_the_first_hidden_state_is_the_normalised_sum_of_three_embeddings() -> None:
    hidden = run(LAYER, IDS, weights=W, token_type_ids=SEGMENTS)[2]
    total = numpy.zeros((2, 5, 6))
    for sample in range(2):
        for step in range(5):
            total[sample, step] = (
                W["word.embeddings"][IDS[sample, step]]
                + W["position.embeddings"][step]
                + W["segment.embeddings"][SEGMENTS[sample, step]]
            )
    numpy.testing.assert_allclose(hidden, normal(total, "norm"), rtol=1e-12)


def test_what_it_returns() -> None:
    """1 + layers hidden states; the last is last_hidden_state; the pooler is tanh(W h[first token] + b)."""
    last, pooled, *hidden = run(LAYER, IDS, weights=W)
    assert len(hidden) == 3
    assert hidden[-1] is last
    assert not numpy.allclose(hidden[0], hidden[1], atol=0.1)
    numpy.testing.assert_allclose(numpy.arctanh(pooled), last[:, 0] @ W["pooler.kernel"] + W["pooler.bias"], rtol=1e-10)


def test_a_layer_step_by_step() -> None:
    """Vaswani et al. 2017, section 3.1: norm(x + attention(x)), then norm(x + dense(gelu(dense(x))))."""
    _, _, x, expected, _ = run(LAYER, IDS, weights=W, attention_mask=MASK)
    mixed = []
    for head in range(2):
        q, k, v = (
            x @ W[f"layer_0.attention.{name}.kernel"][:, head] + W[f"layer_0.attention.{name}.bias"][head]
            for name in ("query", "key", "value")
        )
        powers = numpy.exp(q @ k.transpose(0, 2, 1) / math.sqrt(3)) * MASK[:, None, :]
        mixed.append(powers / powers.sum(-1, keepdims=True) @ v)
    out = W["layer_0.attention.attention_output.kernel"].reshape(6, 6)
    attended = numpy.concatenate(mixed, -1) @ out + W["layer_0.attention.attention_output.bias"]
    x = normal(x + attended, "layer_0.attention_norm")
    wide = x @ W["layer_0.intermediate.kernel"] + W["layer_0.intermediate.bias"]
    gelu = wide * numpy.vectorize(lambda z: 0.5 * (1 + math.erf(z / math.sqrt(2))))(wide)
    narrow = gelu @ W["layer_0.output.kernel"] + W["layer_0.output.bias"]
    numpy.testing.assert_allclose(normal(x + narrow, "layer_0.output_norm"), expected, rtol=1e-9)


def test_masked_tokens_are_seen_by_nobody() -> None:
    whole = run(LAYER, IDS, weights=W, attention_mask=MASK)[0]
    alone = run(LAYER, IDS[:1, :3], weights=W)[0]
    numpy.testing.assert_allclose(whole[0, :3], alone[0], rtol=1e-10)


def test_positions_can_be_given() -> None:
    given = run(LAYER, IDS, weights=W, position_ids=numpy.arange(5) + 2)[0]
    assert not numpy.allclose(given, run(LAYER, IDS, weights=W)[0], atol=0.1)


def test_the_number_of_weights() -> None:
    """Tables and a norm; two layers of four projections, two dense layers and two norms; the pooler 6 6 + 6."""
    embeddings = (11 + 7 + 3) * 6 + 2 * 6
    attention = 4 * (6 * 6 + 6) + 2 * 6
    dense = (6 * 8 + 8) + (8 * 6 + 6) + 2 * 6
    assert sum(math.prod(w.shape) for w in LAYER.weights((2, 5)).values()) == embeddings + 2 * (attention + dense) + 42


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"num_attention_heads": 4}, "4 heads do not divide 6"),
        ({"num_attention_heads": 0}, "0 heads do not divide 6"),
        ({"max_position_embeddings": 4}, "5 tokens, but"),
    ],
)
def test_what_cannot_be_encoded(config: Any, message: str) -> None:
    with pytest.raises(LayerError, match=message):
        run(make("BertModel", {**CONFIG, **config}), IDS)


def test_gradients() -> None:
    assert_gradient_matches_finite_difference(LAYER, IDS, weights=W, attention_mask=MASK)


@pytest.mark.parametrize("name", [mutant.name for mutant in BertModel.mutants if mutant.name != "layers_only"])
def test_mutants_are_seen(name: str) -> None:
    assert is_seen(LAYER, name, IDS, weights=W, token_type_ids=SEGMENTS, attention_mask=MASK)


def test_hidden_states_without_the_embeddings_are_one_fewer() -> None:
    (mutant,) = (mutant for mutant in BertModel.mutants if mutant.name == "layers_only")
    output = run(LAYER, IDS, weights=W)
    assert mutant.output is not None
    assert len(mutant.output(LAYER, output, [IDS])) == len(output) - 1


def test_what_the_report_says() -> None:
    assert LAYER.rule((2, 5)) == "hidden_states: 1 + 2 = 3 entries"
    assert LAYER.longest_sum({}, (2, 5)) == 8


def test_the_padding_token_learns_nothing() -> None:
    """`padding_idx` of torch.nn.Embedding, which BERT's word table has: the row is used, and gets no gradient."""

    def total(table: Any, layer: Any) -> Any:
        return np.sum(layer.call(Weights({**W, "word.embeddings": table}), IDS)[0] ** 3)

    gradient = autograd.grad(total)(W["word.embeddings"], make("BertModel", {**CONFIG, "pad_token_id": 5}))
    free = autograd.grad(total)(W["word.embeddings"], make("BertModel", {**CONFIG, "pad_token_id": None}))
    assert not gradient[5].any()
    assert free[5].any()
    numpy.testing.assert_allclose(numpy.delete(gradient, 5, 0), numpy.delete(free, 5, 0), rtol=1e-12)


def test_left_out_arguments_are_those_of_bert_base() -> None:
    """Devlin et al. (2018), section 3: L = 12, H = 768, A = 12; 4 H between; 30,522 word pieces, 512 positions."""
    layer = BertModel()
    assert (layer.num_hidden_layers, layer.hidden_size, layer.num_attention_heads) == (12, 768, 12)
    assert (layer.intermediate_size, layer.vocab_size, layer.max_position_embeddings) == (3072, 30522, 512)
    assert (layer.type_vocab_size, layer.layer_norm_eps, layer.pad_token_id) == (2, 1e-12, 0)
