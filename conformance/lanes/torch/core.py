"""Dense, Embedding, Masking, Activation, Dropout and Identity in torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from .activations import activate
from .port import Config, Mapped, Parameters, Tensor, keep, keras, port


def linear_weights(layer: Config) -> Mapping[str, Mapped]:
    """torch keeps (out, in), Keras (in, out)."""
    return {"weight": keras("kernel").transpose(1, 0), "bias": keras("bias")}


@port("Dense", weights=linear_weights, mask=keep, integers="floats")
def dense(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return activate(layer.activation, F.linear(x.to(p.weight.dtype), p.weight, p.get("bias")))


def _is_word(layer: Config, x: Tensor, mask: Any) -> Any:
    return x.ne(0) if layer.mask_zero else None


@port("Embedding", weights=lambda layer: {"weight": keras("embeddings")}, mask=_is_word)
def embedding(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    """Without `padding_idx`, which would take the gradient of row 0 away. Conversion to an integer cuts towards 0."""
    return F.embedding(x.long(), p.weight)


def _has_a_value(layer: Config, x: Tensor, mask: Any) -> Tensor:
    return x.ne(layer.mask_value).any(dim=-1)


@port("Masking", mask=_has_a_value)
def masking(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return x.masked_fill(~_has_a_value(layer, x, None).unsqueeze(-1), 0)


@port("Activation", mask=keep)
def activation(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    """Booleans stay booleans where they are only moved; torch has no activation of them."""
    if x.dtype != torch.bool:
        return activate(layer.activation, x)
    y = activate(layer.activation, x.float())
    return y.bool() if layer.activation in (None, "linear", "relu") else y


@port("Dropout", mask=keep)
def dropout(layer: Config, p: Parameters, x: Tensor, training: bool | None = False) -> Tensor:
    """A `noise_shape` is a dropout of ones of that shape, multiplied in."""
    if layer.noise_shape is None:
        return F.dropout(x, layer.rate, training=bool(training))
    shape = [length if size is None else size for size, length in zip(layer.noise_shape, x.shape, strict=True)]
    return x * F.dropout(torch.ones(shape, dtype=x.dtype), layer.rate, training=bool(training))


@port("Identity", mask=keep)
def identity(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return x
