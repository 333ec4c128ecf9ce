"""The layers of a transformer: attention and two linear layers, each added to its input and normalised.

Source: the documentation of nn.TransformerEncoderLayer and nn.TransformerDecoderLayer; Vaswani et al. 2017.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

import autograd.numpy as np

from conformance.counterpart import Counterpart, KerasLayer, moved, same
from conformance.mapping import Mapped
from conformance.reference.activations import activate
from conformance.reference.base import Array, LayerError, Weight, Weights, arg
from conformance.reference.torch.attention import MultiheadAttention, attention_mask
from conformance.reference.torch.base import Like, TorchLayer, normalised
from conformance.reference.traits import Axes, asked


class _Transformer(TorchLayer):
    """What encoder and decoder layers share: attention, two linear layers, normalisations; each added to its input."""

    arithmetic = "rounds"
    d_model: int = arg("Features.", at_least=1)
    nhead: int = arg("Heads.", at_least=1)
    dim_feedforward: int = arg("Features between the two linear layers.", default=2048, at_least=1)
    dropout: float = arg("Share that is left out in training.", default=0.1)
    activation: Literal["relu", "gelu"] = arg("Between the two linear layers.", default="relu")
    layer_norm_eps: float = arg("What normalisations add to the variance.", default=1e-5)
    batch_first: bool = arg("Whether the batch comes before the steps.", default=False)
    norm_first: bool = arg("Whether normalisations come before the parts, not after the sums.", default=False)
    bias: bool = arg("Whether linear layers and normalisations have a bias.", default=True)

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        return ("steps" if name in ("x", "tgt") else "sources", "features")[:rank]

    @classmethod
    def batch_place(cls, config: Mapping[str, Any]) -> int:
        return 0 if config.get("batch_first") else 1

    def attention(self) -> MultiheadAttention:
        return MultiheadAttention(embed_dim=self.d_model, num_heads=self.nhead, bias=self.bias, batch_first=True)

    def parts(self) -> tuple[str, ...]:
        """The attentions, by the names of torch's submodules."""
        return ("self_attn",)

    def weights(self, *shapes: Any) -> Mapping[str, Weight]:
        d, f = self.d_model, self.dim_feedforward
        held: dict[str, Weight] = {}
        for part in self.parts():
            held |= {f"{part}.{key}": weight for key, weight in self.attention().weights(None, None, None).items()}
        for name, shape in (("linear1", (f, d)), ("linear2", (d, f))):
            held[f"{name}.weight"] = Weight(shape)
            if self.bias:
                held[f"{name}.bias"] = Weight(shape[:1], "bias")
        for number in range(1, len(self.parts()) + 2):
            held[f"norm{number}.weight"] = Weight((d,), "scale")
            if self.bias:
                held[f"norm{number}.bias"] = Weight((d,), "bias")
        return held

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return max(self.d_model, self.dim_feedforward)

    def check(self) -> None:
        self.attention().check()

    def normal(self, w: Weights, number: int, x: Array) -> Array:
        y = normalised(x, (-1,), self.layer_norm_eps) * w.arrays[f"norm{number}.weight"]
        return y + w.arrays[f"norm{number}.bias"] if self.bias else y

    def forward(self, w: Weights, x: Array) -> Array:
        """The two linear layers."""
        b1, b2 = (w.arrays[f"linear{n}.bias"] if self.bias else 0.0 for n in (1, 2))
        between = x @ np.transpose(w.arrays["linear1.weight"]) + b1
        return activate(self.activation, between) @ np.transpose(w.arrays["linear2.weight"]) + b2

    def added(self, w: Weights, x: Array, *parts: Callable[[Array], Array]) -> Array:
        """x plus what each part gives, one after another, each sum or each part's input normalised."""
        for number, part in enumerate(parts, 1):
            x = x + part(self.normal(w, number, x)) if self.norm_first else self.normal(w, number, x + part(x))
        return x

    def refuse_training(self, training: bool | None) -> None:
        if training and self.dropout:
            raise LayerError("numbers are left out at random in training: nothing is to be compared")

    def turned(self, x: Array) -> Array:
        """Between torch's order of axes and (batch, steps, features), either way."""
        return x if self.batch_first else np.swapaxes(x, 0, 1)

    def keras_layers(self) -> dict[str, KerasLayer]:
        held = {}
        for part in self.parts():
            held[part] = self.attention().keras_layer(f"{part}.")
        for name, units, activation in (
            ("linear1", self.dim_feedforward, self.activation),
            ("linear2", self.d_model, "linear"),
        ):
            weights = {"kernel": moved(Mapped(f"{name}.weight").transpose(1, 0))}
            if self.bias:
                weights["bias"] = same(f"{name}.bias")
            held[name] = KerasLayer("Dense", {"units": units, "activation": activation, "use_bias": self.bias}, weights)
        for number in range(1, len(self.parts()) + 2):
            weights = {"gamma": same(f"norm{number}.weight")}
            if self.bias:
                weights["beta"] = same(f"norm{number}.bias")
            config = {"epsilon": self.layer_norm_eps, "center": self.bias}
            held[f"norm{number}"] = KerasLayer("LayerNormalization", config, weights)
        return held

    def keras_steps(self, first: str, attentions: list[str]) -> Counterpart:
        """Each part is a call over `@`, its input; they are added one after another."""
        nodes = [("x0", first if self.batch_first else f"transpose({first}, [1, 0, 2])")]
        parts = [*attentions, "linear2(linear1(@))"]
        for number, part in enumerate(parts, 1):
            x = f"x{number - 1}"
            if self.norm_first:
                text = f"{x} + {part.replace('@', f'norm{number}({x})')}"
            else:
                text = f"norm{number}({x} + {part.replace('@', x)})"
            nodes.append((f"x{number}", text))
        last = f"x{len(parts)}"
        return Counterpart(
            last if self.batch_first else f"transpose({last}, [1, 0, 2])", self.keras_layers(), tuple(nodes)
        )


class TransformerEncoderLayer(_Transformer):
    """Attention to itself and two linear layers. src: (steps, batch, d_model), or the batch first."""

    names = ("nn.TransformerEncoderLayer",)
    example = asked("nn.TransformerEncoderLayer(6, 2, dim_feedforward=5, batch_first=True)", "4,6")

    def call(
        self,
        w: Weights,
        src: Array,
        src_mask: Any = None,
        src_key_padding_mask: Any = None,
        training: bool | None = None,
    ) -> Array:
        self.refuse_training(training)

        def to_itself(y: Array) -> Array:
            return self.attention().call(
                w.within("self_attn"), y, y, y, src_key_padding_mask, src_mask, need_weights=False
            )

        return self.turned(self.added(w, self.turned(src), to_itself, partial(self.forward, w)))

    def counterpart(self, src: Like, src_mask: Any = None, src_key_padding_mask: Any = None) -> Counterpart:
        options = attention_mask(src_mask=src_mask, src_key_padding_mask=src_key_padding_mask)
        return self.keras_steps("src", [f"self_attn(@, @{options})"])


class TransformerDecoderLayer(_Transformer):
    """Attention to itself, attention to a memory, and two linear layers. tgt and memory: (steps, batch, d_model)."""

    names = ("nn.TransformerDecoderLayer",)
    example = asked("nn.TransformerDecoderLayer(6, 2, dim_feedforward=5, batch_first=True)", "4,6", "5,6")

    def parts(self) -> tuple[str, ...]:
        return ("self_attn", "multihead_attn")

    def call(
        self,
        w: Weights,
        tgt: Array,
        memory: Array,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        training: bool | None = None,
    ) -> Array:
        self.refuse_training(training)
        m = self.turned(memory)

        def to_itself(y: Array) -> Array:
            return self.attention().call(
                w.within("self_attn"), y, y, y, tgt_key_padding_mask, tgt_mask, need_weights=False
            )

        def to_memory(y: Array) -> Array:
            return self.attention().call(
                w.within("multihead_attn"), y, m, m, memory_key_padding_mask, memory_mask, need_weights=False
            )

        return self.turned(self.added(w, self.turned(tgt), to_itself, to_memory, partial(self.forward, w)))

    def counterpart(
        self,
        tgt: Like,
        memory: Like,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
    ) -> Counterpart:
        own = attention_mask(tgt_mask=tgt_mask, tgt_key_padding_mask=tgt_key_padding_mask)
        other = attention_mask(memory_mask=memory_mask, memory_key_padding_mask=memory_key_padding_mask)
        found = self.keras_steps("tgt", [f"self_attn(@, @{own})", f"multihead_attn(@, m{other})"])
        first = ("m", "memory" if self.batch_first else "transpose(memory, [1, 0, 2])")
        return Counterpart(found.result, found.layers, (first, *found.nodes))
