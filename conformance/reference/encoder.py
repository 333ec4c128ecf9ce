"""BERT's encoder: Devlin et al. 2018, section 3, and the Transformer of Vaswani et al. 2017, section 3.1.

Arguments and outputs are named as in Hugging Face transformers, whose documentation of `BertModel` says what
`hidden_states` holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import autograd.numpy as np
import numpy
from autograd.tracer import getval

from .activations import activate, tanh
from .base import Array, Layer, LayerError, Mutant, Shape, Weight, Weights, arg, make
from .multi_head_attention import MultiHeadAttention
from .traits import absent


def normalised(w: Weights, x: Array, epsilon: float) -> Array:
    """Layer normalisation over the last axis (Ba et al. 2016): gamma (x - mean) / sqrt(variance + epsilon) + beta."""
    centred = x - np.mean(x, axis=-1, keepdims=True)
    return w.gamma * centred / np.sqrt(np.mean(centred**2, axis=-1, keepdims=True) + epsilon) + w.beta


def _zeroed(weights: Mapping[str, Array], name: str) -> Mapping[str, Array]:
    return {name: np.zeros_like(weights[name])}


def _unmasked(layer: Any, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    given = [None if index == 1 else value for index, value in enumerate(args)]
    return given, {name: value for name, value in kwargs.items() if name != "attention_mask"}


class BertModel(Layer):
    """Embeddings, `num_hidden_layers` post-norm Transformer layers, and a pooler over the first token.

    input_ids, token_type_ids, position_ids: (batch, steps) integers; attention_mask: (batch, steps), 1 for a real
    token, 0 for one that no query looks at. Returns [last_hidden_state (batch, steps, hidden), pooler_output (batch,
    hidden), hidden_states[0], ..., hidden_states[num_hidden_layers]]: 1 + layers hidden states, the first of them the
    sum of word, position and segment embeddings after normalisation, the last of them last_hidden_state.
    """

    is_ours = True
    arithmetic = "rounds"
    native = absent("transformers has it, a package of its own")
    written_as_case = "an encoder is asked by configuration"

    vocab_size: int = arg("number of words", default=30522, at_least=1)
    hidden_size: int = arg("features of a token", default=768, at_least=1)
    num_hidden_layers: int = arg("number of layers", default=12, at_least=0)
    num_attention_heads: int = arg("number of heads; divides hidden_size", default=12, at_least=1)
    intermediate_size: int = arg("width between the two dense layers of a layer", default=3072, at_least=1)
    max_position_embeddings: int = arg("longest sequence", default=512, at_least=1)
    type_vocab_size: int = arg("number of segments", default=2, at_least=1)
    layer_norm_eps: float = arg("what is added to the variances", default=1e-12)
    pad_token_id: int | None = arg("word whose embedding gets no gradient; None trains all", default=0)
    hidden_act: Literal["gelu", "relu", "silu"] = arg("activation between the two dense layers", default="gelu")

    mutants = (
        Mutant(
            "layers_only", "leaves the embeddings out of hidden_states", output=lambda layer, y, args: [*y[:2], *y[3:]]
        ),
        Mutant("no_positions", "adds no positions", weights=lambda layer, w: _zeroed(w, "position.embeddings")),
        Mutant("no_segments", "adds no segments", weights=lambda layer, w: _zeroed(w, "segment.embeddings")),
        Mutant("other_epsilon", "has Keras' epsilon", config=lambda layer: {"layer_norm_eps": 1e-3}),
        Mutant("relu", "has another activation", config=lambda layer: {"hidden_act": "relu"}),
        Mutant("no_tanh", "pools without tanh", output=lambda layer, y, args: [y[0], np.arctanh(y[1]), *y[2:]]),
        Mutant("ignores_mask", "looks at padding", inputs=_unmasked),
    )

    def check(self) -> None:
        if self.num_attention_heads < 1 or self.hidden_size % self.num_attention_heads:
            raise LayerError(f"{self.num_attention_heads} heads do not divide {self.hidden_size} features")

    def _attention(self) -> Layer:
        heads = self.num_attention_heads
        return make(MultiHeadAttention.__name__, {"num_heads": heads, "key_dim": self.hidden_size // heads})

    def weights(self, input_ids: Shape, *others: Shape) -> Mapping[str, Weight]:
        hidden, between = self.hidden_size, self.intermediate_size
        held = {
            "word.embeddings": Weight((self.vocab_size, hidden), "table"),
            "position.embeddings": Weight((self.max_position_embeddings, hidden), "table"),
            "segment.embeddings": Weight((self.type_vocab_size, hidden), "table"),
            "norm.gamma": Weight((hidden,), "scale"),
            "norm.beta": Weight((hidden,), "bias"),
        }
        tokens = (*input_ids, hidden)
        for index in range(self.num_hidden_layers):
            layer = {f"attention.{name}": weight for name, weight in self._attention().weights(tokens, tokens).items()}
            layer |= {
                "attention_norm.gamma": Weight((hidden,), "scale"),
                "attention_norm.beta": Weight((hidden,), "bias"),
            }
            layer |= {"intermediate.kernel": Weight((hidden, between)), "intermediate.bias": Weight((between,), "bias")}
            layer |= {"output.kernel": Weight((between, hidden)), "output.bias": Weight((hidden,), "bias")}
            layer |= {"output_norm.gamma": Weight((hidden,), "scale"), "output_norm.beta": Weight((hidden,), "bias")}
            held |= {f"layer_{index}.{name}": weight for name, weight in layer.items()}
        return held | {"pooler.kernel": Weight((hidden, hidden)), "pooler.bias": Weight((hidden,), "bias")}

    def call(
        self,
        w: Weights,
        input_ids: Array,
        attention_mask: Any = None,
        token_type_ids: Any = None,
        position_ids: Any = None,
    ) -> list[Array]:
        steps = np.shape(input_ids)[1]
        if steps > self.max_position_embeddings:
            raise LayerError(f"{steps} tokens, but positions for {self.max_position_embeddings}")
        segments = numpy.zeros_like(input_ids) if token_type_ids is None else token_type_ids
        positions = numpy.arange(steps) if position_ids is None else position_ids
        words = w.arrays["word.embeddings"]
        if self.pad_token_id is not None:
            is_padding = numpy.arange(self.vocab_size)[:, None] == self.pad_token_id
            words = np.where(is_padding, getval(words), words)
        total = words[input_ids] + w.arrays["position.embeddings"][positions] + w.arrays["segment.embeddings"][segments]
        hidden = [normalised(w.within("norm"), total, self.layer_norm_eps)]
        for index in range(self.num_hidden_layers):
            hidden.append(self._layer(w.within(f"layer_{index}"), hidden[-1], attention_mask))
        pooled = tanh(np.dot(hidden[-1][:, 0], w.arrays["pooler.kernel"]) + w.arrays["pooler.bias"])
        return [hidden[-1], pooled, *hidden]

    def _layer(self, w: Weights, x: Array, attention_mask: Any) -> Array:
        allowed = None if attention_mask is None else np.asarray(attention_mask, dtype=bool)[:, None, :]
        attended = self._attention().call(w.within("attention"), x, x, attention_mask=allowed)
        x = normalised(w.within("attention_norm"), x + attended, self.layer_norm_eps)
        between = activate(self.hidden_act, np.dot(x, w.arrays["intermediate.kernel"]) + w.arrays["intermediate.bias"])
        output = np.dot(between, w.arrays["output.kernel"]) + w.arrays["output.bias"]
        return normalised(w.within("output_norm"), x + output, self.layer_norm_eps)

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return max(self.hidden_size, self.intermediate_size, int(shapes[0][1]))

    def rule(self, *shapes: Any) -> str:
        return f"hidden_states: 1 + {self.num_hidden_layers} = {1 + self.num_hidden_layers} entries"
