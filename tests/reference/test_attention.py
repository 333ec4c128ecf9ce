"""Attention against softmaxes that can be written down: scores of 0 and log 3 share a weight of 1 as 1/4 and 3/4."""

from __future__ import annotations

import math
from typing import Any

import autograd.numpy as np
import numpy
import pytest

from conformance.reference.attention import AdditiveAttention, Attention, causal, dropped, masked_softmax
from conformance.reference.base import LayerError, make
from conformance.reference.multi_head_attention import MultiHeadAttention, band
from tests.reference.helpers import assert_gradient_matches_finite_difference, is_seen, run, weights_of

LOG3 = math.log(3.0)
RANDOM = numpy.random.default_rng(7)
QUERY, VALUE, KEY = (RANDOM.normal(size=shape) for shape in ((2, 3, 4), (2, 5, 4), (2, 5, 4)))
QUERY_MASK = numpy.array([[True, True, False], [True, False, True]])
VALUE_MASK = numpy.array([[True, False, True, True, False], [False, True, True, False, True]])


def test_a_softmax_among_the_allowed() -> None:
    scores = numpy.array([[0.0, LOG3, 50.0], [0.0, LOG3, 50.0]])
    allowed = numpy.array([[True, True, False], [False, False, False]])
    third = 1.0 / 3.0
    numpy.testing.assert_allclose(masked_softmax(scores, allowed), [[0.25, 0.75, 0], [third] * 3], rtol=1e-15)
    numpy.testing.assert_allclose(masked_softmax(scores, allowed, "zero"), [[0.25, 0.75, 0], [0] * 3], rtol=1e-15)


def test_what_causal_and_window_masks_allow() -> None:
    assert causal(3, 2).tolist() == [[True, False], [True, True], [True, True]]
    assert band(3, 3, 1).tolist() == np.eye(3, dtype=bool).tolist()
    assert band(2, 4, 2).tolist() == [[True, True, False, False], [True, True, True, False]]


def test_dropout_keeps_the_mean() -> None:
    weights = dropped(numpy.ones(40_000), 0.25, numpy.random.default_rng(0))
    assert set(weights) == {0.0, 1 / 0.75}
    assert abs(numpy.mean(weights) - 1.0) < 0.02
    assert dropped(weights, 0.0, numpy.random.default_rng(0)) is weights


def test_attention_is_not_scaled() -> None:
    """By hand: the scores are 0 and log 3, so the answer is 1/4 of the first value and 3/4 of the second."""
    query, key = numpy.array([[[1.0, 0.0, 0.0, 0.0]]]), numpy.array([[[0.0] * 4, [LOG3, 0.0, 0.0, 0.0]]])
    value = numpy.array([[[4.0, 0.0, 0.0, 8.0], [0.0, 4.0, 0.0, 8.0]]])
    mean, shares = run(Attention(), [query, value, key], return_attention_scores=True)
    numpy.testing.assert_allclose(mean, [[[1.0, 3.0, 0.0, 8.0]]], rtol=1e-15)
    numpy.testing.assert_allclose(shares, [[[0.25, 0.75]]], rtol=1e-15)


def test_attention_scores_by_tanh() -> None:
    """By hand: tanh(a) + tanh(-a) = 0 against twice tanh(LOG3) = 2 (9 - 1) / (9 + 1) = 1.6, weighted by LOG3 / 1.6."""
    query, key = numpy.zeros((1, 1, 2)), numpy.array([[[0.7, -0.7], [LOG3, LOG3]]])
    value = numpy.array([[[4.0, 0.0], [0.0, 4.0]]])
    weights = {"concat_score_weight": numpy.array(LOG3 / 1.6)}
    mean = run(Attention(score_mode="concat"), [query, value, key], weights=weights)
    numpy.testing.assert_allclose(mean, [[[1.0, 3.0]]], rtol=1e-15)
    scale = {"scale": numpy.array([LOG3 / 1.6] * 2)}
    numpy.testing.assert_allclose(run(AdditiveAttention(), [query, value, key], weights=scale), [[[1, 3]]], rtol=1e-15)


def test_attention_masks() -> None:
    """By hand: equal scores, so the answer is the mean of the values allowed; a masked query gives 0."""
    query, value = numpy.zeros((1, 3, 1)), numpy.array([[[1.0], [2.0], [6.0]]])
    mask = [numpy.array([[True, True, False]]), numpy.array([[True, False, True]])]
    assert run(Attention(), [query, value], mask=mask).tolist() == [[[3.5], [3.5], [0.0]]]
    assert run(Attention(), [query, value], use_causal_mask=True).tolist() == [[[1.0], [1.5], [3.0]]]
    both = run(Attention(), [query, value], mask=mask, use_causal_mask=True)
    assert both.tolist() == [[[1.0], [1.0], [0.0]]]
    assert Attention().compute_mask([query, value], mask) is mask[0]
    assert AdditiveAttention().compute_mask([query, value], None) is None


def test_one_head_by_hand() -> None:
    """Identity projections; scores over sqrt(key_dim) = 2 are 0 and log 3; the output adds 10 and doubles."""
    layer = MultiHeadAttention(num_heads=1, key_dim=4)
    eye = numpy.eye(4)[:, None, :]
    weights = {f"{name}.kernel": eye for name in ("query", "key", "value")}
    weights |= {f"{name}.bias": numpy.zeros((1, 4)) for name in ("query", "key", "value")}
    weights |= {"attention_output.kernel": 2 * numpy.eye(4)[None], "attention_output.bias": numpy.full(4, 10.0)}
    query, key = numpy.array([[[2.0, 0.0, 0.0, 0.0]]]), numpy.array([[[0.0] * 4, [LOG3, 0.0, 0.0, 0.0]]])
    value = numpy.array([[[4.0, 0.0, 0.0, 8.0], [0.0, 4.0, 0.0, 8.0]]])
    output, shares = run(layer, query, value, key, weights=weights, return_attention_scores=True)
    numpy.testing.assert_allclose(shares, [[[[0.25, 0.75]]]], rtol=1e-15)
    numpy.testing.assert_allclose(output, [[[12.0, 16.0, 10.0, 26.0]]], rtol=1e-15)


def test_heads_are_attentions_of_their_own() -> None:
    """Vaswani et al. 2017, section 3.2.2: head_i = softmax(Q_i K_i / sqrt(key_dim)) V_i, then concat times W_O."""
    layer = MultiHeadAttention(num_heads=2, key_dim=3, value_dim=5)
    w = weights_of(layer, QUERY.shape, VALUE.shape, KEY.shape)
    heads = []
    for head in range(2):
        q, k, v = (
            x @ w[f"{name}.kernel"][:, head] + w[f"{name}.bias"][head]
            for name, x in (("query", QUERY), ("key", KEY), ("value", VALUE))
        )
        powers = numpy.exp(q @ k.transpose(0, 2, 1) / math.sqrt(3))
        heads.append(powers / powers.sum(axis=-1, keepdims=True) @ v)
    out = w["attention_output.kernel"].reshape(10, 4)
    expected = numpy.concatenate(heads, axis=-1) @ out + w["attention_output.bias"]
    numpy.testing.assert_allclose(run(layer, QUERY, VALUE, KEY, weights=w), expected, rtol=1e-12)


def test_weights_in_the_layout_of_keras() -> None:
    """Documentation of `keras.layers.MultiHeadAttention`: (features, heads, size), output (heads, size, features)."""
    layer = MultiHeadAttention(num_heads=2, key_dim=3, value_dim=5, output_shape=(6, 7), use_gate=True)
    assert {name: w.shape for name, w in layer.weights((1, 8, 10), (1, 9, 11), (1, 9, 12)).items()} == {
        "query.kernel": (10, 2, 3),
        "query.bias": (2, 3),
        "key.kernel": (12, 2, 3),
        "key.bias": (2, 3),
        "gate.kernel": (10, 2, 5),
        "gate.bias": (2, 5),
        "value.kernel": (11, 2, 5),
        "value.bias": (2, 5),
        "attention_output.kernel": (2, 5, 6, 7),
        "attention_output.bias": (6, 7),
    }
    bare = MultiHeadAttention(num_heads=2, key_dim=3, use_bias=False)
    assert list(bare.weights((1, 8, 10), (1, 9, 11))) == [
        "query.kernel",
        "key.kernel",
        "value.kernel",
        "attention_output.kernel",
    ]


def test_attention_over_one_axis_of_several_is_attention_on_each_slice() -> None:
    x = RANDOM.normal(size=(2, 3, 4, 6))
    plain, axis = (MultiHeadAttention(num_heads=2, key_dim=3, attention_axes=axes) for axes in (None, (2,)))
    w = weights_of(plain, (2, 4, 6), (2, 4, 6))
    whole, scores = run(axis, x, x, weights=w, return_attention_scores=True)
    for row in range(3):
        part, shares = run(plain, x[:, row], x[:, row], weights=w, return_attention_scores=True)
        numpy.testing.assert_allclose(whole[:, row], part, rtol=1e-12)
        numpy.testing.assert_allclose(scores[:, row], shares, rtol=1e-12)
    both, scores = run(plain, x, x, weights=w, return_attention_scores=True)
    flat = run(plain, x.reshape(2, 12, 6), x.reshape(2, 12, 6), weights=w)
    numpy.testing.assert_allclose(both.reshape(2, 12, 6), flat, rtol=1e-12)
    assert scores.shape == (2, 2, 3, 4, 3, 4)


def test_a_gate_multiplies_the_heads() -> None:
    """With a gate of sigmoid(0) = 1/2 the output, without its bias, is half of the ungated one."""
    plain, gated = (MultiHeadAttention(num_heads=2, key_dim=3, use_gate=gate, use_bias=False) for gate in (False, True))
    w = weights_of(gated, QUERY.shape, VALUE.shape) | {"gate.kernel": numpy.zeros((4, 2, 3))}
    numpy.testing.assert_allclose(
        run(gated, QUERY, VALUE, weights=w), run(plain, QUERY, VALUE, weights=w) / 2, rtol=1e-12
    )


def test_masks_are_as_if_the_masked_were_not_there() -> None:
    layer = MultiHeadAttention(num_heads=2, key_dim=3)
    w = weights_of(layer, QUERY.shape, VALUE.shape)
    masked = run(layer, QUERY, VALUE, weights=w, value_mask=VALUE_MASK)
    for sample in range(2):
        left = VALUE[sample : sample + 1, VALUE_MASK[sample]]
        numpy.testing.assert_allclose(masked[sample], run(layer, QUERY[[sample]], left, weights=w)[0], rtol=1e-12)
    told = run(layer, QUERY, VALUE, weights=w, attention_mask=numpy.broadcast_to(VALUE_MASK[:, None], (2, 3, 5)))
    numpy.testing.assert_allclose(told, masked, rtol=1e-12)
    assert layer.compute_mask(QUERY, QUERY_MASK) is QUERY_MASK


def test_a_causal_query_does_not_depend_on_what_follows() -> None:
    layer = MultiHeadAttention(num_heads=2, key_dim=3)
    w = weights_of(layer, VALUE.shape, VALUE.shape)
    whole = run(layer, VALUE, VALUE, weights=w, use_causal_mask=True)
    start = run(layer, VALUE[:, :3], VALUE[:, :3], weights=w, use_causal_mask=True)
    numpy.testing.assert_allclose(whole[:, :3], start, rtol=1e-12)
    windowed = run(MultiHeadAttention(num_heads=2, key_dim=3, sliding_window=5), VALUE, VALUE, weights=w)
    numpy.testing.assert_allclose(windowed, run(layer, VALUE, VALUE, weights=w), rtol=1e-12)


def test_a_query_with_nothing_to_look_at() -> None:
    """The mean of the values, or, where scores are asked for, weights of 0 and so the bias of the output alone."""
    layer = MultiHeadAttention(num_heads=2, key_dim=3)
    w = weights_of(layer, QUERY.shape, VALUE.shape)
    nothing = numpy.zeros((2, 3, 5), bool)
    mean = numpy.repeat(VALUE.mean(axis=1, keepdims=True), 5, axis=1)
    numpy.testing.assert_allclose(
        run(layer, QUERY, VALUE, weights=w, attention_mask=nothing), run(layer, QUERY, mean, weights=w), rtol=1e-12
    )
    output, shares = run(layer, QUERY, VALUE, weights=w, attention_mask=nothing, return_attention_scores=True)
    assert not shares.any()
    assert output.tolist() == numpy.broadcast_to(w["attention_output.bias"], (2, 3, 4)).tolist()


@pytest.mark.parametrize(
    ("layer", "args", "message"),
    [
        (Attention(), (QUERY,), "takes a list"),
        (AdditiveAttention(), ([QUERY],), "takes a list"),
        (AdditiveAttention(), (QUERY,), "takes a list"),
        (MultiHeadAttention(num_heads=2, key_dim=3), (QUERY, VALUE, KEY[:, :4]), "differ in more than"),
        (MultiHeadAttention(num_heads=0, key_dim=3), (QUERY, VALUE), "count from 1"),
    ],
)
def test_what_cannot_attend(layer: Any, args: Any, message: str) -> None:
    weights: dict[str, Any] = {}
    with pytest.raises(LayerError, match=message):
        run(layer, *args, weights=weights)


def test_what_the_report_says_of_a_shape() -> None:
    layer = MultiHeadAttention(num_heads=2, key_dim=3, value_dim=5)
    shapes = [(2, 3, 4), (2, 7, 6)]
    assert layer.rule(*shapes) == ("2 heads, 3 queries x 7 keys of size 3, values of size 5; projected from 10 to 4")
    assert layer.longest_sum(layer.weights(*shapes), *shapes) == 10
    assert Attention().longest_sum({}, shapes) == 7


@pytest.mark.parametrize(
    "config",
    [{}, {"value_dim": 2, "use_gate": True, "output_shape": (2, 3)}, {"sliding_window": 2, "use_bias": False}],
)
@pytest.mark.parametrize(
    "kwargs", [{"value_mask": VALUE_MASK}, {"use_causal_mask": True, "return_attention_scores": True}]
)
def test_gradients_of_heads(config: Any, kwargs: Any) -> None:
    layer = make("MultiHeadAttention", {"num_heads": 2, "key_dim": 3, **config})
    assert_gradient_matches_finite_difference(layer, QUERY, VALUE, KEY, **kwargs)


@pytest.mark.parametrize(
    "layer", [Attention(use_scale=True), Attention(score_mode="concat", use_scale=True), AdditiveAttention()]
)
def test_gradients_of_sequences(layer: Any) -> None:
    assert_gradient_matches_finite_difference(layer, [QUERY, VALUE, KEY], mask=[QUERY_MASK, VALUE_MASK, None])


HEADS = {
    "ignores_padding": {"value_mask": VALUE_MASK},
    "not_causal": {"use_causal_mask": True},
    "causal_without_itself": {"use_causal_mask": True},
    "mask_as_bias": {"attention_mask": RANDOM.random((2, 3, 5)) < 0.6},
    "ignores_attention_mask": {"attention_mask": RANDOM.random((2, 3, 5)) < 0.6},
    "blocks_true": {"attention_mask": RANDOM.random((2, 3, 5)) < 0.6},
    "mean_scores": {"return_attention_scores": True},
    "mask_lost": {"mask": QUERY_MASK},
}


@pytest.mark.parametrize("name", [mutant.name for mutant in MultiHeadAttention.mutants])
def test_mutants_of_heads_are_seen(name: str) -> None:
    if name == "value_mask_along_queries":  # of as many values as queries
        assert is_seen(MultiHeadAttention(num_heads=2, key_dim=3), name, QUERY, QUERY, value_mask=VALUE_MASK[:, :3])
        return
    assert is_seen(MultiHeadAttention(num_heads=2, key_dim=3), name, QUERY, VALUE, KEY, **HEADS.get(name, {}))


@pytest.mark.parametrize(
    ("layer", "name"),
    [(kind(), mutant.name) for kind in (Attention, AdditiveAttention) for mutant in kind.mutants],
)
def test_mutants_of_sequences_are_seen(layer: Any, name: str) -> None:
    is_causal = name == "not_causal"
    mask = None if is_causal else [QUERY_MASK, VALUE_MASK, None]
    assert is_seen(layer, name, [QUERY, VALUE, KEY], mask=mask, use_causal_mask=is_causal)
