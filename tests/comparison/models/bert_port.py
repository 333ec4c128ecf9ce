"""transformers' BertModel with the weights of KerasHub's backbone: right, and with one mistake each."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from drawn import drawn
from transformers import BertConfig, BertModel

SIZE, INNER, HEADS = 8, 16, 2


def _put(target: Any, array: Any) -> None:
    target.data.copy_(torch.from_numpy(np.ascontiguousarray(array)))


def _linear(module: Any, path: str, shape: tuple[int, ...]) -> None:
    inside = 2 if path.endswith("attention_output") else 1
    kernel = drawn(f"{path}/kernel", shape)
    rows = int(np.prod(shape[:inside]))
    _put(module.weight, kernel.reshape(rows, -1).T)
    _put(module.bias, drawn(f"{path}/bias", shape[inside:]).reshape(-1))


def _norm(module: Any, path: str) -> None:
    _put(module.weight, drawn(f"{path}/gamma", (SIZE,)))
    _put(module.bias, drawn(f"{path}/beta", (SIZE,)))


def _built(**changed: Any) -> Any:
    config = {
        "vocab_size": 50,
        "hidden_size": SIZE,
        "num_hidden_layers": 2,
        "num_attention_heads": HEADS,
        "intermediate_size": INNER,
        "max_position_embeddings": 12,
        "layer_norm_eps": 1e-12,
        "hidden_act": "gelu_new",  # KerasHub's backbone approximates gelu by tanh
        "attn_implementation": "eager",
        **changed,
    }
    port: Any = BertModel(BertConfig(**config))
    embeddings = port.embeddings
    _put(embeddings.word_embeddings.weight, drawn("token_embedding/embeddings", (50, SIZE)))
    _put(embeddings.position_embeddings.weight, drawn("position_embedding/embeddings", (12, SIZE)))
    _put(embeddings.token_type_embeddings.weight, drawn("segment_embedding/embeddings", (2, SIZE)))
    _norm(embeddings.LayerNorm, "embeddings_layer_norm")
    for number, layer in enumerate(port.encoder.layer):
        path = f"transformer_layer_{number}"
        heads = (SIZE, HEADS, SIZE // HEADS)
        for name in ("query", "key", "value"):
            _linear(getattr(layer.attention.self, name), f"{path}/self_attention_layer/{name}", heads)
        out = (HEADS, SIZE // HEADS, SIZE)
        _linear(layer.attention.output.dense, f"{path}/self_attention_layer/attention_output", out)
        _norm(layer.attention.output.LayerNorm, f"{path}/self_attention_layer_norm")
        _linear(layer.intermediate.dense, f"{path}/feedforward_intermediate_dense", (SIZE, INNER))
        _linear(layer.output.dense, f"{path}/feedforward_output_dense", (INNER, SIZE))
        _norm(layer.output.LayerNorm, f"{path}/feedforward_layer_norm")
    _linear(port.pooler.dense, "pooled_dense", (SIZE, SIZE))
    return port.eval()


class _Unmasked(torch.nn.Module):
    """Looks at padding."""

    def __init__(self) -> None:
        super().__init__()
        self.bert = _built()

    def forward(self, input_ids: Any, token_type_ids: Any, attention_mask: Any) -> Any:
        return self.bert(input_ids=input_ids, token_type_ids=token_type_ids)


def right() -> Any:
    return _built()


def epsilon() -> Any:
    return _built(layer_norm_eps=1e-5)


def gelu() -> Any:
    return _built(hidden_act="gelu")


def attention_mask() -> Any:
    return _Unmasked().eval()


def not_transposed() -> Any:
    port = _built()
    weight = port.encoder.layer[1].attention.output.dense.weight
    _put(weight, weight.detach().numpy().T.copy())
    return port
