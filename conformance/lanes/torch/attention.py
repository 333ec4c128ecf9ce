"""Attention in torch, on `scaled_dot_product_attention` where no scores are asked for.

Torch gives zeros for a query with nothing to look at, Keras the mean of the values (and zeros where scores are asked
for): such rows are opened by hand.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from .port import Config, Parameters, keep, keras, port

Tensor = torch.Tensor


def attend(
    query: Tensor, key: Tensor, value: Tensor, allowed: Tensor | None, scale: float, dropout: float, with_scores: bool
) -> tuple[Tensor, Tensor | None]:
    """(..., T, size) and (..., S, size) to the mean of the values (..., T, value size), and the weights if wanted."""
    nothing = None
    if allowed is not None:
        nothing = ~allowed.any(dim=-1, keepdim=True)
        allowed = allowed | nothing
    if not with_scores:
        if nothing is not None:
            query = query.masked_fill(nothing, 0.0)
        return F.scaled_dot_product_attention(query, key, value, allowed, dropout, scale=scale), None
    scores = query @ key.transpose(-2, -1) * scale
    if allowed is not None:
        scores = scores.masked_fill(~allowed, float("-inf"))
    shares = torch.softmax(scores, dim=-1)
    if nothing is not None:
        shares = shares.masked_fill(nothing, 0.0)
    return F.dropout(shares, dropout) @ value, shares


def causal(queries: int, keys: int) -> Tensor:
    """Query i sees the keys up to i."""
    return torch.ones(queries, keys, dtype=torch.bool).tril()


def both(*masks: Tensor | None) -> Tensor | None:
    """AND of the masks that are there; None when none is."""
    result = None
    for mask in masks:
        if mask is not None:
            result = mask if result is None else result & mask
    return result


def _projections(layer: Config) -> dict[str, Any]:
    """Torch keeps a projection as (out, in), with the heads one after the other in `out`."""
    heads, value = layer.num_heads, layer.value_dim or layer.key_dim
    sizes = {"query": layer.key_dim, "key": layer.key_dim, "gate": value, "value": value}
    mapped = {}
    for name, size in sizes.items():
        short = f"{name[0]}_proj"
        mapped[f"{short}.weight"] = keras(f"{name}.kernel").transpose(1, 2, 0).reshape(heads * size, -1)
        mapped[f"{short}.bias"] = keras(f"{name}.bias").reshape(-1)
    mapped["out_proj.weight"] = keras("attention_output.kernel").reshape(heads * value, -1).transpose(1, 0)
    mapped["out_proj.bias"] = keras("attention_output.bias").reshape(-1)
    return mapped


@port("MultiHeadAttention", weights=_projections, mask=keep, integers="floats")
def multi_head_attention(
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
    axes = _axes(layer, query.ndim)
    rows, columns = _positions(query, axes), _positions(key, axes)
    q, k = _heads(layer, p, "q_proj", rows), _heads(layer, p, "k_proj", columns)
    v = _heads(layer, p, "v_proj", _positions(value, axes))
    length, width = q.shape[-2], k.shape[-2]
    if attention_mask is not None:
        attention_mask = attention_mask.bool().flatten(-len(axes)).flatten(-1 - len(axes), -2)
    allowed = both(
        None if query_mask is None else query_mask[..., :, None],
        None if value_mask is None else value_mask[..., None, :],
        None if key_mask is None else key_mask[..., None, :],
        attention_mask,
        causal(length, width) if use_causal_mask else None,
        band(length, width, layer.sliding_window),
    )
    if allowed is not None:
        allowed = allowed.reshape(*allowed.shape[:-2], *(1,) * (q.ndim - allowed.ndim), *allowed.shape[-2:])
        allowed = allowed.expand(*q.shape[:-1], width)
    dropout = layer.dropout if training else 0.0
    # Keras leaves its fused path, and gives a query with nothing to look at zeros, in three cases
    is_fused = layer.dropout == 0 and query.ndim == 3 and not return_attention_scores
    mixed, shares = attend(q, k, v, allowed, layer.key_dim**-0.5, dropout, not is_fused)
    if layer.use_gate:
        mixed = mixed * torch.sigmoid(_heads(layer, p, "g_proj", rows))
    flat = F.linear(mixed.transpose(-3, -2).flatten(-2), p.tensors["out_proj.weight"], p.get("out_proj.bias"))
    features = (layer.output_shape,) if isinstance(layer.output_shape, int) else layer.output_shape
    features = features or (query.shape[-1],)
    output = _restored(flat.reshape(*flat.shape[:-1], *features), query.shape, axes)
    if shares is None or not return_attention_scores:
        return output
    return [output, shares.reshape(*shares.shape[:-2], *(x.shape[axis] for x in (query, key) for axis in axes))]


def _axes(layer: Config, rank: int) -> tuple[int, ...]:
    axes = layer.attention_axes
    if axes is None:
        return tuple(range(1, rank - 1))
    return tuple(axis % rank for axis in ((axes,) if isinstance(axes, int) else axes))


def _positions(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    return x.movedim(axes, tuple(range(-1 - len(axes), -1))).flatten(-1 - len(axes), -2)


def _restored(x: Tensor, like: torch.Size, axes: tuple[int, ...]) -> Tensor:
    first = len(like) - 1 - len(axes)
    opened = x.reshape(*x.shape[:first], *(like[axis] for axis in axes), *x.shape[first + 1 :])
    return torch.movedim(opened, tuple(range(first, first + len(axes))), axes)


def _heads(layer: Config, p: Parameters, name: str, x: Tensor) -> Tensor:
    """(..., positions, features) to (..., heads, positions, size)."""
    projected = F.linear(x, p.tensors[f"{name}.weight"], p.get(f"{name}.bias"))
    size = projected.shape[-1] // layer.num_heads
    return projected.reshape(*projected.shape[:-1], layer.num_heads, size).transpose(-3, -2)


def band(queries: int, keys: int, width: int | None) -> Tensor | None:
    if width is None:
        return None
    return (torch.arange(queries)[:, None] - torch.arange(keys)).abs() < width


def first_mask(layer: Config, x: Any, mask: Any) -> Tensor | None:
    """The query's mask goes on."""
    return None if mask is None else mask[0]


def _three(inputs: Any) -> tuple[Tensor, Tensor, Tensor]:
    if isinstance(inputs, Tensor) or not 2 <= len(inputs) <= 3:
        raise ValueError("attention takes a list of a query, a value and perhaps a key")
    return inputs[0], inputs[1], inputs[-1]


def _scores_and_mean(
    layer: Config, scores: Tensor, value: Tensor, mask: Any, training: bool, with_scores: bool, is_causal: bool
) -> Any:
    query_mask, value_mask = (None, None) if mask is None else mask[:2]
    allowed = both(
        None if value_mask is None else value_mask[:, None, :], causal(*scores.shape[-2:]) if is_causal else None
    )
    if allowed is not None:
        nothing = ~allowed.any(dim=-1, keepdim=True)
        scores = scores.masked_fill(nothing, 0.0).masked_fill(~(allowed | nothing), float("-inf"))
    shares = F.dropout(torch.softmax(scores, dim=-1), layer.dropout if training else 0.0)
    mean = shares @ value
    if query_mask is not None:
        mean = mean.masked_fill(~query_mask[..., None], 0.0)
    return [mean, shares] if with_scores else mean


@port(
    "Attention",
    weights=lambda layer: {"scale": keras("scale"), "concat": keras("concat_score_weight")},
    mask=first_mask,
    integers="floats",
)
def attention(
    layer: Config,
    p: Parameters,
    inputs: list[Tensor],
    mask: Any = None,
    training: bool = False,
    return_attention_scores: bool = False,
    use_causal_mask: bool = False,
) -> Any:
    query, value, key = _three(inputs)
    scale = p.scale if layer.use_scale else 1.0
    if layer.score_mode == "dot":
        scores = query @ key.transpose(-2, -1) * scale
    else:
        scores = p.concat * torch.tanh(scale * (query.unsqueeze(-2) + key.unsqueeze(-3))).sum(dim=-1)
    return _scores_and_mean(layer, scores, value, mask, training, return_attention_scores, use_causal_mask)


@port("AdditiveAttention", weights=lambda layer: {"scale": keras("scale")}, mask=first_mask, integers="floats")
def additive_attention(
    layer: Config,
    p: Parameters,
    inputs: list[Tensor],
    mask: Any = None,
    training: bool = False,
    return_attention_scores: bool = False,
    use_causal_mask: bool = False,
) -> Any:
    query, value, key = _three(inputs)
    sums = torch.tanh(query.unsqueeze(-2) + key.unsqueeze(-3))
    scores = sums @ p.scale if layer.use_scale else sums.sum(dim=-1)
    return _scores_and_mean(layer, scores, value, mask, training, return_attention_scores, use_causal_mask)
