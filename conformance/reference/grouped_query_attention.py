"""Grouped-query attention: several heads of queries share one of keys and values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import autograd.numpy as np
import numpy

from .activations import sigmoid
from .attention import attention_axes, check_share, dropped, masked_softmax, without
from .base import NO_MASK, Array, Layer, LayerError, Mutant, Shape, Weight, Weights, arg
from .multi_head_attention import all_allowed, fans_of_heads, mask_of_scores, projected, projections, with_heads
from .traits import Axes, asked, composed


class GroupQueryAttention(Layer):
    """softmax(q k / sqrt(head_dim)) v for every head of queries, each with the keys and values of its group.

    query: (batch, T, features), value: (batch, S, features), key: (batch, S, features), as positional arguments;
    without a key the value is the key. Returns (batch, T, features), and the weights (batch,
    num_query_heads, T, S) with `return_attention_scores`. Head h of the queries looks at head floor(h kv / q) of keys
    and values, so that neighbours share: Ainslie et al., "GQA", 2023, section 2.2 and figure 2. Masks, the sliding
    window (|i - j| < sliding_window) and a query with nothing to look at are as in MultiHeadAttention, which it is with
    as many heads of keys as of queries. `use_gate` multiplies each head's mean by a sigmoid of a projected query.
    """

    without_activity_regularizer = "Keras gives it to the projections inside"
    arithmetic = "rounds"
    native = composed(
        "F.scaled_dot_product_attention(q, k, v, enable_gqa=True)",
        reason="torch projects nothing there; nn.MultiheadAttention knows no groups",
    )
    example = asked("GroupQueryAttention(4, 6, 2)", "5,3", "7,3")
    positional = ("head_dim", "num_query_heads", "num_key_value_heads")

    head_dim: int = arg("size of each head", at_least=1)
    num_query_heads: int = arg("number of heads of queries", at_least=1)
    num_key_value_heads: int = arg("number of heads of keys and values, which divides that of queries", at_least=1)
    dropout: float = arg("share of the attention weights dropped in training", default=0.0, at_least=0)
    use_bias: bool = arg("whether the projections have biases", default=True)
    sliding_window: int | None = arg("a query sees keys less than this far away", default=None, at_least=1)
    use_gate: bool = arg("multiply each head's output by a sigmoid of the query", default=False)

    keras_only = (
        "flash_attention",
        "kernel_initializer",
        "bias_initializer",
        "kernel_regularizer",
        "bias_regularizer",
        "kernel_constraint",
        "bias_constraint",
        "seed",
    )
    supports_masking = True

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        return attention_axes(name, rank) or super().axis_words(config, name, rank)

    def check(self) -> None:
        if min(self.head_dim, self.num_query_heads, self.num_key_value_heads) < 1:
            raise LayerError("head_dim and the numbers of heads count from 1")
        check_share(self.dropout)
        if self.num_query_heads % self.num_key_value_heads:
            raise LayerError(f"{self.num_query_heads} heads of queries cannot share {self.num_key_value_heads} of keys")

    def fan_axes(self, key: str, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
        return fans_of_heads(key, rank)

    def weights(self, query: Shape, value: Shape, key: Shape | None = None) -> Mapping[str, Weight]:
        if any(len(shape) != 3 for shape in (query, value, key or value)):
            raise LayerError("takes (batch, steps, features)")
        if query[-1] != value[-1]:
            raise LayerError(f"query and value have as many features, not {query[-1]} and {value[-1]}")
        heads = {name: (count, self.head_dim) for name, count in self.heads_of.items()}
        return projections(heads, (query, value, key), query[-1:], self.use_bias)

    @property
    def heads_of(self) -> dict[str, int]:
        """The projections that make heads, in Keras' order, each with the number of heads."""
        queries, keys = self.num_query_heads, self.num_key_value_heads
        return {"query": queries, "key": keys, **({"gate": queries} if self.use_gate else {}), "value": keys}

    def call(
        self,
        w: Weights,
        query: Array,
        value: Array,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        key = value if key is None else key
        if any(np.ndim(x) != 3 for x in (query, value, key)) or np.shape(key)[:2] != np.shape(value)[:2]:
            raise LayerError("takes (batch, steps, features), with as many keys as values")
        q = projected(w, "query", query)
        k, v = (self.shared(projected(w, name, x)) for name, x in (("key", key), ("value", value)))
        scores = np.einsum("btnh,bsnh->bnts", q, k) * self.scale()
        length, width = np.shape(scores)[-2:]
        masks = (query_mask, value_mask, key_mask)
        allowed = all_allowed(length, width, masks, attention_mask, use_causal_mask, self.sliding_window)
        is_fused = self.dropout == 0 and not return_attention_scores
        shares = masked_softmax(scores, with_heads(allowed, 4), "even" if is_fused else "zero")
        mixed = np.einsum("bnts,bsnv->btnv", dropped(shares, self.dropout if training else 0, w.random), v)
        if self.use_gate:
            mixed = mixed * sigmoid(projected(w, "gate", query))
        output = projected(w, "attention_output", mixed, 2)
        return [output, shares] if return_attention_scores else output

    def output_masks(self, first: Any, first_mask: Any, args: Any, kwargs: Mapping[str, Any]) -> Any:
        """As in MultiHeadAttention: the query's mask, and of scores what their softmax left out."""
        mask = self.compute_mask(first, first_mask)
        if not kwargs.get("return_attention_scores"):
            return mask
        given = {**dict(zip(("query", "value", "key"), args, strict=False)), **kwargs}
        masks = [given.get(f"{name}_mask") for name in ("query", "value", "key")]
        pairs, causal_too = given.get("attention_mask"), bool(given.get("use_causal_mask"))
        lengths = np.shape(given["query"])[1], np.shape(given["value"])[1]
        return [mask, mask_of_scores(all_allowed(*lengths, masks, pairs, causal_too, self.sliding_window))]

    def scale(self) -> float:
        return 1 / math.sqrt(self.head_dim)

    def shared(self, heads: Array) -> Array:
        """(batch, S, heads of keys, size) to (batch, S, heads of queries, size): once for each of a group."""
        return np.repeat(heads, self.num_query_heads // self.num_key_value_heads, axis=2)

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        features = [weights[f"{name}.kernel"].shape[0] for name in self.heads_of]
        return max(*map(int, features), self.head_dim, int(shapes[1][1]), self.num_query_heads * self.head_dim)

    def rule(self, *shapes: Any) -> str:
        group = self.num_query_heads // self.num_key_value_heads
        return f"{self.num_query_heads} heads of queries, {group} for each of {self.num_key_value_heads} of keys"

    mutants = (
        Mutant(
            "heads_in_turns",
            "deals the heads of queries out to those of keys one by one, not neighbours",
            methods={
                "shared": lambda layer, heads: np.concatenate(
                    [heads] * (layer.num_query_heads // layer.num_key_value_heads), axis=2
                )
            },
        ),
        Mutant(
            "first_head_only",
            "gives all queries the first head of keys and values, as multi-query attention does",
            methods={"shared": lambda layer, heads: np.repeat(heads[:, :, :1], layer.num_query_heads, axis=2)},
        ),
        Mutant("not_scaled", "forgets 1 / sqrt(head_dim)", methods={"scale": lambda layer: 1.0}),
        Mutant(
            "scale_of_all_heads",
            "divides by the root of the size of all heads of queries",
            methods={"scale": lambda layer: 1 / math.sqrt(layer.head_dim * layer.num_query_heads)},
        ),
        Mutant("ignores_padding", "lets queries look at padding", inputs=without("value_mask", "key_mask")),
        Mutant("not_causal", "lets queries look ahead", inputs=without("use_causal_mask")),
        Mutant("ignores_attention_mask", "overlooks attention_mask", inputs=without("attention_mask")),
        Mutant(
            "blocks_true",
            "reads attention_mask as torch.nn.MultiheadAttention does",
            inputs=lambda layer, args, kw: (
                args,
                {k: numpy.logical_not(v) if k == "attention_mask" and v is not None else v for k, v in kw.items()},
            ),
        ),
        Mutant("no_gate", "overlooks the gate", config=lambda layer: {"use_gate": False}),
        Mutant("no_window", "overlooks the sliding window", config=lambda layer: {"sliding_window": None}),
        Mutant("mask_lost", "ends the query's mask", mask=lambda layer, mask, given: NO_MASK),
    )
