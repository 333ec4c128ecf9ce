"""GroupQueryAttention in torch: heads of keys and values are repeated for the queries of their group."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from .attention import attend, band, both, causal
from .port import Config, Parameters, Tensor, keep, keras, port


def _projections(layer: Config) -> dict[str, Any]:
    """Torch keeps a projection as (out, in), with the heads one after the other in `out`."""
    queries, keys, size = layer.num_query_heads, layer.num_key_value_heads, layer.head_dim
    mapped = {}
    for name, heads in {"query": queries, "key": keys, "gate": queries, "value": keys}.items():
        mapped[f"{name[0]}_proj.weight"] = keras(f"{name}.kernel").transpose(1, 2, 0).reshape(heads * size, -1)
        mapped[f"{name[0]}_proj.bias"] = keras(f"{name}.bias").reshape(-1)
    mapped["out_proj.weight"] = keras("attention_output.kernel").reshape(queries * size, -1).transpose(1, 0)
    mapped["out_proj.bias"] = keras("attention_output.bias").reshape(-1)
    return mapped


@port("GroupQueryAttention", weights=_projections, mask=keep, integers="floats")
def group_query_attention(
    layer: Config,
    p: Parameters,
    query: Tensor,
    value: Tensor,
    key: Tensor | None = None,
    query_mask: Tensor | None = None,
    value_mask: Tensor | None = None,
    key_mask: Tensor | None = None,
    attention_mask: Tensor | None = None,
    return_attention_scores: bool = False,
    training: bool = False,
    use_causal_mask: bool = False,
) -> Any:
    key = value if key is None else key
    group, rest = divmod(layer.num_query_heads, layer.num_key_value_heads)
    if rest:
        raise ValueError("the heads of queries cannot share those of keys evenly")
    q = _heads(p, "q_proj", query, layer.head_dim)
    k, v = (
        _heads(p, name, x, layer.head_dim).repeat_interleave(group, dim=1)
        for name, x in (("k_proj", key), ("v_proj", value))
    )
    length, width = q.shape[-2], k.shape[-2]
    allowed = both(
        None if query_mask is None else query_mask[:, :, None],
        None if value_mask is None else value_mask[:, None, :],
        None if key_mask is None else key_mask[:, None, :],
        None if attention_mask is None else attention_mask.bool(),
        causal(length, width) if use_causal_mask else None,
        band(length, width, layer.sliding_window),
    )
    if allowed is not None:
        allowed = allowed.expand(len(query), length, width).unsqueeze(1).expand(*q.shape[:-1], width)
    # Keras leaves its fused path, and gives a query with nothing to look at zeros, in two cases
    is_fused = layer.dropout == 0 and not return_attention_scores
    mixed, shares = attend(q, k, v, allowed, layer.head_dim**-0.5, layer.dropout if training else 0.0, not is_fused)
    if layer.use_gate:
        mixed = mixed * torch.sigmoid(_heads(p, "g_proj", query, layer.head_dim))
    flat = mixed.transpose(1, 2).flatten(-2)
    output = F.linear(flat, p.tensors["out_proj.weight"], p.get("out_proj.bias"))
    return [output, shares] if return_attention_scores else output


def _heads(p: Parameters, name: str, x: Tensor, size: int) -> Tensor:
    """(batch, steps, features) to (batch, heads, steps, size)."""
    projected = F.linear(x, p.tensors[f"{name}.weight"], p.get(f"{name}.bias"))
    return projected.reshape(*projected.shape[:-1], projected.shape[-1] // size, size).transpose(1, 2)
