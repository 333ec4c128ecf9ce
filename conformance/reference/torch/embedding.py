"""nn.Embedding and nn.EmbeddingBag: rows of a table by their ids. The row of padding_idx gets no gradient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import autograd.numpy as np
import numpy
from autograd.tracer import getval

from conformance.counterpart import Counterpart, NoCounterpart, one_layer, same
from conformance.reference.base import Array, LayerError, Weight, Weights, arg
from conformance.reference.torch.base import Like, TorchLayer, norm, plain
from conformance.reference.traits import Axes, Drawn, asked

_PER_STEP = "it divides gradients by how often an id is there, in single steps of training"
_SPARSE = "it changes how gradients are kept, and no number"
_NO_NORM = "Keras' Embedding leaves rows as long as they are; embeddings_constraint, after a step, comes nearest"


class _Table(TorchLayer):
    num_embeddings: int = arg("Rows of the table.", at_least=1)
    embedding_dim: int = arg("Length of a row.", at_least=1)
    max_norm: float | None = arg("How long a row may be that is looked up; a longer one is shortened.", default=None)
    norm_type: float = arg("The p of that length.", default=2.0)
    in_place: ClassVar = ("weight",)

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
        whole = w.state.get("weight", w.weight)
        if self.max_norm is not None:
            whole = w.state["weight"] = self._shortened(whole, ids)
        pad = self.padding()
        if pad is None:
            return whole
        learns = (numpy.arange(self.num_embeddings) != pad).astype(float)[:, None]
        return whole * learns + getval(whole) * (1.0 - learns)

    def _shortened(self, whole: Array, ids: Any) -> Array:
        """The table with shorter rows of these ids; of what made them shorter gradients know nothing."""
        held = plain(whole)
        lengths = norm(held, self.norm_type, 1, keepdims=True)
        is_longer = numpy.isin(numpy.arange(self.num_embeddings), ids)[:, None] & (lengths > self.max_norm)
        return whole + numpy.where(is_longer, held * (self.max_norm or 0.0) / (lengths + 1e-7) - held, 0.0)

    def computes(self) -> Any:
        return self.arithmetic if self.max_norm is None else "rounds"

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return int(shapes[0][-1]) if shapes and shapes[0] else 1


class Embedding(_Table):
    """The row of each id. input: integers of any shape; returns the same shape with rows on a last axis."""

    names = ("nn.Embedding",)
    arithmetic = "moves"
    example = asked("nn.Embedding(30, 4, padding_idx=0)", "5")
    positional = ("num_embeddings", "embedding_dim", "padding_idx", "max_norm", "norm_type")
    not_here: ClassVar = {"scale_grad_by_freq": _PER_STEP, "sparse": _SPARSE}
    padding_idx: int | None = arg("The row that gets no gradient.", default=None)

    def call(self, w: Weights, input: Array) -> Array:
        return self.table(w, input)[input]

    def counterpart(self, input: Like) -> Counterpart:
        if self.max_norm is not None:
            raise NoCounterpart(_NO_NORM)
        if self.padding() is not None:
            raise NoCounterpart(
                "in Keras every row of an Embedding learns; the values are the same, and a mask over the loss, as "
                "mask_zero makes one, keeps gradients from the row of 0"
            )
        config = {"input_dim": self.num_embeddings, "output_dim": self.embedding_dim}
        return one_layer("Embedding", config, {"embeddings": same("weight")})


class EmbeddingBag(_Table):
    """The sum, mean or maximum of the rows of each bag; ids of padding are left out.

    input: (bags, ids), or all ids in a row and in `offsets` where each bag begins. per_sample_weights: the shape of
    input, for sums. Returns (bags, embedding_dim); zeros of an empty bag.
    """

    names = ("nn.EmbeddingBag",)
    arithmetic = "rounds"
    example = asked("nn.EmbeddingBag(30, 4, mode='sum')", "5")
    positional = ("num_embeddings", "embedding_dim", "max_norm", "norm_type")
    not_here: ClassVar = {
        "scale_grad_by_freq": _PER_STEP,
        "sparse": _SPARSE,
        "include_last_offset": "leave the last offset out",
    }
    mode: Literal["sum", "mean", "max"] = arg("What is made of the rows of a bag.", default="mean")
    padding_idx: int | None = arg("The id that is left out.", default=None)

    def call(self, w: Weights, input: Array, offsets: Any = None, per_sample_weights: Any = None) -> Array:
        if np.ndim(input) != (2 if offsets is None else 1):
            raise LayerError(f"nn.EmbeddingBag takes (bags, ids), or (ids,) and offsets, not {np.shape(input)}")
        if per_sample_weights is not None and self.mode != "sum":
            raise LayerError("per_sample_weights are for mode='sum'")
        if offsets is not None:
            return self._bags(w, input, numpy.asarray(offsets), per_sample_weights)
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

    def _bags(self, w: Weights, input: Array, offsets: Any, per_sample_weights: Any) -> Array:
        """One bag after another, each a row of ids of its own."""
        if offsets.ndim != 1 or offsets[:1].tolist() != [0] or (numpy.diff(offsets) < 0).any():
            raise LayerError(f"offsets begin with 0 and grow, not {offsets.tolist()}")
        ends = [*offsets[1:].tolist(), len(input)]
        found = []
        for start, end in zip(offsets.tolist(), ends, strict=True):
            own = None if per_sample_weights is None else per_sample_weights[None, start:end]
            is_empty = start == end
            bag = np.zeros((1, self.embedding_dim)) if is_empty else self.call(w, input[None, start:end], None, own)
            found.append(bag)
        return np.concatenate(found, axis=0)

    def counterpart(self, input: Like, offsets: Any = None, per_sample_weights: Any = None) -> Counterpart:
        if self.max_norm is not None:
            raise NoCounterpart(_NO_NORM)
        if offsets is not None:
            raise NoCounterpart("Keras has no bags of unequal lengths: pad them, with mask_zero")
        if self.padding() is not None:
            raise NoCounterpart("Keras has no bags: Embedding with mask_zero and GlobalAveragePooling1D leave out id 0")
        rows = "layer(input)" if per_sample_weights is None else "layer(input) * expand_dims(per_sample_weights, -1)"
        config = {"input_dim": self.num_embeddings, "output_dim": self.embedding_dim}
        return one_layer("Embedding", config, {"embeddings": same("weight")}, f"{self.mode}({rows}, axis=1)")
