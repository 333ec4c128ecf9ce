"""Attention over one sequence: scores between queries and keys, a softmax, and the mean of the values under it.

Attention: Luong et al. 2015, section 3.1 ("dot"). AdditiveAttention: Bahdanau et al. 2015, section A.1.2. A mask is
true where a query may look.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import autograd.numpy as np
import numpy

from .activations import softmax, tanh
from .base import NO_MASK, Array, Layer, LayerError, Mutant, Weight, Weights, arg
from .invariants import MEAN, Seen, weighted
from .traits import Axes, asked, called, composed


def masked_softmax(scores: Array, allowed: Any, nothing_allowed: Literal["even", "zero"] = "even") -> Array:
    """Softmax over the last axis among the allowed entries.

    A row with nothing allowed is a choice, not mathematics: `even` spreads the weight over all, `zero` gives zeros.
    """
    if allowed is None:
        return softmax(scores)
    allowed = np.logical_and(allowed, np.ones(np.shape(scores), bool))
    any_allowed = np.any(allowed, axis=-1, keepdims=True)
    closed = np.where(np.logical_and(any_allowed, np.logical_not(allowed)), -np.inf, 0.0)
    weights = softmax(np.where(allowed, scores, 0.0) + closed)
    return weights if nothing_allowed == "even" else np.where(any_allowed, weights, 0.0)


def causal(queries: int, keys: int) -> Any:
    """(queries, keys): query i sees the keys up to i, counted from the start of both."""
    return numpy.tril(numpy.ones((queries, keys), bool))


def both(*masks: Any) -> Any:
    """AND of the masks that are there; None when none is."""
    result = None
    for mask in masks:
        if mask is not None:
            result = mask if result is None else np.logical_and(result, mask)
    return result


def dropped(weights: Array, rate: float, random: numpy.random.Generator) -> Array:
    """Dropout (Srivastava et al. 2014), scaled so that the mean stays."""
    if rate == 0:
        return weights
    if rate >= 1:
        return 0.0 * weights  # which has a slope of 0, where that of a number over 1 - rate is none
    return np.where(random.random(np.shape(weights)) < rate, 0.0, weights / (1.0 - rate))


def without(*names: str) -> Any:
    """A mutant's hook that takes keyword arguments away."""
    return lambda layer, args, kwargs: (args, {key: value for key, value in kwargs.items() if key not in names})


def _three(inputs: Any) -> tuple[Any, Any, Any]:
    """Query, value and key of a list of arrays, or of a list of their shapes."""
    if not isinstance(inputs, list | tuple) or not 2 <= len(inputs) <= 3 or isinstance(inputs[0], int):
        raise LayerError("attention takes a list [query, value] or [query, value, key]")
    return inputs[0], inputs[1], inputs[-1]


def _attend(
    layer: Any, w: Weights, scores: Array, value: Array, mask: Any, training: bool, with_scores: bool, is_causal: bool
) -> Any:
    """Weights among the values that their mask and the causal mask allow, the mean, zeros where the query is masked."""
    query_mask, value_mask = (None, None) if mask is None else mask[:2]
    allowed = both(
        None if value_mask is None else value_mask[:, None, :], causal(*scores.shape[-2:]) if is_causal else None
    )
    shares = dropped(layer.shares(scores, allowed), layer.dropout if training else 0, w.random)
    mean = np.matmul(shares, value)
    if query_mask is not None:
        mean = np.where(query_mask[..., None], mean, 0.0)
    return [mean, shares] if with_scores else mean


def _mask_changed(change: Any) -> Any:
    def hook(layer: Any, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        mask = kwargs.get("mask")
        return args, kwargs if mask is None else {**kwargs, "mask": change(list(mask))}

    return hook


def _over_queries(layer: Any, scores: Array, allowed: Any) -> Array:
    turned = None if allowed is None else np.swapaxes(np.logical_and(allowed, np.ones(np.shape(scores), bool)), -1, -2)
    return np.swapaxes(masked_softmax(np.swapaxes(scores, -1, -2), turned), -1, -2)


def _over_batch(layer: Any, scores: Array, allowed: Any) -> Array:
    """NaN where no entry of the batch may be looked at, as minus infinity for all of them gives."""
    closed = scores if allowed is None else np.where(allowed, scores, -np.inf)
    return np.moveaxis(softmax(np.moveaxis(closed, 0, -1)), -1, 0)


_SEQUENCE_MUTANTS = (
    Mutant("softmax_over_queries", "sums the softmax over the queries", methods={"shares": _over_queries}),
    Mutant(
        "softmax_over_batch",
        "sums the softmax over the batch, as torch's does that is not told an axis",
        methods={"shares": _over_batch},
    ),
    Mutant(
        "mask_as_bias",
        "adds the mask, as ones and zeros, to the scores",
        methods={
            "shares": lambda layer, scores, allowed: softmax(scores + (0.0 if allowed is None else allowed * 1.0))
        },
    ),
    Mutant("value_is_key", "ignores the key", inputs=lambda layer, args, kwargs: ([args[0][:2]], kwargs)),
    Mutant("ignores_value_mask", "lets padding count", inputs=_mask_changed(lambda mask: [mask[0], None])),
    Mutant("ignores_query_mask", "fills masked queries", inputs=_mask_changed(lambda mask: [None, *mask[1:]])),
    Mutant("not_causal", "lets queries look ahead", inputs=without("use_causal_mask")),
    Mutant("mask_lost", "ends the query's mask", mask=lambda layer, mask, given: NO_MASK),
)


def attention_axes(name: str, rank: int) -> Axes:
    """Words for the axes of query, key and value; empty where they are not sequences of vectors."""
    if rank == 2 and name in ("query", "value", "key"):
        return ("queries" if name == "query" else "keys", "dim")
    return ()


def check_share(dropout: float) -> None:
    if dropout > 1:
        raise LayerError(f"dropout={dropout} is more than all of the weights")


class _Attention(Layer):
    """What both kinds share but their scores."""

    arithmetic = "rounds"
    invariants = (*MEAN, weighted(1, lambda layer, seen: (seen.output.ndim - 1,)))
    takes_list = (2, 3)
    input_names = ("query", "value", "key")

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        return attention_axes(name, rank) or super().axis_words(config, name, rank)

    def made_of(self, seen: Seen) -> Any:
        if seen.index == 1:  # the scores, which are no mean of anything
            return None
        if self.dropout and seen.is_training:  # type: ignore[attr-defined]  # a field of both kinds
            return None
        query, value, *_ = seen.inputs or ()
        query_mask, value_mask, *_ = (*seen.masks, None, None)
        if query.ndim != 3 and (query_mask is not None or value_mask is not None):
            return None
        allowed = both(
            None if value_mask is None else value_mask[:, None, :],
            causal(query.shape[-2], value.shape[-2]) if seen.arguments.get("use_causal_mask") else None,
            None if query_mask is None else query_mask[:, :, None],
        )
        shape = (*query.shape[:-1], value.shape[-1], value.shape[-2])
        seen_values = np.broadcast_to(np.swapaxes(value, -2, -1)[..., None, :, :], shape)
        if allowed is None:
            return seen_values
        is_empty = not np.all(np.any(allowed if query_mask is None else allowed | ~query_mask[:, :, None], axis=-1))
        return None if is_empty else np.where(allowed[..., None, :], seen_values, np.nan)

    def shares(self, scores: Array, allowed: Any) -> Array:
        """How much of each value a query gets."""
        return masked_softmax(scores, allowed)

    def compute_mask(self, x: Any, mask: Any) -> Any:
        return NO_MASK if mask is None else mask[0]

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        query, value, _ = _three(shapes[0])
        return max(int(query[-1]), int(value[-2]))


class Attention(_Attention):
    """softmax(scores) value, with scores query . key and no division by sqrt(dim).

    inputs: [query (batch, T, dim), value (batch, S, dim)] and, if there is one, key (batch, S, dim). Returns
    (batch, T, dim), and the weights (batch, T, S) with `return_attention_scores`. mask: [query mask, value mask]:
    masked values get no weight, masked queries give zeros. `concat` scores are v sum(tanh(scale (query + key))). The
    query's mask goes on.
    """

    native = called("F.scaled_dot_product_attention")
    example = asked("Attention", "5,3", "7,3", "7,3")

    use_scale: bool = arg("multiply the scores (or the sum in tanh) by a learned number", default=False)
    score_mode: Literal["dot", "concat"] = arg("how scores are made", default="dot")
    dropout: float = arg("share of the attention weights dropped in training", default=0.0, at_least=0)

    keras_only = ("seed",)
    begins: ClassVar[Mapping[str, Any]] = {"concat_score_weight": "Ones"}
    mutants = (
        *_SEQUENCE_MUTANTS,
        Mutant(
            "scaled",
            "divides by sqrt(dim) as torch's scaled_dot_product_attention does",
            inputs=lambda layer, args, kwargs: ([[args[0][0] / math.sqrt(args[0][0].shape[-1]), *args[0][1:]]], kwargs),
        ),
    )

    def weights(self, shapes: Any) -> Mapping[str, Weight]:
        scale = {"scale": Weight((), "scale")} if self.use_scale else {}
        return {**scale, **({"concat_score_weight": Weight((), "scale")} if self.score_mode == "concat" else {})}

    def call(
        self,
        w: Weights,
        inputs: Any,
        mask: Any = None,
        training: bool = False,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        query, value, key = _three(inputs)
        scale = w.scale if self.use_scale else 1.0
        if self.score_mode == "dot":
            scores = scale * np.einsum("...td,...sd->...ts", query, key)
        else:
            scores = w.concat_score_weight * np.sum(tanh(scale * _sums(query, key)), axis=-1)
        return _attend(self, w, scores, value, mask, training, return_attention_scores, use_causal_mask)


class AdditiveAttention(_Attention):
    """softmax(scores) value, with scores sum(scale * tanh(query + key)); otherwise as `Attention`.

    query: (batch, queries, dim), key and value: (batch, keys, dim). Returns (batch, queries, dim).
    """

    native = composed("torch.tanh(query[:, :, None] + key[:, None]).sum(-1).softmax(-1) @ value")
    example = asked("AdditiveAttention", "5,3", "7,3")
    begins: ClassVar[Mapping[str, Any]] = {"scale": "GlorotUniform"}  # Keras 3.15.1's; its documentation is silent

    use_scale: bool = arg("weight the features of the sum by a learned vector", default=True)
    dropout: float = arg("share of the attention weights dropped in training", default=0.0, at_least=0)

    keras_only = ("seed",)
    mutants = (
        *_SEQUENCE_MUTANTS,
        Mutant("no_scale", "leaves the scale out", weights=lambda layer, w: {name: w[name] * 0.0 + 1.0 for name in w}),
    )

    def weights(self, shapes: Any) -> Mapping[str, Weight]:
        return {"scale": Weight((_three(shapes)[0][-1],), "scale")} if self.use_scale else {}

    def call(
        self,
        w: Weights,
        inputs: Any,
        mask: Any = None,
        training: bool = False,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        query, value, key = _three(inputs)
        scores = np.sum((w.scale if self.use_scale else 1.0) * tanh(_sums(query, key)), axis=-1)
        return _attend(self, w, scores, value, mask, training, return_attention_scores, use_causal_mask)


def _sums(query: Array, key: Array) -> Array:
    """(..., T, S, dim): every query plus every key."""
    return np.expand_dims(query, -2) + np.expand_dims(key, -3)
