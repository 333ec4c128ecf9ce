"""nn.Embedding and nn.EmbeddingBag: rows of a table by their ids. The row of padding_idx gets no gradient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import autograd.numpy as np
import numpy
from autograd.tracer import getval

from conformance.counterpart import Counterpart, NoCounterpart, one_layer, same
from conformance.reference.base import Array, LayerError, Weight, Weights, arg
from conformance.reference.torch.base import Like, TorchLayer
from conformance.reference.traits import Axes, Drawn, asked

_MOVES = "it changes the table where it is called, and a call here changes nothing but statistics"


class _Table(TorchLayer):
    num_embeddings: int = arg("Rows of the table.", at_least=1)
    embedding_dim: int = arg("Length of a row.", at_least=1)

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        return ("steps",)[:rank]

    @classmethod
    def drawn(cls, config: Mapping[str, Any], name: str, shapes: Mapping[str, Sequence[int]]) -> Drawn:
        return Drawn("int32", {"integers": [0, config["num_embeddings"]]}) if name == "x" else Drawn()

    def padding(self) -> int | None:
        """The id of padding, counted from 0."""
        found = getattr(self, "padding_idx", None)
        if found is not None and not -self.num_embeddings <= found < self.num_embeddings:
            raise LayerError(f"padding_idx {found} is no row of a table of {self.num_embeddings}")
        return None if found is None else found % self.num_embeddings

    def check(self) -> None:
        self.padding()

    def weights(self, input: Any, *rest: Any) -> Mapping[str, Weight]:
        return {"weight": Weight((self.num_embeddings, self.embedding_dim), "table")}

    def table(self, w: Weights, input: Array) -> Array:
        """The table, whose row of padding no gradient reaches. Raises LayerError for an id that is no row."""
        ids = numpy.asarray(input)
        if ids.dtype.kind not in "iu":
            raise LayerError(f"{self.names[0]} takes integers, not {ids.dtype}")
        if ids.size and not (ids.min() >= 0 and ids.max() < self.num_embeddings):
            raise LayerError(f"ids from 0 to {self.num_embeddings - 1}, not {ids.min()} to {ids.max()}")
        pad = self.padding()
        if pad is None:
            return w.weight
        learns = (numpy.arange(self.num_embeddings) != pad).astype(float)[:, None]
        return w.weight * learns + getval(w.weight) * (1.0 - learns)

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return int(shapes[0][-1]) if shapes and shapes[0] else 1


class Embedding(_Table):
    """The row of each id. input: integers of any shape; returns the same shape with rows on a last axis."""

    names = ("nn.Embedding",)
    arithmetic = "moves"
    example = asked("nn.Embedding(30, 4, padding_idx=0)", "5")
    not_here: ClassVar = {
        "max_norm": _MOVES,
        "norm_type": "it belongs to max_norm",
        "scale_grad_by_freq": "it is a matter of single steps of training",
        "sparse": "it changes how gradients are kept, and no number",
    }
    padding_idx: int | None = arg("The row that gets no gradient.", default=None)

    def call(self, w: Weights, input: Array) -> Array:
        return self.table(w, input)[input]

    def counterpart(self, input: Like) -> Counterpart:
        if self.padding() is not None:
            raise NoCounterpart(
                "in Keras every row of an Embedding learns; the values are the same, and a mask over the loss, as "
                "mask_zero makes one, keeps gradients from the row of 0"
            )
        config = {"input_dim": self.num_embeddings, "output_dim": self.embedding_dim}
        return one_layer("Embedding", config, {"embeddings": same("weight")})


class EmbeddingBag(_Table):
    """The sum, mean or maximum of the rows of each bag; ids of padding are left out.

    input: (bags, ids). per_sample_weights: the same shape, for sums. Returns (bags, embedding_dim); zeros of none.
    """

    names = ("nn.EmbeddingBag",)
    arithmetic = "rounds"
    example = asked("nn.EmbeddingBag(30, 4, mode='sum')", "5")
    positional = ("num_embeddings", "embedding_dim")
    not_here: ClassVar = {
        "max_norm": _MOVES,
        "norm_type": "it belongs to max_norm",
        "scale_grad_by_freq": "it is a matter of single steps of training",
        "sparse": "it changes how gradients are kept, and no number",
        "include_last_offset": "bags are rows here, and have no offsets",
    }
    mode: Literal["sum", "mean", "max"] = arg("What is made of the rows of a bag.", default="mean")
    padding_idx: int | None = arg("The id that is left out.", default=None)

    def call(self, w: Weights, input: Array, per_sample_weights: Any = None) -> Array:
        if np.ndim(input) != 2:
            raise LayerError(f"nn.EmbeddingBag takes (bags, ids) here, not {np.shape(input)}")
        if per_sample_weights is not None and self.mode != "sum":
            raise LayerError("per_sample_weights are for mode='sum'")
        rows, pad = self.table(w, input)[input], self.padding()
        real = numpy.ones(np.shape(input)) if pad is None else (numpy.asarray(input) != pad).astype(float)
        if self.mode == "max":
            if not real.any(axis=1).all():
                raise LayerError("the maximum of an empty bag is not documented")
            return np.max(np.where(real[:, :, None] > 0, rows, -np.inf), axis=1)
        if per_sample_weights is not None:
            rows = rows * per_sample_weights[:, :, None]
        total = np.sum(rows * real[:, :, None], axis=1)
        return total / numpy.maximum(real.sum(axis=1), 1.0)[:, None] if self.mode == "mean" else total

    def counterpart(self, input: Like, per_sample_weights: Any = None) -> Counterpart:
        if self.padding() is not None:
            raise NoCounterpart("Keras has no bags: Embedding with mask_zero and GlobalAveragePooling1D leave out id 0")
        rows = "layer(input)" if per_sample_weights is None else "layer(input) * expand_dims(per_sample_weights, -1)"
        config = {"input_dim": self.num_embeddings, "output_dim": self.embedding_dim}
        return one_layer("Embedding", config, {"embeddings": same("weight")}, f"{self.mode}({rows}, axis=1)")
