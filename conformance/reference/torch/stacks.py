"""Layers of a transformer on top of each other: nn.TransformerEncoder, nn.TransformerDecoder and nn.Transformer.

Source: the documentation of each; Vaswani et al. 2017.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from conformance.counterpart import Composition, Counterpart
from conformance.reference.base import Array, Layer, LayerError, Weight, Weights, arg
from conformance.reference.torch.base import Like, TorchLayer
from conformance.reference.torch.normalization import LayerNorm
from conformance.reference.torch.transformer import TransformerDecoderLayer, TransformerEncoderLayer
from conformance.reference.traits import Axes, asked

_FAST = "it says how torch computes; what comes out at padding is compared with the plain way"


class _Stack(TorchLayer):
    """So many layers alike, each with weights of its own, and a normalisation after them, if any."""

    arithmetic = "rounds"
    kind: ClassVar[type[TransformerEncoderLayer] | type[TransformerDecoderLayer]] = TransformerEncoderLayer
    field: ClassVar[str] = "encoder_layer"
    num_layers: int = arg("How often.", at_least=1)
    norm: Layer | None = arg("A normalisation after the last one.", default=None)

    @classmethod
    def batch_place(cls, config: Mapping[str, Any]) -> int:
        return 0 if (config.get(cls.field) or {}).get("batch_first") else 1

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        return ("sources" if name == "memory" else "steps", "features")[:rank]

    def inner(self) -> Any:
        """The layer that is repeated."""
        return getattr(self, self.field)

    def check(self) -> None:
        if not isinstance(self.inner(), self.kind):
            raise LayerError(f"{self.field} is a {self.kind.names[0]}, not {type(self.inner()).__name__}")
        if self.norm is not None and not isinstance(self.norm, LayerNorm):
            raise LayerError(f"norm is an nn.LayerNorm here, not {type(self.norm).__name__}")

    def weights(self, *shapes: Any) -> Mapping[str, Weight]:
        held = {
            f"layers.{place}.{name}": weight
            for place in range(self.num_layers)
            for name, weight in self.inner().weights().items()
        }
        own = {} if self.norm is None else self.norm.weights(None)
        return {**held, **{f"norm.{name}": weight for name, weight in own.items()}}

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return int(self.inner().longest_sum(weights, *shapes))

    def through(self, w: Weights, x: Array, *rest: Any, training: bool | None) -> Array:
        """x through all layers, each given the same of everything else."""
        for place in range(self.num_layers):
            x = self.inner().call(w.within(f"layers.{place}"), x, *rest, training=training)
        return x if self.norm is None else self.norm.call(w.within("norm"), x)

    def composed(self, first: str, x: Like, *rest: Any, **others: str) -> Counterpart:
        """The counterparts of all layers, of which the first takes `first`, and the others what came before."""
        whole, last = Composition(), first
        for place in range(self.num_layers):
            inner = self.inner().counterpart(x, *rest)
            last = whole.call(inner, f"layer{place}", f"layers.{place}", **{first: last}, **others)
        if self.norm is not None:
            last = whole.call(self.norm.counterpart(x), "normal", "norm", input=last)  # type: ignore[attr-defined]  # checked
        return whole.counterpart(last)


class TransformerEncoder(_Stack):
    """nn.TransformerEncoderLayer, num_layers times. src: (steps, batch, d_model), or the batch first, as the layer is.

    mask: (steps, steps); src_key_padding_mask: (batch, steps). Both hide where they are true.
    """

    names = ("nn.TransformerEncoder",)
    example = asked(
        "nn.TransformerEncoder(nn.TransformerEncoderLayer(6, 2, dim_feedforward=5, batch_first=True), 2)", "4,6"
    )
    not_here: ClassVar = {"enable_nested_tensor": _FAST, "mask_check": "it belongs to enable_nested_tensor"}
    positional = ("encoder_layer", "num_layers", "norm")
    encoder_layer: Layer = arg("The layer that is repeated.")

    def call(
        self, w: Weights, src: Array, mask: Any = None, src_key_padding_mask: Any = None, training: bool | None = None
    ) -> Array:
        return self.through(w, src, mask, src_key_padding_mask, training=training)

    def counterpart(self, src: Like, mask: Any = None, src_key_padding_mask: Any = None) -> Counterpart:
        return self.composed("src", src, mask, src_key_padding_mask, src_mask="mask")


class TransformerDecoder(_Stack):
    """nn.TransformerDecoderLayer, num_layers times, each over the same memory. tgt and memory: (steps, batch, d_model).

    tgt_mask: (targets, targets), memory_mask: (targets, sources), the others (batch, steps): all hide where true.
    """

    names = ("nn.TransformerDecoder",)
    kind = TransformerDecoderLayer
    field = "decoder_layer"
    example = asked(
        "nn.TransformerDecoder(nn.TransformerDecoderLayer(6, 2, dim_feedforward=5, batch_first=True), 2)", "4,6", "5,6"
    )
    positional = ("decoder_layer", "num_layers", "norm")
    decoder_layer: Layer = arg("The layer that is repeated.")

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
        masks = (tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask)
        return self.through(w, tgt, memory, *masks, training=training)

    def counterpart(
        self,
        tgt: Like,
        memory: Like,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
    ) -> Counterpart:
        masks = (tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask)
        return self.composed("tgt", tgt, memory, *masks)


class Transformer(TorchLayer):
    """An encoder of src, and a decoder of tgt over what it gives, both with a normalisation at their end.

    src: (sources, batch, d_model), tgt: (targets, batch, d_model), or the batch first. Masks hide where they are true.
    """

    names = ("nn.Transformer",)
    arithmetic = "rounds"
    example = asked(
        "nn.Transformer(6, 2, num_encoder_layers=1, num_decoder_layers=1, dim_feedforward=5, batch_first=True)",
        "5,6",
        "4,6",
    )
    not_here: ClassVar = {
        "custom_encoder": "it is a module of one's own: ask nn.TransformerEncoder",
        "custom_decoder": "it is a module of one's own: ask nn.TransformerDecoder",
    }
    d_model: int = arg("Features.", default=512, at_least=1)
    nhead: int = arg("Heads.", default=8, at_least=1)
    num_encoder_layers: int = arg("Layers of the encoder.", default=6, at_least=1)
    num_decoder_layers: int = arg("Layers of the decoder.", default=6, at_least=1)
    dim_feedforward: int = arg("Features between the two linear layers.", default=2048, at_least=1)
    dropout: float = arg("Share that is left out in training.", default=0.1)
    activation: Literal["relu", "gelu"] = arg("Between the two linear layers.", default="relu")
    layer_norm_eps: float = arg("What normalisations add to the variance.", default=1e-5)
    batch_first: bool = arg("Whether the batch comes before the steps.", default=False)
    norm_first: bool = arg("Whether normalisations come before the parts, not after the sums.", default=False)
    bias: bool = arg("Whether linear layers and normalisations have a bias.", default=True)

    @classmethod
    def batch_place(cls, config: Mapping[str, Any]) -> int:
        return 0 if config.get("batch_first") else 1

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        return ("sources" if name == "src" else "targets", "features")[:rank]

    @classmethod
    def implied(cls, shapes: Sequence[Sequence[int]]) -> Sequence[Sequence[int]]:
        """Of one input the second is like it."""
        return [shapes[0], shapes[0]] if len(shapes) == 1 else shapes

    def encoder(self) -> TransformerEncoder:
        """The first half, whose weights are under `encoder`."""
        layer = TransformerEncoderLayer(**self._shared())
        return TransformerEncoder(encoder_layer=layer, num_layers=self.num_encoder_layers, norm=self._norm())

    def decoder(self) -> TransformerDecoder:
        """The second half, whose weights are under `decoder`."""
        layer = TransformerDecoderLayer(**self._shared())
        return TransformerDecoder(decoder_layer=layer, num_layers=self.num_decoder_layers, norm=self._norm())

    def _shared(self) -> dict[str, Any]:
        """The arguments of the layers of both halves, which are called the same here."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(TransformerEncoderLayer)}

    def _norm(self) -> LayerNorm:
        return LayerNorm(normalized_shape=self.d_model, eps=self.layer_norm_eps, bias=self.bias)

    def check(self) -> None:
        self.encoder().inner().check()

    def weights(self, *shapes: Any) -> Mapping[str, Weight]:
        halves = {"encoder": self.encoder().weights(), "decoder": self.decoder().weights()}
        return {f"{half}.{name}": weight for half, held in halves.items() for name, weight in held.items()}

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return max(self.d_model, self.dim_feedforward)

    def call(
        self,
        w: Weights,
        src: Array,
        tgt: Array,
        src_mask: Any = None,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        src_key_padding_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        training: bool | None = None,
    ) -> Array:
        memory = self.encoder().call(w.within("encoder"), src, src_mask, src_key_padding_mask, training)
        masks = (tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask)
        return self.decoder().call(w.within("decoder"), tgt, memory, *masks, training)

    def counterpart(
        self,
        src: Like,
        tgt: Like,
        src_mask: Any = None,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        src_key_padding_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
    ) -> Counterpart:
        whole = Composition()
        first = self.encoder().counterpart(src, src_mask, src_key_padding_mask)
        memory = whole.call(first, "encoder", "encoder", mask="src_mask")
        masks = (tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask)
        second = self.decoder().counterpart(tgt, src, *masks)
        return whole.counterpart(whole.call(second, "decoder", "decoder", memory=memory))
