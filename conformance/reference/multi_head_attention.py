"""Multi-head attention: Vaswani et al. 2017, sections 3.2.1 and 3.2.2. A mask is true where a query may look."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import autograd.numpy as np
import numpy

from .activations import sigmoid, softmax
from .attention import attention_axes, both, causal, check_share, dropped, masked_softmax, without
from .base import NO_MASK, Array, Layer, LayerError, Mutant, Shape, Weight, Weights, arg
from .invariants import weighted
from .traits import Axes, asked, called


def _strictly_before(layer: Any, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    if not kwargs.get("use_causal_mask"):
        return args, kwargs
    before = numpy.tril(numpy.ones((np.shape(args[0])[1], np.shape(args[1])[1]), bool), -1)[None]
    given = kwargs.get("attention_mask")
    return args, {**kwargs, "attention_mask": before if given is None else np.logical_and(given, before)}


def _along_queries(args: list[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Where there are as many queries as values; elsewhere nothing fits."""
    value_mask = kwargs.get("value_mask")
    if value_mask is None or np.shape(args[0])[:2] != np.shape(value_mask):
        return kwargs
    return {**kwargs, "query_mask": both(kwargs.get("query_mask"), value_mask), "value_mask": None}


def fans_of_heads(key: str, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """The axes of a projection's kernel: (features; heads, size), and on the way out (heads, size; features)."""
    scope, _, own = key.partition(".")
    if own != "kernel":
        return None
    summed = 2 if scope == "attention_output" else 1
    return tuple(range(summed)), tuple(range(summed, rank))


class MultiHeadAttention(Layer):
    """Several attentions side by side: softmax(q k / sqrt(key_dim)) v for every head, then one projection of all heads.

    query: (batch, T, query features), value: (batch, S, value features), key: (batch, S, key features), as positional
    arguments; without a key the value is the key. Returns (batch, T, query features or `output_shape`), and the weights
    (batch, heads, T, S) with `return_attention_scores`. A query looks where its own mask, those of value and key,
    `attention_mask` (batch, T, S), the causal mask and the sliding window all allow it. A query with nothing to look at
    gets the mean of the values, or zeros where Keras leaves its fused path: with dropout, with scores asked for, or
    with more axes than (batch, steps, features) (Keras 3.10 and later). The query's mask goes on.
    """

    without_activity_regularizer = "Keras gives it to the projections inside"
    arithmetic = "rounds"
    native = called("nn.MultiheadAttention")
    example = asked("MultiHeadAttention(2, 4)", "5,3", "7,3")

    invariants = (weighted(1, lambda layer, seen: layer.looked_at(seen.output.ndim)),)
    num_heads: int = arg("number of heads", at_least=1)
    key_dim: int = arg("size of each head's queries and keys", at_least=1)
    value_dim: int | None = arg("size of each head's values; None takes key_dim", default=None, at_least=1)
    dropout: float = arg("share of the attention weights dropped in training", default=0.0, at_least=0)
    use_bias: bool = arg("whether the projections have biases", default=True)
    output_shape: int | tuple[int, ...] | None = arg("features of the output; None takes the query's", default=None)
    attention_axes: int | tuple[int, ...] | None = arg(
        "axes to attend over; None takes all but batch and last", default=None
    )
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
    def torch_lines(cls, config: Mapping[str, Any], size: int) -> tuple[str, ...]:
        return (
            "scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])",
            "scores = scores.masked_fill(mask == 0, float('-inf'))  # mask: (batch, 1, 1, keys), 1 at real steps",
            "torch.softmax(scores, dim=-1) @ v",
        )

    mutants = (
        Mutant("not_scaled", "forgets 1 / sqrt(key_dim)", weights=lambda layer, w: layer.sharper(w)),
        Mutant(
            "scale_of_all_heads",
            "divides by the root of num_heads * key_dim, the features of all heads",
            weights=lambda layer, w: layer.flatter(w),
        ),
        Mutant("heads_last", "reads the kernels as (in, key_dim, heads)", weights=lambda layer, w: layer.regrouped(w)),
        Mutant("value_is_key", "uses the key's projection for values", weights=lambda layer, w: layer.key_as_value(w)),
        Mutant("ignores_padding", "lets queries look at padding", inputs=without("value_mask", "key_mask")),
        Mutant("not_causal", "lets queries look ahead", inputs=without("use_causal_mask")),
        Mutant(
            "causal_without_itself",
            "lets queries look at what is before them, but not at itself",
            inputs=_strictly_before,
        ),
        Mutant(
            "value_mask_along_queries",
            "lays the values' mask along the queries",
            inputs=lambda layer, args, kw: (args, _along_queries(args, kw)),
        ),
        Mutant(
            "mask_as_bias",
            "adds the mask, as ones and zeros, to the scores",
            methods={
                "shares": lambda layer, scores, allowed, nothing: softmax(
                    scores + (0.0 if allowed is None else allowed * 1.0)
                )
            },
        ),
        Mutant("ignores_attention_mask", "overlooks attention_mask", inputs=without("attention_mask")),
        Mutant("mask_lost", "ends the query's mask", mask=lambda layer, mask, given: NO_MASK),
        Mutant(
            "blocks_true",
            "reads attention_mask as torch.nn.MultiheadAttention does",
            inputs=lambda layer, args, kw: (
                args,
                {k: np.logical_not(v) if k == "attention_mask" else v for k, v in kw.items()},
            ),
        ),
        Mutant(
            "mean_scores",
            "gives the scores averaged over the heads",
            output=lambda layer, y, args: [y[0], np.mean(y[1], axis=1)] if isinstance(y, list) else y,
        ),
    )

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        return attention_axes(name, rank) or super().axis_words(config, name, rank)

    def check(self) -> None:
        if self.num_heads < 1 or self.key_dim < 1 or (self.value_dim or 1) < 1:
            raise LayerError("num_heads, key_dim and value_dim count from 1")
        check_share(self.dropout)

    @property
    def sizes(self) -> dict[str, int]:
        """The projections that make heads, in Keras' order, each with the size of a head."""
        value = self.value_dim or self.key_dim
        return {
            "query": self.key_dim,
            "key": self.key_dim,
            **({"gate": value} if self.use_gate else {}),
            "value": value,
        }

    def fan_axes(self, key: str, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
        return fans_of_heads(key, rank)

    def weights(self, query: Shape, value: Shape, key: Shape | None = None) -> Mapping[str, Weight]:
        heads = {name: (self.num_heads, size) for name, size in self.sizes.items()}
        return projections(heads, (query, value, key), self._out(query), self.use_bias)

    def _out(self, query: Shape) -> Shape:
        shape = self.output_shape
        return (shape,) if isinstance(shape, int) else shape or (query[-1],)

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
        if np.shape(key)[1:-1] != np.shape(value)[1:-1]:
            raise LayerError(f"key {np.shape(key)} and value {np.shape(value)} differ in more than their features")
        axes = self._axes(np.ndim(query))
        if len(axes) > 1 and (use_causal_mask or self.sliding_window is not None):
            raise LayerError(f"of positions along {len(axes)} axes none is said to come before another")
        rows, columns = (positions(x, axes) for x in (query, key))
        q, k, v = (
            projected(w, "query", rows),
            projected(w, "key", columns),
            projected(w, "value", positions(value, axes)),
        )
        scores = np.einsum("...tnh,...snh->...nts", q, k) / math.sqrt(self.key_dim)
        length, width = np.shape(scores)[-2:]
        masks = (query_mask, value_mask, key_mask)
        allowed = self.allowed(length, width, masks, attention_mask, use_causal_mask, len(axes))
        is_fused = self.dropout == 0 and np.ndim(query) == 3 and not return_attention_scores
        shares = self.shares(scores, with_heads(allowed, np.ndim(scores)), "even" if is_fused else "zero")
        mixed = np.einsum("...nts,...snv->...tnv", dropped(shares, self.dropout if training else 0, w.random), v)
        if self.use_gate:
            mixed = mixed * sigmoid(projected(w, "gate", rows))
        output = restored(projected(w, "attention_output", mixed, 2), np.shape(query), axes)
        if not return_attention_scores:
            return output
        lengths = [np.shape(x)[axis] for x in (query, key) for axis in axes]
        return [output, np.reshape(shares, (*np.shape(shares)[:-2], *lengths))]

    def looked_at(self, rank: int) -> tuple[int, ...]:
        """The axes of the scores, (..., heads, *queries, *keys), along which the shares of one query lie."""
        axes = self.attention_axes
        count = (rank - 2) // 2 if axes is None else 1 if isinstance(axes, int) else len(axes)
        return tuple(range(rank - count, rank))

    def allowed(
        self, length: int, width: int, masks: Sequence[Any], attention_mask: Any, use_causal_mask: bool, axes: int
    ) -> Any:
        """Which of `width` keys each of `length` queries may look at: all masks at once; None where there is none."""
        pairs = None if attention_mask is None else _flat_mask(attention_mask, axes)
        return all_allowed(length, width, masks, pairs, use_causal_mask, self.sliding_window)

    def output_masks(self, first: Any, first_mask: Any, args: Any, kwargs: Mapping[str, Any]) -> Any:
        """The query's mask for the output; the scores carry what their softmax left out, (batch or 1, 1, T, S)."""
        mask = self.compute_mask(first, first_mask)
        query, value = args[:2]
        given = {**dict(zip(("query", "value", "key"), args, strict=False)), **kwargs}
        axes = self._axes(np.ndim(query))
        if not kwargs.get("return_attention_scores") or len(axes) > 1:
            return mask
        key = given.get("key")
        length, width = np.shape(query)[axes[0]], np.shape(value if key is None else key)[axes[0]]
        masks = [given.get(f"{name}_mask") for name in ("query", "value", "key")]
        causal_too = bool(given.get("use_causal_mask"))
        return [mask, mask_of_scores(self.allowed(length, width, masks, given.get("attention_mask"), causal_too, 1))]

    def shares(self, scores: Array, allowed: Any, nothing_allowed: Literal["even", "zero"]) -> Array:
        """How much of each value a query gets."""
        return masked_softmax(scores, allowed, nothing_allowed)

    def _axes(self, rank: int) -> tuple[int, ...]:
        axes = self.attention_axes
        if rank < 3:
            raise LayerError(f"there is nothing to attend to in a query with {rank} axes: batch, steps and features")
        if axes is None:
            return tuple(range(1, rank - 1))
        axes = (axes,) if isinstance(axes, int) else axes
        for axis in axes:
            if not -rank <= axis < rank:
                raise LayerError(f"attention axis {axis} does not exist in a query with {rank} axes")
            if axis % rank in (0, rank - 1):
                raise LayerError(f"attention axis {axis} is the batch or the features of a query with {rank} axes")
        return tuple(axis % rank for axis in axes)

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        keys = math.prod(int(shapes[1][axis]) for axis in self._axes(len(shapes[1])))
        features = [weights[f"{name}.kernel"].shape[0] for name in self.sizes]
        return max(*map(int, features), self.key_dim, keys, self.num_heads * self.sizes["value"])

    def rule(self, *shapes: Any) -> str:
        query, value = shapes[0], shapes[1]
        axes = self._axes(len(query))
        queries, keys = (math.prod(shape[axis] for axis in axes) for shape in (query, value))
        return (
            f"{self.num_heads} heads, {queries} queries x {keys} keys of size {self.key_dim}, "
            f"values of size {self.sizes['value']}; projected from {self.num_heads * self.sizes['value']} to "
            f"{', '.join(map(str, self._out(tuple(query))))}"
        )

    def sharper(self, w: Mapping[str, Array]) -> Mapping[str, Array]:
        """The query's projection times sqrt(key_dim), which undoes the scale."""
        return {name: w[name] * math.sqrt(self.key_dim) for name in ("query.kernel", "query.bias") if name in w}

    def flatter(self, w: Mapping[str, Array]) -> Mapping[str, Array]:
        """The query's projection over sqrt(num_heads)."""
        return {name: w[name] / math.sqrt(self.num_heads) for name in ("query.kernel", "query.bias") if name in w}

    def regrouped(self, w: Mapping[str, Array]) -> Mapping[str, Array]:
        """The kernels with the columns taken as (key_dim, heads)."""
        kernel = w["query.kernel"]
        return {"query.kernel": np.reshape(np.reshape(kernel, (len(kernel), -1)), kernel.shape, order="F")}

    def key_as_value(self, w: Mapping[str, Array]) -> Mapping[str, Array]:
        """The value's projection replaced by the key's, where shapes allow it."""
        same = w["key.kernel"].shape == w["value.kernel"].shape
        return {"value.kernel": w["key.kernel"]} if same else {"value.kernel": w["value.kernel"][:, ::-1]}


def projections(
    heads: Mapping[str, Shape], shapes: Sequence[Shape | None], out: Shape, use_bias: bool
) -> Mapping[str, Weight]:
    """Kernels and biases of the projections: `heads` has (heads, size) of each by name, in Keras' order.

    `shapes` are those of query, value and key, or None for the value's; all heads of the query together become `out`.
    """
    query, value, key = shapes
    features = {"query": query, "key": key or value, "gate": query, "value": value}
    held: dict[str, Weight] = {}
    for name, of_heads in heads.items():
        held[f"{name}.kernel"] = Weight(((features[name] or ())[-1], *of_heads))
        held[f"{name}.bias"] = Weight(of_heads, "bias")
    held["attention_output.kernel"] = Weight((heads["query"][0], heads["value"][1], *out))
    held["attention_output.bias"] = Weight(out, "bias")
    return held if use_bias else {name: w for name, w in held.items() if name.endswith("kernel")}


def projected(w: Weights, name: str, x: Array, axes: int = 1) -> Array:
    """x times a kernel over its last `axes` axes, and a bias where there is one."""
    product = np.tensordot(x, w.arrays[f"{name}.kernel"], axes)
    return product + w.arrays[f"{name}.bias"] if f"{name}.bias" in w else product


def all_allowed(
    length: int, width: int, masks: Sequence[Any], pairs: Any, use_causal_mask: bool, sliding_window: int | None
) -> Any:
    """Which of `width` keys each of `length` queries may look at: all masks at once; None where there is none.

    `masks` are those of query, value and key, (..., steps); `pairs` is (..., length, width).
    """
    query_mask, value_mask, key_mask = masks
    return both(
        None if query_mask is None else query_mask[..., :, None],
        None if value_mask is None else value_mask[..., None, :],
        None if key_mask is None else key_mask[..., None, :],
        pairs,
        causal(length, width) if use_causal_mask else None,
        None if sliding_window is None else band(length, width, sliding_window),
    )


def positions(x: Array, axes: Sequence[int]) -> Array:
    """(..., positions, features): the axes attended over brought together before the features."""
    others = [axis for axis in range(np.ndim(x) - 1) if axis not in axes]
    moved = np.transpose(x, [*others, *axes, np.ndim(x) - 1])
    count = math.prod(np.shape(x)[axis] for axis in axes)
    return np.reshape(moved, [*(np.shape(x)[axis] for axis in others), count, np.shape(x)[-1]])


def restored(x: Array, like: Shape, axes: Sequence[int]) -> Array:
    """The inverse of `positions` for a shape like the query's; features may have become several axes."""
    order = [*(axis for axis in range(len(like) - 1) if axis not in axes), *axes]
    features = np.shape(x)[len(like) - len(axes) :]
    moved = np.reshape(x, [*(like[axis] for axis in order), *features])
    back = [order.index(axis) for axis in range(len(order))]
    return np.transpose(moved, [*back, *range(len(order), len(order) + len(features))])


def mask_of_scores(allowed: Any) -> Any:
    """What a softmax over (batch, heads, T, S) left out: `allowed`, (T, S) or (batch, T, S), with an axis for heads."""
    if allowed is None:
        return NO_MASK
    return np.expand_dims(np.reshape(allowed, (*(1,) * (3 - np.ndim(allowed)), *np.shape(allowed))), -3) != 0


def _flat_mask(mask: Any, axes: int) -> Any:
    shape = np.shape(mask)
    return np.reshape(mask, (*shape[: -2 * axes], math.prod(shape[-2 * axes : -axes]), math.prod(shape[-axes:])))


def with_heads(allowed: Any, rank: int) -> Any:
    """Axes of length 1 before the last two, so that a mask (batch, T, S) serves every head."""
    if allowed is None:
        return None
    shape = np.shape(allowed)
    return np.reshape(allowed, (*shape[:-2], *(1,) * (rank - len(shape)), *shape[-2:]))


def band(queries: int, keys: int, width: int) -> Any:
    """(queries, keys): true where |i - j| < width."""
    return abs(numpy.arange(queries)[:, None] - numpy.arange(keys)) < width
