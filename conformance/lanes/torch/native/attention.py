"""torch's own attention: `nn.MultiheadAttention` and `F.scaled_dot_product_attention`."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from conformance.lanes.torch.native import as_ported, native, refuse
from conformance.lanes.torch.port import Parameters, Tensor, Unsupported

as_ported("AdditiveAttention")


@native("Attention")
def scaled_dot_product_attention(
    layer: Any,
    p: Parameters,
    inputs: list[Tensor],
    mask: Any = None,
    use_causal_mask: bool = False,
    return_attention_scores: bool = False,
) -> Tensor:
    """Scores are divided by the root of the last length unless `scale=` says otherwise; Keras leaves them."""
    name = "F.scaled_dot_product_attention"
    refuse(layer, name, "write the scores out", use_scale=False, score_mode="dot")
    if return_attention_scores:
        raise Unsupported(f"{name} gives no scores: torch.softmax(query @ key.transpose(-2, -1), dim=-1)")
    if isinstance(inputs, Tensor):
        return F.scaled_dot_product_attention(inputs)  # torch raises, as for its users
    query, value, key = inputs[0], inputs[1], inputs[-1]
    value_mask = None if mask is None else mask[1]
    if mask is not None and mask[0] is not None:
        raise Unsupported(f"{name} takes no mask of queries")
    if value_mask is not None and use_causal_mask:
        raise Unsupported(f"{name} takes attn_mask or is_causal, not both")
    allowed = None if value_mask is None else value_mask[:, None, :]
    return F.scaled_dot_product_attention(query, key, value, attn_mask=allowed, is_causal=use_causal_mask)


@native("MultiHeadAttention")
def multihead_attention(
    layer: Any,
    p: Parameters,
    query: Tensor,
    value: Tensor,
    key: Tensor | None = None,
    query_mask: Any = None,
    value_mask: Any = None,
    key_mask: Any = None,
    attention_mask: Any = None,
    return_attention_scores: bool = False,
    training: bool = False,
    use_causal_mask: bool = False,
) -> Any:
    """`nn.MultiheadAttention(embed_dim, num_heads, batch_first=True)`: `embed_dim` is heads times their size, of all.

    A mask of booleans says there what is left out, so that Keras' is turned over; one of floats is added to the scores.
    """
    name = "nn.MultiheadAttention"
    refuse(layer, name, use_gate=False, output_shape=None, attention_axes=None, sliding_window=None)
    if query_mask is not None:
        raise Unsupported(f"{name} takes no mask of queries: leave their rows out afterwards")
    key = value if key is None else key
    width = layer.num_heads * layer.key_dim
    if query.ndim != 3 or query.shape[-1] != width:
        raise Unsupported(f"{name} takes (batch, steps, embed_dim), with embed_dim the heads times their size: {width}")
    if layer.value_dim not in (None, layer.key_dim):
        raise Unsupported(f"{name} has heads of one size for keys and values")
    if use_causal_mask and query.shape[1] != key.shape[1]:
        raise Unsupported(f"{name} has no causal mask of its own for {query.shape[1]} queries and {key.shape[1]} keys")
    heads = torch.nn.MultiheadAttention(
        width,
        layer.num_heads,
        dropout=layer.dropout,
        bias=layer.use_bias,
        kdim=key.shape[-1],
        vdim=value.shape[-1],
        batch_first=True,
        device="meta",
    )
    added = _added(layer, attention_mask, use_causal_mask, query, key)
    padding = value_mask if key_mask is None else key_mask
    tensors = _tensors(layer, p, heads._qkv_same_embed_dim)
    heads.train(bool(training))
    output, shares = torch.func.functional_call(
        heads,
        tensors,
        (query, key, value),
        {
            "key_padding_mask": None if padding is None else ~padding,
            "need_weights": return_attention_scores,
            "attn_mask": added,
            "average_attn_weights": False,
        },
    )
    return [output, shares] if return_attention_scores else output


def _added(layer: Any, mask: Any, is_causal: bool, query: Tensor, key: Tensor) -> Tensor | None:
    """(batch * heads, queries, keys), as the module wants a mask of its own for every row."""
    found = None
    if mask is not None:
        full = mask.expand(len(query), query.shape[1], key.shape[1])
        found = ~full if full.dtype == torch.bool else full.to(query.dtype)
        found = found.repeat_interleave(layer.num_heads, dim=0)
    if is_causal:
        later = torch.ones(query.shape[1], key.shape[1], dtype=torch.bool).triu(1)
        if found is not None and found.dtype != torch.bool:
            raise Unsupported("nn.MultiheadAttention takes one attn_mask, of booleans or of floats")
        found = later if found is None else found | later
    return found


def _tensors(layer: Any, p: Parameters, is_one: bool) -> dict[str, Tensor]:
    """The module's own weights from those of the port's four projections."""
    parts = [p.tensors[f"{name}.weight"] for name in ("q_proj", "k_proj", "v_proj")]
    names = ("q_proj_weight", "k_proj_weight", "v_proj_weight")
    found = {"in_proj_weight": torch.cat(parts)} if is_one else dict(zip(names, parts, strict=True))
    found["out_proj.weight"] = p.tensors["out_proj.weight"]
    if layer.use_bias:
        found["in_proj_bias"] = torch.cat([p.tensors[f"{name}.bias"] for name in ("q_proj", "k_proj", "v_proj")])
        found["out_proj.bias"] = p.tensors["out_proj.bias"]
    return found
