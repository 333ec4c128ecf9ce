"""Grouped-query attention: against multi-head attention where they are the same, and by hand where heads are shared."""

from __future__ import annotations

import numpy
import pytest

from conformance.reference.base import LayerError, make
from conformance.reference.grouped_query_attention import GroupQueryAttention
from conformance.reference.multi_head_attention import MultiHeadAttention
from tests.reference.helpers import assert_gradient_matches_finite_difference, is_seen, run, weights_of

RANDOM = numpy.random.default_rng(0)
Q, V = RANDOM.normal(size=(2, 4, 3)), RANDOM.normal(size=(2, 5, 3))


def test_it_is_multi_head_attention_with_as_many_heads() -> None:
    """Ainslie et al. (2023), section 2.2: GQA-H is multi-head attention."""
    grouped = GroupQueryAttention(head_dim=2, num_query_heads=3, num_key_value_heads=3)
    weights = weights_of(grouped, Q.shape, V.shape)
    assert run(grouped, Q, V, weights=weights) == pytest.approx(
        run(MultiHeadAttention(num_heads=3, key_dim=2), Q, V, weights=weights)
    )


def test_neighbouring_heads_share() -> None:
    """Heads 0, 1 of the queries look at head 0 of the keys, heads 2, 3 at head 1: as if it were there twice."""
    grouped = GroupQueryAttention(head_dim=2, num_query_heads=4, num_key_value_heads=2)
    weights = weights_of(grouped, Q.shape, V.shape)
    wide = {name: w[..., [0, 0, 1, 1], :] if name[:3] in ("key", "val") else w for name, w in weights.items()}
    given = run(grouped, Q, V, weights=weights, return_attention_scores=True)
    wanted = run(MultiHeadAttention(num_heads=4, key_dim=2), Q, V, weights=wide, return_attention_scores=True)
    assert given[0] == pytest.approx(wanted[0])
    assert given[1] == pytest.approx(wanted[1])


def test_a_window_of_one_sees_itself() -> None:
    layer = GroupQueryAttention(head_dim=2, num_query_heads=2, num_key_value_heads=1, sliding_window=1)
    scores = run(layer, Q, Q, return_attention_scores=True)[1]
    assert scores.tolist() == [[numpy.eye(4).tolist()] * 2] * 2


def test_a_query_with_nothing_to_look_at() -> None:
    """The mean of the values on the fused path, zeros where scores are asked for: as in multi-head attention."""
    layer = GroupQueryAttention(head_dim=2, num_query_heads=2, num_key_value_heads=1)
    nothing = numpy.zeros((2, 4, 5), bool)
    assert run(layer, Q, V, attention_mask=nothing)[0] == pytest.approx(run(layer, 0 * Q, V, weights=_even(layer))[0])
    assert not run(layer, Q, V, attention_mask=nothing, return_attention_scores=True)[1].any()


def _even(layer: GroupQueryAttention) -> dict[str, numpy.ndarray]:
    weights = weights_of(layer, Q.shape, V.shape)
    return {name: 0 * w if name.startswith("query") else w for name, w in weights.items()}


def test_what_cannot_be() -> None:
    with pytest.raises(LayerError, match="cannot share"):
        make("GroupQueryAttention", {"head_dim": 2, "num_query_heads": 3, "num_key_value_heads": 2})
    layer = GroupQueryAttention(head_dim=2, num_query_heads=2, num_key_value_heads=1)
    with pytest.raises(LayerError, match="as many features"):
        run(layer, Q, V[..., :2])
    with pytest.raises(LayerError, match="batch, steps, features"):
        run(layer, Q[None], Q[None])


def test_gradients() -> None:
    layer = GroupQueryAttention(head_dim=2, num_query_heads=4, num_key_value_heads=2, use_gate=True)
    assert_gradient_matches_finite_difference(layer, Q, V)


def test_mutants_are_seen() -> None:
    layer = GroupQueryAttention(head_dim=2, num_query_heads=4, num_key_value_heads=2, use_gate=True, sliding_window=2)
    real = numpy.array([[True, False, True, True], [True, True, True, False]])
    options = {
        "ignores_padding": {"value_mask": real},
        "not_causal": {"use_causal_mask": True},
        "ignores_attention_mask": {"attention_mask": real[:, None, :]},
        "blocks_true": {"attention_mask": real[:, None, :]},
        "mask_lost": {"mask": real},
    }
    weights = weights_of(layer, Q.shape, Q.shape)
    unseen = [
        mutant.name
        for mutant in GroupQueryAttention.mutants
        if not is_seen(layer, mutant.name, Q, Q, weights=weights, **options.get(mutant.name, {}))
    ]
    assert unseen == []
