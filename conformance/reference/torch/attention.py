"""nn.MultiheadAttention and F.scaled_dot_product_attention.

A mask of booleans says what is left out, in nn.MultiheadAttention, and what takes part, in
F.scaled_dot_product_attention; a mask of floats is added to the scores in both. Source: their documentation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import autograd.numpy as np
import numpy

from conformance.counterpart import Counterpart, KerasLayer, Moved, NoCounterpart, moved, same
from conformance.mapping import Mapped
from conformance.reference.activations import softmax
from conformance.reference.base import Array, LayerError, Weight, Weights, arg
from conformance.reference.torch.base import Like, TorchLayer, wants_last
from conformance.reference.traits import Axes, asked


def _is_bool(mask: Any) -> bool:
    return bool(numpy.asarray(mask).dtype == bool)


def _hiding(mask: Array, hides: bool) -> Array:
    """What a mask adds to scores: itself, or minus infinity where a boolean one is `hides`."""
    return np.where(numpy.asarray(mask) == hides, -np.inf, 0.0) if _is_bool(mask) else mask


def attention_mask(**masks: Any) -> str:
    """Keras' argument for torch's two masks, by their names; empty where neither is given.

    The first is (targets, sources), the second, of padding, (batch, sources). Raises NoCounterpart for what Keras' mask
    does not say.
    """
    shown = []
    for axis, (name, mask) in enumerate(masks.items()):
        if mask is None:
            continue
        if mask.dtype != "bool":
            raise NoCounterpart("attention_mask of Keras hides and shows; a mask of floats that is added is not said")
        if mask.rank != 2:
            raise NoCounterpart("attention_mask of Keras is one for all heads")
        shown.append(f'expand_dims(1.0 - cast({name}, "float32"), {axis})')
    return f", attention_mask={' * '.join(shown)}" if shown else ""


class ScaledDotProductAttention(TorchLayer):
    """softmax(q k^T scale + mask) v over the last two axes.

    query: (..., targets, features), key: (..., sources, features), value: (..., sources, values).
    """

    names = ("F.scaled_dot_product_attention",)
    arithmetic = "rounds"
    example = asked("F.scaled_dot_product_attention()", "2,4,3", "2,5,3", "2,5,6")
    positional = ()
    not_here: ClassVar = {"dropout_p": "it draws numbers, and is 0 outside of training"}
    is_causal: bool = arg("Whether a target sees sources up to its own place, counted from the first.", default=False)
    scale: float | None = arg("Factor of the scores; null for 1 / sqrt(features).", default=None)
    enable_gqa: bool = arg("Whether several heads of queries, on axis -3, share one of keys.", default=False)

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        steps = "targets" if name == "query" else "sources"
        return {2: (steps, "features"), 3: ("heads", steps, "features")}.get(rank, ())

    def call(self, w: Weights, query: Array, key: Array, value: Array, attn_mask: Any = None) -> Array:
        if self.enable_gqa:
            times = np.shape(query)[-3] // np.shape(key)[-3]
            own = np.arange(np.shape(key)[-3] * times) // times
            key, value = key[..., own, :, :], value[..., own, :, :]
        scale = 1.0 / math.sqrt(np.shape(query)[-1]) if self.scale is None else self.scale
        scores = np.einsum("...td,...sd->...ts", query, key) * scale
        if self.is_causal:
            if attn_mask is not None:
                raise LayerError("is_causal and attn_mask are not for one call")
            targets, sources = np.shape(scores)[-2:]
            attn_mask = numpy.tril(numpy.ones((targets, sources), dtype=bool))
        if attn_mask is not None:
            scores = scores + _hiding(attn_mask, hides=False)
        return np.einsum("...ts,...sv->...tv", softmax(scores), value)

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return max(int(shapes[0][-1]), int(shapes[1][-2]))

    def counterpart(self, query: Like, key: Like, value: Like, attn_mask: Any = None) -> Counterpart:
        if self.enable_gqa:
            raise NoCounterpart("keras.layers.GroupQueryAttention projects its inputs; repeat the heads of keys before")
        lead = "abcdef"[: query.rank - 2]
        scale = 1.0 / math.sqrt(query.shape[-1]) if self.scale is None else self.scale
        scores = f'einsum("{lead}td,{lead}sd->{lead}ts", query, key) * {scale}'
        if attn_mask is not None:
            scores += " + where(attn_mask, 0.0, -1e30)" if attn_mask.dtype == "bool" else " + attn_mask"
        if self.is_causal:
            if len(lead) != 1:
                raise NoCounterpart("Attention has use_causal_mask, and takes (batch, steps, features) alone")
            layer = KerasLayer("Attention", {})
            scaled = f"layer([query * {scale}, value, key], use_causal_mask=True)"
            return Counterpart(scaled, {"layer": layer})
        shares = KerasLayer("Softmax", {"axis": -1})
        result = f'einsum("{lead}ts,{lead}sv->{lead}tv", shares(scores), value)'
        return Counterpart(result, {"shares": shares}, (("scores", scores),))


class MultiheadAttention(TorchLayer):
    """Heads of scaled_dot_product_attention over projections; returns the output and the shares.

    query: (targets, batch, embed_dim), key: (sources, batch, kdim), value: (sources, batch, vdim); the batch comes
    first with batch_first. attn_mask: (targets, sources) or (batch times heads, targets, sources). key_padding_mask:
    (batch, sources). Where need_weights is false there is the output alone.
    """

    names = ("nn.MultiheadAttention",)
    arithmetic = "rounds"
    example = asked("nn.MultiheadAttention(6, 2, batch_first=True)", "4,6", "5,6", "5,6")
    embed_dim: int = arg("Features of queries and of the output.", at_least=1)
    num_heads: int = arg("How many heads.", at_least=1)
    dropout: float = arg("Share of the shares that is left out in training.", default=0.0)
    bias: bool = arg("Whether projections add a bias.", default=True)
    add_bias_kv: bool = arg("Whether one more source is learnt.", default=False)
    add_zero_attn: bool = arg("Whether one more source is zeros.", default=False)
    kdim: int | None = arg("Features of keys.", default=None)
    vdim: int | None = arg("Features of values.", default=None)
    batch_first: bool = arg("Whether the batch comes before the steps.", default=False)

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        return ("targets" if name == "query" else "sources", "features")[:rank]

    @classmethod
    def batch_place(cls, config: Mapping[str, Any]) -> int:
        return 0 if config.get("batch_first") else 1

    @classmethod
    def implied(cls, shapes: Sequence[Sequence[int]]) -> Sequence[Sequence[int]]:
        """One input is looked at by itself; of two the second is keys and values."""
        return [*shapes, *[shapes[-1]] * (3 - len(shapes))] if shapes else shapes

    def check(self) -> None:
        if self.num_heads < 1 or self.embed_dim % self.num_heads:
            raise LayerError(f"embed_dim {self.embed_dim} is not in {self.num_heads} heads")

    def is_packed(self) -> bool:
        """Whether the three projections are one parameter."""
        return self.kdim in (None, self.embed_dim) and self.vdim in (None, self.embed_dim)

    def weights(self, query: Any, key: Any, value: Any, *rest: Any) -> Mapping[str, Weight]:
        e = self.embed_dim
        held: dict[str, Weight] = {}
        if self.is_packed():
            held["in_proj_weight"] = Weight((3 * e, e))
        else:
            held["q_proj_weight"] = Weight((e, e))
            held["k_proj_weight"] = Weight((e, self.kdim or e))
            held["v_proj_weight"] = Weight((e, self.vdim or e))
        if self.bias:
            held["in_proj_bias"] = Weight((3 * e,), "bias")
        if self.add_bias_kv:
            held |= {"bias_k": Weight((1, 1, e), "table"), "bias_v": Weight((1, 1, e), "table")}
        held["out_proj.weight"] = Weight((e, e))
        return {**held, "out_proj.bias": Weight((e,), "bias")} if self.bias else held

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return max(self.embed_dim, *(int(math.prod(shape[:-1])) for shape in shapes[1:2]))

    def call(
        self,
        w: Weights,
        query: Array,
        key: Array,
        value: Array,
        key_padding_mask: Any = None,
        attn_mask: Any = None,
        need_weights: bool = True,
        average_attn_weights: bool = True,
        is_causal: bool = False,
        training: bool | None = None,
    ) -> Any:
        if training and self.dropout:
            raise LayerError("shares are left out at random in training: nothing is to be compared")
        if is_causal and attn_mask is None:
            raise LayerError("is_causal is a hint about attn_mask, which has to be given too")
        if np.ndim(query) != 3:
            raise LayerError(f"nn.MultiheadAttention takes three axes here, not {np.shape(query)}")
        first = "batch, targets" if self.batch_first else "targets, batch"
        wants_last(query, self.embed_dim, "nn.MultiheadAttention", f"queries of ({first}, embed_dim {self.embed_dim})")
        if not self.batch_first:
            query, key, value = (np.swapaxes(x, 0, 1) for x in (query, key, value))
        q, k, v = self._projected(w, query, key, value)
        y, shares = self._attended(w, q, k, v, key_padding_mask, attn_mask)
        y = y @ np.transpose(w.arrays["out_proj.weight"]) + (w.arrays["out_proj.bias"] if self.bias else 0.0)
        y = y if self.batch_first else np.swapaxes(y, 0, 1)
        return [y, np.mean(shares, axis=1) if average_attn_weights else shares] if need_weights else y

    def _projected(self, w: Weights, *inputs: Array) -> tuple[Array, Array, Array]:
        if self.is_packed():
            kernels = np.split(w.in_proj_weight, 3, axis=0)
        else:
            kernels = [w.q_proj_weight, w.k_proj_weight, w.v_proj_weight]
        biases = np.split(w.in_proj_bias, 3) if self.bias else [0.0, 0.0, 0.0]
        q, k, v = (x @ np.transpose(kernel) + b for x, kernel, b in zip(inputs, kernels, biases, strict=True))
        return q, k, v

    def _attended(self, w: Weights, q: Array, k: Array, v: Array, padding: Any, mask: Any) -> tuple[Array, Array]:
        batch, targets, _ = np.shape(q)
        more = 0
        if self.add_bias_kv:
            k = np.concatenate([k, np.ones((batch, 1, 1)) * w.bias_k], axis=1)
            v = np.concatenate([v, np.ones((batch, 1, 1)) * w.bias_v], axis=1)
            more += 1
        if self.add_zero_attn:
            zeros = np.zeros((batch, 1, self.embed_dim))
            k, v, more = np.concatenate([k, zeros], axis=1), np.concatenate([v, zeros], axis=1), more + 1
        q, k, v = (
            np.transpose(np.reshape(x, (batch, np.shape(x)[1], self.num_heads, -1)), (0, 2, 1, 3)) for x in (q, k, v)
        )
        scores = np.einsum("bhtd,bhsd->bhts", q, k) / math.sqrt(self.embed_dim // self.num_heads)
        for given in (None if mask is None else self._of_scores(mask, batch), padding):
            if given is not None:
                added = _hiding(given, hides=True)
                added = added[:, None, None, :] if np.ndim(added) == 2 else added
                scores = scores + np.pad(added, [(0, 0)] * (np.ndim(added) - 1) + [(0, more)], "constant")
        shares = softmax(scores)
        y = np.einsum("bhts,bhsd->bthd", shares, v)
        return np.reshape(y, (batch, targets, self.embed_dim)), shares

    def _of_scores(self, mask: Any, batch: int) -> Any:
        """A mask of (targets, sources), or one for each head of each sample, over (batch, heads, targets, sources)."""
        if np.ndim(mask) == 2:
            return mask[None, None]
        return np.reshape(mask, (batch, self.num_heads, *np.shape(mask)[1:]))

    def counterpart(
        self,
        query: Like,
        key: Like,
        value: Like,
        key_padding_mask: Any = None,
        attn_mask: Any = None,
        need_weights: bool = True,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> Counterpart:
        if self.add_bias_kv or self.add_zero_attn:
            raise NoCounterpart("MultiHeadAttention has no further source; add one to keys and values before it")
        options = attention_mask(attn_mask=attn_mask, key_padding_mask=key_padding_mask)
        layer = self.keras_layer()
        order = (
            ("query", "value", "key")
            if self.batch_first
            else tuple(f"transpose({name}, [1, 0, 2])" for name in ("query", "value", "key"))
        )
        both = f"layer({', '.join(order)}{options}, return_attention_scores=True)"
        output = "both[0]" if self.batch_first else "transpose(both[0], [1, 0, 2])"
        shares = "mean(both[1], axis=1)" if average_attn_weights else "both[1]"
        return Counterpart(f"[{output}, {shares}]" if need_weights else output, {"layer": layer}, (("both", both),))

    def keras_layer(self, scope: str = "") -> KerasLayer:
        """Keras' layer; `scope` stands before the names of torch's weights where they belong to a part."""
        size = self.embed_dim // self.num_heads
        config = {
            "num_heads": self.num_heads,
            "key_dim": size,
            "value_dim": size,
            "output_shape": self.embed_dim,
            "use_bias": self.bias,
            "dropout": self.dropout,
        }
        return KerasLayer("MultiHeadAttention", config, self._moved(scope))

    def _moved(self, scope: str) -> Mapping[str, Moved]:
        """Keras' kernels are (features, heads, size), of torch's rows in the order of heads."""
        h, size, e = self.num_heads, self.embed_dim // self.num_heads, self.embed_dim
        held: dict[str, Moved] = {}
        for place, (name, own) in enumerate((("query", "q"), ("key", "k"), ("value", "v"))):
            if self.is_packed():
                kernel = Mapped(f"{scope}in_proj_weight").reshape(3, h, size, e).row(place)
            else:
                width = {"q": e, "k": self.kdim or e, "v": self.vdim or e}[own]
                kernel = Mapped(f"{scope}{own}_proj_weight").reshape(h, size, width)
            held[f"{name}.kernel"] = moved(kernel.transpose(2, 0, 1))
            if self.bias:
                held[f"{name}.bias"] = moved(Mapped(f"{scope}in_proj_bias").reshape(3, h, size).row(place))
        out = Mapped(f"{scope}out_proj.weight").transpose(1, 0).reshape(h, size, e)
        held["attention_output.kernel"] = moved(out)
        if self.bias:
            held["attention_output.bias"] = same(f"{scope}out_proj.bias")
        return held
