"""ReversibleEmbedding in torch: `F.embedding`, and `F.linear` with the same table on the way back."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from .port import Config, Parameters, Tensor, keras, port


def _weights(layer: Config) -> Any:
    return {"weight": keras("embeddings"), "reverse.weight": keras("reverse_embeddings").transpose(1, 0)}


def _is_word(layer: Config, x: Tensor, mask: Any) -> Any:
    return x.ne(0) if layer.mask_zero and not x.is_floating_point() else None


@port("ReversibleEmbedding", weights=_weights, mask=_is_word)
def reversible_embedding(layer: Config, p: Parameters, x: Tensor, reverse: bool = False) -> Tensor:
    if not reverse:
        return F.embedding(x.long(), p.weight)
    scores = F.linear(x, p.weight if layer.tie_weights else p.tensors["reverse.weight"])
    return scores if layer.logit_soft_cap is None else layer.logit_soft_cap * torch.tanh(scores / layer.logit_soft_cap)
