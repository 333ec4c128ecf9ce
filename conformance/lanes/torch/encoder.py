"""BERT's encoder from torch.nn: embeddings, `nn.TransformerEncoderLayer` in its post-norm form, and the pooler."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from .activations import activate
from .port import Config, Parameters, WeightMap, keras, port

Tensor = torch.Tensor


def _weights(layer: Config) -> WeightMap:
    """Names of `nn.TransformerEncoderLayer`, but that its `in_proj` is query, key and value one under the other."""
    hidden = layer.hidden_size
    mapped = {f"{name}.weight": keras(f"{name}.embeddings") for name in ("word", "position", "segment")}
    mapped |= {"norm.weight": keras("norm.gamma"), "norm.bias": keras("norm.beta")}
    for index in range(layer.num_hidden_layers):
        ours = {}
        for name in ("query", "key", "value"):
            ours[f"self_attn.{name}.weight"] = keras(f"attention.{name}.kernel").transpose(1, 2, 0).reshape(hidden, -1)
            ours[f"self_attn.{name}.bias"] = keras(f"attention.{name}.bias").reshape(-1)
        output = keras("attention.attention_output.kernel").reshape(hidden, -1).transpose(1, 0)
        ours |= {
            "self_attn.out_proj.weight": output,
            "self_attn.out_proj.bias": keras("attention.attention_output.bias"),
        }
        for native, name in (("linear1", "intermediate"), ("linear2", "output")):
            ours |= {
                f"{native}.weight": keras(f"{name}.kernel").transpose(1, 0),
                f"{native}.bias": keras(f"{name}.bias"),
            }
        for native, name in (("norm1", "attention_norm"), ("norm2", "output_norm")):
            ours |= {f"{native}.weight": keras(f"{name}.gamma"), f"{native}.bias": keras(f"{name}.beta")}
        mapped |= {f"layer_{index}.{name}": value.within(f"layer_{index}") for name, value in ours.items()}
    return mapped | {"pooler.weight": keras("pooler.kernel").transpose(1, 0), "pooler.bias": keras("pooler.bias")}


@port("BertModel", weights=_weights)
def bert_model(
    layer: Config,
    p: Parameters,
    input_ids: Tensor,
    attention_mask: Tensor | None = None,
    token_type_ids: Tensor | None = None,
    position_ids: Tensor | None = None,
) -> list[Tensor]:
    segments = torch.zeros_like(input_ids) if token_type_ids is None else token_type_ids
    positions = torch.arange(input_ids.shape[1]) if position_ids is None else position_ids
    total = (
        F.embedding(input_ids, p.tensors["word.weight"], padding_idx=layer.pad_token_id)
        + F.embedding(positions, p.tensors["position.weight"])
        + F.embedding(segments, p.tensors["segment.weight"])
    )
    norm = p.within("norm")
    hidden = [F.layer_norm(total, (layer.hidden_size,), norm.weight, norm.bias, layer.layer_norm_eps)]
    # left in training mode, without dropout: in evaluation mode torch takes a fused path of its own
    module = torch.nn.TransformerEncoderLayer(
        layer.hidden_size,
        layer.num_attention_heads,
        layer.intermediate_size,
        dropout=0.0,
        activation=lambda x: activate(layer.hidden_act, x),
        layer_norm_eps=layer.layer_norm_eps,
        batch_first=True,
    )
    padding = None if attention_mask is None else attention_mask == 0
    for index in range(layer.num_hidden_layers):
        parameters = _joined(p.within(f"layer_{index}").tensors)
        hidden.append(torch.func.functional_call(module, parameters, (hidden[-1],), {"src_key_padding_mask": padding}))
    pooled = torch.tanh(F.linear(hidden[-1][:, 0], p.tensors["pooler.weight"], p.tensors["pooler.bias"]))
    return [hidden[-1], pooled, *hidden]


def _joined(tensors: Any) -> dict[str, Tensor]:
    rest = {name: value for name, value in tensors.items() if name.split(".")[1] not in ("query", "key", "value")}
    for kind in ("weight", "bias"):
        parts = [tensors[f"self_attn.{name}.{kind}"] for name in ("query", "key", "value")]
        rest[f"self_attn.in_proj_{kind}"] = torch.cat(parts)
    return rest
