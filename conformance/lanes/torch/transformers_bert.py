"""The lane `transformers`: the real `transformers.BertModel`, with the harness's weights; it can do nothing else.

Imported for that lane only, so that the torch lane does not need the package.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import transformers

from conformance.protocol.adapter import Identity

from .port import Config, Mapped, Parameters, Port, WeightMap, drop, keras

Tensor = torch.Tensor
library: Any = transformers  # its annotations lag behind what it takes


def _weights(layer: Config) -> WeightMap:
    """Every parameter of `transformers.BertModel` by its own name."""
    hidden = layer.hidden_size
    mapped = {
        "embeddings.word_embeddings.weight": keras("word.embeddings"),
        "embeddings.position_embeddings.weight": keras("position.embeddings"),
        "embeddings.token_type_embeddings.weight": keras("segment.embeddings"),
        "embeddings.LayerNorm.weight": keras("norm.gamma"),
        "embeddings.LayerNorm.bias": keras("norm.beta"),
    }
    for index in range(layer.num_hidden_layers):
        ours: dict[str, Mapped] = {}
        for name in ("query", "key", "value"):
            kernel = keras(f"attention.{name}.kernel").transpose(1, 2, 0).reshape(hidden, -1)
            ours |= {f"attention.self.{name}.weight": kernel}
            ours |= {f"attention.self.{name}.bias": keras(f"attention.{name}.bias").reshape(-1)}
        output = keras("attention.attention_output.kernel").reshape(hidden, -1).transpose(1, 0)
        ours |= {"attention.output.dense.weight": output}
        ours |= {"attention.output.dense.bias": keras("attention.attention_output.bias")}
        for name in ("intermediate", "output"):
            ours |= {f"{name}.dense.weight": keras(f"{name}.kernel").transpose(1, 0)}
            ours |= {f"{name}.dense.bias": keras(f"{name}.bias")}
        for native, name in (("attention.output", "attention_norm"), ("output", "output_norm")):
            ours |= {f"{native}.LayerNorm.weight": keras(f"{name}.gamma")}
            ours |= {f"{native}.LayerNorm.bias": keras(f"{name}.beta")}
        mapped |= {f"encoder.layer.{index}.{name}": value.within(f"layer_{index}") for name, value in ours.items()}
    return mapped | {
        "pooler.dense.weight": keras("pooler.kernel").transpose(1, 0),
        "pooler.dense.bias": keras("pooler.bias"),
    }


def bert_model(
    layer: Config,
    p: Parameters,
    input_ids: Tensor,
    attention_mask: Tensor | None = None,
    token_type_ids: Tensor | None = None,
    position_ids: Tensor | None = None,
) -> list[Tensor]:
    """[last_hidden_state, pooler_output, *hidden_states] as the model itself returns them."""
    config = library.BertConfig(
        vocab_size=layer.vocab_size,
        hidden_size=layer.hidden_size,
        num_hidden_layers=layer.num_hidden_layers,
        num_attention_heads=layer.num_attention_heads,
        intermediate_size=layer.intermediate_size,
        max_position_embeddings=layer.max_position_embeddings,
        type_vocab_size=layer.type_vocab_size,
        layer_norm_eps=layer.layer_norm_eps,
        hidden_act=layer.hidden_act,
        pad_token_id=layer.pad_token_id,
        attn_implementation="eager",
    )
    model = library.BertModel(config).eval()
    owned = {name for name, _ in model.named_parameters()}
    if owned != set(p.tensors):
        raise ValueError(f"parameters that are not the harness's: {', '.join(sorted(owned ^ set(p.tensors)))}")
    given = {"attention_mask": attention_mask, "token_type_ids": token_type_ids, "position_ids": position_ids}
    output = torch.func.functional_call(model, dict(p.tensors), (input_ids,), {**given, "output_hidden_states": True})
    return [output.last_hidden_state, output.pooler_output, *output.hidden_states]


OVERRIDES: dict[str, Port] = {"BertModel": Port("BertModel", bert_model, _weights, drop)}
"""The ports of the lane `transformers`."""


def start(options: Mapping[str, Any]) -> Any:
    """The adapter: the torch lane with these ports alone, under the versions of both packages."""
    from .lane import TorchLane
    from .lane import start as start_torch

    base = start_torch(options).identity
    identity = Identity(
        versions={"transformers": str(library.__version__), **base.versions},
        files={"transformers": str(library.__file__), **base.files},
        gives_masks=False,
    )
    return TorchLane(OVERRIDES, identity)
